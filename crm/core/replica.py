"""Lists and reports from a replica, all else and every write from the primary (docs/decisions/replica.md).

One decision for statements that belong together: `with reading(user):`. Who has written something reads from the primary until the replica
has it. Without DATABASE_REPLICA_URL nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import caches
from django.db import connection, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from crm.core.postgres.cursors import Reading, current
from crm.core.postgres.watch import REPLICA, watch

SAFE = ("GET", "HEAD", "OPTIONS")
SALT = "crm.core.replica"
T = TypeVar("T")

_written: ContextVar[int] = ContextVar("written", default=0)  # as the request's cookie says


def configured() -> bool:
    return REPLICA in connections.settings


def reading(user: Any) -> AbstractContextManager[None]:
    """Statements in this block may be answered by the replica. Those in a transaction never are."""
    return _within(decide(user))


@contextmanager
def primary() -> Iterator[None]:
    """Statements in this block (or function) are the primary's, also inside `reading`: for what processes keep and what writes rely on."""
    with _within(None):
        yield


def each(user: Any, items: Iterable[T]) -> Iterator[T]:
    """`items` of a generator that reads while it is walked through; decided now. Whoever takes them goes on as before."""
    return _stepped(decide(user), iter(items))


def decide(user: Any) -> Reading | None:
    """None: the primary."""
    if not configured() or not watch.usable(_written.get()):
        return None
    return Reading() if watch.usable(caches["fast"].get(_key(user.pk), 0)) else None


def note(*user_ids: int) -> None:
    """These people may notice what has just been committed for them (by a worker, by a colleague): their lists must show it."""
    if configured() and user_ids:
        caches["fast"].set_many(dict.fromkeys(map(_key, user_ids), _position()), keep_seconds())


def keep_seconds() -> int:
    """A replica that is later than the limit is not used at all, so an older write need not be remembered."""
    return settings.DATABASE_REPLICA_MAX_LAG + 10


def facts() -> dict[str, object]:
    """For /readyz: nothing, or how the replica is ("ready", "behind", "away", "no replica") and how late."""
    if not configured():
        return {}
    seen = watch.state()
    return {"replica": seen.state, "replica_lag": None if seen.lag is None else round(seen.lag, 1)}


class ReplicaMiddleware:
    """Remembers in a signed cookie up to where the person has written, so that every web machine knows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.cookie = f"{settings.SESSION_COOKIE_NAME}-written"

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        known = request.get_signed_cookie(self.cookie, default="0", salt=SALT, max_age=keep_seconds())
        token = _written.set(int(known or 0))
        try:
            response = self.get_response(request)
        finally:
            _written.reset(token)
        if request.method not in SAFE and request.user.is_authenticated:  # reading writes no record, and strangers have no lists
            self._remember(response)
        return response

    def _remember(self, response: HttpResponseBase) -> None:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_signed_cookie(self.cookie, str(_position()), salt=SALT, max_age=keep_seconds(), secure=secure, httponly=True, samesite="Lax")


@contextmanager
def _within(where: Reading | None) -> Iterator[None]:
    token = current.set(where)
    try:
        yield
    finally:
        current.reset(token)


def _stepped(where: Reading | None, items: Iterator[T]) -> Iterator[T]:
    while True:
        with _within(where):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def _key(user_id: int) -> str:
    return f"written.{user_id}"


def _position() -> int:
    """Up to where the primary's log goes, in bytes: everything committed so far is before it."""
    with primary(), connection.cursor() as cursor:
        cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
        return cursor.fetchone()[0]
