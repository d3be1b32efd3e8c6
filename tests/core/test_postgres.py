"""The health check of a kept connection."""

from __future__ import annotations

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from crm.core.postgres.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def begin_request():
    connection.ensure_connection()
    connection.health_check_enabled = True
    connection.health_check_done = False


def end_by_the_server():
    """What a restart of PostgreSQL does to a connection."""
    connection.ensure_connection()
    pid = connection.connection.get_backend_pid()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    return pid


def test_a_quiet_connection_is_not_asked(monkeypatch):
    begin_request()
    with connection.cursor() as cursor:  # the first check of a process is a real one
        cursor.execute("SELECT 1")
    begin_request()
    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda self: pytest.fail("asked"))
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        cursor.execute("SELECT 2")
    assert len(queries) == 1


def test_after_a_pause_it_is_asked(monkeypatch):
    asked = []
    begin_request()
    monkeypatch.setattr(connections["default"], "checked_at", 0.0)
    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda self: asked.append(1) or True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert asked == [1]


def test_a_connection_that_the_server_ended_is_made_anew():
    begin_request()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    pid = end_by_the_server()
    begin_request()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert connection.connection.get_backend_pid() != pid
