"""Days and times of addresses."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from activities.services.due import moment
from activities.services.meetings import default_span


def parse_day(text: Any) -> Any:
    """A day from an address, or None."""
    try:
        day = datetime.strptime(str(text), "%Y-%m-%d").date()
    except ValueError:
        return None
    return day if 1970 <= day.year <= 2199 else None


def parse_clock(text: Any) -> time | None:
    """14:30; None for anything else."""
    try:
        return time.fromisoformat(text) if isinstance(text, str) and len(text) == len("14:30") else None
    except ValueError:
        return None


def asked_span(asked: Any) -> tuple[datetime, datetime]:
    """What a new meeting's form begins with: the `day` of an address and on it `from` and `until` (midnight: the end of the day), as far as they make
    sense."""
    day, begins, until = parse_day(asked.get("day")), parse_clock(asked.get("from")), parse_clock(asked.get("until"))
    if day is None or begins is None:
        return default_span(day, timezone.localtime())
    zone = ZoneInfo(timezone.get_current_timezone_name())
    start = moment(day, begins, zone)
    end = moment(day + timedelta(days=until == time.min), until, zone) if until is not None else start
    return start, end if end > start else start + timedelta(hours=1)
