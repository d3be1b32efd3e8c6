"""Signing in, being nobody after deactivation, and what stands behind a session."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mail.models import OutgoingMail
from tests.factories import PASSWORD, cast, make_user
from users import services
from users.backends import Backend, SessionStore, person_of
from users.models import User

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    client.post("/accounts/login/", {"login": email, "password": password})
    return client.get("/profile/").status_code


@pytest.mark.parametrize("typed", ["anna@example.com", "ANNA@Example.COM", " anna@example.com "])
def test_signs_in_by_email_whatever_the_case(client: Client, typed: str) -> None:
    make_user("Anna@Example.com")
    assert sign_in(client, typed) == 200
    assert UserSession.objects.get().user.email == "anna@example.com"


def test_signs_in_without_a_row_of_allauth(client: Client) -> None:
    make_user("anna@example.com")
    EmailAddress.objects.all().delete()
    assert sign_in(client, "Anna@example.com") == 200


def test_wrong_password_and_unknown_address_say_the_same(client: Client) -> None:
    make_user("anna@example.com")
    answers = []
    for email in ("anna@example.com", "nobody@example.com"):
        response = client.post("/accounts/login/", {"login": email, "password": "wrong"})
        answers.append(list(response.context["form"].non_field_errors()))
    assert answers[0] and answers[0] == answers[1]


def test_a_deactivated_user_cannot_sign_in(client: Client) -> None:
    people = cast()
    services.deactivate_user(people.owner, people.teammate, actor=people.admin)
    response = client.post("/accounts/login/", {"login": people.owner.email, "password": PASSWORD}, follow=True)
    assert "/accounts/inactive/" in [url for url, _status in response.redirect_chain] or response.status_code == 200
    assert client.get("/profile/").status_code == 302


@pytest.mark.parametrize(
    ("method", "path", "headers", "back"),
    [
        ("get", "/leads/?q=a", {}, "/leads/?q=a"),
        ("get", "/leads/", {"referer": "http://testserver/deals/"}, "/leads/"),
        ("post", "/leads/1/edit/", {"referer": "http://testserver/leads/1/edit/?x=1"}, "/leads/1/edit/?x=1"),
        ("post", "/notifications/read/", {"referer": "http://testserver/notifications/"}, "/notifications/"),
        ("post", "/notifications/read/", {"referer": "https://elsewhere.example/x/"}, "/notifications/read/"),
        ("get", "/leads/?q=a", {"hx-request": "true", "hx-current-url": "http://testserver/leads/", "hx-target": "table"}, "/leads/"),
        ("get", "/leads/?q=a", {"hx-request": "true", "hx-current-url": "https://elsewhere.example/", "hx-target": "table"}, "/leads/?q=a"),
        ("post", "/leads/new/", {"hx-request": "true", "hx-current-url": "http://testserver/leads/", "hx-target": "panel-body"}, "/leads/new/"),
    ],
)
def test_the_sign_in_leads_back_to_a_page(client: Client, method: str, path: str, headers: dict[str, str], back: str) -> None:
    make_user()
    response = getattr(client, method)(path, headers=headers)
    assert response.status_code == (204 if "hx-request" in headers else 302)
    url = response.headers["HX-Redirect" if "hx-request" in headers else "Location"]
    assert url == f"/accounts/login/?{urlencode({'next': back}, safe='/')}"


@pytest.mark.parametrize(("method", "path"), [("get", "/search/?q=a"), ("get", "/notifications/poll/"), ("post", "/deals/1/move/")])
def test_a_script_is_told_that_nobody_is_signed_in(client: Client, method: str, path: str) -> None:
    make_user()
    response = getattr(client, method)(path, headers={"accept": "application/json"})
    assert response.status_code == 401
    assert "Sign in again" in response.json()["message"]


def test_nobody_signs_up(client: Client) -> None:
    make_user()
    response = client.post("/accounts/signup/", {"email": "new@example.com", "password1": "a-long-password-9"})
    assert not User.objects.filter(email="new@example.com").exists()
    assert response.status_code in (200, 302, 403)


def test_too_many_failures_lock_the_door_for_a_while(client: Client) -> None:
    make_user("anna@example.com")
    for _attempt in range(11):
        client.post("/accounts/login/", {"login": "anna@example.com", "password": "wrong"})
    response = client.post("/accounts/login/", {"login": "anna@example.com", "password": PASSWORD})
    assert response.status_code == 429 or response.context["form"].errors
    assert client.get("/profile/").status_code == 302


def user_of(session: Any, statements: int) -> User:
    request = HttpRequest()
    request.session = type(session)(session.session_key)
    with CaptureQueriesContext(connection) as queries:
        user = person_of(request)
        user.scope_for("leads.lead", "view")
        user.is_admin, user.team.name  # noqa: B018
    assert len(queries) == statements
    return user


def test_session_and_user_come_in_one_query_with_role_and_team(client: Client) -> None:
    people = cast()
    sign_in(client, people.owner.email)
    assert user_of(client.session, 1) == people.owner
    UserSession.objects.update(user=people.stranger)  # allauth's note is only where to look: the session says who it is
    assert user_of(client.session, 2) == people.owner
    UserSession.objects.all().delete()
    assert user_of(client.session, 2) == people.owner
    assert isinstance(Backend().get_user(people.owner.pk), User)


def test_a_session_without_its_user_is_nobodys(client: Client) -> None:
    people = cast()
    sign_in(client, people.owner.email)
    key = client.session.session_key
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    request = HttpRequest()
    request.session = SessionStore(key)
    assert not person_of(request).is_authenticated
    Session.objects.filter(session_key=key).delete()
    request.session = SessionStore(key)
    assert not person_of(request).is_authenticated


def test_reset_mail_goes_through_the_ledger(client: Client) -> None:
    make_user("anna@example.com")
    client.post("/accounts/password/reset/", {"email": "anna@example.com"})
    mail = OutgoingMail.objects.get()
    assert (mail.purpose, mail.to_address, mail.state) == ("account", "anna@example.com", "queued")
    assert "/accounts/password/reset/key/" in mail.text
    client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    assert OutgoingMail.objects.count() == 1


def test_deactivation_ends_every_session_at_once(client: Client) -> None:
    people = cast()
    assert sign_in(client, people.owner.email) == 200
    phone = Client()
    phone.force_login(people.owner)  # a session that allauth did not note
    admin = Client()
    admin.force_login(people.admin)
    services.deactivate_user(people.owner, None, actor=people.admin)
    assert client.get("/profile/").status_code == phone.get("/profile/").status_code == 302
    assert Session.objects.count() == 1 and not UserSession.objects.filter(user=people.owner).exists()
    services.reactivate_user(people.owner, actor=people.admin)
    assert client.get("/profile/").status_code == phone.get("/profile/").status_code == 302  # old sessions stay dead
    assert admin.get("/profile/").status_code == 200


def test_a_session_that_survived_is_nobodys_once_the_user_is_inactive(client: Client) -> None:
    people = cast()
    client.force_login(people.owner)
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    assert client.get("/profile/").status_code == 302


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"])
def test_pages_of_ones_own_security(client: Client, path: str) -> None:
    person = make_user()
    assert client.get(path).status_code == 302
    assert sign_in(client, person.email) == 200
    assert client.get(path).status_code in (200, 302)


def test_the_admin_is_behind_the_same_sign_in(client: Client) -> None:
    people = cast()
    response = client.get("/admin/")
    assert response.status_code == 302 and "/login" in response["Location"]
    client.force_login(people.owner)
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(people.admin)
    assert client.get("/admin/").status_code == 200
    for name in ("user", "team", "role", "organisation", "invitation", "holiday"):
        assert client.get(f"/admin/users/{name}/").status_code == 200
        assert client.post(f"/admin/users/{name}/add/").status_code == 403
