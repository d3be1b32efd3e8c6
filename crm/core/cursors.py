"""Where a page of a list starts, and in which order the list stands."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection


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
        except (ValueError, TypeError, ArithmeticError, ValidationError, RecursionError) as error:
            raise BadCursor(text) from error


@dataclass(frozen=True)
class Order:
    """A sort: model column and direction. Empty values come last in both directions."""

    column: str
    descending: bool = False


def after(order: Order, cursor: Cursor | None, field: Any) -> tuple[str, list[Any]]:
    """The condition for rows (`id`, `key`) that come after the cursor, and its values; empty keys come last."""
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
