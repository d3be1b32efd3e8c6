"""The calendar's views, and moving what stands on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from activities import services
from activities.models import Meeting, Task
from activities.panels.calendar import Placed, half_hours, side_by_side
from contacts.services import create_contact
from crm.core.writes import StaleRecord
from deals.services import create_deal
from tests.activities.conftest import Business
from tests.core.custom.fields import make_field
from tests.factories import Cast, signed_in
from users.models import User

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(people: Cast) -> Client:
    User.objects.filter(pk=people.owner.pk).update(time_zone="Europe/Berlin")
    people.owner.refresh_from_db()
    return signed_in(people.owner)


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
    page = text(client, "/calendar/?show=week&day=2027-03-10&dates=1")
    assert 'name="show" value="week"' in page
    assert 'name="dates" value="1"' in page
    week = text(client, "/calendar/?show=week&dates=1&day=2027-05-06")
    assert week.count('<ul class="slots" data-day="2027-05-') == 7
    assert 'name="day" value="2027-05-06"' in week


# ---- moving ----


def test_a_meeting_moves_and_comes_back(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN), 90)
    url = f"/calendar/move/meeting/{row.pk}/"
    assert 'value="2027-03-10"' in text(client, url)
    response = client.post(url, {"day": "2027-03-12", "time": "14:15", "version": row.version, "next": "/calendar/?show=week&day=2027-03-10"}, follow=True)
    assert response.redirect_chain == [("/calendar/?show=week&day=2027-03-10", 302)]
    row.refresh_from_db()
    assert (row.starts_at, row.ends_at - row.starts_at) == (datetime(2027, 3, 12, 14, 15, tzinfo=BERLIN), timedelta(minutes=90))
    undo = response.content.decode().partition('action="/calendar/move/')[2].partition('"')[0].replace("&amp;", "&")
    assert undo.startswith(f"meeting/{row.pk}/?day=2027-03-10")
    client.post(f"/calendar/move/{undo}")
    row.refresh_from_db()
    assert row.starts_at == datetime(2027, 3, 10, 9, tzinfo=BERLIN)


def test_a_drop_keeps_the_clock_time_over_summer_time(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 26, 9, tzinfo=BERLIN))
    response = client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-29", "version": row.version}, headers=JSON)
    assert response.status_code == 200
    row.refresh_from_db()
    assert row.starts_at == datetime(2027, 3, 29, 9, tzinfo=BERLIN)
    undone = client.post(f"/calendar/move/meeting/{row.pk}/", response.json()["undo"], headers=JSON)
    assert undone.status_code == 200
    row.refresh_from_db()
    assert row.starts_at == datetime(2027, 3, 26, 9, tzinfo=BERLIN)


def test_a_time_that_summer_time_skips_shifts_forward(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 26, 2, 30, tzinfo=BERLIN))
    client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-28", "version": row.version}, headers=JSON)
    row.refresh_from_db()
    assert row.starts_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_whole_days_stay_whole_days(client: Client, people: Cast) -> None:
    start = datetime(2027, 3, 27, tzinfo=BERLIN)
    row = services.create_meeting({"title": "Fair", "starts_at": start, "ends_at": datetime(2027, 3, 28, tzinfo=BERLIN)}, actor=people.owner)
    assert row.is_whole_days
    client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-28", "version": row.version}, headers=JSON)
    row.refresh_from_db()
    assert row.is_whole_days
    assert row.ends_at - row.starts_at == timedelta(hours=23)


def test_tasks_move_with_and_without_a_time(client: Client, people: Cast) -> None:
    timed = services.create_task({"title": "Call", "due_on": date(2027, 3, 10), "due_time": time(9)}, actor=people.owner)
    whole = services.create_task({"title": "Write", "due_on": date(2027, 3, 10)}, actor=people.owner)
    for task in (timed, whole):
        assert client.post(f"/calendar/move/task/{task.pk}/", {"day": "2027-03-29", "version": task.version}, headers=JSON).status_code == 200
        task.refresh_from_db()
    assert (timed.due_on, timed.due_time, timed.due_at) == (date(2027, 3, 29), time(9), datetime(2027, 3, 29, 9, tzinfo=BERLIN))
    assert (whole.due_on, whole.due_time) == (date(2027, 3, 29), None)
    client.post(f"/calendar/move/task/{timed.pk}/", {"day": "2027-03-30", "time": "", "version": timed.version})
    timed.refresh_from_db()
    assert (timed.due_on, timed.due_time) == (date(2027, 3, 30), None)


def test_a_time_is_meant_in_the_readers_zone(client: Client, people: Cast) -> None:
    task = services.create_task({"title": "Call", "due_on": date(2027, 3, 10), "due_time": time(9), "owner": people.owner}, actor=people.owner)
    User.objects.filter(pk=people.manager.pk).update(time_zone="America/New_York")
    people.manager.refresh_from_db()
    response = signed_in(people.manager).post(f"/calendar/move/task/{task.pk}/", {"day": "2027-03-10", "time": "20:00", "version": task.version})
    task.refresh_from_db()
    assert response.status_code == 302
    assert task.due_at == datetime(2027, 3, 10, 20, tzinfo=NEW_YORK)
    assert (task.due_on, task.due_time, task.zone) == (date(2027, 3, 11), time(2), "Europe/Berlin")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"day": "2027-02-30"}, "day"),
        ({"day": ""}, "day"),
        ({"day": "1969-01-01"}, "day"),
        ({"day": "9999-12-31"}, "day"),
        ({"day": "2027-03-10", "time": "25:00"}, "time"),
        ({"day": "2027-03-10", "time": ""}, "time"),
        ({"day": "2027-03-10", "version": "x"}, "version"),
    ],
)
def test_what_can_not_be_stays_as_it_was(client: Client, people: Cast, values: dict[str, str], field: str) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN))
    for headers in ({}, JSON):
        response = client.post(f"/calendar/move/meeting/{row.pk}/", values, headers=headers)
        assert response.status_code == 422, field
    assert Meeting.objects.get(pk=row.pk).version == row.version


def test_somebody_was_faster(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN))
    services.update_meeting(row, {"title": "Other"}, actor=people.owner)
    for headers in ({}, JSON):
        assert client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-11", "version": row.version}, headers=headers).status_code == 409
    with pytest.raises(StaleRecord):
        services.move_entry(row, day=date(2027, 3, 11), at=time(9), zone=BERLIN, actor=people.owner, version=row.version)


def test_who_may_move(people: Cast) -> None:
    row = meeting(people, timezone.now() + timedelta(days=2))
    task = services.create_task({"title": "Call", "due_on": timezone.localdate()}, actor=people.owner)
    for kind, obj, model in (("meeting", row, Meeting), ("task", task, Task)):
        for who, status in (("stranger", 404), ("teammate", 403), ("viewer", 403)):
            for method in ("get", "post"):
                response = getattr(signed_in(getattr(people, who)), method)(f"/calendar/move/{kind}/{obj.pk}/", {"day": "2027-03-11"})
                assert response.status_code == status, (kind, who)
        assert model._base_manager.get(pk=obj.pk).version == obj.version
    assert signed_in(people.owner).get(f"/calendar/move/task/{2**64}/").status_code == 404
    assert signed_in(people.owner).get(f"/calendar/move/deal/{row.pk}/").status_code == 404


def test_a_link_to_elsewhere_is_not_followed(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN))
    for target in ("https://evil.example/", "//evil.example/", "/calendar/../../x", "/settings/"):
        response = client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-12", "next": target})
        assert response["Location"] == "/calendar/?show=day&day=2027-03-12"


def test_a_business_row_moves_its_next_step(client: Client, people: Cast, business: Business) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN), deal=business.deal)
    client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-12", "version": row.version})
    business.deal.refresh_from_db()
    assert business.deal.next_step_at == datetime(2027, 3, 12, 9, tzinfo=BERLIN)


# ---- longer and shorter ----


def test_a_meeting_is_resized_and_taken_back(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN), 90)
    url = f"/calendar/move/meeting/{row.pk}/"
    answer = client.post(url, {"day": "2027-03-10", "until": "12:15", "version": row.version}, headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["message"].endswith("lasts until 12:15")
    row.refresh_from_db()
    assert (row.starts_at, row.ends_at) == (datetime(2027, 3, 10, 9, tzinfo=BERLIN), datetime(2027, 3, 10, 12, 15, tzinfo=BERLIN))
    assert client.post(url, answer.json()["undo"], headers=JSON).status_code == 200
    row.refresh_from_db()
    assert row.ends_at == datetime(2027, 3, 10, 10, 30, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "minutes", "until", "end"),
    [
        ((2027, 3, 10, 9), 60, "00:00", datetime(2027, 3, 11, tzinfo=BERLIN)),  # the end of the day
        ((2027, 3, 10, 20), 240, "23:00", datetime(2027, 3, 10, 23, tzinfo=BERLIN)),  # which was its end
        ((2027, 3, 10, 22), 240, "23:00", datetime(2027, 3, 11, 2, tzinfo=BERLIN)),  # over night: which day would be meant?
        ((2027, 3, 28, 1), 30, "04:00", datetime(2027, 3, 28, 2, 0, tzinfo=UTC)),  # when summer time begins: two hours
    ],
)
def test_where_a_resized_meeting_ends(client: Client, people: Cast, start: tuple[int, ...], minutes: int, until: str, end: datetime) -> None:
    row = meeting(people, datetime(*start, tzinfo=BERLIN), minutes)
    assert (
        client.post(f"/calendar/move/meeting/{row.pk}/", {"day": f"{row.starts_at.astimezone(BERLIN):%Y-%m-%d}", "until": until}, headers=JSON).status_code
        == 200
    )
    row.refresh_from_db()
    assert row.ends_at == end


def test_the_form_moves_and_keeps_the_length_or_sets_the_end(client: Client, people: Cast) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN), 90)
    url = f"/calendar/move/meeting/{row.pk}/"
    assert 'value="10:30"' in text(client, url)
    client.post(url, {"day": "2027-03-10", "time": "14:00", "until": "10:30", "version": row.version})
    row.refresh_from_db()
    assert (row.starts_at, row.ends_at) == (datetime(2027, 3, 10, 14, tzinfo=BERLIN), datetime(2027, 3, 10, 15, 30, tzinfo=BERLIN)), (
        "as it was: its length stays"
    )
    client.post(url, {"day": "2027-03-11", "time": "14:00", "until": "16:00", "version": row.version})
    row.refresh_from_db()
    assert row.ends_at == datetime(2027, 3, 11, 16, tzinfo=BERLIN)


@pytest.mark.parametrize("until", ["08:00", "09:00", "25:00", "x", "\x00"])
def test_an_end_that_is_none_is_refused(client: Client, people: Cast, until: str) -> None:
    row = meeting(people, datetime(2027, 3, 10, 9, tzinfo=BERLIN), 90)
    for headers in ({}, JSON):
        assert client.post(f"/calendar/move/meeting/{row.pk}/", {"day": "2027-03-10", "time": "09:00", "until": until}, headers=headers).status_code == 422
    before = row.ends_at
    row.refresh_from_db()
    assert row.ends_at == before


def test_guests_who_were_told_are_asked_about_before_it_is_resized(client: Client, people: Cast) -> None:
    start = timezone.now().astimezone(BERLIN).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=5)
    row = meeting(people, start, 60)
    services.update_meeting(row, {"guests": [{"email": "ann@guest.example", "name": "Ann"}], "tell": True}, actor=people.owner)
    url, day = f"/calendar/move/meeting/{row.pk}/", f"{start:%Y-%m-%d}"
    answer = client.post(url, {"day": day, "until": "11:00"}, headers=JSON)
    assert answer.status_code == 409
    assert 'value="11:00"' in text(client, answer.json()["form_url"])
    assert client.post(url, {"day": day, "time": "09:00", "until": "11:00", "tell": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.ends_at, row.sequence) == (start + timedelta(hours=2), 1)


def test_which_meetings_have_an_edge_to_drag(client: Client, people: Cast) -> None:
    ahead = timezone.now().astimezone(BERLIN).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=3)
    meeting(people, ahead, 60)
    page = text(client, f"/calendar/?show=day&day={ahead:%Y-%m-%d}")
    assert 'data-begins="540" data-ends="600"' in page
    assert 'class="ev-rs"' not in text(client, f"/calendar/?show=month&day={ahead:%Y-%m-%d}")
    Meeting.objects.update(ends_at=ahead + timedelta(days=1, hours=1))
    assert 'class="ev-rs"' not in text(client, f"/calendar/?show=day&day={ahead:%Y-%m-%d}"), "over night: by the form"
    assert 'name="until"' not in text(client, f"/calendar/move/meeting/{Meeting.objects.get().pk}/")


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
        assert "dates=1" in plain
        page = text(client, f"/calendar/?show={show}&day=2027-03-08&dates=1")
        assert page.count("Ann Lee: birthday (40)</a>") == 1, "once, however many reminders it has"
        assert "Ann Lee: Customer since (7)" in page
        assert "Roof: expected close date" in page
        assert "Stranger" not in page
        assert "Leap: Customer since" not in page, "comes back after it was there"
        assert "dates=1&amp;day=" in page, "the next page has them too"
    day = text(client, "/calendar/?show=day&day=2027-02-28&dates=1")
    assert "Leap: birthday" in day
    assert "Leap: birthday (" not in day
    assert "Leap" not in text(client, "/calendar/?show=day&day=2028-02-28&dates=1")
    assert "Roof" not in text(client, "/calendar/?show=day&day=2028-03-09&dates=1"), "once"


def test_many_dates_on_a_day_stay_on_the_page(client: Client, people: Cast, dated: Any) -> None:
    for number in range(8):
        create_contact({"last_name": f"N{number}", "owner": people.owner, "birthday": "--05-04"}, actor=None)
    page = text(client, "/calendar/?show=month&day=2027-05-04&dates=1")
    assert page.count(": birthday</a>") == 3
    assert "5 more" in page
    assert "show=agenda&amp;day=2027-05-04&amp;dates=1" in page
    assert text(client, "/calendar/?show=agenda&day=2027-05-04&dates=1").count(": birthday</a>") == 8


def test_whose_dates_are_shown(people: Cast, business: Business, dated: Any) -> None:
    role = people.owner.role
    role.grants = {**role.grants, "contacts_contact": {"view": "none"}}
    role.save()
    page = text(signed_in(people.owner), "/calendar/?show=month&day=2027-03-10&dates=1")
    assert "Ann Lee" not in page
    assert "Roof" in page
