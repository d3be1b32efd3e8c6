"""Somebody leaves: their work goes to a successor and every session ends, in one transaction."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.context import hooks
from crm.core.settings_services import require_admin
from users.models import Invitation, Team, User
from users.services.people import guard_last_admin, require_an_admin
from users.services.teams import recompute_team_scopes


@transaction.atomic
def deactivate_user(user: User, successor: User | None, *, actor: Any) -> User:
    """Nobody can sign in as `user` any more, from this moment on. Records, open tasks and managed teams go to `successor`
    (None: records stay with the owner who has left, teams lose their manager)."""
    require_admin(actor)
    guard_last_admin()
    row = User.objects.select_for_update(of=("self",)).select_related("role").get(pk=user.pk)
    if actor is not None and actor.pk == row.pk:
        raise ValidationError(_("You can't deactivate yourself. Ask another administrator."), code="self")
    if not row.is_active:
        raise ValidationError(_("%(name)s has been deactivated already.") % {"name": row}, code="inactive")
    if successor is not None and (successor.pk == row.pk or not User.objects.filter(pk=successor.pk, is_active=True).exists()):
        raise ValidationError({"successor": _("Choose somebody active who stays.")}, code="successor")
    row.is_active = False
    row.version += 1
    row.save(update_fields=["is_active", "version"])
    require_an_admin(_("This is the last administrator. Make somebody else one first."))
    _hand_over_teams(row, successor)
    Invitation.objects.filter(invited_by=row, accepted_at=None, withdrawn_at=None).update(withdrawn_at=timezone.now())
    for hand_over in hooks("deactivate"):  # records, open tasks, meetings: composed in crm.wiring
        hand_over(row, successor, actor)
    end_sessions(row)
    return row


def _hand_over_teams(row: User, successor: User | None) -> None:
    managed = Team.objects.filter(manager=row)
    if managed.update(manager=successor):
        recompute_team_scopes()


@transaction.atomic
def reactivate_user(user: User, *, actor: Any) -> User:
    """They may sign in again with their old password; what was handed over stays where it is."""
    require_admin(actor)
    row = User.objects.select_for_update(of=("self",)).select_related("role").get(pk=user.pk)
    if row.is_active:
        raise ValidationError(_("%(name)s is active already.") % {"name": row}, code="active")
    row.is_active = True
    row.version += 1
    row.save(update_fields=["is_active", "version"])
    recompute_team_scopes([row.pk])
    return row


@transaction.atomic
def end_sessions(user: User, *, actor: Any = None) -> int:
    """Delete every session of the user, those that allauth did not note included. Returns how many there were.

    The session table does not say whose a row is, so the unexpired ones are read: they are few, and people leave rarely.
    """
    require_admin(actor)
    noted = set(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    alive = Session.objects.filter(expire_date__gte=timezone.now())
    theirs = {row.session_key for row in alive.iterator() if row.get_decoded().get(SESSION_KEY) == str(user.pk)}
    UserSession.objects.filter(user=user).delete()
    deleted, _rows = Session.objects.filter(session_key__in=noted | theirs).delete()
    return deleted
