"""Users: made, changed, kept in step with their sign-in addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm.core.settings_services import require_admin
from crm.core.writes import StaleRecord
from users import selectors
from users.models import Organisation, Role, Team, User
from users.services.teams import recompute_team_scopes


def guard_last_admin() -> None:
    """Taken before anything that may remove an admin: two of them demoting each other at once must wait for one another."""
    Organisation.objects.select_for_update().filter(pk=1).first()


def require_an_admin(message: str, field: str | None = None) -> None:
    """Called after the change, inside its transaction: undoes it when nobody could open the settings any more."""
    if not selectors.active_admins().exists():
        raise ValidationError({field: message} if field else message, code="last_admin")


def clean_address(address: str, *, user: User | None = None) -> str:
    """The address in lower case; ValidationError when somebody else signs in with it."""
    address = address.strip().lower()
    pk = user.pk if user else None
    taken = User.objects.filter(email=address).exclude(pk=pk).exists()
    if taken or EmailAddress.objects.filter(email=address, verified=True).exclude(user_id=pk).exists():
        raise ValidationError({"email": _("Somebody signs in with this address already.")}, code="taken")
    return address


def keep_address(user: User) -> None:
    """allauth's own table says the same as `user.email`: one verified, primary address. People come by invitation, which proves it."""
    others = EmailAddress.objects.filter(user=user).exclude(email=user.email)
    others.delete()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True, "verified": True})


@transaction.atomic
def create_user(
    *, email: str, name: str, role: Role | str, team: Team | None = None, password: str | None = None, actor: Any = None, recompute: bool = True, **values: Any
) -> User:
    """Make somebody who can sign in. `role` may be a slug; without a password they must set one by mail. `actor=None` is the system.

    Zone and language default to the organisation's.
    """
    require_admin(actor)
    found = Role.objects.get(slug=role) if isinstance(role, str) else role
    organisation = selectors.organisation()
    defaults = {"time_zone": organisation.time_zone, "language": organisation.language}
    user = User(email=clean_address(email), name=" ".join(name.split()), role=found, team=team, is_staff=found.is_admin, **{**defaults, **values})
    user.password = make_password(password)
    user.full_clean(exclude=["password"])
    user.save()
    keep_address(user)
    if team is not None and recompute:
        recompute_team_scopes([user.pk])
        user.refresh_from_db(fields=["team_scope"])
    return user


@transaction.atomic
def update_user(user: User, values: Mapping[str, Any], *, actor: Any, version: int | None = None) -> User:
    """An admin changes name, e-mail, role or team. Nobody gives up their own admin role by accident, and one admin always stays."""
    require_admin(actor)
    guard_last_admin()
    row = User.objects.select_for_update(of=("self",)).select_related("role").get(pk=user.pk)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    was_admin = row.is_admin
    for name in ("name", "role", "team"):
        if name in values:
            setattr(row, name, values[name])
    if "email" in values:
        row.email = clean_address(values["email"], user=row)
    if was_admin and not row.is_admin and actor is not None and actor.pk == row.pk:
        raise ValidationError({"role": _("You can't take the administrator role from yourself. Ask another administrator.")}, code="self")
    row.is_staff = row.role.is_admin
    row.full_clean(exclude=["password"])
    row.version += 1
    row.save(update_fields=["name", "email", "role", "team", "is_staff", "version"])
    keep_address(row)
    require_an_admin(_("This is the last administrator. Make somebody else one first."), "role")
    if "team" in values:
        recompute_team_scopes([row.pk])
    return row


def require_self_or_admin(user: User, actor: Any) -> None:
    if actor is not None and actor.pk != user.pk and not actor.is_admin:
        raise PermissionDenied(_("You can only change your own profile."))
