"""What the mail app tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class MailSent(Event):
    """A mail to a customer left (notices to colleagues are not told)."""

    name: ClassVar[str] = "mail.sent"
    subject_type: ClassVar[str] = "mail.outgoingmail"
    key: str


@dataclass(frozen=True, kw_only=True)
class MailFailed(Event):
    """A mail that a person wrote will not leave."""

    name: ClassVar[str] = "mail.failed"
    subject_type: ClassVar[str] = "mail.outgoingmail"
