"""The private feed: what is in it, for whom, and when it dies."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar

from activities import services
from activities.models import CalendarFeed, Meeting, Task
from tests.factories import Cast, signed_in
from users.models import Role, User
from users.services import deactivate_user, reactivate_user

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def owner(people: Cast) -> User:
    User.objects.filter(pk=people.owner.pk).update(time_zone="Europe/Berlin")
    people.owner.refresh_from_db()
    return people.owner


def url_of(user: User) -> str:
    return f"/calendar/feed/{services.make_feed(actor=user)}.ics"


def events(url: str) -> dict[str, Any]:
    response = Client().get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert not response.cookies
    return {str(event["SUMMARY"]): event for event in Calendar.from_ical(response.content).walk("VEVENT")}


def plan(user: User, title: str, start: datetime, **more: Any) -> Meeting:
    return services.create_meeting({"title": title, "starts_at": start, "ends_at": start + timedelta(hours=1), **more}, actor=user)


def test_two_libraries_read_it(owner: User) -> None:
    start = datetime(2027, 3, 28, 1, 30, tzinfo=BERLIN)  # over the hour that summer time skips
    odd = "Ünïcode 🎉, semi;colon \\ back\nline " + "long " * 60
    plan(owner, odd[:200], start, description=odd, location="Hall, 3")
    plan(owner, "Fair", datetime(2027, 10, 31, tzinfo=BERLIN), ends_at=datetime(2027, 11, 1, tzinfo=BERLIN))
    services.create_task({"title": "Whole day", "due_on": date(2027, 3, 10)}, actor=owner)
    services.complete_task(services.create_task({"title": "At nine", "due_on": date(2027, 3, 10), "due_time": time(9)}, actor=owner), actor=owner)
    body = Client().get(url_of(owner)).content
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    ours = {str(event["SUMMARY"]): event for event in Calendar.from_ical(body).walk("VEVENT")}
    theirs = {event.summary.value: event for event in vobject.readOne(body.decode()).vevent_list}
    assert set(ours) == set(theirs)
    assert {"Fair", "Whole day", "✓ At nine"} < set(ours)
    for title, event in ours.items():
        assert event.decoded("DTSTART") == theirs[title].dtstart.value
        assert event.decoded("DTEND") == theirs[title].dtend.value
        assert event["UID"] == theirs[title].uid.value
        assert event["DTSTAMP"].dt.tzinfo is not None
    (name,) = set(ours) - {"Fair", "Whole day", "✓ At nine"}
    assert ours[name].decoded("DTSTART") == start.astimezone(UTC)
    assert str(ours[name]["DESCRIPTION"]) == odd.strip()
    assert (ours["Fair"].decoded("DTSTART"), ours["Fair"].decoded("DTEND")) == (date(2027, 10, 31), date(2027, 11, 1))
    assert ours["Whole day"].decoded("DTSTART") == date(2027, 3, 10)
    assert ours["✓ At nine"].decoded("DTSTART") == datetime(2027, 3, 10, 9, tzinfo=BERLIN)


def test_exactly_ones_own_and_not_the_past(people: Cast, owner: User) -> None:
    now = timezone.now()
    plan(owner, "Now", now)
    plan(owner, "In March", now - timedelta(days=92))
    plan(owner, "Lately", now - timedelta(days=88))
    plan(people.teammate, "Of a colleague", now)
    gone = plan(owner, "Gone", now)
    services.delete_meetings([gone.pk], actor=owner)
    services.create_task({"title": "Undated"}, actor=owner)
    assert set(events(url_of(owner))) == {"Now", "Lately"}


def test_what_the_role_no_longer_shows_is_not_in_it(owner: User) -> None:
    url = url_of(owner)
    plan(owner, "Now", timezone.now())
    services.create_task({"title": "Task", "due_on": timezone.localdate()}, actor=owner)
    grants = {**owner.role.grants, "activities_meeting": {}}
    Role.objects.filter(pk=owner.role_id).update(grants=grants)
    assert set(events(url)) == {"Task"}


def test_a_feed_dies_with_its_user_its_reset_and_its_end(people: Cast, owner: User) -> None:
    first = url_of(owner)
    second = url_of(owner)
    assert (Client().get(first).status_code, Client().get(second).status_code) == (404, 200)
    deactivate_user(owner, None, actor=people.admin)
    assert Client().get(second).status_code == 404
    reactivate_user(owner, actor=people.admin)
    assert Client().get(second).status_code == 200
    services.stop_feed(actor=owner)
    assert Client().get(second).status_code == 404
    for secret in ("x", "x" * 3000, "%00", "..%2f"):
        assert Client().get(f"/calendar/feed/{secret}.ics").status_code == 404
    assert Client().post(second).status_code == 405


def test_unchanged_is_304(owner: User) -> None:
    url = url_of(owner)
    meeting = plan(owner, "Now", timezone.now() + timedelta(days=1))
    first = Client().get(url)
    assert Client().get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert first["Last-Modified"]
    services.update_meeting(meeting, {"title": "Other"}, actor=owner)
    changed = Client().get(url, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    services.delete_meetings([meeting.pk], actor=owner)
    assert Client().get(url, headers={"If-None-Match": changed["ETag"]}).status_code == 200


def test_a_feed_does_not_grow_with_queries(owner: User) -> None:
    url, counts = url_of(owner), []
    for number in range(3):
        plan(owner, f"Meeting {number}", timezone.now())
        services.create_task({"title": f"Task {number}", "due_on": timezone.localdate()}, actor=owner)
        with CaptureQueriesContext(connection) as queries:
            Client().get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] <= 9, "four of them are every visitor's"


def test_the_page_shows_the_address_once(owner: User) -> None:
    client = signed_in(owner)
    assert "no address yet" in client.get("/calendar/feed/").content.decode()
    made = client.post("/calendar/feed/", {"do": "new"})
    (secret,) = re.findall(r"/calendar/feed/([\w-]{43})\.ics", made.content.decode())
    assert Client().get(f"/calendar/feed/{secret}.ics").status_code == 200
    assert secret not in client.get("/calendar/feed/").content.decode()
    assert secret not in str(CalendarFeed.objects.values().get())
    assert client.post("/calendar/feed/", {"do": "x"}).status_code == 422
    client.post("/calendar/feed/", {"do": "stop"})
    assert Client().get(f"/calendar/feed/{secret}.ics").status_code == 404


def test_a_task_and_a_meeting_never_share_a_uid(owner: User) -> None:
    plan(owner, "Now", timezone.now())
    services.create_task({"title": "Task", "due_on": timezone.localdate()}, actor=owner)
    found = events(url_of(owner))
    assert len({str(event["UID"]) for event in found.values()}) == 2
    assert Task.objects.count() == 1
