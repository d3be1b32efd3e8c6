"""Invitations: a mail with a signed link that works once, for seven days."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.settings_services import locked, require_admin
from users import selectors
from users.models import Invitation, Role, Team, User
from users.services.account_mail import queue_account_mail
from users.services.people import clean_address, create_user

VALID = timedelta(days=7)
SALT = "users.invitation"


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """Random and signed: a made-up link is refused without asking the database."""
    return signing.Signer(salt=SALT, sep="~").sign(secrets.token_urlsafe(32))


def invitation_for(token: str) -> Invitation | None:
    """The invitation that this link opens now; None when it is used, withdrawn, too old or made up."""
    try:
        signing.Signer(salt=SALT, sep="~").unsign(token)
    except signing.BadSignature:
        return None
    found = Invitation.objects.select_related("role", "team").filter(token_digest=digest_of(token), accepted_at=None, withdrawn_at=None).first()
    return found if found and found.expires_at > timezone.now() else None


@transaction.atomic
def invite_user(*, email: str, name: str, role: Role, team: Team | None = None, actor: Any) -> Invitation:
    """Ask somebody to join. An open invitation to the same address is replaced."""
    require_admin(actor)
    email = clean_address(email)
    Invitation.objects.filter(email=email, accepted_at=None, withdrawn_at=None).update(withdrawn_at=timezone.now())
    token = new_token()
    invitation = Invitation(email=email, name=" ".join(name.split()), role=role, team=team, invited_by=actor)
    invitation.token_digest, invitation.expires_at = digest_of(token), timezone.now() + VALID
    invitation.full_clean()
    invitation.save()
    _send(invitation, token, actor)
    return invitation


@transaction.atomic
def resend_invitation(invitation: Invitation, *, actor: Any) -> Invitation:
    """A new link for another seven days; the old link stops working."""
    require_admin(actor)
    row = locked(invitation)
    _require_open(row)
    clean_address(row.email)
    token = new_token()
    row.token_digest, row.expires_at, row.invited_by = digest_of(token), timezone.now() + VALID, actor
    row.save(update_fields=["token_digest", "expires_at", "invited_by"])
    _send(row, token, actor)
    return row


@transaction.atomic
def withdraw_invitation(invitation: Invitation, *, actor: Any) -> Invitation:
    """The link stops working."""
    require_admin(actor)
    row = locked(invitation)
    _require_open(row)
    row.withdrawn_at = timezone.now()
    row.save(update_fields=["withdrawn_at"])
    return row


def _require_open(row: Invitation) -> None:
    if row.accepted_at:
        raise ValidationError(_("This invitation has been accepted already."), code="accepted")
    if row.withdrawn_at:
        raise ValidationError(_("This invitation has been withdrawn already."), code="withdrawn")


def _send(invitation: Invitation, token: str, actor: Any) -> None:
    organisation = selectors.organisation()
    url = settings.BASE_URL + reverse("invitation", args=[token])
    context = {"invitation": invitation, "organisation": organisation, "url": url, "inviter": actor, "days": VALID.days}
    with translation.override(organisation.language):
        queue_account_mail(
            to_address=invitation.email,
            to_name=invitation.name,
            subject=render_to_string("users/mail/invitation.subject.txt", context).strip(),
            text=render_to_string("users/mail/invitation.txt", context),
            html=render_to_string("users/mail/invitation.html", context),
            user=actor,
        )


@transaction.atomic
def accept_invitation(token: str, *, name: str, password: str) -> User | None:
    """Make the user and use up the link. None when the link does not work (any more): of two clicks at once one wins."""
    found = invitation_for(token)
    if found is None:
        return None
    row = Invitation.objects.select_for_update(of=("self",)).select_related("role", "team").get(pk=found.pk)
    if row.accepted_at or row.withdrawn_at or row.token_digest != digest_of(token) or row.expires_at <= timezone.now():
        return None
    user = create_user(email=row.email, name=name, role=row.role, team=row.team, password=password)
    row.accepted_at = timezone.now()
    row.save(update_fields=["accepted_at"])
    return user
