"""The pages answer, in both shapes, for those who may."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from activities import services
from activities.models import Activity, Meeting, Notification, Task
from tests.activities.conftest import Business
from tests.factories import Cast, signed_in


@pytest.fixture
def client(people: Cast) -> Client:
    return signed_in(people.owner)


HTMX = {"HX-Request": "true"}


def test_every_page_opens(client: Client, people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Send offer", "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    start = timezone.now() + timedelta(hours=2)
    meeting = services.create_meeting(
        {"title": "Visit", "contact": business.contact, "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=people.owner
    )
    services.add_note(business.contact, body="**Hello**", actor=people.owner)
    services.notify(people.owner, "system", "News", "/tasks/")
    addresses = [
        "/",
        "/calendar/",
        "/calendar/?show=week&day=2027-03-01&who=team",
        "/calendar/?show=agenda",
        f"/calendar/?show=day&day={timezone.localdate()}",
        "/calendar/feed/",
        "/calendar/import/",
        f"/calendar/move/meeting/{meeting.pk}/",
        f"/calendar/move/task/{task.pk}/",
        "/notifications/",
        "/tasks/",
        "/tasks/?view=mine",
        "/tasks/?view=overdue",
        "/tasks/?view=delegated",
        "/tasks/?view=team",
        "/tasks/?view=done",
        "/tasks/?due=week&kind=call&priority=3&about=deal",
        "/tasks/?q=spindle",
        "/tasks/new/",
        f"/tasks/new/?deal={business.deal.pk}",
        f"/tasks/{task.pk}/",
        f"/tasks/{task.pk}/edit/",
        f"/tasks/{task.pk}/complete/",
        f"/tasks/{task.pk}/snooze/",
        f"/tasks/{task.pk}/delete/",
        "/meetings/",
        "/meetings/?view=coming",
        "/meetings/?starts=week",
        "/meetings/new/?day=2027-01-05",
        f"/meetings/{meeting.pk}/",
        f"/meetings/{meeting.pk}/edit/",
        business.contact.get_absolute_url(),
        f"{business.contact.get_absolute_url()}?kind=note",
        business.company.get_absolute_url(),
        business.lead.get_absolute_url(),
        f"/activities/contacts/{business.contact.pk}/note/",
    ]
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_a_search_finds_tasks_by_the_linked_record(client: Client, people: Cast, business: Business) -> None:
    services.create_task({"title": "Send offer", "deal": business.deal}, actor=people.owner)
    assert "Send offer" in client.get("/tasks/?q=spindle").content.decode()
    assert "Send offer" not in client.get("/tasks/?q=nothing-like-it").content.decode()


@pytest.mark.parametrize("address", ["/calendar/?day=2027-13-01", "/calendar/?show=x", "/tasks/?due=x", "/tasks/?nothing=1"])
def test_wrong_addresses_get_a_400(client: Client, address: str) -> None:
    assert client.get(address).status_code == 400


@pytest.mark.parametrize(
    ("kind", "data", "made"),
    [
        ("note", {"body": "Spoke to **Ann**"}, Activity),
        ("call", {"outcome": "connected", "minutes": "14", "body": ""}, Activity),
        ("task", {"title": "Call again", "kind": "call", "due_on": "2027-05-04", "due_time": "14:30", "reminder": "15"}, Task),
        ("meeting", {"title": "Visit", "starts_at": "2027-05-04T10:00", "ends_at": "2027-05-04T11:00"}, Meeting),
    ],
)
def test_an_entry_is_made_once_with_and_without_javascript(client: Client, business: Business, kind: str, data: dict[str, str], made: Any) -> None:
    url = f"/activities/contacts/{business.contact.pk}/{kind}/"
    before = made.objects.count()
    key = str(uuid.uuid4())
    plain = client.post(url, {**data, "idempotency_key": key})
    assert (plain.status_code, plain["Location"]) == (302, f"{business.contact.get_absolute_url()}#timeline")
    again = client.post(url, {**data, "idempotency_key": key})
    assert again.status_code == 302
    assert made.objects.count() == before + 1
    swapped = client.post(url, {**data, "idempotency_key": str(uuid.uuid4())}, headers=HTMX)
    assert swapped.status_code == 200
    assert 'hx-swap-oob="outerHTML"' in swapped.content.decode()
    assert made.objects.count() == before + 2


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("note", {"body": "   "}, "body"),
        ("note", {"body": "x" * 20_001}, "body"),
        ("note", {"body": "a\x00b"}, "body"),
        ("call", {"minutes": "-1"}, "minutes"),
        ("call", {"outcome": "sung"}, "outcome"),
        ("task", {"title": ""}, "title"),
        ("task", {"title": "A", "due_time": "10:00"}, "due_on"),
        ("task", {"title": "A", "due_on": "0001-01-01"}, "due_on"),
        ("task", {"title": "A", "due_on": "9999-12-31"}, "due_on"),
        ("task", {"title": "A", "reminder": "7"}, "reminder"),
        ("meeting", {"title": "A", "starts_at": "2027-05-04T10:00", "ends_at": "2027-05-04T09:00"}, "ends_at"),
        ("meeting", {"title": "A", "starts_at": "9999-12-31T23:59", "ends_at": "9999-12-31T23:59"}, "starts_at"),
        ("meeting", {"title": "A", "starts_at": "soon", "ends_at": "later"}, "starts_at"),
    ],
)
def test_wrong_entries_get_a_422_and_keep_what_was_typed(client: Client, business: Business, kind: str, data: dict[str, str], field: str) -> None:
    url = f"/activities/contacts/{business.contact.pk}/{kind}/"
    counts = (Activity.objects.count(), Task.objects.count(), Meeting.objects.count())
    for headers in ({}, HTMX):
        response = client.post(url, data, headers=headers)
        assert response.status_code == 422
        assert "is-invalid" in response.content.decode()
    assert response["HX-Retarget"] == "#composer"
    assert counts == (Activity.objects.count(), Task.objects.count(), Meeting.objects.count())


def test_strangers_find_nothing_and_viewers_may_not_write(people: Cast, business: Business) -> None:
    url = f"/activities/contacts/{business.contact.pk}/note/"
    assert signed_in(people.stranger).post(url, {"body": "x"}).status_code == 404
    viewer = signed_in(people.viewer)
    assert viewer.post(url, {"body": "x"}).status_code == 403
    page = viewer.get(business.contact.get_absolute_url()).content.decode()
    assert 'id="composer"' not in page
    assert signed_in(people.teammate).post(url, {"body": "x"}).status_code == 302


@pytest.mark.parametrize(
    "address", ["/activities/users/1/note/", "/activities/tasks/1/note/", "/activities/contacts/1/party/", f"/activities/contacts/{10**30}/note/"]
)
def test_unknown_subjects_and_kinds_are_404(client: Client, address: str) -> None:
    assert client.post(address, {"body": "x"}).status_code == 404


def test_own_notes_are_corrected_deleted_and_taken_back(client: Client, people: Cast, business: Business) -> None:
    line = services.add_note(business.contact, body="Helo", actor=people.owner)
    assert client.get(f"/activities/{line.pk}/edit/").status_code == 200
    assert client.post(f"/activities/{line.pk}/edit/", {"body": "Hello", "version": "1"}).status_code == 302
    line.refresh_from_db()
    assert (line.body, line.version) == ("Hello", 2)
    assert client.post(f"/activities/{line.pk}/edit/", {"body": "Other", "version": "1"}).status_code == 409
    other = signed_in(people.teammate)
    assert other.post(f"/activities/{line.pk}/delete/").status_code == 403
    assert signed_in(people.stranger).post(f"/activities/{line.pk}/delete/").status_code == 404
    assert client.post(f"/activities/{line.pk}/delete/").status_code == 302
    assert client.get(f"/activities/{line.pk}/edit/").status_code == 404
    assert other.post(f"/activities/{line.pk}/restore/").status_code == 404
    assert client.post(f"/activities/{line.pk}/restore/").status_code == 302
    line.refresh_from_db()
    assert line.deleted_at is None


def test_a_task_is_ticked_off_and_opened_again(client: Client, people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Send offer", "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    response = client.post(f"/tasks/{task.pk}/complete/", {"next": "/"}, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert f"/tasks/{task.pk}/reopen/" in response.content.decode()
    task.refresh_from_db()
    assert (task.done_at is not None, task.done_by) == (True, people.owner)
    client.post(f"/tasks/{task.pk}/reopen/", {"next": "//evil.example"})
    task.refresh_from_db()
    assert task.done_at is None
    assert not Activity.objects.alive().filter(verb="done").exists()


def test_completing_with_outcome_and_next_step(client: Client, people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Call", "deal": business.deal}, actor=people.owner)
    data = {"outcome": "They want a discount", "next_title": "Send new offer", "next_due_on": "2027-02-03", "idempotency_key": str(uuid.uuid4())}
    for _twice in range(2):
        assert client.post(f"/tasks/{task.pk}/complete/", data).status_code == 302
    following = Task.objects.get(title="Send new offer")
    assert (following.deal, following.company, following.owner) == (business.deal, business.company, people.owner)
    task.refresh_from_db()
    assert task.outcome == "They want a discount"


@pytest.mark.parametrize(
    "data",
    [{"outcome": "x" * 501}, {"next_due_on": "2027-01-01"}, {"next_title": "A", "next_due_time": "10:00"}, {"next_title": "A", "next_due_on": "0001-01-01"}],
)
def test_completing_wrongly_changes_nothing(client: Client, people: Cast, data: dict[str, str]) -> None:
    task = services.create_task({"title": "Call"}, actor=people.owner)
    assert client.post(f"/tasks/{task.pk}/complete/", data).status_code == 422
    task.refresh_from_db()
    assert task.done_at is None


def test_who_may_touch_a_task(people: Cast) -> None:
    task = services.create_task({"title": "Call"}, actor=people.owner)
    assert signed_in(people.teammate).post(f"/tasks/{task.pk}/complete/").status_code == 403
    assert signed_in(people.stranger).post(f"/tasks/{task.pk}/complete/").status_code == 404
    assert signed_in(people.stranger).post(f"/tasks/{10**30}/complete/").status_code == 404
    assert signed_in(people.manager).post(f"/tasks/{task.pk}/snooze/", {"choice": "hour"}).status_code == 302
    assert signed_in(people.owner).post(f"/tasks/{task.pk}/complete/", {"version": "1"}).status_code == 409  # the snooze made it 2
    assert signed_in(people.owner).post(f"/tasks/{task.pk}/snooze/", {"choice": "never"}).status_code == 422
    assert signed_in(people.owner).post(f"/tasks/{task.pk}/snooze/", {"choice": "custom"}).status_code == 422
    assert Client().post(f"/tasks/{task.pk}/complete/").status_code == 302  # to the sign-in page
    task.refresh_from_db()
    assert task.done_at is None


def test_quick_add_on_today(client: Client, people: Cast) -> None:
    key = str(uuid.uuid4())
    for _twice in range(2):
        assert client.post("/", {"title": "Buy stamps", "due_on": timezone.localdate().isoformat(), "idempotency_key": key}).status_code == 302
    assert Task.objects.get(title="Buy stamps").owner == people.owner
    assert client.post("/", {"title": ""}).status_code == 422
    assert signed_in(people.viewer).post("/", {"title": "x"}).status_code == 403


def test_many_overdue_tasks_do_not_hide_todays(client: Client, people: Cast, business: Business) -> None:
    today = timezone.localdate()
    services.create_task({"title": "Due today", "due_on": today}, actor=people.owner)
    services.create_task({"title": "Next year", "due_on": today + timedelta(days=400)}, actor=people.owner)
    services.create_task({"title": "Some day"}, actor=people.owner)
    for number in range(30):
        services.create_task({"title": f"Late {number:02}.", "due_on": today - timedelta(days=40 - number), "deal": business.deal}, actor=people.owner)
    page = client.get("/").content.decode()
    assert page.count("Done: Late") == 30 and "/tasks/?view=overdue" not in page
    services.create_task({"title": "Late 30.", "due_on": today - timedelta(days=1)}, actor=people.owner)
    page = client.get("/").content.decode()
    assert page.count("Done: Late") == 30 and "Late 30." not in page
    assert 'href="/tasks/?view=overdue"' in page and '<span class="count">30+</span>' in page
    assert page.index("Late 00.") < page.index("Late 29.") < page.index("Due today") < page.index("Next year") < page.index("Some day")


def test_hostile_titles_are_shown_as_texts(client: Client, people: Cast, business: Business) -> None:
    bad = '"><script>alert(1)</script>&amp;%(x)s'
    services.create_task({"title": bad, "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    start = timezone.now() + timedelta(minutes=5)
    services.create_meeting({"title": bad, "deal": business.deal, "starts_at": start, "ends_at": start}, actor=people.owner)
    type(business.company).objects.filter(pk=business.company.pk).update(name=bad)
    shown = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;%(x)s"
    for address in ("/", business.deal.get_absolute_url(), f"/calendar/?show=day&day={timezone.localdate()}", "/calendar/", "/deals/board/"):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page and shown in page.replace("&#x27;", "&#39;"), address


def test_the_composer_is_each_readers_and_each_records_own(people: Cast, business: Business, settings: Any) -> None:
    settings.CACHES = {**settings.CACHES, "fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "fragments"}}
    caches["fragments"].clear()
    owner, teammate = signed_in(people.owner), signed_in(people.teammate)
    pages = [
        person.get(obj.get_absolute_url()).content.decode().partition('id="composer"')[2].partition("</section>")[0]
        for person in (owner, teammate)
        for obj in (business.deal, business.deal, business.lead)
    ]
    keys = [key for page in pages for key in re.findall(r'name="idempotency_key" value="([0-9a-f-]{36})"', page)]
    assert len(keys) == len(set(keys)) == 4 * len(pages)
    for page, name, slug in zip(pages, [people.owner.name] * 3 + [people.teammate.name] * 3, ["deals", "deals", "leads"] * 2, strict=True):
        assert f'value="{name}"' in page
        assert page.count(f'action="/activities/{slug}/') == 4 == page.count('name="csrfmiddlewaretoken"')
    type(people.owner).objects.filter(pk=people.owner.pk).update(name="Olivia Renamed")
    assert 'value="Olivia Renamed"' in owner.get(business.deal.get_absolute_url()).content.decode()
    caches["fragments"].clear()


def test_the_bell(client: Client, people: Cast) -> None:
    first = client.get("/notifications/poll/").json()
    assert first["unread"] == 0
    assert client.get(f"/notifications/poll/?v={first['v']}").status_code == 204
    row = services.notify(people.owner, "system", "News", "/calendar/")
    second = client.get(f"/notifications/poll/?v={first['v']}").json()
    assert second["unread"] == 1
    other = services.notify(people.stranger, "system", "Secret", "/tasks/")
    assert client.post(f"/notifications/{other.pk}/open/").status_code == 404
    assert client.get(f"/notifications/{row.pk}/open/").status_code == 405
    response = client.post(f"/notifications/{row.pk}/open/")
    assert response["Location"] == "/calendar/"
    assert client.get("/notifications/poll/").json()["unread"] == 0
    services.notify(people.owner, "system", "More", "https://evil.example/")
    assert Notification.objects.latest("pk").url == ""
    assert client.post("/notifications/read/").status_code == 302
    assert not Notification.objects.filter(user=people.owner, read_at=None).exists()


def test_the_poll_is_cheap(client: Client, django_assert_max_num_queries: Any) -> None:
    client.get("/notifications/poll/")
    with django_assert_max_num_queries(4):  # session and user, and one of its own
        client.get("/notifications/poll/")


def test_records_form_makes_a_task_and_changes_it(client: Client, people: Cast, business: Business) -> None:
    response = client.post(
        "/tasks/new/", {"title": "From the form", "due_on": "2027-03-01", "deal": str(business.deal.pk), "idempotency_key": str(uuid.uuid4())}
    )
    assert response.status_code == 302, response.content.decode()[-3000:]
    task = Task.objects.get(title="From the form")
    assert (task.kind, task.priority, task.owner, task.deal, task.company, task.subject_type) == (
        "todo",
        2,
        people.owner,
        business.deal,
        business.company,
        "deal",
    )
    assert task.reminders.count() == 1
    page = client.get(f"/tasks/{task.pk}/edit/")
    assert page.status_code == 200
    data = {
        "title": "Changed",
        "due_on": "2027-03-02",
        "due_time": "10:00",
        "reminder": "",
        "version": "1",
        "deal": str(business.deal.pk),
        "kind": "call",
        "priority": "3",
    }
    data |= {"contact": str(business.contact.pk), "company": str(business.company.pk), "owner": str(people.owner.pk)}
    response = client.post(f"/tasks/{task.pk}/edit/", data)
    assert response.status_code == 302, response.content.decode()
    task.refresh_from_db()
    assert (task.title, task.kind, task.priority, task.version, task.deal) == ("Changed", "call", 3, 2, business.deal)
    assert not task.reminders.filter(cancelled_at=None).exists()


def test_bulk(client: Client, people: Cast) -> None:
    tasks = services.create_tasks([{"title": f"T{number}", "due_on": timezone.localdate()} for number in range(3)], actor=people.owner)
    ids = [str(task.pk) for task in tasks]
    assert client.post("/tasks/bulk/shift/", {"ids": ids, "confirmed": "1", "days": "2"}).status_code == 302
    assert {task.due_on for task in Task.objects.all()} == {timezone.localdate() + timedelta(days=2)}
    assert client.post("/tasks/bulk/shift/", {"ids": ids, "confirmed": "1", "days": "9999"}).status_code == 422
    assert client.post("/tasks/bulk/assign/", {"ids": ids, "confirmed": "1", "owner": str(people.teammate.pk)}).status_code == 302
    assert Task.objects.filter(owner=people.teammate).count() == 3
    assert signed_in(people.teammate).post("/tasks/bulk/complete/", {"ids": ids}).status_code == 302
    assert Task.objects.filter(done_at=None).count() == 0


def test_exports(client: Client, people: Cast, business: Business) -> None:
    services.create_task({"title": "=1+1", "deal": business.deal, "due_on": timezone.localdate()}, actor=people.owner)
    response = client.get("/tasks/export/?format=csv")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Spindle retrofit" in text
    assert "\n=1+1" not in text
