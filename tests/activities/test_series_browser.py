"""Meetings that repeat in a real browser: planned, changed from one on, moved by a drag, deleted and taken back; on a phone and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Meeting, MeetingSeries
from tests.activities.test_browser import DESKTOP, PHONE, keep, make_business
from tests.e2e.checks import assert_clean, collect, forgive

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def people() -> Any:
    return make_business()[0]


def tuesday(weeks: int = 1) -> datetime:
    """A Tuesday to come, at ten."""
    now = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
    return now + timedelta(days=(1 - now.weekday()) % 7 + 7 * weeks)


def fill_in(page: Page, title: str) -> None:
    page.goto("/meetings/new/")
    expect(page.locator("#id_times")).to_be_hidden()
    page.locator("#id_title").fill(title)
    page.locator("#id_starts_at").fill(f"{tuesday():%Y-%m-%dT%H:%M}")
    page.locator("#id_ends_at").fill(f"{tuesday() + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.locator("#id_repeat").select_option("weekly")
    expect(page.get_by_label("Wed")).to_be_visible()
    page.locator("#id_times").fill("5")


def look(page: Page) -> None:
    """From the top: a bar that stays put covers what has been scrolled below it."""
    page.evaluate("scrollTo(0, 0)")
    assert_clean(page)


def submit(page: Page) -> None:
    page.locator(".form-actions button[type=submit]").last.click()


def starts(title: str) -> list[datetime]:
    return list(Meeting.objects.alive().filter(title=title).order_by("starts_at").values_list("starts_at", flat=True))


@pytest.mark.parametrize(
    "options",
    [{**DESKTOP, "color_scheme": "dark"}, pytest.param({**PHONE}, marks=pytest.mark.long), {**PHONE, "java_script_enabled": False}],
    ids=["desktop", "phone", "no-script"],
)
def test_planned_and_changed_from_one_on(new_page: Callable[..., Page], sign_in: Any, people: Any, options: dict[str, Any]) -> None:
    page, script = new_page(**options), options.get("java_script_enabled", True)
    if script:
        collect(page)
    sign_in(page, people.owner.email)
    fill_in(page, "Jour fixe")
    keep(page, f"series-new-{options['viewport']['width']}-{script}")
    if script:
        look(page)
    page.locator("#id_until").fill("2099-01-01")
    submit(page)
    expect(page.get_by_text("Choose one end: a day or a number.")).to_be_visible()
    expect(page.locator("#id_times")).to_have_value("5")
    if script:
        forgive(page)  # the browser's line about the 422
    page.locator("#id_until").fill("")
    submit(page)
    expect(page.get_by_text("Every Tuesday at 10:00, 5 times").first).to_be_visible()
    assert starts("Jour fixe") == [tuesday(number) for number in range(1, 6)]
    keep(page, f"series-page-{options['viewport']['width']}-{script}")
    if script:
        look(page)
    page.locator("a[rel=next]").click()
    expect(page.locator("a[rel=prev]")).to_be_visible()
    page.goto(f"{page.url.rstrip('/')}/edit/")
    expect(page.get_by_label("Only this one")).to_be_checked()
    page.get_by_label("This and the following").check()
    page.locator("#id_title").fill("Later round")
    page.locator("#id_starts_at").fill(f"{tuesday(2) + timedelta(hours=4):%Y-%m-%dT%H:%M}")
    page.locator("#id_ends_at").fill(f"{tuesday(2) + timedelta(hours=5):%Y-%m-%dT%H:%M}")
    keep(page, f"series-edit-{options['viewport']['width']}-{script}")
    if script:
        look(page)
    submit(page)
    expect(page.get_by_text("Every Tuesday at 14:00, 4 times").first).to_be_visible()
    assert starts("Jour fixe") == [tuesday(1)]
    assert starts("Later round") == [tuesday(number) + timedelta(hours=4) for number in range(2, 6)]
    page.goto(f"{page.url.rstrip('/')}/delete/")
    page.get_by_label("All to come").check()
    keep(page, f"series-delete-{options['viewport']['width']}-{script}")
    if script:
        look(page)
    submit(page)
    expect(page.get_by_text("In the bin, with those after it: Later round").first).to_be_visible()
    assert starts("Later round") == []
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Later round").first).to_be_visible()
    assert len(starts("Later round")) == 4
    assert MeetingSeries.objects.count() == 2


def test_a_drag_moves_one_and_the_form_moves_the_others(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**DESKTOP)
    collect(page)
    sign_in(page, people.owner.email)
    start = tuesday()
    values = {"title": "Fitting", "starts_at": start, "ends_at": start + timedelta(hours=1), "repeat": {"frequency": "weekly", "times": 3}}
    meeting = services.plan_meeting(values, actor=people.owner)
    page.goto(f"/calendar/?show=week&day={start:%Y-%m-%d}")
    event = page.locator(".ev-li", has_text="Fitting")
    expect(event.get_by_text("Repeats")).to_have_count(1)
    keep(page, "series-week-1440")
    event.locator(".ev").drag_to(page.locator(f"[data-day='{start + timedelta(days=1):%Y-%m-%d}']"))
    expect(page.locator(".toast", has_text="moved to")).to_be_visible()
    assert starts("Fitting") == [start + timedelta(days=1), tuesday(2), tuesday(3)]
    page.goto(f"/calendar/move/meeting/{meeting.pk}/")
    page.get_by_label("All to come").check()
    page.locator("#moveform_time").fill("15:00")
    page.locator("#moveform_until").fill("16:00")
    keep(page, "series-move-1440")
    look(page)
    submit(page)
    page.wait_for_url("**/calendar/**show=day**")
    assert [f"{at.astimezone(start.tzinfo):%H:%M}" for at in starts("Fitting")] == ["15:00"] * 3
