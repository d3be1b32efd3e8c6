"""The pipeline board: one grouped query for all sums, one query for the first cards of every lane, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils import timezone

from contacts.models import Company
from crm.core.compiled import maker
from crm.core.cursors import Cursor
from crm.core.filters import day_start
from crm.core.search import LINKED, text_q
from deals.models import Deal, Pipeline, Stage
from deals.selectors.catalog import catalog
from users.selectors import organisation

PER_LANE = 20
CENT = Decimal("0.01")
CARD = (
    "id",
    "name",
    "company_id",
    "stage_id",
    "status",
    "stage_since",
    "amount",
    "currency",
    "close_date",
    "closed_at",
    "owner_id",
    "version",
    "next_step_at",
    "next_step",
    "next_step_kind",
    "next_step_all_day",
)


@dataclass(frozen=True)
class Lane:
    """One stage: what is in it in all, its first cards, and the mark of the next ones ("" when that is all)."""

    stage: Stage
    count: int
    amount: Decimal
    weighted: Decimal
    deals: list[Deal]
    after: str
    continued: bool = False  # does not begin with the first card


@dataclass(frozen=True)
class Totals:
    """The figures above the lanes, over the same deals as the lanes."""

    open_amount: Decimal
    open_count: int
    weighted: Decimal
    closing_amount: Decimal
    closing_count: int
    won_amount: Decimal
    won_count: int
    without_step: int
    month: date


@dataclass(frozen=True)
class Board:
    pipeline: Pipeline
    lanes: list[Lane]
    totals: Totals


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def quarter_start(day: date, first_month: int) -> date:
    """The first day of the quarter of a year that begins in `first_month`."""
    months = (day.month - first_month) % 3
    month = day.month - months
    return date(day.year, month, 1) if month > 0 else date(day.year - 1, month + 12, 1)


def month_span(day: date) -> tuple[date, date]:
    """First day of the month, first day of the next one."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


class _Rows(NamedTuple):
    """The deals on the board in two sets, as each has an index of its own."""

    open: QuerySet[Deal]
    won: QuerySet[Deal]  # this quarter

    def of(self, stage: Stage) -> QuerySet[Deal]:
        return (self.won if stage.kind == Stage.Kind.WON else self.open).filter(stage=stage)


def _rows(user: Any, pipeline: Pipeline, params: Any) -> _Rows:
    """Visible deals of the pipeline, narrowed by the filters (a filterset) and `params.q`."""
    rows = _narrowed(user, Deal.objects.visible_to(user).filter(pipeline=pipeline), params)
    won_from = day_start(quarter_start(timezone.localdate(), organisation().fiscal_year_start))
    return _Rows(rows.filter(status=Deal.Status.OPEN), rows.filter(status=Deal.Status.WON, closed_at__gte=won_from))


def _narrowed(user: Any, rows: QuerySet[Deal], params: Any) -> QuerySet[Deal]:
    if params is None:
        return rows
    query = params.data.get("q", "").strip() if hasattr(params.data, "get") else ""
    found = text_q(query)
    if found is not None:
        companies = list(Company.objects.visible_to(user).filter(found).values_list("pk", flat=True)[:LINKED])
        rows = rows.filter(found | Q(company__in=companies) if companies else found)
    return params.filter_queryset(rows)


def board(user: Any, pipeline: Pipeline, params: Any = None, *, lane: int | None = None, after: Cursor | None = None) -> Board:
    """The whole board. `params`: a validated filterset or None. `lane` starts behind the card `after`."""
    stages = [stage for stage in catalog().stages_of(pipeline.pk) if stage.kind != Stage.Kind.LOST]
    rows = _rows(user, pipeline, params)
    sums = _sums(rows)
    cards = _cards(rows, stages, lane, after)
    lanes = [_lane(stage, sums.get(stage.pk, {}), cards[stage.pk], continued=stage.pk == lane and after is not None) for stage in stages]
    return Board(pipeline, lanes, _totals(stages, sums))


def lanes_of(user: Any, pipeline: Pipeline, params: Any = None) -> Board:
    """Sums alone, for the answer to a move."""
    stages = [stage for stage in catalog().stages_of(pipeline.pk) if stage.kind != Stage.Kind.LOST]
    sums = _sums(_rows(user, pipeline, params))
    return Board(pipeline, [_lane(stage, sums.get(stage.pk, {}), []) for stage in stages], _totals(stages, sums))


def lane_after(user: Any, stage: Stage, params: Any, after: Cursor | None) -> Lane:
    """The next cards of one lane, without sums."""
    cards = _cards(_rows(user, stage.pipeline, params), [stage], stage.pk, after)
    return _lane(stage, {}, cards[stage.pk], continued=after is not None)


def _sums(rows: _Rows) -> dict[int, dict[str, Any]]:
    """{stage id: count, amount; of open stages also those closing this month and without a next step}, in two grouped queries."""
    first, following = month_span(timezone.localdate())
    closing = Q(close_date__gte=first, close_date__lt=following)
    every = {"count": Count("*"), "amount": Sum("amount_home")}
    opened = (
        rows.open.order_by()
        .values("stage_id")
        .annotate(
            **every,  # all of what is counted stands in the index
            closing=Count("stage", filter=closing),
            closing_amount=Sum("amount_home", filter=closing),
            no_step=Count("stage", filter=Q(next_step_at__isnull=True, next_step_kind="")),
        )
    )
    return {row["stage_id"]: row for row in (*opened, *rows.won.order_by().values("stage_id").annotate(**every))}


def _lane(stage: Stage, sums: dict[str, Any], deals: list[Deal], *, continued: bool = False) -> Lane:
    amount = sums.get("amount") or Decimal(0)
    shown = deals[:PER_LANE]
    after = Cursor(_key(stage, shown[-1]), shown[-1].pk).encode() if len(deals) > PER_LANE else ""
    return Lane(stage, sums.get("count", 0), amount, cents(amount * stage.probability / 100), shown, after, continued)


def _key(stage: Stage, deal: Deal) -> str | None:
    moment = deal.closed_at if stage.kind == Stage.Kind.WON else deal.next_step_at
    return moment.isoformat() if moment else None


def _totals(stages: list[Stage], sums: dict[int, dict[str, Any]]) -> Totals:
    opened = [(stage, sums[stage.pk]) for stage in stages if stage.kind == Stage.Kind.OPEN and stage.pk in sums]
    won = [sums[stage.pk] for stage in stages if stage.kind == Stage.Kind.WON and stage.pk in sums]
    zero = Decimal(0)
    return Totals(
        open_amount=sum((row["amount"] or zero for _stage, row in opened), zero),
        open_count=sum(row["count"] for _stage, row in opened),
        weighted=sum((cents((row["amount"] or zero) * stage.probability / 100) for stage, row in opened), zero),
        closing_amount=sum((row["closing_amount"] or zero for _stage, row in opened), zero),
        closing_count=sum(row["closing"] for _stage, row in opened),
        won_amount=sum((row["amount"] or zero for row in won), zero),
        won_count=sum(row["count"] for row in won),
        without_step=sum(row["no_step"] for _stage, row in opened),
        month=timezone.localdate(),
    )


def _cards(rows: _Rows, stages: list[Stage], lane: int | None, after: Cursor | None) -> dict[int, list[Deal]]:
    """Up to PER_LANE + 1 deals of each stage by one UNION ALL: open ones by next step (late first, without one last), won ones newest first."""
    parts = [part for stage in stages for part in _lane_parts(rows.of(stage).values_list(*CARD), stage, after if stage.pk == lane else None)]
    found: dict[int, list[Deal]] = {stage.pk: [] for stage in stages}
    for deal in map(maker(Deal, CARD), parts[0].union(*parts[1:], all=True) if parts else []):
        found[deal.stage_id].append(deal)
    last = datetime.max.replace(tzinfo=timezone.get_current_timezone())
    for stage in stages:
        if stage.kind == Stage.Kind.WON:
            found[stage.pk].sort(key=lambda deal: (deal.closed_at, deal.pk), reverse=True)
        else:
            found[stage.pk].sort(key=lambda deal: (deal.next_step_at is None, deal.next_step_at or last, deal.pk))
        found[stage.pk] = found[stage.pk][: PER_LANE + 1]
    return found


def _lane_parts(rows: Any, stage: Stage, after: Cursor | None) -> list[Any]:
    """One walk along the lane's index, whose order puts empty keys last; behind a cursor filled and empty keys are a stretch each."""
    limit = PER_LANE + 1
    if stage.kind == Stage.Kind.WON:
        if after is not None:
            rows = rows.filter(TupleLessThan(Tuple(F("closed_at"), F("pk")), (after.key, after.pk)))
        return [rows.order_by("-closed_at", "-pk")[:limit]]
    if after is None:
        return [rows.order_by(F("next_step_at").asc(nulls_last=True), "pk")[:limit]]
    empty = rows.filter(next_step_at__isnull=True)
    if after.key is None:
        return [empty.filter(pk__gt=after.pk).order_by("pk")[:limit]]
    filled = rows.filter(TupleGreaterThan(Tuple(F("next_step_at"), F("pk")), (after.key, after.pk)))
    return [filled.order_by("next_step_at", "pk")[:limit], empty.order_by("pk")[:limit]]
