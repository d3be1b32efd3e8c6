"""Structured logs: one JSON object per line, with the request's id and user; never a secret or a query string."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

access_log = logging.getLogger("rapport.access")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)

_GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# Reset links, invitations and feeds carry their secret as a path segment.
_SECRET_SEGMENT = re.compile(r"(?<=/)[A-Za-z0-9_=:.~-]{20,}(?=/|\s|$)")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "data"}


def current_request_id() -> str:
    """The id of the request or task that runs now, or an empty string."""
    return _request_id.get()


def set_request_id(value: str) -> None:
    """Name the unit of work (a task's id, a command) in the log lines that follow."""
    _request_id.set(value)


def masked(path: str) -> str:
    """A path without the long segments that may be secrets."""
    return _SECRET_SEGMENT.sub("***", path)


def _user_id() -> int | None:
    request = _request.get()
    # Only a user who was looked up anyway: a log line must not cost a query.
    return getattr(getattr(request, "_cached_user", None), "pk", None)


class JsonFormatter(logging.Formatter):
    """Time, level, logger, request id, user id, message, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": _request_id.get(),
            "user_id": _user_id(),
            "message": masked(message) if record.name.startswith("django") else message,
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class RequestLogMiddleware:
    """Gives each request an id (header X-Request-ID) and writes one line when it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = self._id(request)
        request.request_id = request_id  # type: ignore[attr-defined]  # for the audit trail
        id_token, request_token = _request_id.set(request_id), _request.set(request)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = request_id
            self._log(request, response, started)
            return response
        finally:
            _request_id.reset(id_token)
            _request.reset(request_token)

    @staticmethod
    def _id(request: HttpRequest) -> str:
        """Our proxy's id if there is a proxy, else a new one: strangers don't write into the logs."""
        given = request.headers.get("X-Request-ID", "")
        return given if settings.TRUSTED_PROXY_COUNT and _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex

    @staticmethod
    def _log(request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        access_log.info(
            "%s %s %s",
            request.method,
            masked(request.path),
            response.status_code,
            extra={"status": response.status_code, "milliseconds": round((time.perf_counter() - started) * 1000, 1)},
        )
