"""Mails about accounts: invitations, password resets, changes of the address. They go through the ledger of the mail app."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

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
