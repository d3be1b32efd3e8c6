"""A primary and a replica of it by streaming replication, and this process's connections pointed at them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connections
from django.test import Client

from crm.core.postgres import watch as watching
from crm.core.postgres.watch import watch
from crm.local.paths import Paths, make_private, postgres_program
from crm.local.process import Process
from crm.local.servers import child_environment, create_database, initialise_postgres, postgres, wait_ready
from tests.conftest import FAST, TEMPLATE
from tests.factories import Cast, cast
from tests.local.conftest import children, until

UNSAFE = [part for part in FAST.split() if not part.startswith(("wal_level", "max_wal_senders"))]
# Conflicts with what is replayed cancel a query at once; a paused replay has to hold nothing back at the primary.
STANDBY = ["max_standby_streaming_delay=0", "hot_standby_feedback=off"]


class _Place(Paths):
    @property
    def sockets(self) -> Path:
        return self.data


@dataclass
class Pair:
    """Both servers, and what may happen to the second one."""

    first: Paths
    second: Paths
    replica: Process

    def ask(self, sql: str, *, at: Paths | None = None) -> Any:
        """One value, over a connection of its own."""
        connection = psycopg2.connect(host=str((at or self.second).sockets), user="crm", dbname="crm")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0] if cursor.description else None
        finally:
            connection.close()

    def catch_up(self) -> None:
        """Wait until the replica has everything, and this process knows it."""
        wanted = self.ask("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint", at=self.first)
        assert until(lambda: watch.usable(wanted), 10), watch.seen

    def pause(self) -> None:
        self.catch_up()
        self.ask("SELECT pg_wal_replay_pause()")
        assert until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused", 5)

    def resume(self) -> None:
        self.ask("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def signal(self, number: signal.Signals) -> None:
        """To the server and all its processes."""
        pid = self.replica.child.pid
        for each in [pid, *children(pid)]:
            with suppress(ProcessLookupError):  # gone with the first one
                os.kill(each, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.replica.child.wait(10)

    def start(self) -> None:
        self.replica.start()
        wait_ready(self.replica)


def anew() -> None:
    """Forget what is known of the replica, as a process that has just begun."""
    watch.end()
    watch.__init__()  # type: ignore[misc]


def _server(paths: Paths, *settings: str) -> Process:
    server = postgres(paths, connections=30, options=tuple(part for setting in settings for part in ("-c", setting)))
    server.quiet = True
    server.start()
    wait_ready(server)
    return server


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Pair]:
    first, second = _Place(tmp_path_factory.mktemp("first")), _Place(tmp_path_factory.mktemp("second"))
    for paths in (first, second):
        make_private(paths.data)
    initialise_postgres(first.postgres, "--no-sync", "--no-data-checksums")
    started = [_server(first, *UNSAFE, "wal_level=replica", "max_wal_senders=4")]
    try:
        create_database(first)
        dump = [postgres_program("pg_dump"), "--host", os.environ["CRM_TEST_CLUSTER"], "--username", "crm", TEMPLATE]
        fill = [
            postgres_program("psql"),
            "--host",
            str(first.sockets),
            "--username",
            "crm",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--output",
            os.devnull,
            "crm",
        ]
        copied = subprocess.run(dump, env=child_environment(), capture_output=True, check=True)
        subprocess.run(fill, env=child_environment(), input=copied.stdout, check=True)
        base = [postgres_program("pg_basebackup"), "-R", "-X", "stream", "-c", "fast", "--no-sync", "-U", "crm", "-h", str(first.sockets), "-D"]
        subprocess.run([*base, str(second.postgres)], env=child_environment(), check=True, capture_output=True)
        started.append(_server(second, *UNSAFE, *STANDBY))
        yield Pair(first, second, started[1])
    finally:
        for server in reversed(started):
            server.stops = ()  # nothing to save
            server.stop()


@pytest.fixture
def pair(servers: Pair, settings: Any, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Pair]:
    """The process's databases are the two servers, as DATABASE_URL and DATABASE_REPLICA_URL would make them."""
    usual = connections["default"]
    for alias, paths in (("default", servers.first), (watching.REPLICA, servers.second)):
        monkeypatch.setitem(connections.settings, alias, {**usual.settings_dict, "HOST": str(paths.sockets), "NAME": "crm"})
        connections[alias] = connections.create_connection(alias)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "crm.core.replica.ReplicaMiddleware"]
    for name, seconds in (("EVERY", 0.02), ("RETRY", 0.3), ("WITHIN", 1.0)):
        monkeypatch.setattr(watching, name, seconds)
    anew()
    with django_db_blocker.unblock():
        yield servers
        anew()
        for alias in ("default", watching.REPLICA):
            connections[alias].close()
    del connections[watching.REPLICA]
    connections["default"] = usual


_people: list[Cast] = []


@pytest.fixture
def people(pair: Pair) -> Cast:
    """The cast, made once: nothing is rolled back here. What a test makes has names of its own."""
    if not _people:
        _people.append(cast())
    pair.catch_up()
    return _people[0]


@pytest.fixture
def visit(people: Cast):
    """A browser of somebody who is signed in: `visit(user)(address)` gives the body as text."""

    def browser(user: Any) -> Any:
        client = Client()
        client.force_login(user)

        def get(address: str) -> str:
            response = client.get(address)
            assert response.status_code == 200, (address, response.status_code)
            text = (b"".join(response.streaming_content) if response.streaming else response.content).decode()
            return text.replace("<mark>", "").replace("</mark>", "")

        get.client = client  # type: ignore[attr-defined]
        return get

    return browser
