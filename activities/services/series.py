"""How tasks and meetings repeat: the days of a rule; and what the next task of a series is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Any

from dateutil import rrule
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from activities.models import Rule, Task, TaskSeries
from crm.core.writes import clean

Values = dict[str, Any]
Frequency = Rule.Frequency
RULE = ("frequency", "interval", "weekdays", "month_day", "nth", "until", "times")
TEMPLATE = ("title", "kind", "priority", "description", "due_time", "owner")  # what later tasks take from the series, not from the one before
FREQUENCIES = {Frequency.DAILY: rrule.DAILY, Frequency.WEEKLY: rrule.WEEKLY, Frequency.MONTHLY: rrule.MONTHLY, Frequency.YEARLY: rrule.YEARLY}
WORK_WEEK, SHORTEST_MONTH, LAST_COUNTED_WEEK = [0, 1, 2, 3, 4], 28, 4
PRESETS = ("daily", "weekdays", "weekly", "monthly", "yearly")


def preset(name: str, day: date) -> Values:
    """The rule of one of PRESETS for a first task or meeting on `day`."""
    match name:
        case "weekdays":
            return {"frequency": Frequency.WEEKLY, "weekdays": WORK_WEEK}
        case "weekly":
            return {"frequency": Frequency.WEEKLY, "weekdays": [day.weekday()]}
        case "monthly":
            return {"frequency": Frequency.MONTHLY, "month_day": day.day}
    return {"frequency": Frequency(name)}


def days_after(series: Rule, day: date) -> Iterator[date]:
    """The days of the rule after `day`, without end. Pure."""
    first = datetime.combine(series.starts_on, time())
    rule = rrule.rrule(FREQUENCIES[Frequency(series.frequency)], dtstart=first, interval=series.interval, wkst=rrule.MO, **_by(series))
    for at in rule.xafter(datetime.combine(day, time())):
        yield at.date()


def _by(series: Rule) -> dict[str, Any]:
    match series.frequency:
        case Frequency.WEEKLY:
            return {"byweekday": series.weekdays or [series.starts_on.weekday()]}
        case Frequency.MONTHLY if series.nth:
            return {"byweekday": rrule.weekday(series.weekdays[0], series.nth)}
        case Frequency.MONTHLY:
            return _on_day(series.month_day or series.starts_on.day)
        case Frequency.YEARLY:
            return {"bymonth": series.starts_on.month, **_on_day(series.month_day or series.starts_on.day)}
    return {}


def _on_day(day: int) -> dict[str, Any]:
    """A day of the month, or the last one of a month that does not have it."""
    return {"bymonthday": day} if day <= SHORTEST_MONTH else {"bymonthday": range(SHORTEST_MONTH, day + 1), "bysetpos": -1}


def rule_on(rule: Values | str, day: date, *, too_early: str) -> Values:
    """The columns of a rule (one of PRESETS, or some of RULE) for a first one on `day`. ValidationError at "until", with the text `too_early`."""
    if isinstance(rule, str):
        rule = preset(rule, day)
    given = {name: value for name, value in rule.items() if value not in (None, "", [])}
    if given.get("until") and given["until"] < day:
        raise ValidationError({"until": [too_early]})
    if given.get("nth") and len(given.get("weekdays", [])) != 1:
        given["weekdays"] = [day.weekday()]
    return {**given, "starts_on": day}


def move_rule(series: Rule, day: date) -> list[str]:
    """Another first day moves the rule; the names of its columns that may have changed."""
    series.starts_on = day
    if len(series.weekdays) == 1:
        series.weekdays = [day.weekday()]
    if series.month_day:
        series.month_day = day.day
    if series.nth:
        week = (day.day - 1) // 7 + 1
        series.nth = week if week <= LAST_COUNTED_WEEK else -1
    return ["starts_on", "weekdays", "month_day", "nth"]


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def begin_series(task: Task, rule: Values | str, reminders: Iterable[int]) -> None:
    """Make a task the first one of a series. `rule` is one of PRESETS or has some of RULE. ValidationError by field name."""
    if task.due_on is None:
        raise ValidationError({"due_on": [_("Choose the day of the first task.")]})
    given = rule_on(rule, task.due_on, too_early=_("The end is before the first task."))
    series = TaskSeries(**given, reminders=sorted(reminders), **{name: getattr(task, name) for name in TEMPLATE})
    clean(series)
    series.save()
    task.series, task.series_on = series, task.due_on
    Task._base_manager.filter(pk=task.pk).update(series=series, series_on=task.due_on)


def adopt(series: TaskSeries, task: Task, changes: Values, reminders: set[int] | None) -> None:
    """What was changed of a task holds for all that follow; another day moves the rule."""
    fields = [name for name in TEMPLATE if name in changes]
    for name in fields:
        setattr(series, name, getattr(task, name))
    if reminders is not None:
        series.reminders = sorted(reminders)
        fields.append("reminders")
    day = task.due_on
    if "due_on" in changes and day is not None and day != task.series_on:
        fields += move_rule(series, day)
        if task.series_on is None or (day > task.series_on and not Task._base_manager.filter(series=series, series_on=day).exists()):
            task.series_on = day
            Task._base_manager.filter(pk=task.pk).update(series_on=day)
    series.save(update_fields=fields)
