"""The capture box and focus mode in a real browser: by keyboard on a wide screen, by thumb on a phone, and without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities.models import Activity, Task
from activities.services import create_task
from contacts.models import Company
from contacts.services import create_contact
from tests.activities.conftest import make_cast
from tests.e2e.checks import assert_clean, collect

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SIZES = [({"viewport": {"width": 1440, "height": 900}}, "light"), ({"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}, "dark")]
SENTENCE = "called Ann Lee re pricing, follow up tomorrow 10:00 !high"


@pytest.fixture
def owner() -> Any:
    owner = make_cast().owner
    create_contact({"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.example"}, actor=owner)
    return owner


def written() -> tuple[list[str], list[tuple[str, int]]]:
    """(bodies of calls, (title, priority) of tasks)"""
    return list(Activity.objects.filter(kind="call").values_list("body", flat=True)), list(Task.objects.order_by("pk").values_list("title", "priority"))


@pytest.mark.parametrize(("size", "scheme"), SIZES)
def test_a_sentence_is_captured_and_worked_through(new_page: Callable[..., Page], sign_in: Any, owner: Any, size: dict[str, Any], scheme: str) -> None:
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    sign_in(page, owner.email)
    if scheme == "light":
        page.keyboard.press("c")
    else:
        page.locator("[data-capture]").tap()
    box = page.locator("#panel.show textarea[name=text]")
    expect(box).to_be_focused()
    page.keyboard.type(SENTENCE)
    expect(page.locator("#panel .capture-step")).to_have_count(2)
    expect(box).to_be_focused()  # nothing takes the focus away while one types
    expect(page.locator("#panel [name=s1-text]")).to_have_value("Follow up: Ann Lee re pricing")
    expect(page.locator("#panel .c-minutes:visible")).to_have_count(1)  # of the call; a task does not last
    assert_clean(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/contacts/*/*")
    expect(page.locator("#timeline")).to_contain_text("Called Ann Lee re pricing")
    assert written() == (["Called Ann Lee re pricing"], [("Follow up: Ann Lee re pricing", 3)])
    # Today, one after the other.
    for title in ("First", "Second"):
        create_task({"title": title, "due_on": timezone.localdate()}, actor=owner)
    page.goto("/focus/")
    expect(page.locator("h1")).to_have_text("First")
    assert_clean(page)
    page.keyboard.press("d")
    expect(page.locator("h1")).to_have_text("Second")
    page.keyboard.press("z")
    expect(page.locator("h1")).to_have_text("That was all for today")
    assert Task.objects.get(title="First").done_at is not None
    assert Task.objects.get(title="Second").due_on > timezone.localdate()


def test_a_picker_makes_what_is_missing(new_page: Callable[..., Page], sign_in: Any, owner: Any) -> None:
    page = new_page(**SIZES[0][0])
    collect(page)
    sign_in(page, owner.email)
    page.goto("/contacts/new/")
    page.fill("[name=company_text]", "Neuwerk GmbH")
    expect(page.locator(".picker-list [data-make]")).to_have_text("New: Neuwerk GmbH")
    page.keyboard.press("Enter")
    expect(page.locator("[name=company]")).not_to_have_value("")
    company = Company.objects.get()
    assert (company.name, page.input_value("[name=company]")) == ("Neuwerk GmbH", str(company.pk))


def test_without_scripts(new_page: Callable[..., Page], sign_in: Any, owner: Any) -> None:
    page = new_page(**SIZES[0][0], java_script_enabled=False)
    sign_in(page, owner.email)
    page.goto("/capture/")
    page.fill("[name=text]", SENTENCE)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".capture-step")).to_have_count(2)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/contacts/*/*")
    assert written() == (["Called Ann Lee re pricing"], [("Follow up: Ann Lee re pricing", 3)])
