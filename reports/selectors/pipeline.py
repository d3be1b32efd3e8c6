"""Pipeline by stage: the open deals as they stand now."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_lazy as _

from deals.models import Deal, Stage
from reports.selectors.drill import deals_url
from reports.selectors.results import ZERO, Chart, Figure, Measure, Params, ReportResult, Row, cents

MEASURES = (
    Measure("count", _("Deals"), "count", _("Open deals that are in the stage now.")),
    Measure("amount", _("Amount"), "money", _("Their amounts, in the organisation's currency.")),
    Measure("weighted", _("Weighted"), "money", _("Each stage's amount times its probability, rounded to cents.")),
)


def open_deals(user: Any, params: Params) -> Any:
    """Visible open deals whose expected close date lies in the period, if one is asked for."""
    deals = Deal.objects.visible_to(user).filter(params.owned(), status=Deal.Status.OPEN)
    if params.start:
        deals = deals.filter(close_date__gte=params.start)
    if params.end:
        deals = deals.filter(close_date__lte=params.end)
    return deals.filter(pipeline=params.pipeline) if params.pipeline else deals


def pipeline_by_stage(user: Any, params: Params) -> ReportResult:
    found = {
        row["stage_id"]: (row["count"], cents(row["amount"]))
        for row in open_deals(user, params).order_by().values("stage_id").annotate(count=Count("*"), amount=Sum("amount_home"))
    }
    stages = _stages(user, params, list(found))
    several = len({stage.pipeline_id for stage in stages}) > 1
    rows, totals = [], [0, ZERO, ZERO]
    for stage in stages:
        count, amount = found.get(stage.pk, (0, ZERO))
        values = (count, amount, cents(amount * stage.probability / 100))
        totals = [total + value for total, value in zip(totals, values, strict=True)]
        label = f"{stage.pipeline.name}: {stage.name}" if several else stage.name
        rows.append(Row(str(stage.pk), label, _figures(params, values, str(stage.pk))))
    return ReportResult(
        _("Stage"),
        MEASURES,
        tuple(rows),
        _figures(params, tuple(totals), ""),
        Chart(_("Amount by stage"), "bars", ("amount", "weighted")),
        ("count", "amount", "weighted"),
    )


def _stages(user: Any, params: Params, used: list[int]) -> list[Stage]:
    """The open stages of the pipelines in use, and any other in which an open deal stands."""
    offered = Q(kind=Stage.Kind.OPEN, pipeline__archived_at__isnull=True)
    if params.pipeline:
        offered = Q(kind=Stage.Kind.OPEN, pipeline=params.pipeline)
    stages = Stage.objects.visible_to(user).filter(offered | Q(pk__in=used))
    return list(stages.select_related("pipeline").order_by("pipeline__position", "pipeline_id", "position", "pk"))


def _figures(params: Params, values: tuple[Any, ...], key: str) -> tuple[Figure, ...]:
    return tuple(Figure(value, drill(params, measure.name, key)) for measure, value in zip(MEASURES, values, strict=True))


def drill(params: Params, measure: str, key: str) -> str:
    return deals_url(params, status="open", stage=key, close_from=params.start, close_to=params.end)
