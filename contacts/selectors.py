"""Reads about companies and people."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection, transaction
from django.db.models import BooleanField, DateField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from contacts.models import Company, Consent, Contact, ContactEmail, ContactPhone, Employment, Relationship, RelationshipType
from contacts.models.rules import email_key, normal_domain, normal_phone, phone_key
from crm.core.compiled import NUMBER, kept, maker
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


def refusing_calls(ids: Collection[int]) -> set[int]:
    """Of the contacts with these ids, which the reader sees, those who want no calls."""
    newest = Consent.objects.filter(contact__in=ids, channel=Consent.Channel.PHONE).order_by("contact_id", "-at", "-pk").distinct("contact_id")
    return {pk for pk, given in newest.values_list("contact_id", "given") if not given}


def may_call(contact: str = "pk") -> Coalesce:
    """To annotate rows with, `contact` being their column of a person's id: False where that person wants no calls."""
    newest = Consent.objects.filter(contact=OuterRef(contact), channel=Consent.Channel.PHONE).order_by("-at", "-pk")
    return Coalesce(Subquery(newest.values("given")[:1]), Value(True))


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


@dataclass(frozen=True)
class Tie:
    """A role at a company or a relationship, seen from one side: `target` (named only) is the company or person on the other one, `words` the role
    or how the two relate."""

    pk: int
    target: Any
    words: str
    started_on: date | None
    ended_on: date | None
    past: bool


@dataclass(frozen=True)
class Ties:
    """Roles at companies, present ones first, and relationships."""

    roles: list[Tie]
    relationships: list[Tie]


def ties_of(user: Any, contact: Contact) -> Ties:
    """What ties the person to companies and people whom the user may see, in one statement; read once per object."""
    return _once(contact, "_ties", lambda: _read_ties(user, contact))


def _ties(user: Any) -> Any:
    """Of the contact NUMBER, three times."""
    companies, others = Company.objects.visible_to(user).values("pk"), Contact.objects.visible_to(user).values("pk")
    blanks = [Value("")] * (len(Contact.brief_fields) - 1)  # of a person more columns are read than of a company
    roles = Employment.objects.filter(contact_id=NUMBER, company__in=companies).order_by()
    return roles.values_list(Value("role"), "pk", "company_id", "company__name", *blanks, "role", "started_on", "ended_on", "past").union(
        *(
            Relationship.objects.filter(**{f"{here}_id": NUMBER, f"{there}__in": others}).values_list(
                Value("relationship"),
                "pk",
                f"{there}_id",
                *(f"{there}__{name}" for name in Contact.brief_fields),
                f"type__{wording}",
                Value(None, DateField()),
                Value(None, DateField()),
                Value(False, BooleanField()),
            )
            for here, there, wording in (("contact", "other", "name"), ("other", "contact", "inverse"))
        ),
        all=True,
    )


def _read_ties(user: Any, contact: Contact) -> Ties:
    rights = tuple(model.access_policy.key(user, "view", model) for model in (Company, Contact))
    try:
        rows = kept(("ties", *rights), lambda: _ties(user)).values(*[contact.pk] * 3) if user.is_active else []
    except EmptyResultSet:  # the reader sees neither companies nor people
        rows = []
    found: dict[str, list[Tie]] = {"role": [], "relationship": []}
    makers, today = {"role": maker(Company, ("id", "name")), "relationship": maker(Contact, ("id", *Contact.brief_fields))}, timezone.localdate()
    for kind, pk, *target, words, started_on, ended_on, past in rows:
        named = makers[kind](target[:2] if kind == "role" else target)
        found[kind].append(Tie(pk, named, words, started_on, ended_on, past or (ended_on is not None and ended_on < today)))
    roles_found = sorted(found["role"], key=_latest_first)
    return Ties(roles_found, sorted(found["relationship"], key=lambda tie: (tie.words, sort_key(str(tie.target)))))


def _latest_first(tie: Tie) -> tuple[Any, ...]:
    """Present roles, then those that ended last; of the ended ones those without a day last."""
    return tie.past, -(tie.ended_on or date.min).toordinal() if tie.past else 0, -tie.pk


def roles_at(user: Any, company: Company) -> list[Tie]:
    """Visible people with a role at the company besides or before the company on their row (counted to COUNTED)."""
    rows = Employment.objects.filter(company=company, contact__in=Contact.objects.visible_to(user).values("pk"))
    columns = ("contact_id", *(f"contact__{name}" for name in Contact.brief_fields))
    make, today = maker(Contact, ("id", *Contact.brief_fields)), timezone.localdate()
    found = []
    for pk, words, started_on, ended_on, past, main, *person in rows.values_list(
        "pk", "role", "started_on", "ended_on", "past", "contact__company_id", *columns
    )[:COUNTED]:
        gone = past or (ended_on is not None and ended_on < today)
        if gone or main != company.pk:  # who is there by the row is listed already
            found.append(Tie(pk, make(person), words, started_on, ended_on, gone))
    return sorted(found, key=_latest_first)


def employment_of(user: Any, contact: Contact, pk: int) -> Employment | None:
    """A role of the person at a company that the user sees."""
    rows = Employment.objects.visible_to(user).filter(contact=contact, company__in=Company.objects.visible_to(user).values("pk"))
    return rows.select_related("company", "contact").filter(pk=pk).first() if pk < 2**63 else None


def relationship_of(user: Any, contact: Contact, pk: int) -> Relationship | None:
    """A relationship of the person with somebody whom the user sees."""
    others = Contact.objects.visible_to(user).values("pk")
    rows = Relationship.objects.filter(Q(contact=contact, other__in=others) | Q(other=contact, contact__in=others))
    return rows.select_related("contact", "other", "type").filter(pk=pk).first() if pk < 2**63 else None


def relationship_choices() -> list[tuple[str, str]]:
    """(key, wording) of what is offered, both directions of each kind; `relationship_kind` reads the key."""
    choices = []
    for kind in RelationshipType.objects.filter(active=True):
        choices.append((str(kind.pk), kind.name))
        if not kind.is_mutual:
            choices.append((f"{kind.pk}i", kind.inverse))
    return choices


def relationship_kind(key: str) -> tuple[RelationshipType | None, bool]:
    """The kind, and whether it is meant the other way round."""
    return RelationshipType.objects.filter(pk=int(key.removesuffix("i"))).first(), key.endswith("i")


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
