"""A lead becomes a person, perhaps with a company and a deal: once, in one transaction, with everything carried over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Company, Contact
from contacts.services import create_company, create_contact
from crm.core.access import can
from crm.core.events import emit
from crm.core.writes import change_record, lock
from deals.models import Deal, Stage
from deals.services import create_deal
from leads.events import LeadConverted
from leads.models import Lead, LeadConversion, LeadStatus
from leads.services.consent import carry_consents
from leads.services.hooks import run_hooks
from leads.services.leads import check_lead
from leads.services.merging import domain_of, merge_lead


@dataclass(frozen=True)
class Choices:
    """What to convert into. `company`/`contact`: a record to use, "new" or "none"; no deal without `deal_name`."""

    company: Company | str = "new"
    contact: Contact | str = "new"
    company_name: str = ""
    first_name: str = ""
    last_name: str = ""
    deal_name: str = ""
    deal_amount: Any = None
    deal_stage: Stage | None = None
    deal_close_date: Any = None
    take: frozenset[str] = frozenset()  # "contact.city": an existing contact gets the lead's city instead of its own


@dataclass(frozen=True)
class Conversion:
    """What a lead became. `now` is False when somebody (or the same person in another tab) had converted it before."""

    lead: Lead
    company: Company | None
    contact: Contact | None
    deal: Deal | None
    now: bool


def found_conversion(lead: Lead) -> Conversion:
    """What a converted lead became; parts that are in the bin by now are left out."""
    parts = (lead.converted_company, lead.converted_contact, lead.converted_deal)
    company, contact, deal = (part if part is not None and part.deleted_at is None else None for part in parts)
    return Conversion(lead, company, contact, deal, now=False)  # type: ignore[arg-type]


@transaction.atomic
def convert_lead(lead: Lead, *, actor: Any, choices: Choices | None = None) -> Conversion:
    """Make or take company, contact and deal; the lead stays with status converted and links to them. A second call finds the first one's result."""
    choices = choices or Choices()
    lead = lock(lead)
    if lead.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    if lead.converted_at is not None:
        return found_conversion(lead)
    if actor is not None and not can(actor, "change", lead):
        raise ValidationError(_("You may not convert this lead. Ask its owner."), code="permission")
    if lead.status.kind == LeadStatus.Kind.DISQUALIFIED:
        raise ValidationError(_("This lead is disqualified. Give it another status first."), code="disqualified")
    shared, done = _shared(lead, actor), LeadConversion(lead=lead, by=actor, before={"status": lead.status_id})
    company = _company(lead, choices, shared, actor, done)
    contact = _contact(lead, choices, company, shared, actor, done)
    if company is None and contact is None:
        raise ValidationError({"contact": [_("Choose or make a contact or a company.")]}, code="nothing")
    if contact is not None:
        carry_consents(lead, contact)
    deal = _deal(lead, choices, company, contact, shared, actor, done)
    converted = LeadStatus.objects.get(kind=LeadStatus.Kind.CONVERTED)
    changes = {"status": converted, "converted_at": timezone.now(), "converted_company": company, "converted_contact": contact, "converted_deal": deal}
    lead = change_record(lead, changes, actor=actor, check=check_lead)
    for carried in run_hooks("convert", lead=lead, company=company, contact=contact, deal=deal, actor=actor):
        done.carried |= carried
    done.save(force_insert=True)
    emit(
        LeadConverted(
            subject_ids=(lead.pk,),
            actor_id=getattr(actor, "pk", None),
            company_id=company.pk if company else None,
            contact_id=contact.pk if contact else None,
            deal_id=deal.pk if deal else None,
        )
    )
    return Conversion(lead, company, contact, deal, now=True)


def _shared(lead: Lead, actor: Any) -> dict[str, Any]:
    """What all three get: owner, team and tags."""
    return {"owner": lead.owner or actor, "team": lead.team, "tags": list(lead.tags.all())}


def _visible(obj: Any, actor: Any) -> Any:
    if actor is not None and not can(actor, "view", obj):
        raise ValidationError({obj._meta.model_name: [_("This is not there, or not for you. Choose another one.")]}, code="invisible")
    return obj


def _note(done: LeadConversion, made: Any) -> Any:
    done.made[made._meta.label_lower] = made.pk
    return made


def _existing(lead: Lead, record: Any, choices: Choices, actor: Any, done: LeadConversion, company: Company | None = None) -> Any:
    """A record to use, with what the lead knows better."""
    take = {field for kind, _dot, field in (each.partition(".") for each in choices.take) if kind == record._meta.model_name}
    merged, changed = merge_lead(lead, _visible(record, actor), take, actor, company=company)
    if changed:
        done.changed[record._meta.label_lower] = changed
    return merged


def _company(lead: Lead, choices: Choices, shared: dict[str, Any], actor: Any, done: LeadConversion) -> Company | None:
    if isinstance(choices.company, Company):
        return _existing(lead, choices.company, choices, actor, done)
    name = choices.company_name or lead.company_name
    if choices.company == "none" or not name:
        return None
    values = {"name": name, "domain": domain_of(lead), "city": lead.city, "country": lead.country, **shared}
    if choices.contact == "none":  # nobody else to keep them
        values |= {"email": lead.email, "phone": lead.phone, "description": lead.description}
    return _note(done, create_company(values, actor=actor))


def _contact(lead: Lead, choices: Choices, company: Company | None, shared: dict[str, Any], actor: Any, done: LeadConversion) -> Contact | None:
    if isinstance(choices.contact, Contact):
        return _existing(lead, choices.contact, choices, actor, done, company)
    if choices.contact == "none":
        return None
    values = {
        "first_name": choices.first_name or lead.first_name,
        "last_name": choices.last_name or lead.last_name,
        "job_title": lead.job_title,
        "email": lead.email,
        "phone": lead.phone,
        "city": lead.city,
        "country": lead.country,
        "description": lead.description,
        "company": company,
        **shared,
    }
    return _note(done, create_contact(values, actor=actor))


def _deal(
    lead: Lead, choices: Choices, company: Company | None, contact: Contact | None, shared: dict[str, Any], actor: Any, done: LeadConversion
) -> Deal | None:
    if not choices.deal_name:
        return None
    amount = choices.deal_amount if choices.deal_amount is not None else lead.value
    values = {
        "name": choices.deal_name,
        "amount": amount or 0,
        "stage": choices.deal_stage,
        "close_date": choices.deal_close_date,
        "company": company,
        "contact": contact,
        "source": lead.source,
        "description": lead.description,
        **shared,
    }
    return _note(done, create_deal(values, actor=actor))
