"""Reads about companies and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from contacts.models import Company, Consent, Contact, ContactEmail, ContactPhone
from contacts.models.rules import email_key, normal_domain, normal_phone, phone_key
from crm.core.compiled import maker
from crm.core.text import sort_key

CONSENTS = ("email", "phone", "newsletter")
SHOWN = 5  # rows of a card on another record's page
COUNTED = 1000  # cards count no further


def contacts_by_email(address: str) -> QuerySet[Contact]:
    """All people with this address, primary or not, whoever owns them: for matching what comes in, never for showing."""
    keys = ContactEmail.objects.filter(key=address.strip().lower())
    return Contact.objects.alive().filter(pk__in=keys.values("contact")).order_by("pk")


def companies_by_domain(domain: str) -> QuerySet[Company]:
    """All companies with this domain, whoever owns them: for matching what comes in, never for showing."""
    domain = domain.strip().lower()
    return Company.objects.alive().filter(domain=domain).order_by("pk") if domain else Company.objects.none()


def email_rows(contact: Contact) -> list[ContactEmail]:
    """The person's addresses, the primary one first; read once per object."""
    return _once(contact, "_email_rows", lambda: list(ContactEmail.objects.filter(contact=contact)))


def reach_of(contact: Contact) -> tuple[list[ContactEmail], list[ContactPhone]]:
    """All e-mails and phones to show. Who has one of each at most needs no look into the child tables: the row says it all."""
    if contact.other_addresses:
        return email_rows(contact), phone_rows(contact)
    emails = [ContactEmail(contact=contact, address=contact.email, primary=True)] if contact.email else []
    return emails, [ContactPhone(contact=contact, number=contact.phone, primary=True)] if contact.phone else []


def phone_rows(contact: Contact) -> list[ContactPhone]:
    return _once(contact, "_phone_rows", lambda: list(ContactPhone.objects.filter(contact=contact)))


def current_consents(contact: Contact) -> dict[str, Consent]:
    """{channel: newest consent}; a channel nobody asked about is missing. Read once per object."""
    latest = Consent.objects.filter(contact=contact).order_by("channel", "-at", "-pk").distinct("channel")
    return _once(contact, "_consents", lambda: {row.channel: row for row in latest})


def consent_log(user: Any, contact: Contact) -> QuerySet[Consent]:
    """Everything that was noted about the person's consent, newest first."""
    return Consent.objects.visible_to(user).filter(contact=contact).select_related("by")[:200]


def _once(obj: Any, name: str, read: Any) -> Any:
    if not hasattr(obj, name):
        setattr(obj, name, read())
    return getattr(obj, name)


@dataclass(frozen=True)
class Related:
    """The first rows of a card, and how many there are (counted to COUNTED)."""

    rows: list[Any]
    count: int


def people_at(user: Any, company: Company, *, but: Contact | None = None) -> Related:
    """The visible people of a company, the most recently active first."""
    return _related(Contact.objects.visible_to(user).filter(company=company), "job_title", but=but)


def subsidiaries(user: Any, company: Company) -> Related:
    """The visible companies directly below this one."""
    return _related(Company.objects.visible_to(user).filter(parent=company), "city")


def _related(rows: Any, beside: str, but: Any = None) -> Related:
    """As tuples: one statement shows the first few (names, and the column `beside` them) and counts the rest."""
    columns = ("id", *rows.model.brief_fields, beside)
    found = list(rows.order_by("sort_name", "pk").values_list(*columns)[: COUNTED + 1])
    if but is not None:
        found = [row for row in found if row[0] != but.pk]
    return Related([maker(rows.model, columns)(row) for row in found[:SHOWN]], min(len(found), COUNTED))


def look_alikes(user: Any, model: type[Any], values: dict[str, Any], limit: int = 5) -> list[Any]:
    """Visible records that a new one with these form values may double: same e-mail, phone or domain, or nearly the same name."""
    asked = _asked_of_company(values) if model is Company else _asked_of_person(values)
    found: dict[int, Any] = {}
    for q in asked:
        if len(found) >= limit:
            break
        rows = model.objects.visible_to(user).filter(q).defer("search_text", "description").order_by("-pk")
        found |= {row.pk: row for row in rows[:limit]}
    name = sort_key(_name(model, values))
    if len(found) < limit and len(name) >= 4:
        found |= {row.pk: row for row in _named_alike(user, model, name, limit) if row.pk not in found}
    return list(found.values())[:limit]


def _name(model: type[Any], values: dict[str, Any]) -> str:
    if model is Company:
        return str(values.get("name") or "")
    first, last = str(values.get("first_name") or "").strip(), str(values.get("last_name") or "").strip()
    return f"{first} {last}" if first and last else ""  # a first name alone is no reason for a warning


def _asked_of_company(values: dict[str, Any]) -> list[Q]:
    asked = []
    if domain := _or_none(normal_domain, values.get("domain")):
        asked.append(Q(domain=domain))
    if email := email_key(str(values.get("email") or "")):
        asked.append(Q(pk__in=Company.objects.alive().exclude(email="").annotate(email_key=Lower("email")).filter(email_key=email).values("pk")))
    if phone := _or_none(normal_phone, values.get("phone"), str(values.get("country") or "")):
        asked.append(Q(phone=phone) & ~Q(phone=""))
    return asked


def _asked_of_person(values: dict[str, Any]) -> list[Q]:
    emails = [row.get("address") for row in values.get("emails") or []] + [values.get("email")]
    phones = [row.get("number") for row in values.get("phones") or []] + [values.get("phone")]
    country = str(values.get("country") or "")
    email_keys = {email_key(str(each)) for each in emails if each}
    phone_keys = {phone_key(number) for each in phones if each and (number := _or_none(normal_phone, each, country))}
    asked = []
    if email_keys:
        asked.append(Q(pk__in=ContactEmail.objects.filter(key__in=email_keys).values("contact")))
    if phone_keys:
        asked.append(Q(pk__in=ContactPhone.objects.filter(key__in=phone_keys).values("contact")))
    return asked


def _or_none(rule: Any, value: Any, *more: str) -> str:
    try:
        return rule(str(value or ""), *more)
    except ValidationError:
        return ""


def _named_alike(user: Any, model: type[Any], name: str, limit: int) -> list[Any]:
    """Names at least 60 % alike by their trigrams; the index prunes by the threshold, which lasts for this transaction only."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL pg_trgm.similarity_threshold = 0.6")
        rows = model.objects.visible_to(user).filter(sort_name__trigram_similar=name[:80]).defer("search_text", "description")
        return list(rows[:limit])
