"""Invitations and the first set-up."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections
from django.test import Client
from django.utils import timezone

from mail.models import OutgoingMail
from tests.factories import cast, make_user
from users import services
from users.models import Invitation, Organisation, Role, User
from users.selectors import active_admins
from users.services.organisation import AlreadySetUp

GOOD = "correct-horse-battery"


def link_in(mail: OutgoingMail) -> str:
    found = re.search(r"http://testserver(/invitation/\S+/)", mail.text)
    assert found
    return found[1]


def invite(people, email: str = "new@example.com") -> str:
    services.invite_user(email=email, name="Nina New", role=Role.objects.get(slug="rep"), team=people.team, actor=people.admin)
    return link_in(OutgoingMail.objects.latest("pk"))


@pytest.mark.django_db
class TestInvitation:
    def test_works_once_and_signs_in(self, client: Client) -> None:
        people = cast()
        link = invite(people, "New@Example.com")
        page = client.get(link)
        assert page.status_code == 200 and "Nina New" in page.content.decode() and "no-store" in page["Cache-Control"]
        assert client.post(link, {"name": "Nina", "password": GOOD}).status_code == 302
        user = User.objects.get(email="new@example.com")
        assert (user.name, user.role.slug, user.team, user.team_scope) == ("Nina", "rep", people.team, [people.team.pk])
        assert client.get("/profile/").status_code == 200
        other = Client()
        assert other.get(link).status_code == 410
        assert other.post(link, {"name": "Thief", "password": GOOD}).status_code == 410
        assert User.objects.filter(name="Thief").count() == 0

    def test_only_the_digest_is_stored(self) -> None:
        link = invite(cast())
        token = link.split("/")[2]
        assert Invitation.objects.get().token_digest not in (token, "") and token not in str(Invitation.objects.values())

    def test_expires_after_a_week(self, client: Client) -> None:
        link = invite(cast())
        assert Invitation.objects.get().expires_at - timezone.now() > timedelta(days=6, hours=23)
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert client.get(link).status_code == 410
        assert client.post(link, {"name": "Late", "password": GOOD}).status_code == 410

    def test_made_up_links_cost_no_lookup(self, client: Client) -> None:
        invite(cast())
        for token in ("x", "x~y", "a" * 3000, "%00", "~"):
            assert client.get(f"/invitation/{token}/").status_code == 410

    def test_a_weak_password_is_refused_at_the_field(self, client: Client) -> None:
        link = invite(cast())
        response = client.post(link, {"name": "Nina", "password": "short"})
        assert response.status_code == 422 and response.context["form"].errors["password"]
        assert response.context["form"]["name"].value() == "Nina"
        assert client.post(link, {"name": "", "password": GOOD}).status_code == 422

    def test_resend_makes_the_old_link_useless(self, client: Client) -> None:
        people = cast()
        old = invite(people)
        services.resend_invitation(Invitation.objects.get(), actor=people.admin)
        new = link_in(OutgoingMail.objects.latest("pk"))
        assert old != new and client.get(old).status_code == 410 and client.get(new).status_code == 200

    def test_withdrawn(self, client: Client) -> None:
        people = cast()
        link = invite(people)
        services.withdraw_invitation(Invitation.objects.get(), actor=people.admin)
        assert client.get(link).status_code == 410
        with pytest.raises(ValidationError):
            services.resend_invitation(Invitation.objects.get(), actor=people.admin)

    def test_inviting_again_replaces_the_first(self, client: Client) -> None:
        people = cast()
        first, second = invite(people), invite(people)
        assert client.get(first).status_code == 410 and client.get(second).status_code == 200

    def test_not_for_an_address_that_signs_in_already(self) -> None:
        people = cast()
        with pytest.raises(ValidationError) as error:
            invite(people, "OWNER@example.com")
        assert "email" in error.value.message_dict

    def test_only_admins_invite(self) -> None:
        people = cast()
        with pytest.raises(PermissionDenied):
            services.invite_user(email="x@example.com", name="", role=people.owner.role, actor=people.manager)

    def test_somebody_signed_in_is_told_to_sign_out(self, client: Client) -> None:
        people = cast()
        link = invite(people)
        client.force_login(people.owner)
        assert client.get(link).status_code == 409 and client.post(link, {"name": "A", "password": GOOD}).status_code == 409
        assert Invitation.objects.get().accepted_at is None


SETUP = {
    "organisation_name": "Alpine Tools",
    "name": "Frida First",
    "email": "Frida@Example.com",
    "password": GOOD,
    "language": "de",
    "time_zone": "Europe/Vienna",
}


@pytest.mark.django_db
class TestSetUp:
    def test_every_page_leads_there_until_it_is_done_then_never_again(self, client: Client) -> None:
        for path in ("/", "/accounts/login/", "/settings/users/", "/nonsense/"):
            response = client.get(path)
            assert (response.status_code, response["Location"]) == (302, "/setup/")
        assert client.get("/setup/").status_code == 200
        assert client.post("/setup/", SETUP).status_code == 302
        user, organisation = User.objects.get(), Organisation.objects.get()
        assert (user.email, user.is_admin, user.is_staff, user.language) == ("frida@example.com", True, True, "de")
        assert (organisation.name, organisation.time_zone) == ("Alpine Tools", "Europe/Vienna") and organisation.set_up_at
        assert client.get("/settings/users/").status_code == 200
        assert client.get("/setup/").status_code == client.post("/setup/", SETUP).status_code == 404
        assert Client().get("/setup/").status_code == 404

    def test_the_door_stays_shut_when_all_users_are_gone(self) -> None:
        services.set_up(**{**SETUP, "time_zone": "UTC", "language": "en"})
        Organisation.objects.update(name="X")
        User.objects.update(is_active=False)
        assert Client().get("/setup/").status_code == 404

    def test_bad_input_keeps_what_was_typed(self, client: Client) -> None:
        response = client.post("/setup/", {**SETUP, "email": "nonsense", "password": "1", "time_zone": "Mars/Olympus", "name": "x" * 10_000})
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"email", "password", "time_zone", "name"}
        assert not User.objects.exists()

    def test_with_a_user_there_is_no_set_up(self, client: Client) -> None:
        make_user()
        assert client.get("/accounts/login/").status_code == 200
        assert client.post("/setup/", SETUP).status_code == 404


def at_once(*calls: Callable[[], object]) -> list[str]:
    """Runs the calls in threads that start together; what each returned or raised, by name."""
    barrier, results = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        try:
            barrier.wait(5)
            results.append("done" if call() is not None else "nothing")
        except (AlreadySetUp, ValidationError) as error:
            results.append(type(error).__name__)
        except BaseException as error:
            results.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(results)


@pytest.mark.django_db(transaction=True)
def test_of_two_set_ups_at_once_one_wins() -> None:
    services.ensure_defaults()
    results = at_once(*[lambda number=number: services.set_up(**{**SETUP, "email": f"first{number}@example.com"}) for number in range(2)])
    assert results == ["AlreadySetUp", "done"] and User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_on_an_invitation_one_wins() -> None:
    token = invite(cast()).split("/")[2]
    results = at_once(*[lambda: services.accept_invitation(token, name="Nina", password=GOOD)] * 3)
    assert results.count("done") == 1 and User.objects.filter(email="new@example.com").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_remove_each_other_at_once() -> None:
    people = cast()
    second = make_user(role="admin")
    rep = Role.objects.get(slug="rep")
    results = at_once(
        lambda: services.update_user(second, {"role": rep}, actor=people.admin),
        lambda: services.deactivate_user(people.admin, None, actor=second),
    )
    assert active_admins().count() == 1, results
