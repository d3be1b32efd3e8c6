"""Addresses of the records behind a figure: the lists' own filters, so that list and figure ask the same question."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from reports.selectors.results import Params


def list_url(name: str, params: Params, **filters: Any) -> str:
    """The list `name` ("deals") with the report's owner and team and these filters; empty ones are left out."""
    query = {"owner": params.raw.get("owner", ""), "team": params.raw.get("team", ""), **filters}
    return f"{reverse(f'{name}:list')}?{urlencode({key: value for key, value in query.items() if value not in ('', None)})}"


def deals_url(params: Params, **filters: Any) -> str:
    return list_url("deals", params, **{"pipeline": params.raw.get("pipeline", ""), **filters})


def leads_url(params: Params, **filters: Any) -> str:
    return list_url("leads", params, created_from=params.start or "", created_to=params.end or "", **filters)


def records_url(slug: str, params: Params, measure: str, key: str) -> str:
    """The report's own page of records."""
    return f"{_records_base(slug, params)}{urlencode({'measure': measure, 'key': key} if key else {'measure': measure})}"


def _records_base(slug: str, params: Params) -> str:
    """What all figures of a page have in common, worked out for the first one."""
    if slug not in params.bases:
        query = {"from": params.start or "", "to": params.end or "", **{name: params.raw.get(name, "") for name in ("pipeline", "team", "owner")}}
        filled = urlencode({name: value for name, value in query.items() if value not in ("", None)})
        params.bases[slug] = f"{reverse('reports:records', args=[slug])}?{filled}{'&' if filled else ''}"
    return params.bases[slug]
