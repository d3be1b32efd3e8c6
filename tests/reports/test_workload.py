"""The page "Team": each figure is exactly the rows of the list that it leads to, for whoever looks."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.models import Task
from activities.services import create_tasks
from crm.core.list_query import ListQuery
from crm.core.models import BulkJob
from deals.models import Deal
from deals.services import create_deal
from leads.models import Lead
from leads.services import create_lead
from reports.selectors.workload import LOADS, MOST, workload
from tests.factories import Cast, cast, make_team, make_user, signed_in
from users.models import User

pytestmark = pytest.mark.django_db
WHO = ["owner", "manager", "stranger", "viewer", "admin"]


@pytest.fixture
def crew() -> Cast:
    return cast()


@pytest.fixture
def busy(crew: Cast) -> Cast:
    """Work of everybody, due at all times, done or not; some of it in another team than its owner."""
    dice, today, now = random.Random(7), timezone.localdate(), timezone.now()
    for person in (crew.owner, crew.teammate, crew.manager, crew.stranger):
        create_tasks([{"title": f"T{n}", "due_on": today + timedelta(days=dice.randint(-9, 9))} for n in range(20)], actor=person)
        create_tasks([{"title": "Any day"}, {"title": "In an hour", "due_at": now + timedelta(hours=1)}], actor=person)
        Task.objects.filter(owner=person, title__in=["T1", "T2", "T3"]).update(done_at=now)
        for n in range(4):
            lead = create_lead({"last_name": f"L{n}"}, actor=person)
            deal = create_deal({"name": f"D{n}"}, actor=person)
            Lead.objects.filter(pk=lead.pk).update(respond_by=now - timedelta(hours=1) if n else None, first_response_at=now if n == 3 else None)
            if n == 2:
                create_tasks([{"title": "Plan", "deal": deal, "due_on": today + timedelta(days=40)}], actor=person)
            if n == 3:
                Deal.objects.filter(pk=deal.pk).update(deleted_at=now)
    Task.objects.filter(owner=crew.owner, title="T5").update(team=crew.other_team)
    return crew


@pytest.mark.parametrize("who", WHO)
def test_each_figure_is_the_rows_of_its_list(busy: Cast, who: str) -> None:
    user = getattr(busy, who)
    rows, client = workload(user, timezone.localdate()), signed_in(user)
    page, some = client.get("/team/").content.decode(), 0
    for row in rows:
        for load in LOADS:
            count = row.counts.get(load.name, 0)
            assert ListQuery.stored(load.record, user, load.question_of(row.person)).listing.count_all() == count, (row.person, load.name)
            some += count
            if count:
                url = load.url(row.person)
                assert f'href="{url.replace("&", "&amp;")}"' in page
                assert client.get(url).context["list"].total_text == str(count)
    assert some > 0


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("manager", {"Mona Manager", "Olivia Owner", "Tom Teammate", "Vera Viewer", "Ada Agent", "Anna Admin"}),
        ("owner", {"Olivia Owner", "Tom Teammate", "Vera Viewer", "Ada Agent"}),
        ("stranger", {"Sven Stranger"}),
        ("agent", {"Ada Agent"}),  # sees nobody's tasks but their own
    ],
)
def test_the_people_are_those_of_ones_teams(busy: Cast, who: str, names: set[str]) -> None:
    assert {row.person.name for row in workload(getattr(busy, who), timezone.localdate())} == names


def test_everybody_for_who_sees_all_and_nobody_who_left(busy: Cast) -> None:
    User.objects.filter(pk=busy.teammate.pk).update(is_active=False)
    names = {row.person.name for row in workload(busy.admin, timezone.localdate())}
    assert "Sven Stranger" in names and "Tom Teammate" not in names


def shown(client: Client, sort: str) -> list[str]:
    return [row["person"].name for row in client.get(f"/team/?sort={sort}").context["rows"]]


def test_it_is_sorted_by_a_link(busy: Cast) -> None:
    client = signed_in(busy.manager)
    names = shown(client, "name")
    assert names == sorted(names) and shown(client, "-name") == names[::-1]
    for load in LOADS:
        counts = [row.counts.get(load.name, 0) for row in workload(busy.manager, timezone.localdate())]
        by_name = dict(zip(names, counts, strict=True))
        assert [by_name[name] for name in shown(client, f"-{load.name}")] == sorted(counts, reverse=True)
        assert [by_name[name] for name in shown(client, load.name)] == sorted(counts)
    page = client.get("/team/").content.decode()
    assert 'aria-sort="descending"><a href="/team/?sort=overdue">' in page


@pytest.mark.parametrize("sort", ["nothing", "--name", "", "id;DROP", "\x00"])
def test_no_other_order(crew: Cast, sort: str) -> None:
    assert signed_in(crew.manager).get("/team/", {"sort": sort}).status_code == 400


def test_who_is_away(busy: Cast) -> None:
    today = timezone.localdate()
    User.objects.filter(pk=busy.owner.pk).update(away_from=today + timedelta(days=1), away_to=today + timedelta(days=3))
    User.objects.filter(pk=busy.teammate.pk).update(away_to=today - timedelta(days=1))
    away = {row.person.name: row.away for row in workload(busy.manager, today)}
    assert away["Olivia Owner"] == (today + timedelta(days=1), today + timedelta(days=3))
    assert away["Tom Teammate"] is None
    assert signed_in(busy.manager).get("/team/").content.decode().count("#calendar-off") == 1


def test_hand_over_is_offered_to_those_who_may_and_is_the_bulk_change(busy: Cast) -> None:
    query = f"state=open&due=overdue&owner={busy.owner.pk}"
    late = ListQuery.stored(LOADS[0].record, busy.manager, query).listing.every_id()
    client = signed_in(busy.manager)
    assert f'value="{query.replace("&", "&amp;")}"' in client.get("/team/").content.decode()
    asked = client.post("/tasks/bulk/assign/", {"all": "1", "query": query, "next": "/team/"})
    assert asked.status_code == 200 and asked.context["count"] == len(late)
    form = {"all": "1", "query": query, "next": "/team/", "confirmed": "1", "owner": busy.teammate.pk, "owner_text": busy.teammate.name}
    assert client.post("/tasks/bulk/assign/", form)["Location"] == "/team/"
    assert set(Task.objects.filter(pk__in=late).values_list("owner", flat=True)) == {busy.teammate.pk}
    assert BulkJob.objects.get().changed == len(late)
    page = signed_in(busy.viewer).get("/team/").content.decode()  # sees, and changes nothing
    assert "Tom Teammate" in page and 'name="query"' not in page
    mine = signed_in(busy.teammate).get("/team/").content.decode()  # a rep changes their own
    assert mine.count('name="query"') == 1 and f"owner={busy.teammate.pk}" in mine


def test_a_role_that_sees_no_tasks_gets_no_page_and_one_without_colleagues_is_told(crew: Cast) -> None:
    alone = make_user("alone@example.com", team=make_team("Alone"))
    assert "You are alone in your teams" in signed_in(alone).get("/team/").content.decode()
    crew.owner.role.grants = {**crew.owner.role.grants, "activities_task": {}}
    crew.owner.role.save()
    assert signed_in(crew.owner).get("/team/").status_code == 403
    assert 'href="/team/"' not in signed_in(crew.agent).get("/").content.decode().split("<main")[1].split("</main>")[0]


def test_a_large_team_costs_no_more_statements(busy: Cast) -> None:
    def count() -> int:
        client = signed_in(busy.manager)
        client.get("/team/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/team/")
        return len(queries)

    few = count()
    role, now = busy.owner.role, timezone.now()
    User.objects.bulk_create(User(email=f"many{n}@example.com", name=f"Many {n:03}", role=role, team=busy.team) for n in range(MOST + 5))
    Task.objects.bulk_create(
        Task(title="x", owner=user, team=busy.team, due_on=now.date(), due_at=now - timedelta(days=1)) for user in User.objects.filter(name__startswith="Many")
    )
    assert count() == few <= 15
    page: Any = signed_in(busy.manager).get("/team/")
    assert len(page.context["rows"]) == MOST and "These are the first 300" in page.content.decode()
