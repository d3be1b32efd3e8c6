"""Logs, headers, health answers and the soft cache."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone
from django.utils.module_loading import import_string

from crm.core import health, heartbeat, logs
from crm.core.caches import SoftRedisCache
from crm.core.models import Heartbeat
from tests.factories import PASSWORD, make_user


@pytest.fixture
def somebody(db):
    """Without anybody every page leads to the first set-up."""
    return make_user()


def line(message: str, logger: str = "rapport.access", **extra: object) -> dict[str, object]:
    record = logging.getLogger(logger).makeRecord(logger, logging.INFO, __file__, 1, message, (), None, extra=extra)
    return json.loads(logs.JsonFormatter().format(record))


def test_a_line_is_one_json_object_with_request_and_user():
    logs.set_request_id("abc")
    try:
        told = line("two\nlines", status=200)
    finally:
        logs.set_request_id("")
    assert told["request_id"] == "abc"
    assert told["message"] == "two\nlines"
    assert told["status"] == 200
    assert {"time", "level", "logger", "user_id"} <= set(told)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/contacts/123/", "/contacts/123/"),
        ("/accounts/password/reset/key/1-d0abc-0123456789abcdef0123456789abcdef/", "/accounts/password/reset/key/***/"),
        ("/calendar/feed/AbCdEf0123456789AbCdEf0123/", "/calendar/feed/***/"),
    ],
)
def test_secrets_in_paths_are_masked(path, shown):
    assert logs.masked(path) == shown


def test_the_access_line_has_no_query_string(client, caplog, somebody):
    with caplog.at_level(logging.INFO, logger="rapport.access"):
        answer = client.get("/accounts/login/?next=/contacts/&token=geheim")
    assert answer.headers["X-Request-ID"]
    assert "GET /accounts/login/ 200" in caplog.text
    assert "geheim" not in caplog.text


def test_strangers_do_not_choose_the_request_id(client, somebody, settings):
    given = {"HTTP_X_REQUEST_ID": "given-by-the-proxy"}
    assert client.get("/accounts/login/", **given).headers["X-Request-ID"] != "given-by-the-proxy"
    settings.TRUSTED_PROXY_COUNT = 1
    assert client.get("/accounts/login/", **given).headers["X-Request-ID"] == "given-by-the-proxy"


def test_headers_of_every_page(client, somebody):
    headers = client.get("/accounts/login/").headers
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_healthz_needs_neither_host_nor_sign_in(client):
    answer = client.get("/healthz", HTTP_HOST="10.1.2.3")
    assert answer.status_code == 200


def test_readyz_is_503_when_a_part_is_away(client, db):
    heartbeat.beat("worker")
    heartbeat.beat("beat")
    answer = client.get("/readyz")
    assert answer.status_code == 503, "there is no Redis in the tests"
    assert answer.json()["redis"] is False
    assert answer.json()["database"] is True


@pytest.mark.parametrize("late", ["worker", "beat"])
def test_readyz_bounds(db, monkeypatch, late):
    monkeypatch.setattr(health, "_redis_answers", lambda: True)
    assert not health.is_ready(health.readiness()), "never heard of worker and beat"
    heartbeat.beat("worker")
    heartbeat.beat("beat")
    assert health.is_ready(health.readiness())
    Heartbeat.objects.filter(name=late).update(at=timezone.now() - timedelta(seconds=61))
    assert not health.is_ready(health.readiness())
    heartbeat.beat(late)
    assert health.is_ready(health.readiness())


def test_a_dead_cache_is_a_miss():
    cache = SoftRedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 1}})
    cache.set("key", 1)
    assert cache.get("key", "nothing") == "nothing"
    assert cache.get_many(["key"]) == {}
    assert cache.get_or_set("key", lambda: 7) == 7
    assert cache.delete("key") is False
    assert cache.incr("key") == 1


def sign_in(client, person, password: str, address: str):
    return client.post("/accounts/login/", {"login": person.email, "password": password}, REMOTE_ADDR=address)


def test_guessing_locks_the_guesser_out_and_not_the_owner(client, somebody):
    for _ in range(12):
        sign_in(client, somebody, "wrong", "192.0.2.1")
    assert sign_in(client, somebody, PASSWORD, "192.0.2.1").status_code != 302, "the right password comes too late"
    assert sign_in(client, somebody, PASSWORD, "192.0.2.2").status_code == 302


def test_login_limits_live_in_postgresql():
    """The tests use a cache in memory; what production uses must not depend on Redis."""
    from crm import settings

    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")
    assert issubclass(import_string(f"{settings.SESSION_ENGINE}.SessionStore"), DatabaseSessionStore)
