"""A statement that takes too long is ended by PostgreSQL (WEB_STATEMENT_SECONDS); the person is told what to do instead."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import QueryCanceledError

log = logging.getLogger(__name__)

RETRY_AFTER = "10"


class TimeLimitMiddleware:
    """503 with a sentence: as a page, for htmx as text (crm.js shows it), for programs as JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        text = _advice(request, exception)
        if not text:
            return None
        log.warning("a statement was ended: %s", str(exception).splitlines()[0], extra={"path": request.path})
        response = _answer(request, text)
        response["Retry-After"] = RETRY_AFTER
        return response


def _advice(request: HttpRequest, exception: Exception) -> str:
    """What to do; "" when it was no time limit. Whatever was begun is undone: the exception left its transaction."""
    cause = exception.__cause__ if isinstance(exception, OperationalError) else None
    if isinstance(cause, LockNotAvailable):
        return _("Somebody else is changing the same records right now. Nothing was changed here. Try again in a moment.")
    if not isinstance(cause, QueryCanceledError):
        return ""
    if request.method not in ("GET", "HEAD"):
        return _("This took too long, so nothing was changed. Try again in a minute, or with fewer records at a time.")
    return _("This asks for more than can be found in time. Narrow it: add a filter, choose a shorter period, or search for longer words.")


def _answer(request: HttpRequest, text: str) -> HttpResponse:
    wants_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    if wants_json or request.GET.get("format") == "json":
        return JsonResponse({"message": text}, status=503)
    if "HX-Request" in request.headers:
        return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    return render(request, "503.html", {"message": text}, status=503)
