"""Reminders at their wall time over summer time, in many zones, with two beats."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from activities import services
from activities.models import Notification, Reminder, Task
from tests.activities.conftest import make_cast
from tests.activities.test_reminders import two_at_once
from tests.factories import make_user

# ---- the clock ----

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC")
CHANGES = {  # the days of 2027 on which the clocks are moved; elsewhere two like them
    "Europe/Berlin": (date(2027, 3, 28), date(2027, 10, 31)),
    "America/New_York": (date(2027, 3, 14), date(2027, 11, 7)),
    "Australia/Lord_Howe": (date(2027, 4, 4), date(2027, 10, 3)),
}
KINDS: dict[str, dict[str, Any]] = {
    "once": {},
    "all-day": {"whole": True},
    "daily": {"repeat": "daily", "before": 1},
    "weekly": {"repeat": "weekly", "before": 7},
    "monthly on the 31st": {"repeat": {"frequency": "monthly", "month_day": 31}, "first": date(2027, 1, 31)},
    "yearly on 29 Feb": {"repeat": "yearly", "first": date(2024, 2, 29)},
}


def wall_moment(day: date, at: time, zone: str) -> datetime:
    """By the rule in words: what the clock shows then; what it jumps over comes as much later, what it shows twice is the first."""
    moment = datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
    later = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - datetime.combine(day, at)
    assert later in (timedelta(), timedelta(minutes=30), timedelta(hours=1))
    before = (moment - timedelta(hours=2)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert before < datetime.combine(day, at)
    return moment


def expected_days(kind: str, change: date) -> list[date]:
    match kind:
        case "once" | "all-day":
            return [change]
        case "daily":
            return [change + timedelta(days=number) for number in (-1, 0, 1)]
        case "weekly":
            return [change + timedelta(days=number) for number in (-7, 0, 7)]
        case "monthly on the 31st":
            return [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]
    return [date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]


def run_through(zones: tuple[str, ...], walls: tuple[time, ...]) -> int:
    """Each kind of task in each zone around each change: fired by two at once, done a minute later, again and again. How many reminders there were."""
    people, count = make_cast(), 0
    users = {zone: make_user(f"{zone.replace('/', '.').lower()}@example.com", time_zone=zone) for zone in zones}
    for zone in zones:
        for change in CHANGES.get(zone, CHANGES["Europe/Berlin"]):
            for kind, how in KINDS.items():
                for wall in (time(9),) if how.get("whole") else walls:
                    wanted = expected_days(kind, change)
                    with time_machine.travel(wall_moment(wanted[0], time(0), zone) - timedelta(days=1), tick=False):
                        values = {"title": f"{zone} {kind} {wall}", "owner": users[zone], "due_on": wanted[0], "due_time": None if how.get("whole") else wall}
                        task = services.create_task({**values, "repeat": how.get("repeat")}, actor=None)
                    for day in wanted:
                        moment = wall_moment(day, wall, zone)
                        [reminder] = Reminder.objects.filter(task__title=task.title, sent_at=None, cancelled_at=None)
                        assert (reminder.remind_at, reminder.task.due_on) == (moment, day), (zone, kind, wall, day)
                        with time_machine.travel(moment - timedelta(seconds=1), tick=False):
                            two_at_once()
                        assert not Reminder.objects.filter(pk=reminder.pk, sent_at__isnull=False).exists()
                        with time_machine.travel(moment, tick=False):
                            two_at_once()
                        assert Reminder.objects.get(pk=reminder.pk).sent_at == moment
                        assert Notification.objects.filter(reminder=reminder).count() == 1
                        count += 1
                        with time_machine.travel(moment + timedelta(minutes=1), tick=False):
                            services.complete_task(reminder.task, actor=users[zone])
                    Task._base_manager.filter(title=task.title).delete()
    assert people.owner.is_active
    return count


@pytest.mark.django_db(transaction=True)
def test_every_kind_of_task_reminds_once_at_its_wall_time() -> None:
    assert run_through(("Europe/Berlin",), (time(2, 30),)) == 2 * 17


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_every_kind_of_task_reminds_once_at_its_wall_time_everywhere() -> None:
    walls = (time(0, 0), time(1, 30), time(2, 15), time(2, 30), time(9), time(23, 59))
    assert run_through(ZONES, walls) == len(ZONES) * 2 * (1 + len(walls) * 16)
