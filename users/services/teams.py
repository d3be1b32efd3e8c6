"""The team tree, and the `team_scope` that follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm.core.settings_services import delete_setting, require_admin
from users.models import Organisation, Team, User
from users.selectors import scope_of, subtree, team_parents


@transaction.atomic
def recompute_team_scopes(users: Collection[int] | None = None) -> int:
    """Set `team_scope` (home team and all below the managed teams) of these users, or of all. Returns how many changed."""
    parents = team_parents()
    managed: dict[int, list[int]] = defaultdict(list)
    for team, manager in Team.objects.exclude(manager=None).values_list("pk", "manager_id"):
        managed[manager].append(team)
    rows = User.objects.filter(pk__in=users) if users is not None else User.objects.all()
    changed = []
    for user in rows.order_by("pk").select_for_update().only("pk", "team_id", "team_scope"):
        wanted = scope_of(user.team_id, managed[user.pk], parents)
        if user.team_scope != wanted:
            user.team_scope = wanted
            changed.append(user)
    User.objects.bulk_update(changed, ["team_scope"], batch_size=500)
    return len(changed)


def _lock_tree() -> None:
    """One change of the tree at a time: two moves that are fine alone could close a circle together."""
    Organisation.objects.select_for_update().filter(pk=1).first()


def _save(team: Team, values: Mapping[str, Any]) -> Team:
    for name in ("name", "parent", "manager"):
        if name in values:
            setattr(team, name, values[name])
    team.name = " ".join(team.name.split())
    if team.parent_id and team.pk and team.parent_id in subtree([team.pk], team_parents()):
        raise ValidationError({"parent": _("A team can't be below itself. Choose another parent team.")}, code="cycle")
    if team.manager is not None and not team.manager.is_active:
        raise ValidationError({"manager": _("Choose somebody active.")}, code="inactive")
    team.full_clean()
    team.save()
    recompute_team_scopes()
    return team


@transaction.atomic
def create_team(values: Mapping[str, Any], *, actor: Any) -> Team:
    """`values`: name, parent (Team or None), manager (User or None)."""
    require_admin(actor)
    _lock_tree()
    return _save(Team(), values)


@transaction.atomic
def update_team(team: Team, values: Mapping[str, Any], *, actor: Any) -> Team:
    """Rename, move in the tree or give another manager; everybody's sight follows at once."""
    require_admin(actor)
    _lock_tree()
    return _save(Team.objects.select_for_update(of=("self",)).get(pk=team.pk), values)


@transaction.atomic
def delete_team(team: Team, *, actor: Any) -> None:
    """Only one that no user, record, rule or other team hangs on."""
    require_admin(actor)
    _lock_tree()
    delete_setting(team, actor=actor)
    recompute_team_scopes()
