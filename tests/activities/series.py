"""Meetings that repeat, on a Monday four weeks before summer time, on Berlin's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine

from activities import services
from activities.models import Meeting
from tests.factories import Cast
from users.models import User

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def later(more: timedelta) -> Any:
    return time_machine.travel(NOW + more, tick=False)


def berlin(day: int, month: int = 3, hour: int = 10, minute: int = 0, year: int = 2027) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


def make(people: Cast, repeat: Any = "weekly", start: datetime = berlin(2), **more: Any) -> Meeting:
    User.objects.filter(pk=people.owner.pk).update(time_zone="Europe/Berlin")
    people.owner.refresh_from_db()
    rule = repeat if isinstance(repeat, dict) else {"frequency": repeat}
    values = {"title": "Jour fixe", "starts_at": start, "ends_at": start + timedelta(hours=1), "repeat": {"times": 6, **rule}, **more}
    return services.plan_meeting(values, actor=people.owner)


def rows(meeting: Meeting | None = None) -> list[Meeting]:
    found = Meeting._base_manager.filter(deleted_at=None).order_by("starts_at", "pk")
    return list(found.filter(series=meeting.series_id) if meeting is not None else found)


def clocks(found: list[Meeting]) -> list[str]:
    """`03-02 10:00` on Berlin's clock."""
    return [f"{each.starts_at.astimezone(BERLIN):%m-%d %H:%M}" for each in found]


WEEKLY = ["03-02 10:00", "03-09 10:00", "03-16 10:00", "03-23 10:00", "03-30 10:00", "04-06 10:00"]
