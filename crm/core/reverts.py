"""Rows put back as they were (crm.core.bulk.undo). What somebody could change can be taken back, also from colleagues' hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from crm.core.copying import in_service, update_rows
from crm.core.differences import Difference
from crm.core.models import Tag
from crm.core.writes import fold, retag, set_fields, tell_changes

Values = dict[str, Any]
TAGS = "tags"


@in_service
def put_back(model: Any, wanted: Mapping[int, dict[str, Any]], *, actor: Any) -> set[int]:
    """{row id: {"v": version, "old": {column: value}}}: set the old values of those rows that still have the version; returns their ids.

    Nothing is validated, for what was stored once may come back; a row whose old link leads nowhere any more stays as it is.
    """
    alive = model._base_manager.filter(pk__in=list(wanted), deleted_at__isnull=True).select_for_update(of=("self",)).order_by("pk")
    rows = [row for row in alive if row.version == wanted[row.pk]["v"]]
    values = _values(model, {row.pk: wanted[row.pk]["old"] for row in rows})
    rows = [row for row in rows if row.pk in values]
    differences = _set_all(rows, values)
    tags = _tags({row.pk: wanted[row.pk]["old"][TAGS] for row in rows if TAGS in wanted[row.pk]["old"]})
    if tags:
        for pk, difference in retag(model, [row for row in rows if row.pk in tags], tags).items():
            differences[pk][TAGS] = difference
    tell_changes(model, {pk: found for pk, found in differences.items() if found}, actor, ("changed", "reverted"))
    return set(values)


def _values(model: Any, stored: Mapping[int, Values]) -> dict[int, Values]:
    """Stored columns as values of fields, links as the objects they lead to. Without the rows of which one is gone for good."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    linked: dict[str, dict[Any, Any]] = {}
    for column in {column for old in stored.values() for column in old} & fields.keys():
        if related := fields[column].related_model:
            ids = {old[column] for old in stored.values() if old.get(column) is not None}
            linked[column] = {None: None, **related._base_manager.in_bulk(ids)}
    found = {}
    for pk, old in stored.items():
        known = {column: value for column, value in old.items() if column in fields}
        if all(value in linked[column] for column, value in known.items() if column in linked):
            found[pk] = {fields[column].name: linked[column][value] if column in linked else fields[column].to_python(value) for column, value in known.items()}
    return found


def _set_all(rows: Sequence[Any], values: Mapping[int, Values]) -> dict[int, dict[str, Difference]]:
    """Set and store; what differs, by row."""
    names = sorted({name for each in values.values() for name in each})
    if rows:
        models.prefetch_related_objects(rows, *(name for name in names if rows[0]._meta.get_field(name).remote_field))
    differences, at = {row.pk: set_fields(row, values[row.pk]) for row in rows}, timezone.now()
    touched = [row for row in rows if differences[row.pk]]
    for row in touched:
        row.version, row.updated_at = row.version + 1, at
        fold(row)
    if touched:
        derived = ["search_text", "sort_name"] if hasattr(touched[0], "fold") else []
        update_rows(touched, [*names, *derived, "version", "updated_at"])
    return differences


def _tags(changed: Mapping[int, Sequence[Sequence[int]]]) -> dict[int, tuple[list[Tag], list[Tag]]]:
    """{row id: (ids added, ids removed)} turned around, as far as the tags still exist."""
    known = Tag.objects.in_bulk({pk for both in changed.values() for ids in both for pk in ids})
    return {row: ([known[pk] for pk in removed if pk in known], [known[pk] for pk in added if pk in known]) for row, (added, removed) in changed.items()}
