"""All writes of saved views and of how lists look."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.core.access import can
from crm.core.saved.models import LONGEST_QUERY, SavedView

MOST_OWN = 100  # views of one user on one list


@transaction.atomic
def save_view(slug: str, *, actor: Any, name: str, query: str, shared: str = "") -> SavedView:
    """A new view of `actor`. ValidationError by field: a second one of that name, a query too long to keep, no team to share with."""
    if SavedView.objects.filter(owner=actor, record_slug=slug).count() >= MOST_OWN:
        raise ValidationError({"name": _("You have %(n)s views of this list. Delete one first.") % {"n": MOST_OWN}})
    view = SavedView(record_slug=slug, owner=actor, name=name, query=query, shared=shared, team=_team(actor, shared))
    _save(view)
    change_look(slug, actor=actor)
    return view


@transaction.atomic
def change_view(view: SavedView, *, actor: Any, **changes: Any) -> SavedView:
    """Another name, query or circle. PermissionDenied for whoever only may see it; ValidationError as `save_view`."""
    view = _locked(view, actor)
    for field, value in changes.items():
        setattr(view, field, value)
    if "shared" in changes and view.shared == SavedView.Shared.TEAM and view.team is None:
        view.team = _team(view.owner, view.shared)
    view.version += 1
    _save(view)
    change_look(view.record_slug, actor=actor)
    return view


@transaction.atomic
def delete_view(view: SavedView, *, actor: Any) -> None:
    """Gone for all who saw it; whose list opened with it, opens as usual again."""
    view = _locked(view, actor)
    slug = view.record_slug
    view.delete()
    change_look(slug, actor=actor)


def _locked(view: SavedView, actor: Any) -> SavedView:
    found = SavedView.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=view.pk).first()
    if found is None or not can(actor, "change", found):
        raise PermissionDenied
    return found


def _team(user: Any, shared: str) -> int | None:
    if shared == SavedView.Shared.TEAM and user.team_id is None:
        raise ValidationError({"shared": _("You are in no team. Share it with everybody, or with nobody.")})
    return user.team_id if shared == SavedView.Shared.TEAM else None


def _save(view: SavedView) -> None:
    if len(view.query) > LONGEST_QUERY:
        raise ValidationError({"name": _("This view has too many filters to be saved.")})
    view.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise ValidationError({"name": _("You have a view of this name already.")}) from error


@transaction.atomic
def change_look(slug: str, *, actor: Any, **changes: Any) -> None:
    """Keep wishes for one list (`columns`, `widths`, `default`; `tabs` adds to those there are); empty ones are forgotten."""
    lists = _lists(actor)
    mine = lists.get(slug, {})
    if "tabs" in changes:
        changes["tabs"] = {**mine.get("tabs", {}), **changes["tabs"]}
    mine = {name: value for name, value in {**mine, **changes}.items() if value}
    _keep(actor, {**lists, slug: mine})


@transaction.atomic
def change_density(compact: bool, *, actor: Any) -> None:
    """Low rows or high ones, in all lists."""
    _keep(actor, {**_lists(actor), "compact": compact})


def _lists(actor: Any) -> dict[str, Any]:
    """What the user has kept so far, locked: two tabs must not undo each other's changes."""
    return get_user_model().objects.select_for_update().values_list("lists", flat=True).get(pk=actor.pk)  # type: ignore[attr-defined]


def _keep(actor: Any, lists: dict[str, Any]) -> None:
    actor.lists = {**lists, "stamp": lists.get("stamp", 0) + 1}
    get_user_model().objects.filter(pk=actor.pk).update(lists=actor.lists)  # type: ignore[attr-defined]
