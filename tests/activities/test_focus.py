"""Focus mode: one's tasks of today one after the other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from activities.models import Task
from activities.services import create_task
from contacts.services import create_contact
from tests.activities.conftest import make_cast
from tests.factories import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Any:
    return make_cast()


def planned(people: Any, title: str, days: int, **more: Any) -> Task:
    return create_task({"title": title, "due_on": timezone.localdate() + timedelta(days=days), **more}, actor=people.owner)


def shown(client: Client, url: str = "/focus/") -> tuple[str, str]:
    """(the task's title, the address of the next one)"""
    page = client.get(url)
    assert page.status_code == 200
    return (str(page.context["task"]) if page.context.get("task") else "", page.context.get("next_url", ""))


def test_from_the_longest_overdue_to_the_end_of_today(people: Any) -> None:
    for title, days in (("Late", -3), ("Later still", -1), ("Same day", -1), ("Now", 0), ("Tomorrow", 1)):
        planned(people, title, days)
    create_task({"title": "A colleague's", "due_on": timezone.localdate()}, actor=people.teammate)
    create_task({"title": "Some day"}, actor=people.owner)
    client, url, seen = signed_in(people.owner), "/focus/", []
    while url:
        title, url = shown(client, url)
        seen.append(title)
    assert seen == ["Late", "Later still", "Same day", "Now", ""]
    assert "5 left" not in client.get("/focus/").content.decode()
    assert "4 left" in client.get("/focus/").content.decode()


def test_what_is_done_or_put_off_leads_to_the_next(people: Any) -> None:
    tasks = [planned(people, title, days) for title, days in (("One", -2), ("Two", -1), ("Three", 0))]
    client = signed_in(people.owner)
    page = client.get("/focus/")
    assert f'name="next" value="{page.context["next_url"]}"' in page.content.decode()
    answer = client.post(f"/tasks/{tasks[0].pk}/complete/", {"next": page.context["next_url"], "version": "1"}, follow=True)
    assert str(answer.context["task"]) == "Two"
    # Put off until tomorrow, the place in the order stays where the task was.
    answer = client.post(f"/tasks/{tasks[1].pk}/snooze/", {"choice": "tomorrow", "next": answer.context["next_url"]}, follow=True)
    assert str(answer.context["task"]) == "Three"
    assert "That was all for today" in client.get(answer.context["next_url"]).content.decode()


def test_how_to_reach_the_person_as_far_as_one_may_see_them(people: Any) -> None:
    mine = create_contact({"last_name": "Mine", "phone": "+43662123456", "email": "mine@example.com"}, actor=people.owner)
    planned(people, "Call", 0, contact=mine)
    page = signed_in(people.owner).get("/focus/").content.decode()
    assert 'href="tel:+43662123456"' in page
    assert f"/activities/contacts/{mine.pk}/mail/" in page
    type(mine).objects.filter(pk=mine.pk).update(owner=people.stranger, team=people.other_team)
    page = signed_in(people.owner).get("/focus/").content.decode()
    assert "Mine" not in page
    assert "662123456" not in page


@pytest.mark.parametrize("text", ["x", "1", "1-", "-1", "1-x", "٣-٣", f"{10**12}-1", f"1-{10**19}", "1-1-1"])
def test_a_place_that_is_none(people: Any, text: str) -> None:
    assert signed_in(people.owner).get("/focus/", {"after": text}).status_code == 400


def test_nothing_to_do(people: Any) -> None:
    assert "Nothing is due today" in signed_in(people.owner).get("/focus/").content.decode()
    assert '<a class="btn btn-ghost" href="/focus/"' not in signed_in(people.owner).get("/").content.decode()
