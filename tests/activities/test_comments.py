"""Comments on lines of the timeline, who can be mentioned in them, and lines that are pinned."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from activities import selectors, services
from activities.models import Activity, Comment, Notification
from activities.panels.story import comment_html
from activities.selectors.mentions import mentions_in
from activities.services import comments
from contacts.services import create_contact
from crm.core.access import viewers_of
from tests.activities.conftest import Business
from tests.factories import Cast, make_user

HTMX = {"HX-Request": "true"}


@pytest.fixture
def note(people: Cast, business: Business) -> Activity:
    return services.add_note(business.deal, body="Discount agreed", actor=people.owner)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_comment_is_added_once_with_and_without_javascript(people: Cast, note: Activity, business: Business) -> None:
    client, url, key = signed_in(people.teammate), f"/activities/{note.pk}/comments/", str(uuid.uuid4())
    plain = client.post(url, {"body": "Well done\r\n<b>you</b>", "idempotency_key": key})
    assert (plain.status_code, plain["Location"]) == (302, url)
    assert client.post(url, {"body": "Well done", "idempotency_key": key}).status_code == 302
    assert [(row.body, row.author, row.line) for row in Comment.objects.all()] == [("Well done\n<b>you</b>", people.teammate, note)]
    swapped = client.post(url, {"body": "Again", "idempotency_key": str(uuid.uuid4())}, headers=HTMX)
    assert swapped.status_code == 200
    for page in (swapped, client.get(url), client.get(business.deal.get_absolute_url()), client.get(business.company.get_absolute_url())):
        assert "Well done<br>&lt;b&gt;you&lt;/b&gt;" in page.content.decode()


@pytest.mark.parametrize("body", ["", "  ", "x" * 5001, "a\x00b", "@Nobody here"])
def test_a_wrong_comment_is_kept_and_said_at_its_field(people: Cast, note: Activity, body: str) -> None:
    client, url = signed_in(people.owner), f"/activities/{note.pk}/comments/"
    for headers in ({}, HTMX):
        answer = client.post(url, {"body": body}, headers=headers)
        assert answer.status_code == 422
        assert f'id="comment{note.pk}_body_error"' in answer.content.decode()
    assert body.strip("\x00 ")[:5] in answer.content.decode()
    assert not Comment.objects.exists()
    assert not Notification.objects.exists()


def test_comments_end(people: Cast, note: Activity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "MOST_COMMENTS", 1)
    services.add_comment(note, body="One", actor=people.owner)
    with pytest.raises(ValidationError):
        services.add_comment(note, body="Two", actor=people.owner)


def test_a_line_shows_its_newest_comments_in_one_query(people: Cast, note: Activity, business: Business, django_assert_num_queries: Any) -> None:
    other = services.add_note(business.deal, body="Other", actor=people.owner)
    for number in range(5):
        services.add_comment(note, body=f"Word {number}", actor=people.owner)
    services.delete_comment(services.add_comment(other, body="Gone", actor=people.owner), actor=people.owner)
    services.add_comment(other, body="Here", actor=people.teammate)
    with django_assert_num_queries(1):
        found = selectors.comments_of([note, other])
        assert [row.body for row in found[note.pk].rows] == ["Word 2", "Word 3", "Word 4"]
        assert found[note.pk].total == 5
        assert [(row.body, str(row.author)) for row in found[other.pk].rows] == [("Here", people.teammate.name)]
    assert "All 5 comments" in signed_in(people.owner).get(business.deal.get_absolute_url()).content.decode()
    assert "Word 0" in signed_in(people.owner).get(f"/activities/{note.pk}/comments/").content.decode()


@pytest.mark.parametrize("who", ["owner", "teammate", "manager", "stranger", "viewer", "agent", "admin"])
def test_comments_are_seen_by_exactly_those_who_see_the_line(people: Cast, note: Activity, business: Business, who: str) -> None:
    comment, user = services.add_comment(note, body="Numbat", actor=people.owner), getattr(people, who)
    seen = viewers_of(business.deal).filter(pk=user.pk).exists()
    assert Comment.objects.visible_to(user).filter(pk=comment.pk).exists() == seen
    answer = signed_in(user).get(f"/activities/{note.pk}/comments/")
    assert (answer.status_code, "Numbat" in answer.content.decode()) == ((200, True) if seen else (404, False))
    assert "Numbat" not in signed_in(people.stranger).get(business.company.get_absolute_url()).content.decode()
    services.delete_line(note, actor=people.owner)
    assert not Comment.objects.visible_to(user).exists()
    assert signed_in(user).get(f"/activities/{note.pk}/comments/").status_code == 404


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("ask @Tom Teammate, please", ["@Tom Teammate"]),
        ("@tom teammate's offer and @Mona.", ["@tom teammate", "@Mona"]),
        ("(@{email})", ["@{email}"]),
        ("write to tom@example.com @ 5", []),
        ("@Tom\n@Tom", ["@Tom", "@Tom"]),
        ("😀 @Tom", ["@Tom"]),
    ],
)
def test_who_is_meant(people: Cast, business: Business, text: str, called: list[str]) -> None:
    text, called = text.replace("{email}", people.teammate.email), [each.replace("{email}", people.teammate.email) for each in called]
    found = mentions_in(text, business.deal)
    assert [text[each.start : each.start + each.length] for each in found] == called
    assert {each.user for each in found} <= {people.teammate, people.manager}


def test_several_of_a_name_are_told_apart(people: Cast, business: Business) -> None:
    make_user(name="Tom Elsewhere", team=people.other_team)
    assert mentions_in("@Tom", business.deal)[0].user == people.teammate  # the only one who sees the deal
    longer = make_user(name="Tom Teammate Junior", team=people.team)
    assert mentions_in("@Tom Teammate Junior", business.deal)[0].user == longer
    with pytest.raises(ValidationError, match="Several colleagues"):
        mentions_in("@Tom", business.deal)


@pytest.mark.parametrize("text", ["@Sven Stranger", "@Sven", "@{email}", "@Gone Person", "@" + "x" * 4000, "@Mona " * 21])
def test_who_cannot_be_mentioned(people: Cast, note: Activity, text: str) -> None:
    make_user(name="Gone Person", team=people.team, is_active=False) if "Gone" in text else None
    with pytest.raises(ValidationError) as refused:
        services.add_comment(note, body=text.replace("{email}", people.stranger.email), actor=people.owner)
    assert set(refused.value.message_dict) == {"body"}
    assert not Comment.objects.exists()
    assert not Notification.objects.exists()


def test_the_mentioned_hear_of_it_once_and_find_the_line(people: Cast, note: Activity, business: Business) -> None:
    services.add_comment(note, body=f"@Tom Teammate and @Tom and @{people.owner.email}", actor=people.owner)
    told = Notification.objects.get()
    assert (told.user, told.kind, told.text) == (people.teammate, "mentioned", "Olivia Owner mentioned you: Spindle retrofit")
    page = signed_in(people.teammate).get(told.url).content.decode()
    assert told.url.startswith(business.deal.get_absolute_url())
    assert page.index("Discount agreed") < page.index("<strong>@Tom Teammate</strong> and")
    assert "You were mentioned" in signed_in(people.teammate).get("/notifications/").content.decode()


def test_places_that_do_not_fit_the_text_are_left_out() -> None:
    assert comment_html(Comment(body="<a> @Tom", mentions=[[4, 4, 1], [6, 2, 1], [7, 90, 1], [9, 0, 1]])) == "&lt;a&gt; <strong>@Tom</strong>"


def test_a_comment_is_taken_back_by_its_author(people: Cast, note: Activity) -> None:
    comment = services.add_comment(note, body="Oops", actor=people.owner)
    delete, restore = (f"/activities/comments/{comment.pk}/{verb}/" for verb in ("delete", "restore"))
    assert signed_in(people.teammate).post(delete).status_code == 403
    assert signed_in(people.stranger).post(delete).status_code == 404
    client = signed_in(people.owner)
    assert client.post(restore).status_code == 404
    assert client.post(delete).status_code == 302
    assert not Comment.objects.alive().exists()
    assert signed_in(people.teammate).post(restore).status_code == 404
    assert client.post(restore).status_code == 302
    assert Comment.objects.alive().exists()
    for url in (
        f"/activities/comments/{2**63}/delete/",
        f"/activities/comments/{2**63}/restore/",
        f"/activities/{2**63}/comments/",
        f"/activities/{2**63}/pin/",
    ):
        assert client.post(url).status_code == 404


def test_a_pinned_line_stands_on_top_of_its_own_record(people: Cast, note: Activity, business: Business) -> None:
    client, url = signed_in(people.teammate), f"/activities/{note.pk}/pin/"
    assert [client.post(url, {"pinned": wrong}).status_code for wrong in ("", "2", "x")] == [422] * 3
    for _twice in range(2):
        assert client.post(url, {"pinned": "1"}).status_code == 302
    services.write_lines([{"kind": "note", "verb": "added", "body": "New", "deal": business.deal, "actor": people.owner} for _n in range(30)])
    page = selectors.timeline(people.owner, business.deal)
    assert ([line.pk for line in page.pinned], note.pk in [line.pk for line in page.lines]) == ([note.pk], False)
    shown = client.get(business.deal.get_absolute_url()).content.decode()
    assert shown.index("Pinned") < shown.index("Discount agreed") < shown.index("Unpin")
    assert selectors.timeline(people.owner, business.company).pinned == []
    assert selectors.timeline(people.owner, business.deal, wanted=selectors.Wanted("note")).pinned == []
    assert selectors.timeline(people.owner, business.deal, before=page.older).pinned == []
    assert client.post(url, {"pinned": "0"}).status_code == 302
    assert selectors.timeline(people.owner, business.deal).pinned == []


def test_five_lines_are_pinned_at_most(people: Cast, business: Business) -> None:
    contact = create_contact({"last_name": "Other", "company": business.company}, actor=people.owner)
    lines = [services.add_note(business.contact, body=str(number), actor=people.owner) for number in range(6)]
    for line in [*lines[:5], services.add_note(contact, body="Elsewhere", actor=people.owner)]:
        services.pin_line(line, pinned=True, actor=people.owner)
    answer = signed_in(people.owner).post(f"/activities/{lines[5].pk}/pin/", {"pinned": "1"}, follow=True)
    assert "Five entries are pinned already" in answer.content.decode()
    assert [line.body for line in selectors.timeline(people.owner, business.contact).pinned] == ["0", "1", "2", "3", "4"]
    services.delete_line(lines[0], actor=people.owner)
    services.pin_line(lines[5], pinned=True, actor=people.owner)
    assert [line.body for line in selectors.timeline(people.owner, business.contact).pinned] == ["1", "2", "3", "4", "5"]
