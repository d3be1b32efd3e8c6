"""Many rows at little cost: new objects from a sample, COPY, of which triggers and constraints see no difference to INSERT, and one UPDATE for all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection, models, transaction
from django.db.models.base import ModelState
from django.utils import timezone

ENOUGH = 200  # for fewer rows an INSERT is as quick
CHUNK = 1000
# Services bring the transaction; a savepoint per kernel call would only cost round trips. What fails in the kernel fails the service.
in_service = transaction.atomic(savepoint=False)
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
PLAIN = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BooleanField,
    models.DateField,
    models.TimeField,
    models.DecimalField,
    models.UUIDField,
)
KNOWN = (*PLAIN, models.AutoField, models.BigAutoField, models.JSONField, models.ForeignKey)


class Blank:
    """Makes new objects of a model from one sample: Django asks each of forty fields for its default, every time."""

    def __init__(self, model: Any) -> None:
        self.model, sample = model, model()
        self.values = {name: value for name, value in vars(sample).items() if name != "_state"}
        # A moment may be the same for all; anything else that is made, such as an id or a dictionary, is made for each.
        fields = [field for field in model._meta.concrete_fields if field.has_default() and callable(field.default) and field.default is not timezone.now]
        self.fresh = [(field.attname, field.get_default) for field in fields]
        self.names = {name for field in model._meta.concrete_fields for name in (field.name, field.attname)}

    def __call__(self, values: dict[str, Any]) -> Any:
        """Like `model(**values)`, without properties."""
        if unknown := values.keys() - self.names:
            raise TypeError(f"{self.model.__name__} has no {sorted(unknown)}")
        obj = self.model.__new__(self.model)
        obj._state = ModelState()
        obj.__dict__.update(self.values)
        for name, default in self.fresh:
            setattr(obj, name, default())
        for name, value in values.items():
            setattr(obj, name, value)
        return obj


def insert_rows(objects: Sequence[Any]) -> list[Any]:
    """Insert new objects of one model and give them their ids, like `bulk_create`."""
    objects = list(objects)
    if len(objects) < ENOUGH or not all(isinstance(field, KNOWN) for field in objects[0]._meta.concrete_fields):
        return type(objects[0])._base_manager.bulk_create(objects, batch_size=CHUNK) if objects else []
    meta = objects[0]._meta
    quote = connection.ops.quote_name
    table, names = quote(meta.db_table), [field.attname for field in meta.concrete_fields]
    columns = ", ".join(quote(field.column) for field in meta.concrete_fields)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, meta.pk.column, len(objects)])
        for obj, (pk,) in zip(objects, cursor.fetchall(), strict=True):
            obj.pk = pk
        # The audit's context travels in front of statements that write, and COPY has no place for it: an empty one carries it.
        cursor.execute(f"DELETE FROM {table} WHERE false")  # noqa: S608
        lines = "\n".join(["\t".join([_text(getattr(obj, name)) for name in names]) for obj in objects])
        cursor.cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO(lines + "\n"))
    for obj in objects:
        obj._state.adding, obj._state.db = False, connection.alias
    return objects


def update_rows(objects: Sequence[Any], names: Iterable[str]) -> None:
    """Store these fields of rows of one model, like `bulk_update`, whose CASE looks at each row once per row.

    What is the same for all is written once; the rest comes as arrays beside the ids.
    """
    meta = objects[0]._meta
    fields = [meta.get_field(name) for name in names]
    if not all(isinstance(field, KNOWN) for field in fields):
        type(objects[0])._base_manager.bulk_update(objects, [field.name for field in fields], batch_size=CHUNK)
        return
    quote, sets, params, arrays = connection.ops.quote_name, [], [], []
    sources = [("id", meta.pk.rel_db_type(connection), [obj.pk for obj in objects])]
    for field in fields:
        values = [field.get_db_prep_save(getattr(obj, field.attname), connection) for obj in objects]
        column = quote(field.column)
        if isinstance(field, models.JSONField) or any(value != values[0] for value in values):
            sets.append(f"{column} = new.{column}")
            sources.append((column, field.db_type(connection), values))
        else:
            sets.append(f"{column} = %s")
            params.append(values[0])
    arrays = [f"%s::{kind}[]" for _column, kind, _values in sources]
    table, columns = quote(meta.db_table), ", ".join(column for column, _kind, _values in sources)
    sql = f"UPDATE {table} SET {', '.join(sets)} FROM unnest({', '.join(arrays)}) AS new({columns}) WHERE {table}.{quote(meta.pk.column)} = new.id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, *(values for _column, _kind, values in sources)])


def _text(value: Any) -> str:
    """A value in COPY's text format."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return str(value).translate(ESCAPES) if value else ""
    return WRITERS.get(type(value), str)(value)


WRITERS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "t" if value else "f",
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    Decimal: str,
    dict: lambda value: json.dumps(value).translate(ESCAPES),
    list: lambda value: json.dumps(value).translate(ESCAPES),
}
