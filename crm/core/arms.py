"""Pieces of the statements behind lists, compiled by Django: what a filter asks for, and which rows a reader may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Q

from crm.core.access import any_of, arms_for, q_for
from crm.core.custom.keys import order_key

MAX_ARMS = 8


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


_known_conditions: dict[tuple[Any, ...], list[tuple[str, tuple[Any, ...]]]] = {}


def conditions(user: Any, action: str, model: Any, whole: bool) -> list[tuple[str, tuple[Any, ...]]]:
    """What `user` may do `action` on, as disjoint conditions of SQL with their parameters, or as one (`whole`). Compiled once per right: it
    takes longer than PostgreSQL needs for the page."""
    if not (user.is_authenticated and user.is_active):
        return []
    key = (model, action, whole, model.access_policy.key(user, action, model))
    if key not in _known_conditions:
        if len(_known_conditions) > 5_000:
            _known_conditions.clear()
        arms = [q_for(user, action, model)] if whole else few_arms(arms_for(user, action, model))
        parts = [_condition(model, arm) for arm in arms]
        _known_conditions[key] = [part for part in parts if part is not None]
    return _known_conditions[key]


def _condition(model: Any, arm: Q) -> tuple[str, tuple[Any, ...]] | None:
    """The part after WHERE; None when no row can match."""
    try:
        sql, params = model._base_manager.filter(arm).order_by().values_list("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    head, _where, condition = sql.partition(" WHERE ")
    if " JOIN " in head:
        raise ValueError(f"A policy of {model.__name__} joins: {sql}")  # it would have to stand in FROM as well
    return (f"({condition})" if condition else ""), params
