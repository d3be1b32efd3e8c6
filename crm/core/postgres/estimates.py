"""What the planner believes about tables, at most ten minutes old: good enough to choose a way, never to choose rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.core.cache import caches
from django.db import connection

KEEP_SECONDS = 600


def shares_of(models: Iterable[Any], column: str, values: Collection[int]) -> dict[Any, float]:
    """Of each model: which part of its rows, from 0 to 1, has one of these values; 0 where nothing is known."""
    tables = {model: model._meta.db_table for model in models}

    def read() -> dict[tuple[str, int], float]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename, unnest(most_common_vals::text::bigint[]), unnest(most_common_freqs) FROM pg_stats"
                " WHERE schemaname = current_schema() AND tablename = ANY(%s) AND attname = %s AND NOT inherited",
                [sorted(tables.values()), column],
            )
            return {(table, value): share for table, value, share in cursor.fetchall()}

    known = caches["fragments"].get_or_set(f"shares.{'.'.join(sorted(tables.values()))}.{column}", read, KEEP_SECONDS) or {}
    return {model: sum(known.get((table, value), 0) for value in values) for model, table in tables.items()}


def planned_rows(sql: str, params: Sequence[Any]) -> int:
    """How many rows the planner expects of a statement, which is not run; 0 for none."""
    if not sql:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        return int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"])


def table_size(model: Any) -> int:
    """How many rows the table has, roughly."""
    table = model._meta.db_table

    def read() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [f'"{table}"'])
            return max(0, cursor.fetchone()[0])

    return caches["fragments"].get_or_set(f"rows.{table}", read, KEEP_SECONDS) or 0
