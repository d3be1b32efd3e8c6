"""A meeting's form in a real browser: who is free, private meetings, the way into the call."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Meeting
from tests.activities.test_browser import DESKTOP, PHONE, keep, make_business
from tests.e2e.checks import assert_clean, axe, collect, usual
from users.models import User

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def people() -> Any:
    people = make_business()[0]
    User.objects.update(time_zone="Europe/Berlin")
    people.owner.refresh_from_db()
    del people.owner.__dict__["zone"]
    start = datetime(2027, 3, 10, 10, tzinfo=people.owner.zone)
    services.create_meeting({"title": "Budget", "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=people.teammate)
    start += timedelta(hours=1)
    private = {"title": "Zebratalk", "starts_at": start, "ends_at": start + timedelta(hours=1), "is_private": True}
    services.create_meeting(private, actor=people.teammate)
    return people


def fill(page: Page, guests: str) -> None:
    page.fill("[name=title]", "Planning round")
    page.fill("[name=starts_at]", "2027-03-10T10:30")
    page.fill("[name=ends_at]", "2027-03-10T11:30")
    page.fill("[name=guests]", guests)


@pytest.mark.parametrize("where", ["page", pytest.param("panel", marks=pytest.mark.long)])
def test_who_is_free_follows_what_is_typed(new_page: Callable[..., Page], sign_in: Any, people: Any, where: str) -> None:
    page = new_page(**DESKTOP)
    collect(page)
    sign_in(page, people.owner.email)
    if where == "page":
        page.goto("/meetings/new/")
    else:
        page.goto("/meetings/")
        page.get_by_role("link", name="New meeting").first.click()
    fill(page, "Tom Teammate")
    page.locator("[name=title]").focus()
    expect(page.locator("#free")).to_contain_text("Busy 10:00–11:00: Budget")
    expect(page.locator("#free")).to_contain_text("Busy 11:00–12:00")
    expect(page.locator("#free")).not_to_contain_text("Zebratalk")
    page.locator("#free").scroll_into_view_if_needed()
    keep(page, f"free-{where}")
    page.locator("#free button").first.click()
    expect(page.locator("[name=starts_at]")).to_have_value("2027-03-10T12:00")
    expect(page.locator("[name=ends_at]")).to_have_value("2027-03-10T13:00")
    expect(page.locator("#free")).not_to_contain_text("Busy")
    assert not axe(page)
    page.locator("form.recform .form-actions button[type=submit]").click()
    expect(page.locator("form.recform")).to_have_count(0)
    assert Meeting.objects.get(title="Planning round").guests.get().email == people.teammate.email
    assert_clean(page)


def test_who_is_free_needs_no_script_and_no_mouse(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**PHONE, java_script_enabled=False)
    sign_in(page, people.owner.email)
    page.goto("/meetings/new/")
    fill(page, f"{people.teammate.email}\nSomebody Else")
    page.get_by_role("button", name="Who is free").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#free")).to_contain_text("Busy 10:00–11:00: Budget")
    expect(page.locator("[name=title]")).to_have_value("Planning round")
    page.locator("#free button").first.press("Enter")
    expect(page.locator("[name=starts_at]")).to_have_value("2027-03-10T12:00")
    page.fill("[name=guests]", "Tom Teammate")
    page.locator("form.recform .form-actions button[type=submit]").click()
    page.wait_for_url("**/meetings/*/")
    assert Meeting.objects.get(title="Planning round").starts_at == datetime(2027, 3, 10, 12, tzinfo=people.owner.zone)


@pytest.mark.parametrize(("size", "look"), usual([("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")], 3))
def test_private_meetings_and_calls_as_people_see_them(new_page: Callable[..., Page], sign_in: Any, people: Any, look: str, size: str) -> None:
    User.objects.filter(pk=people.owner.pk).update(theme=look)
    start = datetime(2027, 3, 10, 14, tzinfo=people.owner.zone)
    values = {"title": "Doctor", "starts_at": start, "ends_at": start + timedelta(hours=1), "is_private": True, "zone": "America/New_York"}
    meeting = services.create_meeting({**values, "video_url": "https://meet.google.com/abc", "location": "Home"}, actor=people.owner)
    page = new_page(**(DESKTOP if size == "desktop" else PHONE))
    collect(page)
    sign_in(page, people.owner.email)
    for name, url in (
        ("meeting", f"/meetings/{meeting.pk}/"),
        ("form", f"/meetings/{meeting.pk}/edit/"),
        ("week", "/calendar/?show=week&day=2027-03-10&who=team"),
        ("month", "/calendar/?show=month&day=2027-03-10&who=team"),
        ("agenda", "/calendar/?show=agenda&day=2027-03-10&who=team"),
        ("list", "/meetings/?q=doctor"),
    ):
        page.goto(url)
        if name in ("week", "month", "agenda"):
            expect(page.locator("main")).to_contain_text("Busy")
            expect(page.locator("main")).not_to_contain_text("Zebratalk")
        if name in ("meeting", "agenda"):
            link = page.get_by_role("link", name=re.compile("Join ?: Doctor")).first
            assert (link.get_attribute("href"), link.get_attribute("rel")) == ("https://meet.google.com/abc", "noopener noreferrer")
        keep(page, f"private-{name}-{size}-{look}")
        assert not axe(page), name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert_clean(page)
