"""A form on another site, in a real browser: its codes are copied from the settings and used there, at two sizes, with scripts and without."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deals.services import ensure_defaults as ensure_pipeline
from leads.models import Lead, Submission, WebForm
from leads.services import update_form
from tests.factories import PASSWORD, make_user
from tests.leads.factories import make_form

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SIZES: list[dict[str, Any]] = [{"viewport": {"width": 1440, "height": 900}}, {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}]


@dataclass
class Site:
    """Another origin: one page, whatever the address."""

    origin: str
    pages: list[str] = field(default_factory=list)

    def show(self, body: str) -> None:
        self.pages[:] = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,"><h1>A shop</h1>{body}']


@pytest.fixture
def site() -> Iterator[Site]:
    pages: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[0].encode())

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Site(f"http://127.0.0.1:{server.server_port}", pages)
    server.shutdown()


@pytest.fixture
def codes(new_page: Callable[..., Page], sign_in: Callable[..., None], live_server: Any, settings: Any, site: Site) -> list[str]:
    """What the settings say to put on another site: a frame, a form, a command."""
    settings.BASE_URL = live_server.url
    ensure_pipeline()
    make_user("boss@example.com", role="admin")
    form = make_form(allowed_origins=[site.origin])
    page = new_page()
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto(f"/settings/forms/{form.pk}/embed/")
    return page.locator("main pre code").all_inner_texts()


def arrived(number: int = 1) -> list[tuple[str, str]]:
    """(last name, e-mail) of the leads, once there are so many: an entry is worked in after it was answered."""
    until = time.monotonic() + 10
    while Lead.objects.count() < number and time.monotonic() < until:
        time.sleep(0.05)
    return list(Lead.objects.order_by("pk").values_list("last_name", "email"))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])
def test_the_plain_form(new_page: Callable[..., Page], site: Site, codes: list[str], size: dict[str, Any], scripts: bool) -> None:
    site.show(codes[1])
    page = new_page(**size, java_script_enabled=scripts)
    page.goto(site.origin)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name")).to_be_focused()
    for text in ("Ada Lovelace", "ada@engine.example", "Engines", "", "Please call."):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/f/contact/thanks/**")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert arrived() == [("Lovelace", "ada@engine.example")]
    assert Submission.objects.get().data["message"] == "Please call."


def test_the_frame(new_page: Callable[..., Page], site: Site, codes: list[str]) -> None:
    site.show(codes[0])
    page = new_page(**SIZES[1])
    page.goto(site.origin)
    frame = page.frame_locator("iframe")
    frame.get_by_label("Name").fill("Grace Hopper")
    frame.get_by_label("E-mail").fill("nobody")
    frame.get_by_role("button").click()
    assert arrived(0) == []  # the browser, or else the form, says what is wrong and keeps what was typed
    expect(frame.get_by_label("Name")).to_have_value("Grace Hopper")
    frame.get_by_label("E-mail").fill("grace@navy.example")
    page.wait_for_timeout(2_100)  # nobody fills in a form within two seconds
    frame.get_by_role("button").click()
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    expect(frame.get_by_label("Name")).to_have_count(0, timeout=20_000)
    assert arrived() == [("Hopper", "grace@navy.example")]


def test_a_script_of_another_site(new_page: Callable[..., Page], site: Site, codes: list[str], live_server: Any) -> None:
    site.show("")
    page = new_page()
    page.goto(site.origin)
    send = """async ([url, data]) => { const r = await fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(data)});
        return [r.status, await r.json()]; }"""
    status, answer = page.evaluate(send, [f"{live_server.url}/f/contact/", {"name": "Ada Lovelace", "email": "no"}])
    assert (status, list(answer["errors"])) == (422, ["email"])
    status, _answer = page.evaluate(send, [f"{live_server.url}/f/contact/", {"name": "Ada Lovelace", "email": "ada@engine.example"}])
    assert (status, arrived()) == (201, [("Lovelace", "ada@engine.example")])


def test_a_site_that_was_not_named_shows_no_frame(new_page: Callable[..., Page], site: Site, codes: list[str]) -> None:
    update_form(WebForm.objects.get(), {"allowed_origins": ["https://another.example"]}, actor=None)
    site.show(codes[0])
    page = new_page()
    page.goto(site.origin)
    page.wait_for_load_state("networkidle")
    assert page.frames[1].locator("form").count() == 0
    new_page.problems.clear()  # type: ignore[attr-defined]  # the browser says that it refused
