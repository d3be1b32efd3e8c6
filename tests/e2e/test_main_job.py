"""The main job, played by a visitor and the rep who gets the lead: from the public form to the won deal in the report."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import assert_clean
from tests.e2e.system import FORM, RUN, System, wait_for, words_of

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]

NAME, COMPANY, EMAIL = f"Ottilie Brandauer-{RUN}", f"Feinmechanik {RUN}", f"ottilie@{RUN}.example"
MESSAGE = "We need two spindles before Christmas & a price for the third."
AMOUNT = Decimal("48750.50")

LEAD = """
SELECT lead.id, source.name, owner.email, status.name, lead.created_at - submission.received_at, lead.utm_campaign
FROM leads_lead lead JOIN core_source source ON source.id = lead.source_id JOIN users_user owner ON owner.id = lead.owner_id
JOIN leads_leadstatus status ON status.id = lead.status_id JOIN leads_submission submission ON submission.lead_id = lead.id
WHERE lead.email = %s
"""
TASK = """
SELECT task.id, task.title, owner.email, task.due_at > now(), reminder.remind_at > now(), reminder.sent_at
FROM activities_task task JOIN users_user owner ON owner.id = task.owner_id
JOIN activities_reminder reminder ON reminder.task_id = task.id AND reminder.user_id = owner.id
WHERE task.lead_id = %s
"""
TURN = """
SELECT u.email FROM users_user u JOIN users_role role ON role.id = u.role_id JOIN leads_assignmentrule rule ON rule.team_id = u.team_id
WHERE rule.name = 'Everybody else' AND role.slug = 'rep' AND u.is_active
ORDER BY u.id <= coalesce(rule.last_user_id, 0), u.id LIMIT 1
"""


def send_the_form(page: Page) -> None:
    page.goto(f"{FORM}?utm_source=newsletter&utm_campaign=autumn")
    page.wait_for_timeout(2500)  # nobody fills it in faster; what is faster is taken for a robot
    for name, value in {"name": NAME, "email": EMAIL, "company": COMPANY, "phone": "+43 662 553311", "message": MESSAGE}.items():
        page.fill(f"[name={name}]", value)
    page.click("form [type=submit]")
    page.wait_for_url("**/thanks/**")
    expect(page.locator("body")).to_contain_text("Thank you")
    assert_clean(page)


def report(page: Page, slug: str) -> dict[str, Any]:
    answer = page.request.get(f"/reports/{slug}/?format=json")
    assert answer.ok, answer.status
    return answer.json()


def won_this_month(page: Page) -> tuple[str, int, Decimal]:
    last = report(page, "won-by-month")["rows"][-1]
    return last["key"], last["count"], Decimal(last["amount"])


def totals(page: Page, slug: str) -> dict[str, Any]:
    return report(page, slug)["totals"]


def check_what_the_form_made(system: System, expected_owner: str) -> int:
    """The lead, its task and its mails, five seconds after the form at the latest; the lead's number."""
    lead, source, owner, status, delay, campaign = wait_for(lambda: system.rows(LEAD, EMAIL), 20)[0]
    assert (source, status, campaign) == ("Website form", "New", "autumn")
    assert owner == expected_owner
    assert delay.total_seconds() < 5
    [(_task, title, assignee, due_later, reminds_later, reminded)] = system.rows(TASK, lead)
    assert (title, assignee) == (f"Follow up: {NAME}", owner)
    assert (due_later, reminds_later, reminded) == (True, True, None)
    wait_for(lambda: system.mails(owner, NAME), 20)
    wait_for(system.all_mail_left, 20)
    [mail] = system.mails(owner, NAME)
    assert MESSAGE in words_of(mail)
    assert f"/leads/{lead}/" in words_of(mail)
    assert str(mail["Reply-To"]) == EMAIL
    assert len(system.mails(EMAIL)) == 1
    late = system.value(
        "SELECT max(mail.sent_at - submission.received_at) FROM mail_outgoingmail mail JOIN leads_submission submission"
        " ON mail.key LIKE 'submission:' || submission.uuid || ':%%' WHERE submission.lead_id = %s",
        lead,
    )
    assert late.total_seconds() < 5
    return lead


def work_the_lead(page: Page, lead: int) -> None:
    """Finds it in the list, reads what was sent, writes a note, ticks the task off."""
    page.goto(f"/leads/?{urlencode({'q': f'{RUN} feinm'})}")
    page.locator(f'[data-pk="{lead}"] [data-rowlink]').click()
    page.wait_for_url(f"**/leads/{lead}/**")
    expect(page.locator("h1")).to_have_text(NAME)
    timeline = page.locator("#timeline")
    expect(timeline).to_contain_text(MESSAGE)
    expect(timeline).to_contain_text("Contact")  # the form's name: who "said" it
    expect(timeline).to_contain_text(f"Follow up: {NAME}")
    assert_clean(page)
    composer = page.locator("#composer #c-note")
    composer.locator("textarea").fill("Called back: **two spindles**, third one in spring.")
    composer.get_by_role("button").click()
    expect(timeline.locator(".bub strong", has_text="two spindles")).to_be_visible()
    timeline.get_by_role("button", name=re.compile(r"^Done")).click()
    expect(timeline.get_by_role("heading", name="Upcoming")).to_have_count(0)
    expect(timeline).to_contain_text("completed")


def convert(page: Page) -> int:
    """Makes company, contact and deal; the deal's number."""
    page.get_by_role("link", name="Convert", exact=True).click()
    page.wait_for_url("**/convert/**")
    expect(page.locator("[name=company_name]")).to_have_value(COMPANY)
    page.fill("[name=deal_amount]", str(AMOUNT))
    assert_clean(page)
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url(re.compile(r"/deals/\d+/"))
    for text in (NAME, COMPANY, "two spindles", MESSAGE):  # everything went along
        expect(page.locator("main")).to_contain_text(text)
    found = re.search(r"/deals/(\d+)/", page.url)
    assert found
    return int(found[1])


def win_on_the_board(page: Page, deal: int) -> None:
    """By the keyboard alone: focus the card's menu, arrow down to Won, Enter."""
    page.goto(f"/deals/board/?{urlencode({'q': COMPANY})}")
    card = page.locator(f"#deal-{deal}")
    card.locator("summary").focus()
    page.keyboard.press("ArrowDown")
    for _ in range(12):
        if page.evaluate("document.activeElement.textContent.trim()") == "Won":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".lane", has=page.get_by_role("heading", name="Won", exact=True)).locator(f"#deal-{deal}")).to_be_visible()
    expect(page.locator("#toasts")).to_contain_text("is won")


def check_the_reports(page: Page, deal: int, before: tuple[str, int, Decimal], open_before: dict[str, Any]) -> None:
    month, count, amount = won_this_month(page)
    assert (month, count, amount) == (before[0], before[1] + 1, before[2] + AMOUNT)
    assert totals(page, "pipeline") == open_before  # it came and went: what is open is as before
    page.goto("/reports/won-by-month/")
    page.locator(f'tr[data-key="{month}"] a').first.click()
    page.wait_for_url("**/deals/**")
    expect(page.locator("#total")).to_contain_text(str(count))
    page.goto(f"{page.url}&q={RUN}")
    expect(page.locator(f'[data-pk="{deal}"]')).to_be_visible()


def test_from_the_form_to_the_won_deal(system: System, open_page: Callable[..., Page]) -> None:
    system.set_limits()
    owner = system.value(TURN)  # whose turn it is in the team that gets leads from here
    send_the_form(open_page())
    lead = check_what_the_form_made(system, owner)
    page = open_page(owner.partition("@")[0])
    before, open_before = won_this_month(page), totals(page, "pipeline")
    work_the_lead(page, lead)
    deal = convert(page)
    with_it = totals(page, "pipeline")
    assert with_it != open_before
    win_on_the_board(page, deal)
    wait_for(lambda: system.rows("SELECT 1 FROM deals_deal WHERE id = %s AND status = 'won' AND closed_at IS NOT NULL", deal), 10)
    check_the_reports(page, deal, before, open_before)
    # Once and no more: nothing of it came twice.
    assert system.value("SELECT count(*) FROM leads_lead WHERE email = %s", EMAIL) == 1
    assert system.value("SELECT count(*) FROM activities_task WHERE lead_id = %s", lead) == 1
    assert len(system.mails(owner, NAME)) == 1
