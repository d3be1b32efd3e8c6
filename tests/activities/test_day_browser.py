"""A rep's and a manager's day in a real browser: by mouse and by touch, by keyboard alone, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Activity, CallList, Mentioned, Reminder, Task
from activities.services.reminders import link_url
from contacts.models import Contact
from contacts.services import create_contact
from deals.services import create_deal
from tests.activities.conftest import make_cast
from tests.e2e.checks import assert_clean, collect, usual

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
BARE: dict[str, Any] = {"java_script_enabled": False}
# (options of the browser's page, by keyboard alone?)
HANDS = {
    "mouse": (WIDE, False),
    "touch": (PHONE, False),
    "keyboard": (WIDE, True),
    "keyboard, narrow": ({"viewport": {"width": 390, "height": 844}}, True),
    "no scripts": (WIDE | BARE, False),
    "no scripts on a phone": (PHONE | BARE, False),
}
LOOKS = [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark"), (PHONE | {"viewport": {"width": 320, "height": 640}}, "light")]


class Hands:
    """Does things on a page; `keys`: by Tab and Enter alone."""

    def __init__(self, page: Page, keys: bool) -> None:
        self.page, self.keys = page, keys

    def reach(self, css: str) -> None:
        for _ in range(120):
            if self.page.evaluate("css => document.activeElement.matches(css)", css):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no way to {css} by Tab on {self.page.url}")

    def press(self, css: str) -> None:
        if self.keys:
            self.reach(css)
            self.page.keyboard.press("Enter")
        else:
            self.page.locator(css).first.click()

    def write(self, css: str, text: str) -> None:
        if self.keys:
            self.reach(css)
            self.page.keyboard.type(text)
        else:
            self.page.fill(css, text)

    def choose(self, css: str, value: str) -> None:
        if not self.keys:
            self.page.select_option(css, value)
            return
        self.reach(css)
        for _ in range(12):
            if self.page.input_value(css) == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no {value} in {css}")

    def look(self) -> None:
        """Nothing is wrong with the page; where scripts are off nobody can ask it."""
        if "collected" in self.__dict__:
            assert_clean(self.page)


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.long) if name in ("keyboard, narrow", "no scripts", "touch") else name for name in HANDS])
def hands(request: pytest.FixtureRequest, new_page: Callable[..., Page]) -> Hands:
    options, keys = HANDS[request.param]
    made = Hands(new_page(**options), keys)
    if "java_script_enabled" not in options:
        collect(made.page)
        made.collected = True  # type: ignore[attr-defined]
    return made


@pytest.fixture
def people() -> Any:
    return make_cast()


def test_a_call_list_from_the_first_to_the_last(hands: Hands, sign_in: Any, people: Any) -> None:
    called = [create_contact({"last_name": name, "phone": "+43662123456", "job_title": "Buyer"}, actor=people.owner) for name in ("One", "Two", "Three")]
    services.add_to_call_list("contact", [each.pk for each in called], actor=people.owner, data={"name": "Spring", "script": "Ask for **the drawing**."})
    page, made, heading = hands.page, CallList.objects.get(), hands.page.locator("main h1")
    sign_in(page, people.owner.email)
    page.goto("/")
    hands.press(f"main a[href='{made.get_absolute_url()}']")
    expect(heading).to_have_text("One")
    expect(page.get_by_role("link", name="+43 662 123456")).to_have_attribute("href", "tel:+43662123456")
    hands.look()
    hands.choose("[name=outcome]", "connected")
    hands.write("[name=minutes]", "5")
    if hands.keys:
        page.keyboard.press("Enter")  # in a field it logs the call; it does not take the person off the list
    else:
        hands.write("[name=body]", "Wants an offer")
        hands.press("button[value=log]")
    expect(heading).to_have_text("Two")
    page.keyboard.press("ArrowRight") if hands.keys else hands.press("main a[href^='?after=']")
    expect(heading).to_have_text("Three")
    hands.press("button[value=skip]")
    expect(heading).to_have_text("Two")
    hands.press("button[value=log]")
    expect(heading).to_have_text("Everybody has been called")
    hands.look()
    call = Activity.objects.get(kind="call", contact=called[0])
    assert call.data == {"outcome": "connected", "minutes": 5}
    assert call.body == ("" if hands.keys else "Wants an offer")
    assert list(made.entries.values_list("called", flat=True)) == [True, True, False]


def test_done_and_the_next_step_planned(hands: Hands, sign_in: Any, people: Any) -> None:
    deal = create_deal({"name": "Spindle retrofit"}, actor=people.owner)
    task = services.create_task({"title": "Call about the offer", "kind": "call", "deal": deal, "due_on": timezone.localdate()}, actor=people.owner)
    sign_in(hands.page, people.owner.email)
    hands.page.goto("/")
    hands.press(f"main a[href='/tasks/{task.pk}/']")
    hands.page.wait_for_url(f"**/tasks/{task.pk}/")
    hands.write("[name=outcome]", "They agree")
    hands.write("[name=next_title]", "Send the contract")
    if hands.keys:
        hands.page.keyboard.press("Enter")
    else:
        hands.press("form[action$='complete/'] button[type=submit]")
    expect(hands.page.get_by_text("Done: Call about the offer").first).to_be_visible()
    task.refresh_from_db()
    assert (task.outcome, task.done_by) == ("They agree", people.owner)
    following = Task.objects.get(done_at=None)
    assert (following.title, following.deal, following.owner) == ("Send the contract", deal, people.owner)
    hands.page.goto("/")
    expect(hands.page.get_by_role("link", name="Send the contract", exact=True)).to_be_visible()
    expect(hands.page.locator("main a[data-rowlink]", has_text="Call about the offer")).to_have_count(0)


def test_put_off_by_the_link_in_the_mail(hands: Hands, people: Any) -> None:
    """Nobody is signed in here."""
    task = services.create_task({"title": "Call about the offer", "due_at": timezone.now() + timedelta(hours=1)}, actor=people.owner)
    reminder = task.reminders.first() or Reminder.objects.create(task=task, user=task.owner, remind_at=timezone.now())
    was = task.due_at
    hands.page.goto(link_url(reminder).removeprefix("http://testserver") + "?do=tomorrow")
    expect(hands.page.get_by_role("heading", level=1)).to_have_text("Call about the offer")
    hands.look()
    task.refresh_from_db()
    assert task.due_at == was  # looking changes nothing
    hands.press("button[value=tomorrow]")
    expect(hands.page.locator(".alert-success")).to_contain_text("Put off until")
    hands.look()
    task.refresh_from_db()
    assert task.due_at.astimezone(people.owner.zone).strftime("%H:%M") == "09:00"
    assert task.due_on == (timezone.now().astimezone(people.owner.zone) + timedelta(days=1)).date()


def test_who_is_mentioned_answers_from_today(hands: Hands, sign_in: Any, people: Any) -> None:
    contact = create_contact({"last_name": "Berger"}, actor=people.owner)
    for text in ("may we?", "and when?"):
        services.add_comment(services.add_note(contact, body="Ten per cent", actor=people.teammate), body=f"@Olivia Owner {text}", actor=people.teammate)
    sign_in(hands.page, people.owner.email)
    hands.page.goto("/")
    section = hands.page.locator("section[aria-labelledby=mentions]")
    expect(section).to_contain_text("Tom Teammate mentioned you, 1 min")
    hands.look()
    hands.press("section[aria-labelledby=mentions] a.btn")
    expect(hands.page.locator("main h1")).to_have_text("Comments")
    hands.write("main textarea[name=body]", "Yes")
    hands.press("main form[data-guard] button[type=submit]")
    hands.page.wait_for_url(lambda url: url.endswith(":" + url.split(":")[-1].split("/")[0] + "/"))
    expect(section.locator("li")).to_have_count(1)
    expect(section).to_contain_text("and when?")
    hands.press("section[aria-labelledby=mentions] button[formaction$='done/']")
    expect(section).to_have_count(0)
    assert not Mentioned.objects.filter(user=people.owner, done_at=None).exists()


def test_a_manager_hands_over_what_is_late(hands: Hands, sign_in: Any, people: Any) -> None:
    late = timezone.localdate() - timedelta(days=2)
    services.create_tasks([{"title": f"Late {n}", "due_on": late} for n in range(3)], actor=people.owner)
    services.create_task({"title": "Tomorrow", "due_on": timezone.localdate() + timedelta(days=1)}, actor=people.owner)
    sign_in(hands.page, people.manager.email)
    hands.page.goto("/")
    hands.press("main .views a[href='/team/']")
    expect(hands.page.get_by_role("heading", level=1)).to_contain_text("Team")
    hands.look()
    hands.press(f"button[name=query][value$='owner={people.owner.pk}']")
    expect(hands.page.locator("main")).to_contain_text("3 records")
    hands.write("main [name=owner_text]", "Tom Teammate")
    if hands.keys:  # the list under the field takes Enter first
        expect(hands.page.locator(".picker-list [role=option]").first).to_contain_text("Tom Teammate")
        hands.page.keyboard.press("ArrowDown")
        hands.page.keyboard.press("Enter")
    hands.press("main .form-actions [type=submit]")
    hands.page.wait_for_url("**/team/")
    assert set(Task.objects.filter(owner=people.teammate).values_list("title", flat=True)) == {"Late 0", "Late 1", "Late 2"}
    assert Task.objects.get(owner=people.owner).title == "Tomorrow"


@pytest.mark.parametrize(("size", "scheme"), usual(LOOKS, 0, 3))
def test_pages_are_clean(new_page: Callable[..., Page], sign_in: Any, people: Any, size: dict[str, Any], scheme: str) -> None:
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    services.create_task({"title": "Late", "due_on": timezone.localdate() - timedelta(days=2)}, actor=people.owner)
    type(people.owner).objects.filter(pk=people.teammate.pk).update(away_to=timezone.localdate() + timedelta(days=3))
    sign_in(page, people.manager.email)
    for address in ("/team/", "/team/?sort=name", "/calls/", "/profile/"):
        page.goto(address)
        assert_clean(page)


def recent_of(page: Page) -> list[str]:
    page.keyboard.press("Control+k")
    page.wait_for_timeout(600)
    found = page.locator("#pal-recent [role=option] > span:first-of-type").all_text_contents()
    page.keyboard.press("Escape")
    return found


def test_the_palette_begins_with_what_was_opened_last(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**WIDE)
    collect(page)
    contacts = [create_contact({"last_name": name}, actor=people.owner) for name in ("Adler", "Berger", "Canary")]
    task = services.create_task({"title": "Call Adler"}, actor=people.owner)
    sign_in(page, people.owner.email)
    assert recent_of(page) == []
    for row in (*contacts, task, contacts[0]):
        page.goto(row.get_absolute_url())
    assert recent_of(page) == ["Call Adler", "Canary", "Berger"]  # not the one that is open
    Contact.objects.filter(pk=contacts[2].pk).update(owner=people.stranger, team=people.other_team)
    page.goto("/")
    assert recent_of(page) == ["Adler", "Call Adler", "Berger"]
    page.keyboard.press("Control+k")
    expect(page.locator("#pal-recent [role=option]")).to_have_count(3)
    assert_clean(page)
    expect(page.locator("dialog.pal input")).to_have_attribute("aria-activedescendant", "pr-1")
    page.keyboard.type("zzz")
    expect(page.locator("#pal-recent [role=option]").first).to_be_hidden()
    for _ in "zzz":
        page.keyboard.press("Backspace")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{task.get_absolute_url()}")
    assert "Adler" not in page.evaluate("JSON.stringify(localStorage)")


def test_the_next_user_of_the_browser_sees_nothing_of_it(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**WIDE)
    contact = create_contact({"last_name": "Adler"}, actor=people.owner)
    sign_in(page, people.owner.email)
    page.goto(contact.get_absolute_url())
    page.goto("/")
    assert recent_of(page) == ["Adler"]
    page.locator(".side-foot summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/**")
    assert "recent" not in page.evaluate("Object.keys(localStorage).join()")
    sign_in(page, people.teammate.email)
    assert recent_of(page) == []
    page.evaluate(f"localStorage.setItem('recent.{people.owner.pk}', '[\"contacts.{contact.pk}\"]')")  # a session that ended by itself
    page.goto("/leads/")
    assert recent_of(page) == []
    assert "recent" not in page.evaluate("Object.keys(localStorage).join()")


def test_the_palette_does_what_the_page_can_do(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**WIDE)
    contact = create_contact({"last_name": "Adler", "phone": "+43662123456"}, actor=people.owner)
    sign_in(page, people.owner.email)
    page.goto(contact.get_absolute_url())
    page.keyboard.press("Control+k")
    here = page.locator("#pal-here [role=option]")
    expect(here.filter(has_text="New deal")).to_be_visible()
    page.keyboard.type("new deal")
    page.keyboard.press("Enter")
    page.wait_for_url("**/deals/new/**")
    sign_in(new_page(**WIDE), people.owner.email)
    page.goto("/")
    page.keyboard.press("Control+k")
    names = page.locator("dialog.pal [role=option]:visible").all_text_contents()
    for name in (
        "Capturec",
        "New lead",
        "New contact",
        "New company",
        "New deal",
        "New task",
        "New meeting",
        "Focus",
        "Call lists",
        "Team's workload",
        "Profile",
    ):
        assert name in names, (name, names)
    assert "Pipelines" not in " ".join(page.locator("dialog.pal [role=option]").all_text_contents())


def test_administrators_find_each_page_of_the_settings(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**WIDE)
    sign_in(page, people.admin.email)
    page.goto("/settings/")
    cards = page.locator("main a[href^='/settings/']").evaluate_all("all => [...new Set(all.map(a => a.getAttribute('href')))]")
    assert len(cards) > 10
    page.keyboard.press("Control+k")
    option = page.locator("dialog.pal [role=option][data-href='/settings/pipelines/'], dialog.pal [role=option][data-href='/settings/pipeline/']")
    expect(option.first).to_be_hidden()  # too many to be shown before anything is typed
    listed = page.locator("dialog.pal [role=option]").evaluate_all("all => all.map(o => o.dataset.href)")
    assert not [card for card in cards if card not in listed]
    page.keyboard.type("pipel")
    expect(option.first).to_be_visible()
