"""Roles: what each may do, kept as own / team / all / none per record type and action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.access import ACTIONS, Scope
from crm.core.settings_services import locked, require_admin
from crm.core.writes import StaleRecord
from users.grants import ADMIN, AREAS, DEFAULT_ROLES, TEAM, reports
from users.models import Role

BUILT_IN = frozenset(role["slug"] for role in DEFAULT_ROLES)
REACH = [Scope.NONE.value, Scope.OWN.value, Scope.TEAM.value, Scope.ALL.value]


def clean_grants(grants: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Only known actions and scopes, nothing that is the admins' own, and no right that reaches further than sight."""
    clean: dict[str, dict[str, str]] = {}
    for key, actions in grants.items():
        if key in AREAS:
            continue
        granted = {action: str(actions.get(action, Scope.NONE)) for action in ACTIONS}
        if any(scope not in REACH for scope in granted.values()):
            raise ValidationError({"grants": _("Choose none, own, team or all.")}, code="scope")
        for action in ACTIONS:
            if REACH.index(granted[action]) > REACH.index(granted["view"]):
                raise ValidationError({"grants": _("A role can't do more than it can see: widen “view” or narrow the others.")}, code="wider_than_view")
        clean[key] = granted
    return clean


@transaction.atomic
def create_role(*, name: str, like: Role | None = None, actor: Any) -> Role:
    """A new role, starting with the grants of `like` (an admin's are not copied)."""
    require_admin(actor)
    name = " ".join(name.split())
    _check_name(name, None)
    grants = {key: value for key, value in (like.grants if like and not like.is_admin else {}).items() if key not in AREAS}
    role = Role(slug=_free_slug(name), name=name, grants=reports(TEAM) | grants)
    role.full_clean(exclude=["grants"])
    role.save()
    return role


def _check_name(name: str, pk: int | None) -> None:
    if not name:
        raise ValidationError({"name": _("Enter a name.")}, code="required")
    if Role.objects.filter(name__iexact=name).exclude(pk=pk).exists():
        raise ValidationError({"name": _("There is a role of this name already.")}, code="taken")


def _free_slug(name: str) -> str:
    base = slugify(name)[:34] or "role"
    taken = set(Role.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))] if slug not in taken)


@transaction.atomic
def update_role(role: Role, *, name: str | None = None, grants: Mapping[str, Mapping[str, str]] | None = None, actor: Any, version: int | None = None) -> Role:
    """Rename, or set the grants of the record types named in `grants`; the others stay. An admin's grants can't be narrowed."""
    require_admin(actor)
    row = locked(role)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    if name is not None:
        row.name = " ".join(name.split())
        _check_name(row.name, row.pk)
    if grants is not None:
        if row.is_admin:
            raise ValidationError({"grants": _("Administrators may always do everything.")}, code="admin")
        row.grants = {**row.grants, **clean_grants(grants)}
    row.full_clean(exclude=["grants"])
    row.version += 1
    row.save(update_fields=["name", "grants", "version"])
    return row


@transaction.atomic
def delete_role(role: Role, *, actor: Any) -> None:
    """Only a role that Rapport did not bring along and that nobody has."""
    require_admin(actor)
    row = locked(role)
    if row.slug in BUILT_IN or row.slug == ADMIN or row.is_admin:
        raise ValidationError(_("This role came with Rapport and stays. You can rename it and change its rights."), code="built_in")
    holders, invited = row.users.count(), row.invitation_set.count()
    if holders:
        text = ngettext("%(count)s user has this role. Give them another one first.", "%(count)s users have this role. Give them another one first.", holders)
        raise ValidationError(text % {"count": holders}, code="used")
    if invited:
        row.invitation_set.exclude(accepted_at=None, withdrawn_at=None).delete()
        if row.invitation_set.exists():
            raise ValidationError(_("An open invitation gives this role. Withdraw it first."), code="invited")
    row.delete()
