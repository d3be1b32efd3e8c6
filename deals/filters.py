"""Filters of the list of deals and of the board."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.filters import CompanyPickFilter, TeamFilter
from crm.core.fields import MoneyField
from crm.core.filters import DayFilter, RecordFilterSet, span_of
from deals.models import Deal
from deals.selectors import catalog, stalled_q
from deals.selectors.board import month_span, quarter_start
from users.selectors import organisation

CLOSING = [
    ("past", _("In the past")),
    ("7d", _("Next 7 days")),
    ("30d", _("Next 30 days")),
    ("this_month", _("This month")),
    ("next_month", _("Next month")),
    ("this_quarter", _("This quarter")),
    ("none", _("Not set")),
]


def pipeline_choices() -> list[tuple[int, str]]:
    return [(each.pk, each.name) for each in catalog().pipelines]


def stage_choices() -> list[Any]:
    """Stages, grouped by pipeline when there are several."""
    found = catalog()
    if len(found.pipelines) < 2:
        return [(each.pk, each.name) for each in found.stages]
    return [(pipeline.name, [(each.pk, each.name) for each in found.stages_of(pipeline.pk)]) for pipeline in found.pipelines]


def flat_stage_choices() -> list[tuple[int, str]]:
    return [(each.pk, each.name) for each in catalog().stages]


def reason_choices() -> list[tuple[int, str]]:
    return [(each.pk, each.name) for each in catalog().reasons]


class ClosingFilter(django_filters.ChoiceFilter):
    """By the expected close date, seen from today."""

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        today = timezone.localdate()
        if value == "none":
            return qs.filter(close_date__isnull=True)
        if value == "past":
            return qs.filter(close_date__lt=today, status=Deal.Status.OPEN)
        if value == "this_quarter":
            quarter = quarter_start(today, organisation().fiscal_year_start)
            return qs.filter(close_date__gte=quarter, close_date__lt=month_span(quarter + timedelta(days=75))[1])
        return qs.filter(close_date__range=span_of({"7d": "next7d", "30d": "next30d"}.get(value, value), today))


class AmountFilter(django_filters.Filter):
    """At least or at most this much, as the reader writes amounts."""

    field_class = MoneyField


class StalledFilter(django_filters.ChoiceFilter):
    """Open deals that are too long in their stage."""

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(stalled_q()) if value == "yes" else qs.filter(~stalled_q()) if value == "no" else qs


class ContactPickFilter(CompanyPickFilter):
    """Rows of one visible person, by id."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        django_filters.Filter.__init__(self, *args, slug="contacts", **kwargs)


class BoardFilterSet(RecordFilterSet):
    """What narrows the board: the lanes already say pipeline, stage and status."""

    team = TeamFilter()
    close = ClosingFilter(field_name="close_date", choices=CLOSING, label=_("Expected close date"), empty_label=_("Any time"))
    amount_min = AmountFilter(field_name="amount_home", lookup_expr="gte", label=_("Amount from"))
    amount_max = AmountFilter(field_name="amount_home", lookup_expr="lte", label=_("Amount up to"))
    stalled = StalledFilter(choices=[("yes", _("Yes")), ("no", _("No"))], label=_("Stalled"), empty_label=_("Any"))

    class Meta:
        model = Deal
        fields: tuple[str, ...] = ()


class DealFilterSet(BoardFilterSet):
    group_by = ("owner", "status", "pipeline", "stage")
    status = django_filters.MultipleChoiceFilter(distinct=False, choices=Deal.Status.choices, label=_("Status"))
    pipeline = django_filters.ChoiceFilter(field_name="pipeline_id", choices=pipeline_choices, label=_("Pipeline"), empty_label=_("Any"))
    stage = django_filters.ChoiceFilter(field_name="stage_id", choices=stage_choices, label=_("Stage"), empty_label=_("Any"))
    company = CompanyPickFilter(field_name="company", label=_("Company"))
    contact = ContactPickFilter(field_name="contact", label=_("Contact"))
    lost_reason = django_filters.ChoiceFilter(field_name="lost_reason_id", choices=reason_choices, label=_("Lost reason"), empty_label=_("Any"))
    close_from = DayFilter(field_name="close_date", label=_("Expected to close from"))
    close_to = DayFilter(field_name="close_date", up_to=True, label=_("Expected to close up to"))
    closed_from = DayFilter(field_name="closed_at", moment=True, label=_("Closed from"))
    closed_to = DayFilter(field_name="closed_at", moment=True, up_to=True, label=_("Closed up to"))

    def value_text(self, name: str, value: Any) -> str:
        if name == "stage":
            return dict(flat_stage_choices()).get(int(value), str(value))
        return super().value_text(name, value)


def unknown_parameters(params: Any, filterset: type[RecordFilterSet], more: set[str]) -> list[str]:
    """Names in an address that the board does not know."""
    known = more | set(filterset.base_filters) | {f"{name}_{end}" for name in filterset.base_filters for end in ("text", "was")}  # type: ignore[attr-defined]
    return sorted(set(params) - known)
