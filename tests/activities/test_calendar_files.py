"""Calendar files: what becomes of them, and that nothing is made twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from activities import services
from activities.models import CalendarUpload, Meeting, Task
from activities.services.calendar_files import Found, read
from activities.services.calendar_imports import text_of
from tests.factories import Cast, signed_in
from tests.shared_data import shared

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)


def ics(*events: str) -> str:
    lines = "\n".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{lines}\nEND:VCALENDAR\n".replace("\n", "\r\n")


def found(*events: str) -> Found:
    return read(ics(*events), zone=BERLIN, now=NOW)


def starts(*events: str) -> list[datetime]:
    return [entry.starts_at for entry in found(*events).entries]


ONE = "UID:1\nSUMMARY:Visit\nDTSTART:20270310T090000Z\nDTEND:20270310T100000Z"


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        ("DTSTART:20270310T090000Z\nDTEND:20270310T100000Z", datetime(2027, 3, 10, 9, tzinfo=UTC), datetime(2027, 3, 10, 10, tzinfo=UTC)),
        ("DTSTART:20270310T090000\nDURATION:PT90M", datetime(2027, 3, 10, 9, tzinfo=BERLIN), datetime(2027, 3, 10, 10, 30, tzinfo=BERLIN)),
        ("DTSTART;TZID=America/New_York:20270310T090000", datetime(2027, 3, 10, 9, tzinfo=NEW_YORK), datetime(2027, 3, 10, 9, tzinfo=NEW_YORK)),
        ("DTSTART;VALUE=DATE:20270328", datetime(2027, 3, 28, tzinfo=BERLIN), datetime(2027, 3, 29, tzinfo=BERLIN)),
        ("DTSTART;VALUE=DATE:20270328\nDTEND;VALUE=DATE:20270331", datetime(2027, 3, 28, tzinfo=BERLIN), datetime(2027, 3, 31, tzinfo=BERLIN)),
        ("DTSTART:20270328T023000", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
    ],
)
def test_when_it_is(lines: str, start: datetime, end: datetime) -> None:
    (entry,) = found(f"UID:1\nSUMMARY:Visit\n{lines}").entries
    assert (entry.starts_at, entry.ends_at) == (start, end)


def test_a_series_keeps_its_hour_over_summer_time() -> None:
    dates = starts("UID:1\nDTSTART;TZID=Europe/Berlin:20270325T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3")
    assert dates == [datetime(2027, month, day, 9, tzinfo=BERLIN) for month, day in ((3, 25), (4, 1), (4, 8))]


def test_a_series_within_its_window() -> None:
    dates = starts("UID:1\nDTSTART:20200101T090000Z\nRRULE:FREQ=DAILY")
    assert (dates[0], dates[-1], len(dates)) == (datetime(2026, 10, 18, 9, tzinfo=UTC), datetime(2027, 11, 21, 9, tzinfo=UTC), 400)
    monthly = starts("UID:1\nDTSTART;VALUE=DATE:20200131\nRRULE:FREQ=MONTHLY")
    assert monthly[0] == datetime(2026, 10, 31, tzinfo=BERLIN)
    over = found("UID:1\nDTSTART:20200101T090000Z\nRRULE:FREQ=DAILY;UNTIL=20200105T090000Z")
    assert [entry.starts_at.date() for entry in over.entries] == [date(2020, 1, 1)]
    assert over.notes


def test_dates_left_out_added_and_moved() -> None:
    series = "UID:1\nDTSTART:20270111T090000Z\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20270112T090000Z\nRDATE:20270120T090000Z"
    moved = "UID:1\nRECURRENCE-ID:20270113T090000Z\nDTSTART:20270113T150000Z\nSUMMARY:Moved"
    assert [(at.day, at.hour) for at in starts(series, moved)] == [(11, 9), (13, 15), (14, 9), (20, 9)]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("SUMMARY:x", "does not say when"),
        ("DTSTART:20270310T090000Z\nDTEND:20270310T080000Z", "ends before"),
        ("DTSTART:20270310T090000Z\nDTEND:20270510T080000Z", "longer than a month"),
        ("DTSTART:19000310T090000Z", "1970"),
        ("DTSTART:20270310T090000Z\nSTATUS:CANCELLED", "cancelled"),
    ],
)
def test_what_can_not_be_taken_says_why(lines: str, why: str) -> None:
    result = found(f"UID:1\nSUMMARY:Odd\n{lines}" if "SUMMARY" not in lines else f"UID:1\n{lines}", ONE.replace("UID:1", "UID:2"))
    assert len(result.entries) == 1, "the others are taken"
    ((_title, reason),) = result.problems
    assert why in reason


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYSETPOS=2",
        "FREQ=YEARLY;BYHOUR=1,2,3,4,5;BYMINUTE=1",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=x",
        "RSCALE=CHINESE;FREQ=YEARLY",
    ],
)
def test_a_rule_that_nobody_can_follow_gives_its_first_date(rule: str) -> None:
    result = found(f"UID:1\nSUMMARY:Odd\nDTSTART:20270310T090000Z\nRRULE:{rule}")
    assert [entry.starts_at for entry in result.entries] == [datetime(2027, 3, 10, 9, tzinfo=UTC)]
    assert len(result.notes) == 1
    assert not result.problems


@pytest.mark.parametrize("text", ["", "hello", "BEGIN:VCARD\r\nEND:VCALENDAR\r\n", "<html>", "BEGIN:VCALENDAR\r\n"])
def test_no_calendar(text: str) -> None:
    with pytest.raises(ValidationError):
        read(text, zone=BERLIN, now=NOW)


def test_bombs_are_refused() -> None:
    many = [f"UID:{n}\nDTSTART:19710101T090000Z\nRRULE:FREQ=DAILY" for n in range(60)]
    assert found(*many).problems
    with pytest.raises(ValidationError):
        found(*[ONE] * 1001)


@pytest.mark.parametrize(
    "bomb",
    [
        "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nRRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE",
        "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nRR\n ULE:FREQ=SECON\n DLY\nEND:STANDARD",
        "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYSECOND=0,1,2\nEND:STANDARD",
        "BEGIN:X\n" * 50_000,
    ],
    ids=["zone", "folded", "seconds", "nested"],
)
def test_bombs_for_the_parser_are_refused(bomb: str) -> None:
    with pytest.raises(ValidationError):
        read(ics(ONE).replace("BEGIN:VEVENT", bomb.replace("\n", "\r\n") + "\r\nBEGIN:VEVENT", 1), zone=BERLIN, now=NOW)


def test_encodings() -> None:
    for data in ("Grüße".encode(), "Grüße".encode("utf-8-sig"), "Grüße".encode("cp1252"), "Grüße".encode("utf-16")):
        assert text_of(data) == "Grüße"


# ---- the pages ----


def upload(client: Any, data: bytes, name: str = "my.ics") -> Any:
    return client.post("/calendar/import/", {"file": SimpleUploadedFile(name, data)})


@pytest.mark.django_db
def test_from_a_file_to_meetings_once(people: Cast) -> None:
    client = signed_in(people.owner)
    data = ics(ONE, "UID:2\nSUMMARY:Daily\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=3", "UID:3\nSUMMARY:Odd").encode()
    for attempt in (1, 2):
        page = upload(client, data)
        preview = client.get(page["Location"]).content.decode()
        assert "Odd: It does not say when it starts." in preview
        assert ("There already" in preview) == (attempt == 2)
        assert Meeting.objects.count() == (0 if attempt == 1 else 2)
        assert client.post(page["Location"]).status_code == 302
        assert client.post(page["Location"]).status_code == 404, "a second click finds nothing left to do"
        assert Meeting.objects.count() == 2
    services.delete_meetings(list(Meeting.objects.values_list("pk", flat=True)), actor=people.owner)
    client.post(upload(client, data)["Location"])
    assert not Meeting.objects.alive().exists(), "who deleted it does not want it again"
    assert not CalendarUpload.objects.exists()
    colleague = signed_in(people.teammate)
    colleague.post(upload(colleague, data)["Location"])
    assert Meeting.objects.alive().filter(owner=people.teammate).count() == 2, "to a colleague it is new"


@pytest.mark.django_db
def test_a_file_that_is_none(people: Cast) -> None:
    client = signed_in(people.owner)
    for data, words in ((b"hello", "no calendar"), (b"", "empty"), (b"x" * 1_000_001, "larger than 1 MB"), (b"BEGIN:VCALENDAR\r\n\x00", "")):
        response = upload(client, data)
        assert response.status_code == 422
        assert "invalid-feedback" in response.content.decode()
    assert client.post("/calendar/import/", {}).status_code == 422
    assert signed_in(people.viewer).get("/calendar/import/").status_code == 403
    assert not CalendarUpload.objects.exists()


@pytest.mark.django_db
def test_others_and_ended_uploads_are_404(people: Cast) -> None:
    url = upload(signed_in(people.owner), ics(ONE).encode())["Location"]
    for method in ("get", "post"):
        assert getattr(signed_in(people.teammate), method)(url).status_code == 404
    assert signed_in(people.owner).get(f"/calendar/import/{2**64}/").status_code == 404
    assert not Meeting.objects.exists()


# ---- files of the world ----


def files() -> list[Any]:
    return sorted(shared("calendar").rglob("*.ics"))


# No calendar at all, or one that breaks the grammar where nobody can tell what was meant: what is said of each.
NOTHING = "it has no event and nothing else that calendars have"
REFUSED = {
    "big_bad_calendar.ics": NOTHING,  # never ends
    "fuzz_testcase_0_char_in_component_name.ics": NOTHING,
    "fuzz_testcase_invalid_month.ics": "Invalid month",
    "fuzz_testcase_vtimezone_lone_cr.ics": "not enough values to unpack",
    "issue_104_broken_calendar.ics": "Content line could not be parsed",
    "issue_178_component_with_invalid_name_represented.ics": NOTHING,
    "parsing_error_in_UTC_offset.ics": "Offset must be less than 24 hours",
    "pr_480_summary_with_colon.ics": NOTHING,  # never ends
    "small_bad_calendar.ics": NOTHING,  # never ends
}


def test_files_that_other_programs_wrote() -> None:
    """164 of 173 are read. Of these 93 hold events with a start, which become meetings, and 6 to-dos, which become tasks: 96 in all. The others hold
    none (zones, alarms, free-busy times, parts of events from a standard's text) and say so event by event, or what they hold instead."""
    names = files()
    assert len(names) == 173
    refused, made, empty = {}, {"meetings": 0, "tasks": 0, "any": 0}, 0
    for path in names:
        try:
            result = read(text_of(path.read_bytes()), zone=BERLIN, now=timezone.now())
        except ValidationError as error:
            refused[path.name] = " ".join(error.messages)
            continue
        for entry in result.entries:
            assert timedelta(0) <= entry.ends_at - entry.starts_at <= timedelta(days=31)
        assert all(what and why for what, why in result.problems)
        counts = {"meetings": bool(result.entries), "tasks": bool(result.todos), "any": bool(result.entries or result.todos)}
        made = {name: count + counts[name] for name, count in made.items()}
        empty += not counts["any"]
        assert counts["any"] or result.problems or {"VEVENT", "VTODO"}.isdisjoint(result.held), path.name
    assert refused.keys() == REFUSED.keys()
    assert not [name for name, why in refused.items() if not why.startswith("This is no calendar") or REFUSED[name] not in why], refused
    assert (made, empty) == ({"meetings": 93, "tasks": 6, "any": 96}, 68)


@pytest.mark.long
@pytest.mark.django_db
def test_files_that_other_programs_wrote_go_all_the_way(people: Cast) -> None:
    client, seen = signed_in(people.owner), 0
    for path in files():
        answer = upload(client, path.read_bytes(), path.name)
        assert answer.status_code == (422 if path.name in REFUSED else 302), path.name
        if answer.status_code == 422:
            assert "This is no calendar" in answer.content.decode()
            continue
        preview = client.get(answer["Location"])
        assert preview.status_code == 200, path.name
        assert client.post(answer["Location"]).status_code == 302, path.name
        total = Meeting.objects.count() + Task.objects.count()
        made, seen = total - seen, total
        assert bool(made) or b"There already" in preview.content or b"holds no event" in preview.content, path.name
    assert seen > 200
    assert client.get("/calendar/?show=week&day=2027-01-15").status_code == 200
    assert client.get(f"/calendar/feed/{services.make_feed(actor=people.owner)}.ics").status_code == 200
