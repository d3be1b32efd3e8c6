"""What a lead knows against what an existing contact or company knows: gaps are filled, differences chosen, and all of it can be put back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.models import Company, Contact, ContactEmail, ContactPhone
from contacts.services import company_domain, email_key, normal_domain, phone_key, update_company, update_contact
from crm.core.access import can
from crm.core.models import Tag
from leads.models import Lead

FIELDS: dict[str, tuple[str, ...]] = {
    "contact": ("first_name", "last_name", "job_title", "email", "phone", "city", "country", "description"),
    "company": ("name", "domain", "city", "country"),
}
NOT_ASKED = ("description",)  # a long text is no either-or: it fills a gap, and stays with the lead otherwise
ADDRESSES: dict[str, tuple[Any, str]] = {"email": (ContactEmail, "address"), "phone": (ContactPhone, "number")}
KEYS = {"email": email_key, "phone": phone_key}
Changed = dict[str, Any]


def kind_of(record: Contact | Company) -> str:
    """contact or company."""
    return record._meta.model_name or ""


def known_values(lead: Lead, kind: str) -> dict[str, str]:
    """What the lead says about its contact or company, by their fields; only what is filled."""
    values = {name: getattr(lead, name) for name in FIELDS[kind] if hasattr(lead, name)}
    if kind == "company":
        values |= {"name": lead.company_name, "domain": domain_of(lead)}
    return {name: value for name, value in values.items() if value}


def domain_of(lead: Lead) -> str:
    """By the website, else by a business address; "" for free mailboxes and for what is no domain."""
    try:
        return normal_domain(lead.website) or (company_domain(lead.email) if lead.email else "")
    except ValidationError:
        return company_domain(lead.email) if lead.email else ""


def differences(lead: Lead, record: Contact | Company) -> dict[str, tuple[str, str]]:
    """{field: (theirs, the lead's)} where both know something and it is not the same. An address that is a further one of the contact's is none."""
    kind, found = kind_of(record), {}
    for name, value in known_values(lead, kind).items():
        theirs = getattr(record, name)
        if theirs and name not in NOT_ASKED and not _same(record, name, theirs, value):
            found[name] = (theirs, value)
    return found


def _same(record: Any, name: str, theirs: str, value: str) -> bool:
    if name in KEYS and isinstance(record, Contact):
        model, _field = ADDRESSES[name]
        return KEYS[name](theirs) == KEYS[name](value) or model.objects.filter(contact=record, key=KEYS[name](value)).exists()
    return theirs.strip().casefold() == value.strip().casefold()


def merge_lead(lead: Lead, record: Any, take: Collection[str], actor: Any, *, company: Company | None = None) -> tuple[Any, Changed]:
    """Fill the gaps of an existing contact or company, and set the fields named in `take` to what the lead says; a contact keeps its old address beside a
    new one. (record, what changed). Nothing, when the actor may not change it."""
    if actor is not None and not can(actor, "change", record):
        return record, {}
    values, asked = known_values(lead, kind_of(record)), differences(lead, record)
    changes: dict[str, Any] = {name: value for name, value in values.items() if not getattr(record, name) or (name in asked and name in take)}
    if company is not None and isinstance(record, Contact) and record.company_id is None:
        changes["company"] = company
    names = list(changes)
    tags = [tag for tag in lead.tags.all() if tag not in record.tags.all()]
    if not names and not tags:
        return record, {}
    old = snapshot(record, names)
    for name in [name for name in ("email", "phone") if name in changes and old[name] and isinstance(record, Contact)]:
        field = ADDRESSES[name][1]
        rest = [{field: value, "kind": kind, "primary": False} for value, kind, _primary in old[name]]
        changes[f"{name}s"] = [{field: changes.pop(name), "primary": True}, *rest]
    changed = _update(record, {**changes, "tags": [*record.tags.all(), *tags]}, actor)
    return changed, {"id": record.pk, "old": old, "new": snapshot(changed, names), "tags": [tag.pk for tag in tags]}


def _update(record: Any, changes: dict[str, Any], actor: Any) -> Any:
    return update_contact(record, changes, actor=actor) if isinstance(record, Contact) else update_company(record, changes, actor=actor)


def snapshot(record: Any, names: Iterable[str]) -> dict[str, Any]:
    """These fields as JSON holds them: of a contact's e-mail and phone the whole list, as [value, kind, primary]."""
    found: dict[str, Any] = {}
    for name in names:
        if name in ADDRESSES and isinstance(record, Contact):
            model, field = ADDRESSES[name]
            found[name] = [list(row) for row in model.objects.filter(contact=record).order_by("-primary", "pk").values_list(field, "kind", "primary")]
        else:
            found[name] = record.company_id if name == "company" else getattr(record, name)
    return found


def give_back(model: Any, changed: Changed, actor: Any) -> None:
    """The old values of what `merge_lead` changed, as far as nobody has changed it since. ValidationError when the actor may not change the row."""
    record = model._base_manager.filter(pk=changed["id"], deleted_at__isnull=True).first()
    if record is None:
        return
    if actor is not None and not can(actor, "change", record):
        raise ValidationError(_("You may not change %(name)s, which this conversion changed. Ask its owner."), code="permission", params={"name": record})
    now = snapshot(record, changed["new"])
    back: dict[str, Any] = {}
    for name in (name for name, value in now.items() if value == changed["new"][name]):
        old = changed["old"][name]
        if name in ADDRESSES and isinstance(record, Contact):
            field = ADDRESSES[name][1]
            back[f"{name}s"] = [{field: value, "kind": kind, "primary": primary} for value, kind, primary in old]
        else:
            back[name] = Company._base_manager.filter(pk=old).first() if name == "company" else old
    gone = set(Tag.objects.filter(pk__in=changed["tags"]))
    _update(record, {**back, "tags": [tag for tag in record.tags.all() if tag not in gone]}, actor)
