"""The palette and the search page in a real browser: by keyboard, on a phone, in the dark, without JavaScript."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from activities.services import add_note, create_task
from contacts.services import create_company, create_contact
from crm.core import finding, words
from tests.e2e.checks import axe, missing_icons, overflow, usual
from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, "light"), (1440, "dark"), (320, "light"), (390, "dark")]


@pytest.fixture
def rows() -> Any:
    words._known.clear()
    finding._samples.clear()
    actor = make_user("searcher@example.com", role="admin", name="Sara Searcher")
    company = create_company({"name": "Müller Maschinenbau GmbH mit einem sehr langen Namen, der in keine Zeile passt", "city": "Köln"}, actor=actor)
    contact = create_contact({"first_name": "Anna", "last_name": "Müller", "email": "anna.mueller@example.com", "job_title": "Buyer"}, actor=actor)
    for number in range(8):
        create_contact({"first_name": f"Eva{number}", "last_name": "Müllerhofer"}, actor=actor)
    create_task({"title": "Call Müller back"}, actor=actor)
    add_note(company, body="Müller wants a new offer. " * 20, actor=actor)
    return contact


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")
    wrong = [*axe(page), *missing_icons(page)] + ([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])
    assert not wrong, (name, wrong)


@pytest.mark.parametrize(("width", "scheme"), usual(LOOKS, 0, 3))
def test_palette_and_page(rows: Any, new_page: Callable[..., Page], sign_in: Callable[..., None], width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    sign_in(page, "searcher@example.com", PASSWORD)
    page.goto("/")
    page.keyboard.press("Control+k")
    look(page, f"palette-empty-{width}-{scheme}")
    page.keyboard.type("mulr ann")
    page.keyboard.press("Control+a")
    page.keyboard.type("müll")
    expect(page.locator("#pal-found [role=option]").first).to_contain_text("Müll")
    look(page, f"palette-{width}-{scheme}")
    page.goto("/search/?q=m%C3%BCll")
    look(page, f"search-{width}-{scheme}")
    page.goto("/search/?q=Mulelr")
    expect(page.get_by_role("main").get_by_text("Some are only spelt alike")).to_be_visible()
    look(page, f"search-alike-{width}-{scheme}")
    page.goto("/contacts/?q=Mulelrhofer")
    expect(page.get_by_text("These are spelt alike")).to_be_visible()
    look(page, f"list-alike-{width}-{scheme}")


def test_by_keyboard_alone(rows: Any, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = new_page()
    sign_in(page, "searcher@example.com", PASSWORD)
    page.goto("/")
    page.keyboard.press("/")
    box = page.locator("dialog.pal input")
    expect(box).to_be_focused()
    page.keyboard.type("muller")
    first = page.locator("#pal-found [role=option]").first
    expect(first).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    expect(first.locator("mark")).to_have_text("Müller")
    expect(page.locator("#live")).to_contain_text("found")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#po-all")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=muller")
    page.keyboard.press("Control+k")
    page.keyboard.type("anna muller")
    expect(page.locator("#pal-found [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/contacts/{rows.pk}/")


def test_what_was_found_for_an_older_text_is_gone(rows: Any, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = new_page()
    sign_in(page, "searcher@example.com", PASSWORD)
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("anna")
    expect(page.locator("#pal-found [role=option]")).to_have_count(1)
    page.keyboard.type("x")
    assert page.locator("#pal-found [role=option]").count() == 0
    page.keyboard.press("Enter")  # at once: not Anna, but all results
    page.wait_for_url("**/search/?q=annax")


def test_without_javascript(rows: Any, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, "searcher@example.com", PASSWORD)
    page.goto("/")
    page.locator("a.find").click()
    page.get_by_role("searchbox").fill("müller")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Anna Müller", exact=True)).to_be_visible()
    page.get_by_role("link", name="Müller wants a new offer").click()
    expect(page.locator("#timeline").get_by_text("Müller wants a new offer").first).to_be_visible()
