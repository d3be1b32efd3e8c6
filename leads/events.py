"""What happens to leads beyond the kernel's created, changed, assigned, deleted and restored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class LeadStatusChanged(Event):
    """Leads moved to another status by a person. `old_status_ids` maps lead id (as text) to the status it had."""

    name: ClassVar[str] = "leads.status_changed"
    subject_type: ClassVar[str] = "leads.lead"
    status_id: int
    status: str
    kind: str
    reason: str
    old_status_ids: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class LeadConverted(Event):
    """A lead became a person, perhaps with a company and a deal. Ids are None for what was not made or chosen."""

    name: ClassVar[str] = "leads.converted"
    subject_type: ClassVar[str] = "leads.lead"
    company_id: int | None
    contact_id: int | None
    deal_id: int | None


@dataclass(frozen=True, kw_only=True)
class LeadConversionUndone(Event):
    """A conversion was taken back within its day: the lead is open again."""

    name: ClassVar[str] = "leads.conversion_undone"
    subject_type: ClassVar[str] = "leads.lead"


@dataclass(frozen=True, kw_only=True)
class LeadConsentRecorded(Event):
    """A lead allowed or withdrew a channel."""

    name: ClassVar[str] = "leads.consent_recorded"
    subject_type: ClassVar[str] = "leads.lead"
    channel: str
    given: bool
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class SubmissionProcessed(Event):
    """A form entry was worked into a new lead (`known` False) or attached to a known lead or contact.

    The subject is the lead; for a known contact `lead_id` is None, `subject_ids` is empty and `contact_id` is set.
    """

    name: ClassVar[str] = "leads.submission_processed"
    subject_type: ClassVar[str] = "leads.lead"
    submission_id: int
    lead_id: int | None
    contact_id: int | None
    owner_id: int | None
    known: bool
