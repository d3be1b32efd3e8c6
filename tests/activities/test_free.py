"""Who is free: what colleagues do at a time, and when all have time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities import services
from activities.models import Meeting, MeetingGuest
from activities.selectors.free import Availability, is_called, who_is_free
from tests.factories import Cast, make_user, signed_in
from users.models import Holiday, Organisation, User
from users.selectors import forget_organisation

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
MONDAY = date(2027, 3, 8)


def at(hour: int, minute: int = 0, *, day: date = MONDAY, zone: Any = BERLIN) -> datetime:
    return datetime.combine(day, time(hour, minute), zone)


@pytest.fixture
def house(people: Cast) -> Cast:
    """Everybody in Berlin, from nine to five on weekdays."""
    Organisation.objects.update_or_create(pk=1, defaults={"work_days": [0, 1, 2, 3, 4], "work_start": time(9), "work_end": time(17)})
    User.objects.update(time_zone="Europe/Berlin")
    forget_organisation()
    for person in (people.owner, people.teammate, people.manager, people.stranger, people.admin):
        person.refresh_from_db()
        person.__dict__.pop("zone", None)
    return people


def ask(reader: User, guests: list[str], start: datetime, minutes: int = 60, owner: User | None = None, **more: Any) -> Availability:
    return who_is_free(reader, owner or reader, guests, start, start + timedelta(minutes=minutes), now=more.pop("now", at(8)), **more)


def states(found: Availability) -> dict[str, str]:
    return {
        each.user.name: "unknown" if not each.known else "free" if each.is_free else "busy" if each.taken else "away" if each.away else "outside"
        for each in found.people
    }


def meet(owner: User, start: datetime, minutes: int = 60, **more: Any) -> Meeting:
    return services.create_meeting({"title": "Budget", "starts_at": start, "ends_at": start + timedelta(minutes=minutes), **more}, actor=owner)


def test_each_is_free_or_busy_and_the_next_times_suit_all(house: Cast) -> None:
    meet(house.teammate, at(10))
    meet(house.owner, at(11, 30), 30)
    found = ask(house.owner, ["Tom Teammate"], at(10, 30), now=at(8))
    assert states(found) == {"Olivia Owner": "free", "Tom Teammate": "busy"}
    assert [start for start, _end in found.times] == [at(12), at(13), at(14)]
    assert [end - start for start, end in found.times] == [timedelta(hours=1)] * 3
    assert found.people[1].taken[0].title == "Budget"


def test_nothing_is_in_the_way_of_what_begins_when_it_ends(house: Cast) -> None:
    meet(house.teammate, at(10))
    assert states(ask(house.owner, [house.teammate.email], at(11)))["Tom Teammate"] == "free"
    assert states(ask(house.owner, [house.teammate.email.upper()], at(9)))["Tom Teammate"] == "free"
    assert states(ask(house.owner, [house.teammate.email], at(10, 59)))["Tom Teammate"] == "busy"
    assert states(ask(house.owner, [house.teammate.email], at(10, 30), 0))["Tom Teammate"] == "busy"


def test_the_meeting_itself_is_not_in_its_own_way(house: Cast) -> None:
    meeting = meet(house.owner, at(10))
    assert states(ask(house.owner, [], at(10)))["Olivia Owner"] == "busy"
    assert states(ask(house.owner, [], at(10), but=meeting.pk))["Olivia Owner"] == "free"


def test_a_private_meeting_has_no_title(house: Cast) -> None:
    meet(house.teammate, at(10), title="Zebratalk", is_private=True)
    for reader in (house.owner, house.manager, house.admin):
        (taken,) = next(each.taken for each in ask(reader, [house.teammate.email], at(10)).people if each.user == house.teammate)
        assert taken.title == ""
    (taken,) = ask(house.teammate, [], at(10)).people[0].taken
    assert taken.title == "Zebratalk"


def test_of_others_than_the_grant_reaches_nothing_is_known(house: Cast) -> None:
    meet(house.stranger, at(10))
    found = ask(house.owner, [house.stranger.email], at(10))
    assert states(found) == {"Olivia Owner": "free", house.stranger.name: "unknown"}
    assert found.people[1].taken == []
    assert found.times[0][0] == at(10, 30)  # who is not known is not asked
    assert states(ask(house.admin, [house.stranger.email], at(10)))[house.stranger.name] == "busy"


def test_who_is_invited_is_busy_until_they_decline(house: Cast) -> None:
    meeting = meet(house.owner, at(10), guests=[{"email": house.teammate.email.upper(), "name": ""}])
    assert states(ask(house.manager, [house.teammate.email], at(10)))["Tom Teammate"] == "busy"
    meeting.guests.update(state=MeetingGuest.State.DECLINED)
    assert states(ask(house.manager, [house.teammate.email], at(10)))["Tom Teammate"] == "free"


def test_working_hours_are_on_each_ones_clock(house: Cast) -> None:
    """New York is six hours behind, five in the two weeks in which only it has summer time."""
    User.objects.filter(pk=house.teammate.pk).update(time_zone="America/New_York")
    found = ask(house.owner, [house.teammate.email], at(10))
    assert states(found) == {"Olivia Owner": "free", "Tom Teammate": "outside"}
    assert found.times[0][0] == at(15) == at(9, zone=NEW_YORK)
    shifted = date(2027, 3, 15)  # New York has summer time, Berlin has not
    found = ask(house.owner, [house.teammate.email], at(10, day=shifted), now=at(8, day=shifted))
    assert found.times[0][0] == at(14, day=shifted) == at(9, day=shifted, zone=NEW_YORK)
    both = date(2027, 3, 29)
    found = ask(house.owner, [house.teammate.email], at(10, day=both), now=at(8, day=both))
    assert found.times[0][0] == at(15, day=both)
    assert all(end <= at(17, day=start.astimezone(BERLIN).date()) for start, end in found.times)


def test_whole_days_are_busy_from_midnight_to_midnight_where_they_are_meant(house: Cast) -> None:
    start = at(0, zone=NEW_YORK)
    meet(house.teammate, start, 24 * 60, zone="America/New_York")
    assert states(ask(house.owner, [house.teammate.email], at(5)))["Tom Teammate"] == "outside"  # still Sunday there
    found = ask(house.owner, [house.teammate.email], at(10))
    assert found.people[1].taken[0].is_whole_days
    assert found.times[0][0] == at(9, day=MONDAY + timedelta(days=1))  # their Monday ends at six in Berlin
    whole = ask(house.owner, [], at(0, day=MONDAY + timedelta(days=2)), 24 * 60)
    assert states(whole) == {"Olivia Owner": "free"}
    assert states(ask(house.owner, [], at(0, day=date(2027, 3, 13)), 24 * 60)) == {"Olivia Owner": "outside"}  # a Saturday


def test_holidays_weekends_and_absences(house: Cast) -> None:
    Holiday.objects.create(day=MONDAY, name="Rest")
    User.objects.filter(pk=house.teammate.pk).update(away_from=date(2027, 3, 9), away_to=date(2027, 3, 11))
    forget_organisation()
    found = ask(house.owner, [house.teammate.email], at(10))
    assert states(found) == {"Olivia Owner": "outside", "Tom Teammate": "outside"}
    assert [start for start, _end in found.times] == [at(hour, day=date(2027, 3, 12)) for hour in (9, 10, 11)]
    assert states(ask(house.owner, [house.teammate.email], at(10, day=date(2027, 3, 10))))["Tom Teammate"] == "away"
    assert states(ask(house.owner, [], at(10, day=date(2027, 3, 13))))["Olivia Owner"] == "outside"


def test_looked_at_are_five_working_days(house: Cast) -> None:
    for number in range(5):
        meet(house.owner, at(9, day=MONDAY + timedelta(days=number)), 8 * 60)
    assert ask(house.owner, [], at(10)).times == []
    assert ask(house.owner, [], at(10), 9 * 60).times == []  # longer than a working day


def test_nothing_is_offered_in_the_past(house: Cast) -> None:
    found = ask(house.owner, [], at(10), now=at(12, 10))
    assert found.times[0][0] == at(12, 30)
    assert ask(house.owner, [], datetime(1990, 1, 1, tzinfo=UTC)).times[0][0] == at(9)


def test_statements_do_not_grow_with_guests(house: Cast) -> None:
    team = house.owner.team
    many = [make_user(f"p{number}@example.com", team=team, name=f"Person {number:02}") for number in range(25)]
    ask(house.owner, [], at(10))  # the reader's role is known from then on
    counts = []
    for people in (many[:1], many):
        with CaptureQueriesContext(connection) as seen:
            found = ask(house.owner, [each.email for each in people], at(10))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 5  # two of them for the organisation and its holidays
    assert (len(found.people), found.cut) == (20, True)


@pytest.mark.parametrize(("text", "fits"), [("Tom Teammate", True), ("teammate", True), ("Tom", True), ("To", False), ("", False), ("Tom <>", False)])
def test_a_name_is_of_whole_words(text: str, fits: bool) -> None:
    assert is_called(User(name="Tom Teammate"), text) is fits


# ---- the page ----


def typed(**more: str) -> dict[str, str]:
    return {"title": "Typed", "starts_at": "2027-03-08T10:00", "ends_at": "2027-03-08T11:00", "zone": "Europe/Berlin", "guests": "Tom Teammate", **more}


def test_the_form_comes_back_as_it_was_typed(house: Cast) -> None:
    meet(house.teammate, at(10), title="<b>Budget</b>")
    response = signed_in(house.owner).post("/meetings/free/", typed(deal="999999", location="x" * 300))
    assert response.status_code == 200
    text = response.text
    assert "Busy 10:00–11:00: &lt;b&gt;Budget&lt;/b&gt;" in text
    assert 'value="Typed"' in text
    assert 'action="/meetings/new/"' in text
    assert "is-invalid" not in text
    assert not Meeting.objects.filter(title="Typed").exists()


def test_htmx_gets_the_part_alone(house: Cast) -> None:
    response = signed_in(house.owner).post("/meetings/free/", typed(), HTTP_HX_REQUEST="true", HTTP_HX_TARGET="free")
    assert response.status_code == 200
    assert response.text.startswith("<ul")
    assert "Tom Teammate" in response.text


def test_a_button_fills_in_its_time(house: Cast) -> None:
    client = signed_in(house.owner)
    wanted = typed(at="2027-03-09T09:00:00+00:00/2027-03-09T10:00:00+00:00")
    text = client.post("/meetings/free/", wanted).text
    assert 'value="2027-03-09T10:00"' in text
    assert 'value="2027-03-09T11:00"' in text
    assert 'value="2027-03-09T04:00"' in client.post("/meetings/free/", wanted | {"zone": "America/New_York"}).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_at": ""},
        {"starts_at": "soon"},
        {"ends_at": "2027-03-08T09:00"},
        {"ends_at": "9" * 10_000},
        {"owner": "999999"},
        {"owner": "x", "owner_text": "Nobody"},
    ],
)
def test_a_wrong_time_is_told(house: Cast, wrong: dict[str, str]) -> None:
    response = signed_in(house.owner).post("/meetings/free/", typed(**wrong))
    assert response.status_code == 422
    assert 'value="Typed"' in response.text


@pytest.mark.parametrize("guests", ["x" * 30_000, "😀\n" * 300, "a@b@c\n<>\n\x00", ";" * 1000, "Tom"])
@pytest.mark.parametrize("at_", ["", "x", "/", "2027-03-09T09:00:00/2027-03-09T10:00:00", "9999-99-99T09:00:00+00:00/x"])
def test_hostile_guests_and_times_do_no_harm(house: Cast, guests: str, at_: str) -> None:
    assert signed_in(house.owner).post("/meetings/free/", typed(guests=guests, at=at_)).status_code == 200


def test_of_a_meeting_that_is_there(house: Cast) -> None:
    meeting = meet(house.owner, at(10))
    response = signed_in(house.owner).post(f"/meetings/{meeting.pk}/free/", typed(version="1"))
    assert response.status_code == 200
    assert f'action="/meetings/{meeting.pk}/edit/"' in response.text
    assert "Busy" not in response.text
    assert signed_in(house.stranger).post(f"/meetings/{meeting.pk}/free/", typed()).status_code == 404
