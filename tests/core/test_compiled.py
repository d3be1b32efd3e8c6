"""Queries compiled once answer as the querysets they were made of."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from activities.models import Notification
from activities.selectors.bell import bell_state
from activities.selectors.timeline import upcoming
from activities.services import complete_task, create_task, create_tasks
from contacts.models import Company, Contact
from contacts.selectors import ties_of
from contacts.services import add_employment, create_companies, create_contact
from crm.core.compiled import NUMBER, TEXT, Compiled, kept
from crm.core.fetching import fetch
from tests.factories import cast
from users.backends import Backend
from users.models import User
from users.services import update_role

pytestmark = pytest.mark.django_db


def columns(obj: Model) -> dict[str, object]:
    return {field.attname: getattr(obj, field.attname) for field in obj._meta.concrete_fields}


def test_the_signed_in_user_comes_with_role_and_team(django_assert_num_queries):
    people = cast()
    for person in (people.owner, people.admin, people.manager):
        expected = User.objects.select_related("role", "team").get(pk=person.pk)
        with django_assert_num_queries(1):
            found = Backend().get_user(person.pk)
            assert found is not None
            assert (columns(found), columns(found.role)) == (columns(expected), columns(expected.role))
            assert (found.team and columns(found.team)) == (expected.team and columns(expected.team))
    assert Backend().get_user(987654) is None


def test_values_take_their_places_in_order():
    people = cast()
    by_name = Compiled(lambda: User.objects.filter(name=TEXT, pk__gt=NUMBER, is_active=True).order_by("pk"))
    assert by_name(people.owner.name, people.owner.pk - 1) == [people.owner]
    assert by_name(people.owner.name, people.owner.pk) == []
    assert by_name("'; DROP TABLE users_user; --", 0) == []


def test_a_tuple_takes_the_place_of_one_number_and_other_lists_stay():
    people = cast()
    chosen = Compiled(lambda: User.objects.filter(pk__in=[NUMBER], role_id__in=[people.owner.role_id], name__startswith="O").order_by("pk"))
    everybody = tuple(User.objects.values_list("pk", flat=True))
    assert chosen(everybody) == [people.owner]
    assert chosen((people.teammate.pk,)) == []


def test_rows_by_id_come_in_the_order_asked_for_and_whole():
    people = cast()
    rows = create_companies([{"name": f"Firm {number}"} for number in range(5)], actor=people.owner)
    ids = [rows[number].pk for number in (3, 0, 4)]
    found = fetch(Company, [*ids, 987654])
    assert [each.pk for each in found] == ids
    assert columns(found[0]) == columns(Company.objects.get(pk=ids[0]))
    assert found[0].get_deferred_fields() <= {"search_text"}
    assert fetch(Company, []) == []


def test_the_frame_counts_what_is_due():
    people = cast()
    today = timezone.localdate()
    assert (bell_state(people.owner).figure, bell_state(people.owner).late) == ("", False)
    create_task({"title": "Today", "due_on": today}, actor=people.owner)
    create_task({"title": "Tomorrow", "due_on": today + timedelta(days=1)}, actor=people.owner)
    create_task({"title": "Theirs", "due_on": today}, actor=people.teammate)
    assert (bell_state(people.owner).figure, bell_state(people.owner).late) == ("1", False)
    create_tasks([{"title": f"Late {number}", "due_on": today - timedelta(days=1)} for number in range(98)], actor=people.owner)
    first = bell_state(people.owner)
    assert (first.figure, first.late, first.unread) == ("99", True, 0)
    complete_task(create_task({"title": "Done", "due_on": today}, actor=people.owner), actor=people.owner)
    assert bell_state(people.owner).v == first.v
    create_task({"title": "One more", "due_on": today}, actor=people.owner)
    assert (bell_state(people.owner).figure, bell_state(people.owner).v != first.v) == ("99+", True)


def test_the_figure_stands_beside_today():
    people, today = cast(), timezone.localdate()
    client = Client()
    client.force_login(people.owner)
    assert 'class="n"' not in client.get("/contacts/").content.decode().partition("</nav>")[0]
    create_tasks([{"title": "Late", "due_on": today - timedelta(days=1)}, {"title": "Today", "due_on": today}], actor=people.owner)
    page = client.get("/contacts/").content.decode()
    assert page.count('<span class="n n-hot">2<span class="visually-hidden"> due</span></span>') == 2  # the navigation, and the bar on the phone
    assert {key: client.get("/notifications/poll/").json()[key] for key in ("due", "late")} == {"due": "2", "late": True}


def test_the_bell_counts_what_is_unread():
    people = cast()
    assert bell_state(people.owner).unread == 0
    for number in range(3):
        Notification.objects.create(user=people.owner, kind=Notification.Kind.ASSIGNED, text=f"Line {number}", read_at=timezone.now() if number == 2 else None)
    assert bell_state(people.owner).unread == 2
    assert bell_state(people.teammate).unread == 0


def test_a_session_that_ran_out_is_no_session():
    people = cast()
    client = Client()
    client.force_login(people.owner)
    assert client.get("/contacts/").status_code == 200
    Session.objects.update(expire_date=timezone.now())
    assert client.get("/contacts/").status_code == 302


def test_what_is_kept_asks_by_the_rights_that_one_has_now():
    """A record page keeps its statements; a right that is taken away takes the rows away with it."""
    people = cast()
    ann = create_contact({"last_name": "Lee", "owner": people.owner}, actor=people.owner)
    firm = create_companies([{"name": "Firm", "owner": people.owner}], actor=people.owner)[0]
    add_employment(ann, {"company": firm, "role": "Buyer"}, actor=people.owner)
    create_task({"title": "Call", "contact": ann, "owner": people.teammate}, actor=people.owner)

    def seen(person: User) -> tuple[list[str], list[str]]:
        reader, fresh = Backend().get_user(person.pk), Contact.objects.get(pk=ann.pk)
        return [tie.words for tie in ties_of(reader, fresh).roles], [task.title for task in upcoming(reader, fresh)[0]]

    assert [seen(people.owner) for _again in range(2)] == [(["Buyer"], ["Call"])] * 2
    assert seen(people.stranger) == ([], [])
    grants = people.owner.role.grants
    update_role(people.owner.role, grants=grants | {"contacts_company": {"view": "none"}, "activities_task": {"view": "none"}}, actor=None)
    assert seen(people.owner) == ([], [])
    update_role(people.owner.role, grants=grants, actor=None)
    assert seen(people.owner) == (["Buyer"], ["Call"])


def test_what_is_kept_is_there_for_several_at_once_and_knows_nobody():
    def build() -> Any:
        time.sleep(0.05)  # so that all of them ask before one has made it
        return User.objects.filter(pk=NUMBER)

    key = ("test", uuid.uuid4())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _number: kept(key, build), range(4)))
    assert {statement.filled(7)[1] == [7] for statement in found} == {True}
    again = kept(key, build)
    assert again in found
    assert not hasattr(again, "build")
