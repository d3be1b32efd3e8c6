"""What leads allowed, and when: the log on the row."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Consent, Contact
from contacts.services import record_consent
from crm.core.access import can
from crm.core.events import emit
from crm.core.writes import lock
from leads.events import LeadConsentRecorded
from leads.models import Lead

MOST = 200  # entries that are kept, beside the newest of each channel


@transaction.atomic
def record_lead_consent(lead: Lead, channel: str, given: bool, source: str, *, actor: Any, text: str = "") -> Lead:
    """Note that the lead allowed (`given`) or withdrew the channel; `source` says how we know. Saying the same thing twice changes nothing.

    Raises ValidationError for an unknown channel, when the lead has become a contact, who is heeded from then on, and when the actor may not change the
    lead (None: the system may both).
    """
    row: Lead = lock(lead)
    if actor is not None and not can(actor, "change", row):
        raise ValidationError(_("You may not change this lead. Ask its owner."), code="permission")
    if actor is not None and row.converted_contact_id is not None:
        raise ValidationError(_("This lead has become a contact. Note it there."), code="converted")
    latest = row.current_consents.get(channel)
    if latest is not None and latest["given"] == given:
        return row
    said = Consent(channel=channel, given=given, source=source.strip(), text=text.strip(), at=timezone.now())
    said.clean_fields(exclude=["contact", "by"])
    entry = {"channel": channel, "given": given, "source": said.source, "text": said.text, "at": said.at.isoformat(), "by": str(actor or "")}
    log = [*row.consents, entry]
    newest = {each["channel"]: number for number, each in enumerate(log)}
    row.consents = [each for number, each in enumerate(log) if number >= len(log) - MOST or newest[each["channel"]] == number]
    row.save(update_fields=["consents"])
    emit(LeadConsentRecorded(subject_ids=(row.pk,), actor_id=getattr(actor, "pk", None), channel=channel, given=given, source=said.source))
    return row


def carry_consents(lead: Lead, contact: Contact) -> None:
    """What a converted lead said is said by its contact: a no always, a yes where the contact has not been asked yet."""
    asked = set(Consent.objects.filter(contact=contact).values_list("channel", flat=True))
    for channel, said in lead.current_consents.items():
        if not said["given"] or channel not in asked:
            source = ": ".join(part for part in (_("As a lead"), said["source"]) if part)[: Consent._meta.get_field("source").max_length]
            record_consent(contact, channel, said["given"], source, actor=None, text=said["text"])


def keep_refusals(lead: Lead) -> None:
    """Who said no as a contact has said it as the lead too: the contact may be gone for good one day."""
    latest = Consent.objects.filter(contact=lead.converted_contact_id).order_by("channel", "-at", "-pk").distinct("channel")
    for said in latest:
        if not said.given:
            record_lead_consent(lead, said.channel, False, _("As a contact"), actor=None)
