"""Deals of a company or person, how a deal moved, what is stalled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.utils import timezone

from deals.models import Deal, Stage, StageChange
from deals.selectors.catalog import catalog

SHOWN = 5
ROW = ("name", "amount", "currency", "status", "pipeline_id", "stage_id", "close_date", "closed_at")  # what a card shows of a deal


def deals_of(user: Any, **subject: Any) -> list[Deal]:
    """The first visible deals of `company=` or `contact=`, open ones first."""
    rows = Deal.objects.visible_to(user).filter(**subject).only(*ROW)
    rank = Case(When(status=Deal.Status.OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(rows.order_by(rank, F("closed_at").desc(nulls_first=True), F("close_date").asc(nulls_last=True), "-pk")[:SHOWN])


@dataclass(frozen=True)
class Money:
    """What open deals may bring and won ones brought, in the organisation's currency; `count` is of all, lost ones too."""

    open_sum: Decimal
    open_count: int
    won_sum: Decimal
    won_count: int
    count: int


def money_of(user: Any, **subject: Any) -> Money:
    """Sums over the visible deals of `company=` or `contact=`."""
    rows = Deal.objects.visible_to(user).filter(**subject).order_by().values_list("status").annotate(Sum("amount_home"), Count("pk"))
    found = {status: (amount, count) for status, amount, count in rows}
    nothing = (Decimal(0), 0)
    return Money(*found.get(Deal.Status.OPEN, nothing), *found.get(Deal.Status.WON, nothing), sum(count for _amount, count in found.values()))


def history(user: Any, deal: Deal) -> list[StageChange]:
    """How the deal moved, newest first, at most 100 moves."""
    rows = StageChange.objects.visible_to(user).filter(deal=deal).select_related("old_stage", "new_stage", "by").order_by("-at", "-pk")
    return list(rows[:100])


def previous_open_stage(deal: Deal) -> Stage | None:
    """Where a closed deal goes when it is reopened: the last open stage it was in, else the first of its pipeline."""
    last = StageChange.objects.filter(deal=deal, new_stage__kind=Stage.Kind.OPEN, new_stage__pipeline=deal.pipeline_id).order_by("-at", "-pk").first()
    return catalog().stage(last.new_stage_id) if last else first_open_stage(deal.pipeline_id)


def first_open_stage(pipeline_id: int) -> Stage | None:
    return catalog().closing(pipeline_id, Stage.Kind.OPEN)


def stalled_q() -> Q:
    """Open deals that are longer in their stage than it should take."""
    now, q = timezone.now(), Q(pk__in=[])
    for stage in catalog().stages:
        if stage.kind == Stage.Kind.OPEN and stage.stalled_after_days is not None:
            q |= Q(stage_id=stage.pk, stage_since__lt=now - timedelta(days=stage.stalled_after_days))
    return q


def visible_deals(user: Any) -> QuerySet[Deal]:
    return Deal.objects.visible_to(user)
