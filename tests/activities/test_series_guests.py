"""Guests of meetings that repeat: one invitation for all, a mail of its own for what happens to one; and what calendars make of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from itertools import islice
from typing import Any

import pytest
import vobject
from dateutil.rrule import rrulestr
from django.test import Client
from icalendar import Calendar

from activities import services
from activities.models import Activity, Meeting, MeetingGuest, MeetingSeries, Notification, SeriesGuest
from activities.services.guests import token_of
from contacts.services import update_contact
from crm.core.bin import restore_rows
from deals.services import delete_deals
from mail.models import OutgoingMail
from mail.services.ledger import build
from tests.activities.conftest import Business
from tests.activities.series import BERLIN, WEEKLY, berlin, clocks, later, make, rows
from tests.activities.test_feeds import url_of
from tests.activities.test_guests import ANN, BEN
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("clock")

CAT = {"email": "cat@guest.example", "name": "Cat"}


def mails() -> list[tuple[str, str, Any]]:
    """(address, method, calendar) of the mails since the last call; each also read by vobject."""
    found = []
    for mail in OutgoingMail.objects.exclude(calendar="").order_by("pk"):
        vobject.readOne(mail.calendar)
        calendar = Calendar.from_ical(mail.calendar)
        assert len({str(event["UID"]) for event in calendar.walk("VEVENT")}) == 1
        found.append((mail.to_address.partition("@")[0].lower(), str(calendar["METHOD"]), calendar))
    OutgoingMail.objects.all().delete()
    return sorted(found, key=lambda each: each[:2])


def told() -> list[tuple[str, str, str]]:
    """(who, method, what): `all`, or the day by the rule of the one that it is about."""
    return [(who, method, _what(calendar)) for who, method, calendar in mails()]


def _what(calendar: Any) -> str:
    first = calendar.walk("VEVENT")[0]
    return f"{first.decoded('RECURRENCE-ID'):%m-%d}" if "RECURRENCE-ID" in first else "all"


def shown(calendar: Any, most: int = 200) -> list[datetime]:
    """When a calendar shows the meetings of an invitation: the days of RRULE without EXDATE, and those that stand for some of them."""
    master, *others = calendar.walk("VEVENT")
    start = master.decoded("DTSTART")
    rule = rrulestr(master["RRULE"].to_ical().decode(), dtstart=start if isinstance(start, datetime) else datetime.combine(start, datetime.min.time()))
    given = master.get("EXDATE", [])
    left_out = {each.dt for dates in (given if isinstance(given, list) else [given]) for each in dates.dts}
    moved = {event.decoded("RECURRENCE-ID"): event.decoded("DTSTART") for event in others}
    days = list(islice((at if isinstance(start, datetime) else at.date() for at in rule), most))
    assert left_out | moved.keys() <= set(days)
    return sorted(moved.get(at, at) for at in days if at not in left_out)


RULES: list[dict[str, Any]] = [
    {"frequency": "weekly"},
    {"frequency": "weekly", "weekdays": [0, 1, 2, 3, 4], "times": 30},
    {"frequency": "weekly", "interval": 3, "weekdays": [0, 4], "times": 9},
    {"frequency": "weekly", "times": None, "until": date(2027, 4, 13)},
    {"frequency": "daily", "interval": 10, "times": None, "until": date(2027, 11, 30)},
    {"frequency": "monthly", "month_day": 31, "times": 12},
    {"frequency": "monthly", "nth": -1, "weekdays": [4], "times": 8},
    {"frequency": "monthly", "nth": 2, "weekdays": [1], "times": 8},
    {"frequency": "yearly", "times": 2},
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("start", [berlin(2), berlin(2, hour=0)])
def test_calendars_show_what_is_there(people: Cast, rule: dict[str, Any], start: datetime) -> None:
    end = start + timedelta(days=1) if start.hour == 0 else start + timedelta(hours=1)
    meeting = make(people, rule, start, ends_at=end, guests=[ANN], tell=True)
    services.delete_meeting(rows()[1], "one", actor=people.owner)
    ((_who, _method, calendar),) = [each for each in mails() if _what(each[2]) == "all"]
    services.change_meeting(meeting, {"title": "Again", "scope": "all", "tell": True}, actor=people.owner)
    ((_who, _method, calendar),) = mails()
    expected = [each.starts_at.astimezone(BERLIN) if start.hour else each.starts_at.astimezone(BERLIN).date() for each in rows()]
    assert shown(calendar) == expected
    event = calendar.walk("VEVENT")[0]
    assert event.decoded("DTEND") - event.decoded("DTSTART") == (timedelta(hours=1) if start.hour else timedelta(days=1))


def test_one_without_end(people: Cast) -> None:
    make(people, {"frequency": "weekly", "times": None}, guests=[ANN], tell=True)
    ((_who, _method, calendar),) = mails()
    assert shown(calendar, 105) == [each.starts_at for each in rows()]
    with later(timedelta(days=30)):
        services.close_past_meetings()
        assert services.carry_on_meetings() == 4
        assert told() == [], "nobody is told of what the invitation says already"
    assert {guest.invited_at is not None for guest in MeetingGuest.objects.all()} == {True}


def test_one_invitation_for_all(people: Cast) -> None:
    meeting = make(people, guests=[ANN, BEN], tell=True, location="Hall 3")
    mail = OutgoingMail.objects.get(to_address=ANN["email"])
    assert "Every Tuesday at 10:00" in mail.text and "6 times" in mail.text and "2 Mar 2027" in mail.text
    assert mail.subject == "Invitation: Jour fixe"
    parts = {part.get_content_type(): part for part in message_from_bytes(build(mail).as_bytes(), policy=policy.default).walk()}
    assert dict(parts["text/calendar"]["Content-Type"].params)["method"] == "REQUEST"
    assert parts["text/calendar"].get_content().split() == mail.calendar.split() == parts["application/ics"].get_content().decode().split()
    found = mails()
    assert [each[:2] for each in found] == [("ann", "REQUEST"), ("ben", "REQUEST")]
    assert meeting.series is not None
    for _who, _method, calendar in found:
        (event,) = calendar.walk("VEVENT")
        assert (str(event["UID"]), int(event["SEQUENCE"]), str(event["LOCATION"])) == (str(meeting.series.uuid), 0, "Hall 3")
        assert event["DTSTART"].params["TZID"] == "Europe/Berlin" and calendar.walk("VTIMEZONE")
        assert [str(each) for each in event["ATTENDEE"]] == ["mailto:ann@guest.example", "mailto:Ben@guest.example"]
    assert MeetingGuest.objects.count() == 12


def test_who_is_told_of_what(people: Cast) -> None:
    make(people, guests=[ANN, BEN], tell=True)
    told()
    third = rows()[2]
    services.change_meeting(third, {"starts_at": berlin(17), "ends_at": berlin(17, hour=11), "tell": True}, actor=people.owner)
    assert told() == [("ann", "REQUEST", "03-16"), ("ben", "REQUEST", "03-16")]
    services.change_meeting(rows()[0], {"description": "Words", "scope": "all", "tell": True}, actor=people.owner)
    assert told() == [], "an invitation is not about that"
    services.change_meeting(rows()[0], {"title": "Round", "scope": "all"}, actor=people.owner)
    assert told() == [], "nobody asked"
    services.change_meeting(rows()[0], {"location": "Hall 4", "scope": "all", "tell": True}, actor=people.owner)
    found = mails()
    assert [(who, method, _what(calendar)) for who, method, calendar in found] == [("ann", "REQUEST", "all"), ("ben", "REQUEST", "all")]
    assert shown(found[0][2]) == [each.starts_at for each in rows()], "with the one that was moved"
    assert [int(event["SEQUENCE"]) for event in found[0][2].walk("VEVENT")] == [2, 3]
    services.delete_meeting(rows()[1], "one", actor=people.owner)
    found = mails()
    assert [(who, method, _what(calendar)) for who, method, calendar in found] == [("ann", "CANCEL", "03-09"), ("ben", "CANCEL", "03-09")]
    assert str(found[0][2].walk("VEVENT")[0]["UID"]) == str(MeetingSeries.objects.get().uuid)


def test_the_following_are_told_as_a_series_of_their_own(people: Cast) -> None:
    make(people, guests=[ANN], tell=True)
    told()
    changed = services.change_meeting(
        rows()[2], {"starts_at": berlin(16, hour=14), "ends_at": berlin(16, hour=15), "scope": "following", "tell": True}, actor=people.owner
    )
    first, second = mails()
    old, new = MeetingSeries.objects.order_by("pk")
    by_uid = {str(each[2].walk("VEVENT")[0]["UID"]): each[2] for each in (first, second)}
    assert shown(by_uid[str(old.uuid)]) == [each.starts_at for each in rows()[:2]]
    assert shown(by_uid[str(new.uuid)]) == [each.starts_at for each in rows(changed)]
    assert (new.sequence, old.sequence) == (0, 1)


@pytest.mark.parametrize(
    ("number", "scope", "expected"),
    [
        (2, "following", [("ann", "REQUEST", "all")]),
        (5, "following", [("ann", "CANCEL", "04-06")]),
        (0, "all", [("ann", "CANCEL", "all")]),
    ],
)
def test_a_deletion_is_told_once(people: Cast, number: int, scope: str, expected: Any) -> None:
    make(people, guests=[ANN], tell=True)
    told()
    group = services.delete_meeting(rows()[number], scope, actor=people.owner)
    found = mails()
    assert [(who, method, _what(calendar)) for who, method, calendar in found] == expected
    if expected[0][1] == "REQUEST":
        assert shown(found[0][2]) == [each.starts_at for each in rows()]
    restore_rows(Meeting, group, actor=people.owner)
    ((_who, method, calendar),) = mails()
    assert method == "REQUEST"
    assert _what(calendar) != "all" or shown(calendar) == [each.starts_at for each in rows()]
    assert clocks(rows()) == WEEKLY


def test_the_end_of_one_without_end_is_told_and_taken_back(people: Cast) -> None:
    make(people, {"frequency": "yearly", "times": None}, guests=[ANN], tell=True)
    told()
    last = rows()[-1]
    group = services.delete_meeting(last, "following", actor=people.owner)
    ((_who, method, calendar),) = mails()
    assert (method, _what(calendar)) == ("REQUEST", "all") and "UNTIL" in calendar.to_ical().decode()
    restore_rows(Meeting, group, actor=people.owner)
    ((_who, method, calendar),) = mails()
    assert (method, _what(calendar)) == ("REQUEST", "all") and "UNTIL" not in calendar.to_ical().decode()


def test_several_that_are_deleted_in_the_list_are_one_mail(people: Cast) -> None:
    make(people, guests=[ANN], tell=True)
    told()
    group = services.delete_meetings([each.pk for each in rows()[1:4]], actor=people.owner)
    ((who, method, calendar),) = mails()
    assert (who, method, shown(calendar)) == ("ann", "REQUEST", [each.starts_at for each in rows()])
    restore_rows(Meeting, group, actor=people.owner)
    ((_who, _method, calendar),) = mails()
    assert shown(calendar) == [each.starts_at for each in rows()]


def test_a_deleted_deal_takes_its_series_along_with_one_mail(people: Cast, business: Business) -> None:
    make(people, guests=[ANN], tell=True, deal=business.deal)
    told()
    group = delete_deals([business.deal.pk], actor=people.owner)
    assert told() == [("ann", "CANCEL", "all")]
    restore_rows(Meeting, group, actor=people.owner)
    assert told() == [("ann", "REQUEST", "all")]


def test_a_shorter_rule_is_one_mail(people: Cast) -> None:
    meeting = make(people, guests=[ANN], tell=True)
    told()
    services.change_meeting(meeting, {"repeat": {"frequency": "weekly", "times": 3}, "scope": "all", "tell": True}, actor=people.owner)
    ((who, method, calendar),) = mails()
    assert (who, method, shown(calendar)) == ("ann", "REQUEST", [each.starts_at for each in rows()])


def test_guests_of_all_and_guests_of_one(people: Cast) -> None:
    meeting = make(people, guests=[ANN], tell=True)
    told()
    services.change_meeting(rows()[1], {"guests": [ANN, CAT], "tell": True}, actor=people.owner)
    assert told() == [("cat", "REQUEST", "03-09")]
    services.change_meeting(rows()[3], {"guests": [], "tell": True}, actor=people.owner)
    assert told() == [("ann", "CANCEL", "03-23")]
    services.change_meeting(meeting, {"guests": [ANN, BEN], "scope": "all", "tell": True}, actor=people.owner)
    assert told() == [("ben", "REQUEST", "all")], "only who is new"
    services.change_meeting(meeting, {"location": "Hall 4", "scope": "all", "tell": True}, actor=people.owner)
    found = {who: calendar for who, _method, calendar in mails()}
    there = [each.starts_at for each in rows()]
    assert shown(found["ben"]) == there
    assert shown(found["ann"]) == [*there[:3], *there[4:]], "she was taken from one"
    services.change_meeting(meeting, {"guests": [BEN], "scope": "all", "tell": True}, actor=people.owner)
    assert told() == [("ann", "CANCEL", "all")]
    assert set(SeriesGuest.objects.values_list("email", flat=True)) == {BEN["email"]}
    group = services.delete_meeting(meeting, "all", actor=people.owner)
    assert told() == [("ben", "CANCEL", "all"), ("cat", "CANCEL", "03-09")]
    assert group


def test_a_single_meeting_that_begins_to_repeat_stays_the_same_entry(people: Cast) -> None:
    values = {"title": "Once", "starts_at": berlin(2), "ends_at": berlin(2, hour=11), "zone": "Europe/Berlin", "guests": [ANN], "tell": True}
    single = services.create_meeting(values, actor=people.owner)
    ((_who, _method, before),) = mails()
    services.change_meeting(single, {"repeat": {"frequency": "weekly", "times": 3}, "tell": True}, actor=people.owner)
    ((_who, _method, after),) = mails()
    old, new = before.walk("VEVENT")[0], after.walk("VEVENT")[0]
    assert old["UID"] == new["UID"] and int(new["SEQUENCE"]) > int(old["SEQUENCE"])
    assert shown(after) == [each.starts_at for each in rows()]


# ---- answers ----


def test_an_answer_counts_for_all_to_come(people: Cast, business: Business) -> None:
    update_contact(business.contact, {"email": "ann@guest.example"}, actor=people.owner)
    make(people, guests=[ANN, BEN], tell=True, contact=business.contact)
    mail = OutgoingMail.objects.get(to_address=ANN["email"])
    guest = SeriesGuest.objects.get(email=ANN["email"])
    url = f"/invited/{token_of(guest)}/"
    assert url in mail.text
    with later(timedelta(days=10)):
        services.close_past_meetings()
        page = Client().get(url).content.decode()
        assert "Jour fixe" in page and "16 Mar 2027" in page and "Every Tuesday" in page
        assert Client().post(url, {"answer": "declined"}).status_code == 302
        states = list(MeetingGuest.objects.filter(email=ANN["email"]).order_by("meeting__starts_at").values_list("state", flat=True))
        assert states == ["invited"] * 2 + ["declined"] * 4
        assert Activity.objects.filter(verb="answered").count() == Notification.objects.filter(user=people.owner).count() == 1
        # One that was asked anew by itself has its own answer.
        fifth = rows()[4]
        services.change_meeting(fifth, {"starts_at": berlin(31), "ends_at": berlin(31, hour=11), "tell": True}, actor=people.owner)
        services.answer(token_of(fifth.guests.get(email=ANN["email"])), "accepted")
        states = list(MeetingGuest.objects.filter(email=ANN["email"]).order_by("meeting__starts_at").values_list("state", flat=True))
        assert states == ["invited"] * 2 + ["declined"] * 2 + ["accepted", "declined"]
    with later(timedelta(days=60)):
        assert Client().get(url).status_code == 410, "all is over"
    assert Client().get(f"/invited/{token_of(guest).replace(f's{guest.pk}-', f's{guest.pk + 1}-')}/").status_code == 410


def test_a_new_time_asks_anew(people: Cast) -> None:
    meeting = make(people, guests=[ANN], tell=True)
    services.answer(token_of(SeriesGuest.objects.get()), "accepted")
    services.change_meeting(meeting, {"title": "Round", "scope": "all"}, actor=people.owner)
    assert set(MeetingGuest.objects.values_list("state", flat=True)) == {"accepted"}
    services.change_meeting(rows()[0], {"starts_at": berlin(2, hour=9), "ends_at": berlin(2, hour=10), "scope": "all"}, actor=people.owner)
    assert set(MeetingGuest.objects.values_list("state", flat=True)) == {"invited"} == set(SeriesGuest.objects.values_list("state", flat=True))


# ---- the feed ----


def test_the_feed_shows_each_once(people: Cast) -> None:
    make(people, guests=[ANN])
    services.change_meeting(rows()[2], {"starts_at": berlin(17), "ends_at": berlin(17, hour=11)}, actor=people.owner)
    services.delete_meeting(rows()[4], "one", actor=people.owner)
    body = Client().get(url_of(people.owner)).content.decode()
    events = Calendar.from_ical(body).walk("VEVENT")
    assert [event.decoded("DTSTART") for event in events] == [each.starts_at for each in rows()]
    assert len({str(event["UID"]) for event in events}) == 5
    assert not any("RRULE" in event or "RECURRENCE-ID" in event for event in events)
    assert len(vobject.readOne(body).vevent_list) == 5
