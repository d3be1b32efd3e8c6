"""When something is due: from a day, a clock time and a zone to UTC. Pure functions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

END_OF_DAY = time(23, 59, 59)
NOON = time(12)
MORNING = time(9)  # when people are reminded of something that is due some time that day
DAY_MINUTES = 24 * 60


def moment(day: date, at: time, zone: ZoneInfo | str) -> datetime:
    """UTC of a clock time. One that the clock jumps over shifts forward, a doubled one is the first."""
    return datetime.combine(day, at, _zone(zone)).astimezone(UTC)


def due_at(day: date | None, at: time | None, zone: ZoneInfo | str) -> datetime | None:
    """UTC moment from which a task is late: its time, or the last second of its day (the second one where it is doubled)."""
    if day is None:
        return None
    if at is not None:
        return moment(day, at, zone)
    return datetime.combine(day, END_OF_DAY, _zone(zone)).replace(fold=1).astimezone(UTC)


def remind_at(day: date, at: time | None, zone: ZoneInfo | str, minutes_before: int) -> datetime:
    """When to remind: whole days before are counted on the calendar (same clock time), the rest in minutes; a whole day reminds at nine."""
    days, minutes = divmod(minutes_before, DAY_MINUTES)
    return moment(day - timedelta(days=days), at or MORNING, zone) - timedelta(minutes=minutes)


def snooze_values(choice: str, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What a snooze sets, on the clock of the assignee. Pure."""
    today = now.astimezone(zone).date()
    match choice:
        case "hour":
            return {"due_at": (now + timedelta(hours=1)).replace(second=0, microsecond=0)}
        case "tomorrow":
            return {"due_on": today + timedelta(days=1), "due_time": MORNING}
        case "monday":
            return {"due_on": today + timedelta(days=7 - today.weekday()), "due_time": MORNING}
    raise ValidationError(_("Choose how long to put it off."), code="choice")


def _zone(zone: ZoneInfo | str) -> ZoneInfo:
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)
