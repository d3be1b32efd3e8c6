"""Rows of a list in a real browser: a look, a change in place, what others changed, and the rows beside; by keyboard, on a phone, in the dark."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead
from leads.services import create_leads, update_lead
from tests.e2e.checks import axe, missing_icons, overflow, usual
from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture
def rows() -> list[Lead]:
    actor = make_user("owner@example.com", role="admin", name="Olivia Owner")
    make_user("mate@example.com", role="admin", name="Tom Teammate")
    names = ["Ada Abel", "Bea Behrens mit einem sehr langen Namen, der in keine Zeile passt", "Cleo Curie", "Dora Danz", "Emil Eck"]
    values = [{"first_name": name.split()[0], "last_name": name.split(" ", 1)[1], "company_name": f"{name[:12]} GmbH", "city": "Graz"} for name in names]
    return create_leads(values, actor=actor)


@pytest.fixture
def page(rows: Any, new_page: Callable[..., Page], sign_in: Callable[..., None]) -> Page:
    return opened(new_page, sign_in)


def opened(new_page: Callable[..., Page], sign_in: Callable[..., None], address: str = "/leads/?sort=name", **options: Any) -> Page:
    page = new_page(**options)
    sign_in(page, "owner@example.com", PASSWORD)
    page.goto(address)
    page.wait_for_function("document.documentElement.classList.contains('js') && window.htmx")
    return page


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.wait_for_timeout(350)
        page.screenshot(path=f"{folder}/{name}.png")
    wrong = [*axe(page), *missing_icons(page)] + ([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])
    assert not wrong, (name, wrong)


def row(page: Page, lead: Lead) -> Any:
    return page.locator(f'#rows tr[data-pk="{lead.pk}"]')


@pytest.mark.parametrize(("width", "scheme"), usual(LOOKS, 0, 3))
def test_looks(rows: list[Lead], new_page: Callable[..., Page], sign_in: Callable[..., None], width: int, scheme: str) -> None:
    page = opened(new_page, sign_in, viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=width < 800)
    tag = f"{width}-{scheme}"
    row(page, rows[0]).locator("[data-rowlink]").focus()
    page.keyboard.press("Space")
    expect(page.locator("#panel .peek")).to_be_visible()
    look(page, f"peek-{tag}")
    page.keyboard.press("Escape")
    if width > 1000:
        row(page, rows[3]).hover()
        page.get_by_label("Edit Owner of Dora Danz").click(force=True)
        expect(page.locator(".cellbox form")).to_be_visible()
        look(page, f"cell-{tag}")
    if (width > 1000) == (scheme == "dark"):
        page.goto(f"/leads/{rows[1].pk}/cell/company/?sort=name")
        look(page, f"cell-page-{tag}")
        page.goto("/leads/?sort=name")
        row(page, rows[1]).locator("[data-rowlink]").click()
        expect(page.locator("#beside a[rel=next]")).to_have_attribute("href", f"/leads/{rows[2].pk}/?from=sort%3Dname")
        look(page, f"beside-{tag}")


def test_a_look_by_keyboard(page: Page, rows: list[Lead]) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Space")
    head = page.locator("#panel-h")
    expect(head).to_have_text("Ada Abel")
    expect(page.locator("#panel.show .peek .facts").first).to_contain_text("Graz")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#panel .peek")).to_have_attribute("data-peeked", str(rows[2].pk))
    expect(head).to_have_text("Cleo Curie")
    page.keyboard.press("k")
    expect(page.locator("#panel .peek")).to_have_attribute("data-peeked", str(rows[1].pk))
    expect(row(page, rows[1])).to_have_class(re.compile("looked"))
    page.keyboard.press("Space")
    expect(page.locator("#panel")).not_to_be_visible()
    expect(row(page, rows[1]).locator("[data-rowlink]")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Space")
    expect(page.locator("#panel.show .peek")).to_be_visible()
    page.keyboard.press("e")
    page.locator("#panel [name=company_name]").fill("Neu & Co")
    page.locator("#panel [name=company_name]").press("Enter")
    expect(row(page, rows[0])).to_contain_text("Neu & Co")  # the list is still there, the row is new
    expect(page.locator("#panel")).not_to_be_visible()
    expect(row(page, rows[0]).locator("[data-rowlink]")).to_be_focused()
    expect(page.locator("#live")).to_contain_text("Saved.")


def test_a_cell_by_keyboard(page: Page, rows: list[Lead]) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("s")
    box = page.locator(".cellbox")
    expect(box.locator("select")).to_be_focused()
    box.locator("select").select_option(label="Contacted")
    page.keyboard.press("Enter")
    expect(row(page, rows[1])).to_contain_text("Contacted")
    expect(box).to_have_count(0)
    expect(row(page, rows[1]).locator("[data-row]")).to_be_checked()
    expect(page.get_by_label("Edit Status of Bea")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("Edit Company of Bea")).to_be_focused()
    page.keyboard.press("Enter")
    expect(box.locator("[name=company_name]")).to_be_focused()
    page.keyboard.type("never saved")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(page.get_by_label("Edit Company of Bea")).to_be_focused()
    page.keyboard.press("a")
    expect(box.locator("[name=owner_text]")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Tom")
    expect(box.locator(".picker-list [data-id]").first).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(box).to_have_count(0)
    expect(row(page, rows[1])).to_contain_text("Tom Teammate")
    rows[1].refresh_from_db()
    assert rows[1].owner.name == "Tom Teammate"
    assert "never saved" not in rows[1].company_name


def test_a_cell_by_pointer(page: Page, rows: list[Lead]) -> None:
    cell, box = row(page, rows[2]).locator("td", has_text="Cleo Curie"), page.locator(".cellbox form")
    cell.dblclick()
    expect(box.locator("[name=company_name]")).to_be_focused()
    page.get_by_role("heading", name="Leads").click()  # nothing was typed: gone
    expect(box).to_have_count(0)
    cell.dblclick()
    box.locator("[name=company_name]").fill("Typed")
    page.get_by_role("heading", name="Leads").click()
    expect(box).to_be_visible()
    box.get_by_role("link", name="Cancel").click()
    expect(box).to_have_count(0)
    cell.dblclick()
    box.locator("[name=company_name]").fill("Saved")
    box.get_by_role("button", name="Save").click()
    expect(row(page, rows[2]).locator("td", has_text="Saved")).to_be_visible()


def test_a_wrong_value_and_a_quicker_colleague(page: Page, rows: list[Lead]) -> None:
    row(page, rows[2]).hover()
    page.get_by_label("Edit Est. value of Cleo Curie").click(force=True)
    field = page.locator(".cellbox [name=value]")
    field.fill("much")
    field.press("Enter")
    expect(page.locator(".cellbox .invalid-feedback")).to_be_visible()
    expect(field).to_be_focused()
    update_lead(rows[2], {"value": 700}, actor=rows[2].owner)
    field.fill("900")
    field.press("Enter")
    expect(page.locator(".cellbox [role=alert]")).to_contain_text("changed this while you were editing.")
    expect(page.locator(".cellbox [role=alert]")).to_contain_text("700")
    look(page, "cell-conflict")
    field.press("Enter")
    expect(row(page, rows[2])).to_contain_text("900")


def test_what_others_change_appears(page: Page, rows: list[Lead]) -> None:
    link = row(page, rows[3]).locator("[data-rowlink]")
    link.focus()
    update_lead(rows[3], {"company_name": "Changed elsewhere"}, actor=rows[3].owner)
    Lead.objects.filter(pk=rows[4].pk).update(deleted_at="2026-01-01T00:00Z")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when one comes back to the tab
    expect(row(page, rows[3])).to_contain_text("Changed elsewhere")
    expect(row(page, rows[4])).to_have_count(0)
    expect(link).to_be_focused()
    expect(page.locator("#live")).to_contain_text("2 rows are up to date again")


def test_a_next_step_from_the_list(page: Page, rows: list[Lead]) -> None:
    page.keyboard.press("j")
    page.keyboard.press("t")
    page.locator("#panel [name=title]").fill("Send offer")
    page.locator("#panel [name=title]").press("Enter")
    expect(row(page, rows[0]).locator("td.c-last")).to_contain_text("To do")
    expect(page).to_have_url(re.compile(r"/leads/\?sort=name$"))


def test_beside_by_keyboard(page: Page, rows: list[Lead]) -> None:
    page.goto("/leads/?sort=-name&owner=me")
    order = page.locator("#rows tr").evaluate_all("rows => rows.map(row => Number(row.dataset.pk))")
    assert len(order) > 2
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/leads/{order[0]}/*")
    for pk in order[1:3]:
        expect(page.locator("#beside:not([hx-get]) a[rel=next]")).to_be_visible()
        page.keyboard.press("]")
        page.wait_for_url(f"**/leads/{pk}/?from=*")
    page.locator("#beside:not([hx-get])").wait_for()
    page.keyboard.press("[")
    page.wait_for_url(f"**/leads/{order[1]}/?from=*")
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Leads").click()
    page.wait_for_url("**/leads/?sort=-name&owner=me")


def test_without_javascript(rows: list[Lead], new_page: Callable[..., Page], sign_in: Callable[..., None]) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, "owner@example.com", PASSWORD)
    page.goto("/leads/?sort=name")
    page.get_by_role("link", name="Cleo Curie").click()
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_role("heading", name="Dora Danz")).to_be_visible()
    page.get_by_role("link", name="Next", exact=True).click()
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_text("This is the last one in the list.")).to_be_visible()
    page.get_by_role("link", name="Previous", exact=True).click()
    expect(page.get_by_role("heading", name="Dora Danz")).to_be_visible()
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Leads").click()
    page.wait_for_url("**/leads/?sort=name")


def test_what_is_downloaded_is_what_is_shown(page: Page, rows: list[Lead]) -> None:
    """The table is loaded anew without the page around it, and the links beside it follow."""
    page.locator("#q").fill("Cleo")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as found:
        page.get_by_role("link", name="CSV").click()
    lines = found.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2 and "Cleo" in lines[1]
    page.locator("#filters summary", has_text="Group").click()
    page.get_by_role("link", name="As a report").click()
    expect(page.locator("tfoot td").first).to_have_text("1")
