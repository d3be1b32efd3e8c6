"""An admin sees Rapport as a colleague does: exactly that, and nothing is changed by it."""

from __future__ import annotations

import time

import pytest
from allauth.usersessions.models import UserSession

from activities.services import create_task
from contacts.models import Contact
from contacts.services import create_contact
from crm.core.models import OutboxEvent
from tests.contract.matrix import writes_so_far
from tests.factories import cast, signed_in
from users import services
from users.services import viewing

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def client(people):
    """The admin, looking as the rep."""
    client = signed_in(people.admin)
    assert client.post(f"/settings/users/{people.owner.pk}/view-as/").status_code == 302
    return client


def test_everything_is_as_the_colleague_sees_it(people, client):
    create_contact({"first_name": "Hidden", "last_name": "Person"}, actor=people.stranger)
    create_contact({"first_name": "Own", "last_name": "Person"}, actor=people.owner)
    create_task({"title": "Only the rep's"}, actor=people.owner)
    page = client.get("/contacts/").content.decode()
    assert "Own Person" in page
    assert "Hidden Person" not in page
    assert "You see Rapport as Olivia Owner does" in page
    assert "Only the rep" in client.get("/tasks/?view=mine").content.decode()
    assert client.get("/settings/users/").status_code == 403


def test_nothing_can_be_changed_or_taken_away(people, client):
    contact = create_contact({"first_name": "Own", "last_name": "Person"}, actor=people.owner)
    before = writes_so_far()
    for path in (
        "/contacts/new/",
        f"/contacts/{contact.pk}/delete/",
        "/capture/",
        "/pick/companies/",
        "/accounts/logout/",
        "/notifications/read/",
        "/f/contact/",
    ):
        assert client.post(path, {"first_name": "X", "last_name": "Y", "text": "note"}).status_code == 403, path
    for path in ("/accounts/2fa/", "/accounts/sessions/", "/profile/", "/admin/", "/contacts/export/", "/exports/"):
        assert client.get(path).status_code == 403, path
    assert writes_so_far() == before
    assert Contact.objects.count() == 1


def test_it_is_written_down_and_ends(people, client):
    event = OutboxEvent.objects.get(name="users.viewed_as")
    assert (event.actor_id, event.subject_ids) == (people.admin.pk, [people.owner.pk])
    assert set(UserSession.objects.values_list("user_id", flat=True)) <= {people.admin.pk}
    assert client.post("/view-as/stop/")["Location"] == "/settings/users/"
    page = client.get("/settings/users/")
    assert page.status_code == 200
    assert "You see Rapport as" not in page.content.decode()


def test_it_ends_by_itself(people, client, monkeypatch):
    later = time.time() + viewing.SECONDS + 1
    monkeypatch.setattr("users.selectors.time.time", lambda: later)
    assert client.get("/settings/users/").status_code == 200


def test_it_ends_with_the_right_to_it(people, client):
    admin = people.admin
    admin.role = people.owner.role
    admin.save(update_fields=["role"])
    assert client.get("/settings/users/").status_code == 403
    assert "You see Rapport as" not in client.get("/").content.decode()


def test_it_ends_with_the_colleague(people, client):
    services.deactivate_user(people.owner, None, actor=people.admin)
    assert client.get("/settings/users/").status_code == 200


@pytest.mark.parametrize("who", ["owner", "manager", "viewer", "agent"])
def test_only_admins_may(people, who):
    client = signed_in(getattr(people, who))
    assert client.post(f"/settings/users/{people.teammate.pk}/view-as/").status_code == 403
    assert "You see Rapport as" not in client.get("/").content.decode()
    assert not OutboxEvent.objects.filter(name="users.viewed_as").exists()


def test_oneself_and_who_has_left_are_nobody_to_look_as(people):
    client = signed_in(people.admin)
    services.deactivate_user(people.teammate, None, actor=people.admin)
    for person in (people.admin, people.teammate):
        client.post(f"/settings/users/{person.pk}/view-as/")
        assert client.get("/settings/users/").status_code == 200
    assert client.post("/settings/users/999999/view-as/").status_code == 404
    assert client.get(f"/settings/users/{people.owner.pk}/view-as/").status_code == 405
