"""/healthz: the process lives. /readyz: it can do its work, and the worker and beat do theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from crm.core import heartbeat, outbox, replica
from crm.core.caches import Pool

log = logging.getLogger(__name__)

STALE_SECONDS = 60  # bound for heartbeats and for the oldest undelivered event


class HealthMiddleware:
    """Answers both before anything else: probes come by address, without host name, cookie or TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path_info == "/readyz":
            facts = readiness()
            return JsonResponse(facts, status=200 if is_ready(facts) else 503, headers={"Cache-Control": "no-store"})
        return self.get_response(request)


def readiness() -> dict[str, object]:
    """What /readyz shows: two booleans and three ages in seconds; an age that nobody knows is None. With a replica also its state, which
    nobody has to wait for: without it the primary does the work."""
    facts: dict[str, object] = {
        "database": False,
        "redis": _redis_answers(),
        "oldest_undelivered_event_seconds": None,
        "worker_heartbeat_seconds": None,
        "beat_heartbeat_seconds": None,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        facts["database"] = True
        ages = heartbeat.ages()
        facts["oldest_undelivered_event_seconds"] = round(outbox.oldest_waiting_seconds(), 1)
        for name in ("worker", "beat"):
            facts[f"{name}_heartbeat_seconds"] = round(ages[name], 1) if name in ages else None
    except DatabaseError as error:
        log.warning("readiness: the database does not answer: %s", type(error).__name__)
    return facts | replica.facts()


def is_ready(facts: dict[str, object]) -> bool:
    """All parts answer and no age is unknown or above its bound."""
    ages = [value for key, value in facts.items() if key.endswith("_seconds")]
    return bool(facts["database"] and facts["redis"]) and all(isinstance(age, float) and age <= STALE_SECONDS for age in ages)


def _redis_answers() -> bool:
    client = redis.Redis.from_pool(Pool.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1))
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
