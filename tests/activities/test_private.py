"""Private meetings: their organiser's alone, on every surface; to others at most a time at which somebody is busy."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from activities import services
from activities.models import Activity, Meeting, MeetingGuest, Notification, Reminder
from activities.selectors.work import BusyTime, busy_times, calendar_days
from activities.services.guests import token_of
from activities.services.reminders import fire_due_reminders
from crm.core.access import can, reaches, viewers_of
from crm.core.models import OutboxEvent
from crm.core.records import record_for, record_types
from mail.models import OutgoingMail
from tests.activities.conftest import Business
from tests.factories import Cast, signed_in
from users.services import deactivate_user

READERS = ("teammate", "manager", "admin", "viewer", "stranger")
LEDGER = re.compile("outgoingmail|settings/mail")  # to which address a mail left is for admins to see, and no more of it


def private(people: Cast, **more: Any) -> Meeting:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    values = {"title": "Zebratalk", "location": "Zebraroom", "description": "Zebratext", "video_url": "https://zebra.example/call"}
    values |= {"starts_at": start, "ends_at": start + timedelta(hours=1), "is_private": True, **more}
    return services.create_meeting(values, actor=more.get("owner", people.owner))


def everything(people: Cast) -> Meeting:
    """A private meeting of which everything tells that can: guests, an answer, a reminder in bell and mail, a change, and another one in the bin."""
    guest = {"email": "guest@zebra.example", "name": "Zebraguest"}
    meeting = private(people, guests=[guest], tell=True, reminder=[60])
    Reminder.objects.update(remind_at=timezone.now() - timedelta(minutes=1))
    fire_due_reminders()
    services.answer(token_of(meeting.guests.get()), MeetingGuest.State.ACCEPTED)
    meeting.refresh_from_db()
    services.update_meeting(meeting, {"title": "Zebratalk again", "tell": True}, actor=people.owner)
    services.delete_meetings([private(people, title="Zebragone").pk], actor=people.owner)
    meeting.refresh_from_db()
    return meeting


def pages(meeting: Meeting) -> list[str]:
    day = timezone.localtime(meeting.starts_at).date()
    found = [f"{record.list_url}{query}" for record in record_types() for query in ("", "?q=zebra", "export/?format=csv")]
    found += [f"/calendar/?show={show}&day={day}&who={who}" for show in ("month", "week", "day", "agenda") for who in ("me", "team")]
    found += [f"/meetings/?group={name}" for name in ("owner", "about")] + ["/meetings/?view=coming", "/meetings/?sort=-starts", "/meetings/?cols=video"]
    found += ["/", "/team/", "/focus/", "/bin/", "/bulk/", "/imports/", "/exports/", "/search/?q=zebra", "/search/?q=zebratlak", "/pick/meetings/?q=zebra"]
    found += ["/pick/meetings/?q=", f"/search/recent/?r=meetings.{meeting.pk}", "/notifications/", "/notifications/poll/", "/settings/mail/"]
    found += [
        f"/meetings/{meeting.pk}/{page}" for page in ("", "edit/", "delete/", "viewers/", "peek/", "previous/", "next/", "neighbours/", "cell/title/", "free/")
    ]
    found += [
        f"/meetings/rows/?rows={meeting.pk}.aaaa",
        f"/calendar/move/meeting/{meeting.pk}/",
        "/reports/",
        "/reports/activity/",
        f"/admin/users/user/{meeting.owner_id}/change/",
    ]
    for model in (Reminder, Notification, OutgoingMail, OutboxEvent):
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        found += [base, *(f"{base}{pk}/change/" for pk in model.objects.values_list("pk", flat=True))]
    return found


def body(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, **headers)
    assert response.status_code != 500, url
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode(errors="replace") + str(response.headers)


@pytest.mark.parametrize("who", [who if who == "admin" else pytest.param(who, marks=pytest.mark.long) for who in READERS])
def test_nobody_else_reads_of_it_anywhere(people: Cast, who: str) -> None:
    meeting = everything(people)
    client = signed_in(getattr(people, who))
    for url in pages(meeting):
        for headers in ({}, {"HTTP_ACCEPT": "application/json"}, {"HTTP_HX_REQUEST": "true"}):
            text = body(client, url, **headers).replace("q=zebra", "").replace('value="zebra', "").replace("“zebra", "").replace('"q": "zebra', "")
            assert "Zebra" not in text, url
            assert LEDGER.search(url) or "zebra.example" not in text, url


def test_the_walk_finds_what_is_not_hidden(people: Cast) -> None:
    """So that a page which shows nothing at all proves nothing: the organiser finds it on these, and of an open meeting others do."""
    meeting = everything(people)
    client, day = signed_in(people.owner), timezone.localtime(meeting.starts_at).date()
    shown = [
        "/meetings/",
        "/meetings/?q=zebra",
        f"/calendar/?show=day&day={day}",
        "/",
        "/bin/",
        "/search/?q=zebra",
        "/notifications/",
        f"/meetings/{meeting.pk}/",
    ]
    for url in shown:
        assert "Zebra" in body(client, url), url
    Meeting.objects.update(is_private=False)
    for url in ("/meetings/", f"/calendar/?show=day&day={day}&who=team", "/bin/", "/search/?q=zebra", f"/meetings/{meeting.pk}/"):
        assert "Zebra" in body(signed_in(people.admin), url), url


@pytest.mark.parametrize("who", READERS)
def test_nobody_else_touches_it(people: Cast, who: str) -> None:
    meeting, reader = private(people), getattr(people, who)
    before = Meeting.objects.values().get(pk=meeting.pk)
    client = signed_in(reader)
    for url, data in (
        ("edit/", {"title": "Mine", "version": "1"}),
        ("delete/", {}),
        ("cell/title/", {"title": "Mine", "version": "1"}),
        ("free/", {"starts_at": "2026-11-19T10:00", "ends_at": "2026-11-19T11:00"}),
    ):
        assert client.post(f"/meetings/{meeting.pk}/{url}", data).status_code == 404, url
    assert client.post(f"/calendar/move/meeting/{meeting.pk}/", {"day": "2026-11-19", "time": "10:00"}).status_code == 404
    client.post("/meetings/bulk/delete/", {"ids": [meeting.pk], "confirmed": "1"})
    assert Meeting.objects.values().get(pk=meeting.pk) == before
    for action in ("view", "change", "delete", "export"):
        assert not can(reader, action, meeting)
        assert not reaches(reader, action, meeting)
    assert list(viewers_of(meeting)) == [people.owner]


@pytest.mark.parametrize("who", ["manager", "admin"])
def test_what_is_in_the_bin_is_not_restored_by_others(people: Cast, who: str) -> None:
    meeting = private(people)
    group = services.delete_meetings([meeting.pk], actor=people.owner)
    assert signed_in(getattr(people, who)).post(f"/bin/{group}/restore/").status_code == 404
    assert signed_in(people.owner).post(f"/bin/{group}/restore/").status_code == 302
    meeting.refresh_from_db()
    assert (meeting.deleted_at, meeting.is_private) == (None, True)


def test_rows_read_with_and_without_the_policy_agree(people: Cast) -> None:
    """`reaches`, `can`, lists and arms say the same of open and private meetings of everybody."""
    users = [getattr(people, who) for who in ("owner", "teammate", "manager", "stranger", "admin", "viewer", "agent")]
    for owner in users:
        for is_private in (True, False):
            start = timezone.now()
            Meeting.objects.create(title="x", owner=owner, team=owner.team, is_private=is_private, starts_at=start, ends_at=start)
    for user in users:
        for action in ("view", "change", "delete", "export"):
            seen = set(Meeting.objects.visible_to(user, action))
            arms = [set(Meeting.objects.filter(arm)) for arm in Meeting.access_policy.arms(user, action, Meeting)]
            assert seen == {row for row in Meeting.objects.all() if reaches(user, action, row)}
            assert seen == set().union(*arms)
            assert sum(map(len, arms)) == len(seen), "arms overlap"
            assert not [row for row in seen if row.is_private and row.owner != user]
    for row in Meeting.objects.all():
        assert set(viewers_of(row)) == {user for user in users if can(user, "view", row)}


# ---- what makes it private ----


def test_it_belongs_to_no_record(people: Cast, business: Business) -> None:
    text = "A private meeting belongs to no record. Take it off the record first."
    with pytest.raises(ValidationError) as refused:
        private(people, deal=business.deal)
    assert refused.value.message_dict == {"is_private": [text]}
    meeting = private(people, is_private=False, deal=business.deal)
    with pytest.raises(ValidationError) as refused:
        services.update_meeting(meeting, {"is_private": True}, actor=people.owner)
    assert refused.value.message_dict == {"is_private": [text]}
    alone = private(people)
    with pytest.raises(ValidationError):
        services.update_meeting(alone, {"contact": business.contact}, actor=people.owner)
    client, page = signed_in(people.owner), signed_in(people.owner).get(f"/meetings/{meeting.pk}/edit/")
    posted = {"title": "Kept", "starts_at": "2026-11-19T10:00", "ends_at": "2026-11-19T11:00", "is_private": "on", "deal": business.deal.pk, "version": "1"}
    response = client.post(f"/meetings/{meeting.pk}/edit/", posted)
    assert (page.status_code, response.status_code) == (200, 422)
    assert text in response.text
    assert 'value="Kept"' in response.text
    meeting.refresh_from_db()
    assert not meeting.is_private


def test_lines_from_before_leave_the_timeline(people: Cast, business: Business) -> None:
    meeting = private(people, is_private=False, deal=business.deal, guests=[{"email": "guest@zebra.example", "name": "Zebraguest"}], tell=True)
    services.answer(token_of(meeting.guests.get()), MeetingGuest.State.ACCEPTED)
    url = f"/deals/{business.deal.pk}/"
    assert "Zebraguest" in body(signed_in(people.manager), url)
    meeting.refresh_from_db()
    services.update_meeting(meeting, {"deal": None, "contact": None, "company": None, "is_private": True}, actor=people.owner)
    assert not Activity.objects.filter(meeting=meeting, deleted_at=None).exists()
    for page in (
        url,
        f"{url}?kind=meeting",
        "/settings/mail/",
        *(f"/admin/mail/outgoingmail/{pk}/change/" for pk in OutgoingMail.objects.values_list("pk", flat=True)),
    ):
        assert "Zebra" not in body(signed_in(people.admin), page), page
    business.deal.refresh_from_db()
    assert business.deal.last_activity_at is None


@pytest.mark.parametrize("who", ["manager", "admin", "teammate"])
def test_only_the_organiser_makes_it_private(people: Cast, who: str) -> None:
    actor = getattr(people, who)
    meeting = private(people, is_private=False)
    with pytest.raises(ValidationError) as refused:
        services.update_meeting(meeting, {"is_private": True}, actor=actor)
    assert refused.value.message_dict == {"is_private": ["Only the organiser can make a meeting private."]}
    with pytest.raises(ValidationError):
        services.create_meeting({"title": "x", "starts_at": timezone.now(), "ends_at": timezone.now(), "owner": people.owner, "is_private": True}, actor=actor)


def test_given_away_it_is_the_others(people: Cast) -> None:
    meeting = private(people)
    start = f"{timezone.localtime(meeting.starts_at):%Y-%m-%dT%H:%M}"
    posted = {"title": "Zebratalk", "starts_at": start, "ends_at": start, "is_private": "on", "owner": people.teammate.pk, "version": "1", "zone": "UTC"}
    response = signed_in(people.owner).post(f"/meetings/{meeting.pk}/edit/", posted)
    assert (response.status_code, response["Location"]) == (302, "/meetings/")
    meeting.refresh_from_db()
    assert (meeting.owner, meeting.is_private) == (people.teammate, True)
    assert not can(people.owner, "view", meeting)
    assert can(people.teammate, "change", meeting)


def test_it_goes_to_the_successor(people: Cast) -> None:
    meeting = private(people)
    deactivate_user(people.owner, successor=people.teammate, actor=people.admin)
    meeting.refresh_from_db()
    assert (meeting.owner, meeting.is_private) == (people.teammate, True)
    assert list(viewers_of(meeting)) == [people.teammate]


def test_it_is_kept_in_the_audit_trail(people: Cast) -> None:
    meeting = private(people, is_private=False)
    services.update_meeting(meeting, {"is_private": True}, actor=people.owner)
    assert list(meeting.events.order_by("pgh_id").values_list("is_private", flat=True)) == [False, True]  # type: ignore[attr-defined]


# ---- what others see of it ----


@pytest.mark.parametrize(("who", "sees"), [("teammate", True), ("manager", True), ("admin", True), ("stranger", False)])
def test_others_see_that_somebody_is_busy(people: Cast, who: str, sees: bool) -> None:
    meeting, reader = private(people), getattr(people, who)
    day = timezone.localtime(meeting.starts_at).date()
    rows = calendar_days(reader, [day], people.owner.zone, team=True).days[0].rows
    assert rows == ([BusyTime(people.owner, meeting.starts_at, meeting.ends_at, meeting.zone)] if sees else [])
    for show in ("month", "week", "day", "agenda"):
        text = body(signed_in(reader), f"/calendar/?show={show}&day={day}&who=team")
        assert ("Busy" in text) is sees, show
        assert (people.owner.name in text) is sees, show
        assert f"/meetings/{meeting.pk}/" not in text
        assert f"/move/meeting/{meeting.pk}/" not in text


def test_the_organiser_sees_the_meeting_itself(people: Cast) -> None:
    meeting = private(people)
    day = timezone.localtime(meeting.starts_at).date()
    for who in ("me", "team"):
        text = body(signed_in(people.owner), f"/calendar/?show=day&day={day}&who={who}")
        assert "Zebratalk" in text
        assert "Busy" not in text


def test_busy_for_whole_days_is_for_whole_days(people: Cast) -> None:
    start = datetime(2026, 11, 19, tzinfo=people.owner.zone)
    private(people, starts_at=start, ends_at=start + timedelta(days=2))
    (busy,) = busy_times(people.admin, start, start + timedelta(days=1))
    assert busy.is_whole_days
    days = [start.date() + timedelta(days=number) for number in range(3)]
    assert [len(day.rows) for day in calendar_days(people.admin, days, people.owner.zone, team=True).days] == [1, 1, 0]


def test_who_looks_as_a_colleague_sees_no_more_than_busy(people: Cast) -> None:
    meeting = everything(people)
    client = signed_in(people.admin)
    assert client.post(f"/settings/users/{people.owner.pk}/view-as/").status_code == 302
    assert people.owner.name in body(client, "/meetings/")
    for url in pages(meeting):
        text = body(client, url).replace("q=zebra", "").replace('value="zebra', "").replace("“zebra", "")
        assert "Zebra" not in text, url
        assert "zebra.example" not in text, url
    day = timezone.localtime(meeting.starts_at).date()
    assert "Busy" in body(client, f"/calendar/?show=day&day={day}")


def test_calendars_are_told_that_it_is_private(people: Cast) -> None:
    meeting = private(people, guests=[{"email": "guest@zebra.example", "name": ""}], tell=True)
    mail = OutgoingMail.objects.get(to_address="guest@zebra.example")
    assert "Zebratalk" in mail.subject
    feed = body(Client(), f"/calendar/feed/{services.make_feed(actor=people.owner)}.ics")
    for text in (mail.calendar, feed.partition("END:VCALENDAR")[0] + "END:VCALENDAR\r\n"):
        (event,) = Calendar.from_ical(text).walk("VEVENT")
        assert (str(event["CLASS"]), str(event["SUMMARY"])) == ("PRIVATE", "Zebratalk")
    services.update_meeting(meeting, {"is_private": False}, actor=people.owner)
    assert "CLASS:" not in body(Client(), f"/calendar/feed/{services.make_feed(actor=people.owner)}.ics")


def test_the_admin_shows_no_meeting() -> None:
    assert not [model for model in site._registry if model in (Meeting, MeetingGuest, Activity)]
    assert record_for("meetings") is not None
