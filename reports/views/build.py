"""The page on which readers put a report together from the rows of a list, and its downloads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core import replica
from crm.core.access import Scope
from crm.core.custom.showing import shaped
from crm.core.list_bar import chips
from crm.core.list_query import PAGING, BadQuery, ListQuery
from crm.core.records import RecordType, record_for, record_types
from reports.selectors.grouped import Dimension, Number, dimensions_of, grouped, numbers_of
from reports.selectors.results import Params
from reports.views.downloads import download
from reports.views.shown import chart_html, highlights, table_rows, total_cells
from users.selectors import organisation

OWN = ("by", "then", "of", "format")  # what the report adds to the address of the list
FORMATS = ("csv", "xlsx", "json")


def buildable(user: Any) -> list[RecordType]:
    """Of which kinds of record the reader can put a report together."""
    return [record for record in record_types() if user.scope_for(record.model_label, "view") != Scope.NONE]


def address(query: ListQuery) -> str:
    """The rows of a list as a report."""
    by = f"by={query.group}" if query.group else ""
    question = "&".join(part for part in (by, query.question) if part)
    return f"{reverse('reports:build', args=[query.record.slug])}{f'?{question}' if question else ''}"


@require_safe
def build(request: HttpRequest, slug: str) -> HttpResponse:
    """`by`, `then` (dimensions) and `of` (numbers), besides the parameters of the list; `format` gives a file. 400 for what makes no sense."""
    known = record_for(slug)
    if known is None:
        raise Http404
    user: Any = request.user
    if user.scope_for(known.model_label, "view") == Scope.NONE:
        raise PermissionDenied(_("Your role does not show you what this report counts. Ask an administrator."))
    record = shaped(known, user)
    params = request.GET.copy()
    by, then, wanted = (params.pop(name, [""])[-1] for name in ("by", "then", "format"))
    of = params.pop("of", [])
    for name in PAGING - {"view"}:
        params.pop(name, None)
    try:
        query = ListQuery(record, user, params, request=request).insist()
        chosen = _chosen(query, by, then, of)
        if wanted and wanted not in FORMATS:
            raise BadQuery(_("Reports come as CSV, XLSX or JSON."))
    except BadQuery as error:
        return render(request, "400.html", {"message": str(error)}, status=400)
    with replica.reading(user):
        result = grouped(query, chosen.by, chosen.then, chosen.numbers)
    told = _told(user)
    title = _("%(records)s: %(what)s") % {"records": record.label_plural, "what": chosen.by.label}
    if wanted:
        return download(wanted, SimpleNamespace(slug=f"{slug}-report", title=title), told, result)  # type: ignore[arg-type]
    return render(request, "reports/build.html", {"title": title, "result": result, "params": told, **_page(request, query, chosen, params, result, told)})


def _chosen(query: ListQuery, by: str, then: str, of: list[str]) -> Any:
    """The dimensions and numbers of these names; BadQuery for others."""
    dimensions = dimensions_of(query)
    numbers = numbers_of(query.record, query.user, organisation().currency)
    unknown = [name for name in (by, then) if name and name not in dimensions] + [name for name in of if name not in {each.name for each in numbers}]
    if unknown:
        raise BadQuery(_("Reports know no “%(name)s”.") % {"name": unknown[0][:60]})
    first = by or next(iter(dimensions))
    if then == first:
        raise BadQuery(_("Choose two different things to tell rows apart by."))
    return SimpleNamespace(
        by=dimensions[first],
        then=dimensions.get(then),
        numbers=[each for each in numbers if each.name in of],
        dimensions=dimensions,
        offered=numbers,
    )


def _told(user: Any) -> Params:
    return Params(start=None, end=None, pipeline=None, team=None, owner=None, teams=(), zone=user.zone, currency=organisation().currency, now=timezone.now())


def _page(request: HttpRequest, query: ListQuery, chosen: Any, params: QueryDict, result: Any, told: Params) -> dict[str, Any]:
    own = QueryDict(mutable=True)
    own["by"] = chosen.by.name
    if chosen.then:
        own["then"] = chosen.then.name
    own.setlist("of", [each.name for each in chosen.numbers])

    def here(list_url: str) -> str:
        """The address of a list as that of this report over it."""
        question = list_url.partition("?")[2]
        return f"{request.path}?{f'{question}&' if question else ''}{own.urlencode()}"

    dimensions: list[Dimension] = list(chosen.dimensions.values())
    numbers: list[Number] = chosen.offered
    return {
        "record": query.record,
        "chips": [(chip.label, chip.value, here(chip.remove_url)) for chip in chips(query)],
        "q": query.q,
        "list_url": query.url({"group": "", "cursor": ""}),
        "hidden": [(name, value) for name, values in params.lists() for value in values],
        "by": [(each.name, each.label, each is chosen.by) for each in dimensions],
        "then": [("", _("Nothing more"), chosen.then is None), *((each.name, each.label, each is chosen.then) for each in dimensions)],
        "of": [(each.name, each.label, each in chosen.numbers) for each in numbers],
        "chart": chart_html(result, told),
        "rows": table_rows(result, told),
        "totals": total_cells(result, told),
        "highlights": highlights(result, told),
        "downloads": [(name.upper(), f"{here(query.url({}))}&format={name}") for name in FORMATS],
        "types": [(each.label_plural, reverse("reports:build", args=[each.slug]), each.slug == query.record.slug) for each in buildable(query.user)],
    }
