"""Sign-in, password and two-factor pages: clean in both themes, on a desktop and on a phone, and doing their work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from mail.models import OutgoingMail
from tests.e2e.checks import assert_clean, collect, forgive, usual
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)

DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOOKS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]
SIGNED_OUT = ["/accounts/login/", "/accounts/password/reset/", "/accounts/password/reset/done/", "/accounts/inactive/", "/accounts/signup/"]
SIGNED_IN = [
    "/accounts/password/change/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/sessions/",
    "/accounts/logout/",
]


@pytest.fixture
def no_reauthentication(settings: Any) -> None:
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = settings.MFA_REAUTHENTICATION_REQUIRED = False


def keep(page: Page, name: str) -> None:
    """With SHOTS=1 the pictures are kept in test-output/."""
    if os.environ.get("SHOTS"):
        page.screenshot(path=Path("test-output") / f"{name.strip('/').replace('/', '-') or 'home'}.png")


def look_at(page: Page, address: str, name: str) -> None:
    page.goto(address)
    keep(page, f"{address}-{name}")
    assert page.locator("h1").count() == 1, address
    assert_clean(page)


@pytest.mark.parametrize(("size", "scheme"), usual(LOOKS, 0, 3))
def test_signed_out_pages_are_clean(new_page: Callable[..., Page], size: dict[str, Any], scheme: str) -> None:
    make_user()  # without anybody, every page leads to the set-up
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    for address in SIGNED_OUT:
        look_at(page, address, f"{scheme}-{size['viewport']['width']}")


@pytest.mark.parametrize(("size", "scheme"), usual(LOOKS, 0, 3))
def test_account_pages_are_clean(new_page: Callable[..., Page], sign_in: Any, no_reauthentication: None, size: dict[str, Any], scheme: str) -> None:
    user = make_user(name="Maximiliane Freifrau von Bergerhausen")
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    sign_in(page, user.email)
    for address in SIGNED_IN:
        look_at(page, address, f"{scheme}-{size['viewport']['width']}")


def test_wrong_password_says_so_and_keeps_the_address(new_page: Callable[..., Page]) -> None:
    user = make_user()
    page = new_page()
    collect(page)
    page.goto("/accounts/login/")
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", "not it, not it")
    page.click("main [type=submit]")
    page.wait_for_selector(".alert, .invalid-feedback")
    forgive(page)
    keep(page, "login-wrong")
    assert page.input_value("[name=login]") == user.email
    assert_clean(page)


def test_password_reset_from_the_mail(new_page: Callable[..., Page]) -> None:
    user = make_user()
    page = new_page()
    collect(page)
    page.goto("/accounts/password/reset/")
    page.fill("[name=email]", user.email)
    page.click("main [type=submit]")
    page.wait_for_url("**/reset/done/")
    text = OutgoingMail.objects.get(to_address=user.email).text
    link = next(word for word in text.split() if "/accounts/password/reset/key/" in word)
    page.goto(link[link.index("/accounts") :])
    page.wait_for_load_state("networkidle")
    keep(page, "reset-key")
    assert_clean(page)
    for name in ("password1", "password2"):
        page.fill(f"[name={name}]", "a new and longer one")
    page.click("main [type=submit]")
    page.wait_for_url("**/reset/key/done/")
    assert_clean(page)
    user.refresh_from_db()
    assert user.check_password("a new and longer one")
    page.goto(link[link.index("/accounts") :])  # used up
    keep(page, "reset-used")
    assert_clean(page)


def test_second_factor_by_app_and_recovery_codes(new_page: Callable[..., Page], sign_in: Any, no_reauthentication: None) -> None:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

    user = make_user()
    page = new_page()
    collect(page)
    sign_in(page, user.email)
    page.goto("/accounts/2fa/totp/activate/")
    secret = page.input_value("#authenticator_secret")
    page.fill("[name=code]", format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))
    page.click(".form-actions [type=submit]")
    page.wait_for_load_state("networkidle")
    for address in ("/accounts/2fa/", "/accounts/2fa/recovery-codes/", "/accounts/2fa/recovery-codes/generate/", "/accounts/2fa/totp/deactivate/"):
        look_at(page, address, "on")
    page.goto("/accounts/2fa/recovery-codes/")
    code = page.locator(".codes li").first.inner_text()
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main [type=submit]")
    page.wait_for_url("**/2fa/authenticate/**")
    page.wait_for_load_state("networkidle")
    keep(page, "second-factor")
    assert_clean(page)
    page.fill("[name=code]", code)
    page.click("main .btn-primary")
    page.wait_for_url(lambda url: "/accounts/" not in url)


def test_dangerous_steps_ask_for_the_password_again(new_page: Callable[..., Page], sign_in: Any, settings: Any) -> None:
    settings.ACCOUNT_REAUTHENTICATION_REQUIRED = settings.MFA_REAUTHENTICATION_REQUIRED = True
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    user = make_user()
    page = new_page()
    collect(page)
    sign_in(page, user.email)
    page.goto("/accounts/2fa/totp/activate/")
    page.wait_for_url("**/reauthenticate/**")
    keep(page, "reauthenticate")
    assert_clean(page)
