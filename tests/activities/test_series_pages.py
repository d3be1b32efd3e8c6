"""The pages of meetings that repeat: forms with good and bad input, whose they are, double submits, the list and the calendar."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from activities import services
from activities.models import Meeting, MeetingSeries
from tests.activities.conftest import in_berlin
from tests.activities.series import WEEKLY, berlin, clocks, make, rows
from tests.factories import Cast, signed_in

pytestmark = pytest.mark.usefixtures("clock")

LONG = "x" * 10_000


@pytest.fixture
def client(people: Cast) -> Client:
    return in_berlin(people)


def posted(**more: Any) -> dict[str, Any]:
    return {"title": "Jour fixe", "starts_at": "2027-03-02T10:00", "ends_at": "2027-03-02T11:00", "repeat": "weekly", "interval": "1", "times": "6", **more}


def edit(client: Client, meeting: Meeting, **more: Any) -> Any:
    meeting.refresh_from_db()
    local = meeting.starts_at.astimezone(berlin(2).tzinfo)
    times = {"starts_at": f"{local:%Y-%m-%dT%H:%M}", "ends_at": f"{local + timedelta(hours=1):%Y-%m-%dT%H:%M}"}
    return client.post(f"/meetings/{meeting.pk}/edit/", {**posted(**times), "version": meeting.version, **more})


def test_planned_by_the_form(client: Client) -> None:
    response = client.post("/meetings/new/", posted(), follow=True)
    page = response.content.decode()
    assert "Saved. Every Tuesday at 10:00, 6 times." in page
    assert clocks(rows()) == WEEKLY
    assert response.request["PATH_INFO"] == rows()[0].get_absolute_url()
    assert rows()[1].get_absolute_url() in page, "the next one"


def test_the_day_is_that_of_the_meetings_own_clock(client: Client) -> None:
    """Early on Tuesday in Tokyo it is still Monday in Berlin."""
    times = {"starts_at": "2027-03-02T02:00", "ends_at": "2027-03-02T03:00", "zone": "Asia/Tokyo"}
    client.post("/meetings/new/", posted(**times))
    assert clocks(rows())[:2] == ["03-01 18:00", "03-08 18:00"]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"repeat": "weekly", "weekdays": ["1", "3"]}, "Every week on Tue, Thu at 10:00, 6 times"),
        ({"repeat": "weekdays"}, "Every weekday at 10:00, 6 times"),
        ({"repeat": "daily", "interval": "3"}, "Every 3 days at 10:00, 6 times"),
        ({"repeat": "monthly", "times": "", "until": "2027-12-31"}, "Every month on day 2 at 10:00, until 31 Dec 2027"),
        ({"repeat": "nth"}, "Every month on the first Tuesday at 10:00, 6 times"),
        ({"repeat": "last"}, "Every month on the last Tuesday at 10:00, 6 times"),
        ({"repeat": "yearly", "interval": "", "times": "2"}, "Every year on 2 Mar at 10:00, 2 times"),
        ({"repeat": "daily", "weekdays": ["nonsense"]}, "Every day at 10:00, 6 times"),
    ],
)
def test_what_was_understood(client: Client, values: dict[str, Any], rule: str) -> None:
    assert rule in client.post("/meetings/new/", posted(**values), follow=True).content.decode()
    meeting = rows()[0]
    form = client.get(f"/meetings/{meeting.pk}/edit/").content.decode()
    assert f'value="{values["repeat"]}" selected' in form
    before = meeting.version
    assert edit(client, meeting, **{**values, "scope": "all", **({"weekdays": []} if "nonsense" in values.get("weekdays", []) else {})}).status_code == 302
    meeting.refresh_from_db()
    assert (meeting.version, MeetingSeries.objects.get().sequence) == (before, 0), "the form changes nothing by itself"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"repeat": "hourly"}, "repeat"),
        ({"repeat": LONG}, "repeat"),
        ({"interval": "0"}, "interval"),
        ({"interval": "\U0001f600"}, "interval"),
        ({"times": "1001"}, "times"),
        ({"times": "-1"}, "times"),
        ({"until": "2027-04-01"}, "times"),
        ({"times": "", "until": "2027-03-01"}, "until"),
        ({"times": "", "until": "31.31.2027"}, "until"),
        ({"weekdays": ["7"]}, "weekdays"),
        ({"weekdays": [LONG]}, "weekdays"),
        ({"starts_at": "2026-01-01T10:00", "ends_at": "2026-01-01T10:00"}, "starts_at"),
        ({"ends_at": "2027-03-01T10:00"}, "ends_at"),
    ],
)
def test_bad_input_is_told_at_the_field(client: Client, values: dict[str, Any], field: str) -> None:
    response = client.post("/meetings/new/", posted(**values))
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Meeting.objects.exists()
    assert response.context["form"]["title"].value() == "Jour fixe"


def test_what_does_not_count_is_not_wrong(client: Client) -> None:
    assert client.post("/meetings/new/", posted(repeat="", interval="0", times="x", weekdays=["9"])).status_code == 302
    assert [each.series for each in rows()] == [None]


def test_two_clicks_make_one_series(client: Client) -> None:
    key = str(uuid.uuid4())
    urls = {client.post("/meetings/new/", posted(idempotency_key=key)).headers["Location"] for _click in range(2)}
    assert (len(urls), len(rows()), MeetingSeries.objects.count()) == (1, 6, 1)


def test_changed_by_the_form(client: Client, people: Cast) -> None:
    make(people)
    third = rows()[2]
    assert edit(client, third, title="One").status_code == 302
    assert [each.title for each in rows()] == ["Jour fixe"] * 2 + ["One"] + ["Jour fixe"] * 3
    assert edit(client, third, title="Rest", starts_at="2027-03-17T09:00", ends_at="2027-03-17T10:00", scope="following").status_code == 302
    assert clocks(rows()) == ["03-02 10:00", "03-09 10:00", "03-17 09:00", "03-24 09:00", "03-31 09:00", "04-07 09:00"]
    response = edit(client, third, times="2")
    assert (response.status_code, "scope" in response.context["form"].errors) == (422, True)
    response = edit(client, third, scope="everything")
    assert (response.status_code, "scope" in response.context["form"].errors) == (422, True)
    response = edit(client, third, version=1, title="Late", scope="all")
    assert response.status_code == 409
    assert "changed this while you were editing" in response.content.decode()
    assert not Meeting.objects.filter(title="Late").exists()


@pytest.mark.parametrize("scope", ["one", "following", "all"])
def test_deleted_by_the_page(client: Client, people: Cast, scope: str) -> None:
    make(people)
    third = rows()[2]
    url = f"/meetings/{third.pk}/delete/"
    assert 'value="one"' in client.get(url).content.decode()
    assert client.post(url, {"scope": "everything"}).status_code == 422
    assert client.post(url, {"scope": scope, "version": third.version + 1}).status_code == 409
    assert len(rows()) == 6
    assert client.post(url, {"scope": scope, "version": third.version}).status_code == 302
    assert len(rows()) == {"one": 5, "following": 2, "all": 0}[scope]
    third.refresh_from_db()
    assert client.post(f"/bin/{third.deletion_group}/restore/").status_code == 302
    assert clocks(rows()) == WEEKLY


def test_a_single_meeting_is_asked_nothing_more(client: Client, people: Cast) -> None:
    single = services.create_meeting({"title": "Once", "starts_at": berlin(2), "ends_at": berlin(2)}, actor=people.owner)
    for page in ("delete", "edit"):
        assert 'name="scope"' not in client.get(f"/meetings/{single.pk}/{page}/").content.decode()
    assert 'name="scope"' not in client.get(f"/calendar/move/meeting/{single.pk}/").content.decode()
    assert client.post(f"/meetings/{single.pk}/delete/", {"scope": "all"}).status_code == 302
    assert rows() == []


def test_a_drop_moves_only_this_one(client: Client, people: Cast) -> None:
    make(people)
    second = rows()[1]
    url = f"/calendar/move/meeting/{second.pk}/"
    response = client.post(url, {"day": "2027-03-11", "version": second.version}, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["undo"]["day"]) == (200, "2027-03-09")
    assert clocks(rows())[:3] == ["03-02 10:00", "03-11 10:00", "03-16 10:00"]
    assert 'name="scope"' in client.get(url).content.decode()
    second.refresh_from_db()
    moved = client.post(url, {"day": "2027-03-11", "time": "12:00", "until": "13:00", "scope": "following", "version": second.version})
    assert moved.status_code == 302
    assert clocks(rows()) == [WEEKLY[0], "03-11 12:00", "03-18 12:00", "03-25 12:00", "04-01 12:00", "04-08 12:00"], "what the form says is the rule"
    assert client.post(url, {"day": "2027-03-11", "time": "12:00", "scope": "x"}).status_code == 422


@pytest.mark.parametrize("scope", ["one", "following", "all"])
def test_strangers_and_viewers_change_nothing(people: Cast, scope: str) -> None:
    make(people)
    third = rows()[2]
    for user, status in ((people.stranger, 404), (people.viewer, 403)):
        browser = signed_in(user)
        assert edit(browser, third, title="Mine", scope=scope).status_code == status
        assert browser.post(f"/meetings/{third.pk}/delete/", {"scope": scope}).status_code == status
        assert browser.post(f"/calendar/move/meeting/{third.pk}/", {"day": "2027-03-20", "time": "10:00", "scope": scope}).status_code == status
    assert clocks(rows()) == WEEKLY
    assert {each.title for each in rows()} == {"Jour fixe"}


def test_the_neighbours_are_those_one_sees(client: Client, people: Cast) -> None:
    make(people)
    services.change_meeting(rows()[1], {"owner": people.stranger}, actor=people.admin)
    page = client.get(rows()[0].get_absolute_url()).content.decode()
    assert rows()[2].get_absolute_url() in page
    assert rows()[1].get_absolute_url() not in page


def test_list_calendar_and_today_mark_it(client: Client, people: Cast) -> None:
    make(people)
    services.create_meeting({"title": "Once", "starts_at": berlin(3), "ends_at": berlin(3)}, actor=people.owner)
    assert "Once" not in client.get("/meetings/?repeats=yes").content.decode()
    only = client.get("/meetings/?repeats=no").content.decode()
    assert "Once" in only and "Jour fixe" not in only
    for url in ("/calendar/?show=month&day=2027-03-02", "/calendar/?show=week&day=2027-03-02", "/calendar/?show=agenda&day=2027-03-02", "/"):
        page = client.get(url).content.decode()
        assert "Jour fixe" in page and "#repeat" in page, url
