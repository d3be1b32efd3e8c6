"""A meeting's link to its video call and its own time zone: typed, shown, sent, imported; and what guests hear of a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from activities import services
from activities.models import Meeting
from activities.services.calendar_files import read
from mail.models import OutgoingMail
from tests.activities.conftest import in_berlin
from tests.factories import Cast, signed_in
from users.models import User

CALL = "https://meet.google.com/abc-defg-hij?x=1&y=2"
WRONG = "Enter a link that begins with https:// and holds no password."


def posted(**more: str) -> dict[str, str]:
    return {"title": "Call", "starts_at": "2026-11-19T10:00", "ends_at": "2026-11-19T11:00", **more}


def make(people: Cast, **more: Any) -> Meeting:
    start = timezone.now().replace(microsecond=0) + timedelta(days=3)
    return services.create_meeting({"title": "Call", "starts_at": start, "ends_at": start + timedelta(hours=1), **more}, actor=people.owner)


# ---- the link ----


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://example.com/call",
        "ftp://example.com/call",
        "https://user:pw@example.com/call",
        "https://user@example.com/call",
        "https://exam\nple.com/call",
        "https://example.com/\u202ecall",
        "https://example.com/\x07",
        'https://example.com/"onclick=1',
        "https://example.com/<b>",
        "https://example.com/a b",
        "https://[",
        "https://",
        "https:///x",
        "https:\\\\example.com",
        "😀",
        "https://example.com/" + "x" * 10_000,
    ],
)
def test_a_link_that_is_none_is_refused_at_its_field(people: Cast, link: str) -> None:
    response = signed_in(people.owner).post("/meetings/new/", posted(video_url=link))
    assert response.status_code == 422
    assert 'id="error_1_id_video_url"' in response.text or "id_video_url_error" in response.text
    assert not Meeting.objects.exists()
    with pytest.raises(ValidationError) as refused:
        make(people, video_url=link)
    assert set(refused.value.message_dict) == {"video_url"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (CALL, CALL),
        ("zoom.us/j/1", "https://zoom.us/j/1"),
        ("https://xn--mnchen-3ya.de/x?p=%20", "https://xn--mnchen-3ya.de/x?p=%20"),
        (f" {CALL} ", CALL),
        ("", ""),
    ],
)
def test_a_link_is_kept(people: Cast, typed: str, kept: str) -> None:
    assert signed_in(people.owner).post("/meetings/new/", posted(video_url=typed)).status_code == 302
    assert Meeting.objects.get().video_url == kept


def test_the_way_into_the_call_is_where_people_look(people: Cast) -> None:
    start = timezone.now() + timedelta(minutes=30)
    meeting = make(people, video_url=CALL, starts_at=start, ends_at=start + timedelta(hours=1))
    client = signed_in(people.owner)
    link = 'href="https://meet.google.com/abc-defg-hij?x=1&amp;y=2" target="_blank" rel="noopener noreferrer"'
    for url in (f"/meetings/{meeting.pk}/", "/", "/calendar/?show=agenda", "/meetings/?cols=title,video"):
        assert link in client.get(url).text, url
    exported = b"".join(client.get("/meetings/export/?format=csv").streaming_content).decode()
    assert CALL in exported
    assert "Join" not in client.get("/meetings/").text


def test_guests_get_the_link(people: Cast) -> None:
    meeting = make(people, video_url=CALL, guests=[{"email": "ann@guest.example", "name": ""}], tell=True)
    mail = OutgoingMail.objects.get()
    assert f"Join: {CALL}" in mail.text
    assert "https://meet.google.com/abc-defg-hij?x=1&amp;y=2" in mail.html
    (event,) = Calendar.from_ical(mail.calendar).walk("VEVENT")
    assert (str(event["CONFERENCE"]), event["CONFERENCE"].params["VALUE"], "URL" in event) == (CALL, "URI", False)
    services.update_meeting(meeting, {"video_url": "https://zoom.us/j/1", "tell": True}, actor=people.owner)
    again = OutgoingMail.objects.latest("pk")
    assert f"Video link, before: {CALL}" in again.text
    assert meeting.guests.get().state == "invited"


@pytest.mark.parametrize(
    ("lines", "place", "link"),
    [
        (f"CONFERENCE;VALUE=URI:{CALL}\r\nLOCATION:Hall 3", "Hall 3", CALL),
        (f"X-GOOGLE-CONFERENCE:{CALL}", "", CALL),
        ("LOCATION:https://us02web.zoom.us/j/1?pwd=a", "", "https://us02web.zoom.us/j/1?pwd=a"),
        ("LOCATION:Room 1\\, https://teams.microsoft.com/l/meetup-join/1", "Room 1", "https://teams.microsoft.com/l/meetup-join/1"),
        ("LOCATION:https://evilzoom.us/j/1", "https://evilzoom.us/j/1", ""),
        ("LOCATION:https://zoom.us.evil.example/j/1", "https://zoom.us.evil.example/j/1", ""),
        ("LOCATION:http://zoom.us/j/1", "http://zoom.us/j/1", ""),
        ("LOCATION:https://a:b@zoom.us/j/1", "https://a:b@zoom.us/j/1", ""),
        ("LOCATION:https://[zoom.us/j/1", "https://[zoom.us/j/1", ""),
        ("CONFERENCE;VALUE=URI:javascript:alert(1)", "", ""),
        (f"CONFERENCE;VALUE=URI:tel:+4930\r\nCONFERENCE;VALUE=URI:{CALL}", "", CALL),
        (f"CONFERENCE;VALUE=URI:https://zoom.us/{'x' * 600}", "", ""),
    ],
)
def test_a_file_brings_its_link(lines: str, place: str, link: str) -> None:
    text = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Call\r\nDTSTART:20261119T100000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    (entry,) = read(text, zone=UTC, now=datetime(2026, 11, 1, tzinfo=UTC)).entries  # type: ignore[arg-type]
    assert (entry.location, entry.video_url) == (place, link)


def test_what_is_sent_can_be_read_again(people: Cast) -> None:
    make(people, video_url=CALL, guests=[{"email": "ann@guest.example", "name": ""}], tell=True)
    (entry,) = read(OutgoingMail.objects.get().calendar, zone=people.owner.zone, now=timezone.now()).entries
    assert entry.video_url == CALL


# ---- the zone ----


def times(meeting: Meeting) -> tuple[str, str, str]:
    meeting.refresh_from_db()
    return tuple(f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" for at in (meeting.starts_at, meeting.ends_at)) + (meeting.zone,)  # type: ignore[return-value]


def test_start_and_end_are_on_the_meetings_clock(people: Cast) -> None:
    client = in_berlin(people)
    assert 'value="Europe/Berlin" selected' in client.get("/meetings/new/").text
    assert client.post("/meetings/new/", posted(zone="America/New_York")).status_code == 302
    meeting = Meeting.objects.get()
    assert times(meeting) == ("2026-11-19 15:00", "2026-11-19 16:00", "America/New_York")
    page = client.get(f"/meetings/{meeting.pk}/edit/").text
    assert 'value="2026-11-19T10:00"' in page
    assert 'value="America/New_York" selected' in page
    shown = client.get(f"/meetings/{meeting.pk}/").text
    assert "10:00 to 11:00 (America/New_York)" in shown
    assert "16:00" in shown
    assert "16:00" in client.get("/meetings/").text


def test_another_zone_alone_keeps_the_clock_times(people: Cast) -> None:
    client = in_berlin(people)
    client.post("/meetings/new/", posted(zone="Europe/Berlin"))
    meeting = Meeting.objects.get()
    assert times(meeting) == ("2026-11-19 09:00", "2026-11-19 10:00", "Europe/Berlin")
    assert client.post(f"/meetings/{meeting.pk}/edit/", posted(zone="Asia/Tokyo", version="1")).status_code == 302
    assert times(meeting) == ("2026-11-19 01:00", "2026-11-19 02:00", "Asia/Tokyo")
    assert "(Asia/Tokyo)" not in signed_in(tokyo(people)).get(f"/meetings/{meeting.pk}/").text


def tokyo(people: Cast) -> User:
    User.objects.filter(pk=people.manager.pk).update(time_zone="Asia/Tokyo")
    return User.objects.get(pk=people.manager.pk)


def test_without_a_zone_the_form_means_that_of_the_meeting(people: Cast) -> None:
    client = in_berlin(people)
    client.post("/meetings/new/", posted(zone="America/New_York"))
    meeting = Meeting.objects.get()
    assert client.post(f"/meetings/{meeting.pk}/edit/", posted(title="Again", version="1")).status_code == 302
    assert times(meeting) == ("2026-11-19 15:00", "2026-11-19 16:00", "America/New_York")


def test_a_cell_of_the_list_is_on_the_readers_clock(people: Cast) -> None:
    client = in_berlin(people)
    client.post("/meetings/new/", posted(zone="America/New_York"))
    meeting = Meeting.objects.get()
    url = f"/meetings/{meeting.pk}/cell/starts/"
    assert 'value="2026-11-19T16:00"' in client.get(url).text
    assert client.post(url, {"starts_at": "2026-11-19T15:00", "ends_at": "2026-11-19T17:00", "version": "1"}).status_code == 302
    assert times(meeting) == ("2026-11-19 14:00", "2026-11-19 16:00", "America/New_York")


@pytest.mark.parametrize(
    ("zone", "start", "end", "utc"),
    [
        ("Europe/Berlin", "2026-03-28T10:00", "2026-03-28T11:00", "09:00"),
        ("Europe/Berlin", "2026-03-29T10:00", "2026-03-29T11:00", "08:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T04:00", "01:30"),  # jumped over: shifted forward
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T04:00", "00:30"),  # doubled: the first
        ("America/New_York", "2026-10-25T10:00", "2026-10-25T11:00", "14:00"),  # Berlin has winter time already
        ("Asia/Kathmandu", "2026-06-01T10:00", "2026-06-01T11:00", "04:15"),
    ],
)
def test_clock_times_over_summer_time(people: Cast, zone: str, start: str, end: str, utc: str) -> None:
    client = in_berlin(people)
    assert client.post("/meetings/new/", posted(zone=zone, starts_at=start, ends_at=end)).status_code == 302
    meeting = Meeting.objects.get()
    assert times(meeting)[0][-5:] == utc
    if utc not in ("01:30",):
        assert f'value="{start}"' in client.get(f"/meetings/{meeting.pk}/edit/").text


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "x" * 10_000, "😀", "europe/berlin"])
def test_a_zone_that_is_none_is_refused(people: Cast, zone: str) -> None:
    response = signed_in(people.owner).post("/meetings/new/", posted(zone=zone))
    assert response.status_code == 422
    assert "id_zone" in response.text
    with pytest.raises(ValidationError) as refused:
        make(people, zone=zone)
    assert "zone" in refused.value.message_dict


# ---- late edits ----


def test_guests_are_told_what_is_different_if_the_organiser_wants(people: Cast) -> None:
    meeting = make(people, location="Hall 3", guests=[{"email": "ann@guest.example", "name": ""}], tell=True)
    page = signed_in(people.owner).get(f"/meetings/{meeting.pk}/edit/").text
    assert 'name="tell"' in page
    assert "checked" in page.partition('name="tell"')[2].partition(">")[0]
    services.update_meeting(meeting, {"title": "Other", "starts_at": meeting.starts_at - timedelta(hours=1), "location": ""}, actor=people.owner)
    assert OutgoingMail.objects.count() == 1
    meeting.refresh_from_db()
    services.update_meeting(meeting, {"location": "Hall 4", "tell": True}, actor=people.owner)
    mail = OutgoingMail.objects.latest("pk")
    assert "Place: Hall 4" in mail.text and "before:" not in mail.text, "they know of Hall 3 and not of what was in between"
    meeting.refresh_from_db()
    services.update_meeting(meeting, {"ends_at": meeting.ends_at + timedelta(hours=1), "owner": people.teammate, "tell": True}, actor=people.owner)
    text = OutgoingMail.objects.latest("pk").text
    assert "Time, before: " in text
    assert "The organiser is new: Tom Teammate" in text


def test_the_first_invitation_tells_of_no_change(people: Cast) -> None:
    meeting = make(people)
    guests = [{"email": "ann@guest.example", "name": ""}]
    services.update_meeting(meeting, {"title": "Other", "guests": guests, "tell": True}, actor=people.owner)
    assert ", before" not in OutgoingMail.objects.get().text


def test_the_guests_page_has_the_link(people: Cast) -> None:
    from activities.services.guests import token_of

    meeting = make(people, video_url=CALL, guests=[{"email": "ann@guest.example", "name": ""}], tell=True)
    assert 'rel="noopener noreferrer"' in Client().get(f"/invited/{token_of(meeting.guests.get())}/").text


@pytest.mark.parametrize(("text", "wanted"), [("Tom Teammate", 302), ("tom", 302), ("To", 422), ("Nobody At All", 422)])
def test_colleagues_are_guests_by_their_names(people: Cast, text: str, wanted: int) -> None:
    assert signed_in(people.owner).post("/meetings/new/", posted(guests=text)).status_code == wanted
    if wanted == 302:
        assert Meeting.objects.get().guests.get().email == people.teammate.email


def test_a_name_that_several_have_says_so(people: Cast) -> None:
    User.objects.filter(pk=people.manager.pk).update(name="Tom Teammate")
    response = signed_in(people.owner).post("/meetings/new/", posted(guests="Tom Teammate"))
    assert response.status_code == 422
    assert "Several people are called Tom Teammate" in response.text
    User.objects.filter(pk=people.manager.pk).update(is_active=False)
    assert signed_in(people.owner).post("/meetings/new/", posted(guests="Tom Teammate")).status_code == 302


def test_what_nobody_was_told_of_is_no_news(people: Cast) -> None:
    meeting = make(people, location="Vienna", guests=[{"email": "ann@guest.example", "name": ""}], tell=True)
    services.update_meeting(meeting, {"location": "Graz"}, actor=people.owner)
    meeting.refresh_from_db()
    services.update_meeting(meeting, {"location": "Linz", "tell": True}, actor=people.owner)
    last = OutgoingMail.objects.filter(to_address="ann@guest.example").order_by("pk").last()
    assert last is not None and "Linz" in last.text and "before: Graz" not in last.text, "they know of Vienna"
    meeting.refresh_from_db()
    services.update_meeting(meeting, {"location": "Wels", "tell": True}, actor=people.owner)
    last = OutgoingMail.objects.filter(to_address="ann@guest.example").order_by("pk").last()
    assert last is not None and "Place, before: Linz" in last.text
