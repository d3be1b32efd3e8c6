"""Single rows of a list as html, for what was changed in place and by others (docs/decisions/rows.md)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString

from crm.core.cells import body_rows
from crm.core.fetching import fetch
from crm.core.list_query import ListQuery
from crm.core.lists import selectable, shown_rows


def rows_html(query: ListQuery, ids: Iterable[int]) -> SafeString:
    """The visible ones of these rows as they stand in this list, whether its filter still fits them or not."""
    record, user = query.record, query.user
    seen = list(record.visible(user).filter(pk__in=list(ids)).order_by().values_list("pk", flat=True))
    rows = shown_rows(query, fetch(record.model, seen), query.columns)
    return body_rows(rows, selectable(record, user))
