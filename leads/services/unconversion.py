"""A conversion taken back within a day (docs/decisions/conversion.md): what it made goes into the bin, what it changed is as before, the lead is open again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Company, Contact
from crm.core.access import can
from crm.core.bin import delete_records
from crm.core.events import emit
from crm.core.writes import change_record, lock
from deals.models import Deal
from leads.events import LeadConversionUndone
from leads.models import Lead, LeadConversion, LeadStatus
from leads.services.consent import keep_refusals
from leads.services.hooks import run_hooks
from leads.services.leads import check_lead, new_status
from leads.services.merging import give_back

UNDO_WITHIN = timedelta(hours=24)
MODELS: dict[str, Any] = {model._meta.label_lower: model for model in (Deal, Contact, Company)}  # in the order in which they go


def open_conversion(lead: Lead) -> LeadConversion | None:
    """The conversion of a lead that can still be taken back as far as the time goes."""
    return LeadConversion.objects.filter(lead=lead, undone_at__isnull=True, at__gt=timezone.now() - UNDO_WITHIN).first()


@transaction.atomic
def undo_conversion(lead: Lead, *, actor: Any) -> Lead:
    """Take the conversion of a lead back, once, all or nothing. ValidationError says why it can't be."""
    lead = lock(lead)
    if lead.converted_at is None:
        raise ValidationError(_("This lead is not converted."), code="open")
    if lead.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    if actor is not None and not can(actor, "change", lead):
        raise ValidationError(_("You may not change this lead. Ask its owner."), code="permission")
    done = open_conversion(lead)
    if done is None:
        raise ValidationError(_("A conversion can be taken back for 24 hours. They are over."), code="late")
    made = {label: MODELS[label]._base_manager.select_for_update().filter(pk=pk).first() for label, pk in done.made.items()}
    _check_unused(lead, {label: row for label, row in made.items() if row is not None and row.deleted_at is None})
    run_hooks("unconvert", lead=lead, made=done.made, carried=done.carried, actor=actor)
    keep_refusals(lead)
    for label, changed in done.changed.items():
        give_back(apps.get_model(label), changed, actor)
    group = uuid.uuid4()
    for label in (label for label in MODELS if label in done.made):
        delete_records(MODELS[label], [done.made[label]], actor=actor, group=group)
    status = LeadStatus.objects.exclude(kind=LeadStatus.Kind.CONVERTED).filter(pk=done.before["status"]).first() or new_status()
    changes = {"status": status, "converted_at": None, "converted_company": None, "converted_contact": None, "converted_deal": None}
    lead = change_record(lead, changes, actor=actor, check=check_lead)
    LeadConversion.objects.filter(pk=done.pk).update(undone_at=timezone.now(), undone_by=actor)
    emit(LeadConversionUndone(subject_ids=(lead.pk,), actor_id=getattr(actor, "pk", None)))
    return lead


def _check_unused(lead: Lead, made: dict[str, Any]) -> None:
    """What others have built on since stays: refuse with its name."""
    deal, contact, company = (made.get(label) for label in MODELS)
    if deal is not None and deal.status != Deal.Status.OPEN:
        raise ValidationError(_("The deal “%(name)s” is closed meanwhile. Reopen it first."), code="closed", params={"name": deal})
    for row, uses in ((contact, _uses_of_contact(lead, contact, deal)), (company, _uses_of_company(lead, company, contact, deal))):
        other = next((found for rows in uses if (found := rows.first()) is not None), None) if row is not None else None
        if other is not None:
            text = _("“%(name)s” is used by others meanwhile. It would be missing there.")
            raise ValidationError(text, code="used", params={"name": row})


def _uses_of_contact(lead: Lead, contact: Contact | None, deal: Deal | None) -> list[Any]:
    deals = Deal._base_manager.filter(contact=contact, deleted_at__isnull=True).exclude(pk=getattr(deal, "pk", None))
    return [deals, Lead._base_manager.filter(converted_contact=contact).exclude(pk=lead.pk)]


def _uses_of_company(lead: Lead, company: Company | None, contact: Contact | None, deal: Deal | None) -> list[Any]:
    alive = Q(deleted_at__isnull=True)
    return [
        Contact._base_manager.filter(alive, company=company).exclude(pk=getattr(contact, "pk", None)).exclude(pk=lead.converted_contact_id),
        Deal._base_manager.filter(alive, company=company).exclude(pk=getattr(deal, "pk", None)),
        Company._base_manager.filter(alive, parent=company),
        Lead._base_manager.filter(converted_company=company).exclude(pk=lead.pk),
    ]
