"""Leads in a real browser: a form built by keyboard, converting by choice and taking it back; accessible, nothing blocked, nothing too wide."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact
from contacts.services import create_contact
from deals.services import ensure_defaults as ensure_pipeline
from leads.models import Lead
from tests.e2e.checks import axe, missing_icons, overflow, tab_to
from tests.factories import PASSWORD, make_user
from tests.leads.factories import make_form, make_lead

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
TOPICS = {"key": "topics", "label": "Topics", "kind": "several", "choices": ["Sales", "Help"]}
NAME = {"key": "name", "label": "Name", "kind": "text", "target": "name", "required": True}
TERMS = {"key": "terms", "label": "Terms", "kind": "consent", "required": True, "consent_text": "You may write to me."}


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    wrong = [*axe(page), *missing_icons(page)] + ([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])
    assert not wrong, (name, wrong)


def test_a_form_is_built_with_the_keyboard(new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    make_user("boss@example.com", role="admin")
    form = make_form(fields=[NAME, TOPICS, TERMS])
    page = new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto(f"/settings/forms/{form.pk}/fields/")
    look(page, "builder")
    preview = page.get_by_role("region", name="Preview")
    page.locator("#id_f-0-label").fill("Your name")
    expect(preview.get_by_label("Your name")).to_be_visible()
    page.get_by_role("group", name="Topics").get_by_role("button", name="Up").press("Enter")
    expect(page.locator("#id_f-1-label")).to_have_value("Your name")
    page.locator("#id_f-1-label").press("Enter")
    expect(page.get_by_role("region", name="Messages")).to_contain_text("have been saved")
    assert list(form.fields.values_list("label", flat=True)) == ["Topics", "Your name", "Terms"]
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(color_scheme="dark")
    look(page, "builder-320")
    page.goto(f"/f/{form.slug}/")
    look(page, "form-320")


@pytest.fixture
def known() -> tuple[Lead, Contact]:
    """A lead and the contact with another name that has its address."""
    ensure_pipeline()
    rep = make_user("rep@example.com")
    contact = create_contact({"first_name": "Ada", "last_name": "King", "email": "ada@engine.example", "city": "Wien"}, actor=rep)
    return make_lead(rep, first_name="Ada", last_name="Lovelace", email="ada@engine.example", city="Salzburg"), contact


def test_converting_by_choice_and_back(new_page: Callable[..., Page], sign_in: Callable[..., None], known: tuple[Lead, Contact]) -> None:
    lead, contact = known
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    sign_in(page, "rep@example.com", PASSWORD)
    page.goto(f"/leads/{lead.pk}/convert/")
    look(page, "convert")
    page.get_by_label("Take: Lovelace").check()
    page.get_by_label("Make a deal").uncheck()
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/contacts/*/")
    contact.refresh_from_db()
    assert (contact.last_name, contact.city) == ("Lovelace", "Wien")
    page.goto(f"/leads/{lead.pk}/")
    look(page, "converted")
    page.locator("summary[aria-label='More actions']").click()
    page.get_by_role("button", name="Undo the conversion").click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text("the lead is open again")
    contact.refresh_from_db()
    assert contact.last_name == "King"
    page.goto(f"/leads/{lead.pk}/status/?kind=disqualified")
    look(page, "disqualify")


def test_converting_and_back_with_the_keyboard_alone(new_page: Callable[..., Page], sign_in: Callable[..., None], known: tuple[Lead, Contact]) -> None:
    lead, contact = known
    page = new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, "rep@example.com", PASSWORD)
    page.goto(f"/leads/{lead.pk}/")
    page.keyboard.press("v")
    page.wait_for_url("**/convert/**")
    tab_to(page, "[name=contact_take_last_name]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name=make_deal]")
    page.keyboard.press("Space")
    tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/contacts/*/")
    contact.refresh_from_db()
    assert contact.last_name == "Lovelace"
    page.goto(f"/leads/{lead.pk}/")
    tab_to(page, "summary[aria-label='More actions']")
    page.keyboard.press("Enter")
    tab_to(page, "button[formaction$='/convert/undo/']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Messages")).to_contain_text("the lead is open again")
    contact.refresh_from_db()
    assert contact.last_name == "King"


def test_converting_and_back_without_scripts(new_page: Callable[..., Page], sign_in: Callable[..., None], known: tuple[Lead, Contact]) -> None:
    lead, contact = known
    page = new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    sign_in(page, "rep@example.com", PASSWORD)
    page.goto(f"/leads/{lead.pk}/")
    page.get_by_role("link", name="Convert").click()
    page.get_by_label("Take: Lovelace").check()
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/deals/*/")
    contact.refresh_from_db()
    assert (contact.last_name, contact.deals.count()) == ("Lovelace", 1)
    page.goto(f"/leads/{lead.pk}/")
    page.locator("summary[aria-label='More actions']").click()
    page.get_by_role("button", name="Undo the conversion").click()
    expect(page.locator("#messages")).to_contain_text("the lead is open again")
    contact.refresh_from_db()
    assert (contact.last_name, contact.deals.filter(deleted_at=None).exists()) == ("King", False)


def test_a_form_is_built_without_scripts(new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    make_user("boss@example.com", role="admin")
    form = make_form(fields=[NAME, TOPICS, TERMS])
    page = new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto(f"/settings/forms/{form.pk}/fields/")
    page.get_by_role("group", name="Topics").get_by_role("button", name="Up").click()
    page.locator("#id_f-1-label").fill("Your name")
    page.get_by_role("button", name="Save fields").click()
    expect(page.locator("#messages")).to_contain_text("have been saved")
    assert list(form.fields.values_list("label", flat=True)) == ["Topics", "Your name", "Terms"]
