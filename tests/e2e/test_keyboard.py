"""What people do without a mouse: the board, lists, the palette, going places, help."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import tab_to
from tests.e2e.system import System, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]

OPEN_DEAL = """
SELECT deal.id, deal.name FROM deals_deal deal JOIN deals_stage stage ON stage.id = deal.stage_id JOIN users_user owner ON owner.id = deal.owner_id
WHERE deal.deleted_at IS NULL AND deal.status = 'open' AND stage.name = 'Discovery' AND owner.email = 'rep@demo.example' ORDER BY deal.id LIMIT 1
"""
STAGE = "SELECT stage.name FROM deals_deal deal JOIN deals_stage stage ON stage.id = deal.stage_id WHERE deal.id = %s"


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page("rep")


def test_move_a_deal_on_the_board(page: Page, system: System) -> None:
    deal, name = system.rows(OPEN_DEAL)[0]
    page.goto("/deals/board/?owner=me")
    page.locator(".board").focus()
    tab_to(page, f"#deal-{deal} summary")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    for _ in range(8):
        if page.evaluate("document.activeElement.textContent") == "Negotiation":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    lane = page.locator(".lane", has=page.get_by_role("heading", name="Negotiation", exact=True))
    expect(lane.locator(f"#deal-{deal}")).to_be_visible()
    assert page.evaluate("id => document.activeElement.closest('.deal')?.id === id", f"deal-{deal}")  # the focus went along
    expect(page.locator("#live")).to_contain_text(name[:80])
    wait_for(lambda: system.value(STAGE, deal) == "Negotiation", 10)
    page.locator("#toasts [data-undo]").first.focus()
    page.keyboard.press("Enter")
    wait_for(lambda: system.value(STAGE, deal) == "Discovery", 10)
    expect(page.locator(".lane", has=page.get_by_role("heading", name="Discovery", exact=True)).locator(f"#deal-{deal}")).to_be_visible()


def test_escape_closes_a_menu_and_gives_the_focus_back(page: Page) -> None:
    page.goto("/leads/")
    menu = page.locator("details.dd", has_text="Sort").first
    menu.locator("summary").focus()
    page.keyboard.press("ArrowDown")
    expect(menu).to_have_attribute("open", "")
    expect(menu.locator(".dropdown-item").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


def test_up_and_down_in_a_list(page: Page) -> None:
    page.goto("/leads/")
    links = page.locator("[data-rowlink]")
    expect(links.nth(2)).to_be_visible()
    page.wait_for_function("document.documentElement.classList.contains('js') && window.htmx")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(links.nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("#rows tr").nth(1).locator("[data-row]")).to_be_checked()
    expect(page.locator("#bulkform")).to_contain_text("1 selected")
    target = links.nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{target}*")


def test_the_palette_finds_a_record(page: Page, system: System) -> None:
    deal, name = system.rows(OPEN_DEAL)[0]
    page.goto("/")
    page.keyboard.press("Control+k")
    box = page.locator("dialog.pal input")
    expect(box).to_be_focused()
    page.keyboard.type(name.lower())
    hit = page.locator(f"#pal-found [role=option][data-href^='/deals/{deal}/']")  # another one may have a name that begins alike
    expect(hit).to_be_visible()
    for _ in range(12):
        if hit.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", hit.get_attribute("id") or "")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/deals/{deal}/*")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.pal")).not_to_be_visible()


def test_g_and_a_letter_goes_places(page: Page) -> None:
    page.goto("/")
    for key, address in (("l", "/leads/"), ("d", "/deals/board/"), ("n", "/notifications/"), ("h", "/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(lambda url, path=address: urlsplit(url).path == path)


def test_help(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_keys_typed_into_a_field_are_text(page: Page) -> None:
    page.goto("/leads/")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("gl?")
    expect(page.locator("#q")).to_have_value("gl?")
    expect(page.locator("#keys")).not_to_be_visible()


def test_skip_link(page: Page) -> None:
    page.goto("/contacts/")
    page.keyboard.press("Tab")
    link = page.locator("a.skip")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('#content')")
