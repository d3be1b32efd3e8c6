"""Pieces of the statements behind lists and counts, compiled by Django: what a filter asks for, and which rows a reader may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Q, QuerySet

from crm.core.access import any_of, arms_for, q_for
from crm.core.compiled import all_rows
from crm.core.custom.keys import order_key

MAX_ARMS = 8
Condition = tuple[str, tuple[Any, ...]]  # SQL without AND or WHERE ("": every row), parameters


@dataclass(frozen=True)
class Arm:
    """A statement in parts: `SELECT id, key`, `SELECT id`, and from FROM to the last condition, to which more can be added by AND."""

    select: str
    select_id: str
    rest: str
    params: tuple[Any, ...]

    def narrowed(self, condition: str, params: tuple[Any, ...]) -> Arm:
        return Arm(self.select, self.select_id, f"{self.rest} AND {condition}", (*self.params, *params)) if condition else self

    @classmethod
    def either(cls, arms: Sequence[Arm]) -> Arm | None:
        """One statement for the rows of all; None where they do not read from the same tables. PostgreSQL finds what all have in common."""
        places = {(arm.select, arm.rest.partition(" WHERE ")[0]) for arm in arms}
        if len(places) > 1:
            return None
        whole = " OR ".join(f"({arm.rest.partition(' WHERE ')[2]})" for arm in arms)
        (select, place), params = places.pop(), (value for arm in arms for value in arm.params)
        return cls(select, arms[0].select_id, f"{place} WHERE ({whole})", tuple(params))

    @classmethod
    def of(cls, rows: Any, column: str) -> Arm | None:
        """None when no row can match."""
        try:
            sql, params = rows.order_by().values_list("pk", order_key(column)).query.sql_with_params()
        except EmptyResultSet:
            return None
        select, _from, rest = sql.partition(" FROM ")
        return cls(select, select.partition(",")[0], f"FROM {rest}" if " WHERE " in rest else f"FROM {rest} WHERE true", params)


def few_arms(arms: list[Q]) -> list[Q]:
    return [any_of(arms)] if len(arms) > MAX_ARMS else arms


_known_conditions: dict[tuple[Any, ...], list[Condition]] = {}


def conditions(user: Any, action: str, model: Any, whole: bool) -> list[Condition]:
    """What `user` may do `action` on, as disjoint conditions of SQL with their parameters, or as one (`whole`). Compiled once per right: it
    takes longer than PostgreSQL needs for the page."""
    if not (user.is_authenticated and user.is_active):
        return []
    key = (model, action, whole, model.access_policy.key(user, action, model))
    return _compiled(key, model, lambda: [q_for(user, action, model)] if whole else few_arms(arms_for(user, action, model)))


def counted_conditions(user: Any, action: str, model: Any) -> list[Condition]:
    """The same of rows that are seen with the record they hang on, for reports, which go through a good part of the table."""
    if not (user.is_authenticated and user.is_active):
        return []
    policy = model.access_policy
    mostly_seen = policy.mostly_seen(user, action, model)
    return _compiled((model, action, mostly_seen, policy.key(user, action, model)), model, lambda: policy.counted(user, action, model, mostly_seen))


def each_condition(user: Any, action: str, model: Any) -> Condition | None:
    """The same as a question per row, for a few rows out of many; None: none of them."""
    if not (user.is_authenticated and user.is_active):
        return None
    policy = model.access_policy
    parts = _compiled((model, action, "each", policy.key(user, action, model)), model, lambda: [Q(policy.each(user, action, model))])
    return parts[0] if parts else None


def count_by(rows: QuerySet, columns: Sequence[str], parts: Sequence[Condition]) -> list[tuple[Any, ...]]:
    """(*columns, how many) of the rows in each of the parts, in one statement: the same values may come once per part."""
    try:
        sql, params = rows.order_by().values_list(*columns).query.sql_with_params()
    except EmptyResultSet:
        return []
    if " WHERE " not in sql:
        sql += " WHERE true"
    names = ", ".join(str(place + 1) for place in range(len(columns)))
    every = []
    for condition, values in parts:
        found = f"{sql} AND {condition}" if condition else sql
        every.append((f"SELECT *, count(*) FROM ({found}) AS rows GROUP BY {names}", [*params, *values]))  # noqa: S608 — compiled by Django
    return all_rows(every) if every else []


def parted(rows: QuerySet, parts: Sequence[Condition]) -> list[QuerySet]:
    """The rows in each of the parts."""
    return [rows.extra(where=[condition], params=values) if condition else rows for condition, values in parts]  # noqa: S610 — compiled by Django


def _compiled(key: tuple[Any, ...], model: Any, arms: Callable[[], list[Q]]) -> list[Condition]:
    if key not in _known_conditions:
        if len(_known_conditions) > 5_000:
            _known_conditions.clear()
        parts = [_condition(model, arm) for arm in arms()]
        _known_conditions[key] = [part for part in parts if part is not None]
    return _known_conditions[key]


def _condition(model: Any, arm: Q) -> Condition | None:
    """The part after WHERE; None when no row can match."""
    try:
        sql, params = model._base_manager.filter(arm).order_by().values_list("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    head, _where, condition = sql.partition(" WHERE ")
    if " JOIN " in head:
        raise ValueError(f"A policy of {model.__name__} joins: {sql}")  # it would have to stand in FROM as well
    return (f"({condition})" if condition else ""), params
