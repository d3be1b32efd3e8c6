"""Writes to people. The primary e-mail and phone on the row always are those of the child rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import Contact, ContactEmail, ContactPhone
from contacts.services import rules
from contacts.services.rows import Values, check_links, each_row, tidy, usual_country
from contacts.services.rules import Address
from crm.core.bin import delete_records
from crm.core.copying import Blank, insert_rows
from crm.core.writes import change_record, change_records, create_records, lock

Lists = dict[str, list[Address] | None]  # "email" and "phone"; None: not touched
RULES = {"country": rules.check_country, "language": rules.check_language, "time_zone": rules.check_zone, "birthday": rules.check_birthday}
CHILDREN: dict[str, tuple[Any, str]] = {"email": (ContactEmail, "address"), "phone": (ContactPhone, "number")}
KINDS = {model: frozenset(model.Kind.values) for model, _field in CHILDREN.values()}  # Django makes the list anew each time


@transaction.atomic
def create_contacts(rows: Sequence[Values], *, actor: Any) -> list[Contact]:
    """Make people, all or none, each with `emails: [{address, kind, primary}]` and `phones: [{number, kind, primary}]`, or one `email`, `phone`.

    ValidationError by field for one row, RowErrors for many.
    """
    country = usual_country(rows)
    prepared = each_row(rows, lambda values: _new_row(values, country))
    check_links(Contact, [values for values, _lists in prepared], ["company"], actor)
    contacts = create_records(Contact, [values for values, _lists in prepared], actor=actor, check=_check_name)
    for name, (model, field) in CHILDREN.items():
        blank = Blank(model)
        insert_rows(
            [
                blank({"contact_id": contact.pk, field: address.value, "key": address.key, "kind": address.kind, "primary": address.primary})
                for contact, (_values, lists) in zip(contacts, prepared, strict=True)
                for address in lists[name] or ()
            ]
        )
    return contacts


def create_contact(values: Values, *, actor: Any) -> Contact:
    return create_contacts([values], actor=actor)[0]


@transaction.atomic
def update_contact(contact: Contact, changes: Values, *, actor: Any, version: int | None = None) -> Contact:
    """Change some fields. `emails` and `phones` replace the whole list; `email`, `phone` change the primary one. StaleRecord when `version` is old."""
    touched = changes.keys() & {"email", "emails", "phone", "phones"}
    contact = lock(contact) if touched else contact
    old = {name: _stored(contact, name) if touched else [] for name in CHILDREN}
    fields, lists = _split(changes, contact.country, old)
    if getattr(fields.get("company"), "pk", None) != contact.company_id:
        check_links(Contact, [fields], ["company"], actor)
    if touched:
        fields |= _on_the_row({name: new if new is not None else old[name] for name, new in lists.items()})
    contact = change_record(contact, fields, actor=actor, version=version, check=_check_name)
    for name, new in lists.items():
        if new is not None and new != old[name]:
            _replace(contact, name, new)
    return contact


@transaction.atomic
def change_contacts(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Set `data["changes"]` (no names, no addresses) on people; returns how many differ."""
    changes = tidy(data["changes"], RULES)
    check_links(Contact, [changes], ["company"], actor)
    return change_records(Contact, ids, changes, actor=actor)


def delete_contacts(ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Into the bin; their deals keep the link and show nobody until the person is restored."""
    return delete_records(Contact, ids, actor=actor, group=group)


def _check_name(contact: Contact) -> None:
    if not (contact.first_name or contact.last_name or contact.email):
        raise ValidationError({"last_name": [_("Enter a name or an e-mail address.")]})


def _new_row(values: Values, country: str) -> tuple[Values, Lists]:
    fields, lists = _split(values, country, {"email": [], "phone": []})
    return fields | _on_the_row({name: found or [] for name, found in lists.items()}), lists


def _split(values: Values, country: str, old: dict[str, list[Address]]) -> tuple[Values, Lists]:
    """The row's own fields, and the lists of addresses that `values` set. `country`: where numbers without + are from if the row does not say."""
    values = dict(values)
    country = str(values.get("country") or country).strip().upper()
    lists: Lists = {"email": None, "phone": None}
    errors = {}
    for name, (model, field) in CHILDREN.items():
        given = {key: values.pop(key) for key in (name, f"{name}s") if key in values}
        try:
            if f"{name}s" in given:
                _check_kinds(given[f"{name}s"] or [], model)
                lists[name] = _normal(name, given[f"{name}s"] or [], country)
            elif name in given:
                lists[name] = _with_primary(old[name], _normal(name, [{field: given[name]}], country))
        except ValidationError as error:
            errors[name] = error
    try:
        fields = tidy(values, RULES)
    except ValidationError as error:
        raise ValidationError({**error.error_dict, **errors}) from None
    if errors:
        raise ValidationError(errors)
    return fields, lists


def _normal(name: str, rows: Iterable[Values], country: str) -> list[Address]:
    if name == "email":
        return rules.normal_emails(rows)
    return rules.normal_phones(rows, country if len(country) == 2 else "")


def _check_kinds(rows: Iterable[Values], model: Any) -> None:
    if any(row.get("kind") and row["kind"] not in KINDS[model] for row in rows):
        raise ValidationError(_("Choose a kind from the list."), code="kind")


def _with_primary(old: list[Address], new: list[Address]) -> list[Address]:
    """The old list with its primary one replaced; one that is there already becomes the primary one."""
    known = next((each for each in old if new and each.key == new[0].key), None)
    kind = known.kind if known else next((each.kind for each in old if each.primary), "work")
    rest = [each for each in old if each is not known and (known is not None or not each.primary)]
    first = [Address(new[0].value, new[0].key, kind, True)] if new else []
    rest = [Address(each.value, each.key, each.kind, not first and index == 0) for index, each in enumerate(rest)]
    return first + rest


def _stored(contact: Contact, name: str) -> list[Address]:
    model, field = CHILDREN[name]
    return [Address(getattr(row, field), row.key, row.kind, row.primary) for row in model.objects.filter(contact=contact).order_by("-primary", "pk")]


def _on_the_row(lists: dict[str, list[Address]]) -> Values:
    first = {name: next((each.value for each in found if each.primary), "") for name, found in lists.items()}
    others = " ".join(each.key for found in lists.values() for each in found if not each.primary)
    return {**first, "other_addresses": others}


def _replace(contact: Contact, name: str, new: list[Address]) -> None:
    """Bring the child rows in line. The old primary one steps down before the new one steps up: a partial unique index guards it."""
    model, field = CHILDREN[name]
    stored = {row.key: row for row in model.objects.filter(contact=contact)}
    model.objects.filter(contact=contact).exclude(key__in=[each.key for each in new]).delete()
    model.objects.filter(contact=contact, primary=True).exclude(key__in=[each.key for each in new if each.primary]).update(primary=False)
    for each in new:
        row = stored.get(each.key)
        if row is None:
            model.objects.create(contact=contact, **{field: each.value}, key=each.key, kind=each.kind, primary=each.primary)
        elif (getattr(row, field), row.kind, row.primary) != (each.value, each.kind, each.primary):
            model.objects.filter(pk=row.pk).update(**{field: each.value}, kind=each.kind, primary=each.primary)
