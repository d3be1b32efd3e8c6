"""The calendar in a real browser: dragging, resizing, guests, files and feeds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.services.guests import token_of
from contacts.services import create_contact
from tests.activities.test_browser import DESKTOP, PHONE, keep, make_business
from tests.e2e.checks import assert_clean, collect, forgive

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def business() -> Any:
    return make_business()


def test_an_entry_is_dragged_taken_back_and_moved_by_its_form(new_page: Callable[..., Page], sign_in: Any, business: Any) -> None:
    people, contact, *_rest = business
    page = new_page(**DESKTOP)
    collect(page)
    sign_in(page, people.owner.email)
    zone = timezone.get_current_timezone()
    start = timezone.now().astimezone(zone).replace(year=2027, month=3, day=10, hour=9, minute=0, second=0, microsecond=0)
    meeting = services.create_meeting(
        {"title": "Fitting", "contact": contact, "starts_at": start, "ends_at": start + timedelta(hours=1), "guests": [], "tell": False}, actor=people.owner
    )
    page.goto("/calendar/?day=2027-03-10")
    there = page.locator("[data-day='2027-03-18'] .ev-li", has_text="Fitting")
    page.locator(".ev-li", has_text="Fitting").locator(".ev").drag_to(page.locator("[data-day='2027-03-18']"))
    expect(page.locator(".toast", has_text="moved to")).to_be_visible()
    expect(there).to_be_visible()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(there).to_have_count(0)
    page.keyboard.press("w")
    expect(page.locator("[data-day='2027-03-10'] .ev-li.at1", has_text="Fitting")).to_be_visible()
    keep(page, "week-desktop")
    page.get_by_role("link", name="Move or resize: Fitting").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel #moveform_day")).to_be_focused()
    page.fill("#moveform_day", "2027-03-12")
    page.fill("#moveform_time", "14:30")
    page.locator("#panel button[type=submit]").click()
    expect(page.locator("[data-day='2027-03-12'] .ev-li", has_text="14:30")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-day='2027-03-15']")).to_be_visible()
    services.update_meeting(meeting, {"guests": [{"email": "ann@guest.example", "name": "Ann"}], "tell": True}, actor=people.owner)
    page.goto("/calendar/?show=week&day=2027-03-12")
    page.locator(".ev-li", has_text="Fitting").locator(".ev").drag_to(page.locator("[data-day='2027-03-11']"))
    expect(page.get_by_label("Tell the guests by e-mail")).to_be_checked()  # the form asks
    forgive(page)  # a 409 that leads there
    assert_clean(page)


def test_a_meeting_is_resized_by_its_edge_by_keys_and_by_its_form(new_page: Callable[..., Page], sign_in: Any, business: Any) -> None:
    people, *_rest = business
    zone = timezone.get_current_timezone()
    start = timezone.now().astimezone(zone).replace(year=2027, month=3, day=10, hour=9, minute=0, second=0, microsecond=0)
    services.create_meeting({"title": "Fitting", "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=people.owner)
    page = new_page(**DESKTOP)
    collect(page)
    sign_in(page, people.owner.email)

    def ends(clock: str) -> None:
        hour, minute = map(int, clock.split(":"))
        expect(page.locator(f".ev-li[data-ends='{hour * 60 + minute}']", has_text="Fitting")).to_be_visible()

    for show in ("week", "day"):
        page.goto(f"/calendar/?show={show}&day=2027-03-10")
        entry = page.locator(".ev-li", has_text="Fitting")
        box: Any = entry.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 4)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 20)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 44)  # two rows of half an hour
        expect(entry).to_have_attribute("data-until", "11:00")
        keep(page, f"resize-{show}")
        page.mouse.up()
        expect(page.locator(".toast", has_text="lasts until 11:00")).to_be_visible()
        ends("11:00")
        page.locator(".toast").get_by_role("button", name="Undo").click()
        ends("10:00")
    entry.locator(".ev").focus()
    for _quarter in range(2):
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".toast", has_text="lasts until 10:30")).to_be_visible()
    ends("10:30")
    expect(entry.locator(".ev")).to_be_focused()
    page.keyboard.press("Shift+ArrowUp")
    ends("10:15")
    page.mouse.move(box["x"] + 60, box["y"] + 24)
    assert_clean(page)
    phone = new_page(**PHONE)
    collect(phone)
    sign_in(phone, people.owner.email)
    phone.goto("/calendar/?show=week&day=2027-03-10")
    phone.get_by_role("link", name="Move or resize: Fitting").click()
    expect(phone.locator("#panel #moveform_until")).to_have_value("10:15")
    phone.fill("#moveform_until", "12:00")
    keep(phone, "resize-form-390")
    assert_clean(phone)
    phone.locator("#panel button[type=submit]").click()
    expect(phone.locator(".toast", has_text="lasts until 12:00")).to_be_visible()
    phone.locator(".toast").get_by_role("button", name="Undo").click()
    phone.get_by_role("link", name="Move or resize: Fitting").click()
    expect(phone.locator("#panel #moveform_until")).to_have_value("10:15")


@pytest.mark.parametrize(("width", "scheme"), [pytest.param(1440, "light", marks=pytest.mark.long), (320, "dark")])
def test_a_guest_a_file_and_a_feed(new_page: Callable[..., Page], sign_in: Any, business: Any, width: int, scheme: str) -> None:
    people, *_rest = business
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    collect(page)
    start = timezone.now() + timedelta(days=2)
    values = {"title": "Fitting", "starts_at": start, "ends_at": start, "guests": [{"email": "ann@guest.example", "name": "Ann"}], "tell": True}
    meeting = services.create_meeting(values, actor=people.owner)
    page.goto(f"/invited/{token_of(meeting.guests.get())}/")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").filter(has_text="Accepted")).to_be_visible()
    assert_clean(page)
    sign_in(page, people.owner.email)
    page.goto("/calendar/import/")
    event = "BEGIN:VEVENT\r\nUID:{0}\r\nSUMMARY:Fair {0}\r\nDTSTART:20270310T0{0}0000Z\r\nEND:VEVENT\r\n"
    body = f"BEGIN:VCALENDAR\r\n{event.format(1)}{event.format(2)}BEGIN:VEVENT\r\nUID:3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    page.set_input_files("input[type=file]", {"name": "fair.ics", "mimeType": "text/calendar", "buffer": body.encode()})
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("button", name="Add: 2 meetings")).to_be_visible()
    assert_clean(page)
    page.get_by_role("button", name="Add: 2 meetings").click()
    expect(page.get_by_role("link", name="Fair 1")).to_be_visible()
    page.locator("summary[aria-label=More]").click()
    assert_clean(page)
    page.get_by_role("link", name="In other calendars").click()
    page.get_by_role("button", name="Make an address").click()
    expect(page.locator("#address")).to_have_value(re.compile(r"/calendar/feed/[\w-]{43}\.ics$"))
    assert_clean(page)
    services.create_date_rule({"date": "contacts.contact:birthday", "repeats": "yearly", "days_before": 0}, actor=None)
    create_contact({"first_name": "Ann", "last_name": "Lee", "birthday": "1987-03-10", "owner": people.owner}, actor=None)
    for show in ("month", "week", "day", "agenda"):
        page.goto(f"/calendar/?show={show}&day=2027-03-10")
        assert_clean(page)
        page.locator(".cal-menu > summary").click()
        page.get_by_label("Birthdays and other dates").check()
        expect(page.get_by_role("link", name="Ann Lee: birthday (40)")).to_be_visible()
        assert_clean(page)
    page.goto(meeting.get_absolute_url())
    expect(page.locator("section", has_text="Guests")).to_contain_text("Accepted")
    assert_clean(page)
