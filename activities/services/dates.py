"""Birthdays and other dates of records: who is reminded of them when (docs/decisions/reminders.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from activities.models import DateRule, Reminder
from activities.selectors.dates import DateField, date_fields, falls_on, field_of
from activities.services.due import moment
from crm.core import cells
from crm.core.settings_services import locked, require_admin, save_setting

TIME = time(8)  # on the owner's clock
AHEAD = timedelta(hours=1)  # made so long before, so that they leave on the minute
MOST_DAYS = 7  # that are made up for after the system was down
BATCH = 1000
Values = Mapping[str, Any]


# ---- setting them up ----


@transaction.atomic
def save_date_rule(values: Values, *, actor: Any, obj: DateRule | None = None) -> DateRule:
    """`date` (key of a DateField), `repeats`, `days_before`. Admins only; ValidationError by field."""
    require_admin(actor)
    field = date_fields().get(str(values["date"]))
    if field is None:
        raise ValidationError({"date": [_("Choose from the list.")]})
    if values["repeats"] not in field.repeats:
        raise ValidationError({"repeats": [_("This date comes every year.") if DateRule.Repeats.YEARLY in field.repeats else _("This date comes once.")]})
    kept = {name: values[name] for name in ("repeats", "days_before")}
    if obj is not None and (obj.record, obj.field) != (field.record.model_label, field.name):
        _let_go(locked(obj))  # of another date: what was told of the old one says nothing about it
    rule: DateRule = save_setting(DateRule, {"record": field.record.model_label, "field": field.name, **kept}, actor=actor, obj=obj)
    return rule


def create_date_rule(values: Values, *, actor: Any) -> DateRule:
    return save_date_rule(values, actor=actor)


def update_date_rule(rule: DateRule, values: Values, *, actor: Any) -> DateRule:
    return save_date_rule(values, actor=actor, obj=rule)


def _let_go(rule: DateRule) -> None:
    """What was sent stays as proof, what was not goes."""
    rule.reminders.filter(sent_at__isnull=True).delete()
    rule.reminders.update(rule=None)


@transaction.atomic
def delete_date_rule(rule: DateRule, *, actor: Any) -> None:
    require_admin(actor)
    row = locked(rule)
    _let_go(row)
    row.delete()


# ---- the daily pass ----


def plan_date_reminders(now: datetime | None = None) -> int:
    """Make the reminders whose morning has come; how many. Whoever asks second finds the rule locked or its reminders there."""
    now = now or timezone.now()
    return sum(_plan(pk, now) for pk in DateRule.objects.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _plan(pk: int, now: datetime) -> int:
    rule = DateRule.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    field = field_of(rule) if rule is not None else None
    if rule is None or field is None:
        return 0
    by_day: dict[date, dict[int, str]] = defaultdict(dict)
    for user in get_user_model().objects.filter(is_active=True).select_related("role"):
        if field.seen_by(user):
            for day in days_due(rule.planned_at, now, user.zone):
                by_day[day][user.pk] = user.time_zone
    made = sum(_make(rule, field, day, zones) for day, zones in sorted(by_day.items()))
    DateRule.objects.filter(pk=pk).update(planned_at=max(rule.planned_at, now))
    return made


def days_due(planned_at: datetime, now: datetime, zone: ZoneInfo) -> list[date]:
    """The days of a zone whose morning came since `planned_at`; today's again and again, for what is entered or handed over in the course of it."""
    last, today, one = _morning(planned_at, zone), _morning(now, zone), timedelta(days=1)
    if last > today:
        return []
    first = today if last == today and (now + AHEAD).astimezone(zone).date() == today else last + one
    first = max(first, today - MOST_DAYS * one)
    return [first + number * one for number in range((today - first).days + 1)]


def _morning(at: datetime, zone: ZoneInfo) -> date:
    """The last day of which the morning had come, or was about to."""
    local = (at + AHEAD).astimezone(zone)
    return local.date() if local.time() >= TIME else local.date() - timedelta(days=1)


def _make(rule: DateRule, field: DateField, day: date, zones: Mapping[int, str]) -> int:
    """Reminders of one day for these owners, as far as they are not there."""
    on = day + timedelta(days=rule.days_before)
    there = Reminder.objects.filter(rule=rule, on=on, record_id=OuterRef("pk"), user_id=OuterRef("owner_id"))
    there = there.filter(Q(cancelled_at__isnull=True) | Q(sent_at__isnull=False))
    rows = field.rows_on(rule.repeats, [on]).filter(~Exists(there), owner_id__in=list(zones)).values_list("pk", "owner_id")
    wanted = list(rows)
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        cancelled = Reminder.objects.filter(rule=rule, on=on, record_id__in=[pk for pk, _owner in part], sent_at__isnull=True)
        for pk, record, user in cancelled.exclude(cancelled_at=None).values_list("pk", "record_id", "user_id"):
            if (record, user) in part:  # wanted again: the date or the owner was changed back
                Reminder.objects.filter(pk=pk).update(cancelled_at=None)
        fresh = [
            Reminder(rule=rule, on=on, record_id=pk, user_id=owner, minutes_before=rule.days_before * 24 * 60, remind_at=moment(day, TIME, zones[owner]))
            for pk, owner in part
        ]
        Reminder.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(wanted)


# ---- telling ----


def records_behind(reminders: Iterable[Reminder]) -> dict[int, Any]:
    """{reminder id: record} of those reminders that are about a date which still stands, and whose user still owns and sees the record."""
    by_rule: dict[Any, list[Reminder]] = defaultdict(list)
    for reminder in reminders:
        if reminder.rule is not None:
            by_rule[reminder.rule].append(reminder)
    found = {}
    for rule, some in by_rule.items():
        field = field_of(rule)
        if field is None:
            continue
        records = field.record.model._base_manager.filter(deleted_at__isnull=True).in_bulk([reminder.record_id for reminder in some])
        for reminder in some:
            record = records.get(reminder.record_id)
            if record is not None and record.owner_id == reminder.user_id and field.seen_by(reminder.user) and stands(rule, field, record, reminder.on):
                found[reminder.pk] = record
    return found


def stands(rule: DateRule, field: DateField, record: Any, on: date | None) -> bool:
    """Does the record's date still fall on this day?"""
    value = field.value_of(record)
    return value is not None and on is not None and field.counts(record) and falls_on(value, rule.repeats, on)


def date_text(rule: DateRule, record: Any, on: date, today: date) -> str:
    """`Ann Lee: birthday on Tuesday (turns 40)`, in the language in force."""
    field = field_of(rule)
    assert field is not None, "records_behind has asked"
    value = field.value_of(record)
    years = on.year - value.year if value and value.year and rule.repeats == DateRule.Repeats.YEARLY else 0
    text = _("%(name)s: %(what)s %(when)s") % {"name": str(record)[:150], "what": field.label, "when": when_text(on, today)}
    if years <= 0:
        return text
    if field.custom is None:
        return f"{text} ({_('turns %(n)s') % {'n': years}})"
    return f"{text} ({ngettext('%(n)s year', '%(n)s years', years) % {'n': years}})"


def when_text(on: date, today: date) -> str:
    days = (on - today).days
    if days in (0, 1):
        return _("today") if days == 0 else _("tomorrow")
    if 1 < days < 7:
        return _("on %(day)s") % {"day": date_format(on, "l")}
    return _("on %(day)s") % {"day": cells.format_short(on, cells.current_locale(), on.year != today.year)}
