"""Moving meetings and tasks on the calendar, and making meetings longer and shorter."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from activities import services
from activities.models import Meeting, Task
from crm.core.writes import StaleRecord
from tests.activities.conftest import Business, in_berlin
from tests.activities.test_calendar import BERLIN, JSON, NEW_YORK, meeting, text
from tests.factories import Cast, signed_in
from users.models import User


@pytest.fixture
def client(people: Cast) -> Client:
    return in_berlin(people)


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
