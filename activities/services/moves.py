"""To another day or time: what the calendar's form and a drop on it do."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from activities.models import Meeting, Task
from activities.services.due import moment
from activities.services.series_changes import change_meeting
from activities.services.tasks import update_task


def span_of(row: Task | Meeting, zone: ZoneInfo) -> tuple[date | None, time | None]:
    """Day and clock time in `zone`; no time for a whole day, no day for a task without one."""
    if isinstance(row, Task) and (row.due_at is None or row.is_all_day):
        return row.due_on, None
    at: Any = row.due_at if isinstance(row, Task) else row.starts_at
    local = at.astimezone(zone)
    return local.date(), local.time().replace(second=0, microsecond=0)


def clock_of(row: Task | Meeting, zone: ZoneInfo) -> time | None:
    """The clock time that stays when only the day changes."""
    return span_of(row, zone)[1]


def end_of(row: Task | Meeting, zone: ZoneInfo) -> time | None:
    """The clock time at which a meeting within one day ends (midnight: the end of the day); None for whole days, for those over midnight, and for
    tasks."""
    if isinstance(row, Task) or row.is_whole_days:
        return None
    start, end = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    if end.date() != start.date() and (end.time() != time.min or end.date() != start.date() + timedelta(days=1)):
        return None
    return end.time().replace(second=0, microsecond=0)


@transaction.atomic
def move_entry(
    row: Any,
    *,
    day: date,
    at: time | None,
    zone: ZoneInfo,
    actor: Any,
    until: time | None = None,
    tell: bool = False,
    scope: str = "one",
    version: int | None = None,
) -> Any:
    """Move a task or a meeting to `day` and the clock time `at` in `zone` (None: a task for the whole day). A meeting keeps its length, unless it
    shall last `until` another time of that day (midnight: the end of it).

    `tell`: guests of a meeting get a mail. `scope`: of a meeting that repeats, others move with it (see change_meeting). StaleRecord when
    `version` is old; ValidationError by field (day, time, until).
    """
    if isinstance(row, Task):
        changes = {"due_on": day, "due_time": None} if at is None else {"due_at": moment(day, at, zone)}
        return update_task(row, changes, actor=actor, version=version)
    if at is None:
        raise ValidationError({"time": [_("A meeting starts at a time. Enter one.")]})
    start, end = moved_span(row, day, at, zone)
    if until is not None and not row.is_whole_days:
        end = _resized(start, day, until, zone)
    return change_meeting(row, {"starts_at": start, "ends_at": end, "tell": tell, "scope": scope}, actor=actor, version=version)


def _resized(start: datetime, day: date, until: time, zone: ZoneInfo) -> datetime:
    end = moment(day + timedelta(days=1) if until == time.min else day, until, zone)
    if end <= start:
        raise ValidationError({"until": [_("The end is before the start.")]})
    return end


def moved_span(row: Meeting, day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end (UTC). Whole days stay whole days, also where one of them has 23 or 25 hours; anything else keeps its minutes."""
    start = moment(day, at, zone)
    if not row.is_whole_days:
        return start, start + (row.ends_at - row.starts_at)
    first, end = (when.astimezone(row.tz) for when in (row.starts_at, row.ends_at))
    shown = row.starts_at.astimezone(zone)
    days = day - shown.date() if at == shown.time().replace(second=0, microsecond=0) else None
    if days is None:
        return start, start + (row.ends_at - row.starts_at)
    return moment(first.date() + days, time.min, row.tz), moment(end.date() + days, time.min, row.tz)


def whole_days(start: date, end: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """UTC span of the days from `start` to before `end`, at least one."""
    return moment(start, time.min, zone), moment(max(end, start + timedelta(days=1)), time.min, zone)
