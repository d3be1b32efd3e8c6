"""Setting up custom fields: a new field is a row and touches no record. Admins only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.context import hooks
from crm.core.custom.definitions import forget
from crm.core.custom.models import UNIQUE, CustomField, Customised
from crm.core.custom.values import clean_value
from crm.core.records import RecordType, record_for, record_types
from crm.core.settings_services import locked, renumber, require_admin
from crm.core.text import sort_key
from crm.core.writes import StaleRecord

Values = Mapping[str, Any]
Kind, Index, Job = CustomField.Kind, CustomField.Index, CustomField.Job
MOST_FIELDS, MOST_CHOICES = 100, 200  # per record type; per field
PLAIN = ("label", "group", "help_text", "required", "unique", "in_list", "stages", "roles", "indexed")


def customised_types() -> list[RecordType]:
    """The record types that can have custom fields: their models say so."""
    return [record for record in record_types() if issubclass(record.model, Customised)]


@transaction.atomic
def create_field(record: RecordType, kind: str, values: Values, *, actor: Any) -> CustomField:
    """A field at the end of its record type.

    `values`: label, group, help_text, required, unique, in_list, indexed, stages and roles (ids), `choices` (texts in their order), `link_to`
    (slug of a record type), `default` (as a person writes it). ValidationError by field name.
    """
    require_admin(actor)
    siblings = list(CustomField.objects.select_for_update().filter(record=record.model_label))
    if len(siblings) >= MOST_FIELDS:
        raise ValidationError(_("A record type can have %(count)s fields.") % {"count": MOST_FIELDS})
    if kind not in Kind.values:
        raise ValidationError({"kind": [_("Choose a kind from the list.")]})
    field = CustomField(record=record.model_label, kind=kind, position=max((each.position for each in siblings), default=-1) + 1)
    if kind == Kind.LINK:
        field.link_to = str(values.get("link_to") or "")
        if record_for(field.link_to) is None:
            raise ValidationError({"link_to": [_("Choose what it links to.")]})
    if kind == Kind.MONEY:
        field.currency = hooks("organisation")[0]().currency
    field.choices = _choices(field, {}, values.get("choices") or [])
    _set(field, record, values)
    field.index_state = Index.WANTED if field.indexed or field.unique else Index.NONE
    field.save(force_insert=True)
    _after(field)
    return field


@transaction.atomic
def update_field(field: CustomField, values: Values, *, actor: Any, version: int | None = None) -> CustomField:
    """Change what is given. `choices`: {key: text} of the old ones ("" takes one out of the offer), `more_choices`: texts of new ones.

    StaleRecord when `version` is old. What search finds and which indexes there are follows in the worker.
    """
    require_admin(actor)
    row = _locked(field)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    searched = row.is_searched
    if "choices" in values or "more_choices" in values:
        row.choices = _choices(row, values.get("choices") or {}, values.get("more_choices") or [])
    before = (row.indexed, row.unique)
    _set(row, _record_of(row), values)
    if (row.indexed, row.unique) != before:
        row.index_state, row.index_error, row.attempts = Index.WANTED, "", 0
    _save(row, searched)
    return row


def _record_of(field: CustomField) -> RecordType:
    record = record_for(field.record)
    if record is None:
        raise ValidationError(_("This kind of record is not there any more."))
    return record


def _locked(field: CustomField) -> CustomField:
    row: CustomField = locked(field)
    if row.job == Job.DELETE:
        raise ValidationError(_("This field is being deleted."), code="gone")
    return row


def _set(field: CustomField, record: RecordType, values: Values) -> None:
    """Set and check everything but the choices; all errors together."""
    for name in PLAIN:
        if name in values:
            setattr(field, name, values[name])
    errors: dict[str, list[str]] = {}
    field.label, field.group = " ".join(field.label.split()), " ".join(field.group.split())
    twins = CustomField.objects.filter(record=field.record).exclude(pk=field.pk)
    if any(sort_key(each.label) == sort_key(field.label) for each in twins):
        errors["label"] = [_("Another field of this record type is called so.")]
    if field.unique and field.kind not in UNIQUE:
        errors["unique"] = [_("Values of this kind can't be unique.")]
    if set(field.stages) - {pk for pk, _label in record.stage_choices()}:
        errors["stages"] = [_("Choose from the list.")]
    roles: Any = get_user_model()._meta.get_field("role").related_model
    if roles._default_manager.filter(pk__in=field.roles).count() != len(set(field.roles)):
        errors["roles"] = [_("Choose from the list.")]
    try:
        if "default" in values:
            field.default = clean_value(field, values["default"])
        if field.default is not None and (field.unique or field.kind in (Kind.USER, Kind.LINK)):
            raise ValidationError(_("A field of this kind can't have a default."))
    except ValidationError as error:
        errors["default"] = error.messages
    try:
        field.clean_fields()
    except ValidationError as error:
        errors = {**error.message_dict, **errors}
    if errors:
        raise ValidationError(errors)


def _choices(field: CustomField, old: Mapping[str, str], more: Sequence[str]) -> list[dict[str, Any]]:
    """The choices with their keys, which never change their meaning: values stay when a text changes, and when a choice is no longer offered."""
    if field.kind not in (Kind.CHOICE, Kind.CHOICES):
        return []
    found = []
    for each in field.choices:
        text = _line(old.get(each["key"], each["label"]))
        found.append({"key": each["key"], "label": text or each["label"], "offered": bool(text)})
    for text in filter(None, map(_line, more)):
        found.append({"key": f"{len(found) + 1:03}", "label": text, "offered": True})
    offered = [sort_key(each["label"]) for each in found if each["offered"]]
    wrong = "choices" if not field.choices else "more_choices"
    if not offered:
        raise ValidationError({wrong: [_("Write at least one choice.")]})
    if len(found) > MOST_CHOICES or any(len(each["label"]) > 120 for each in found):
        raise ValidationError({wrong: [_("At most %(count)s choices of 120 characters.") % {"count": MOST_CHOICES}]})
    if len(set(offered)) != len(offered):
        raise ValidationError({wrong: [_("Two choices are called the same.")]})
    return found


def _line(text: Any) -> str:
    return " ".join(str(text).replace("\x00", "").split())


def _save(row: CustomField, searched: bool) -> None:
    if row.is_searched != searched:
        row.job, row.job_since, row.job_position, row.attempts = Job.FOLD, timezone.now(), 0, 0
    row.version += 1
    row.save()
    _after(row)


def _after(field: CustomField) -> None:
    """Have all processes read the definitions again, and the worker see what there is to do."""
    forget()
    if field.index_state == Index.WANTED or field.job:
        transaction.on_commit(ring, robust=True)


def ring() -> None:
    """Wake the worker; the sweep finds what no bell rang for."""
    from crm.core.tasks import work_on_fields

    work_on_fields.delay()


@transaction.atomic
def archive_field(field: CustomField, *, actor: Any) -> CustomField:
    """No longer in forms, lists and pages; its values stay and come back with it."""
    return _archive(field, timezone.now(), actor)


@transaction.atomic
def restore_field(field: CustomField, *, actor: Any) -> CustomField:
    return _archive(field, None, actor)


def _archive(field: CustomField, at: Any, actor: Any) -> CustomField:
    require_admin(actor)
    row = _locked(field)
    searched = row.is_searched
    row.archived_at = at
    _save(row, searched)
    return row


@transaction.atomic
def delete_field(field: CustomField, *, actor: Any) -> None:
    """Out of sight at once; the worker takes its values out of all records, then the field itself."""
    require_admin(actor)
    row = _locked(field)
    row.job, row.job_since, row.job_position, row.attempts = Job.DELETE, timezone.now(), 0, 0
    row.version += 1
    row.save(update_fields=["job", "job_since", "job_position", "attempts", "version"])
    _after(row)


@transaction.atomic
def retry_index(field: CustomField, *, actor: Any) -> CustomField:
    """Try again what failed."""
    require_admin(actor)
    row = _locked(field)
    if row.index_state == Index.FAILED:
        row.index_state, row.index_error, row.attempts = Index.WANTED, "", 0
        row.version += 1
        row.save(update_fields=["index_state", "index_error", "attempts", "version"])
        _after(row)
    return row


@transaction.atomic
def move_field(field: CustomField, direction: str, *, actor: Any) -> None:
    """Swap with the neighbour "up" or "down" in its record type."""
    require_admin(actor)
    if direction not in ("up", "down"):
        raise ValidationError(_("Choose up or down."), code="direction")
    rows = list(CustomField.objects.select_for_update().filter(record=field.record, archived_at=None).order_by("position", "pk"))
    here = next((index for index, row in enumerate(rows) if row.pk == field.pk), None)
    there = None if here is None else here + (-1 if direction == "up" else 1)
    if here is not None and there is not None and 0 <= there < len(rows):
        rows[here], rows[there] = rows[there], rows[here]
        renumber(rows)
    forget()


def groups_of(record: RecordType) -> Iterable[str]:
    """Titles of groups that are there already, to be offered."""
    return list(dict.fromkeys(CustomField.objects.filter(record=record.model_label).exclude(group="").values_list("group", flat=True)))
