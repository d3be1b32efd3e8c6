"""What the services of both record types share: tidying values, and links only to what the actor may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from crm.core.fields import default_region
from crm.core.tagging import tags_named
from crm.core.writes import RowErrors

Values = dict[str, Any]


def tidy(values: Values, rules: dict[str, Callable[[str], str]]) -> Values:
    """Strip texts and apply the rule of each field that is there; all errors together, by field. Tag names become tags."""
    found, errors = {}, {}
    for name, value in values.items():
        value = value.strip() if isinstance(value, str) else value
        try:
            found[name] = rules[name](value or "") if name in rules else value
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    if found.get("tags") and any(isinstance(tag, str) for tag in found["tags"]):
        found["tags"] = tags_named(map(str, found["tags"]))
    return found


def check_links(model: type[Model], rows: Sequence[Values], names: Iterable[str], actor: Any) -> None:
    """Raise where a row links to a record that the actor may not see. One query per foreign key; the system may link anything."""
    errors: list[tuple[int, dict[str, list[str]]]] = []
    for name in names:
        ids = {row[name].pk for row in rows if row.get(name) is not None}
        if not ids or actor is None:
            continue
        related: Any = model._meta.get_field(name).related_model
        seen = set(related.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", flat=True))
        message = _("This is not there, or not for you. Pick one from the list.")
        errors += [(index, {name: [message]}) for index, row in enumerate(rows) if row.get(name) is not None and row[name].pk not in seen]
    raise_rows(errors, rows)


def each_row(rows: Sequence[Values], prepare: Callable[[Values], Any]) -> list[Any]:
    """`prepare` of every row; all errors together."""
    prepared, errors = [], []
    for index, row in enumerate(rows):
        try:
            prepared.append(prepare(row))
        except ValidationError as error:
            errors.append((index, error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}))
    raise_rows(errors, rows)
    return prepared


def usual_country(rows: Sequence[Values]) -> str:
    """The organisation's country, asked once for all rows, if a number in them may need it; else ""."""
    return default_region() if any(row.get("phone") or row.get("phones") for row in rows) else ""


def raise_rows(errors: list[tuple[int, dict[str, list[str]]]], rows: Sequence[Values]) -> None:
    """ValidationError by field for one row, RowErrors for many; nothing without errors."""
    if errors:
        raise ValidationError(errors[0][1]) if len(rows) == 1 else RowErrors(errors)
