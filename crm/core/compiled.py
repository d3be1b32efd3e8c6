"""The few queries that every page asks, compiled once.

Django builds and compiles a query anew each time; for a row by its key that takes three times as long as PostgreSQL's answer (measured: 0.6 ms of a
list page's 12 for the signed-in user alone). Here the compiled statement is kept and only its values change. For queries of fixed shape only: the
builder gets marks in place of the values, so it can't look at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model
from django.db.models.base import ModelState
from django.db.models.query import ModelIterable, QuerySet, get_related_populators

# Stand for the values while the statement is compiled; of types that the fields accept as they are.
NUMBER, TEXT = 8_070_450_532_247_928_832, "\ufdd0value"


@lru_cache(128)
def maker(model: type[Model], columns: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    """Makes objects of values in the order of `columns` (attnames; further values are left).

    Like `from_db` but five times faster: no `__init__` walks through forty fields, no signal asks who listens, of which there is nobody.
    What is not among the columns is read when it is asked for."""

    def make(values: Iterable[Any]) -> Any:
        obj = model.__new__(model)
        state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        obj.__dict__.update(zip(columns, values, strict=False), _state=state)
        return obj

    return make


class Compiled:
    """`Compiled(lambda: User.objects.select_related("role").filter(pk=NUMBER))(pk)` gives the same objects as the queryset with that value.

    Values take the places of NUMBER and TEXT in the order in which these stand in the statement; a tuple takes the place of `field__in=[NUMBER]`.
    """

    def __init__(self, build: Callable[[], QuerySet]) -> None:
        self.build = build

    @cached_property
    def _parts(self) -> _Parts:
        rows = self.build()
        compiler = rows.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        pieces = sql.split("%s")
        if len(pieces) != len(params) + 1:
            raise ValueError(sql)  # a text with a per cent sign, which belongs into the parameters
        for place, param in enumerate(params):  # a tuple brings its own brackets
            if param == NUMBER and pieces[place].endswith(" IN ("):
                pieces[place], pieces[place + 1] = pieces[place][:-1], pieces[place + 1][1:]
        converters = list(compiler.get_converters([column[0] for column in compiler.select]).items())
        make = _object_maker(compiler) if rows._iterable_class is ModelIterable else None  # type: ignore[attr-defined]
        return _Parts("%s".join(pieces), params, converters, make, dict(compiler.annotation_col_map or {}))

    def _without_builder(self) -> Compiled:
        """Compiled now, so that what built it, with the reader whom that knows, need not be kept."""
        self._parts  # noqa: B018 — the property keeps them
        del self.build
        return self

    def filled(self, *values: Any) -> tuple[str, list[Any]]:
        """The statement and its parameters."""
        left = list(values)
        return self._parts.sql, [left.pop(0) if param in (NUMBER, TEXT) else param for param in self._parts.params]

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        """The rows as the database gives them."""
        return all_rows([self.filled(*values)])

    def values(self, *values: Any) -> list[Sequence[Any]]:
        """The rows as `values_list` gives them: read by the fields' converters."""
        return [self._read(row) for row in self.rows(*values)]

    def _read(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self._parts.converters:
            return row
        values = list(row)
        for place, (converters, expression) in self._parts.converters:
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        return values

    def __call__(self, *values: Any) -> list[Any]:
        """The rows as objects, those of select_related included."""
        return [self.make(row) for row in self.rows(*values)]

    def make(self, row: Sequence[Any]) -> Any:
        """A row as the database gives it as an object."""
        assert self._parts.make is not None, "values_list has no objects"
        return self._parts.make(self._read(row))

    def place(self, annotation: str) -> int:
        """Where an annotation stands in a row."""
        return self._parts.annotations[annotation]


@dataclass(frozen=True)
class _Parts:
    """What is left of a compiled statement. `converters`: [(place in a row, (functions, expression))]."""

    sql: str
    params: tuple[Any, ...]
    converters: list[tuple[int, Any]]
    make: Callable[[Sequence[Any]], Any] | None
    annotations: dict[str, int]


def _object_maker(compiler: Any) -> Callable[[Sequence[Any]], Any]:
    info, select = compiler.klass_info, compiler.select
    first, last = info["select_fields"][0], info["select_fields"][-1] + 1
    fill = maker(info["model"], tuple(column[0].target.attname for column in select[first:last]))
    populators = get_related_populators(info, select, connection.alias)  # type: ignore[call-arg]  # stubs of a later Django

    def make(row: Sequence[Any]) -> Any:
        obj = fill(row[first:last])
        for populator in populators:
            populator.populate(row, obj)
        return obj

    return make


_kept: dict[tuple[Any, ...], Compiled] = {}


def kept(key: tuple[Any, ...], build: Callable[[], QuerySet]) -> Compiled:
    """The statement that was built under this key before. The key holds all that it depends on but the values: for rows that a reader may see, the
    policies' keys (access.Policy.key)."""
    found = _kept.get(key)
    if found is None:
        if len(_kept) > 2_000:  # five kilobytes each
            _kept.clear()
        found = _kept[key] = Compiled(build)._without_builder()
    return found


def all_rows(statements: Sequence[tuple[str, list[Any]]]) -> list[tuple[Any, ...]]:
    """The rows of several filled statements with the same columns, asked at once."""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"({sql})" for sql, _params in statements), [param for _sql, params in statements for param in params])
        return cursor.fetchall()
