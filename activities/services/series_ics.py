"""Meetings that repeat as iCalendar objects (RFC 5545, RFC 5546): one event with its rule for all of them, and one for each that is different.

A rule is about clock times, so moments stand in the series' zone here, and the table of that zone travels with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import takewhile
from typing import Any

from icalendar import Event, vRecur

from activities.models import Meeting, MeetingSeries
from activities.models.rules import Rule
from activities.services import ics
from activities.services.due import moment
from activities.services.occurrences import day_of, is_changed, rule_days, span_on, values_on
from activities.services.series import SHORTEST_MONTH

Frequency = Rule.Frequency
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def whole(series: MeetingSeries, meetings: Sequence[Meeting], guests: Iterable[Any], *, method: str, at: datetime, without: Collection[datetime] = ()) -> str:
    """A REQUEST or CANCEL of a series. `meetings`: those that are there (at least one, in order); `without`: starts by the rule at which these guests are
    not wanted."""
    calendar, everybody = ics.calendar_with(method), list(guests)
    start, end = span_on(series, next(rule_days(series), series.starts_on))
    model = Meeting(**values_on(series, series.starts_on, meetings[-1]))
    event = _event(series, model, start, end, at, series.sequence)
    events = [event]
    if method == "REQUEST":
        event.add("rrule", vRecur(rule_of(series)))
        there = {meeting.recurrence_at for meeting in meetings} - set(without)
        made = takewhile(lambda day: day <= series.made_until, rule_days(series))
        left_out = [begin for day in made if (begin := span_on(series, day)[0]) not in there]
        if left_out:
            event.add("exdate", [_value(series, begin) for begin in left_out], parameters=_as_date(series))
        changed = [each for each in meetings if each.recurrence_at in there and each.ends_at > at and is_changed(series, each)]
        events += [_single(series, each, at) for each in changed]
    for each in events:
        ics.address(each, series.owner, everybody, method)
        calendar.add_component(each)
    calendar.add_missing_timezones()
    return calendar.to_ical().decode()


def one(meeting: Meeting, guests: Iterable[Any], *, method: str, at: datetime) -> str:
    """A REQUEST or CANCEL of one meeting of a series."""
    calendar = ics.calendar_with(method)
    assert meeting.series is not None
    event = _single(meeting.series, meeting, at)
    ics.address(event, meeting.owner, guests, method)
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return calendar.to_ical().decode()


def rule_of(series: MeetingSeries) -> dict[str, Any]:
    """The parts of RRULE."""
    parts: dict[str, Any] = {"FREQ": series.frequency.upper()}
    if series.interval > 1:
        parts["INTERVAL"] = series.interval
    if series.ends_on is not None:
        parts["UNTIL"] = series.ends_on if series.is_whole_days else moment(series.ends_on, series.at, series.zone)
    elif series.times is not None:
        parts["COUNT"] = series.times
    first = series.starts_on
    match series.frequency:
        case Frequency.WEEKLY:
            parts |= {"BYDAY": [WEEKDAYS[day] for day in sorted(series.weekdays or [first.weekday()])], "WKST": "MO"}
        case Frequency.MONTHLY if series.nth:
            parts["BYDAY"] = f"{series.nth}{WEEKDAYS[series.weekdays[0]]}"
        case Frequency.MONTHLY:
            parts |= _on_day(series.month_day or first.day)
        case Frequency.YEARLY:
            parts |= {"BYMONTH": first.month, **_on_day(series.month_day or first.day)}
    return parts


def _on_day(day: int) -> dict[str, Any]:
    """A day of the month, or the last one of a month that does not have it."""
    return {"BYMONTHDAY": day} if day <= SHORTEST_MONTH else {"BYMONTHDAY": list(range(SHORTEST_MONTH, day + 1)), "BYSETPOS": -1}


def _single(series: MeetingSeries, meeting: Meeting, at: datetime) -> Event:
    event = _event(series, meeting, meeting.starts_at, meeting.ends_at, at, series.sequence + meeting.sequence)
    begin, _end = span_on(series, day_of(series, meeting))
    event.add("recurrence-id", _value(series, begin), parameters=_as_date(series))
    return event


def _event(series: MeetingSeries, meeting: Meeting, start: datetime, end: datetime, at: datetime, sequence: int) -> Event:
    event = ics.meeting_event(meeting, at)
    for name in ("uid", "sequence", "dtstart", "dtend"):
        event.pop(name)
    event.add("uid", str(series.uuid))
    event.add("sequence", sequence)
    days = meeting.is_whole_days
    for name, when in (("dtstart", start), ("dtend", end)):
        event.add(name, when.astimezone(series.tz).date() if days else _clock(series, when))
    return event


def _value(series: MeetingSeries, begin: datetime) -> date | datetime:
    return begin.astimezone(series.tz).date() if series.is_whole_days else _clock(series, begin)


def _as_date(series: MeetingSeries) -> dict[str, str]:
    return {"VALUE": "DATE"} if series.is_whole_days else {}


def _clock(series: MeetingSeries, when: datetime) -> datetime:
    return when.astimezone(UTC if series.zone == "UTC" else series.tz).replace(microsecond=0)
