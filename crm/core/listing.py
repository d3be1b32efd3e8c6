"""Which rows a list shows, fast for everybody at any size (docs/decisions/lists.md).

The only module that composes SQL by hand: the pieces are compiled by Django (values are parameters), column names come from
`Column.sort` and never from a request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.cache import caches
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import F, Q
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from crm.core.access import any_of, arms_for
from crm.core.compiled import NUMBER, Compiled
from crm.core.records import RecordType

KEEP_SECONDS = 60
CAP = 10_000  # counts stop here; longer lists walk the index of their sort key
MAX_ARMS = 8
Pair = tuple[int, Any]


class BadCursor(ValueError):
    """The page mark in the address was not made by us."""


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: after (or, `back`, before) the row with this key and id. `offset` is how many rows come before, for show."""

    key: Any
    pk: int
    offset: int = 0
    back: bool = False

    def encode(self) -> str:
        raw = json.dumps([None if self.key is None else str(self.key), self.pk, self.offset, int(self.back)])
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, field: Any) -> Cursor:
        try:
            if len(text) > 800:
                raise ValueError(text)
            key, pk, offset, back = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if not (isinstance(pk, int) and isinstance(offset, int) and 0 <= offset < 2**31 and 0 <= pk < 2**63 and (key is None or isinstance(key, str))):
                raise ValueError(text)
            if key is not None and "\x00" in key:
                raise ValueError(text)
            return cls(None if key is None else field.to_python(key), pk, offset, bool(back))
        except (ValueError, TypeError, ValidationError, RecursionError) as error:
            raise BadCursor(text) from error


@dataclass(frozen=True)
class Order:
    """A sort: model column and direction. Empty values come last in both directions."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class Slice:
    """One page: ids with their keys in order, the capped count of all matches, and whether more lie on either side."""

    pairs: list[Pair]
    count: int
    capped: bool
    before: bool
    after: bool
    offset: int


class Listing:
    """The rows of one record type that a user may see and that match the filters."""

    def __init__(self, record: RecordType, user: Any, *, q: Q | None = None, filterset: Any = None, action: str = "view", key: str = "") -> None:
        self.record, self.user, self.model = record, user, record.model
        self.q, self.filterset, self.action, self.key = q, filterset, action, key

    def arms(self) -> list[Any]:
        """Disjoint querysets; their union is the list."""
        arms = arms_for(self.user, self.action, self.model)
        if len(arms) > MAX_ARMS:
            arms = [any_of(arms)]
        base = self.model._default_manager.alive()  # type: ignore[attr-defined]
        querysets = []
        for arm in arms:
            rows = base.filter(arm)
            if self.filterset is not None:
                rows = self.filterset.filter_queryset(rows)
            querysets.append(rows.filter(self.q) if self.q is not None else rows)
        return querysets

    def page(self, order: Order, size: int, cursor: Cursor | None = None) -> Slice:
        """One page of `size` rows: in the matches themselves when they are few, along the sort key's index when they are many."""
        field = self.model._meta.get_field(order.column)
        plain = self.q is None and self.filterset is None
        if self._known_as_many():
            matches, count = list[Pair](), CAP + 1
        elif plain:  # each arm is one stretch of its index: nothing to skip, so nothing to sort
            count = self._counted()
        else:
            matches, count = self._few(order, size, cursor, field)
        capped = count > CAP
        if capped:
            self._remember_as_many()
        if capped or plain:
            matches = self._walk(order, size, cursor, field) if count else []
        more = len(matches) > size
        pairs = matches[:size]
        if cursor and cursor.back:
            pairs.reverse()
            return Slice(pairs, min(count, CAP), capped, more, True, max(0, cursor.offset - len(pairs)) if more else 0)
        return Slice(pairs, min(count, CAP), capped, cursor is not None, more, cursor.offset if cursor else 0)

    def _known_as_many(self) -> bool:
        """Were there more than CAP matches less than a minute ago? Whoever pages and sorts through a long list need not have ten
        thousand rows counted each time: "10,000+" stays true. `key` names the reader and all that decides which rows match."""
        return bool(self.key) and caches["fragments"].get(self.key) is True

    def _remember_as_many(self) -> None:
        if self.key:
            caches["fragments"].set(self.key, True, KEEP_SECONDS)

    def count(self) -> tuple[int, bool]:
        """How many match, counted up to CAP; and whether there are more."""
        found = self._counted()
        return min(found, CAP), found > CAP

    def _counted(self) -> int:
        """How many match, counted up to CAP + 1."""
        sql, params = self._union([self._compiled(rows.order_by().values_list("pk")[: CAP + 1]) for rows in self.arms()], f"LIMIT {CAP + 1}")
        if not sql:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({sql}) AS matches", params)
            return cursor.fetchone()[0]

    def _few(self, order: Order, size: int, cursor: Cursor | None, field: Any) -> tuple[list[Pair], int]:
        """Count the matches up to CAP + 1; sort them when they are no more than CAP."""
        matches, params = self._matches(order)
        if not matches:
            return [], 0
        descending = order.descending != bool(cursor and cursor.back)
        where, where_params = self._after(order, cursor, field)
        # Forwards, empty keys come last; backwards they come first.
        empty = "DESC" if cursor and cursor.back else "ASC"
        way = "DESC" if descending else "ASC"
        with connection.cursor() as database:
            database.execute(
                # Compiled by Django, or built from constants above. Too many are only counted: nobody will see them sorted.
                f"WITH {matches} SELECT id, key, total.n FROM total LEFT JOIN matches ON total.n <= {CAP} AND {where}"
                f" ORDER BY (key IS NULL) {empty}, key {way}, id {way} LIMIT {size + 1}",
                [*params, *where_params],
            )
            found = database.fetchall()
        return [(pk, key) for pk, key, _n in found if pk is not None], found[0][2]

    def _matches(self, order: Order) -> tuple[str, list[Any]]:
        """The common table expressions `matches (id, key)` and `total (n)`; "" when nothing can match.

        MATERIALIZED keeps the planner from walking the sort index for a rare filter. For who sees everything, filters are counted by ids alone,
        which their index gives without the rows; the rows are then read only if they are few. Searches, and filters within the rows of an owner or
        a team, have to look at rows in any case: they do it once.
        """
        arms = [rows.order_by() for rows in self.arms()]
        most = f"LIMIT {CAP + 1}"
        rows_wanted = [self._compiled(rows.values_list("pk", order.column)[: CAP + 1]) for rows in arms]
        if self.q is not None or arms_for(self.user, self.action, self.model) != [Q()]:
            sql, params = self._union(rows_wanted, most)
            return (f"matches (id, key) AS MATERIALIZED ({sql}), total AS (SELECT count(*) AS n FROM matches)" if sql else ""), params
        ids, id_params = self._union([self._compiled(rows.values_list("pk")[: CAP + 1]) for rows in arms], most)
        sql, params = self._union(rows_wanted, f"WHERE (SELECT n FROM total) <= {CAP} {most}")
        total = f"total AS MATERIALIZED (SELECT count(*) AS n FROM ({ids}) AS counted)"
        return (f"{total}, matches (id, key) AS MATERIALIZED ({sql})" if sql else ""), [*id_params, *params]

    @staticmethod
    def _after(order: Order, cursor: Cursor | None, field: Any) -> tuple[str, list[Any]]:
        if cursor is None:
            return "true", []
        descending = order.descending != cursor.back
        sign = "<" if descending else ">"
        value = field.get_db_prep_value(cursor.key, connection) if cursor.key is not None else None
        if cursor.key is None:  # among the empty ones, at the end
            return (f"((key IS NULL AND id {sign} %s) OR key IS NOT NULL)", [cursor.pk]) if cursor.back else (f"(key IS NULL AND id {sign} %s)", [cursor.pk])
        if cursor.back:
            return f"(key, id) {sign} (%s, %s)", [value, cursor.pk]
        return f"((key, id) {sign} (%s, %s) OR key IS NULL)", [value, cursor.pk]

    def _walk(self, order: Order, size: int, cursor: Cursor | None, field: Any) -> list[Pair]:
        """Read the first rows of each arm along its index and merge them; empty keys are a stretch of their own."""
        stretches = ["filled", "empty"] if field.null else ["filled"]
        back = bool(cursor and cursor.back)
        if back:
            stretches.reverse()
        found: list[Pair] = []
        for stretch in stretches:
            if cursor is not None and len(stretches) == 2:
                here = "empty" if cursor.key is None else "filled"
                if stretches.index(stretch) < stretches.index(here):
                    continue
                start = cursor if stretch == here else None
            else:
                start = cursor
            found += self._stretch(order, size + 1 - len(found), start, stretch, field, back)
            if len(found) > size:
                break
        return found

    def _stretch(self, order: Order, limit: int, start: Cursor | None, stretch: str, field: Any, back: bool) -> list[Pair]:
        descending = order.descending != back
        sign = "-" if descending else ""
        keys = ["pk"] if stretch == "empty" else [order.column, "pk"]
        compare = TupleLessThan if descending else TupleGreaterThan
        parts = []
        for rows in self.arms():
            if field.null:
                rows = rows.filter(**{f"{order.column}__isnull": stretch == "empty"})
            if start is not None and stretch == "empty":
                rows = rows.filter(pk__lt=start.pk) if descending else rows.filter(pk__gt=start.pk)
            elif start is not None:
                rows = rows.filter(compare(Tuple(F(order.column), F("pk")), (start.key, start.pk)))
            parts.append(self._compiled(rows.order_by(*[f"{sign}{key}" for key in keys]).values_list("pk", order.column)[:limit]))
        way = "DESC" if descending else "ASC"
        sql, params = self._union(parts, f"ORDER BY {'1' if stretch == 'empty' else '2'} {way}, 1 {way} LIMIT {int(limit)}")
        if not sql:
            return []
        with connection.cursor() as database:
            database.execute(sql, params)
            return list(database.fetchall())

    @staticmethod
    def _compiled(rows: Any) -> tuple[str, tuple[Any, ...]] | None:
        try:
            return rows.query.sql_with_params()
        except EmptyResultSet:
            return None

    @staticmethod
    def _union(parts: list[tuple[str, tuple[Any, ...]] | None], tail: str) -> tuple[str, list[Any]]:
        filled = [part for part in parts if part is not None]
        if not filled:
            return "", []
        sql = " UNION ALL ".join(f"({part[0]})" for part in filled)
        whole = f"SELECT * FROM ({sql}) AS parts {tail}"
        return whole, [value for part in filled for value in part[1]]

    def fetch(self, pairs: list[Pair]) -> list[Any]:
        """The rows of a page, in its order."""
        return fetch(self.model, [pk for pk, _key in pairs])

    def iterate(self, order: Order, chunk: int = 1000) -> Iterator[list[Any]]:
        """All matching rows in chunks, for exports; each chunk costs what the first costs."""
        cursor: Cursor | None = None
        field = self.model._meta.get_field(order.column)
        while True:
            pairs = self._walk(order, chunk, cursor, field)
            if pairs:
                yield self.fetch(pairs[:chunk])
            if len(pairs) <= chunk:
                return
            cursor = Cursor(pairs[chunk - 1][1], pairs[chunk - 1][0])

    def ids(self, limit: int) -> list[int]:
        """Ids of at most `limit` matching rows."""
        return [pk for rows in self.arms() for pk in rows.order_by("pk").values_list("pk", flat=True)[:limit]][:limit]


def fetch(model: Any, ids: list[int]) -> list[Any]:
    """Rows by id in the given order, without the column that only searches read."""
    if not ids:
        return []
    by_id = {obj.pk: obj for obj in _by_ids(model)(tuple(ids))}
    return [by_id[pk] for pk in ids if pk in by_id]


@cache
def _by_ids(model: Any) -> Compiled:
    unread = {"search_text"} & {field.name for field in model._meta.concrete_fields}
    return Compiled(lambda: model._base_manager.filter(pk__in=[NUMBER]).defer(*unread))
