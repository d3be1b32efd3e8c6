"""Which rows of a list somebody has chosen: those that are ticked, or all that match."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core import exports
from crm.core.list_query import BadQuery, ListQuery
from crm.core.records import RecordType

MOST_TICKED = 1000


@dataclass(frozen=True)
class Chosen:
    """`ids` in order of their ids, or None for all rows that match `query`. `count`: how many were chosen, those included that are not the user's to change."""

    ids: list[int] | None
    count: int
    query: str = ""


def chosen(request: HttpRequest, record: RecordType, permission: str, small: int) -> Chosen:
    """What the list's form says. Of ticked rows those with the permission; a few matching rows count as ticked. BadQuery when nothing is chosen."""
    rows = record.visible(request.user, permission)
    if request.POST.get("all") == "1":
        query = ListQuery.stored(record, request.user, request.POST.get("query", ""))
        count = query.listing.count_all()
        if count <= small:
            return Chosen(sorted(rows.filter(pk__in=query.listing.every_id()).values_list("pk", flat=True)), count)
        return Chosen(None, count, query.question)
    given = request.POST.getlist("ids")
    ids = sorted({int(text) for text in given if text.isascii() and text.isdecimal() and len(text) < 19})
    if not ids or len(ids) != len(set(given)) or len(ids) > MOST_TICKED:
        raise BadQuery(_refusal(given, ids))
    return Chosen(sorted(rows.filter(pk__in=ids).values_list("pk", flat=True)), len(ids))


def first_ids(user: Any, record: RecordType, permission: str, rows: Chosen, most: int) -> list[int]:
    """The first of the chosen rows, by their ids."""
    if rows.ids is not None:
        return rows.ids[:most]
    matching = ListQuery.stored(record, user, rows.query).listing.every_id()
    first: list[int] = []
    for start in range(0, len(matching), most):
        part = matching[start : start + most]
        first += record.visible(user, permission).filter(pk__in=part).order_by("pk").values_list("pk", flat=True)
        if len(first) >= most:
            break
    return first[:most]


def _refusal(given: list[str], ids: list[int]) -> str:
    if not given:
        return _("Tick the rows first.")
    if len(ids) > MOST_TICKED:
        return _("Up to %(n)s rows at a time.") % {"n": MOST_TICKED}
    return _("These rows are not known.")


def export_chosen(request: HttpRequest, record: RecordType, rows: Chosen, data: dict[str, Any]) -> Any:
    """The ticked rows as a file; all that match are what the list's own export gives."""
    if rows.ids is None:
        return redirect(f"{record.url('export')}?{rows.query}&format={data['format']}" if rows.query else f"{record.url('export')}?format={data['format']}")
    query = ListQuery.stored(record, request.user, "", "export")
    query.listing.q = Q(pk__in=rows.ids)
    name = f"{record.slug}-{timezone.localdate():%Y-%m-%d}.{data['format']}"
    if data["format"] == "csv":
        body = exports.csv_chunks(exports.rows_of(query))
        return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    exports.write_xlsx(exports.rows_of(query), target, str(record.label_plural))
    target.seek(0)
    return FileResponse(target, as_attachment=True, filename=name)
