"""Every page for every kind of user: opens, is accessible, breaks no policy, says nothing on the console, does not scroll sideways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.checks import overflow, problems
from tests.e2e.system import DEMO_USERS, System

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SMALLEST: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
LOOKS = {"wide-light": (WIDE, "light"), "wide-dark": (WIDE, "dark"), "phone-light": (PHONE, "light"), "phone-dark": (PHONE, "dark")}
USUAL = [("admin", "wide-light"), ("rep", "phone-dark")]
REST = [(user, look) for look in LOOKS for user in DEMO_USERS if (user, look) not in USUAL]
MAIN = [
    "/",
    "/team/",
    "/tasks/?view=mine",
    "/calendar/",
    "/leads/",
    "/deals/board/",
    "/contacts/",
    "/companies/",
    "/reports/",
    "/reports/won-by-month/",
    "/profile/",
]

# Where one gets from a page: the navigation and the account's menu; a list's first record and its form for a new one; the pages under a hub.
LINKS = """() => {
  const all = (scope, css) => [...document.querySelectorAll(`${scope} ${css}`)].filter(a => !a.download).map(a => a.getAttribute("href"));
  const first = css => all("#content", css).slice(0, 1), here = location.pathname;
  return [
    ...all(".side-nav", "a[href]"), ...all(".side-foot", "a[href]"), ...all(".top", "a[data-go], a[data-capture], a[href='/focus/']"), ...all(".top", "a[href][data-new]"),
    ...first("[data-rowlink]"), ...first(".deal a"), ...first('.views a[href="/deals/"]'),
    ...(["/reports/", "/settings/"].includes(here) ? all("#content", `a[href^="${here}"]`) : []),
    ...(here.startsWith("/settings/") ? [...first('a[href*="/new/"]'), ...first('a[href*="/edit/"]')] : []),
  ];
}"""
# Records in states that the first one of a list may not be in; the administrator sees them all.
STATES = {
    "/leads/{}/": "SELECT id FROM leads_lead WHERE deleted_at IS NULL AND converted_at IS NOT NULL ORDER BY id LIMIT 1",
    "/leads/{}/?": "SELECT id FROM leads_lead WHERE deleted_at IS NULL AND disqualified_reason <> '' ORDER BY id LIMIT 1",
    "/deals/{}/": "SELECT id FROM deals_deal WHERE deleted_at IS NULL AND status = 'won' ORDER BY id LIMIT 1",
    "/deals/{}/?": "SELECT id FROM deals_deal WHERE deleted_at IS NULL AND status = 'lost' ORDER BY id LIMIT 1",
    "/tasks/{}/": "SELECT id FROM activities_task WHERE deleted_at IS NULL AND done_at IS NOT NULL ORDER BY id LIMIT 1",
    "/leads/{}/convert/": "SELECT id FROM leads_lead WHERE deleted_at IS NULL AND converted_at IS NULL ORDER BY id LIMIT 1",
    "/companies/{}/": "SELECT parent_id FROM contacts_company WHERE deleted_at IS NULL AND parent_id IS NOT NULL ORDER BY id LIMIT 1",
}
MORE = [
    "/search/?q=ma",
    "/team/",
    "/calls/",
    "/exports/",
    "/imports/",
    "/contacts/import/",
    "/meetings/",
    "/meetings/new/",
    "/tasks/new/",
]  # no page links there always


def walk(page: Page, also: Sequence[str] = ()) -> Iterator[tuple[str, int]]:
    """Visits what this user can get to, each page once; address and status. The page shows it while the caller looks."""
    waiting, seen = ["/", *MORE, *also], set[str]()
    while waiting:
        address = waiting.pop(0)
        place = address.partition("?")[0].partition("#")[0]
        if place in seen:
            continue
        seen.add(place)
        answer = page.goto(address)
        yield address, answer.status if answer else 0
        waiting += [link for link in page.evaluate(LINKS) if link and link.startswith("/")]


def look(system: System, open_page: Callable[..., Page], user: str, kind: str) -> None:
    size, scheme = LOOKS[kind]
    page = open_page(user, **size, color_scheme=scheme)
    wrong, pages = [], 0
    states = [address.format(number) for address, query in STATES.items() for (number,) in system.rows(query)] if user == "admin" else []
    for address, status in walk(page, states):
        pages += 1
        found = problems(page)
        page.console_problems.clear()  # type: ignore[attr-defined]
        if status != 200 and not (status == 403 and address in MORE):
            found.append(f"status {status}")
        wrong += [f"{user} {kind} {address}: {line}" for line in found]
    assert not wrong, "\n".join(wrong)
    assert pages >= 20


@pytest.mark.parametrize(("user", "kind"), [*USUAL, *(pytest.param(*each, marks=pytest.mark.long) for each in REST)])
def test_every_page_is_clean(system: System, open_page: Callable[..., Page], user: str, kind: str) -> None:
    look(system, open_page, user, kind)


def test_the_longest_name_widens_no_page(system: System, open_page: Callable[..., Page]) -> None:
    page = open_page("rep", **WIDE)
    page.goto("/deals/new/")
    page.fill("[name=name]", "W" * 200)
    page.fill("[name=tags]", "T" * 40)
    page.click("main [type=submit]")
    page.wait_for_url(re.compile(r"/deals/\d+/$"))
    places = ["/deals/?q=WWWW", "/deals/board/?q=WWWW", "/search/?q=WWWW", *(page.url + form for form in ("", "edit/", "delete/"))]
    wide = {}
    for size in (WIDE, PHONE):
        page = open_page("rep", **size)
        for address in places:
            page.goto(address)
            if (pixels := overflow(page)) > 0:
                wide[address, size["viewport"]["width"]] = pixels
    page.click("main .btn-danger")  # the others share the system: none of them wants to see this deal
    assert wide == {}


def test_nothing_scrolls_sideways_on_the_smallest_phone(system: System, open_page: Callable[..., Page]) -> None:
    page = open_page("rep", **SMALLEST)
    wide = {}
    for address in MAIN:
        page.goto(address)
        if (pixels := overflow(page)) > 0:
            wide[address] = pixels
        if address.rstrip("/").rpartition("/")[2] in ("leads", "contacts", "companies"):
            page.goto(page.locator("[data-rowlink]").first.get_attribute("href") or "")
            if (pixels := overflow(page)) > 0:
                wide[page.url] = pixels
    assert wide == {}
