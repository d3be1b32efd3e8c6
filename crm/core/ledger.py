"""What the services write while a bulk action runs, noted so that it can be taken back (docs/decisions/bulk.md).

Services that go through crm.core.writes need do nothing. One that writes by other means calls `remember` before it changes rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.utils.text import capfirst


@dataclass
class Ledger:
    """`label` is the kind of record that the action is about. `told_at_end`: people hear of it once, when the whole job is done.

    `changed`: {label: {id: {column: value before}}}, `made` and `gone`: {label: [id]}, `refused`: {id: reason} of rows that were left as they are.
    """

    label: str
    group: UUID = field(default_factory=uuid4)
    told_at_end: bool = False
    changed: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    made: dict[str, list[int]] = field(default_factory=dict)
    gone: dict[str, list[int]] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)

    def note(self, label: str, pk: int, before: dict[str, Any]) -> None:
        """Of several changes of one column the first one knows what it was."""
        known = self.changed.setdefault(label, {}).setdefault(pk, {})
        for name, value in before.items():
            known.setdefault(name, stored(value))

    def add(self, other: Ledger) -> None:
        """Take over what another part of the same action has done to other rows."""
        for label, rows in other.changed.items():
            for pk, before in rows.items():
                self.note(label, pk, before)
        for mine, theirs in ((self.made, other.made), (self.gone, other.gone)):
            for label, ids in theirs.items():
                mine.setdefault(label, []).extend(ids)
        self.refused |= other.refused


def stored(value: Any) -> Any:
    """A column's value as JSON can hold it without loss; the field's `to_python` reads it back."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (Decimal, UUID)) else value


def reason_of(error: ValidationError, model: Any) -> str:
    """Why a row is refused, each message with its field."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    labels = {field.name: capfirst(str(field.verbose_name)) for field in model._meta.concrete_fields}
    return " ".join(f"{labels[name]}: {text}" if name in labels else text for name, texts in error.message_dict.items() for text in texts)


_current: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


def current() -> Ledger | None:
    """The ledger of the bulk action that runs, if one does."""
    return _current.get()


@contextmanager
def keeping(ledger: Ledger) -> Iterator[Ledger]:
    """Within it everything that services write is noted in `ledger`."""
    token = _current.set(ledger)
    try:
        yield ledger
    finally:
        _current.reset(token)


def remember(rows: Iterable[Any], names: Iterable[str]) -> None:
    """Called before these fields of these rows change."""
    ledger = current()
    if ledger is None:
        return
    for row in rows:
        columns = [row._meta.get_field(name).attname for name in names]
        ledger.note(row._meta.label_lower, row.pk, {column: getattr(row, column) for column in columns if column not in ("version", "updated_at")})


def refuse(pk: int, reason: str) -> None:
    """A row that is left as it is while the others go on."""
    ledger = current()
    if ledger is not None:
        ledger.refused[pk] = reason


def remember_made(label: str, ids: Iterable[int]) -> None:
    """Rows that exist only because of the action."""
    ledger = current()
    if ledger is not None:
        ledger.made.setdefault(label, []).extend(ids)


def remember_gone(label: str, ids: Iterable[int]) -> None:
    """Rows that went into the bin."""
    ledger = current()
    if ledger is not None:
        ledger.gone.setdefault(label, []).extend(ids)
