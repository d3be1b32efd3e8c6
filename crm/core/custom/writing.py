"""Custom values on their way into records: for crm.core.writes alone, set-based like everything there.

Values come by the names of their fields (`custom_12`) among the others. What the actor may not see is left aside, so that a form that was
tampered with changes nothing. `actor=None` is the system, which sees all and is asked for nothing.

A door that asks for custom fields must ask for the required ones; one that asks for none (a web form, a conversion, a quick entry) is not
held up by them. The next edit asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from crm.core import cells
from crm.core.custom.definitions import definitions, fields_of
from crm.core.custom.keys import text_key
from crm.core.custom.models import PREFIX, CustomField
from crm.core.custom.values import clean_value, compare_key, plain_text, put, search_words
from crm.core.differences import Difference
from crm.core.records import record_for
from crm.core.text import MAX_SEARCH, fold

Kind = CustomField.Kind
Values = dict[str, Any]
UNIQUE_INDEX = re.compile(r"\"custom_(\d+)_u\"")


@dataclass
class NewRow:
    """The custom part of a row to be made: its JSON, and what is wrong by field name."""

    given: Values
    stored: Values = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)


def take(values: Values) -> Values:
    """Take the custom values out of a row's values."""
    return {name: values.pop(name) for name in [name for name in values if name.startswith(PREFIX)]}


def new_rows(model: Any, rows: Sequence[Values], actor: Any) -> list[NewRow] | None:
    """The custom part of each row, which loses its custom names; None when the type has no such fields."""
    every = definitions().used.get(model._meta.label_lower, ())
    if not every and not (rows and any(name.startswith(PREFIX) for name in rows[0])):
        return None
    found = [NewRow(take(row)) for row in rows]
    seen = [each for each in every if each.seen_by(actor)]
    stage_of = model.custom_stage
    for row, new in zip(rows, found, strict=True):
        stage = getattr(row.get(stage_of), "pk", None) if stage_of else None
        for each in every:
            _set_new(each, new, each in seen, actor, stage)
    _check_rows(seen, found, actor)
    for each in seen:
        if each.unique:
            _check_unique(model, each, [(new, new.stored.get(each.key)) for new in found], ())
    return found


def _set_new(each: CustomField, new: NewRow, seen: bool, actor: Any, stage: int | None) -> None:
    asked = bool(new.given) and seen and actor is not None
    try:
        value = clean_value(each, new.given[each.name]) if seen and each.name in new.given else each.default
    except ValidationError as error:
        new.errors[each.name] = error.messages
        return
    if value is None and asked and (each.required or stage in each.stages):
        new.errors[each.name] = [_("This field is required.")]
    put(new.stored, each, value)


def change_rows(rows: Sequence[Any], given: Values, actor: Any) -> dict[int, dict[str, Difference]]:
    """Set the same values on locked rows; {id: {field name: Difference}} of what differs. ValidationError by field name."""
    seen = {each.name: each for each in (fields_of(type(rows[0]), actor) if rows else ())}
    changes: dict[int, dict[str, Difference]] = {row.pk: {} for row in rows}
    errors: dict[str, list[str]] = {}
    for name, raw in given.items():
        if name in seen:
            try:
                _change_field(seen[name], rows, raw, actor, changes)
            except ValidationError as error:
                errors[name] = error.messages
    if errors:
        raise ValidationError(errors)
    return changes


def _change_field(each: CustomField, rows: Sequence[Any], raw: Any, actor: Any, changes: dict[int, dict[str, Difference]]) -> None:
    locale, moved = cells.current_locale(), []
    for row in rows:
        old = row.custom.get(each.key)
        value = clean_value(each, raw, old)
        if value == old:
            continue
        if value is None and actor is not None and (each.required or _stage_id(row) in each.stages):
            raise ValidationError(_("This field is required."), code="required")
        moved.append((row, value))
        changes[row.pk][each.name] = Difference(old, value, _told(each, old, locale), _told(each, value, locale))
    drafts = [NewRow({}, {each.key: value}) for _row, value in moved]
    _check_rows([each], drafts, actor)
    if each.unique:
        _check_unique(type(rows[0]), each, [(draft, draft.stored[each.key]) for draft in drafts], [row.pk for row, _value in moved])
    for (row, value), draft in zip(moved, drafts, strict=True):
        if draft.errors:
            raise ValidationError(draft.errors[each.name])
        put(row.custom, each, value)


def _told(each: CustomField, value: Any, locale: str) -> str:
    """A value as the history keeps it; colleagues by name, records without: who reads it may not see them."""
    if each.kind == Kind.USER and isinstance(value, int):
        return str(get_user_model()._default_manager.filter(pk=value).first() or "")
    return plain_text(each, value, locale)[:200]


def _stage_id(row: Any) -> int | None:
    return getattr(row, f"{row.custom_stage}_id") if row.custom_stage else None


def _check_rows(fields: Iterable[CustomField], rows: Sequence[NewRow], actor: Any) -> None:
    """Colleagues and records must be there, and the actor must see them: one query per field."""
    for each in fields:
        if each.kind not in (Kind.USER, Kind.LINK):
            continue
        wanted = {new.stored[each.key] for new in rows if new.stored.get(each.key) is not None}
        known = set(_target_rows(each, actor).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
        for new in rows:
            if new.stored.get(each.key) is not None and new.stored[each.key] not in known:
                new.errors[each.name] = [_("This is not there, or not for you. Pick one from the list.")]


def _target_rows(each: CustomField, actor: Any) -> Any:
    """What the field may point to."""
    users = get_user_model()._default_manager
    if each.kind == Kind.USER:
        return users.filter(is_active=True)  # colleagues' names are open to all who are signed in
    record = record_for(each.link_to)
    if record is None:
        return users.none()
    return record.visible(actor) if actor is not None else record.model._default_manager.alive()  # type: ignore[attr-defined]


def _check_unique(model: Any, each: CustomField, rows: Sequence[tuple[NewRow, Any]], own: Iterable[int]) -> None:
    """No two records, and no two of these rows, may share a value. While no index guards it, writers of the field wait for each other."""
    keys: dict[str, list[NewRow]] = {}
    for new, value in rows:
        if value is not None and each.name not in new.errors:
            keys.setdefault(compare_key(each, value), []).append(new)
    if not keys:
        return
    if not each.is_guarded:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('custom unique'), %s)", [each.pk])
    others = model._base_manager.filter(deleted_at__isnull=True).annotate(key=text_key(each)).filter(key__in=list(keys)).exclude(pk__in=list(own))
    taken = set(others.values_list("key", flat=True))
    for key, found in keys.items():
        for new in found if key in taken else found[1:]:
            new.errors[each.name] = [taken_text()]


def taken_text() -> str:
    return _("Another record has this value already. Enter a different one.")


def told(error: IntegrityError) -> Exception:
    """The database's refusal of a second equal value, at its field; any other error as it is."""
    found = UNIQUE_INDEX.search(str(error))
    return ValidationError({f"{PREFIX}{found[1]}": [taken_text()]}) if found else error


def check_stage(rows: Sequence[Any], stage_id: int, actor: Any) -> None:
    """ValidationError by field when rows that enter a stage lack what it asks for, as far as the actor could fill it in."""
    asked = [each for each in fields_of(type(rows[0]), actor) if stage_id in each.stages] if rows and actor is not None else []
    missing = [each for each in asked if any(row.custom.get(each.key) is None for row in rows)]
    if missing:
        raise ValidationError({each.name: [_("Fill in “%(field)s” first: this stage asks for it.") % {"field": each.label}] for each in missing})


def add_search_words(row: Any) -> None:
    """After the folding of a record's own texts: those of its custom fields that all may see."""
    if row.custom:
        words = fold(search_words(definitions().used.get(row._meta.label_lower, ()), row.custom))
        if words:
            row.search_text = f"{row.search_text}{words}"[:MAX_SEARCH]
