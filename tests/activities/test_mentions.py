"""Comments that mention somebody are among their work until they answer or say that it is done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import Page, expect

from activities import services
from activities.models import Activity, Comment, Mentioned
from activities.selectors import open_mentions
from leads.models import Lead
from tests.activities.conftest import Business
from tests.e2e.checks import assert_clean, collect
from tests.factories import Cast, signed_in


@pytest.fixture
def note(people: Cast, business: Business) -> Activity:
    return services.add_note(business.lead, body="They ask for a discount", actor=people.teammate)


@pytest.fixture
def comment(people: Cast, note: Activity) -> Comment:
    return services.add_comment(note, body="@Olivia Owner, may we?", actor=people.teammate)


def today(user: Any) -> str:
    return signed_in(user).get("/").content.decode()


def waits(user: Any) -> bool:
    return 'id="mentions"' in today(user)


def test_it_is_work_with_its_reason(people: Cast, comment: Comment, business: Business) -> None:
    Comment.objects.update(at=timezone.now() - timedelta(hours=2, minutes=5))
    page = today(people.owner)
    assert "Tom Teammate mentioned you, " in page and ">2 h</time>" in page
    assert "@Olivia Owner, may we?" in page
    assert f'href="/activities/{comment.line_id}/comments/?next=/"' in page
    assert f'href="{business.lead.get_absolute_url()}?before=' in page
    assert not waits(people.teammate) and not waits(people.manager)


def test_an_answer_ends_it_and_leads_back(people: Cast, comment: Comment) -> None:
    url = f"/activities/{comment.line_id}/comments/"
    client = signed_in(people.owner)
    assert 'name="next" value="/"' in client.get(f"{url}?next=/").content.decode()
    answer = client.post(url, {"body": "@Tom Teammate yes", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert not waits(people.owner)
    assert waits(people.teammate)  # who is asked now


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/leads/"])
def test_nobody_is_led_elsewhere(people: Cast, comment: Comment, target: str) -> None:
    page = signed_in(people.owner).get(f"/activities/{comment.line_id}/comments/", {"next": target}).content.decode()
    assert 'name="next"' not in page and "evil" not in page.split("<main")[1]


def test_done_and_undone(people: Cast, comment: Comment) -> None:
    client, mention = signed_in(people.owner), Mentioned.objects.get()
    assert client.post(f"/activities/mentions/{mention.pk}/done/")["Location"] == "/"
    assert not waits(people.owner)
    assert client.post(f"/activities/mentions/{mention.pk}/reopen/")["Location"] == "/"
    assert waits(people.owner)


@pytest.mark.parametrize("who", ["teammate", "manager", "stranger", "admin"])
def test_others_have_no_say(people: Cast, comment: Comment, who: str) -> None:
    mention, client = Mentioned.objects.get(), signed_in(getattr(people, who))
    for do in ("done", "reopen"):
        assert client.post(f"/activities/mentions/{mention.pk}/{do}/").status_code == 404
    assert client.post("/activities/mentions/99999999999999999999/done/").status_code == 404
    assert Mentioned.objects.get().done_at is None


def test_reading_it_in_the_bell_is_no_answer(people: Cast, comment: Comment) -> None:
    services.mark_all_read(user=people.owner)
    assert waits(people.owner)


def test_what_was_taken_back_or_is_not_seen_any_more_does_not_wait(people: Cast, comment: Comment, business: Business) -> None:
    services.delete_comment(comment, actor=people.teammate)
    assert not waits(people.owner)
    services.restore_comment(comment.pk, actor=people.teammate)
    assert waits(people.owner)
    Lead.objects.filter(pk=business.lead.pk).update(owner=people.stranger, team=people.other_team)
    page = today(people.owner)
    assert 'id="mentions"' not in page and "may we?" not in page and "Lindner" not in page
    Lead.objects.filter(pk=business.lead.pk).update(owner=people.owner, team=people.team, deleted_at=timezone.now())
    assert not waits(people.owner)


def test_a_hostile_text_is_shown_as_text(people: Cast, note: Activity) -> None:
    services.add_comment(note, body="@Olivia Owner <script>alert(1)</script> {{ 1 }}", actor=people.teammate)
    page = today(people.owner)
    assert "&lt;script&gt;" in page and "<script>alert" not in page


def test_many_cost_no_more_than_one(people: Cast, business: Business, note: Activity, monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        client = signed_in(people.owner)
        client.get("/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/")
        return len(queries)

    services.add_comment(note, body="@Olivia Owner one", actor=people.teammate)
    one = count()
    for number in range(60):
        services.add_comment(note, body=f"@Olivia Owner {number}", actor=people.teammate)
    services.add_comment(services.add_note(business.deal, body="x", actor=people.owner), body="@Olivia Owner there", actor=people.teammate)
    assert count() == one
    with CaptureQueriesContext(connection) as queries:
        assert len(open_mentions(people.owner)) == 62
    assert len(queries) == 1
    Mentioned.objects.bulk_create(Mentioned(comment=comment, user=people.teammate) for comment in Comment.objects.all())
    monkeypatch.setattr("activities.selectors.mentions.MOST_OPEN", 50)
    assert len(open_mentions(people.teammate)) == 50


def test_who_can_be_mentioned_is_offered(people: Cast, note: Activity) -> None:
    page = signed_in(people.owner).get(f"/activities/{note.pk}/comments/").content.decode()
    assert "Mona Manager" in page and "Tom Teammate" in page and "Sven Stranger" not in page


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_a_few_letters_and_enter(page: Page, sign_in: Any, people: Cast, business: Business, note: Activity) -> None:
    collect(page)
    sign_in(page, people.owner.email)
    page.goto(f"/activities/{note.pk}/comments/")
    text = page.locator("textarea[name=body]")
    text.press_sequentially("Mail to a@b.example, and @ma")
    names = page.get_by_role("listbox").get_by_role("option")
    expect(names).to_have_text(["Mona Manager"])
    text.press("Escape")
    expect(names).to_have_count(0)
    text.press("Backspace")
    expect(names.first).to_be_visible()
    assert_clean(page)
    text.press_sequentially("zzz")
    expect(names).to_have_count(0)  # nobody
    for _ in range(4):
        text.press("Backspace")
    text.press_sequentially("tom t")
    expect(names).to_have_text(["Tom Teammate"])
    text.press("Tab")
    expect(text).to_have_value("Mail to a@b.example, and @Tom Teammate ")
    text.press_sequentially("look")
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_text("Comment added.").first).to_be_visible()
    assert Mentioned.objects.get().user == people.teammate
    page.goto(f"/activities/{note.pk}/comments/")
    text.press_sequentially("@")
    expect(names.first).to_be_visible()
    text.press("ArrowDown")
    second = names.nth(1).text_content()
    names.nth(1).click()
    expect(text).to_have_value(f"@{second} ")
