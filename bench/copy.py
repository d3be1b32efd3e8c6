"""Rows into a table by COPY: columns that are not given get the model's defaults; indexes are made afterwards, triggers stay silent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import connection, models

NULL = "\\N"
BLOCK = 20_000


def text(value: Any) -> str:
    """A value in COPY's text format."""
    if value is None:
        return NULL
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value).replace("\\", "\\\\")
    return str(value)


def copy_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """COPY `rows`, whose values are finished texts in the order of `names` (attribute names); returns how many."""
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    known = {field.attname: field for field in fields}
    fixed = [field for field in fields if field.attname not in names and not field.primary_key]
    columns = [known[name].column for name in names] + [field.column for field in fixed]
    tail = (
        "".join(
            f"\t{text(field.get_db_prep_save(field.get_default(), connection) if not isinstance(field, models.JSONField) else field.get_default())}"
            for field in fixed
        )
        + "\n"
    )
    quoted = ", ".join(f'"{column}"' for column in columns)
    statement = f'COPY "{model._meta.db_table}" ({quoted}) FROM STDIN'
    count = 0
    with connection.cursor() as cursor:
        for block in _blocks(rows):
            buffer = io.StringIO("".join(["\t".join(row) + tail for row in block]))
            cursor.cursor.copy_expert(statement, buffer)
            count += len(block)
    return count


def _blocks(rows: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    block: list[Sequence[str]] = []
    for row in rows:
        block.append(row)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


@contextmanager
def bare_tables(tables: Sequence[str]) -> Iterator[None]:
    """Inside, the tables have no indexes but those of constraints, and no trigger fires; afterwards everything is there again."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s) AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint) AND indexdef NOT LIKE 'CREATE UNIQUE%%' ORDER BY indexname",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with connection.cursor() as cursor:
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in tables:
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            (sequence,) = cursor.fetchone()
            if sequence:
                cursor.execute(f'SELECT setval(%s, (SELECT coalesce(max(id), 1) FROM "{table}"))', [sequence])
