"""The calendar's views, and moving what stands on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from activities import services
from activities.models import Meeting
from activities.panels.calendar import Placed, half_hours, side_by_side
from contacts.services import create_contact
from deals.services import create_deal
from tests.activities.conftest import Business, in_berlin
from tests.core.custom.fields import make_field
from tests.factories import Cast, signed_in

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
JSON = {"Accept": "application/json"}
ALL = "&layer=meetings&layer=tasks&layer=calls&layer=dates"


@pytest.fixture
def client(people: Cast) -> Client:
    return in_berlin(people)


def meeting(people: Cast, start: datetime, minutes: int = 60, **more: Any) -> Meeting:
    values = {"title": "Kick-off", "starts_at": start, "ends_at": start + timedelta(minutes=minutes), **more}
    return services.create_meeting(values, actor=people.owner)


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_each_view_shows_the_day(client: Client, people: Cast) -> None:
    meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN))
    services.create_task({"title": "Whole-day task", "due_on": date(2027, 3, 10)}, actor=people.owner)
    services.create_task({"title": "Timed task", "due_on": date(2027, 3, 10), "due_time": time(9, 30)}, actor=people.owner)
    for show in ("month", "week", "day", "agenda"):
        page = text(client, f"/calendar/?show={show}&day=2027-03-10")
        assert all(title in page for title in ("Kick-off", "Whole-day task", "Timed task")), show
        assert "style=" not in page.partition("<main")[2]
    assert "Kick-off" not in text(client, "/calendar/?show=day&day=2027-03-11")
    assert "Kick-off" not in text(client, "/calendar/?show=week&day=2027-03-03")


def test_the_teams_calendar(client: Client, people: Cast) -> None:
    start = datetime(2027, 3, 10, 9, tzinfo=BERLIN)
    for person, title in ((people.teammate, "Of a colleague"), (people.stranger, "Of another team")):
        services.create_meeting({"title": title, "starts_at": start, "ends_at": start}, actor=person)
    for show in ("month", "week", "day", "agenda"):
        team, mine = text(client, f"/calendar/?show={show}&day=2027-03-10&who=team"), text(client, f"/calendar/?show={show}&day=2027-03-10")
        assert ("Of a colleague" in team, "Of another team" in team, "Of a colleague" in mine) == (True, False, False), show


@pytest.mark.parametrize("query", ["show=year", "show=", "day=2027-02-30", "day=x", "day=1970-01-01", "day=9999-01-01", "show=week&day=%00"])
def test_what_is_not_there_is_a_400(client: Client, query: str) -> None:
    assert client.get(f"/calendar/?{query}").status_code == 400


def test_the_ends_of_the_calendar(client: Client) -> None:
    for day in ("1970-02-12", "2199-11-20"):
        for show in ("month", "week", "day", "agenda"):
            text(client, f"/calendar/?show={show}&day={day}")


def test_entries_beside_each_other() -> None:
    placed = side_by_side([Placed("a", 18, 22), Placed("b", 20, 21), Placed("c", 21, 24), Placed("d", 24, 25), Placed("e", 18, 19)])
    found = {each.row: (each.lane, each.lanes) for each in placed}
    assert found == {"a": (0, 2), "e": (1, 2), "b": (1, 2), "c": (1, 2), "d": (0, 1)}
    for one in placed:
        assert not any(one is not two and one.lane == two.lane and one.start < two.end and two.start < one.end for two in placed)


@pytest.mark.parametrize(
    ("start", "end", "slots"),
    [
        ((9, 0), (10, 0), (18, 20)),
        ((9, 10), (9, 20), (18, 19)),
        ((23, 45), (23, 45), (47, 48)),
        ((0, 0), (0, 0), (0, 1)),
        ((9, 0), (9, 0), (18, 19)),
    ],
)
def test_half_hours(start: tuple[int, int], end: tuple[int, int], slots: tuple[int, int]) -> None:
    day = date(2027, 3, 10)
    assert half_hours(datetime(2027, 3, 10, *start, tzinfo=BERLIN), datetime(2027, 3, 10, *end, tzinfo=BERLIN), day, BERLIN) == slots


def test_half_hours_over_midnight_and_on_the_long_day() -> None:
    evening, morning = datetime(2027, 3, 10, 22, tzinfo=BERLIN), datetime(2027, 3, 11, 2, tzinfo=BERLIN)
    assert half_hours(evening, morning, date(2027, 3, 10), BERLIN) == (44, 48)
    assert half_hours(evening, morning, date(2027, 3, 11), BERLIN) == (0, 4)
    first = datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN).astimezone(UTC)  # the clock goes back from three to two
    assert half_hours(first, first + timedelta(minutes=45), date(2027, 10, 31), BERLIN) == (5, 6)


def test_many_at_once_stay_on_the_page(client: Client, people: Cast) -> None:
    for number in range(8):
        meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN), title=f"Parallel {number}")
    page = text(client, "/calendar/?show=week&day=2027-03-10")
    assert page.count("Parallel") >= 6
    assert "2 more" in page
    assert page.count(" of6-") == 6


def test_a_second_time_zone_stands_beside_the_hours(client: Client, people: Cast) -> None:
    assert "there" not in text(client, "/calendar/?show=week&day=2027-03-10")
    form = client.get("/profile/").context["form"]
    values = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert client.post("/profile/", {**values, "second_zone": "Nowhere/Land"}).status_code == 422
    assert client.post("/profile/", {**values, "second_zone": "Asia/Kolkata"}).status_code == 302
    for show in ("week", "day"):
        page = text(client, f"/calendar/?show={show}&day=2027-03-10")
        assert '<span class="there">13:30</span>09:00' in page, show
        assert page.count('class="zones"') == 1
    assert '<span class="there">12:30</span>09:00' in text(client, "/calendar/?show=day&day=2027-03-29")  # a day after Berlin's clocks went on
    assert "there" not in text(client, "/calendar/?show=month&day=2027-03-10")


def test_another_day_keeps_the_look(client: Client) -> None:
    page = text(client, "/calendar/?show=week&day=2027-03-10&layer=meetings&layer=dates")
    assert 'name="show" value="week"' in page
    assert 'type="hidden" name="layer" value="dates"' in page
    week = text(client, "/calendar/?show=week&layer=meetings&layer=dates&day=2027-05-06")
    assert week.count('<ul class="slots" data-day="2027-05-') == 7
    assert 'name="day" value="2027-05-06"' in week


# ---- dates of records ----


@pytest.fixture
def dated(people: Cast, business: Business) -> Any:
    """Rules for two dates of contacts and for deals, and records that have them."""
    since = make_field("date", "contacts", "Customer since")
    for key, repeats in (("contacts.contact:birthday", "yearly"), (f"contacts.contact:{since.name}", "yearly"), ("deals.deal:close_date", "once")):
        for days in (0, 3):
            services.create_date_rule({"date": key, "repeats": repeats, "days_before": days}, actor=None)
    for name, owner in (("Lee", people.owner), ("Stranger", people.teammate)):
        values = {"first_name": "Ann", "last_name": name, "owner": owner, "birthday": "1987-03-12", since.name: date(2020, 3, 11)}
        create_contact(values, actor=None)
    create_contact({"last_name": "Leap", "owner": people.owner, "birthday": "--02-29", since.name: date(2029, 3, 11)}, actor=None)
    create_deal({"name": "Roof", "owner": people.owner, "close_date": date(2027, 3, 9)}, actor=None)
    return since


def test_birthdays_and_other_dates_are_a_layer(client: Client, people: Cast, business: Business, dated: Any) -> None:
    for show in ("month", "week", "agenda"):
        plain = text(client, f"/calendar/?show={show}&day=2027-03-10")
        assert "Ann Lee" not in plain
        page = text(client, f"/calendar/?show={show}&day=2027-03-08{ALL}")
        assert page.count("Ann Lee: birthday (40)</a>") == 1, "once, however many reminders it has"
        assert "Ann Lee: Customer since (7)" in page
        assert "Roof: expected close date" in page
        assert "Stranger" not in page
        assert "Leap: Customer since" not in page, "comes back after it was there"
        assert "layer=dates&amp;day=" in page, "the next page has them too"
    day = text(client, f"/calendar/?show=day&day=2027-02-28{ALL}")
    assert "Leap: birthday" in day
    assert "Leap: birthday (" not in day
    assert "Leap" not in text(client, f"/calendar/?show=day&day=2028-02-28{ALL}")
    assert "Roof" not in text(client, f"/calendar/?show=day&day=2028-03-09{ALL}"), "once"


def test_many_dates_on_a_day_stay_on_the_page(client: Client, people: Cast, dated: Any) -> None:
    for number in range(8):
        create_contact({"last_name": f"N{number}", "owner": people.owner, "birthday": "--05-04"}, actor=None)
    page = text(client, f"/calendar/?show=month&day=2027-05-04{ALL}")
    assert page.count(": birthday</a>") == 3
    assert "5 more" in page
    assert "show=agenda&amp;layer=meetings&amp;layer=tasks&amp;layer=calls&amp;layer=dates&amp;day=2027-05-04" in page
    assert text(client, f"/calendar/?show=agenda&day=2027-05-04{ALL}").count(": birthday</a>") == 8


def test_whose_dates_are_shown(people: Cast, business: Business, dated: Any) -> None:
    role = people.owner.role
    role.grants = {**role.grants, "contacts_contact": {"view": "none"}}
    role.save()
    page = text(signed_in(people.owner), f"/calendar/?show=month&day=2027-03-10{ALL}")
    assert "Ann Lee" not in page
    assert "Roof" in page
