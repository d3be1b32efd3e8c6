"""What the calendar's page can show: people side by side, layers, colours, the small month, holidays, times for a new meeting."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities import selectors, services
from contacts.services import create_contact
from crm.core import cells
from tests.activities.conftest import in_berlin
from tests.activities.test_calendar import BERLIN, NEW_YORK, text
from tests.factories import Cast, make_user, signed_in
from users.models import User
from users.services import add_holiday

DAY = date(2027, 3, 10)  # a Wednesday
TEAM_DAY = "/calendar/?show=day&day=2027-03-10&who=team"


@pytest.fixture
def client(people: Cast) -> Client:
    return in_berlin(people)


def meet(owner: User, title: str, hour: int = 9, day: date = DAY) -> Any:
    start = datetime.combine(day, time(hour), BERLIN)
    return services.create_meeting({"title": title, "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=owner)


def columns(page: str) -> list[str]:
    """The html of each person's column."""
    return re.findall(r'<li class="[^"]*"><h2 class="xs"><span class="who".*?(?=<li class="[^"]*"><h2 class="xs"><span class="who"|</ol>\n)', page, re.S)


def names(page: str) -> list[str]:
    return re.findall(r'<span class="who" title="([^"]*)"', page)


# ---- people side by side ----


def test_the_teams_day_has_a_column_for_each_person(client: Client, people: Cast) -> None:
    meet(people.agent, "Of Ada", 10)
    meet(people.teammate, "Of Tom")
    meet(people.stranger, "Of another team")
    services.create_task({"title": "Task of Tom", "due_on": DAY}, actor=people.teammate)
    page = text(client, TEAM_DAY)
    assert names(page) == ["Olivia Owner", "Ada Agent", "Tom Teammate", "Vera Viewer"], "oneself, who has something, the others by name"
    own, ada, tom, vera = columns(page)
    assert ("Of Tom" in tom, "Task of Tom" in tom, "Of Tom" in ada, "Of Ada" in ada) == (True, True, False, True)
    assert "Of another team" not in page
    assert 'class="blank"' in vera
    for person, column in ((people.owner, own), (people.teammate, tom)):
        assert f'href="/meetings/new/?day=2027-03-10&amp;owner={person.pk}&amp;stay=1" data-panel aria-label="New meeting for {person.name}"' in column
    form = client.get(f"/meetings/new/?day=2027-03-10&owner={people.teammate.pk}").content.decode()
    assert "Tom Teammate" in form


def test_a_team_sees_only_itself_and_an_admin_everybody(people: Cast) -> None:
    assert "Sven Stranger" in names(text(signed_in(people.admin), TEAM_DAY))
    assert names(text(signed_in(people.stranger), TEAM_DAY)) == ["Sven Stranger"]


def test_who_left_is_there_while_something_is_left_of_them(client: Client, people: Cast) -> None:
    row = meet(people.teammate, "Of Tom")
    User.objects.filter(pk=people.teammate.pk).update(is_active=False)
    assert "Tom Teammate" in names(text(client, TEAM_DAY))
    services.delete_meetings([row.pk], actor=None)
    assert "Tom Teammate" not in names(text(client, TEAM_DAY))


def test_more_people_are_on_further_pages(client: Client, people: Cast) -> None:
    for number in range(12):
        make_user(name=f"Zoe {number:02}", team=people.team)
    last = User.objects.get(name="Zoe 11")
    meet(last, "Of the last one")
    page = text(client, TEAM_DAY)
    assert len(names(page)) == 12
    assert names(page)[:2] == ["Olivia Owner", "Zoe 11"]
    assert "page=2" in page
    rest = text(client, f"{TEAM_DAY}&page=2")
    assert set(names(page)).isdisjoint(names(rest))
    assert len(names(rest)) == 4
    assert "page=3" not in rest
    assert names(text(client, f"{TEAM_DAY}&page=1000")) == []
    for wrong in ("0", "1001", "-1", "x", "²", "1e3", "9" * 50, "%00", "😀" * 100):
        assert client.get(f"{TEAM_DAY}&page={wrong}").status_code == 400, wrong


def shaded(column: str) -> list[tuple[int, int]]:
    return [(int(at), int(lasts)) for at, lasts in re.findall(r'class="shade at(\d+) for(\d+)"', column)]


def test_somebodys_hours_are_those_of_their_clock(client: Client, people: Cast) -> None:
    meet(people.owner, "Early", 0)
    User.objects.filter(pk=people.teammate.pk).update(time_zone="America/New_York")
    User.objects.filter(pk=people.agent.pk).update(time_zone="Europe/Berlin", away_from=DAY, away_to=DAY)
    page = text(client, TEAM_DAY)
    shown = dict(zip(names(page), columns(page), strict=True))
    assert shaded(shown["Olivia Owner"]) == [(1, 18)], "until nine; the grid ends when work does"
    assert "New York" in shown["Tom Teammate"]
    assert shaded(shown["Tom Teammate"]) == [(1, 30)], "nine in New York is three in the afternoon"
    assert "Away" in shown["Ada Agent"]
    assert shaded(shown["Ada Agent"]) == [(1, 34)]
    assert "Away" not in text(client, TEAM_DAY.replace("03-10", "03-11"))


def test_the_hours_of_two_of_somebodys_days_touch_one_of_ours(people: Cast) -> None:
    from activities.panels import TimeGrid
    from crm.core.lists import row_context
    from users.selectors import organisation

    User.objects.filter(pk=people.teammate.pk).update(time_zone="Pacific/Auckland")
    User.objects.filter(pk=people.owner.pk).update(time_zone="America/Los_Angeles")
    reader, colleague = User.objects.get(pk=people.owner.pk), User.objects.get(pk=people.teammate.pk)
    with timezone.override("America/Los_Angeles"):
        grid = TimeGrid(row_context(reader), team=True, by_person=False, house=organisation(), adds="all", marked={}, agenda=lambda day: "")
    # In January nine in Auckland is noon of the day before in Los Angeles; its Monday is our Sunday.
    assert grid.works(date(2027, 1, 12), colleague) == [(24, 40)]
    assert grid.works(date(2027, 1, 10), colleague) == [(24, 40)]
    assert grid.works(date(2027, 1, 15), colleague) == []


def test_the_dates_of_ones_records_are_in_ones_own_column(client: Client, people: Cast) -> None:
    services.create_date_rule({"date": "contacts.contact:birthday", "repeats": "yearly", "days_before": 0}, actor=None)
    create_contact({"last_name": "Lee", "owner": people.owner, "birthday": "1987-03-10"}, actor=None)
    page = text(client, f"{TEAM_DAY}&layer=meetings&layer=dates")
    assert ["Lee: birthday (40)" in column for column in columns(page)] == [True, False, False, False]


def test_who_may_only_plan_their_own_meetings(people: Cast) -> None:
    role = people.owner.role
    role.grants = {**role.grants, "activities_meeting": {**role.grants["activities_meeting"], "add": "own"}}
    role.save()
    page = text(signed_in(people.owner), TEAM_DAY)
    assert ["data-create" in column for column in columns(page)] == [True, False, False, False]
    assert page.count("New meeting for") == 1
    role.grants = {**role.grants, "activities_meeting": {**role.grants["activities_meeting"], "add": "none"}}
    role.save()
    assert "/meetings/new/" not in text(signed_in(people.owner), TEAM_DAY).partition("<main")[2]


# ---- layers and colours ----


@pytest.fixture
def work(people: Cast) -> None:
    meet(people.owner, "Kick-off")
    services.create_tasks(
        [{"title": "Write it", "due_on": DAY}, {"title": "Ring them", "due_on": DAY, "due_time": time(9), "kind": "call"}], actor=people.owner
    )


@pytest.mark.parametrize(
    ("layers", "shown"),
    [
        ([], (True, True, True)),
        (["none"], (False, False, False)),
        (["none", "meetings"], (True, False, False)),
        (["tasks"], (False, True, False)),
        (["calls"], (False, False, True)),
        (["tasks", "calls"], (False, True, True)),
    ],
)
@pytest.mark.parametrize("show", ["month", "week", "day", "agenda", "day&who=team"])
def test_layers(client: Client, work: None, show: str, layers: list[str], shown: tuple[bool, ...]) -> None:
    page = text(client, f"/calendar/?show={show}&day=2027-03-10{''.join(f'&layer={name}' for name in layers)}")
    assert tuple(f">{title}<" in page or f"> {title}<" in page or f" {title}</a>" in page for title in ("Kick-off", "Write it", "Ring them")) == shown
    ticked = tuple(f'name="layer" value="{name}" checked' in page for name in ("meetings", "tasks", "calls"))
    assert ticked == shown


@pytest.mark.parametrize(
    ("layers", "unasked"),
    [(["meetings"], ["activities_task", "activities_daterule"]), (["tasks"], ["activities_meeting"]), (["none"], ["activities_task", "activities_meeting"])],
)
def test_what_a_layer_hides_is_not_loaded(client: Client, work: None, layers: list[str], unasked: list[str]) -> None:
    for show in ("month", "week", "agenda", "day&who=team"):
        with CaptureQueriesContext(connection) as queries:
            text(client, f"/calendar/?show={show}&day=2027-03-10{''.join(f'&layer={name}' for name in layers)}")
        asked = [query["sql"] for query in queries if "activities_notification" not in query["sql"]]  # the frame of every page counts what is due
        assert not [sql[:200] for sql in asked if any(f'FROM "{name}' in sql for name in unasked)], show


@pytest.mark.parametrize("query", ["layer=x", "layer=meetings&layer=%00", "layer=", f"layer={'m' * 5000}", "color=red", "color=", "color=%F0%9F%98%80"])
def test_what_cannot_be_shown_is_a_400(client: Client, query: str) -> None:
    assert client.get(f"/calendar/?{query}").status_code == 400


def test_layers_and_colours_stay_in_every_address(client: Client, work: None) -> None:
    page = text(client, "/calendar/?show=week&day=2027-03-10&who=team&layer=none&layer=meetings&color=person")
    links = re.findall(r'href="(/calendar/\?[^"]*)"', page)
    assert len(links) > 40
    assert not [link for link in links if "layer=meetings" not in link or "layer=tasks" in link or "color=person" not in link]


def test_colours_by_type_and_by_person(client: Client, people: Cast, work: None) -> None:
    meet(people.teammate, "Of Tom")
    services.create_task({"title": "Too late", "due_on": date(2026, 3, 10)}, actor=people.owner)
    by_type = text(client, "/calendar/?show=week&day=2027-03-10&who=team")
    for color, title in (("k-teal", "Kick-off"), ("k-amber", "Write it"), ("k-green", "Ring them")):
        assert re.search(rf'class="ev {color}" [^>]*title="{title}', by_type), title
    legend = by_type.partition('<ul class="legend"')[2].partition("</ul>")[0]
    assert re.findall(r"</span> (\w+)</li>", legend) == ["Meeting", "Task", "Call"], "what is on the page"
    late = text(client, "/calendar/?show=month&day=2026-03-10")
    assert re.search(r'class="ev k-red" [^>]*title="Too late', late)
    assert late.count('<span class="visually-hidden">Overdue</span>') == 1, "said in words as well"
    for show in ("month", "week", "day"):
        page = text(client, f"/calendar/?show={show}&day=2027-03-10&who=team&color=person")
        for person, title in ((people.owner, "Kick-off"), (people.teammate, "Of Tom"), (people.owner, "Write it")):
            assert re.search(rf'class="ev {cells.color_of(person.pk)}" [^>]*title="{title}', page), (show, title)
        legend = page.partition('<ul class="legend"')[2].partition("</ul>")[0]
        assert re.findall(r"</span> ([\w ]+)</li>", legend) == ["Olivia Owner", "Tom Teammate"]
    own = text(client, "/calendar/?show=week&day=2027-03-10&color=person")
    assert 'class="ev k-teal"' in own, "alone there is nobody to tell apart"
    assert 'type="hidden" name="color" value="person"' in own, "but the team's calendar still does"


def test_the_teams_agenda_says_whose_work_it_is(client: Client, people: Cast) -> None:
    meet(people.teammate, "Of Tom")
    assert "Tom Teammate" in text(client, "/calendar/?show=agenda&day=2027-03-10&who=team").partition("<main")[2]


# ---- the small month ----


def mini(page: str) -> str:
    return page.partition('id="mini"')[2].partition("</nav>")[0]


def test_a_small_month_beside_the_days(client: Client, people: Cast, work: None) -> None:
    start = datetime(2027, 3, 29, 22, tzinfo=BERLIN)
    services.create_meeting({"title": "Fair", "starts_at": start, "ends_at": start + timedelta(days=2, hours=2)}, actor=people.owner)
    assert not mini(text(client, "/calendar/?show=month&day=2027-03-10"))
    week = mini(text(client, "/calendar/?show=week&day=2027-03-10"))
    assert "March 2027" in week
    assert week.count("<td") == 35
    assert week.count('class="sel') == 7
    assert 'href="/calendar/?show=week&amp;day=2027-03-20"' in week
    assert re.findall(r'aria-label="([^"]*), something is planned"', week) == [
        "Wednesday, 10 March 2027",
        "Monday, 29 March 2027",
        "Tuesday, 30 March 2027",
        "Wednesday, 31 March 2027",
    ], "not on the first of April, on which it ends at midnight"
    assert "something is planned" not in mini(text(client, "/calendar/?show=week&day=2027-03-10&layer=dates"))
    assert mini(text(client, "/calendar/?show=week&day=2027-03-10&layer=calls")).count("something is planned") == 1
    assert mini(text(client, "/calendar/?show=day&day=2027-03-10")).count('class="sel') == 1
    assert mini(text(client, "/calendar/?show=agenda&day=2027-03-10")).count('class="sel') == 22 + 4


def test_another_small_month_leaves_the_days_alone(client: Client) -> None:
    page = text(client, "/calendar/?show=week&day=2027-03-10&mini=2027-06")
    assert "June 2027" in mini(page)
    assert 'href="/calendar/?show=week&amp;day=2027-03-10&amp;mini=2027-05"' in mini(page)
    assert 'data-day="2027-03-10"' in page
    for strange in ("2027-13", "x", "1969-01", "2500-01", "%00", "😀", "2" * 9000):
        assert "March 2027" in mini(text(client, f"/calendar/?show=week&day=2027-03-10&mini={strange}")), strange[:20]
    first, last = (mini(text(client, f"/calendar/?show=week&day={day}")) for day in ("1970-02-12", "2199-11-20"))
    assert ("mini-earlier" in first, "mini-later" in first) == (False, True)
    assert ("mini-earlier" in last, "mini-later" in last) == (True, False)
    for page in (first, last):
        for link in re.findall(r'<a [^>]*href="([^"]*)"', page):
            assert client.get(link.replace("&amp;", "&")).status_code == 200, link


# ---- holidays, times for a new meeting ----


def test_holidays_are_named(client: Client, people: Cast) -> None:
    add_holiday(DAY, "Founders' <day>", actor=people.admin)
    for show in ("month", "week", "day"):
        assert 'title="Founders&#x27; &lt;day&gt;">' in text(client, f"/calendar/?show={show}&day=2027-03-10"), show
    team = text(client, TEAM_DAY)
    assert "<h1>Wednesday, 10 March 2027 · Founders&#x27; &lt;day&gt;</h1>" in team
    assert shaded(columns(team)[0]) == [(1, 16)], "nobody works"
    meet(people.owner, "Kick-off")
    assert "10 March 2027 · Founders&#x27; &lt;day&gt;</a>" in text(client, "/calendar/?show=agenda&day=2027-03-10")


@pytest.mark.parametrize(
    ("query", "span"),
    [
        ("day=2027-03-10&from=09:30&until=11:00", ("2027-03-10T09:30", "2027-03-10T11:00")),
        ("day=2027-03-10&from=23:30&until=00:00", ("2027-03-10T23:30", "2027-03-11T00:00")),
        ("day=2027-03-10&from=09:30", ("2027-03-10T09:30", "2027-03-10T10:30")),
        ("day=2027-03-10&from=09:30&until=09:00", ("2027-03-10T09:30", "2027-03-10T10:30")),
        ("day=2027-03-10&from=09:30&until=25:00", ("2027-03-10T09:30", "2027-03-10T10:30")),
        ("day=2027-03-28&from=02:30&until=03:30", ("2027-03-28T03:30", "2027-03-28T04:30")),  # the hour that summer time skips
        ("day=2199-12-31&from=09:30&until=00:00", ("2199-12-31T09:30", "2200-01-01T00:00")),
    ],
)
def test_times_from_an_address(client: Client, query: str, span: tuple[str, str]) -> None:
    page = text(client, f"/meetings/new/?{query}")
    assert tuple(re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1] for name in ("starts_at", "ends_at")) == span


@pytest.mark.parametrize(
    "query", ["from=09:30&until=11:00", "day=x&from=09:30", *(f"day=2027-03-10&from={at}" for at in ("x", "%00", "😀" * 9, "99:99", "9" * 9000, "09:3"))]
)
def test_senseless_times_are_left_out(client: Client, query: str) -> None:
    page = text(client, f"/meetings/new/?{query}")
    start, end = (datetime.fromisoformat(re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1]) for name in ("starts_at", "ends_at"))
    assert (start.minute, end - start) == (0, timedelta(hours=1)), "the hour that comes next"


def test_a_day_of_many_people_takes_few_statements(people: Cast) -> None:
    for person in (people.owner, people.teammate, people.agent):
        meet(person, "Kick-off")
        services.create_task({"title": "Task", "due_on": DAY}, actor=person)
    with CaptureQueriesContext(connection) as queries:
        day = selectors.team_day(people.owner, DAY, NEW_YORK, layers=selectors.WORK)
    assert len(queries) == 6
    assert [len(each.rows) for each in day.days] == [2, 2, 2, 0]
