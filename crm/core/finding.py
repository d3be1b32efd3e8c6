"""Which rows fit a search best, for several record types in one statement (docs/decisions/search.md).

SQL is composed by hand as in listing.py: conditions of visibility are compiled by Django, names come from models, everything typed is a parameter.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model

from crm.core.access import OwnedPolicy, Scope, has_bin
from crm.core.arms import each_condition
from crm.core.compiled import maker
from crm.core.records import RecordType
from crm.core.text import Question

WALK = 5000  # so many of the newest rows are looked at for a common term
EVERY, SAMPLE_SECONDS = 5, 600  # every fifth of them is the sample
COMMON = 4  # of the sample fit: the newest rows have enough hits
HITS_OF_WALK = 60
NAMES = 300  # rows whose name may begin with a common term
EXACT, BEGINNING, WORDS, WORD_BEGINNINGS, ANYWHERE_BEGINNINGS, INSIDE, ALIKE, LESS_ALIKE = range(8)
Where = tuple[str, tuple[Any, ...]]
Piece = tuple[str, list[Any]]
Sample = tuple[list[tuple[Any, ...]], str]


@dataclass(frozen=True)
class Found:
    """A row that fits, with the columns that a hit shows; `rank` 0 is best."""

    rank: int
    obj: Any


@dataclass(frozen=True)
class Near:
    """A question whose words may be spelt otherwise: `close` by the fewest edits, `wide` by as many as are allowed."""

    close: Question
    wide: Question


def find(records: Sequence[RecordType], user: Any, question: Question, limit: int, near: Near | None = None) -> dict[str, list[Found]]:
    """{slug: rows}, at most `limit` of each type, the best first, the newest first among equals.

    A term that many rows have is looked for among the newest rows and at the beginnings of names; any other one by its trigrams, in all rows.
    """
    asked = [(record, where) for record in records if (where := _where(record, user))]
    common = {record.slug for record, _where in asked if _is_common(record, user, near.wide if near else question)}
    found = _rows([(record, _part(record, where, question, near, limit, walk=record.slug in common)) for record, where in asked])
    # Where the newest rows had less than the sample let hope.
    again = [(record, where) for record, where in asked if record.slug in common and len(found.get(record.slug, ())) < limit]
    return found | _rows([(record, _part(record, where, question, near, limit)) for record, where in again])


def newest(model: Any, user: Any, question: Question, columns: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
    """Values of the newest visible rows that fit, of a model that is no record type. Whether a row may be seen is asked one by one, of those that fit."""
    where = each_condition(user, "view", model)
    if where is None:
        return []
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    holds, params = _holds(table, question)
    wanted = ", ".join(f"{table}.{quote(_column(model, name))}" for name in columns)
    filled = f"SELECT * FROM {table} WHERE deleted_at IS NULL AND search_text <> ''"
    found: list[tuple[Any, ...]] = []
    for walk in (True, False) if _is_common_text(model, question) else (False,):
        fits = f"SELECT * FROM ({filled} ORDER BY id DESC LIMIT {WALK}) AS {table} WHERE {holds}" if walk else f"{filled} AND {holds}"
        # MATERIALIZED: all that fit by their trigrams, then sorted; a planner that sees the LIMIT would rather walk through the whole table.
        in_order = f"WITH fits AS MATERIALIZED ({fits}) SELECT {wanted} FROM (SELECT * FROM fits ORDER BY id DESC OFFSET 0) AS {table}"
        sql = f"{in_order} WHERE {where[0]} LIMIT {int(limit)}"
        with connection.cursor() as cursor:
            cursor.execute(sql, [*params, *where[1]])
            found = list(cursor.fetchall())
        if len(found) >= limit:
            break
    return found


def _where(record: RecordType, user: Any) -> Where | None:
    """The condition of what the user may see, over the columns of the record's table; None: nothing."""
    model: Any = record.model
    if isinstance(model.access_policy, OwnedPolicy) and user is not None and user.is_authenticated and user.is_active:
        return _where_owned(model, model.access_policy.key(user, "view", model))
    return _compiled(record.visible(user))


@lru_cache(1024)
def _where_owned(model: Any, rights: tuple[Any, ...]) -> Where | None:
    return _compiled(model.objects.alive().filter(model.access_policy.q_of(*rights)))


def _compiled(rows: Any) -> Where | None:
    try:
        sql, params = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql.partition(" WHERE ")[2] or "true", params


# ---- how common a term is ----

_samples: dict[type[Model], tuple[float, Sample]] = {}


def _sample(model: Any) -> Sample:
    """Text, owner and team of some of the rows that would be walked, and all their texts in one, as they were at most ten minutes ago: only to
    choose the plan, never shown."""
    until, sample = _samples.get(model, (0.0, ([], "")))
    if time.monotonic() > until:
        columns = ["search_text", *(field.attname for field in model._meta.concrete_fields if field.name in ("owner", "team"))]
        rows = list(model.objects.alive().exclude(search_text="").order_by("-pk").values_list(*columns)[:WALK:EVERY])
        sample = rows, "\n".join(row[0] for row in rows)
        _samples[model] = (time.monotonic() + SAMPLE_SECONDS, sample)
    return sample


def _fitting(model: Any, question: Question) -> list[tuple[Any, ...]]:
    rows, texts = _sample(model)
    asked = question.within(texts) if len(rows) == WALK // EVERY else None
    return asked.fitting(rows) if asked else []


def _is_common(record: RecordType, user: Any, question: Question) -> bool:
    """Do many of the newest rows that the user may see fit? By a rough look at owner and team; the statement asks the rule itself."""
    policy: Any = record.model.access_policy  # type: ignore[attr-defined]
    fits = _fitting(record.model, question) if isinstance(policy, OwnedPolicy) else []
    if fits and policy.scope(user, "view", record.model) != Scope.ALL:
        fits = [row for row in fits if row[1] == user.pk or row[2] in user.team_scope]
    return len(fits) >= COMMON


def _is_common_text(model: Any, question: Question) -> bool:
    return len(_fitting(model, question)) >= COMMON


# ---- the statement ----


def _part(record: RecordType, where: Where, question: Question, near: Near | None, limit: int, *, walk: bool = False) -> Piece:
    """The best rows of one type: slug, id, rank, the columns of a hit as texts."""
    quote = connection.ops.quote_name
    table = quote(record.model._meta.db_table)
    columns = ", ".join(f"{table}.{quote(_column(record.model, name))}::text" for name in hit_columns(record))
    rank, rank_params = _rank(table, question, near)
    holds, params = _holds(table, near.wide if near else question)
    select = f"SELECT {table}.id, {rank} AS rank, ARRAY[{columns}]::text[] AS columns FROM "
    fits, fit_params = f" WHERE {where[0]} AND {holds}", [*where[1], *params]
    alive = "WHERE deleted_at IS NULL" if has_bin(record.model) else "WHERE true"
    if walk:
        newest = f"(SELECT * FROM {table} {alive} ORDER BY id DESC LIMIT {WALK}) AS {table}"
        named = f"(SELECT * FROM {table} {alive} AND sort_name >= %s ORDER BY sort_name, id LIMIT {NAMES}) AS {table}"
        source = f"({select}{newest}{fits} LIMIT {HITS_OF_WALK}) UNION ({select}{named}{fits} AND {table}.sort_name LIKE %s)"
        values = [*rank_params, *fit_params, *rank_params, question.name, *fit_params, f"{_like(question.name)}%"]
    else:
        source, values = f"{select}{table}{fits}", [*rank_params, *fit_params]
    return f"(SELECT %s, id, rank, columns FROM ({source}) AS found ORDER BY rank, id DESC LIMIT {int(limit)})", [record.slug, *values]


def _rank(table: str, question: Question, near: Near | None) -> Piece:
    """How well a row fits, see the constants above."""
    words = question.words
    orders = [" ".join(each) for each in itertools.permutations(words)] if len(words) < 4 else []
    cases, params = [], list[Any]()
    for rank, condition, values in (
        (EXACT, f"{table}.sort_name = ANY(%s)", [[question.name, *orders]]),
        (BEGINNING, f"{table}.sort_name LIKE %s", [f"{_like(question.name)}%"]),
        (WORDS, _all(f"' ' || {table}.sort_name || ' '", words), [f"% {_like(word)} %" for word in words]),
        (WORD_BEGINNINGS, _all(f"' ' || {table}.sort_name", words), [f"% {_like(word)}%" for word in words]),
        (ANYWHERE_BEGINNINGS, _all(f"{table}.search_text", words), [f"% {_like(word)}%" for word in words]),
    ):
        cases.append(f"WHEN {condition} THEN {rank}")
        params += values
    last = INSIDE
    if near:
        for rank, asked in ((INSIDE, question), (ALIKE, near.close)):
            condition, values = _holds(table, asked)
            cases.append(f"WHEN {condition} THEN {rank}")
            params += values
        last = LESS_ALIKE
    return f"CASE {' '.join(cases)} ELSE {last} END", params


def _all(text: str, words: Sequence[str]) -> str:
    return " AND ".join([f"{text} LIKE %s"] * len(words))


def _holds(table: str, question: Question) -> Piece:
    """The row's folded text fits all terms."""
    terms, params = [], list[Any]()
    for term in question.terms:
        ways = []
        for way in term.ways:
            ways.append(_all(f"{table}.search_text", way))
            params += [f"%{_like(each)}%" for each in way]
        terms.append(f"({' OR '.join(ways)})")
    return " AND ".join(terms), params


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows(parts: Sequence[tuple[RecordType, Piece]]) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = {}
    if not parts:
        return found
    by_slug = {record.slug: record for record, _part in parts}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sql for _record, (sql, _params) in parts), [value for _record, (_sql, params) in parts for value in params])
        for slug, pk, rank, values in cursor.fetchall():
            found.setdefault(slug, []).append(Found(rank, _object(by_slug[slug], pk, values)))
    for rows in found.values():  # the order inside a part is not the statement's
        rows.sort(key=lambda row: (row.rank, -row.obj.pk))
    return found


def hit_columns(record: RecordType) -> tuple[str, ...]:
    """What a hit is made of: the name's columns and those of its second line."""
    return (*dict.fromkeys((*getattr(record.model, "brief_fields", ()), *record.hit_columns)),)


def _column(model: Any, name: str) -> str:
    return model._meta.get_field(name).column


def _object(record: RecordType, pk: int, values: Sequence[str | None]) -> Any:
    """A row with the columns of a hit; what else is asked of it is read then."""
    fields: list[Any] = [record.model._meta.get_field(name) for name in hit_columns(record)]
    return maker(record.model, ("id", *(field.attname for field in fields)))(
        (pk, *(field.to_python(value) for field, value in zip(fields, values, strict=True)))
    )
