"""Filters of the lists of tasks and meetings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activities.models import Meeting, Task
from crm.core.filters import RangeFilter, RecordFilterSet, day_start

ABOUT = [("deal", _("Deal")), ("lead", _("Lead")), ("contact", _("Contact")), ("company", _("Company")), ("none", _("Nothing"))]
DUE = [
    ("overdue", _("Overdue")),
    ("today", _("Today")),
    ("tomorrow", _("Tomorrow")),
    ("week", _("This week")),
    ("next_week", _("Next week")),
    ("later", _("Later than next week")),
    ("past", _("Before today")),
    ("days7", _("In 2 to 7 days")),
    ("beyond", _("In over 7 days")),
    ("none", _("No date")),
]
DUE_GROUPS = ("past", "today", "tomorrow", "days7", "beyond", "none")  # each task is due in just one of them, in this order
STARTS = [
    ("coming", _("To come")),
    ("today", _("Today")),
    ("tomorrow", _("Tomorrow")),
    ("week", _("This week")),
    ("next_week", _("Next week")),
    ("past", _("Past")),
]


def days_of(name: str, today: date) -> tuple[date, date]:
    """First day and day after the last of a named range; weeks begin on Monday."""
    monday = today - timedelta(days=today.weekday())
    return {
        "today": (today, today + timedelta(days=1)),
        "days7": (today + timedelta(days=2), today + timedelta(days=8)),
        "tomorrow": (today + timedelta(days=1), today + timedelta(days=2)),
        "week": (monday, monday + timedelta(days=7)),
        "next_week": (monday + timedelta(days=7), monday + timedelta(days=14)),
    }[name]


def due_q(value: str) -> Q:
    """Tasks due in a named range, seen from the reader's zone."""
    today = timezone.localdate()
    if value == "none":
        return Q(due_at__isnull=True)
    if value == "overdue":
        return Q(due_at__lt=timezone.now())
    if value == "later":
        return Q(due_at__gte=day_start(days_of("next_week", today)[1]))
    if value == "past":
        return Q(due_at__lt=day_start(today))
    if value == "beyond":
        return Q(due_at__gte=day_start(today + timedelta(days=8)))
    first, after = days_of(value, today)
    return Q(due_at__gte=day_start(first), due_at__lt=day_start(after))


def starts_q(value: str) -> Q:
    """Meetings that start in a named range."""
    if value == "past":
        return Q(ends_at__lt=timezone.now())
    if value == "coming":
        return Q(ends_at__gte=timezone.now())
    first, after = days_of(value, timezone.localdate())
    return Q(starts_at__gte=day_start(first), starts_at__lt=day_start(after))


class AboutFilter(django_filters.ChoiceFilter):
    """By the type of record that the row is about."""

    def __init__(self) -> None:
        super().__init__(field_name="subject_type", choices=ABOUT, label=_("Related to"), empty_label=_("Any"))

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(subject_type="" if value == "none" else value) if value else qs


class WorkFilterSet(RecordFilterSet):
    """Tasks and meetings have neither tags nor next steps."""

    tag = None
    next = None
    active = None
    created = RangeFilter(field_name="created_at", label=_("Created"))


class TaskFilterSet(WorkFilterSet):
    group_by = ("due", "owner", "state", "kind", "priority", "about")
    state = django_filters.ChoiceFilter(choices=[("open", _("Open")), ("done", _("Done"))], label=_("State"), empty_label=_("Any"), method="by_state")
    due = django_filters.ChoiceFilter(choices=DUE, label=_("Due"), empty_label=_("Any"), method="by_due")
    kind = django_filters.MultipleChoiceFilter(distinct=False, choices=Task.Kind.choices, label=_("Kind"))
    priority = django_filters.TypedMultipleChoiceFilter(distinct=False, choices=Task.Priority.choices, coerce=int, label=_("Priority"))
    about = AboutFilter()
    delegated = django_filters.ChoiceFilter(choices=[("me", _("By me"))], label=_("Given to others"), empty_label=_("Any"), method="by_delegated")

    class Meta:
        model = Task
        fields: tuple[str, ...] = ()

    def group_values(self, name: str) -> list[tuple[str, str, Any]]:
        values = super().group_values(name)
        if name != "due":
            return values
        return sorted((each for each in values if each[0] in DUE_GROUPS), key=lambda each: DUE_GROUPS.index(each[0]))

    def by_state(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(done_at__isnull=value == "open")

    def by_due(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(due_q(value))

    def by_delegated(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(created_by=self.user).exclude(owner=self.user)


class MeetingFilterSet(WorkFilterSet):
    group_by = ("owner", "about")
    starts = django_filters.ChoiceFilter(choices=STARTS, label=_("Starts"), empty_label=_("Any"), method="by_start")
    about = AboutFilter()
    repeats = django_filters.ChoiceFilter(choices=[("yes", _("Yes")), ("no", _("No"))], label=_("Repeats"), empty_label=_("Any"), method="by_series")

    class Meta:
        model = Meeting
        fields: tuple[str, ...] = ()

    def by_start(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(starts_q(value))

    def by_series(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(series__isnull=value == "no")
