"""Bulk changes in a real browser, wide and narrow, light and dark: accessible, nothing blocked, nothing wider than the window."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.core.bulk import models, views, work
from crm.core.models import BulkJob
from leads.models import Lead
from leads.services import create_leads
from tests.e2e.checks import axe, missing_icons, overflow, usual
from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (320, 700, "dark")]


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    wrong = [*axe(page), *missing_icons(page)] + ([f"{overflow(page)} px too wide"] if overflow(page) > 0 else [])
    assert not wrong, (name, wrong)


@pytest.fixture
def boss(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sixty leads, more than are changed within the request."""
    for module in (models, views):
        monkeypatch.setattr(module, "SMALL", 55)
    user = make_user("boss@example.com", role="admin")
    create_leads([{"last_name": f"Lead {n:03}", "company_name": "Firma", "city": "Graz"} for n in range(60)], actor=user)
    Lead.objects.filter(last_name="Lead 007").update(email="nothing")
    return user


@pytest.mark.parametrize(("width", "height", "scheme"), usual(LOOKS, 3))
def test_all_that_match(new_page: Callable[..., Page], sign_in: Callable[..., None], boss: Any, width: int, height: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 800)
    tag = f"{width}-{scheme}"
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto("/leads/?sort=name")
    page.locator("[data-row]").first.check()
    whole = page.get_by_label("All 60 that match")
    expect(whole).to_be_hidden()
    page.get_by_label("Select all on this page").check()
    expect(page.locator("#bulkform [data-n]")).to_have_text("50")
    whole.check()
    expect(page.locator("#bulkform [data-n]")).to_have_text("60")
    look(page, f"list-{tag}")
    page.locator("#bulkform").get_by_role("button", name="Change fields").click()
    expect(page.get_by_text("All 60 records that match.")).to_be_visible()
    look(page, f"fields-{tag}")
    page.get_by_role("textbox", name="City").fill("Wien")
    page.get_by_role("main").get_by_role("button", name="Change fields").click()
    page.locator("progress").wait_for()
    look(page, f"progress-{tag}")
    job = BulkJob.objects.get()
    work.run(job.pk)
    page.get_by_role("button", name="Undo this change").wait_for()  # the page noticed by itself
    expect(page.get_by_role("link", name="Lead 007")).to_be_visible()
    look(page, f"done-{tag}")
    page.get_by_role("button", name="Undo this change").click()
    page.locator("progress").wait_for()
    work.run(job.pk)
    expect(page.get_by_text("As before")).to_be_visible()
    look(page, f"undone-{tag}")
    assert Lead.objects.filter(city="Graz").count() == 60
    page.get_by_role("link", name="Bulk changes").first.click()
    look(page, f"history-{tag}")


@pytest.mark.parametrize("action", ["Assign", "Tags", "Task for each", "Export", "Delete", "Status"])
def test_every_question_is_accessible(new_page: Callable[..., Page], sign_in: Callable[..., None], boss: Any, action: str) -> None:
    page = new_page(viewport={"width": 320, "height": 800})
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto("/leads/")
    page.locator("[data-row]").first.check()
    page.locator("#bulkform").get_by_role("button", name=action, exact=True).click()
    page.wait_for_url("**/bulk/*/")
    look(page, f"ask-{action}")


def test_few_with_the_keyboard_and_undo_in_the_toast(new_page: Callable[..., Page], sign_in: Callable[..., None], boss: Any) -> None:
    page = new_page()
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto("/leads/?sort=name")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("#bulkform").get_by_role("button", name="Tags").press("Enter")
    page.get_by_label("Add tags").fill("Fair")
    page.get_by_label("Add tags").press("Enter")
    page.wait_for_url("**/leads/?sort=name")
    if folder := os.environ.get("RAPPORT_SHOTS"):
        page.screenshot(path=f"{folder}/toast.png")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator("#toasts").get_by_text("1 record is as it was.")).to_be_visible()
    assert not Lead.objects.filter(tags__name="Fair").exists()


def test_without_javascript(new_page: Callable[..., Page], sign_in: Callable[..., None], boss: Any) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, "boss@example.com", PASSWORD)
    page.goto("/leads/?q=lead&sort=name")
    page.get_by_label("All 60 that match").check()
    page.get_by_role("button", name="Tags").click()
    page.get_by_label("Add tags").fill("Fair")
    page.get_by_role("main").get_by_role("button", name="Tags").click()
    job = BulkJob.objects.get()
    work.run(job.pk)
    page.get_by_role("link", name="See how far it is").click()
    page.get_by_role("button", name="Undo this change").click()
    work.run(job.pk)
    page.get_by_role("link", name="See how far it is").click()
    expect(page.get_by_text("As before")).to_be_visible()
    page.goto("/leads/")
    page.locator("[data-row]").first.check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("main").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    assert Lead.objects.alive().count() == 60
