"""Working hours, pure: nights, free weekdays and holidays do not count; right on the days when the clock is moved."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DEFAULT_DAYS = (0, 1, 2, 3, 4)
HORIZON = 3700  # days looked ahead at most: an organisation whose every day is a holiday must not hang a request


def _spans(organisation: Any) -> tuple[frozenset[int], time, time]:
    """Working weekdays, start and end; a nonsensical setting counts as the whole day, every day."""
    days = frozenset(day for day in organisation.work_days if 0 <= day <= 6) or frozenset(DEFAULT_DAYS)
    start, end = organisation.work_start, organisation.work_end
    return (days, start, end) if start < end else (days, time.min, time.max)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """UTC of a local clock time. One that the clock jumps over becomes the same distance later, a doubled one is the first."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def free_days(organisation: Any) -> frozenset[date]:
    """The organisation's holidays, as `selectors.organisation()` loaded them."""
    return frozenset(getattr(organisation, "holiday_dates", ()))


def is_working_day(day: date, organisation: Any, holidays: Collection[date] | None = None) -> bool:
    holidays = free_days(organisation) if holidays is None else holidays
    return day.weekday() in _spans(organisation)[0] and day not in holidays


def next_working_moment(at: datetime, *, zone: ZoneInfo, organisation: Any, holidays: Collection[date] | None = None) -> datetime:
    """`at` itself when people work then, else the start of the next working time (UTC)."""
    return add_working_hours(at, 0, zone=zone, organisation=organisation, holidays=holidays)


def add_working_hours(start: datetime, hours: float, *, zone: ZoneInfo, organisation: Any, holidays: Collection[date] | None = None) -> datetime:
    """The moment (UTC) at which `hours` of working time have gone by since `start` (aware).

    Working time is the organisation's, on the clock of `zone` (the person who does the work).
    `holidays` are days; by default those that the organisation was loaded with.
    """
    days, opens, closes = _spans(organisation)
    holidays = free_days(organisation) if holidays is None else holidays
    left = timedelta(hours=max(0.0, float(hours)))
    at = start.astimezone(UTC)
    day = start.astimezone(zone).date()
    for _day in range(HORIZON):
        if day.weekday() in days and day not in holidays:
            begin, end = max(at, _moment(day, opens, zone)), _moment(day, closes, zone)
            if begin < end:
                if left <= end - begin:
                    return begin + left
                left -= end - begin
        day += timedelta(days=1)
    return at + timedelta(hours=float(hours))


def working_minutes(start: datetime, end: datetime, *, zone: ZoneInfo, organisation: Any, holidays: Collection[date] | None = None) -> int:
    """Whole minutes of working time from `start` to `end` (both aware), on the clock of `zone`; 0 when `end` is earlier."""
    days, opens, closes = _spans(organisation)
    holidays = free_days(organisation) if holidays is None else holidays
    since, until, gone = start.astimezone(UTC), end.astimezone(UTC), timedelta()
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    for _day in range(HORIZON):
        if day > last:
            break
        if day.weekday() in days and day not in holidays:
            gone += max(timedelta(), min(until, _moment(day, closes, zone)) - max(since, _moment(day, opens, zone)))
        day += timedelta(days=1)
    return int(gone.total_seconds() // 60)
