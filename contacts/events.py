"""What happens to people besides the generic facts of every record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class ConsentRecorded(Event):
    """A person allowed or withdrew a channel."""

    name: ClassVar[str] = "contacts.consent_recorded"
    subject_type: ClassVar[str] = "contacts.contact"
    channel: str
    given: bool
    source: str = ""
