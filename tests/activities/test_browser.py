"""Today, calendar, bell, tasks and the timeline in a real browser: clean in both themes and sizes, and doing their work."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Activity, Reminder, Task
from activities.services.reminders import link_url
from contacts.services import create_company, create_contact
from deals.services import create_deal, move_deal, update_deal
from leads.services import create_lead
from tests.activities.conftest import make_cast
from tests.e2e.checks import assert_clean, collect, forgive, problems, usual

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOOKS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]


def make_business() -> Any:
    people = make_cast()
    owner = people.owner
    company = create_company({"name": "Alpenwerk Maschinenbau GmbH"}, actor=owner)
    contact = create_contact({"first_name": "Johanna", "last_name": "Berger", "company": company}, actor=owner)
    lead = create_lead({"last_name": "Lindner", "company_name": "Lindner KG"}, actor=owner)
    deal = create_deal({"name": "Spindle retrofit, hall 3", "company": company, "contact": contact}, actor=owner)
    create_deal({"name": "Service contract 2027", "company": company}, actor=owner)
    today, now = timezone.localdate(), timezone.now()
    services.create_tasks(
        [
            {"title": "Send spare-part list with prices", "deal": deal, "due_on": today - timedelta(days=2), "priority": 3},
            {"title": "Call about the hall 3 offer", "kind": "call", "contact": contact, "due_on": today, "repeat": "weekly", "reminder": [0, 1440]},
            {"title": "Prepare the visit", "company": company, "due_on": today + timedelta(days=1)},
            {"title": "Read the tender documents", "due_on": today + timedelta(days=40)},
            {"title": "Tidy up the files"},
        ],
        actor=owner,
    )
    call = Task.objects.get(title__startswith="Call about")
    for text in ("Read the last mail", "Have the price list at hand"):
        services.change_item(services.add_item(call, text=text, actor=owner), done=text.startswith("Read"), actor=owner)
    start = now + timedelta(hours=1)
    services.create_meeting({"title": "Kick-off", "contact": contact, "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=owner)
    services.write_lines(
        [{"kind": "note", "verb": "added", "body": f"Note **{n}**", "contact": contact, "actor": owner, "at": now - timedelta(days=40 + n)} for n in range(30)]
    )
    services.add_note(contact, body="Tobias confirmed the outage window: **22 December to 6 January**.", actor=owner)
    services.log_call(contact, outcome="connected", minutes=14, body="Went through the line items.", actor=people.teammate)
    update_deal(deal, {"amount": "64000"}, actor=owner)
    move_deal(deal, deal.pipeline.stages.get(name="Proposal"), actor=owner)
    services.notify(owner, "assigned", "Lead assigned to you: Lindner", lead.get_absolute_url())
    services.notify(owner, "reminder", "Call about the hall 3 offer, due today", "/tasks/")
    return people, contact, deal, lead


@pytest.fixture
def business() -> Any:
    return make_business()


def answer_path(task: Task) -> str:
    """The address in the mail of one of the task's reminders."""
    reminder = task.reminders.first() or Reminder.objects.create(task=task, user=task.owner, remind_at=timezone.now())
    return link_url(reminder).removeprefix("http://testserver")


def keep(page: Page, name: str) -> None:
    """With SHOTS=1 the pictures are kept in test-output/."""
    if os.environ.get("SHOTS"):
        page.screenshot(path=Path("test-output") / f"activities-{name}.png", full_page=bool(os.environ.get("FULL")))


@pytest.mark.parametrize(("size", "scheme"), usual(LOOKS, 3))
def test_pages_are_clean(new_page: Callable[..., Page], sign_in: Any, business: Any, size: dict[str, Any], scheme: str) -> None:
    people, contact, deal, _lead = business
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    sign_in(page, people.owner.email)
    task = Task.objects.get(title__startswith="Call about")
    addresses = {
        "today": "/",
        "calendar": "/calendar/",
        "week": "/calendar/?show=week&who=team",
        "move": f"/calendar/move/task/{task.pk}/",
        "bell": "/notifications/",
        "tasks": "/tasks/?view=mine",
        "task": f"/tasks/{task.pk}/",
        "task-new": "/tasks/new/",
        "task-edit": f"/tasks/{task.pk}/edit/",
        "complete": f"/tasks/{task.pk}/complete/",
        "snooze": f"/tasks/{task.pk}/snooze/",
        "repeat": f"/tasks/{task.pk}/repeat/",
        "step": f"/tasks/{task.pk}/items/{task.items.all()[0].pk}/",
        "delete": f"/tasks/{task.pk}/delete/",
        "hear-of": "/notifications/settings/",
        "week-day": "/calendar/?show=day",
        "link": answer_path(task),
        "meetings": "/meetings/",
        "meeting-new": "/meetings/new/",
        "contact": contact.get_absolute_url(),
        "deal": deal.get_absolute_url(),
        "compose": f"/activities/contacts/{contact.pk}/call/",
    }
    found: list[str] = []
    for name, address in addresses.items():
        page.goto(address)
        keep(page, f"{name}-{scheme}-{size['viewport']['width']}")
        assert page.locator("h1").count() == 1, address
        found += [f"{name}: {problem}" for problem in problems(page)]
    page.goto("/reminders/x/")  # answers 410
    forgive(page)
    found += [f"link that is gone: {problem}" for problem in problems(page)]
    assert not found, "\n".join(found)


def test_entries_without_leaving_the_page(page: Page, sign_in: Any, business: Any) -> None:
    people, contact, _deal, _lead = business
    collect(page)
    sign_in(page, people.owner.email)
    page.goto(contact.get_absolute_url())
    page.fill("#noteform_body", "A *fresh* note")
    page.click("text=Save note")
    expect(page.locator("#timeline .bub").first).to_contain_text("A fresh note")
    expect(page.locator("#noteform_body")).to_have_value("")
    page.click("#ct-call")
    page.fill("#callform_minutes", "99999")
    page.locator("#c-call button[type=submit]").click()
    expect(page.locator("#c-call .invalid-feedback")).to_be_visible()
    forgive(page)
    page.fill("#callform_minutes", "5")
    page.locator("#c-call button[type=submit]").click()
    expect(page.locator("#timeline")).to_contain_text("called, 5 min")
    page.click("#ct-task")
    page.fill("#quicktaskform_title", "Ring back")
    page.locator("#c-task button[type=submit]").click()
    expect(page.locator("#timeline")).to_contain_text("Ring back")
    page.click("text=Load older")
    expect(page.locator("#timeline .bub", has_text="Note 29")).to_have_count(1)
    page.locator(".tl-filter a", has_text="Calls").click()
    expect(page.locator("#timeline .tl > li")).to_have_count(2)
    assert_clean(page)


@pytest.mark.parametrize(("size", "scheme"), [LOOKS[0], LOOKS[3]], ids=["desktop", "phone"])
def test_comments_pins_and_filters(new_page: Callable[..., Page], sign_in: Any, business: Any, size: dict[str, Any], scheme: str) -> None:
    """Without leaving the page, with the keyboard alone; clean with the form and the menu open."""
    people, contact, _deal, _lead = business
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    sign_in(page, people.owner.email)
    page.goto(contact.get_absolute_url())
    line = page.locator("#timeline .tl > li", has=page.locator(".bub strong", has_text=re.compile("^3$")))
    line.get_by_role("link", name="Comment").press("Enter")
    text = line.get_by_label("Comment")
    expect(text).to_be_focused()
    text.fill("@Sven Stranger, look")
    line.get_by_role("button", name="Add comment").press("Enter")
    expect(line.locator(".invalid-feedback")).to_contain_text("can't see this record")
    forgive(page)
    assert_clean(page)
    text.fill("@Tom Teammate, look")
    line.get_by_role("button", name="Add comment").press("Enter")
    expect(line.locator(".talk strong")).to_have_text("@Tom Teammate")
    expect(text).to_have_count(0)
    line.get_by_role("button", name="Pin").press("Enter")
    expect(page.locator("#timeline .tl").first).to_contain_text("Note 3")
    keep(page, f"pinned-{scheme}-{size['viewport']['width']}")
    page.locator("#timeline summary", has_text="Filter").press("Enter")
    page.get_by_label("Text contains").fill("note")
    page.get_by_label("Person", exact=True).fill("Olivia")
    keep(page, f"timeline-filter-{scheme}-{size['viewport']['width']}")
    assert_clean(page)
    page.get_by_label("Up to").fill("1800-01-01")
    page.get_by_role("button", name="Apply").press("Enter")
    expect(page.locator("#timeline-sheet .invalid-feedback")).to_be_visible()
    forgive(page)
    page.get_by_label("Up to").fill("")
    page.get_by_role("button", name="Apply").press("Enter")
    expect(page.locator("#timeline .chip")).to_have_count(2)
    expect(page.locator("#timeline .bub")).to_have_count(20)
    expect(page.locator("#timeline summary", has_text="Filter")).to_be_focused()
    assert f"q=note&person={people.owner.pk}" in page.url
    assert_clean(page)


def test_today_and_the_bell(page: Page, sign_in: Any, business: Any) -> None:
    people, *_rest = business
    collect(page)
    sign_in(page, people.owner.email)
    page.goto("/")
    page.fill("#todaytaskform_title", "Buy stamps")
    page.locator("form.bar button[type=submit]").click()
    expect(page.locator("section[aria-labelledby=s-today]")).to_contain_text("Buy stamps")
    page.get_by_label("Done: Buy stamps").click()
    expect(page.locator("section[aria-labelledby=s-today]")).not_to_contain_text("Buy stamps")
    expect(page.locator(".toast", has_text="Done: Buy stamps").get_by_role("link", name="Plan the next step")).to_be_visible()
    page.locator(".toast", has_text="Done: Buy stamps").get_by_role("button", name="Undo").click()
    expect(page.locator("section[aria-labelledby=s-today]")).to_contain_text("Buy stamps")
    row = page.locator("li", has_text="Buy stamps")
    row.locator("summary").click()
    row.get_by_role("button", name="Tomorrow at 9").click()
    expect(page.locator("section[aria-labelledby=s-tomorrow]")).to_contain_text("Buy stamps")
    page.goto("/notifications/")
    page.get_by_role("button", name="Lead assigned to you: Lindner", exact=True).click()
    page.wait_for_url("**/leads/*/")
    page.goto("/notifications/")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".rows .unread")).to_have_count(0)


def test_without_javascript(new_page: Callable[..., Page], sign_in: Any, business: Any) -> None:
    people, contact, _deal, _lead = business
    page = new_page(**DESKTOP, java_script_enabled=False)
    sign_in(page, people.owner.email)
    page.goto(contact.get_absolute_url())
    page.fill("#noteform_body", "Without scripts")
    page.click("text=Save note")
    page.wait_for_url("**#timeline")
    assert Activity.objects.filter(body="Without scripts").count() == 1
    page.click("text=Load older")
    assert "before=" in page.url
    page.goto("/tasks/?view=mine")
    page.get_by_label("Done: Tidy up the files").click()
    assert Task.objects.get(title="Tidy up the files").done_at is not None
    page.get_by_role("button", name="Undo").click()
    assert Task.objects.get(title="Tidy up the files").done_at is None
    page.goto(f"/tasks/{Task.objects.get(title__startswith='Call about').pk}/")
    page.fill("textarea[name=outcome]", "They agree")
    page.get_by_role("button", name="Done: Have the price list at hand").click()
    expect(page.locator("#checklist")).to_contain_text("2 of 2")
    page.fill("#new-item", "Write it down")
    page.locator("#checklist").get_by_role("button", name="Add").click()
    expect(page.locator("#checklist")).to_contain_text("2 of 3")
    page.fill("textarea[name=outcome]", "They agree")
    page.locator("form[action$='complete/'] button[type=submit]").click()
    assert Task.objects.get(title__startswith="Call about", done_at__isnull=False).outcome == "They agree"
    following = Task.objects.get(title__startswith="Call about", done_at=None)
    page.goto(f"/tasks/{following.pk}/repeat/")
    page.fill("[name=interval]", "2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".facts").first).to_contain_text("Every 2 weeks")
    page.goto(f"{answer_path(following)}?do=tomorrow")
    page.get_by_role("button", name="Tomorrow at 9").click()
    expect(page.locator(".alert-success")).to_contain_text("Put off until")
    page.goto("/tasks/?view=mine")
    page.get_by_label("Done: Read the tender documents").click()
    page.get_by_role("link", name="Plan the next step").click()
    page.fill("[name=next_title]", "Write the offer")
    page.get_by_role("button", name="Save").click()
    assert Task.objects.filter(title="Write the offer", done_at=None).exists()
    page.goto("/calendar/")
    page.click("text=Kick-off")
    page.wait_for_url("**/meetings/*/")
    page.get_by_role("link", name="Move", exact=True).click()
    page.fill("#moveform_day", "2027-03-10")
    page.fill("#moveform_time", "10:15")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("[data-day='2027-03-10']")).to_contain_text("Kick-off")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-day='2027-03-10']")).not_to_contain_text("Kick-off")
