"""Roles of people at companies, and their relationships with each other: both belong to the person and change under the right to change that."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import Contact, Employment, Relationship, RelationshipType
from contacts.services.people import update_contact
from contacts.services.rows import Values, check_links
from crm.core.access import can
from crm.core.settings_services import save_setting
from crm.core.writes import StaleRecord

FIELDS = ("company", "role", "started_on", "ended_on", "past")
MOST = 50  # of either kind, on one person
FIRST, LAST = date(1900, 1, 1), date(2199, 12, 31)
# What a new installation offers; an admin may reword it.
TYPES = (("reports to", "is the manager of"), ("was referred by", "referred"), ("is assisted by", "is the assistant of"))


def ensure_relationship_types(types: Any = RelationshipType) -> None:
    """The usual kinds of relationships when there are none. The migration hands in its own model."""
    if not types.objects.exists():
        types.objects.bulk_create([types(name=name, inverse=inverse, position=position) for position, (name, inverse) in enumerate(TYPES)])


@transaction.atomic
def add_employment(contact: Contact, values: Values, *, actor: Any) -> Employment:
    """A role besides the one on the person's row. Keys: company, role, started_on, ended_on, past. ValidationError by field."""
    person = _locked(contact, actor)
    if Employment.objects.filter(contact=person).count() >= MOST:
        raise ValidationError(_("A person has at most %(n)s of these.") % {"n": MOST})
    return _save(Employment(contact=person), values, actor)


@transaction.atomic
def change_employment(row: Employment, values: Values, *, actor: Any, version: int | None = None) -> Employment:
    """Set some of the keys. StaleRecord when `version` is old."""
    _locked(row.contact, actor)
    found = _present(row)
    if version is not None and version != found.version:
        raise StaleRecord(found)
    found.version += 1
    return _save(found, values, actor)


@transaction.atomic
def end_employment(row: Employment, *, actor: Any) -> Employment:
    """Over since today, unless an earlier day is noted."""
    _locked(row.contact, actor)
    found, today = _present(row), timezone.localdate()
    if found.is_past(today):
        return found
    found.version += 1
    return _save(found, {"past": True, "ended_on": max(today, found.started_on or today)}, actor)


@transaction.atomic
def remove_employment(row: Employment, *, actor: Any) -> None:
    """Take it off the person, as if it had never been noted."""
    _locked(row.contact, actor)
    Employment.objects.filter(pk=row.pk).delete()


@transaction.atomic
def make_primary(row: Employment, *, actor: Any, version: int | None = None) -> Contact:
    """The role becomes the one on the person's row; the one that stood there takes its place among the others."""
    person = _locked(row.contact, actor)
    found = _present(row)
    if found.is_past(timezone.localdate()):
        raise ValidationError(_("This has ended. Change it first."), code="past")
    old = {"company": person.company, "role": person.job_title}
    found.delete()
    changed = update_contact(person, {"company": found.company, "job_title": found.role}, actor=actor, version=version)
    if old["company"] is not None and old["company"].pk != found.company_id:
        _keep(changed, old)
    return changed


@transaction.atomic
def leave_company(contact: Contact, *, actor: Any, ended_on: date | None, version: int | None = None) -> Contact:
    """The company and job title on the person's row become past ones. Nothing changes where there is no company."""
    person = _locked(contact, actor)
    if person.company is None:
        return person
    left = {"company": person.company, "role": person.job_title, "ended_on": ended_on, "past": True}
    changed = update_contact(person, {"company": None, "job_title": ""}, actor=actor, version=version)
    _keep(changed, left)
    return changed


def _keep(person: Contact, values: Values) -> None:
    """A role that came from the row: who may change the person need not see its company; noted already, it is brought up to date."""
    same = Employment.objects.filter(contact=person, company=values["company"], role=values["role"], started_on=None).first()
    _save(same or Employment(contact=person), values, None)


def _locked(contact: Contact, actor: Any) -> Contact:
    """The person, locked: what is counted and compared below stays as it is."""
    person = Contact.objects.alive().select_for_update(of=("self",), no_key=True).filter(pk=contact.pk).first()
    if person is None or (actor is not None and not can(actor, "change", person)):
        raise ValidationError(_("You may not change this person."), code="permission")
    return person


def _present(row: Employment) -> Employment:
    found = Employment.objects.filter(pk=row.pk).first()
    if found is None:
        raise ValidationError(_("Somebody has deleted this meanwhile."), code="gone")
    return found


def _save(row: Employment, values: Values, actor: Any) -> Employment:
    given = {name: values[name] for name in FIELDS if name in values}
    if given.get("company") is not None and given["company"].pk != row.company_id:
        check_links(Employment, [given], ["company"], actor)
    for name, value in given.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    for name in ("started_on", "ended_on"):
        day = getattr(row, name)
        if day is not None and not FIRST <= day <= LAST:
            raise ValidationError({name: [_("Choose a day between 1900 and 2199.")]})
    if row.started_on and row.ended_on and row.ended_on < row.started_on:
        raise ValidationError({"ended_on": [_("The end is before the start.")]})
    row.past = row.is_past(timezone.localdate())
    row.full_clean()
    if not row.past and row.company_id == row.contact.company_id:
        raise ValidationError({"company": [_("This is the person's main company already.")]})
    row.save()
    return row


# ---- relationships ----


@transaction.atomic
def add_relationship(contact: Contact, other: Contact, kind: RelationshipType, *, actor: Any, inverse: bool = False) -> Relationship:
    """`contact` relates to `other` as `kind.name` says, or with `inverse` as `kind.inverse` does. ValidationError for oneself and for one that is noted."""
    _locked(contact, actor)
    check_links(Relationship, [{"other": other}], ["other"], actor)
    if contact.pk == other.pk:
        raise ValidationError({"other": [_("Choose another person.")]})
    first, second = (other, contact) if inverse else (contact, other)
    if kind.is_mutual:  # stored one way round, so that it can't be noted twice
        first, second = sorted((first, second), key=lambda person: person.pk)
    if Relationship.objects.filter(Q(contact=contact) | Q(other=contact)).count() >= MOST:
        raise ValidationError(_("A person has at most %(n)s of these.") % {"n": MOST})
    row, fresh = Relationship.objects.get_or_create(contact=first, other=second, type=kind)
    if not fresh:
        raise ValidationError({"other": [_("This is noted already.")]})
    return row


@transaction.atomic
def remove_relationship(row: Relationship, *, of: Contact, actor: Any) -> None:
    """Take it off both people; the actor must be allowed to change `of`, one of the two."""
    if of.pk not in (row.contact_id, row.other_id):
        raise ValidationError(_("You may not change this person."), code="permission")
    _locked(of, actor)
    Relationship.objects.filter(pk=row.pk).delete()


def create_relationship_type(values: Values, *, actor: Any) -> RelationshipType:
    return save_setting(RelationshipType, values, actor=actor)


def update_relationship_type(kind: RelationshipType, values: Values, *, actor: Any) -> RelationshipType:
    return save_setting(RelationshipType, values, actor=actor, obj=kind)
