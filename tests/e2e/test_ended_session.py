"""A session that ends while somebody types: after the sign-in the form has it again. And a form that is on its way can't be sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import forgive
from tests.e2e.system import PASSWORD, RUN, address_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]


def end_session(page: Page) -> None:
    for cookie in page.context.cookies():
        if "csrf" not in cookie["name"]:
            page.context.clear_cookies(name=cookie["name"])


def sign_in_again(page: Page) -> None:
    page.wait_for_url("**/accounts/login/**")
    page.fill("[name=login]", address_of("rep"))
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/accounts/" not in url)


def test_a_page_s_form_has_it_again(open_page: Callable[..., Page]) -> None:
    page = open_page("rep")
    page.goto("/contacts/new/")
    page.fill("[name=last_name]", f"Ended {RUN}")
    page.fill("[name=description]", "An hour's work")
    page.select_option("[name=lifecycle]", "partner")
    end_session(page)
    page.click(".form-actions [type=submit]")
    sign_in_again(page)
    expect(page.locator("[name=description]")).to_have_value("An hour's work")
    expect(page.locator("[name=lifecycle]")).to_have_value("partner")
    expect(page.locator(".toast", has_text="signed out")).to_be_visible()
    page.click(".form-actions [type=submit]")
    page.wait_for_url(re.compile(r"/contacts/\d+/$"))
    expect(page.locator("h1")).to_have_text(f"Ended {RUN}")
    page.goto("/contacts/new/")
    expect(page.locator("[name=description]")).to_have_value("")


def test_the_side_panel_s_form_has_it_again_on_a_page(open_page: Callable[..., Page]) -> None:
    page = open_page("rep")
    page.goto("/leads/")
    page.click("[data-new]")
    page.fill("#panel-body [name=last_name]", "Panel")
    end_session(page)
    page.click("#panel-body [type=submit]")
    sign_in_again(page)
    page.wait_for_url("**/leads/new/")
    expect(page.locator("[name=last_name]")).to_have_value("Panel")


def test_an_entry_on_a_timeline_is_there_again(open_page: Callable[..., Page]) -> None:
    page = open_page("rep")
    page.goto("/leads/?view=mine")
    page.locator("[data-rowlink]").first.click()
    page.wait_for_url(re.compile(r"/leads/\d+/$"))
    page.click("#ct-call")
    page.fill("#c-call [name=body]", "They want three of them")
    end_session(page)
    page.click("#c-call [type=submit]")
    sign_in_again(page)
    expect(page.locator("#c-call [name=body]")).to_be_visible()
    expect(page.locator("#c-call [name=body]")).to_have_value("They want three of them")


def test_a_list_asks_for_the_sign_in_and_not_inside_itself(open_page: Callable[..., Page]) -> None:
    page = open_page("rep")
    page.goto("/leads/")
    end_session(page)
    page.locator(".foot .sizes a").first.click()
    sign_in_again(page)
    assert "/leads/" in page.url


def test_a_card_goes_back_when_nobody_is_signed_in(open_page: Callable[..., Page]) -> None:
    page = open_page("rep")
    page.goto("/deals/board/?owner=me")
    card = page.locator(".deal[data-url]").first
    lane = card.evaluate("card => card.closest('.lane').id")
    end_session(page)
    card.locator("summary").click()
    card.locator("[data-move]").first.click()
    expect(page.locator(".toast", has_text="Sign in again")).to_be_visible()
    assert card.evaluate("card => card.closest('.lane').id") == lane
    forgive(page)


def test_a_form_on_its_way_is_not_sent_again(open_page: Callable[..., Page]) -> None:
    page = open_page("rep")
    page.goto("/companies/new/")
    page.fill("[name=name]", f"Twice {RUN}")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.dblclick(".form-actions [type=submit]")
    page.wait_for_url(re.compile(r"/companies/\d+/$"))
    assert len(sent) == 1
