"""The records that somebody opened last, as their browser remembers them: kinds and ids alone, so that what they may see no longer is not named."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from crm.core import cells, replica
from crm.core.records import RecordType, record_for, record_types
from crm.core.related import visible_names

SHOWN = 8
MOST = 20  # marks that are looked at


class Recent(NamedTuple):
    record: RecordType
    title: str
    url: str


def recent(user: Any, marks: list[str]) -> list[Recent]:
    """Of marks such as `contacts.12`, newest first, the first ones that the user sees. Anything else is left out. One statement."""
    known = dict.fromkeys(found for found in map(_parsed, marks[:MOST]) if found is not None)
    ids: dict[str, set[int]] = defaultdict(set)
    for slug, pk in known:
        ids[slug].add(pk)
    records = {slug: record for slug in ids if (record := record_for(slug)) is not None}
    seen = visible_names(user, {slug: (record.model, ids[slug]) for slug, record in records.items()})
    rows = [(records[slug], seen[slug].get(pk)) for slug, pk in known]
    return [Recent(record, str(row), cells.address_of(row)) for record, row in rows if row is not None][:SHOWN]


def _parsed(mark: str) -> tuple[str, int] | None:
    slug, _dot, pk = mark.partition(".")
    known = any(record.slug == slug for record in record_types())
    return (slug, int(pk)) if known and pk.isascii() and pk.isdecimal() and len(pk) < 19 else None


class RecentView(View):
    """`?r=contacts.12&r=deals.7`: options for the palette."""

    def get(self, request: HttpRequest) -> HttpResponse:
        with replica.reading(request.user):
            rows = recent(request.user, request.GET.getlist("r"))
        response = render(request, "components/recent.html", {"rows": rows})
        response["Cache-Control"] = "no-store"
        return response
