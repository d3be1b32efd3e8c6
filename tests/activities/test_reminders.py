"""Each reminder exactly once, at the agreed wall time, on the days when clocks are moved too; with two processes firing at once."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from activities import services
from activities.models import Notification, Reminder
from activities.services import due
from mail.models import OutgoingMail
from tests.activities.conftest import Business, make_cast
from tests.factories import Cast, make_user


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# (zone, day, wall time or None for the whole day, when the reminder fires in UTC)
TABLE = [
    # Berlin, 28 March: 02:00 becomes 03:00
    ("Europe/Berlin", date(2027, 3, 28), time(1, 30), "2027-03-28T00:30"),
    ("Europe/Berlin", date(2027, 3, 28), time(2, 30), "2027-03-28T01:30"),  # does not exist: half past three
    ("Europe/Berlin", date(2027, 3, 28), time(3, 30), "2027-03-28T01:30"),
    ("Europe/Berlin", date(2027, 3, 28), time(9), "2027-03-28T07:00"),
    ("Europe/Berlin", date(2027, 3, 28), None, "2027-03-28T07:00"),
    # 31 October: 03:00 becomes 02:00
    ("Europe/Berlin", date(2027, 10, 31), time(2, 30), "2027-10-31T00:30"),  # comes twice: the first
    ("Europe/Berlin", date(2027, 10, 31), time(3, 30), "2027-10-31T02:30"),
    ("Europe/Berlin", date(2027, 10, 31), None, "2027-10-31T08:00"),
    # New York, 14 March and 7 November
    ("America/New_York", date(2027, 3, 14), time(1, 59), "2027-03-14T06:59"),
    ("America/New_York", date(2027, 3, 14), time(2, 0), "2027-03-14T07:00"),
    ("America/New_York", date(2027, 3, 14), None, "2027-03-14T13:00"),
    ("America/New_York", date(2027, 11, 7), time(1, 0), "2027-11-07T05:00"),
    ("America/New_York", date(2027, 11, 7), time(1, 30), "2027-11-07T05:30"),
    ("America/New_York", date(2027, 11, 7), time(2, 0), "2027-11-07T07:00"),
    ("America/New_York", date(2027, 11, 7), None, "2027-11-07T14:00"),
    # Lord Howe moves by half an hour: back on 4 April, forward on 3 October
    ("Australia/Lord_Howe", date(2027, 4, 4), time(1, 45), "2027-04-03T14:45"),
    ("Australia/Lord_Howe", date(2027, 4, 4), time(2, 0), "2027-04-03T15:30"),
    ("Australia/Lord_Howe", date(2027, 4, 4), None, "2027-04-03T22:30"),
    ("Australia/Lord_Howe", date(2027, 10, 3), time(2, 15), "2027-10-02T15:45"),  # does not exist: a quarter to three
    ("Australia/Lord_Howe", date(2027, 10, 3), time(2, 30), "2027-10-02T15:30"),
    ("Australia/Lord_Howe", date(2027, 10, 3), None, "2027-10-02T22:00"),
    # clocks that are never moved
    *[
        (zone, day, wall, f"{datetime.combine(day, wall or time(9), ZoneInfo(zone)).astimezone(UTC):%Y-%m-%dT%H:%M}")
        for zone in ("Asia/Kolkata", "Pacific/Apia", "UTC")
        for day in (date(2027, 3, 28), date(2027, 10, 31))
        for wall in (time(2, 30), None)
    ],
]


@pytest.mark.parametrize(("zone", "day", "wall", "expected"), TABLE)
def test_when_a_reminder_is_due(zone: str, day: date, wall: time | None, expected: str) -> None:
    assert due.remind_at(day, wall, zone, 0) == utc(expected)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Berlin", date(2027, 3, 28), "2027-03-28T21:59:59"),
        ("Europe/Berlin", date(2027, 10, 31), "2027-10-31T22:59:59"),
        ("America/New_York", date(2027, 3, 14), "2027-03-15T03:59:59"),
        ("Australia/Lord_Howe", date(2027, 4, 4), "2027-04-04T13:29:59"),
        ("Pacific/Apia", date(2027, 4, 4), "2027-04-04T10:59:59"),
        ("Asia/Kolkata", date(2027, 4, 4), "2027-04-04T18:29:59"),
        ("America/Havana", date(2027, 11, 7), "2027-11-08T04:59:59"),
        ("UTC", date(2027, 2, 28), "2027-02-28T23:59:59"),
    ],
)
def test_a_whole_day_is_late_when_it_is_over(zone: str, day: date, expected: str) -> None:
    assert due.due_at(day, None, zone) == utc(expected)


def test_a_day_before_keeps_the_clock_time_over_the_change() -> None:
    assert due.remind_at(date(2027, 3, 28), time(10), "Europe/Berlin", 1440) == utc("2027-03-27T09:00")
    assert due.remind_at(date(2027, 3, 28), time(10), "Europe/Berlin", 15) == utc("2027-03-28T07:45")


def two_at_once() -> None:
    """Two beats, two workers."""
    errors: list[BaseException] = []

    def fire() -> None:
        try:
            services.fire_due_reminders(limit=5)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=fire) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.django_db(transaction=True)
def test_each_reminder_fires_once_at_its_wall_time_whoever_asks() -> None:
    make_cast()
    users = {zone: make_user(f"{zone.replace('/', '.').lower()}@example.com", time_zone=zone) for zone in {row[0] for row in TABLE}}
    with time_machine.travel(utc("2027-01-01T00:00"), tick=False):
        tasks = {
            services.create_task({"title": f"{zone} {day} {wall}", "owner": users[zone], "due_on": day, "due_time": wall}, actor=None).pk: utc(expected)
            for zone, day, wall, expected in TABLE
        }
    assert dict(Reminder.objects.values_list("task_id", "remind_at")) == tasks
    for moment in sorted(set(tasks.values())):
        with time_machine.travel(moment - timedelta(seconds=1), tick=False):
            two_at_once()
            assert Reminder.objects.filter(sent_at__isnull=False).count() == sum(at < moment for at in tasks.values())
        with time_machine.travel(moment, tick=False):
            two_at_once()
    assert dict(Reminder.objects.values_list("task_id", "sent_at")) == tasks
    assert Notification.objects.filter(kind="reminder").count() == OutgoingMail.objects.filter(purpose="reminder").count() == len(TABLE)


@pytest.mark.django_db(transaction=True)
def test_a_crash_in_the_middle_sends_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from activities.services import reminders

    make_cast()
    user = make_user()
    for number in range(12):
        services.create_task({"title": f"T{number}", "owner": user, "due_at": timezone.now()}, actor=None)
    real, calls = reminders.queue_mails, []

    def failing(rows: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(rows)

    monkeypatch.setattr(reminders, "queue_mails", failing)
    with pytest.raises(RuntimeError):
        services.fire_due_reminders(limit=5)
    assert Notification.objects.count() == OutgoingMail.objects.count() == Reminder.objects.filter(sent_at__isnull=False).count() == 5
    services.fire_due_reminders(limit=5)
    assert Notification.objects.count() == OutgoingMail.objects.count() == 12


def test_what_is_done_deleted_or_moved_does_not_remind(people: Cast, business: Business) -> None:
    at = timezone.now() + timedelta(minutes=10)
    done, gone, moved, kept = services.create_tasks([{"title": name, "due_at": at} for name in ("done", "gone", "moved", "kept")], actor=people.owner)
    services.complete_task(done, actor=people.owner)
    services.delete_tasks([gone.pk], actor=people.owner)
    services.update_task(moved, {"due_on": date(2031, 1, 1), "due_time": time(9)}, actor=people.owner)
    with time_machine.travel(at + timedelta(minutes=1), tick=False):
        services.fire_due_reminders()
    assert [row.text.partition(",")[0] for row in Notification.objects.filter(kind="reminder")] == ["kept"]


def test_the_person_chooses_how_long_before(people: Cast) -> None:
    task = services.create_task({"title": "Call", "due_at": utc("2031-05-05T10:00"), "reminder": 30}, actor=people.owner)
    assert Reminder.objects.get(task=task).remind_at == utc("2031-05-05T09:30")
    services.update_task(task, {"due_on": date(2031, 5, 6), "due_time": time(8)}, actor=people.owner)
    assert Reminder.objects.get(task=task, cancelled_at=None).remind_at == utc("2031-05-06T07:30")
    services.update_task(task, {"reminder": None}, actor=people.owner)
    assert not Reminder.objects.filter(task=task, cancelled_at=None).exists()
    services.update_task(task, {"reminder": 30}, actor=people.owner)
    assert Reminder.objects.get(task=task, cancelled_at=None).remind_at == utc("2031-05-06T07:30")


def test_a_late_reminder_says_so_and_one_for_the_past_is_not_made(people: Cast) -> None:
    with time_machine.travel(utc("2027-02-01T08:00"), tick=False):
        services.create_task({"title": "Call", "due_at": utc("2027-02-01T09:00")}, actor=people.owner)
        services.create_task({"title": "Past", "due_at": utc("2027-02-01T07:00")}, actor=people.owner)
    with time_machine.travel(utc("2027-02-03T09:00"), tick=False):
        assert services.fire_due_reminders() == 1
    assert Notification.objects.get().text == "Late reminder: Call, due 1 Feb 2027 09:00"
    mail = OutgoingMail.objects.get()
    assert mail.subject == "Late reminder: Call"
    assert "http://testserver/tasks/" in mail.text


def test_opening_the_bell_entry_marks_the_reminder_seen(people: Cast) -> None:
    services.create_task({"title": "Call", "due_at": timezone.now()}, actor=people.owner)
    services.fire_due_reminders()
    services.mark_read([Notification.objects.get().pk], user=people.owner)
    assert Reminder.objects.get().seen_at is not None


def test_reminders_speak_the_persons_language_and_zone(people: Cast) -> None:
    user = make_user(language="de", time_zone="Europe/Berlin")
    task = services.create_task({"title": "Anruf", "owner": user, "due_at": timezone.now(), "reminder": 0}, actor=None)
    services.fire_due_reminders()
    mail = OutgoingMail.objects.get(key=f"reminder:{task.reminders.get().pk}")
    local = task.due_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert f"{local:%H:%M}" in mail.text


def test_somebody_who_has_left_is_not_reminded(people: Cast) -> None:
    services.create_task({"title": "Call", "due_at": timezone.now()}, actor=people.owner)
    type(people.owner).objects.filter(pk=people.owner.pk).update(is_active=False)
    assert services.fire_due_reminders() == 0
    assert Reminder.objects.get().cancelled_at is not None


def test_an_idle_round_costs_one_question(people: Cast, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(3):  # with its savepoint
        services.fire_due_reminders()
