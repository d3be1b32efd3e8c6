"""Reads about leads that join or compare."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from contacts.models import Company, Consent, Contact
from contacts.selectors import look_alikes as alike
from contacts.services import company_domain, email_key, phone_key
from contacts.services.rules import normal_domain
from crm.core.text import sort_key
from deals.models import Stage
from leads.models import FormField, Lead, LeadStatus, Submission, WebForm
from users.models import User

MOST = 5  # matches shown per kind


def statuses() -> list[LeadStatus]:
    """All statuses in their order."""
    return list(LeadStatus.objects.all())


@dataclass(frozen=True)
class Said:
    """One entry of a lead's log of consent, as a contact's rows are."""

    at: datetime
    get_channel_display: Any
    given: bool
    source: str
    text: str
    by: str


def consent_log(lead: Lead) -> list[Said]:
    """Everything that was noted about the lead's consent, newest first."""
    labels = dict(Consent.Channel.choices)
    rows = [
        Said(datetime.fromisoformat(said["at"]), labels[said["channel"]], said["given"], said["source"], said["text"], said["by"]) for said in lead.consents
    ]
    return rows[::-1]


# ---- look-alikes ----


def look_alikes(user: User, values: Mapping[str, Any]) -> list[Any]:
    """Visible leads and contacts with the same e-mail address or phone number as a lead to be."""
    email, phone = email_key(str(values.get("email") or "")), phone_key(str(values.get("phone") or ""))
    if not email and not phone:
        return []
    leads = Lead.objects.visible_to(user).filter(_keys(email, phone, "email_key", "phone_key"), converted_at=None)
    people = Contact.objects.visible_to(user).filter(pk__in=_people_ids(email, phone))
    return [*leads.order_by("-created_at")[:MOST], *people.order_by("pk")[:MOST]]


def twins(user: User, lead: Lead) -> list[Any]:
    """Other visible leads and contacts that look like this one."""
    found = look_alikes(user, {"email": lead.email, "phone": lead.phone})
    return [
        obj for obj in found if not (isinstance(obj, Lead) and obj.pk == lead.pk) and not (isinstance(obj, Contact) and obj.pk == lead.converted_contact_id)
    ]


def _keys(email: str, phone: str, email_field: str, phone_field: str) -> Q:
    q = Q(pk__in=[])
    if email:
        q |= Q(**{email_field: email})
    if phone:
        q |= Q(**{phone_field: phone})
    return q


def _people_ids(email: str, phone: str) -> QuerySet:
    return Contact.objects.alive().filter(_keys(email, phone, "emails__key", "phones__key")).values("pk")


# ---- converting ----


@dataclass(frozen=True)
class Matches:
    """What a lead may already be, as far as the user sees it."""

    companies: list[Company]
    contacts: list[Contact]
    sure_company: bool  # is the first one more than a similar name or a shared number?
    sure_contact: bool


def convert_matches(user: User, lead: Lead) -> Matches:
    """Companies by domain or name; contacts by e-mail address, phone number or full name; then what a new record would be warned of: the company's own
    address or number, similar names. Best first."""
    domains = {domain for domain in (company_domain(lead.email) if lead.email else "", _domain(lead.website)) if domain}
    q = Q(pk__in=[])
    if domains:
        q |= Q(domain__in=domains)
    if lead.company_name:
        q |= Q(sort_name=sort_key(lead.company_name))
    companies = list(Company.objects.visible_to(user).filter(q).order_by("pk")[:MOST])
    known, sure_company = {"email": lead.email, "phone": lead.phone, "country": lead.country}, bool(companies)
    companies += alike(user, Company, {**known, "name": lead.company_name})
    exact = Contact.objects.visible_to(user).filter(pk__in=_people_ids(lead.email_key, lead.phone_key))
    contacts = list(exact.order_by("pk")[:MOST])
    if lead.first_name and lead.last_name:
        contacts += Contact.objects.visible_to(user).filter(sort_name=sort_key(f"{lead.first_name} {lead.last_name}")).order_by("pk")[:MOST]
    sure_contact = bool(contacts)
    contacts += alike(user, Contact, {**known, "first_name": lead.first_name, "last_name": lead.last_name})
    return Matches(list(dict.fromkeys(companies))[:MOST], list(dict.fromkeys(contacts))[:MOST], sure_company, sure_contact)


def _domain(website: str) -> str:
    try:
        return normal_domain(website)
    except Exception:  # whatever somebody typed there: no match
        return ""


def refusing_calls(ids: Collection[int]) -> set[int]:
    """Of the leads with these ids, which the reader sees, those that want no calls."""
    return {lead.pk for lead in Lead.objects.filter(pk__in=ids).only("consents") if not lead.may_call}


def waiting_leads(rows: Any, statuses: Any) -> Any:
    """Of these leads those that wait for a first answer; `statuses`: the open ones."""
    return rows.filter(respond_by__isnull=False, first_response_at__isnull=True, status__in=statuses)


def open_stages() -> list[Stage]:
    """Stages in which a new deal may start, by pipeline."""
    rows = Stage.objects.filter(kind=Stage.Kind.OPEN, pipeline__archived_at=None).select_related("pipeline")
    return list(rows.order_by("pipeline__position", "pipeline_id", "position", "pk"))


# ---- forms and their entries ----


def form_by_slug(slug: str) -> WebForm | None:
    return WebForm.objects.filter(slug=slug).first()


def form_fields(form: WebForm) -> list[FormField]:
    return list(FormField.objects.filter(form=form))


def first_submission(lead: Lead) -> Submission | None:
    """The entry that made the lead."""
    return Submission.objects.filter(lead=lead).select_related("form").order_by("received_at", "pk").first()


def answers_of(submission: Submission) -> list[tuple[str, str]]:
    """What was answered, in the form's order with its labels; then what the form did not ask."""
    data = dict(submission.data)
    rows = [(field.label, data.pop(field.key)) for field in FormField.objects.filter(form_id=submission.form_id) if field.key in data]
    rest = [(name, value) for name, value in data.items() if not name.startswith("_") and name not in submission.utm]
    versions = {each["label"]: _("version %(n)s") % {"n": each["version"]} for each in submission.consents}
    found = [(label, answer_text(value)) for label, value in [*rows, *rest] if value not in ("", None, [])]
    return [(label, f"{text} ({versions[label]})" if label in versions else text) for label, text in found]


def answer_text(value: Any) -> str:
    """One raw answer as text: several choices beside each other."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def summary_of(submission: Submission) -> str:
    """A few words of what was sent, for a list."""
    texts = [answer_text(value) for name, value in submission.data.items() if isinstance(value, (str, list)) and value and not name.startswith("_")]
    return ", ".join(texts[:3])[:120]


def submissions(user: User, *, state: str = "", form_id: int | None = None) -> QuerySet[Submission]:
    """Entries for the settings, newest first, with form, lead and contact."""
    rows = Submission.objects.visible_to(user).select_related("form", "lead", "contact")
    if state:
        rows = rows.filter(state=state)
    if form_id is not None:
        rows = rows.filter(form_id=form_id)
    return rows.order_by("-received_at", "-pk")


def waiting_submissions(user: User) -> dict[str, int]:
    """How many entries wait for an admin, by state: spam to look through, failures to retry."""
    waiting = (Submission.State.SPAM, Submission.State.FAILED)
    rows = Submission.objects.visible_to(user).filter(state__in=waiting).order_by().values_list("state").annotate(number=Count("pk"))
    return dict(rows)
