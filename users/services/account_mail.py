"""Mails about accounts: invitations, password resets, changes of the address. They go through the ledger of the mail app."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from crm.core.settings_services import require_admin

QUEUE = "mail.services.queue_mail"  # by name: users stands below mail


@transaction.atomic
def queue_account_mail(*, to_address: str, subject: str, text: str, html: str = "", to_name: str = "", user: Any = None, key: str | None = None) -> Any:
    """Put a mail into the ledger, in the caller's transaction. The same `key` twice is queued once."""
    return import_string(QUEUE)(
        purpose="account",
        to_address=to_address,
        to_name=to_name,
        subject=" ".join(subject.split())[:250],
        text=text,
        html=html,
        user=user if getattr(user, "pk", None) else None,
        key=key,
    )


@transaction.atomic
def queue_test_mail(address: str, *, actor: Any) -> Any:
    """A mail that shows whether mails arrive; it takes the same way as all others."""
    require_admin(actor)
    subject = _("Test mail from Rapport")
    text = _("This mail was sent from the settings of %(url)s. Mail works.") % {"url": settings.BASE_URL}
    return queue_account_mail(to_address=address, subject=subject, text=text, user=actor)
