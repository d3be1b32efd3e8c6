"""What people allowed, and when: rows are only added."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.events import ConsentRecorded
from contacts.models import Consent, Contact
from crm.core.access import can
from crm.core.events import emit
from crm.core.writes import lock


@transaction.atomic
def record_consent(contact: Contact, channel: str, given: bool, source: str, *, actor: Any, text: str = "") -> Consent:
    """Note that the person allowed (`given`) or withdrew the channel. Saying the same thing twice changes nothing.

    Raises ValidationError for an unknown channel, and when the actor may not change the person (None: the system may).
    """
    if channel not in Consent.Channel.values:
        raise ValidationError({"channel": [_("Choose a channel from the list.")]})
    contact = lock(contact)
    if actor is not None and not can(actor, "change", contact):
        raise ValidationError(_("You may not change this person."), code="permission")
    latest = Consent.objects.filter(contact=contact, channel=channel).order_by("-at", "-pk").first()
    if latest is not None and latest.given == given:
        return latest
    consent = Consent(contact=contact, channel=channel, given=given, source=source.strip(), text=text.strip(), by=actor)
    consent.clean_fields(exclude=["contact", "by"])
    consent.save(force_insert=True)
    emit(ConsentRecorded(subject_ids=(contact.pk,), actor_id=getattr(actor, "pk", None), channel=channel, given=given, source=consent.source))
    return consent
