"""What every browser test looks at: accessibility (axe-core), Content-Security-Policy violations, console errors, sideways scrolling.

with sync_playwright() as playwright:
    browser = launch(playwright)
    page = new_page(browser, width=390, touch=True, scheme="dark")
    page.goto(url)
    assert_clean(page)
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

AXE = Path(__file__).with_name("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = """window.__violations = [];
document.addEventListener("securitypolicyviolation",
  e => window.__violations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile ?? ""}:${e.lineNumber}`));"""


def chromium_path() -> str | None:
    """Chromium on the path, rather the one without windows, which does half the work; None for the one that Playwright installed."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"):
        if found := shutil.which(name):
            return found
    return None


def launch(playwright: Playwright, **options: Any) -> Browser:
    """A headless Chromium."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS, **options)


def new_page(browser: Browser, *, width: int = 1440, height: int = 900, touch: bool = False, scheme: str = "light", **options: Any) -> Page:
    """A page in a context of its own, already watched by `collect`."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=touch,
        is_mobile=touch,
        color_scheme=scheme,  # type: ignore[arg-type]
        **options,
    )
    page = context.new_page()
    collect(page)
    return page


def collect(page: Page) -> None:
    """Notes CSP violations, console errors and uncaught exceptions from the next navigation on. Expected failures: `forgive(page)`."""
    page.add_init_script(WATCH)
    problems: list[str] = []
    page.console_problems = problems  # type: ignore[attr-defined]
    page.on("console", lambda message: problems.append(f"{message.text[:300]} ({message.location.get('url', '')})") if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(f"exception: {(error.stack or str(error))[:600]}"))


def forgive(page: Page) -> None:
    """Forgets console errors so far, such as the browser's line about a 422 that the test provoked."""
    page.console_problems.clear()  # type: ignore[attr-defined]


def usual(looks: list[Any], *which: int) -> list[Any]:
    """Parameters of a test that walks one way at several sizes: those named by number are usual, the others for long runs."""
    return [look if number in which else pytest.param(*look, marks=pytest.mark.long) for number, look in enumerate(looks)]


@cache
def _axe_source() -> str:
    return AXE.read_text(encoding="utf-8")


def axe(page: Page, rules: list[str] | None = None) -> list[str]:
    """Violations as `rule: target (why)`, one per node."""
    _settle(page)
    page.evaluate(_axe_source())
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", rules or RULES)
    return [
        f"{violation['id']}: {node['target'][0]} ({node['failureSummary'].splitlines()[-1].strip()[:200]})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def _settle(page: Page) -> None:
    """Colours must be measured when nothing fades, and places when nothing scrolls: a bar that stays put lies over others on the way."""
    page.evaluate(
        """async () => {
          for (let last = -1, still = 0; still < 4; last = scrollY) {
            await new Promise(done => setTimeout(done, 25)); // not a frame: a page in the background has none
            still = scrollY === last && !document.querySelector(".showing") ? still + 1 : 0; // a message is about to fade in
          }
        }"""
    )
    # A message would fade away while it is looked at; under the pointer it stays.
    page.evaluate("for (const each of document.querySelectorAll('.toast')) each.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))")
    page.evaluate("Promise.allSettled(document.getAnimations().filter(a => a.effect?.getTiming().iterations !== Infinity).map(a => a.finished))")


def csp_violations(page: Page) -> list[str]:
    """What the browser blocked on this page."""
    return page.evaluate("window.__violations ?? []")


def overflow(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def missing_icons(page: Page) -> list[str]:
    """Icons that the page asks for and the sprite does not have (frontend/icons.txt)."""
    return page.evaluate(
        """async () => {
          const asked = [...document.querySelectorAll("svg use")].map(use => use.getAttribute("href"));
          if (!asked.length) return [];
          const sprite = await (await fetch(asked[0].split("#")[0])).text();
          return [...new Set(asked.map(href => href.split("#")[1]))].filter(name => !sprite.includes(`id="${name}"`));
        }"""
    )


def problems(page: Page) -> list[str]:
    """Everything that `assert_clean` complains about."""
    found = [f"axe {line}" for line in axe(page)]
    found += [f"csp {line}" for line in csp_violations(page)]
    found += [f"console {line}" for line in page.console_problems]  # type: ignore[attr-defined]
    found += [f"icon {name} is not in frontend/icons.txt" for name in missing_icons(page)]
    if (wide := overflow(page)) > 0:
        found.append(f"scrolls sideways by {wide}px")
    return found


def assert_clean(page: Page) -> None:
    """0 axe violations, 0 CSP violations, 0 console errors, no sideways scrolling."""
    found = problems(page)
    assert not found, f"{page.url}:\n" + "\n".join(found)


def tab_to(page: Page, target: str, most: int = 120) -> None:
    """Presses Tab until the focus is on `target` (a selector)."""
    for _ in range(most):
        if page.evaluate("css => document.activeElement.matches(css)", target):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {target} by {most} times Tab")
