"""The shapes that all reports share: what is asked (Params), what is answered (ReportResult), what a report is (Report)."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Model, Q, QuerySet

CENT = Decimal("0.01")
TENTH = Decimal("0.1")
ZERO = Decimal("0.00")


@dataclass(frozen=True, kw_only=True)
class Params:
    """What the reader asked for, validated. Days are those of `zone`; `owner` is a user, "none" (unassigned) or None (all)."""

    start: date | None
    end: date | None
    pipeline: Any
    team: Any
    owner: Any
    teams: tuple[int, ...]  # `team` and all teams below it
    zone: zoneinfo.ZoneInfo
    currency: str
    now: datetime
    raw: Mapping[str, str] = field(default_factory=dict)  # as the filters of lists and the form write them
    bases: dict[str, str] = field(default_factory=dict, compare=False)  # beginnings of addresses that hold all of the above

    @property
    def since(self) -> datetime | None:
        """The first moment of the first day."""
        return midnight(self.start, self.zone) if self.start else None

    @property
    def until(self) -> datetime | None:
        """The first moment after the last day."""
        return midnight(self.end + timedelta(days=1), self.zone) if self.end else None

    def between(self, name: str) -> Q:
        """`name` (a moment) lies in the period."""
        q = Q()
        if self.since:
            q &= Q(**{f"{name}__gte": self.since})
        if self.until:
            q &= Q(**{f"{name}__lt": self.until})
        return q

    def owned(self) -> Q:
        """Owner and team of a record are those asked for."""
        q = Q()
        if self.owner == "none":
            q &= Q(owner_id__isnull=True)
        elif self.owner is not None:
            q &= Q(owner_id=self.owner.pk)
        if self.team is not None:
            q &= Q(team_id__in=self.teams)
        return q


@dataclass(frozen=True)
class Measure:
    """One column of figures. Kinds: count, number, money, percent. `help` says in plain words what is counted."""

    name: str
    label: Any
    kind: str
    help: Any = ""


@dataclass(frozen=True)
class Figure:
    """One number and the address of exactly the records behind it; None: nothing to divide by."""

    value: int | Decimal | None
    url: str = ""


@dataclass(frozen=True)
class Row:
    """One line: what it stands for (`key` as filters know it) and its figures in the order of the measures. `level` 1: a part of the line of level 0
    above it."""

    key: str
    label: str
    figures: tuple[Figure, ...]
    level: int = 0


@dataclass(frozen=True)
class Chart:
    """Bars over the rows. Shapes: "bars" (lying, one per series), "stacked" (lying, adding up), "columns" (standing, for time). `series` name measures."""

    title: Any
    shape: str
    series: tuple[str, ...]


@dataclass(frozen=True)
class ReportResult:
    """The figures of one report for one reader. `highlights` name the totals that stand on top of the page."""

    label: Any  # what the rows are: Stage, Month
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]
    totals: tuple[Figure, ...]
    chart: Chart
    highlights: tuple[str, ...]

    def index(self, name: str) -> int:
        return next(position for position, measure in enumerate(self.measures) if measure.name == name)

    @property
    def is_empty(self) -> bool:
        return not any(figure.value for row in self.rows for figure in row.figures)


@dataclass(frozen=True)
class Records:
    """The records behind a figure that no list can filter for, in disjoint parts of one model: newest first by (`order`, id)."""

    parts: tuple[QuerySet, ...]
    model: type[Model]
    order: str
    kind: str  # which table shows them: lines (of timelines), tasks or deals
    label: str  # what they are: E-mails, Ann Lee

    def page(self, key: datetime | None, pk: int, size: int) -> list[Any]:
        """At most `size` records, newest first, from behind the one with this key and id on."""
        found: list[Any] = []
        for rows in self.parts:
            if key is not None:
                rows = rows.filter(Q(**{f"{self.order}__lt": key}) | Q(**{self.order: key, "pk__lt": pk}), **{f"{self.order}__lte": key})
            found += rows.order_by(f"-{self.order}", "-pk")[:size]
        return sorted(found, key=lambda row: (getattr(row, self.order), row.pk), reverse=True)[:size]

    def count(self) -> int:
        return sum(rows.count() for rows in self.parts)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report. `needs` are the models of which the reader must be allowed to view some rows.

    `run(user, params)` gives the figures; `drill(params, measure, key)` the address of the records behind one of them ("" for
    all: the total); `records(user, params, measure, key)` those records where `drill` points to the report's own page.
    `period(today)` is the period when none is asked for.
    """

    slug: str
    title: Any
    description: Any
    icon: str
    needs: tuple[type[Model], ...]
    run: Callable[[Any, Params], ReportResult]
    drill: Callable[[Params, str, str], str]
    records: Callable[[Any, Params, str, str], Records | None] | None = None
    period: Callable[[date], tuple[date | None, date | None]]
    period_label: Any  # which date the period is about
    definitions: tuple[Any, ...] = ()


def midnight(day: date, zone: zoneinfo.ZoneInfo) -> datetime:
    """The moment at which `day` begins in `zone`, in UTC; right where clocks change at midnight."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def cents(value: Decimal | int | None) -> Decimal:
    return Decimal(value or 0).quantize(CENT, ROUND_HALF_UP)


def share(part: int, whole: int) -> Decimal | None:
    """Per cent with one decimal; None when there is nothing to divide by."""
    return (Decimal(part) * 100 / whole).quantize(TENTH, ROUND_HALF_UP) if whole else None


def average(total: Decimal, count: int) -> Decimal | None:
    return cents(total / count) if count else None


def last_twelve_months(today: date) -> tuple[date, date]:
    """From the first day of the month eleven months ago until today."""
    months = today.year * 12 + today.month - 1 - 11
    return date(months // 12, months % 12 + 1, 1), today


def last_thirty_days(today: date) -> tuple[date, date]:
    return today - timedelta(days=29), today


def always(_today: date) -> tuple[None, None]:
    return None, None
