"""The calendar's page in a real browser: people side by side, layers, colours, the small month, meetings drawn with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Meeting
from tests.activities.test_browser import DESKTOP, LOOKS, PHONE, keep, make_business
from tests.e2e.checks import assert_clean, collect, usual
from tests.factories import make_user
from users.models import User
from users.services import add_holiday

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

DAY = date(2027, 3, 10)

ROOMY: dict[str, Any] = {**DESKTOP, "viewport": {"width": 1800, "height": 900}}  # the week leaves room for the small month


@pytest.fixture
def people() -> Any:
    """A team with something on a Wednesday: meetings, a call, a task; somebody is away."""
    people, *_rest = make_business()
    start = timezone.localtime().replace(year=2027, month=3, day=10, hour=9, minute=0, second=0, microsecond=0)
    for owner, title, hours in ((people.owner, "Fitting", 1), (people.owner, "Handover", 3), (people.teammate, "Tour of the hall", 2)):
        services.create_meeting({"title": title, "starts_at": start, "ends_at": start + timedelta(hours=hours)}, actor=owner)
    services.create_tasks([{"title": "Ring the fitter", "kind": "call", "due_on": DAY}, {"title": "Write the offer", "due_on": DAY}], actor=people.teammate)
    User.objects.filter(pk=people.agent.pk).update(away_from=DAY, away_to=DAY)
    add_holiday(date(2027, 3, 12), "Founders' day", actor=people.admin)
    return people


@pytest.mark.parametrize(("size", "scheme"), usual(LOOKS, 3))
def test_people_layers_and_colours(new_page: Callable[..., Page], sign_in: Any, people: Any, size: dict[str, Any], scheme: str) -> None:
    page = new_page(**size, color_scheme=scheme)
    collect(page)
    sign_in(page, people.owner.email)
    wide, name = size is DESKTOP, f"{size['viewport']['width']}-{scheme}"
    page.goto("/calendar/?show=day&day=2027-03-10&who=team")
    heads = page.locator(".people h2 .who")
    expect(heads.filter(visible=True)).to_have_text(["OOOlivia Owner", "TTTom Teammate", *(["AAAda Agent", "VVVera Viewer"] if wide else [])])
    tom = page.locator(".people > li", has_text="Tom Teammate")
    expect(tom.get_by_role("link", name="Tour of the hall").first).to_be_visible()
    expect(page.locator("#mini")).to_be_visible(visible=wide)
    keep(page, f"people-{name}")
    assert_clean(page)
    page.locator(".cal-menu > summary").click()
    page.get_by_label("By person").check()
    expect(tom.locator(".ev").first).to_have_class(f"ev {people.teammate.color}")
    expect(page.locator(".legend")).to_contain_text("Tom Teammate")
    page.get_by_label("Meetings").uncheck()
    expect(page.get_by_role("link", name="Tour of the hall")).to_have_count(0)
    expect(page.get_by_role("link", name="Ring the fitter").first).to_be_visible()
    expect(page.get_by_label("Calls", exact=True)).to_be_visible()
    keep(page, f"menu-{name}")
    assert_clean(page)
    page.get_by_label("Calls", exact=True).uncheck()
    expect(page.get_by_role("link", name="Ring the fitter")).to_have_count(0)
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_role("link", name="Write the offer").first).to_be_visible()
    expect(page.get_by_role("link", name="Ring the fitter")).to_have_count(0)
    page.get_by_role("link", name="Week", exact=True).click()
    expect(page.locator(".hol", has_text="Founders' day")).to_be_visible()
    expect(page.get_by_role("link", name="Write the offer").first).to_be_visible()
    expect(page.get_by_role("link", name="Tour of the hall")).to_have_count(0)
    page.go_back()
    expect(page.locator(".people")).to_be_visible()
    for show in ("month", "week", "day", "agenda"):
        page.goto(f"/calendar/?show={show}&day=2027-03-10&who=team&color=person")
        keep(page, f"{show}-by-person-{name}")
        assert_clean(page)


def test_a_narrow_phone(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(viewport={"width": 320, "height": 700})
    collect(page)
    sign_in(page, people.owner.email)
    for query in ("show=day&who=team", "show=week&who=team&color=person", "show=month&layer=none"):
        page.goto(f"/calendar/?{query}&day=2027-03-10")
        page.locator(".cal-menu > summary").click()
        assert_clean(page)


def test_many_people_lie_beside_each_other(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    for number in range(12):
        make_user(name=f"Maximiliane Hohenstein-Warburg {number}", team=people.team, time_zone="America/New_York")
    User.objects.filter(pk=people.owner.pk).update(second_zone="Asia/Kolkata")
    page = new_page(**DESKTOP)
    collect(page)
    sign_in(page, people.owner.email)
    page.goto("/calendar/?show=day&day=2027-03-10&who=team")
    hours, first = page.locator(".people > .hours"), page.locator(".people > li").nth(1)
    before = hours.bounding_box()
    page.locator(".people").evaluate("x => x.scrollLeft = 600")
    assert hours.bounding_box() == before, "the hours stay in sight"
    assert first.bounding_box()["x"] < before["x"]
    inside = "xs => xs.every(x => x.scrollWidth <= x.parentElement.clientWidth)"
    assert page.locator(".people h2").evaluate_all(inside), "long names are cut off"
    keep(page, "many")
    assert_clean(page)
    page.get_by_role("link", name="More colleagues").click()
    expect(page.locator(".people h2")).to_have_count(4)
    page.get_by_role("link", name="Colleagues before").click()
    expect(page.locator(".people h2")).to_have_count(12)
    assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1440", "390"])
def test_without_javascript(new_page: Callable[..., Page], sign_in: Any, people: Any, size: dict[str, Any]) -> None:
    page = new_page(**size, java_script_enabled=False)
    sign_in(page, people.owner.email)
    page.goto("/calendar/?show=day&day=2027-03-10&who=team")
    expect(page.locator(".people h2 .who", has_text="Tom Teammate")).to_be_visible()
    page.locator(".cal-menu > summary").click()
    for name in ("Meetings", "Tasks", "Calls"):
        page.get_by_label(name, exact=True).uncheck()
    keep(page, f"menu-plain-{size['viewport']['width']}")
    page.locator(".cal-menu").get_by_role("button", name="Show").click()
    expect(page.locator(".ev")).to_have_count(0)
    page.locator(".cal-menu > summary").click()
    page.get_by_label("Calls", exact=True).check()
    page.get_by_label("By person").check()
    page.locator(".cal-menu").get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="Ring the fitter").first).to_have_class(f"ev {people.teammate.color}")
    expect(page.get_by_role("link", name="Write the offer")).to_have_count(0)
    if size is DESKTOP:
        page.get_by_role("link", name="New meeting for Tom Teammate").click()
        expect(page.get_by_label("Organiser")).to_have_value("Tom Teammate")


def test_a_meeting_is_drawn_with_the_mouse(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**ROOMY)
    collect(page)
    sign_in(page, people.owner.email)
    panel = page.locator("#panel")

    def draw(day: Any, first: float, last: float, *, release: bool = True) -> None:
        """From one half hour to another, counted from nine o'clock."""
        box: Any = day.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + first * 24 + 12)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + last * 24 + 12, steps=3)
        if release:
            page.mouse.up()

    def offers(start: str, end: str) -> None:
        expect(panel.locator("[name=starts_at]")).to_have_value(start)
        expect(panel.locator("[name=ends_at]")).to_have_value(end)
        panel.get_by_role("link", name="Cancel").click()
        expect(panel).to_be_hidden()

    page.goto("/calendar/?show=week&day=2027-03-10")
    thursday = page.locator(".slots[data-day='2027-03-11']")
    draw(thursday, 2, 2)
    offers("2027-03-11T10:00", "2027-03-11T10:30")
    draw(thursday, 5, 2)
    offers("2027-03-11T10:00", "2027-03-11T12:00")
    draw(thursday, 13, 40)
    offers("2027-03-11T15:30", "2027-03-11T17:00")
    draw(thursday, 1, 4, release=False)
    expect(page.locator(".making")).to_have_text("09:30 – 11:30")
    keep(page, "drawn-week")
    page.keyboard.press("Escape")
    expect(page.locator(".making")).to_have_count(0)
    page.mouse.up()
    page.locator("summary[aria-label=More]").click()
    draw(thursday, 4, 4)  # closes the menu, and no more
    expect(page.get_by_role("link", name="In other calendars")).to_be_hidden()
    edge: Any = page.locator(".ev-li", has_text="Fitting").bounding_box()
    page.mouse.move(edge["x"] + 10, edge["y"] + edge["height"] - 3)
    page.mouse.down()
    page.mouse.move(edge["x"] + 10, edge["y"] + edge["height"] + 21, steps=3)
    page.mouse.up()
    expect(page.locator(".toast", has_text="lasts until 10:30")).to_be_visible()
    page.locator(".ev-li", has_text="Fitting").locator(".ev").drag_to(page.locator("[data-day='2027-03-09']"))
    expect(page.locator(".toast", has_text="moved to")).to_be_visible()
    expect(page.get_by_role("link", name="Tuesday, 9 March 2027, something is planned")).to_be_visible()
    expect(panel).to_be_hidden()
    page.goto("/calendar/?show=day&day=2027-03-10&who=team")
    tom = page.locator(f".slots[data-owner='{people.teammate.pk}']")
    draw(tom, 10, 11)
    expect(panel.get_by_label("Organiser")).to_have_value("Tom Teammate")
    panel.get_by_label("Meeting", exact=True).or_(panel.locator("[name=title]")).first.fill("Drawn")
    panel.get_by_role("button", name="Create").click()
    expect(tom.get_by_role("link", name="Drawn").first).to_be_visible()
    assert "who=team" in page.url, "still on the calendar"
    made = Meeting.objects.get(title="Drawn")
    assert (made.owner_id, timezone.localtime(made.starts_at).strftime("%H:%M"), made.ends_at - made.starts_at) == (
        people.teammate.pk,
        "14:00",
        timedelta(hours=1),
    )
    assert_clean(page)


def test_the_small_month_is_walked_through(new_page: Callable[..., Page], sign_in: Any, people: Any) -> None:
    page = new_page(**ROOMY)
    collect(page)
    sign_in(page, people.owner.email)
    page.goto("/calendar/?show=week&day=2027-03-10")
    mini = page.get_by_role("navigation", name="Month")
    keep(page, "mini")
    mini.get_by_role("link", name="Month after: April 2027").focus()
    page.keyboard.press("Enter")
    expect(mini.get_by_role("link", name="Month after: May 2027")).to_be_focused()
    expect(page.locator("[data-day='2027-03-10']")).to_be_visible()
    mini.get_by_role("link", name="14 April 2027").click()
    expect(page.locator("[data-day='2027-04-14']")).to_be_visible()
    expect(mini.locator("[aria-current=true]")).to_have_text("14")
    page.keyboard.press("m")
    expect(mini).to_have_count(0)
    assert_clean(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for show in ("day", "week", "agenda"):
            page.goto(f"/calendar/?show={show}")
            expect(mini.locator(".now.sel a")).to_be_visible()
            assert_clean(page)
        keep(page, f"today-{scheme}")
