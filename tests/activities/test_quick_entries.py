"""A look at a record from its list offers a note, a call, a task and a meeting without leaving the list."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from activities.models import Activity, Task
from tests.activities.conftest import Business
from tests.e2e.checks import assert_clean, collect
from tests.factories import Cast, signed_in

pytestmark = pytest.mark.django_db
PANEL = {"HX-Request": "true", "HX-Target": "panel-body"}


@pytest.fixture
def client(people: Cast) -> Client:
    return signed_in(people.owner)


@pytest.mark.parametrize("slug", ["contacts", "companies", "leads", "deals"])
def test_what_the_look_offers(client: Client, people: Cast, business: Business, slug: str) -> None:
    row = {"contacts": business.contact, "companies": business.company, "leads": business.lead, "deals": business.deal}[slug]
    page = client.get(f"/{slug}/{row.pk}/peek/", headers=PANEL).content.decode()
    assert re.findall(rf'href="/activities/{slug}/{row.pk}/(\w+)/\?stay=1" data-panel', page) == ["note", "call", "task", "meeting"]
    assert "?stay=1" not in signed_in(people.viewer).get(f"/{slug}/{row.pk}/peek/", headers=PANEL).content.decode()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("note", {"body": "They <b>call</b> back"}, {"body": ""}),
        ("call", {"outcome": "connected", "body": "Nice"}, {"outcome": "x" * 1000, "body": "Nice"}),
        ("task", {"title": "Ring them"}, {"title": "", "due_on": "never"}),
        ("meeting", {"title": "Visit", "starts_at": "2031-05-06T10:00", "ends_at": "2031-05-06T11:00"}, {"title": "Visit", "starts_at": "", "ends_at": "x"}),
    ],
)
def test_an_entry_in_the_panel(client: Client, business: Business, kind: str, good: dict[str, str], bad: dict[str, str]) -> None:
    url = f"/activities/leads/{business.lead.pk}/{kind}/?stay=1"
    form = client.get(url, headers=PANEL)
    assert form.status_code == 200 and "<html" not in form.content.decode() and 'id="composer"' not in form.content.decode()
    wrong = client.post(url, bad, headers=PANEL)
    assert wrong.status_code == 422 and "invalid-feedback" in wrong.content.decode() and "HX-Retarget" not in wrong
    assert not any(value and len(value) < 20 and value not in wrong.content.decode() for value in bad.values()), "what was typed stays"
    before = Activity.objects.count() + Task.objects.count()
    answer = client.post(url, good, headers=PANEL)
    assert answer.status_code == 204 and json.loads(answer["HX-Trigger"])["saved"]["message"]
    assert Activity.objects.count() + Task.objects.count() > before or kind == "meeting"


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wide", [pytest.param(True, marks=pytest.mark.long), False], ids=["wide", "narrow"])
def test_from_the_list_and_back_to_it(new_page: Any, sign_in: Any, people: Cast, business: Business, wide: bool) -> None:
    page: Page = new_page(**({} if wide else {"viewport": {"width": 390, "height": 844}, "has_touch": True}))
    collect(page)
    sign_in(page, people.owner.email)
    page.goto("/leads/")
    page.locator("[data-rowlink]").first.focus()
    page.keyboard.press(" ")
    look = page.locator("#panel")
    expect(look.get_by_role("navigation", name="New entry")).to_be_visible()
    assert_clean(page)
    look.get_by_role("link", name="Call").click()
    look.locator("textarea[name=body]").fill("They want the offer")
    assert_clean(page)
    look.get_by_role("button", name="Log call").click()
    expect(page.locator("#toasts")).to_contain_text("Call logged.")
    expect(look).to_be_hidden()
    assert page.url.endswith("/leads/") and Activity.objects.get(kind="call").body == "They want the offer"
