"""The page of a record in a real browser: its head, values changed in place, a form in the side panel, the forms for a new entry."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities.services import add_note, log_call
from contacts.models import Consent, Contact
from contacts.services import create_company, create_contact, record_consent
from leads.models import Lead
from leads.services import create_lead
from tests.e2e.checks import axe, missing_icons, overflow, usual
from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark"), (320, "light")]


@pytest.fixture
def owner() -> Any:
    return make_user("owner@example.com", role="admin", name="Olivia Owner")


@pytest.fixture
def contact(owner: Any) -> Contact:
    company = create_company({"name": "Quoll Works", "domain": "quoll.example", "phone": "+43662999", "tags": ["Key account"]}, actor=owner)
    values = {"first_name": "Ada", "last_name": "Quoll", "company": company, "job_title": "Buyer", "phone": "+43662123456", "email": "ada@quoll.example"}
    contact = create_contact({**values, "tags": ["VIP", "Newsletter 2026"]}, actor=owner)
    for channel in ("phone", "newsletter"):
        record_consent(contact, Consent.Channel(channel), False, "By phone", actor=owner)
    log_call(contact, actor=owner, outcome="reached", at=timezone.now() - timedelta(hours=3, minutes=1))
    add_note(contact, body="\n\n".join(f"Line {number} of what was said." for number in range(30)), actor=owner)
    return contact


@pytest.fixture
def lead(owner: Any, contact: Contact) -> Lead:
    values = {"first_name": "Bea", "last_name": "Quoll", "company_name": "Quoll Works", "email": "bea@quoll.example", "phone": "+43662123456"}
    return create_lead(values, actor=owner)


def opened(new_page: Callable[..., Page], sign_in: Callable[..., None], obj: Any, **options: Any) -> Page:
    page = new_page(**options)
    sign_in(page, "owner@example.com", PASSWORD)
    page.goto(obj.get_absolute_url())
    return page


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.wait_for_timeout(350)
        page.screenshot(path=f"{folder}/{name}.png", full_page="full" in name)
    wrong = [*axe(page), *missing_icons(page)] + ([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])
    assert not wrong, (name, wrong)


@pytest.mark.parametrize(("width", "scheme"), usual(LOOKS, 0, 3))
def test_looks(contact: Contact, lead: Lead, new_page: Callable[..., Page], sign_in: Callable[..., None], width: int, scheme: str) -> None:
    page = opened(new_page, sign_in, contact, viewport={"width": width, "height": 900}, color_scheme=scheme, has_touch=width < 800)
    tag = f"{width}-{scheme}"
    look(page, f"contact-{tag}-full")
    page.locator(".rec-acts summary").click()
    look(page, f"contact-menu-{tag}")
    page.keyboard.press("Escape")
    if width < 992:
        page.get_by_role("tab", name="Details").click()
    page.locator(".empties summary").first.click()
    page.locator("dd:has(.fact-edit[href*=language]), dd:has(.fact-edit[href*=owner])").first.hover()
    look(page, f"contact-facts-{tag}-full")
    page.goto(lead.get_absolute_url())
    if width < 992:
        page.get_by_role("tab", name="Related").click()
    expect(page.locator("#p-rel").get_by_role("link", name="Quoll Works")).to_be_visible()
    look(page, f"lead-{tag}-full")
    if width < 992:
        page.get_by_role("tab", name="Timeline").click()
    page.locator(".stats .why summary").click()
    look(page, f"lead-why-{tag}")
    page.goto("/leads/")
    page.locator("#rows .why summary:visible").first.click() if width > 992 else None
    look(page, f"leads-{tag}")


def test_a_value_is_changed_over_it(contact: Contact, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = opened(new_page, sign_in, contact)
    pencil = page.locator(".fact-edit[href*='/field/owner/']")
    pencil.focus()
    page.keyboard.press("Enter")
    box = page.locator(".cellbox")
    expect(box.get_by_role("combobox", name="Owner")).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(pencil).to_be_focused()
    page.locator("dd:has(.fact-edit[href*='/field/company/'])").hover()
    page.locator(".fact-edit[href*='/field/company/']").click()
    box.get_by_role("combobox", name="Company").fill("")
    look(page, "contact-cell")
    with page.expect_navigation():
        box.get_by_role("button", name="Save").click()
    expect(page.locator(".rec-head")).not_to_contain_text("Quoll Works")
    contact.refresh_from_db()
    assert contact.company is None and contact.job_title == "Buyer"


def test_a_section_and_an_empty_field_open_in_the_side_panel(contact: Contact, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = opened(new_page, sign_in, contact)
    page.get_by_role("link", name="Edit Address").first.click()
    expect(page.locator("#panel").get_by_label("Street")).to_be_focused()
    look(page, "contact-panel")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.locator(".empties summary").first.click()
    page.get_by_role("link", name="Birthday", exact=True).click()
    page.locator("#panel").get_by_label("Birthday").fill("3 May 1980")
    with page.expect_navigation():
        page.locator("#panel").get_by_role("button", name="Save").click()
    expect(page.locator("#p-info")).to_contain_text("3 May 1980")


def test_buttons_lead_to_the_forms_for_a_new_entry(contact: Contact, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = opened(new_page, sign_in, contact)
    page.locator(".rec-acts > a", has_text="Log").click()
    expect(page.locator("#ct-call")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#c-call :is(input:not([type=hidden]), select)").first).to_be_focused()
    page.goto(f"{contact.get_absolute_url()}#c-meeting")
    expect(page.locator("#ct-meeting")).to_have_attribute("aria-selected", "true")


def test_the_same_on_a_phone_and_without_scripts(contact: Contact, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    page = opened(new_page, sign_in, contact, **phone)
    page.get_by_role("tab", name="Related").click()
    page.locator(".rec-acts summary").click()
    page.locator(".rec-acts .dropdown-menu").get_by_role("link", name="Task").click()
    expect(page.locator("#c-task :is(input:not([type=hidden]), select)").first).to_be_focused()
    bare = opened(new_page, sign_in, contact, java_script_enabled=False, **phone)
    bare.locator(".rec-acts summary").click()
    bare.locator(".rec-acts .dropdown-menu").get_by_role("link", name="Task").click()
    expect(bare.locator("#c-task")).to_be_in_viewport()
    bare.goto(contact.get_absolute_url())
    bare.locator(".fact-edit[href*='/field/owner/']").click()
    expect(bare.get_by_role("heading", name="Assign Ada Quoll")).to_be_visible()
    bare.goto(contact.get_absolute_url())
    expect(bare.get_by_text("Line 29 of what was said.")).not_to_be_in_viewport()
    bare.get_by_label("Show all").check()
    bare.get_by_text("Line 29 of what was said.").scroll_into_view_if_needed()
    expect(bare.get_by_text("Line 29 of what was said.")).to_be_in_viewport()


def test_the_name_stays_in_sight_when_a_list_is_scrolled_sideways(lead: Lead, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = opened(new_page, sign_in, lead, viewport={"width": 1200, "height": 800})
    page.goto("/leads/?cols=name,company,status,score,next,email,phone,owner,source,active,age,value,created,tags")
    box, name = page.locator(".tbl"), page.locator("#rows th").first
    at = name.bounding_box()
    assert box.evaluate("x => { x.scrollLeft = 400; return x.scrollLeft }") > 100
    assert at and name.bounding_box() == at
    page.locator("[data-rowlink]").first.focus()
    page.locator("#rows th .row-tool[data-pencil]").click()
    expect(page.locator(".cellbox").get_by_label("First name")).to_be_focused()
    assert overflow(page) <= 0  # the list scrolls, not the page


def test_names_of_a_grouped_list_lie_on_nothing(lead: Lead, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = opened(new_page, sign_in, lead)
    page.goto("/leads/?group=status")
    row = page.locator(".group tbody tr").first
    name, beside = (row.locator(cell).bounding_box() for cell in ("th", "th + td"))
    assert name and beside and name["x"] + name["width"] <= beside["x"] + 1
