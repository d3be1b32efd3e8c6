"""The demo tells a year in a few seconds: services write "now", and afterwards everything gets the time at which it happened in the story."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, models

from activities.models import Activity, Meeting, Notification, Task
from contacts.models import Company, Consent, Contact
from deals.models import Deal, StageChange
from leads.models import Lead, Submission
from mail.models import OutgoingMail

Stamp = tuple[type[models.Model], tuple[str, ...]]
STAMPS: tuple[Stamp, ...] = (
    (Company, ("created_at", "updated_at")),
    (Contact, ("created_at", "updated_at")),
    (Lead, ("created_at", "updated_at")),
    (Deal, ("created_at", "updated_at")),
    (Task, ("created_at", "updated_at")),
    (Meeting, ("created_at", "updated_at")),
    (Activity, ("at",)),
    (StageChange, ("at",)),
    (Consent, ("at",)),
    (Notification, ("created_at",)),
    (Submission, ("received_at", "next_attempt_at")),
    (OutgoingMail, ("created_at", "next_attempt_at")),
)


def audit_models() -> list[type[models.Model]]:
    """The tables of the audit trail."""
    return [model for model in apps.get_models() if hasattr(model, "pgh_tracked_model")]


class Story:
    """Notes which rows each step made; `settle` then puts them at the time of their step."""

    def __init__(self) -> None:
        audits: list[Stamp] = [(model, ("pgh_created_at",)) for model in audit_models()]
        self.stamps = [*STAMPS, *audits]
        self.steps: list[tuple[datetime, list[int], list[int]]] = []
        parts = []
        with connection.cursor() as cursor:
            for model, _columns in self.stamps:
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [model._meta.db_table, model._meta.pk.column])
                sequence = cursor.fetchone()[0]
                parts.append(f"(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence})")  # noqa: S608 (a name from the catalogue)
        self.marks_sql = f"SELECT {', '.join(parts)}"
        self.last = self._marks()

    def _marks(self) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(self.marks_sql)
            return list(cursor.fetchone())

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """What is written inside (or since the last step, unless `skip` was called) happened at `moment`."""
        yield
        before, self.last = self.last, self._marks()
        self.steps.append((moment, before, self.last))

    def skip(self) -> None:
        """What was written since the last step keeps its time."""
        self.last = self._marks()

    def settle(self) -> None:
        """One statement per table."""
        for position, (model, columns) in enumerate(self.stamps):
            ranges = [(moment, before[position], after[position]) for moment, before, after in self.steps if after[position] > before[position]]
            if ranges:
                self._move(model, columns, ranges)

    @staticmethod
    def _move(model: type[models.Model], columns: tuple[str, ...], ranges: list[tuple[Any, int, int]]) -> None:
        table, key = model._meta.db_table, model._meta.pk.column
        settings = ", ".join(f'"{column}" = step.moment' for column in columns)
        values = ", ".join(["(%s::timestamptz, %s::bigint, %s::bigint)"] * len(ranges))
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{table}" AS moved SET {settings} FROM (VALUES {values}) AS step (moment, low, high) WHERE moved."{key}" > step.low AND moved."{key}" <= step.high',  # noqa: S608
                [value for step in ranges for value in step],
            )
