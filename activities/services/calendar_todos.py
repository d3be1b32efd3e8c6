"""What the to-dos of an iCalendar file become: tasks (RFC 5545, section 3.6.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from icalendar.error import InvalidCalendar

from activities.models import Task, TaskSeries
from activities.services.calendar_parts import (
    Found,
    Reader,
    Todo,
    check_year,
    description_of,
    first_words,
    key_of,
    mark_of,
    moment_of,
    number_in,
    rules_of,
    text_in,
    title_of,
    uid_of,
)
from activities.services.due import MORNING, moment

Frequency, Priority = TaskSeries.Frequency, Task.Priority
RULE_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NTH = (1, 2, 3, 4, -1)
MOST_INTERVAL, MOST_TIMES, MOST_REMINDERS, LONGEST_BEFORE = 365, 1000, 5, 366 * 24 * 60


def todos_of(parts: list[Any], reader: Reader, found: Found) -> list[Todo]:
    """The tasks that these to-dos stand for, in order; what can't be taken goes to `found.problems`."""
    todos: dict[str, Todo] = {}
    for part in parts:
        try:
            todo = _todo(part, reader, found)
        except ValidationError as error:
            found.problems.append((title_of(part), " ".join(error.messages)))
        except Exception as error:  # values that the parser took and nobody can calculate with
            found.problems.append((title_of(part), _("It can't be read: %(why)s") % {"why": first_words(error)}))
        else:
            if todo.key not in todos or todos[todo.key].sequence <= todo.sequence:
                todos[todo.key] = todo
    return sorted(todos.values(), key=lambda todo: (todo.due_on or date.max, todo.due_time or time.max, todo.title))


def _todo(part: Any, reader: Reader, found: Found) -> Todo:
    if text_in(part, "STATUS").upper() == "CANCELLED":
        raise ValidationError(_("It was cancelled."))
    due = _due(part)
    day, at = _on_the_clock(due, reader.zone)
    if day is not None:
        check_year(day)
    done_at = _done_at(part, reader)
    recurrence = getattr(part.get("RECURRENCE-ID"), "dt", None)
    return Todo(
        key_of(uid_of(part) or f"{title_of(part)}\n{mark_of(due) if due is not None else ''}", mark_of(recurrence) if recurrence is not None else ""),
        title_of(part),
        description_of(part),
        _priority(number_in(part, "PRIORITY")),
        day,
        at,
        done_at,
        None if done_at is not None or recurrence is not None else _rule(part, day, reader.zone, found),
        () if done_at is not None or day is None else _reminders(part, day, at, reader.zone, found),
        number_in(part, "SEQUENCE"),
    )


def _due(part: Any) -> date | datetime | None:
    """When it is due: DUE, or DTSTART and its DURATION, or DTSTART alone."""
    due, start, length = (getattr(part.get(name), "dt", None) for name in ("DUE", "DTSTART", "DURATION"))
    if isinstance(due, date):
        return due
    if not isinstance(start, date):
        return None
    return start + length if isinstance(length, timedelta) else start


def _on_the_clock(at: date | datetime | None, zone: ZoneInfo) -> tuple[date | None, time | None]:
    if at is None or not isinstance(at, datetime):
        return at, None
    local = moment_of(at, zone).astimezone(zone)
    return local.date(), local.time().replace(microsecond=0)


def _done_at(part: Any, reader: Reader) -> datetime | None:
    at = getattr(part.get("COMPLETED"), "dt", None)
    if isinstance(at, date):
        check_year(at)
        return min(moment_of(at, reader.zone), reader.now)
    return reader.now if text_in(part, "STATUS").upper() == "COMPLETED" or number_in(part, "PERCENT-COMPLETE") >= 100 else None


def _priority(number: int) -> int:
    """1 is the highest and 9 the lowest, 0 says nothing."""
    return Priority.HIGH if 1 <= number <= 4 else Priority.LOW if 6 <= number <= 9 else Priority.NORMAL


# ---- how it repeats ----


def _rule(part: Any, day: date | None, zone: ZoneInfo, found: Found) -> dict[str, Any] | None:
    """The rule of a series of tasks; None where it does not repeat, and, with a note, where ours can't say how."""
    if "RRULE" not in part and "RDATE" not in part:
        return None
    try:
        rules, start = rules_of(part), getattr(part.get("DTSTART"), "dt", None)
        if day is None or "RDATE" in part or len(rules) != 1:
            raise ValueError
        same_day = not isinstance(start, date) or _on_the_clock(start, zone)[0] == day
        return _series_rule({name.upper(): value for name, value in rules[0].items()}, day, zone, same_day=same_day)
    except ValueError:
        found.notes.append((title_of(part), _("It repeats in a way that tasks can't: it becomes a single task.")))
        return None


def _series_rule(values: Mapping[str, Any], day: date, zone: ZoneInfo, *, same_day: bool) -> dict[str, Any] | None:
    """ValueError for what services.series does not know. `same_day`: it is due on the day by which the rule counts."""
    by = {name: [str(each).upper() for each in values[name]] for name in ("BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS") if values.get(name)}
    frequency, interval = str(_one(values, "FREQ", "")).lower(), int(_one(values, "INTERVAL", 1))
    week_starts = str(_one(values, "WKST", "MO")).upper()
    if set(values) - RULE_PARTS or not 1 <= interval <= MOST_INTERVAL or (by and not same_day):
        raise ValueError
    if frequency == "weekly" and interval > 1 and week_starts != "MO":
        raise ValueError
    rule: dict[str, Any] = {"frequency": frequency, "interval": interval, **_days(frequency, interval, by, day)}
    return _ended(rule, values, day, zone)


def _one(values: Mapping[str, Any], name: str, default: Any) -> Any:
    found = values.get(name)
    found = found[0] if isinstance(found, list) and found else found
    return default if found in (None, []) else found


def _days(frequency: str, interval: int, by: Mapping[str, list[str]], day: date) -> dict[str, Any]:
    weekdays = [_weekday(text) for text in by.get("BYDAY", [])]
    plain = sorted({number for nth, number in weekdays if not nth})
    match frequency, sorted(by):
        case "daily" | "weekly" | "monthly" | "yearly", []:
            return {"weekly": {"weekdays": [day.weekday()]}, "monthly": {"month_day": day.day}}.get(frequency, {})
        case "daily", ["BYDAY"] if interval == 1 and len(plain) == len(weekdays):
            return {"frequency": Frequency.WEEKLY, "weekdays": plain}
        case "weekly", ["BYDAY"] if len(plain) == len(weekdays):
            return {"weekdays": plain}
        case "monthly", ["BYDAY"] if len(weekdays) == 1 and weekdays[0][0] in NTH:
            return {"nth": weekdays[0][0], "weekdays": [weekdays[0][1]]}
        case "monthly", ["BYDAY", "BYSETPOS"] if len(plain) == len(weekdays) == len(by["BYSETPOS"]) == 1 and int(by["BYSETPOS"][0]) in NTH:
            return {"nth": int(by["BYSETPOS"][0]), "weekdays": plain}
        case "monthly", ["BYMONTHDAY"] if len(by["BYMONTHDAY"]) == 1 and int(by["BYMONTHDAY"][0]) in (-1, *range(1, 32)):
            return {"month_day": 31 if by["BYMONTHDAY"][0] == "-1" else int(by["BYMONTHDAY"][0])}
        case "yearly", ["BYMONTH"] | ["BYMONTH", "BYMONTHDAY"] if by["BYMONTH"] == [str(day.month)] and by.get("BYMONTHDAY", [str(day.day)]) == [str(day.day)]:
            return {}
    raise ValueError


def _weekday(text: str) -> tuple[int, int]:
    """(which one of the month, or 0; weekday)."""
    found = WEEKDAY.fullmatch(text)
    if found is None:
        raise ValueError
    return int(found[1] or 0), WEEKDAYS.index(found[2])


def _ended(rule: dict[str, Any], values: Mapping[str, Any], day: date, zone: ZoneInfo) -> dict[str, Any] | None:
    """With its end; None where the first task is the last one."""
    count, until = _one(values, "COUNT", None), _one(values, "UNTIL", None)
    if count is not None:
        if not 1 <= int(count) <= MOST_TIMES:
            raise ValueError
        return rule | {"times": int(count)} if int(count) > 1 else None
    if until is None:
        return rule
    last = _on_the_clock(getattr(until, "dt", until), zone)[0]
    if last is None:
        raise ValueError
    return rule | {"until": last} if last > day else None


# ---- its alarms ----


def _reminders(part: Any, day: date, at: time | None, zone: ZoneInfo, found: Found) -> tuple[int, ...]:
    """Minutes before it is due, of its alarms; a task for a whole day is counted from nine in the morning."""
    due, minutes, left = moment(day, at or MORNING, zone), set(), False
    for alarm in part.walk("VALARM"):
        try:
            rings = _rings(alarm, part, day, at, zone)
        except InvalidCalendar:  # a trigger that the parser could not read
            rings = None
        before = int((due - rings).total_seconds() // 60) if rings is not None else -1
        if 0 <= before <= LONGEST_BEFORE:
            minutes.add(before)
        else:
            left = True
    if left or len(minutes) > MOST_REMINDERS:
        found.notes.append((title_of(part), _("Some of its alarms are left out: reminders come before a task is due, five at most.")))
    return tuple(sorted(minutes)[:MOST_REMINDERS])


def _rings(alarm: Any, part: Any, day: date, at: time | None, zone: ZoneInfo) -> datetime | None:
    trigger = alarm.get("TRIGGER")
    given, start = getattr(trigger, "dt", None), getattr(part.get("DTSTART"), "dt", None)
    if isinstance(given, datetime):
        return moment_of(given, zone)
    if not isinstance(given, timedelta):
        return None
    from_end = str(trigger.params.get("RELATED", "START")).upper() == "END"
    return (moment(day, at or time.min, zone) if from_end or not isinstance(start, date) else moment_of(start, zone)) + given
