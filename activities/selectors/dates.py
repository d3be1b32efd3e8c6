"""Dates of records that people are reminded of: which there are, where they stand, what became of the reminders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, FilteredRelation, Func, Q, TextField, Value
from django.db.models.functions import Right
from django.db.models.lookups import In
from django.utils import timezone

from activities.models import DateRule
from crm.core.access import Scope
from crm.core.custom.definitions import definitions, field_named
from crm.core.custom.models import CustomField
from crm.core.records import RecordType, record_for
from crm.core.yearly import YearlyDay, YearlyDayColumn, comes_on, keys_on

MOST = 1000  # of a rule, on the calendar
FIRST_YEAR = 1900  # of the dates that come back: each year since is one look into the index
# Dates that records have by themselves; of deals only while they are open.
BUILT_IN: dict[tuple[str, str], Q] = {("contacts.contact", "birthday"): Q(), ("deals.deal", "close_date"): Q(status="open")}
RECORDS = ("contacts.contact", "contacts.company", "leads.lead", "deals.deal")


@dataclass(frozen=True)
class DateField:
    """A date of a record type: one of BUILT_IN, or a custom field."""

    record: RecordType
    name: str
    custom: CustomField | None = None

    @property
    def key(self) -> str:
        return f"{self.record.model_label}:{self.name}"

    @property
    def column(self) -> Any:
        return None if self.custom else self.record.model._meta.get_field(self.name)

    @property
    def label(self) -> str:
        return self.custom.label if self.custom else str(self.column.verbose_name)

    @property
    def repeats(self) -> tuple[str, ...]:
        """What makes sense: a birthday comes every year, the day on which a deal shall close once."""
        if self.custom:
            return tuple(DateRule.Repeats.values)
        return (DateRule.Repeats.YEARLY,) if isinstance(self.column, YearlyDayColumn) else (DateRule.Repeats.ONCE,)

    def seen_by(self, user: Any) -> bool:
        """May this user see dates of records that they own?"""
        return user.scope_for(self.record.model_label, "view") != Scope.NONE and (self.custom is None or self.custom.seen_by(user))

    def value_of(self, obj: Any) -> YearlyDay | None:
        if self.custom:
            return YearlyDay.read(obj.custom.get(self.custom.key) or "")
        value = getattr(obj, self.name)
        return YearlyDay.read(value.isoformat() if isinstance(value, date) else value or "")

    def counts(self, obj: Any) -> bool:
        """Is it still a date to be reminded of? A closed deal's is not."""
        return self.name != "close_date" or obj.status == "open"

    def rows_on(self, repeats: str, days: list[date], *, reader: Any = None) -> Any:
        """The live records of which it falls on one of these days, found by an index; with a `reader` their own alone, which narrow down better."""
        rows: Any = self.record.visible(reader).filter(owner=reader) if reader else self.record.model._base_manager.filter(deleted_at__isnull=True)
        rows = rows.filter(BUILT_IN.get((self.record.model_label, self.name), Q()))
        if self.custom is None:
            return rows.filter(comes_on(self.name, days) if isinstance(self.column, YearlyDayColumn) else Q(**{f"{self.name}__in": days}))
        if reader and repeats == DateRule.Repeats.YEARLY:
            text = Func(F("custom"), Value(self.custom.key), function="jsonb_extract_path_text", output_field=TextField())
            return rows.filter(In(Right(text, 5), keys_on(days)), ~Q(custom={}))
        texts = [day.isoformat() for day in days]
        if repeats == DateRule.Repeats.YEARLY:
            texts = [f"{year}-{key}" for key in keys_on(days) for year in range(FIRST_YEAR, days[0].year + 1)]
        # The index over custom values knows whole values only, so that each possible one is asked for.
        return rows.filter(reduce(or_, (Q(custom__contains={self.custom.key: text}) for text in texts)) & ~Q(custom={}))


def date_fields() -> dict[str, DateField]:
    """{key: date} that can be chosen, in the order of RECORDS."""
    found = []
    for label in RECORDS:
        record = record_for(label)
        assert record is not None
        found += [DateField(record, name) for each, name in BUILT_IN if each == label]
        found += [DateField(record, field.name, field) for field in definitions().used.get(label, ()) if field.kind == CustomField.Kind.DATE]
    return {field.key: field for field in found}


def field_of(rule: DateRule) -> DateField | None:
    """None when the custom field is archived or gone."""
    record, custom = record_for(rule.record), field_named(rule.field)
    if record is None or (custom is None and (rule.record, rule.field) not in BUILT_IN):
        return None
    if custom is not None and (custom.record != rule.record or custom.archived_at is not None or custom.job == CustomField.Job.DELETE):
        return None
    return DateField(record, rule.field, custom)


def falls_on(value: YearlyDay, repeats: str, day: date) -> bool:
    """Is this the day? What comes every year does so from its first year on."""
    if value.in_year(day.year) != day:
        return False
    return value.year == day.year if repeats == DateRule.Repeats.ONCE else value.year is None or value.year <= day.year


@dataclass(frozen=True)
class DateOn:
    """A date of a record on one day of the calendar; `years` since it was first, where that is known."""

    record: Any
    label: str
    years: int
    once: bool


def dates_on(user: Any, days: Sequence[date]) -> dict[date, list[DateOn]]:
    """Of one's own records, the dates on these days of which one is reminded. A statement for the rules and one for each."""
    found: dict[date, list[DateOn]] = defaultdict(list)
    wanted, years = set(days), range(days[0].year, days[-1].year + 1)
    for rule in {(rule.record, rule.field): rule for rule in DateRule.objects.all()}.values():
        field = field_of(rule)
        if field is None or not field.seen_by(user):
            continue
        for record in field.rows_on(rule.repeats, list(days), reader=user).order_by("sort_name", "pk")[:MOST]:
            value = field.value_of(record)
            for day in [value.in_year(year) for year in years] if value else []:
                if day in wanted and value and falls_on(value, rule.repeats, day):
                    found[day].append(DateOn(record, field.label, day.year - value.year if value.year else 0, rule.repeats == DateRule.Repeats.ONCE))
    return found


def with_counts(rules: Any) -> Any:
    """Rules with how many of their reminders of the last 30 days were due, sent and seen."""
    recent = Q(reminders__record_id__isnull=False, reminders__remind_at__gte=timezone.now() - timedelta(days=30))
    return rules.annotate(
        recent=FilteredRelation("reminders", condition=recent),
        due=Count("recent", filter=Q(recent__cancelled_at__isnull=True)),
        sent=Count("recent__sent_at"),
        seen=Count("recent__seen_at"),
    )
