"""Django's engine for PostgreSQL, with a health check that costs nothing while the server is well, and a second server for reading.

Django asks each kept connection `SELECT 1` once per request, a round trip that a page of 10 ms feels. A server that went away has closed the
socket, which the operating system tells without a round trip. After a pause it is asked all the same: a network may die without a word.
"""

from __future__ import annotations

import select
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base

from crm.core.postgres.cursors import elsewhere
from crm.core.postgres.watch import REPLICA, watch

PAUSE = 10.0  # seconds without a check after which only an answer counts


class DatabaseWrapper(base.DatabaseWrapper):
    """See above; `CONN_HEALTH_CHECKS` switches it on as usual."""

    checked_at = 0.0
    health_check_enabled: bool  # set by Django; its stubs do not know it
    health_check_done: bool

    def close_if_health_check_failed(self) -> None:
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if time.monotonic() - self.checked_at < PAUSE and self._is_quiet():
            self.health_check_done = True
            return
        super().close_if_health_check_failed()
        self.checked_at = time.monotonic()

    def _is_quiet(self) -> bool:
        """Nothing to read: neither an end of file nor a parting word of the server."""
        try:
            poll = select.poll()
            poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
            return not poll.poll(0)
        except Exception:  # closed on our side, or no socket at all
            return False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if self.alias == REPLICA:
            watch.opens(connection)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        """Where `replica.reading` holds, a cursor that asks the replica; never in a transaction, never one that is kept by the server."""
        own = super().create_cursor(name)
        return own if name or self.in_atomic_block or self.alias != DEFAULT_DB_ALIAS else elsewhere(own)
