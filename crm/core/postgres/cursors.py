"""Statements that may be answered by the replica (docs/decisions/replica.md)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import psycopg2
from django.db import Error, connections

from crm.core.postgres.watch import REPLICA, watch

log = logging.getLogger(__name__)


class Reading:
    """Some statements that belong together. The first one that fails at the replica brings this and all after it home."""

    def __init__(self) -> None:
        self.over = False

    def give_up(self, error: Exception) -> None:
        """A server that is gone is gone for everybody; one that refused a statement (a conflict with what it replays) is asked again next time."""
        self.over = True
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        other = connections[REPLICA]
        if other.connection is None or other.connection.closed:
            watch.lost(reason)
        else:
            log.info("the replica refused a statement, the primary answers: %s", reason)
        other.close()


current: ContextVar[Reading | None] = ContextVar("reading", default=None)


def elsewhere(own: Any) -> Any:
    """The cursor that statements go to now: the primary's `own`, or one that asks the replica first."""
    reading = current.get()
    return own if reading is None or reading.over else ReplicaCursor(own, reading)


class ReplicaCursor:
    """A driver's cursor. Each statement outside a transaction stands for itself, so one that fails can be asked of the primary."""

    def __init__(self, own: Any, reading: Reading) -> None:
        self.own, self.reading, self.at = own, reading, own

    def execute(self, sql: Any, params: Any = None) -> Any:
        if not self.reading.over:
            try:
                self.at = connections[REPLICA].cursor().cursor  # type: ignore[attr-defined]
                return self.at.execute(sql, params)
            except psycopg2.extensions.QueryCanceledError:
                raise  # our own time limit: at the primary it would take as long
            except (psycopg2.Error, Error) as error:
                self.reading.give_up(error)
        self.at = self.own
        return self.own.execute(sql, params)

    def close(self) -> None:
        self.at.close()
        self.own.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.at, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.at)
