"""Custom fields as an admin sets them up and a rep uses them, in Chromium: keyboard and form alone, on a phone, in the dark."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from contacts.models import Contact
from crm.core.custom.models import CustomField
from tests.core.custom.fields import make_field
from tests.e2e.checks import axe, missing_icons, overflow
from tests.factories import PASSWORD, cast

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = {
    "wide": {"viewport": {"width": 1440, "height": 900}},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "small": {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"},
    "noscript": {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False},
}


@pytest.fixture
def people():
    return cast()


def look(page, name, scripts=True):
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    if scripts:
        # To the end, where the bar with the buttons covers nothing, and at once: a page that still scrolls smoothly has it over some field.
        page.evaluate("for (const each of document.querySelectorAll('html, main, #content')) each.scrollTo({top: each.scrollHeight, behavior: 'instant'})")
        assert [*axe(page), *missing_icons(page)] == [] and overflow(page) <= 0, name


@pytest.mark.parametrize("way", [*(pytest.param(each, marks=pytest.mark.long) for each in ("wide", "dark")), "small", "noscript"])
def test_from_the_settings_to_the_list(new_page, sign_in, people, way):
    scripts = way != "noscript"
    page = new_page(**LOOKS[way])
    sign_in(page, people.admin.email, PASSWORD)
    page.goto("/settings/fields/contacts/")
    look(page, f"{way}-empty", scripts)
    page.goto("/settings/fields/contacts/new/")
    look(page, f"{way}-kinds", scripts)
    page.get_by_role("link", name="Choice", exact=True).click()
    page.fill("input[name=label]", "Level")
    page.fill("input[name=group]", "Membership")
    page.fill("textarea[name=more]", "Gold\nSilver")
    page.check("input[name=in_list]")
    look(page, f"{way}-form", scripts)
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    page.wait_for_url("**/settings/fields/contacts/")
    for kind in ("number", "date", "choices", "yes_no", "long_text", "user", "url"):
        make_field(kind, group="Membership", help_text="Some words of help")
    page.goto("/settings/fields/contacts/")
    look(page, f"{way}-list", scripts)
    field = CustomField.objects.get(label="Level")
    page.goto(f"/settings/fields/contacts/{field.pk}/edit/")
    look(page, f"{way}-edit", scripts)
    page.goto("/contacts/new/")
    page.fill("input[name=last_name]", "Zebrafinch")
    page.select_option(f"select[name={field.name}]", label="Silver")
    number = CustomField.objects.get(kind="number")
    page.fill(f"input[name={number.name}]", "many")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_text("Enter a number, such as 1234.5.").wait_for()
    look(page, f"{way}-wrong", scripts)
    page.fill(f"input[name={number.name}]", "1,234.5")
    page.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url("**/contacts/*/")
    contact = Contact.objects.get()
    assert contact.custom == {field.key: "002", number.key: "1234.5"}
    page.reload()  # without the message that fades
    look(page, f"{way}-record", scripts)
    page.goto(f"/contacts/?{field.name}=002&{number.name}_min=1000&sort=-{number.name}")
    assert page.locator(f'tr[data-pk="{contact.pk}"]').count() == 1
    page.locator("#filterbox summary").click()
    look(page, f"{way}-filter", scripts)


def test_fields_are_arranged(new_page, sign_in, people):
    page = new_page(**LOOKS["wide"])
    sign_in(page, people.admin.email, PASSWORD)
    page.goto("/settings/fields/companies/layout/")
    first = page.locator("[data-names]").first.locator("li")
    page.wait_for_function("window.Sortable && Sortable.get(document.querySelector('[data-names]'))")
    page.locator("#field-domain").drag_to(page.locator("#field-phone"))
    expect(page.locator("#layout [name=version]")).to_have_value("1")
    expect(page.locator("#field-phone + #field-domain")).to_be_visible()
    page.locator("#down-name").press("Enter")
    expect(first.nth(1)).to_have_attribute("data-name", "name")
    expect(page.locator("#down-name")).to_be_focused()
    page.get_by_role("button", name="Add group").click()  # without a title
    expect(page.locator("main .messages .alert")).to_contain_text("Give each group a title")
    page.locator("#new-group").fill("Taste")
    page.get_by_role("button", name="Add group").click()
    expect(page.get_by_label("Title of the group Taste")).to_be_visible()
    expect(page.locator("main .messages .alert")).to_have_count(0)
    look(page, "layout")
    page.get_by_role("button", name="As it came").click()
    expect(first.first).to_have_attribute("data-name", "name")


def test_fields_are_arranged_without_javascript(new_page, sign_in, people):
    page = new_page(**LOOKS["noscript"])
    sign_in(page, people.admin.email, PASSWORD)
    page.goto("/settings/fields/companies/layout/")
    page.get_by_role("button", name="Move Name down").click()
    expect(page.locator("[data-names]").first.locator("li").nth(1)).to_have_attribute("data-name", "name")
    page.locator("#new-group").fill("Taste")
    page.get_by_role("button", name="Add group").click()
    expect(page.get_by_label("Title of the group Taste")).to_be_visible()
