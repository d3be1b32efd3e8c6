"""Which rows a list shows, fast for everybody at any size (docs/decisions/lists.md).

The only module that composes SQL by hand: the pieces are compiled by Django (values are parameters), column names come from
`Column.sort` and never from a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.core.cache import caches
from django.db import connection
from django.db.models import Q

from crm.core.access import arms_for
from crm.core.arms import Arm, conditions, few_arms
from crm.core.beginnings import ranges
from crm.core.cursors import Cursor, Order, after
from crm.core.custom.keys import CustomKey, order_field
from crm.core.fetching import fetch
from crm.core.postgres.estimates import planned_rows, table_size
from crm.core.records import RecordType
from crm.core.slices import CAP, Pair, Slice

KEEP_SECONDS = 60
FEW = 1_000  # so many matches of a filter are sorted without a thought
SHORT_WALK = 10_000  # a page for which no more rows than this have to be looked at needs no count beyond FEW
SORTED = 100_000  # matches that are sorted sooner than half of the table is walked
GLANCE, SHORT_GLANCE = 20_000, 8_000  # rows that a common search, a common filter may pass to fill a page
NEIGHBOUR = 1_000  # and for the one row beside another


class Listing:
    """The rows of one record type that a user may see and that match the filters."""

    def __init__(
        self,
        record: RecordType,
        user: Any,
        *,
        q: Q | None = None,
        otherwise: Callable[[], Q | None] | None = None,
        filterset: Any = None,
        alternatives: Sequence[Any] = (),
        action: str = "view",
        key: str = "",
    ) -> None:
        """Rows must fit `filterset` and one of the `alternatives`, if there are any. `otherwise` is asked for another condition when none fits `q`."""
        self.record, self.user, self.model = record, user, record.model
        self.otherwise, self.alike = otherwise, False
        self.q, self.filterset, self.alternatives, self.action, self.key = q, filterset, alternatives, action, key
        self._kept: dict[tuple[str, bool, bool], list[Arm]] = {}
        self._by_alternative: dict[str, list[Arm]] = {}

    def arms(self) -> list[Any]:
        """Disjoint querysets; their union is the list."""
        rows = self._narrowed()
        return [rows.filter(arm) for arm in few_arms(arms_for(self.user, self.action, self.model))]

    @property
    def plain(self) -> bool:
        """Neither filter nor search: the list is as long as what the user may see."""
        return self.q is None and self.filterset is None and not self.alternatives

    def _narrowed(self) -> Any:
        """The rows that match the filters, whoever may see them."""
        rows = self._common()
        return rows & reduce(or_, (each.filter_queryset(self._alive()) for each in self.alternatives)) if self.alternatives else rows

    def _branches(self) -> list[Any]:
        """The same rows by alternative, each found by its own indexes; a row may be in several."""
        return [each.filter_queryset(self._common()) for each in self.alternatives] or [self._common()]

    def _common(self) -> Any:
        """The rows that match what all alternatives have in common."""
        rows = self._alive()
        if self.filterset is not None:
            rows = self.filterset.filter_queryset(rows)
        return rows if self.q is None else rows.filter(self.q)

    def _alive(self) -> Any:
        return self.model._default_manager.alive()  # type: ignore[attr-defined]

    def page(self, order: Order, size: int, cursor: Cursor | None = None, *, exact: bool = False) -> Slice:
        """One page of `size` rows: in the matches themselves when they are few, along the sort key's index when they are many.

        `exact`: count up to CAP, also where the page does not need it."""
        field = order_field(self.model, order.column)
        few = min(FEW, CAP)
        matches, count, looked = list[Pair](), CAP + 1 if self._known_as_many() else 0, False
        if not (self.plain or count):
            most = CAP if self._lie_thin(order.column, size) else few
            matches, count = self._few(order, size, cursor, field, most)
            if not count and self._go_on():
                return self.page(order, size, cursor, exact=exact)
            if count <= most:
                return Slice.of(matches, size, cursor, count, capped=False)
            if not exact and size * table_size(self.model) <= SHORT_WALK * FEW:
                return Slice.of(self._walk(order, size, cursor, field), size, cursor, few, capped=True)
            if self.q is not None:
                return self._searched(order, size, cursor, field, exact)
            if not exact and not self._asks_for(order.column):
                matches = self._glance(order, size, cursor, field, SHORT_GLANCE)
                if matches:
                    return Slice.of(matches, size, cursor, few, capped=True)
                looked = True
        count = count if count > CAP else self._counted(order.column)
        if count > CAP:
            self._remember_as_many()
        return Slice.of(self._many(order, size, cursor, field, count, looked), size, cursor, min(count, CAP), capped=count > CAP)

    def _searched(self, order: Order, size: int, cursor: Cursor | None, field: Any, exact: bool) -> Slice:
        """A page of more than FEW matches of a search, which takes longer to gather than rows take to be passed: common words come along soon."""
        matches = [] if exact else self._glance(order, size, cursor, field, GLANCE)
        if matches:
            return Slice.of(matches, size, cursor, min(FEW, CAP), capped=True)
        matches, count = self._few(order, size, cursor, field, CAP)
        if count <= CAP:
            return Slice.of(matches, size, cursor, count, capped=False)
        self._remember_as_many()
        return Slice.of(self._walk(order, size, cursor, field), size, cursor, CAP, capped=True)

    def _lie_thin(self, column: str, size: int) -> bool:
        """In a large table: does the planner expect so few matches that sorting them takes less than passing what lies between them? Then all of them
        are gathered at once, and nothing else is tried in vain."""
        passed = size * table_size(self.model)
        if self._asks_for(column) or passed <= SHORT_WALK * FEW:
            return False
        if self.alike:  # of what is spelt alike it knows little
            return True
        expected = planned_rows(*self._gathered([(f"{arm.select_id} {arm.rest}", arm.params) for arm in self._lookups(column)]))
        return expected <= CAP and expected * expected < passed

    def _asks_for(self, column: str) -> bool:
        """Is it the sort key that is filtered by? Its index begins the walk where the filter does, or all that fits lies far along."""
        return any(column in each.columns for each in (self.filterset, *self.alternatives) if each is not None)

    def _glance(self, order: Order, size: int, cursor: Cursor | None, field: Any, most: int) -> list[Pair]:
        """The page and one more row, if the next `most` visible rows along the index hold them; else nothing."""
        matching, ahead = self._one(order.column), self._ahead(order, cursor, field)
        if not (matching and ahead):
            return []
        fits, (rest, values, way) = matching[0], ahead
        table, key, pk = connection.ops.quote_name(self.model._meta.db_table), self._column(field), self._column(self.model._meta.pk)
        inner = f"SELECT {table}.* {rest} ORDER BY {key} {way}, {pk} {way} LIMIT {most}"  # the LIMIT keeps the search out of it
        condition = fits.rest.partition(" WHERE ")[2]
        with connection.cursor() as database:
            database.execute(f"{fits.select} FROM ({inner}) AS {table} WHERE {condition} ORDER BY 2 {way}, 1 {way} LIMIT {size + 1}", [*values, *fits.params])
            found = database.fetchall()
        return list(found) if len(found) > size else []

    def beside(self, order: Order, cursor: Cursor) -> Pair | None:
        """The row after (or, `back`, before) the cursor's: of the matches themselves when they are few, else along the index. Nothing is counted
        beyond that."""
        field = order_field(self.model, order.column)
        if self.plain:
            return next(iter(self._walk(order, 1, cursor, field)), None)
        matches, count = self._few(order, 1, cursor, field, FEW)
        if not count and self._go_on():
            return self.beside(order, cursor)
        return next(iter(matches if count <= FEW else self._along(order, 0, cursor, field)), None)

    def _go_on(self) -> bool:
        """Nothing fits: go on with the other condition, if there is one. Then the rows are only `alike`."""
        q, self.otherwise = self.otherwise() if self.otherwise else None, None
        if q is not None:
            self.q, self._kept, self._by_alternative, self.alike = q, {}, {}, True
        return q is not None

    def _known_as_many(self) -> bool:
        """Were there more than CAP matches less than a minute ago? Whoever pages and sorts through a long list need not have ten
        thousand rows counted each time: "10,000+" stays true. `key` names the reader and all that decides which rows match."""
        return bool(self.key) and caches["fragments"].get(self.key) is True

    def _remember_as_many(self) -> None:
        if self.key:
            caches["fragments"].set(self.key, True, KEEP_SECONDS)

    def count(self) -> tuple[int, bool]:
        """How many match, counted up to CAP; and whether there are more."""
        found = CAP + 1 if self._known_as_many() else self._counted("id")
        if not found and self._go_on():
            found = self._counted("id")
        if found > CAP:
            self._remember_as_many()
        return min(found, CAP), found > CAP

    def _counted(self, column: str) -> int:
        """How many match, counted up to CAP + 1 by their ids, which an index gives without the rows (counting_indexes). The statement is made
        from that for the sort key `column`, which the page needs as well."""
        sql, params = self.counting(column, CAP + 1)
        if not sql:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({sql}) AS matches", params)
            return cursor.fetchone()[0]

    def counting(self, column: str, most: int) -> tuple[str, list[Any]]:
        """The ids of up to `most` matches as a statement; "" when no row can match."""
        sql, params = self._gathered([(f"{arm.select_id} {arm.rest} LIMIT {most}", arm.params) for arm in self._lookups(column)])
        return (f"{sql} LIMIT {most}" if sql else ""), params

    def _many(self, order: Order, size: int, cursor: Cursor | None, field: Any, count: int, looked: bool) -> list[Pair]:
        """One page of many matches. Without a filter each arm is one stretch of the index, with nothing to skip. With one, the walk looks at
        as many rows for a page as there are for each match; where that is more than the matches, these are sorted."""
        if not count:
            return []
        if not self.plain and count <= CAP and size * table_size(self.model) > max(count * count, SHORT_WALK * FEW):
            return self._few(order, size, cursor, field, CAP)[0]
        return self._walk(order, size, cursor, field) if self.plain else self._along(order, size, cursor, field, looked=looked)

    def _along(self, order: Order, size: int, cursor: Cursor | None, field: Any, *, looked: bool = False) -> list[Pair]:
        """A page of more than FEW matches along the index of the sort key, in which they lie scattered: then they come soon. Where the next rows
        hold no page of them, the key goes along with what is filtered by (old tasks are due early), and the walk might pass half of the table for
        nothing; then all matches are gathered and sorted, unless they are very many: the walk comes to those in the end."""
        if self.q is not None or self._asks_for(order.column):
            return self._walk(order, size, cursor, field)
        most = SHORT_GLANCE if size else min(SHORT_GLANCE, NEIGHBOUR)
        found = [] if looked else self._glance(order, size, cursor, field, most)
        if found or not self._goes_on(order, cursor, field, most):
            return found or self._walk(order, size, cursor, field)
        matches, count = self._few(order, size, cursor, field, SORTED)
        return matches if count <= SORTED else self._walk(order, size, cursor, field)

    def _goes_on(self, order: Order, cursor: Cursor | None, field: Any, most: int) -> bool:
        """Are there `most` more visible rows along the index, whether they match or not?"""
        ahead = self._ahead(order, cursor, field)
        if ahead is None:
            return False
        with connection.cursor() as database:
            database.execute(f"SELECT count(*) FROM (SELECT 1 {ahead[0]} LIMIT {most}) AS next", ahead[1])
            return database.fetchone()[0] == most

    def _ahead(self, order: Order, cursor: Cursor | None, field: Any) -> tuple[str, list[Any], str] | None:
        """The visible rows with a key from the cursor on, whether they match or not: from FROM on, the values, the direction. None: there are none."""
        seen, visible = Arm.of(self._alive(), order.column), conditions(self.user, self.action, self.model, whole=True)
        if not (seen and visible) or (cursor is not None and cursor.key is None):
            return None
        rows, (more, values, way) = seen.narrowed(*visible[0]), self._from(order, cursor, "filled", field, bool(cursor and cursor.back))
        return f"{rows.rest}{more}", [*rows.params, *values], way

    def _few(self, order: Order, size: int, cursor: Cursor | None, field: Any, cap: int) -> tuple[list[Pair], int]:
        """Count the matches up to `cap` + 1, and sort them if they are not more than `cap`."""
        matches, params = self._gathered([(f"{arm.select} {arm.rest} LIMIT {cap + 1}", arm.params) for arm in self._lookups(order.column)])
        if not matches:
            return [], 0
        descending = order.descending != bool(cursor and cursor.back)
        where, where_params = after(order, cursor, field)
        # Forwards, empty keys come last; backwards they come first.
        empty = "DESC" if cursor and cursor.back else "ASC"
        way = "DESC" if descending else "ASC"
        with connection.cursor() as database:
            database.execute(
                # Compiled by Django, or built from constants above. Too many are only counted: nobody will see them sorted.
                # MATERIALIZED keeps the planner from walking the sort index for a rare filter.
                f"WITH matches (id, key) AS MATERIALIZED ({matches} LIMIT {cap + 1}), total AS (SELECT count(*) AS n FROM matches)"
                f" SELECT id, key, total.n FROM total LEFT JOIN matches ON total.n <= {cap} AND {where}"
                f" ORDER BY (key IS NULL) {empty}, key {way}, id {way} LIMIT {size + 1}",
                [*params, *where_params],
            )
            found = database.fetchall()
        return [(pk, key) for pk, key, _n in found if pk is not None], found[0][2]

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
        more, values, way = self._from(order, start, stretch, field, back)
        tail = f"ORDER BY {'1' if stretch == 'empty' else '2'} {way}, 1 {way} LIMIT {int(limit)}"
        arms, key = self._compiled(order.column, whole=self._of_one_owner()), self._column(field)
        # Where it is the sort key that must begin in a certain way, the rows of other beginnings are not passed.
        begins = ranges(self.filterset.beginning(order.column)) if self.filterset is not None else []
        places: list[tuple[str, tuple[str, ...]]] = [(f" AND {key} >= %s AND {key} < %s", each) for each in begins] or [("", ())]
        sql, params = self._union([(f"{arm.select} {arm.rest}{place}{more} {tail}", (*arm.params, *ends, *values)) for arm in arms for place, ends in places])
        if not sql:
            return []
        with connection.cursor() as database:
            database.execute(f"{sql} {tail}", params)
            return list(database.fetchall())

    def _from(self, order: Order, start: Cursor | None, stretch: str, field: Any, back: bool) -> tuple[str, list[Any], str]:
        """Conditions that begin with AND for the rows of a stretch from a cursor on, their values, and the direction."""
        way, sign = ("DESC", "<") if order.descending != back else ("ASC", ">")
        key, pk = self._column(field), self._column(self.model._meta.pk)
        conditions, values = [], list[Any]()
        if field.null:
            conditions.append(f"{key} IS {'NULL' if stretch == 'empty' else 'NOT NULL'}")
        if start is not None and stretch == "empty":
            conditions, values = [*conditions, f"{pk} {sign} %s"], [start.pk]
        elif start is not None:
            conditions, values = [*conditions, f"({key}, {pk}) {sign} (%s, %s)"], [field.get_db_prep_value(start.key, connection), start.pk]
        return "".join(f" AND {condition}" for condition in conditions), values, way

    def _column(self, field: Any) -> str:
        if isinstance(field, CustomKey):
            return field.sql(self.model._meta.db_table)
        return f"{connection.ops.quote_name(self.model._meta.db_table)}.{connection.ops.quote_name(field.column)}"

    def _lookups(self, column: str) -> list[Arm]:
        """The statements that gather matches, one per alternative and arm. The trigrams of a search are looked up once, not once per arm."""
        return self._compiled(column, whole=self.q is not None, apart=bool(self.alternatives))

    def _of_one_owner(self) -> bool:
        """Are all matches one colleague's? Most of them are in one team then: an arm for each of the others would read all of them in vain."""
        asked = self.filterset.form.cleaned_data.get("owner") if self.filterset is not None else None
        return bool(asked) and asked != "none"

    def _compiled(self, column: str, *, whole: bool = False, apart: bool = False) -> list[Arm]:
        """Each arm's statement for id and key, compiled once: a page counts, sorts and walks with the same conditions. `apart`: by alternative."""
        key = (column, whole, apart)
        if key not in self._kept:
            found = self._each(column) if apart else self._one(column)
            parts = conditions(self.user, self.action, self.model, whole) if found else []
            self._kept[key] = [arm.narrowed(*part) for arm in found for part in parts]
        return self._kept[key]

    def _each(self, column: str) -> list[Arm]:
        """Each alternative's statement, whoever may see the rows; those that no row can match are left out."""
        if column not in self._by_alternative:
            self._by_alternative[column] = [arm for rows in self._branches() if (arm := Arm.of(rows, column)) is not None]
        return self._by_alternative[column]

    def _one(self, column: str) -> list[Arm]:
        """The same as one statement; none when no row can match."""
        each = self._each(column)
        if len(each) < 2:
            return each
        whole = Arm.either(each) or Arm.of(self._narrowed(), column)
        return [whole] if whole else []

    def _gathered(self, parts: Sequence[tuple[str, Sequence[Any]]]) -> tuple[str, list[Any]]:
        """The union of matches; a row that fits two alternatives counts once."""
        return self._union(parts, " UNION " if self.alternatives else " UNION ALL ")

    @staticmethod
    def _union(parts: Sequence[tuple[str, Sequence[Any]]], how: str = " UNION ALL ") -> tuple[str, list[Any]]:
        sql = how.join(f"({part})" for part, _params in parts)
        return (f"SELECT * FROM ({sql}) AS parts" if sql else ""), [value for _part, params in parts for value in params]

    def fetch(self, pairs: list[Pair]) -> list[Any]:
        """The rows of a page, in its order."""
        return fetch(self.model, [pk for pk, _key in pairs])

    def iterate(self, order: Order, chunk: int = 1000) -> Iterator[list[Any]]:
        """All matching rows in chunks, for exports; each chunk costs what the first costs."""
        cursor: Cursor | None = None
        field = order_field(self.model, order.column)
        while True:
            pairs = self._walk(order, chunk, cursor, field)
            if not pairs and cursor is None and self._go_on():
                continue
            if pairs:
                yield self.fetch(pairs[:chunk])
            if len(pairs) <= chunk:
                return
            cursor = Cursor(pairs[chunk - 1][1], pairs[chunk - 1][0])

    def count_all(self) -> int:
        """How many match, all of them counted: not for pages that everybody opens."""
        found = sum(rows.order_by().count() for rows in self.arms())
        return self.count_all() if not found and self._go_on() else found

    def every_id(self) -> list[int]:
        """Ids of all matching rows, in order."""
        found = sorted(pk for rows in self.arms() for pk in rows.order_by().values_list("pk", flat=True).iterator(chunk_size=10_000))
        return self.every_id() if not found and self._go_on() else found


def count_each(listings: Sequence[Listing], most: int) -> list[int]:
    """How many match in each, counted up to `most`, in one statement."""
    parts = [listing.counting("id", most) for listing in listings]
    sql = " UNION ALL ".join(f"SELECT {place}, count(*) FROM ({part}) AS matches" for place, (part, _params) in enumerate(parts) if part)
    if not sql:
        return [0] * len(parts)
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for part, params in parts if part for value in params])
        found = dict(cursor.fetchall())
    return [found.get(place, 0) for place in range(len(parts))]
