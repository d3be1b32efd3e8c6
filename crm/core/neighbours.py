"""The list that a record was opened from, and the rows beside the record in it (docs/decisions/rows.md)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, QueryDict
from django.utils.http import urlencode

from crm.core.cursors import Cursor
from crm.core.custom.keys import order_key
from crm.core.list_query import ListQuery
from crm.core.records import RecordType

LONGEST = 1500  # characters of a list's query that are carried along
OF_ONE_PAGE = ("count", "format")


def origin_of(record: RecordType, request: Any) -> str | None:
    """The query string of the list that this page of a record belongs to; None when it was opened from elsewhere.

    Named by `?from=`, or, on the way from the list itself, by the address that the browser says it comes from: so the links of fifty rows
    stay as short as those that people send each other. It is a text of the reader's until `ListQuery` has read it.
    """
    if "from" in request.GET:
        return _tidy(request.GET["from"])
    try:
        came = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return None
    return _tidy(came.query) if came.netloc == request.get_host() and came.path == record.list_url else None


def _tidy(query: str) -> str | None:
    """The query spelt our way; None for one that no list of ours has."""
    if len(query) > LONGEST or "\x00" in query:
        return None
    try:
        params = QueryDict(query, mutable=True)
    except (SuspiciousOperation, ValueError):
        return None
    for name in OF_ONE_PAGE:
        params.pop(name, None)
    return params.urlencode()


def with_query(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url


def page_of(record: RecordType, pk: int, origin: str) -> str:
    """The address of a record's page as part of that list."""
    return f"{record.url('detail', pk)}?{urlencode({'from': origin})}"


def key_of(query: ListQuery, pk: int) -> Any:
    """What the list sorts the row by. Http404 when the reader may not see it. A row that the filter has lost, as after a change, has its place too."""
    row = query.record.visible(query.user).filter(pk=pk).values_list(order_key(query.order.column), flat=True)
    found = list(row[:1])
    if not found:
        raise Http404
    return found[0]


def beside(query: ListQuery, pk: int, key: Any, *, back: bool) -> int | None:
    """The id of the next (or the previous) row in the list's filter and order; None at its end."""
    found = query.listing.beside(query.order, Cursor(key, pk, back=back))
    return found[0] if found else None
