"""The body of a public form's POST, from anywhere: form-encoded, multipart without files, or JSON. Hostile until read."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import gettext as _

LARGEST = 64 * 1024  # bytes
DEEPEST = 20  # levels of nested JSON in fields that the form does not know
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
JSON_TYPE = "application/json"


class BadBody(Exception):
    """The body can't be taken: `status` and what to tell the sender; `errors` by field, if it is about fields."""

    def __init__(self, status: int, text: str, errors: dict[str, list[str]] | None = None) -> None:
        self.status, self.text, self.errors = status, text, errors
        super().__init__(text)


def read_body(request: HttpRequest, several: Collection[str] = ()) -> dict[str, Any]:
    """What was sent, by field name, without NUL bytes and broken characters; of fields in `several` a list. BadBody with 400, 411, 413, 415 or 422."""
    _check_size(request)
    if request.content_type == JSON_TYPE:
        return _read_json(request)
    if request.content_type in FORM_TYPES:
        return _read_form(request, several)
    raise BadBody(415, _("Send a form or JSON."))


def _check_size(request: HttpRequest) -> None:
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise BadBody(411, _("Say how long the content is (Content-Length)."))
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise BadBody(400, _("The length of the content is not a number.")) from None
    if length > LARGEST:
        raise BadBody(413, _("This is too much: at most 64 kB."))


def _read_json(request: HttpRequest) -> dict[str, Any]:
    try:
        found = json.loads(request.body, parse_constant=_no_constant)
        if not isinstance(found, dict):
            raise BadBody(400, _("Send one JSON object with a name and a value per field."))
        return {plain_text(str(name)): _plain(value, 0) for name, value in found.items()}
    except (ValueError, RecursionError, SuspiciousOperation, UnreadablePostError, RawPostDataException):
        raise BadBody(400, _("This is not valid JSON.")) from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity: Python reads them, neither JSON nor the database knows them


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {plain_text(name): _plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**300:
        raise ValueError("no such number")
    return value


def plain_text(text: str) -> str:
    """Without NUL bytes, which PostgreSQL can't hold, and without half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _read_form(request: HttpRequest, several: Collection[str]) -> dict[str, Any]:
    try:
        posted, files = request.POST, request.FILES
    except (MultiPartParserError, BadRequest, SuspiciousOperation, UnreadablePostError, ValueError):
        raise BadBody(400, _("This form could not be read.")) from None
    if files:
        raise BadBody(422, _("Files are not accepted here."), {plain_text(name): [_("Files are not accepted here.")] for name in files})
    found: dict[str, Any] = {}
    for name, values in posted.lists():
        filled = [plain_text(value) for value in values if value.strip()]
        found[plain_text(name)] = filled if name in several else filled[-1] if filled else ""
    return found
