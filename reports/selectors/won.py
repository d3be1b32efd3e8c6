"""Won by month: deals by the month in which they were won, in the reader's zone."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_skeleton
from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy as _

from crm.core.cells import current_locale
from deals.models import Deal
from reports.selectors.drill import deals_url
from reports.selectors.results import ZERO, Chart, Figure, Measure, Params, ReportResult, Row, average, cents

MEASURES = (
    Measure("count", _("Deals won"), "count", _("Deals that were won in the month and still are.")),
    Measure("amount", _("Amount"), "money", _("Their amounts, in the organisation's currency.")),
    Measure("average", _("Average deal"), "money", _("Amount divided by deals.")),
)


def won_deals(user: Any, params: Params) -> Any:
    deals = Deal.objects.visible_to(user).filter(params.between("closed_at"), params.owned(), status=Deal.Status.WON)
    return deals.filter(pipeline=params.pipeline) if params.pipeline else deals


def won_by_month(user: Any, params: Params) -> ReportResult:
    grouped = won_deals(user, params).order_by().annotate(month=TruncMonth("closed_at", tzinfo=params.zone)).values("month")
    found = {row["month"].date(): (row["count"], cents(row["amount"])) for row in grouped.annotate(count=Count("*"), amount=Sum("amount_home"))}
    locale = current_locale()
    rows = []
    for month in months(params):
        count, amount = found.get(month, (0, ZERO))
        rows.append(Row(f"{month:%Y-%m}", format_skeleton("yMMM", month, locale=locale), _figures(params, count, amount, f"{month:%Y-%m}")))
    count = sum(pair[0] for pair in found.values())
    amount = sum((pair[1] for pair in found.values()), ZERO)
    return ReportResult(
        _("Month"),
        MEASURES,
        tuple(rows),
        _figures(params, count, amount, ""),
        Chart(_("Amount won by month"), "columns", ("amount",)),
        ("count", "amount", "average"),
    )


def months(params: Params) -> Iterator[date]:
    """The first days of all months of the period."""
    if params.start is None or params.end is None:
        raise ValueError("won by month needs a period")
    month = params.start.replace(day=1)
    while month <= params.end:
        yield month
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _figures(params: Params, count: int, amount: Decimal, key: str) -> tuple[Figure, ...]:
    values = (count, amount, average(amount, count))
    return tuple(Figure(value, drill(params, measure.name, key)) for measure, value in zip(MEASURES, values, strict=True))


def drill(params: Params, measure: str, key: str) -> str:
    start, end = params.start, params.end
    if key:
        year, month = (int(part) for part in key.split("-"))
        first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        start, end = max(first, start or first), min(last, end or last)  # the first and the last month may be cut
    return deals_url(params, status="won", closed_from=start, closed_to=end)
