"""What is known of the replica. A thread of its own asks it twice a second, so that no request waits for the answer.

A server that hangs is worse than a dead one: nobody is told. The thread waits two seconds at most, and then ends the connections of all
who wait for such a server; they get an error at once and go to the primary.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import psycopg2
from django.conf import settings
from django.db import connections
from psycopg2.extensions import POLL_OK, POLL_WRITE

log = logging.getLogger(__name__)

REPLICA = "replica"  # its name among the databases
EVERY, RETRY, WITHIN = 0.5, 5.0, 2.0  # seconds between two questions, after one that failed, and for one
TRUSTED = 2 * WITHIN  # an older answer counts for nothing
READY, BEHIND, AWAY, NO_REPLICA, UNKNOWN = "ready", "behind", "away", "no replica", "unknown"
# What it has replayed, in bytes of the log, and how old the newest of it is. The scheduler's heartbeats keep this clock going.
QUESTION = """SELECT pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0')::bigint,
extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8"""


@dataclass(frozen=True)
class Seen:
    """The last answer. `lag` in seconds; None: not known."""

    state: str = UNKNOWN
    at: float = 0.0  # monotonic
    position: int = 0
    lag: float | None = None
    reason: str = ""


class Watch:
    """One per process, begun by the first reader."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.thread: threading.Thread | None = None
        self.connection: Any = None
        self.opened: WeakSet[Any] = WeakSet()
        self.lock = threading.Lock()
        self.answered = threading.Event()
        self.ended = threading.Event()

    def begin(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():  # a fork leaves its threads behind
                self.thread = threading.Thread(target=self._run, name="replica", daemon=True)
                self.thread.start()

    def usable(self, position: int) -> bool:
        """Does the replica answer, and has it replayed everything up to `position`?"""
        self.begin()
        seen = self.seen
        return seen.state == READY and seen.position >= position and time.monotonic() - seen.at < TRUSTED

    def state(self) -> Seen:
        """For /readyz: the newest answer; the first one is waited for."""
        self.begin()
        self.answered.wait(WITHIN)
        return self.seen if time.monotonic() - self.seen.at < TRUSTED + RETRY else Seen(AWAY)

    def opens(self, connection: Any) -> None:
        """A reader's connection, to be ended when the server hangs."""
        with self.lock:
            self.opened.add(connection)

    def lost(self, reason: str) -> None:
        """A reader could not reach it."""
        self._tell(Seen(AWAY, time.monotonic(), reason=reason))

    def end(self) -> None:
        """Stop asking (tests)."""
        self.ended.set()
        if self.thread is not None:
            self.thread.join()

    def _run(self) -> None:
        while not self.ended.is_set():
            self._tell(self._look())
            self.answered.set()
            self.ended.wait(EVERY)
            if self.seen.state == AWAY:
                self.ended.wait(RETRY)
        self._hang_up()

    def _tell(self, seen: Seen) -> None:
        """One line when it goes, one when it is back."""
        with self.lock:
            before, self.seen = self.seen.state, seen
        if seen.state == before:
            return
        if seen.state == READY:
            log.info("the replica is in use")
        else:
            log.warning("the replica is not used (%s), the primary answers: %s", seen.state, seen.reason)

    def _look(self) -> Seen:
        try:
            recovering, position, lag = self._ask()
        except (psycopg2.Error, OSError) as error:
            self._hang_up()
            self._cut()
            return Seen(AWAY, time.monotonic(), reason=(str(error).strip().splitlines() or [type(error).__name__])[0])
        if not recovering:
            return Seen(NO_REPLICA, time.monotonic(), reason="DATABASE_REPLICA_URL names a server that replays nothing")
        if lag is None:
            return Seen(BEHIND, time.monotonic(), position, reason="it has just begun and replayed nothing yet")
        late = lag > settings.DATABASE_REPLICA_MAX_LAG
        return Seen(BEHIND if late else READY, time.monotonic(), position, lag, f"it is {lag:.0f} s behind")

    def _ask(self) -> tuple[bool, int, float | None]:
        """Over a connection that never blocks."""
        end = time.monotonic() + WITHIN
        if self.connection is None:
            params = connections[REPLICA].get_connection_params()
            self.connection = psycopg2.connect(**{**params, "application_name": "rapport-watch", "cursor_factory": None, "async_": 1})
            _wait(self.connection, end)
        cursor = self.connection.cursor()
        cursor.execute(QUESTION)
        _wait(self.connection, end)
        return cursor.fetchone()

    def _hang_up(self) -> None:
        if self.connection is not None:
            with suppress(psycopg2.Error):
                self.connection.close()
            self.connection = None

    def _cut(self) -> None:
        """End the connections of those who wait for an answer that may never come; their statement fails at once."""
        with self.lock:
            waiting = list(self.opened)
        for connection in waiting:
            with suppress(psycopg2.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)


def _wait(connection: Any, end: float) -> None:
    """Until the connection has what was asked for; TimeoutError after `end`."""
    while (state := connection.poll()) != POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLOUT if state == POLL_WRITE else select.POLLIN)
        if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
            raise TimeoutError(f"no answer within {WITHIN:.0f} s")


watch = Watch()
