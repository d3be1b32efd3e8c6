"""To-dos of calendar files, as tasks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from activities import services
from activities.models import Reminder, Task
from activities.services.calendar_files import Found, read
from tests.activities.test_calendar_files import BERLIN, NOW, ics, upload
from tests.factories import Cast, signed_in

# ---- to-dos ----


def todo_file(*todos: str) -> str:
    return ics().replace(
        "END:VCALENDAR", "".join(f"BEGIN:VTODO\r\n{todo}\r\nEND:VTODO\r\n" for todo in todos).replace("\r\n", "\n").replace("\n", "\r\n") + "END:VCALENDAR"
    )


def todos(*parts: str) -> Found:
    return read(todo_file(*parts), zone=BERLIN, now=NOW)


@pytest.mark.parametrize(
    ("lines", "day", "at"),
    [
        ("DUE:20270310T090000Z", date(2027, 3, 10), time(10)),
        ("DUE;TZID=America/New_York:20270310T200000", date(2027, 3, 11), time(2)),
        ("DUE;VALUE=DATE:20270328", date(2027, 3, 28), None),
        ("DTSTART:20270310T090000\nDURATION:PT90M", date(2027, 3, 10), time(10, 30)),
        ("DTSTART;VALUE=DATE:20270310", date(2027, 3, 10), None),
        ("DTSTART;VALUE=DATE:20270301\nDUE;VALUE=DATE:20270310", date(2027, 3, 10), None),
        ("PRIORITY:3", None, None),
    ],
)
def test_when_a_todo_is_due(lines: str, day: date | None, at: time | None) -> None:
    (todo,) = todos(f"UID:1\nSUMMARY:Write\nDESCRIPTION:All of it\n{lines}").todos
    assert (todo.title, todo.description, todo.due_on, todo.due_time, todo.done_at) == ("Write", "All of it", day, at, None)


@pytest.mark.parametrize(("number", "priority"), [("0", 2), ("1", 3), ("4", 3), ("5", 2), ("6", 1), ("9", 1), ("x", 2)])
def test_the_priority_of_a_todo(number: str, priority: int) -> None:
    assert todos(f"UID:1\nPRIORITY:{number}").todos[0].priority == priority


def test_what_is_done_is_done() -> None:
    found = todos("UID:1\nCOMPLETED:20270110T120000Z\nRRULE:FREQ=DAILY", "UID:2\nSTATUS:COMPLETED", "UID:3\nPERCENT-COMPLETE:100", "UID:4\nPERCENT-COMPLETE:50")
    assert sorted(todo.done_at or NOW + timedelta(days=1) for todo in found.todos) == [datetime(2027, 1, 10, 12, tzinfo=UTC), NOW, NOW, NOW + timedelta(days=1)]
    assert not any(todo.rule for todo in found.todos)


DUE = "UID:1\nDUE;VALUE=DATE:20270310\n"  # the second Wednesday of its month


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=3", {"frequency": "daily", "interval": 3}),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", {"frequency": "weekly", "interval": 1, "weekdays": [0, 1, 2, 3, 4]}),
        ("FREQ=WEEKLY", {"frequency": "weekly", "interval": 1, "weekdays": [2]}),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,MO;COUNT=5", {"frequency": "weekly", "interval": 2, "weekdays": [0, 2], "times": 5}),
        ("FREQ=MONTHLY;UNTIL=20280101T000000Z", {"frequency": "monthly", "interval": 1, "month_day": 10, "until": date(2028, 1, 1)}),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", {"frequency": "monthly", "interval": 1, "month_day": 31}),
        ("FREQ=MONTHLY;BYDAY=2WE", {"frequency": "monthly", "interval": 1, "nth": 2, "weekdays": [2]}),
        ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", {"frequency": "monthly", "interval": 1, "nth": -1, "weekdays": [4]}),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=10", {"frequency": "yearly", "interval": 1}),
        ("FREQ=DAILY;COUNT=1", None),
        ("FREQ=DAILY;UNTIL=20270310", None),
    ],
)
def test_how_a_todo_repeats(rule: str, expected: dict[str, Any] | None) -> None:
    result = todos(f"{DUE}RRULE:{rule}")
    assert result.todos[0].rule == expected
    assert not result.notes


@pytest.mark.parametrize(
    "lines",
    [
        "RRULE:FREQ=HOURLY",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU",
        "RRULE:FREQ=MONTHLY;BYDAY=5MO",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15",
        "RRULE:FREQ=YEARLY;BYMONTH=4",
        "RRULE:FREQ=YEARLY;BYDAY=1MO",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;INTERVAL=9999",
        "RRULE:FREQ=DAILY;COUNT=100000",
        "RRULE:FREQ=x",
        "RDATE:20270401T090000Z",
        "DTSTART;VALUE=DATE:20270308\nRRULE:FREQ=WEEKLY;BYDAY=MO",
    ],
)
def test_a_todo_that_repeats_in_another_way_is_a_single_task(lines: str) -> None:
    result = todos(f"{DUE}SUMMARY:Odd\n{lines}")
    assert [todo.rule for todo in result.todos] == [None]
    ((_title, why),) = result.notes
    assert "single task" in why


@pytest.mark.parametrize(
    ("trigger", "minutes"),
    [
        ("TRIGGER:-PT30M", (30,)),
        ("TRIGGER;RELATED=END:-P1D", (1440,)),
        ("TRIGGER;VALUE=DATE-TIME:20270310T070000Z", (120,)),
        ("TRIGGER:PT0S", (0,)),
        ("TRIGGER:PT30M", ()),
        ("TRIGGER:soon", ()),
    ],
)
def test_alarms_of_a_todo(trigger: str, minutes: tuple[int, ...]) -> None:
    result = todos(f"UID:1\nDUE:20270310T090000Z\nBEGIN:VALARM\nACTION:DISPLAY\n{trigger}\nEND:VALARM")
    assert result.todos[0].reminders == minutes
    assert bool(result.notes) == (not minutes)


def test_alarms_count_from_the_start_and_of_a_whole_day_from_nine() -> None:
    alarm = "BEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM"
    assert todos(f"UID:1\nDTSTART:20270310T080000Z\nDUE:20270310T090000Z\n{alarm}").todos[0].reminders == (75,)
    assert todos(f"UID:1\nDUE;VALUE=DATE:20270310\n{alarm}").todos[0].reminders == (9 * 60 + 15,)


@pytest.mark.parametrize(("lines", "why"), [("STATUS:CANCELLED", "cancelled"), ("DUE:19000310T090000Z", "1970"), ("DUE:never", "can't be read")])
def test_a_todo_that_can_not_be_taken_says_why(lines: str, why: str) -> None:
    result = todos(f"UID:1\nSUMMARY:Odd\n{lines}", "UID:2")
    assert len(result.todos) == 1
    ((_title, reason),) = result.problems
    assert why in reason


@pytest.mark.django_db
def test_from_a_file_to_tasks_once(people: Cast) -> None:
    client = signed_in(people.owner)
    alarm = "BEGIN:VALARM\nTRIGGER:-PT30M\nEND:VALARM"
    data = todo_file(
        f"UID:1\nSUMMARY:Call\nDUE:20310310T090000Z\nPRIORITY:1\nRRULE:FREQ=WEEKLY\n{alarm}",
        "UID:2\nSUMMARY:Done\nCOMPLETED:20260110T120000Z",
        "UID:3\nSUMMARY:Some day",
    ).encode()
    for attempt in (1, 2):
        page = upload(client, data)
        preview = client.get(page["Location"]).content.decode()
        assert ("There already" in preview) == (attempt == 2)
        assert ("Add: 3 tasks" in preview) == (attempt == 1)
        assert "repeats, 1 reminder" in preview
        answer = client.post(page["Location"])
        assert (answer.status_code, answer["Location"]) == (302, "/tasks/?view=mine" if attempt == 1 else answer["Location"])
        assert Task.objects.count() == 3
    call, done = Task.objects.get(title="Call"), Task.objects.get(title="Done")
    assert (call.owner, call.priority, call.series.frequency, call.series.weekdays) == (people.owner, 3, "weekly", [0])
    assert list(Reminder.objects.values_list("task__title", "minutes_before")) == [("Call", 30)]
    assert (done.done_at, done.done_by) == (datetime(2026, 1, 10, 12, tzinfo=UTC), people.owner)
    services.delete_tasks([call.pk], actor=people.owner)
    client.post(upload(client, data)["Location"])
    assert Task.objects.alive().count() == 2, "who deleted it does not want it again"


@pytest.mark.django_db
def test_a_file_with_nothing_to_take_says_what_it_holds(people: Cast) -> None:
    client = signed_in(people.owner)
    page = client.get(upload(client, ics().replace("END:VCALENDAR", "BEGIN:VFREEBUSY\r\nEND:VFREEBUSY\r\nEND:VCALENDAR").encode())["Location"]).content.decode()
    assert "no to-do that can become a task. It holds: VFREEBUSY." in page
    assert "Add:" not in page
