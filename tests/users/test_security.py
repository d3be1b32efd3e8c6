"""What people do for the safety of their own account: second factor, sessions, another address, another password."""

from __future__ import annotations

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.usersessions.models import UserSession
from django.test import Client

from mail.models import OutgoingMail
from tests.factories import PASSWORD, cast, make_user
from users.models import User
from users.selectors import people as listed

pytestmark = pytest.mark.django_db


def sign_in(client: Client, person: User, password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": person.email, "password": password})


def prove_again(client: Client) -> None:
    """Who changes an address types the password once more."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def signed_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_with_a_second_factor_the_password_is_not_enough(client: Client) -> None:
    person = make_user()
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    response = sign_in(client, person)
    assert response["Location"].startswith("/accounts/2fa/authenticate/") and not signed_in(client)
    assert client.get("/accounts/2fa/authenticate/").status_code == 200
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not signed_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": format_hotp_value(hotp_value(secret, int(time.time()) // 30))})
    assert signed_in(client)


def test_admins_see_who_has_a_second_factor() -> None:
    team = cast()
    TOTP.activate(team.owner, generate_totp_secret())
    assert {user.pk for user in listed(team.admin) if user.two_factor} == {team.owner.pk}


def test_ending_other_sessions(client: Client) -> None:
    person = make_user()
    phone = Client()
    sign_in(client, person)
    sign_in(phone, person)
    assert client.get("/accounts/sessions/").status_code == 200 and UserSession.objects.count() == 2
    client.post("/accounts/sessions/")
    assert signed_in(client) and not signed_in(phone)


def test_a_new_password_ends_the_other_sessions(client: Client) -> None:
    person = make_user()
    phone = Client()
    sign_in(client, person)
    sign_in(phone, person)
    data = {"oldpassword": PASSWORD, "password1": "correct-horse-battery", "password2": "correct-horse-battery"}
    assert client.post("/accounts/password/change/", data).status_code == 302
    assert signed_in(client) and not signed_in(phone)


def test_another_address_counts_only_once_it_is_proved(client: Client) -> None:
    team = cast()
    person = team.owner
    sign_in(client, person)
    assert "/reauthenticate/" in client.post("/accounts/email/", {"action_add": "", "email": "private@example.com"})["Location"]
    prove_again(client)
    client.post("/accounts/email/", {"action_add": "", "email": "private@example.com"})
    assert EmailAddress.objects.filter(user=person, email="private@example.com", verified=False).exists()
    client.post("/accounts/email/", {"action_primary": "", "email": "private@example.com"})
    person.refresh_from_db()
    assert person.email == "owner@example.com"
    link = re.search(r"http://testserver(/accounts/confirm-email/\S+/)", OutgoingMail.objects.get(to_address="private@example.com").text)
    client.post(link[1])
    client.post("/accounts/email/", {"action_primary": "", "email": "private@example.com"})
    person.refresh_from_db()
    assert person.email == "private@example.com"
    fresh = Client()
    sign_in(fresh, person)
    assert signed_in(fresh)


def test_nobody_takes_a_colleagues_address(client: Client) -> None:
    team = cast()
    sign_in(client, team.owner)
    prove_again(client)
    client.post("/accounts/email/", {"action_add": "", "email": "ADMIN@example.com"})
    link = re.search(r"http://testserver(/accounts/confirm-email/\S+/)", "".join(OutgoingMail.objects.values_list("text", flat=True)))
    if link:
        client.post(link[1])
    assert not EmailAddress.objects.filter(user=team.owner, email="admin@example.com", verified=True).exists()
    client.post("/accounts/email/", {"action_primary": "", "email": "admin@example.com"})
    team.owner.refresh_from_db()
    assert team.owner.email == "owner@example.com"


def test_reset_by_mail(client: Client) -> None:
    person = make_user("anna@example.com")
    client.post("/accounts/password/reset/", {"email": "ANNA@example.com"})
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+/)", OutgoingMail.objects.get().text)
    page = client.get(link[1], follow=True)
    address = page.redirect_chain[-1][0]
    client.post(address, {"password1": "correct-horse-battery", "password2": "correct-horse-battery"})
    fresh = Client()
    sign_in(fresh, person, "correct-horse-battery")
    assert signed_in(fresh)
    again = Client().get(link[1], follow=True)
    assert "token_fail" not in again.context or again.context["token_fail"]


def test_an_inactive_user_gets_no_reset_mail(client: Client) -> None:
    person = make_user("anna@example.com")
    make_user()
    User.objects.filter(pk=person.pk).update(is_active=False)
    client.post("/accounts/password/reset/", {"email": "anna@example.com"})
    assert not OutgoingMail.objects.exists()
