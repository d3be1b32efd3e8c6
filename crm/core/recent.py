"""The records that somebody opened last, as their browser remembers them: kinds and ids alone, so that what they may see no longer is not named."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from crm.core import cells, replica
from crm.core.records import RecordType, record_for
from crm.core.related import visible_names

SHOWN = 8
MOST = 20  # marks that are looked at


class Recent(NamedTuple):
    record: RecordType
    title: str
    url: str


def recent(user: Any, marks: list[str]) -> list[Recent]:
    """Of marks such as `contacts.12`, newest first, the first ones that the user sees. Anything else is left out. One statement."""
    known = [found for found in map(_parsed, marks[:MOST]) if found is not None]
    ids: dict[str, set[int]] = defaultdict(set)
    for record, pk in known:
        ids[record.slug].add(pk)
    seen = visible_names(user, {record.slug: (record.model, ids[record.slug]) for record, _pk in known})
    rows = [(record, seen[record.slug].get(pk)) for record, pk in dict.fromkeys(known)]
    return [Recent(record, str(row), cells.address_of(row)) for record, row in rows if row is not None][:SHOWN]


def _parsed(mark: str) -> tuple[RecordType, int] | None:
    slug, _dot, pk = mark.partition(".")
    record = record_for(slug)
    if record is None or slug != record.slug or not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    return record, int(pk)


class RecentView(View):
    """`?r=contacts.12&r=deals.7`: options for the palette."""

    def get(self, request: HttpRequest) -> HttpResponse:
        with replica.reading(request.user):
            rows = recent(request.user, request.GET.getlist("r"))
        return render(request, "components/recent.html", {"rows": rows}, headers={"Cache-Control": "no-store"})
