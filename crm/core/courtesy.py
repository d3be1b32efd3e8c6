"""Long answers make room for short ones (docs/decisions/exports.md).

An export is streamed by a thread of a web process. Python runs one thread at a time, so between two pieces it waits while the process has
somebody's page to make.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

STEP, LONGEST = 0.001, 0.05  # seconds: how often it looks, and how long it waits for others before one more piece
_at_work: set[int] = set()  # threads that make a page; one that streams has left
_streams: list[int] = []  # whose exports this process streams


class CourtesyMiddleware:
    """Notes who is at work."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        me = threading.get_ident()
        _at_work.add(me)
        try:
            return self.get_response(request)
        finally:
            _at_work.discard(me)


def give_way() -> None:
    """Wait while others are at work, but not for ever."""
    end = time.monotonic() + LONGEST
    while _at_work and time.monotonic() < end:
        time.sleep(STEP)


def may_stream(user_id: int) -> bool:
    """One at a time for each person, and at most half of the process's threads for all: the others are for pages."""
    return user_id not in _streams and len(_streams) < max(1, settings.WEB_THREADS // 2)


@contextmanager
def streaming(user_id: int) -> Iterator[None]:
    _streams.append(user_id)
    try:
        yield
    finally:
        _streams.remove(user_id)
