"""The pages of reports."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core import replica
from crm.core.access import Scope
from crm.core.cursors import BadCursor
from reports.forms import ReportForm, presets
from reports.selectors.results import Report
from reports.views.build import buildable
from reports.views.downloads import download
from reports.views.shown import RecordsPage, chart_html, highlights, table_rows, total_cells
from users.selectors import organisation

KNOWN = frozenset({"from", "to", "pipeline", "team", "owner", "format"})


def may_read(user: Any, report: Report) -> bool:
    """May the reader view any row of what the report counts?"""
    return any(user.scope_for(model._meta.label_lower, "view") != Scope.NONE for model in report.needs)


def _find(request: HttpRequest, slug: str, reports: tuple[Report, ...]) -> Report:
    found = next((each for each in reports if each.slug == slug), None)
    if found is None:
        raise Http404
    if not may_read(request.user, found):
        raise PermissionDenied(_("Your role does not show you what this report counts. Ask an administrator."))
    return found


@require_safe
def index(request: HttpRequest, reports: tuple[Report, ...]) -> HttpResponse:
    """All reports that the reader's role has something for."""
    return render(request, "reports/index.html", {"reports": [each for each in reports if may_read(request.user, each)], "buildable": buildable(request.user)})


@require_safe
def report(request: HttpRequest, slug: str, reports: tuple[Report, ...]) -> HttpResponse:
    """One report: page or, with `?format=`, file. A value that makes no sense is a 400 that says so at its field."""
    found = _find(request, slug, reports)
    form = ReportForm(request.GET, user=request.user, report=found)
    unknown = sorted(set(request.GET) - KNOWN)
    if unknown or not form.is_valid():
        return _refuse(request, found, form, unknown)
    params = form.params()
    with replica.reading(request.user):
        result = found.run(request.user, params)
    if wanted := form.cleaned_data["format"]:
        return download(wanted, found, params, result)
    form.offer_colleagues()
    context = {
        **_frame(request, found, form),
        "result": result,
        "chart": chart_html(result, params),
        "rows": table_rows(result, params),
        "totals": total_cells(result, params),
        "highlights": highlights(result, params),
        "params": params,
        "downloads": [(name.upper(), f"?{_query(request, format=name)}") for name in ("csv", "xlsx", "json")],
        "presets": _presets(request, params, found),
    }
    return render(request, "reports/report.html", context)


def _refuse(request: HttpRequest, found: Report, form: ReportForm, unknown: list[str]) -> HttpResponse:
    problem = _("Reports know no “%(name)s”.") % {"name": unknown[0][:60]} if unknown else ""
    form.is_valid()
    if request.GET.get("format") == "json":
        errors = {name: list(texts) for name, texts in form.errors.items()}
        return JsonResponse({"errors": errors | ({unknown[0][:60]: [problem]} if unknown else {})}, status=400)
    form.offer_colleagues()
    return render(request, "reports/report.html", {**_frame(request, found, form), "problem": problem}, status=400)


def _frame(request: HttpRequest, found: Report, form: ReportForm) -> dict[str, Any]:
    fields = [form[name] for name in ("from", "to", "pipeline", "team", "owner")]
    return {"report": found, "form": form, "fields": fields, "clear_url": request.path if request.GET else ""}


def _query(request: HttpRequest, **changes: str) -> str:
    kept = {name: value for name, value in request.GET.items() if value and name in KNOWN - {"format"}}
    return urlencode({**kept, **changes})


def _presets(request: HttpRequest, params: Any, found: Report) -> list[tuple[Any, str, bool]]:
    today = timezone.localdate(params.now, params.zone)
    if found.period(today) == (None, None):
        return []
    return [
        (label, f"?{_query(request, **{'from': start.isoformat(), 'to': end.isoformat()})}", (start, end) == (params.start, params.end))
        for label, start, end in presets(today, organisation().fiscal_year_start)
    ]


@require_safe
def records(request: HttpRequest, slug: str, reports: tuple[Report, ...]) -> HttpResponse:
    """The records behind a figure that no list can filter for."""
    found = _find(request, slug, reports)
    query = request.GET.copy()
    measure, key, cursor = (query.pop(name, [""])[0] for name in ("measure", "key", "cursor"))
    form = ReportForm(query, user=request.user, report=found)
    if set(query) - (KNOWN - {"format"}) or not form.is_valid():
        return _refuse(request, found, form, sorted(set(query) - KNOWN))
    params = form.params()
    rows = found.records(request.user, params, measure, key) if found.records else None
    if rows is None:
        raise Http404
    try:
        with replica.reading(request.user):
            page = RecordsPage.read(request.user, rows, cursor, params)
    except BadCursor:
        raise Http404 from None
    back = f"{request.path.removesuffix('records/')}?{urlencode({name: value for name, value in query.items() if value})}"
    next_url = (
        f"?{urlencode({**{name: value for name, value in request.GET.items() if name != 'cursor'}, 'cursor': page.next_cursor})}" if page.next_cursor else ""
    )
    return render(request, "reports/records.html", {"report": found, "page": page, "params": params, "back_url": back, "next_url": next_url})
