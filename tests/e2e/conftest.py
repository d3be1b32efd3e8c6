"""One started system for all tests that need one, and pages of people who are signed in to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.checks import collect
from tests.e2e.system import PASSWORD, System, address_of
from tests.local.conftest import alive

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The running product with demo data. E2E_DATA keeps its directory for the next run: quicker while writing tests."""
    kept = os.environ.get("E2E_DATA")
    one = System(Path(kept) if kept else tmp_path_factory.mktemp("e2e") / "data")
    pids: set[int] = set()
    try:
        one.running.wait_ready(240)
        pids = one.running.everything()
        yield one
        assert one.stop() == 0
        assert not [pid for pid in pids if alive(pid)]
    finally:
        if one.running.child.poll() is None:
            one.running.child.terminate()
            one.running.child.wait(60)


@pytest.fixture(scope="session")
def cookies() -> dict[str, Any]:
    """Who is signed in already: one sign-in per person and run."""
    return {}


@pytest.fixture
def open_page(browser: Browser, system: System, cookies: dict[str, Any]) -> Iterator[Callable[..., Page]]:
    """`open_page("rep", **options of new_context)`: a page of a signed-in person, or with "" of a visitor.

    A violation of the content security policy or a console error on any of them fails the test (checks.forgive for expected ones).
    """
    opened: list[Page] = []

    def open_one(user: str = "", **options: Any) -> Page:
        if user and user not in cookies:
            cookies[user] = _sign_in(browser, system, user)
        options = {"viewport": {"width": 1440, "height": 900}, "storage_state": cookies.get(user), **options}
        context = browser.new_context(base_url=system.url, **options)
        context.set_default_timeout(30_000)
        page = context.new_page()
        collect(page)
        opened.append(page)
        return page

    yield open_one
    problems = [f"{page.url}: {line}" for page in opened for line in page.console_problems]  # type: ignore[attr-defined]
    for page in opened:
        page.context.close()
    assert not problems, "\n".join(problems)


def _sign_in(browser: Browser, system: System, user: str) -> Any:
    context = browser.new_context(base_url=system.url, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto("/accounts/login/")
        page.fill("[name=login]", address_of(user))
        page.fill("[name=password]", PASSWORD)
        page.locator("form:has([name=password]) [type=submit]").first.click()
        assert "/accounts/login" not in page.url, page.url
        return context.storage_state()
    finally:
        context.close()
