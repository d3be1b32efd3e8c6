"""Today says why something stands there, leads to just what it counts, and finishes a task without losing what was typed."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Activity, Task
from activities.services.meetings import create_meeting
from contacts.services import create_contact, record_consent
from deals.models import Stage
from deals.services import create_deal, move_deal
from leads.models import Lead, LeadStatus
from leads.services import create_lead, set_status
from tests.activities.conftest import Business
from tests.factories import Cast, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(people: Cast) -> Client:
    return signed_in(people.owner)


def rows_of(page: str, part: str) -> str:
    """The html of one section, by the id of its heading."""
    found = re.search(rf'<section aria-labelledby="{part}">.*?</section>', page, re.S)
    return found[0] if found else ""


def test_a_lead_stands_there_until_somebody_answered(client: Client, people: Cast, business: Business) -> None:
    working = LeadStatus.objects.filter(kind="working").first()
    assert working is not None
    waiting = set_status(create_lead({"last_name": "Waits"}, actor=people.owner), working, actor=people.owner)
    answered = create_lead({"last_name": "Spoken"}, actor=people.owner)
    services.log_call(answered, outcome="connected", actor=people.owner)
    shown = rows_of(client.get("/").content.decode(), "n-leads")
    assert "Waits" in shown and "Spoken" not in shown and 'class="count">2<' in shown  # the fixture's Lindner is the other one
    Lead.objects.filter(pk=waiting.pk).update(respond_by=timezone.now() - timedelta(minutes=1), created_at=timezone.now() - timedelta(minutes=14))
    page = client.get("/").content.decode()
    assert "an answer is overdue" in rows_of(page, "n-leads") and ">14 min</time>" in rows_of(page, "n-leads")


@pytest.mark.parametrize("kind", ["leads", "deals"])
def test_show_all_leads_to_what_was_counted(client: Client, people: Cast, kind: str) -> None:
    for number in range(7):
        create_lead({"last_name": f"Waits {number}"}, actor=people.owner)
        create_deal({"name": f"Waits {number}"}, actor=people.owner)
    services.log_call(create_lead({"last_name": "Gone"}, actor=people.owner), outcome="connected", actor=people.owner)
    create_lead({"last_name": "Gone"}, actor=people.teammate)
    gone = create_deal({"name": "Gone"}, actor=people.owner)
    move_deal(gone, Stage.objects.get(pipeline=gone.pipeline, kind="won"), actor=people.owner)
    shown = rows_of(client.get("/").content.decode(), f"n-{kind}")
    assert 'class="count">7<' in shown
    (address,) = re.findall(r'<a href="([^"]+)">Show all', shown)
    listed = client.get(address.replace("&amp;", "&")).content.decode()
    assert len(set(re.findall(r"Waits \d", listed))) == 7 and "Gone" not in listed


def test_how_long_a_task_is_late(client: Client, people: Cast) -> None:
    services.create_task({"title": "Whole day", "due_on": timezone.localdate() - timedelta(days=3)}, actor=people.owner)
    moment = timezone.localtime() - timedelta(hours=50)
    services.create_task({"title": "At an hour", "due_on": moment.date(), "due_time": moment.time().replace(microsecond=0)}, actor=people.owner)
    late = rows_of(client.get("/").content.decode(), "s-overdue")
    assert re.search(r"Whole day.*?>3 d</time> overdue", late, re.S) and re.search(r"At an hour.*?>2 d</time> overdue", late, re.S)


def test_tasks_are_grouped_in_the_order_of_their_days(client: Client, people: Cast) -> None:
    today = timezone.localdate()
    for days in (9, -1, 3, 1, 0):
        services.create_task({"title": f"In {days}", "due_on": today + timedelta(days=days)}, actor=people.owner)
    services.create_task({"title": "Some day"}, actor=people.owner)
    groups = client.get("/tasks/?view=mine&group=due").context["list"].groups
    assert [str(group.label) for group in groups] == ["Before today", "Today", "Tomorrow", "In 2 to 7 days", "In over 7 days", "No date"]


def test_a_click_away_from_whom_it_is_about(client: Client, people: Cast, business: Business) -> None:
    person = create_contact({"first_name": 'Al "x"', "last_name": "<b>", "email": "al@example.com", "phone": "+49301234567"}, actor=people.owner)
    for kind in Task.Kind.values:
        services.create_task({"title": f"Do {kind}", "kind": kind, "contact": person, "due_on": timezone.localdate()}, actor=people.owner)
    services.create_task({"title": "Nobody", "kind": "call", "due_on": timezone.localdate()}, actor=people.owner)
    page = rows_of(client.get("/").content.decode(), "s-today")
    assert page.count('href="tel:+49301234567"') == 2  # a call, a follow-up
    assert page.count(f'href="/activities/contacts/{person.pk}/mail/"') == 1
    record_consent(person, "phone", False, "By phone", actor=people.owner)
    again = rows_of(client.get("/").content.decode(), "s-today")
    assert 'href="tel:' not in again and again.count(f'href="/activities/contacts/{person.pk}/mail/"') == 2, "the follow-up by mail then"
    assert "Call Al &quot;x&quot; &lt;b&gt;" in page.replace("&#x27;", "&#39;") and "<b>" not in page


def test_what_is_about_nobody_is_ticked_off_at_once(client: Client, people: Cast, business: Business) -> None:
    services.create_task({"title": "Tidy up", "due_on": timezone.localdate()}, actor=people.owner)
    asked = services.create_task({"title": "Ring them", "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    page = rows_of(client.get("/").content.decode(), "s-today")
    assert re.search(r'<button class="tick"[^>]*aria-label="Done: Tidy up"', page)
    assert f'<a class="tick" href="/tasks/{asked.pk}/complete/?next=%2F" data-panel aria-label="Done: Ring them">' in page


def test_done_in_the_side_panel(client: Client, people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Ring them", "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    panel = {"HX-Request": "true", "HX-Target": "panel-body"}
    form = client.get(f"/tasks/{task.pk}/complete/?next=/", headers=panel).content.decode()
    assert "<html" not in form and 'name="next" value="/"' in form and "data-guard" in form
    wrong = client.post(f"/tasks/{task.pk}/complete/", {"next_due_on": "2027-01-01", "next": "/"}, headers=panel)
    assert wrong.status_code == 422 and "<html" not in wrong.content.decode() and "invalid-feedback" in wrong.content.decode()
    answer = client.post(f"/tasks/{task.pk}/complete/", {"outcome": "Agreed", "next": "/"}, headers=panel)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/")
    task.refresh_from_db()
    assert task.outcome == "Agreed"


@pytest.mark.parametrize(("do", "typed"), [("complete", {"outcome": "They want <b>less</b>"}), ("snooze", {"choice": "custom", "due_on": "2031-05-06"})])
def test_a_task_that_somebody_changed_meanwhile_keeps_what_was_typed(client: Client, people: Cast, do: str, typed: dict[str, str]) -> None:
    task = services.create_task({"title": "Ring them", "due_on": timezone.localdate()}, actor=people.owner)
    services.update_task(task, {"title": "Ring <i>her</i>"}, actor=people.manager)
    answer = client.post(f"/tasks/{task.pk}/{do}/", {"version": "1", **typed})
    page = answer.content.decode()
    assert answer.status_code == 409 and "Ring &lt;i&gt;her&lt;/i&gt;" in page and "<i>her" not in page
    assert "They want &lt;b&gt;less" in page or "2031-05-06" in page
    (version,) = re.findall(r'name="version" value="(\d+)"', page)
    assert client.post(f"/tasks/{task.pk}/{do}/", {"version": version, **typed}).status_code == 302
    task.refresh_from_db()
    assert task.done_at is not None or str(task.due_on) == "2031-05-06"


def undo_of(page: str) -> str:
    (address,) = re.findall(r'(?:action|formaction)="([^"]+(?:snooze|status)/\?[^"]+)"', page)
    return address.replace("&amp;", "&")


def test_put_off_and_back_again(client: Client, people: Cast) -> None:
    today = timezone.localdate()
    task = services.create_task({"title": "Ring them", "due_on": today, "due_time": time(23, 50)}, actor=people.owner)
    task.refresh_from_db()
    before = (task.due_on, task.due_time)
    page = client.post(f"/tasks/{task.pk}/snooze/", {"choice": "monday", "next": "/"}, follow=True).content.decode()
    task.refresh_from_db()
    assert (task.due_on, task.due_time) != before
    back = client.post(undo_of(page), {"next": "/"}, follow=True)
    task.refresh_from_db()
    assert (task.due_on, task.due_time) == before
    assert back.redirect_chain == [("/", 302)] and "Due as before: Ring them" in back.content.decode()
    assert client.post(undo_of(page), {"next": "/"}).status_code == 409, "a second click changes nothing"


def test_a_status_and_back_again(client: Client, people: Cast, business: Business) -> None:
    first, working = business.lead.status, LeadStatus.objects.filter(kind="working").first()
    assert working is not None
    page = client.post(f"/leads/{business.lead.pk}/status/", {"stage": working.pk}, follow=True).content.decode()
    assert Lead.objects.get(pk=business.lead.pk).status == working
    assert client.post(undo_of(page), {}).status_code == 302
    assert Lead.objects.get(pk=business.lead.pk).status == first
    assert client.post(undo_of(page), {}).status_code == 409


def test_all_clear_counts_what_could_be_planned(client: Client, people: Cast) -> None:
    for number in range(4):
        create_deal({"name": f"Deal {number}"}, actor=people.owner)
    page = client.get("/").content.decode()
    assert "Plan from 4 deals without a next step." in page
    assert 'href="/deals/?owner=me&amp;status=open&amp;next=none">Plan next steps' in page


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wide", [pytest.param(True, marks=pytest.mark.long), False], ids=["wide", "narrow"])
def test_keys_on_a_record_lead_to_where_one_types(new_page: Any, sign_in: Any, people: Cast, business: Business, wide: bool) -> None:
    size: dict[str, Any] = {} if wide else {"viewport": {"width": 390, "height": 844}}
    page: Page = new_page(**size)
    sign_in(page, people.owner.email)
    for key, field in (("n", "#noteform_body"), ("l", "#c-call"), ("t", "#c-task [name=title]")):
        page.goto(business.lead.get_absolute_url())
        if not wide:
            page.locator("[data-do=pane][aria-controls=p-info]").click()
        page.keyboard.press(key)
        expect(page.locator(field)).to_be_visible()
        assert page.evaluate("css => document.activeElement.closest(css) !== null && document.activeElement.matches('input, textarea, select')", field), key
        page.keyboard.type("cemz")  # letters, no commands
        assert page.url.endswith(business.lead.get_absolute_url())
        page.on("dialog", lambda dialog: dialog.accept())
    page.goto(business.lead.get_absolute_url())
    page.keyboard.press("m")
    page.wait_for_url(f"**/activities/leads/{business.lead.pk}/mail/")


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_the_tick_asks_in_the_panel(page: Page, sign_in: Any, people: Cast, business: Business) -> None:
    services.create_task({"title": "Ring them", "kind": "call", "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    create_meeting({"title": "Lunch", "starts_at": timezone.now(), "ends_at": timezone.now() + timedelta(hours=1)}, actor=people.owner)
    sign_in(page, people.owner.email)
    page.goto("/")
    page.get_by_label("Done: Ring them").click()
    page.locator("#panel [name=outcome]").fill("Agreed")
    page.locator("#panel [name=next_title]").fill("Send it")
    page.locator("#panel").get_by_role("button", name="Mark as done").click()
    expect(page.get_by_text("Done: Ring them").first).to_be_visible()
    expect(page.locator("main a[data-rowlink]", has_text="Send it")).to_be_visible()
    assert Activity.objects.filter(verb="done").count() == 1


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_without_a_connection_nothing_is_lost(new_page: Any, live_server: Any, settings: Any, sign_in: Any, people: Cast) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page: Page = new_page(base_url=live_server.url.replace("localhost", "rapport.localhost"))  # no server of this machine, as the script sees it
    task = services.create_task({"title": "Ring them", "due_on": timezone.localdate()}, actor=people.owner)
    sign_in(page, people.owner.email)
    page.goto(f"/tasks/{task.pk}/complete/")
    page.fill("[name=outcome]", "They agree to everything")
    page.context.set_offline(True)
    page.get_by_role("button", name="Mark as done").click()
    expect(page.locator("#toasts")).to_contain_text("offline")
    expect(page.locator("[name=outcome]")).to_have_value("They agree to everything")
    page.context.set_offline(False)
    page.get_by_role("button", name="Mark as done").click()
    expect(page.get_by_text("Done: Ring them").first).to_be_visible()
    task.refresh_from_db()
    assert task.outcome == "They agree to everything"
