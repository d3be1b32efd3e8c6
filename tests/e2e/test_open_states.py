"""What opens on a page (menus, panels, dialogs, disclosures, tabs, the bar of chosen rows) is as clean as the page itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page

from tests.e2e.checks import problems
from tests.e2e.system import System
from tests.e2e.test_pages import LOOKS, walk

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.xdist_group("system")]

# Marks one of each kind of opener with a number; returns the kinds. What belongs to the frame around every page is named apart.
MARK = """() => {
  const kinds = [], css = "summary, [data-bs-toggle], a[data-panel], [role=tab], [data-do=keys], [data-do=palette], [data-row], [data-pencil], [data-plan]";
  for (const x of document.querySelectorAll(css)) {
    const frame = x.closest(".side, #side, .top, dialog") ? "frame" : "";
    const name = x.matches("[data-row]") ? "row" : x.matches("a") ? x.getAttribute("href").replace(/[?#].*/, "") : (x.getAttribute("aria-label") ?? x.textContent);
    const kind = `${frame}|${x.tagName}|${x.dataset.do ?? ""}|${name.trim().replace(/\\d+/g, "N").slice(0, 60)}`;
    if (kinds.includes(kind) || (!x.checkVisibility() && !x.closest("details"))) continue;
    x.dataset.opener = kinds.length; kinds.push(kind);
  }
  return kinds;
}"""
# The click of a person; a menu's item needs its menu.
OPEN = """x => {
  for (let d = x.parentElement.closest("details"); d; d = d.parentElement.closest("details")) if (d.querySelector(":scope > summary") !== x) d.open = true;
  if (!x.checkVisibility()) return false;
  x.click();
  return true;
}"""
INSIDE = "for (const each of document.querySelectorAll('#panel-body details, dialog[open] details')) each.open = true"


def quiet(page: Page) -> None:
    """Waits for what a click asked the server for."""
    with suppress(Error):
        page.wait_for_load_state("networkidle", timeout=3_000)
    page.wait_for_function("!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, [aria-busy=true], .showing, .collapsing')")


@pytest.mark.parametrize(
    ("user", "kind"), [("admin", "wide-light"), ("admin", "phone-dark"), ("rep", "wide-dark"), ("rep", "phone-light"), ("manager", "phone-light")]
)
def test_what_opens_is_clean(system: System, open_page: Callable[..., Page], user: str, kind: str) -> None:
    size, scheme = LOOKS[kind]
    page, walker = (open_page(user, **size, color_scheme=scheme) for _ in range(2))
    page.on("dialog", lambda dialog: dialog.accept())
    wrong: list[str] = []
    seen: set[str] = set()
    opened = 0
    for address, status in walk(walker):
        if status != 200:
            walker.console_problems.clear()  # type: ignore[attr-defined]
            continue
        page.goto(address)
        for name in page.evaluate(MARK):
            place = "" if name.startswith("frame") else re.sub(r"\d+", "N", address.partition("?")[0])
            if (state := f"{place} {name}") in seen:
                continue
            seen.add(state)
            page.goto(address)
            number = page.evaluate(MARK).index(name)
            if not page.locator(f'[data-opener="{number}"]').evaluate(OPEN):
                continue
            quiet(page)
            page.evaluate(INSIDE)
            opened += 1
            wrong += [f"{user} {kind} {address} {name}: {line}" for line in problems(page)]
            page.console_problems.clear()  # type: ignore[attr-defined]
    print(f"{user} {kind}: {opened} states")
    assert not wrong, "\n".join(wrong)
    assert opened > 100
