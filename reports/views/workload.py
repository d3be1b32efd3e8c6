"""The page "Team": who has how much to do."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core import cells, replica
from crm.core.access import Scope
from crm.core.views import bad_request
from reports.selectors.workload import LABEL, MOST, PersonLoad, loads_of, sees_a_team, workload

FIRST = "-overdue"


@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """`?sort=name` or a figure's name, with a minus the other way round."""
    user: Any = request.user
    if user.scope_for(LABEL, "view") == Scope.NONE:
        raise PermissionDenied
    loads, sort = loads_of(user), request.GET.get("sort", FIRST)
    if sort.removeprefix("-") not in {"name", *(load.name for load in loads)}:
        return bad_request(request, _("Choose one of the columns to sort by."))
    with replica.reading(user):
        rows = workload(user, timezone.localdate())
    rows = _sorted(rows, sort)
    own, others = user.scope_for(LABEL, "change") != Scope.NONE, user.scope_for(LABEL, "change") in (Scope.TEAM, Scope.ALL)
    context = {
        "heads": [_head("name", _("Person"), sort), *(_head(load.name, load.label, sort) for load in loads)],
        "rows": [_row(row, loads, may=others or (own and row.person == user)) for row in rows[:MOST]],
        "cut": len(rows) > MOST,
        "tabs": sees_a_team(user),
        "away": any(row.away for row in rows[:MOST]),
    }
    return render(request, "reports/team.html", context)


def _sorted(rows: list[PersonLoad], sort: str) -> list[PersonLoad]:
    """They come by name, which decides among equals."""
    name = sort.removeprefix("-")
    if name == "name":
        return rows[::-1] if sort.startswith("-") else rows
    return sorted(rows, key=lambda row: row.counts.get(name, 0) * (-1 if sort.startswith("-") else 1))


def _head(name: str, label: Any, sort: str) -> dict[str, Any]:
    """Names go up first, figures down."""
    first, second = (name, f"-{name}") if name == "name" else (f"-{name}", name)
    state = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return {"name": name, "label": label, "url": f"/team/?sort={second if sort == first else first}", "state": state}


def _row(row: PersonLoad, loads: list[Any], *, may: bool) -> dict[str, Any]:
    """`hand_over`: the question of the tasks that can be given to somebody else."""
    figures = [(load, row.counts.get(load.name, 0), load.url(row.person)) for load in loads]
    late = next((load for load, count, _url in figures if load.name == "overdue" and count), None)
    return {
        "person": row.person,
        "figures": figures,
        "away": _away_text(*row.away) if row.away else "",
        "hand_over": late.question_of(row.person) if late and may else "",
    }


def _away_text(start: date | None, end: date | None) -> str:
    locale = cells.current_locale()
    first, last = (cells.format_short(day, locale) if day else "" for day in (start, end))
    if first and last:
        return f"{first} – {last}"
    return _("until %(day)s") % {"day": last} if last else _("from %(day)s") % {"day": first}
