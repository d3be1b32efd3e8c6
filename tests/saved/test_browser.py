"""Views and columns in Chromium: saved, changed, saved again; columns moved and drawn wider; filters joined by or; groups."""

from __future__ import annotations

import pytest

from contacts.services import create_contact
from crm.core.saved.looks import look_of
from crm.core.saved.models import SavedView
from tests.e2e.checks import axe, missing_icons, overflow
from tests.factories import PASSWORD, cast
from users.models import User

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def people():
    people = cast()
    for name, city in (("Amsel", "Graz"), ("Bussard", "Linz"), ("Caspar", "Wien")):
        create_contact({"last_name": name, "city": city, "owner": people.owner}, actor=people.owner)
    return people


def clean(page):
    assert [*axe(page), *missing_icons(page)] == [] and overflow(page) <= 0, page.url


def names(page):
    return [text.strip() for text in page.locator("#rows [data-rowlink]").all_inner_texts()]


def test_views_columns_and_alternatives(new_page, sign_in, people):
    page = new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, people.owner.email, PASSWORD)
    page.goto("/contacts/?sort=name&city=Graz")
    page.locator("#savebox summary").click()
    page.fill("#view-name", "Styria")
    clean(page)
    page.get_by_role("button", name="Save as new view").click()
    page.wait_for_url("**/contacts/?view=s*")
    assert names(page) == ["Amsel"]
    page.locator("#filterbox summary").click()
    page.get_by_role("button", name="Add “either … or”").click()
    page.locator(".alternative").wait_for()
    clean(page)
    page.fill("#filter_city", "")
    page.fill("[name=or1-city]", "Graz")
    page.get_by_role("button", name="Add “or”").click()
    page.locator("[name=or2-city]").fill("Linz")
    page.locator("[name=or2-city]").press("Enter")
    page.locator(".chip").nth(1).wait_for()
    assert names(page) == ["Amsel", "Bussard"]
    page.locator("#savebox summary").click()
    page.get_by_role("button", name="Save changes to “Styria”").click()
    page.wait_for_url("**/contacts/?view=s*")
    assert names(page) == ["Amsel", "Bussard"]
    assert "or2-city=Linz" in SavedView.objects.get().query
    page.goto("/contacts/")
    page.locator(".columns summary").click()
    first = page.locator("[data-choices] li").nth(1)
    label = first.locator("label").inner_text().strip()
    first.locator("[data-up]").click()
    page.get_by_role("button", name="Apply").last.click()
    page.locator("th[data-col]").nth(1).get_by_text(label).wait_for()
    edge = page.locator("th[data-col]").nth(1).bounding_box()
    page.mouse.move(edge["x"] + edge["width"] - 3, edge["y"] + 10)
    page.mouse.down()
    page.mouse.move(edge["x"] + edge["width"] + 77, edge["y"] + 10)
    with page.expect_response("**/views/look/") as answer:
        page.mouse.up()
    assert answer.value.status == 204
    column = page.locator("th[data-col]").nth(1).get_attribute("data-col")
    assert abs(look_of(User.objects.get(pk=people.owner.pk), "contacts").widths[column] - edge["width"] - 80) < 8
    page.reload()
    assert abs(page.locator("th[data-col]").nth(1).bounding_box()["width"] - edge["width"] - 80) < 8
    clean(page)


def test_a_menu_that_can_not_be_had_closes_and_is_asked_for_again(new_page, sign_in, people):
    page = new_page(viewport={"width": 1440, "height": 900})
    sign_in(page, people.owner.email, PASSWORD)
    page.goto("/contacts/")
    asked = []
    page.route("**/contacts/menu/columns/**", lambda route: (asked.append(1), route.abort()))
    page.locator(".columns summary").click()
    page.locator(".toast", has_text="offline").wait_for()
    page.locator(".columns:not([open])").wait_for()
    assert new_page.problems and all("htmx" in problem or "ERR_FAILED" in problem for problem in new_page.problems), "nothing but what was provoked"
    new_page.problems.clear()
    page.unroute("**/contacts/menu/columns/**")
    page.locator(".columns summary").click()
    page.locator("[data-choices]").wait_for()
    assert asked == [1]


def test_on_a_phone_and_in_the_dark(new_page, sign_in, people):
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark")
    sign_in(page, people.owner.email, PASSWORD)
    page.goto("/contacts/?group=owner")
    page.locator(".group tbody tr").nth(2).wait_for()
    clean(page)
    page.goto("/contacts/views/")
    clean(page)


def test_without_javascript(new_page, sign_in, people):
    page = new_page(viewport={"width": 1200, "height": 900}, java_script_enabled=False)
    sign_in(page, people.owner.email, PASSWORD)
    page.goto("/contacts/?city=Linz")
    page.locator("#savebox summary").click()
    page.locator("#savebox").get_by_role("link", name="Save view").click()
    page.fill("#view-name", "Linz")
    page.check("#view-default")
    page.get_by_role("button", name="Save as new view").click()
    page.goto("/contacts/")
    assert page.url.endswith(f"?view={SavedView.objects.get().key}") and names(page) == ["Bussard"]
    page.locator(".columns summary").click()
    page.locator(".columns").get_by_role("link", name="Columns").click()
    page.locator("[data-choices] li").nth(2).locator("[data-up]").click()
    assert "cols=" in page.url and names(page) == ["Bussard"]
