"""The audit trail: database triggers (django-pghistory) on every record, with actor and request id (docs/decisions/audit.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pghistory
from django.http import HttpRequest, HttpResponse

from crm.core.models import Record

NEVER = ("search_text", "sort_name")


def audited(*exclude: str) -> Callable[[type], type]:
    """Class decorator: every insert, delete and change of a field that a person can set leaves a row, whatever wrote it."""

    def decorate(model: type) -> type:
        names = {field.name for field in model._meta.concrete_fields}  # type: ignore[attr-defined]
        derived = [name for name in (*Record.DERIVED, "version", *exclude) if name in names]
        stored = [name for name in (*NEVER, *exclude) if name in names]
        return pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(condition=pghistory.AnyChange(exclude=derived) if derived else pghistory.AnyChange()),
            pghistory.DeleteEvent(),
            exclude=stored,
            # Once per statement: a row's own trigger takes more than half of what a thousand new contacts cost, most of it for the same context again.
            level=pghistory.Statement,
            meta={"ordering": ["-pgh_id"]},
        )(model)

    return decorate


class AuditContextMiddleware:
    """Gives every change made during a request its actor and request id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD", "OPTIONS"):  # nothing to audit: reading writes no record
            return self.get_response(request)
        user: Any = getattr(request, "user", None)
        with pghistory.context(user=getattr(user, "pk", None), request=getattr(request, "request_id", "")):
            return self.get_response(request)
