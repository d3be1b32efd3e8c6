"""The capture box: what sentences mean, and what becomes of them and of signatures."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from activities.capture import Clock, Said, understand
from activities.models import Activity, Meeting, Task
from contacts.models import Company, Contact
from contacts.services import create_contact
from tests.activities.conftest import make_cast
from tests.activities.test_cards import SIGNATURES
from tests.factories import signed_in
from users import services

FRIDAY = Clock(datetime(2026, 11, 27, 11, 30))
TABLE = Path(__file__).with_name("sentences.txt").read_text().splitlines()
CASES = [(line[:2], line[3:], [each.strip() for each in _rest]) for line, _rest in (
    (line, TABLE[place + 1 : next((after for after in range(place + 1, len(TABLE)) if not TABLE[after].startswith("  ")), len(TABLE))])
    for place, line in enumerate(TABLE)
    if not line.startswith("  ")
)]  # fmt: skip


def told(said: Said) -> list[str]:
    """What was understood, as the table has it."""
    lines = []
    for entry in said.entries:
        when = [entry.day.isoformat() if entry.day else "", f"{entry.at:%H:%M}" if entry.at else ""]
        more = [*when, f"{entry.minutes}min" if entry.minutes else "", f"!{entry.priority}" if entry.priority != 2 else "", entry.repeat]
        parts = (f"{entry.kind} {entry.task_kind}".strip(), entry.text, " ".join(filter(None, more)), ", ".join(entry.names))
        lines.append(" | ".join(parts).rstrip(" |"))
    marks = [*(f"#{tag}" for tag in said.tags), *([f"@{said.colleague}"] if said.colleague else [])]
    return [*lines, *([" ".join(marks)] if marks else [])]


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 200
    assert {language for language, _text, _lines in CASES} == {"en", "de"}


@pytest.mark.parametrize(("language", "text", "lines"), CASES, ids=[text[:40] for _language, text, _lines in CASES])
def test_sentences(language: str, text: str, lines: list[str]) -> None:
    assert told(understand(text, FRIDAY, language)) == lines


@pytest.mark.parametrize(("language", "text", "lines"), CASES[::4], ids=[text[:40] for _language, text, _lines in CASES[::4]])
def test_the_other_language_is_understood_too(language: str, text: str, lines: list[str]) -> None:
    """A German who writes an English sentence gets the same number of entries, of the same kinds."""
    other = understand(text, FRIDAY, "de" if language == "en" else "en")
    assert [entry.kind for entry in other.entries] == [line.split(" ")[0] for line in lines if line[0] not in "#@"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\x00",
        "!!!",
        "#",
        "@",
        ",;.",
        "5",
        "x" * 10_000,
        "call " * 2_000,
        "\u202eAnn\u202c call",
        "🎉 call Ann 🎉 tomorrow",
        "32.13.2026 call",
        "call 25:99",
        "99:99-98:00",
    ],
)
def test_nonsense_is_no_error(text: str) -> None:
    for language in ("en", "de", "fr", ""):
        said = understand(text, FRIDAY, language)
        assert len(said.entries) <= 10
        assert all(entry.text for entry in said.entries)


@pytest.mark.parametrize(
    ("now", "text", "day", "at"),
    [
        (datetime(2027, 1, 31, 9), "call Ann in a month", date(2027, 2, 28), None),
        (datetime(2028, 2, 28, 9), "call Ann tomorrow", date(2028, 2, 29), None),
        (datetime(2026, 12, 31, 23, 50), "call Ann in 20 minutes", date(2027, 1, 1), time(0, 10)),
        (datetime(2026, 12, 28, 9), "call Ann 3 January", date(2027, 1, 3), None),
        (datetime(2026, 11, 29, 9), "call Ann next Monday", date(2026, 11, 30), None),  # a Sunday
        (datetime(2026, 11, 30, 9), "call Ann Monday", date(2026, 12, 7), None),  # a Monday
        (datetime(2026, 11, 30, 9), "call Ann this Monday", date(2026, 11, 30), None),
        (datetime(2026, 11, 27, 16), "call Ann at 3", date(2026, 11, 28), time(15)),
        (datetime(2027, 2, 20, 9), "call Ann by the 30th", date(2027, 3, 30), None),
        (datetime(2026, 11, 27, 9), "call Ann 29 February", date(2028, 2, 29), None),
    ],
)
def test_days_are_counted_from_today(now: datetime, text: str, day: date, at: time | None) -> None:
    (entry,) = understand(text, Clock(now), "en").entries
    assert (entry.day, entry.at) == (day, at)


def test_numbers_of_days_follow_the_country() -> None:
    assert understand("call Ann 3/4", FRIDAY, "en").entries[0].day == date(2027, 4, 3)
    assert understand("call Ann 3/4", Clock(FRIDAY.now, day_first=False), "en").entries[0].day == date(2027, 3, 4)


# ---- the page ----


class Fields(HTMLParser):
    """The names and values of the inputs of a page's capture form, as a browser would post them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.inside, self.select, self.area = False, "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("action") == "/capture/"
        elif self.inside and tag == "input" and given.get("name"):
            self.values[given["name"] or ""] = given.get("value") or ""
        elif self.inside and tag == "select":
            self.select = given["name"] or ""
            self.values.setdefault(self.select, "")
        elif self.inside and tag == "option" and "selected" in given:
            self.values[self.select] = given["value"] or ""
        elif self.inside and tag == "textarea":
            self.area = given["name"] or ""
            self.values[self.area] = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.values[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self.area] = self.values[self.area].strip("\n")
            self.area = ""
        elif tag == "form":
            self.inside = False


@pytest.fixture
def people(db: Any) -> Any:
    return make_cast()


@pytest.fixture
def client(people: Any) -> Client:
    return signed_in(people.owner)


@pytest.fixture
def ann(people: Any) -> Contact:
    return create_contact({"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.example"}, actor=people.owner)


def written() -> tuple[int, int, int]:
    """How many notes and calls, tasks, meetings there are."""
    return Activity.objects.filter(kind__in=["note", "call"]).count(), Task.objects.count(), Meeting.objects.count()


def typed(client: Client, text: str, **more: str) -> dict[str, str]:
    """The form as it is shown after the text was typed."""
    page = client.post("/capture/", {"text": text, "show": "1", **more})
    assert page.status_code == 200
    return Fields(page.content.decode()).values


def test_a_sentence_becomes_note_task_and_links(client: Client, people: Any, ann: Contact) -> None:
    form = typed(client, "call Ann Lee re pricing, follow up Tue 10:00 !high #renewal")
    assert written() == (0, 0, 0)  # shown before it is saved
    assert (form["s0-kind"], form["s1-kind"], form["s0-about"], form["tags"]) == ("note", "task", f"contacts-{ann.pk}", "renewal")
    answer = client.post("/capture/", form)
    assert (answer.status_code, answer["Location"]) == (302, f"/contacts/{ann.pk}/#timeline")
    note, task = Activity.objects.get(kind="note"), Task.objects.get()
    assert (note.contact, note.body) == (ann, "call Ann Lee re pricing")
    assert (task.contact, task.title, task.priority, task.kind, task.owner) == (ann, "Follow up: Ann Lee re pricing", 3, "follow_up", people.owner)
    assert task.due_on is not None
    assert (task.due_on.weekday(), task.due_time) == (1, time(10))
    assert task.due_on > timezone.localdate()
    assert task.reminders.count() == 1
    assert [tag.name for tag in ann.tags.all()] == ["renewal"]


def test_what_is_to_be_done_again_and_again_repeats(client: Client, ann: Contact) -> None:
    form = typed(client, "every Monday 9:00 call Ann Lee")
    assert (form["s0-repeat"], form["s0-text"], form["s0-at"]) == ("weekly", "Call Ann Lee", "09:00")
    client.post("/capture/", form)
    client.post("/", {"title": "check the inbox daily"})
    weekly, daily = Task.objects.select_related("series").order_by("pk")
    assert (weekly.series.frequency, weekly.series.weekdays, weekly.contact, weekly.due_on.weekday()) == ("weekly", [0], ann, 0)
    assert (daily.series.frequency, daily.due_on) == ("daily", timezone.localdate())


def test_sent_twice_it_is_written_once(client: Client, ann: Contact) -> None:
    form = typed(client, "called Ann Lee, call again tomorrow")
    assert [client.post("/capture/", form).status_code for _again in range(2)] == [302, 302]
    assert (Activity.objects.filter(kind="call").count(), Task.objects.count()) == (1, 1)


def test_what_was_typed_after_the_last_look_is_shown_first(client: Client, ann: Contact) -> None:
    form = typed(client, "note: Ann Lee likes tea") | {"text": "note: Ann Lee likes coffee"}
    answer = client.post("/capture/", form)
    assert answer.status_code == 200
    assert Fields(answer.content.decode()).values["s0-text"] == "Ann Lee likes coffee"
    assert written() == (0, 0, 0)


def test_a_call_that_was_made_and_a_meeting(client: Client, ann: Contact) -> None:
    client.post("/capture/", typed(client, "spoke with Ann Lee for 20 minutes yesterday; lunch with Ann Lee tomorrow 12:30-13:30"))
    call, meeting = Activity.objects.get(kind="call"), Meeting.objects.get()
    assert call.data["minutes"] == 20
    assert timezone.localtime(call.at).date() == timezone.localdate() - timedelta(days=1)
    assert (meeting.contact, meeting.title, meeting.ends_at - meeting.starts_at) == (ann, "Lunch with Ann Lee", timedelta(hours=1))


def test_a_name_that_nobody_has_becomes_a_contact(client: Client, people: Any) -> None:
    form = typed(client, "Called Zoe Newcomer, send offer tomorrow")
    assert form["s0-about"] == "new:Zoe Newcomer"
    assert form["s1-about"] == ""  # a task may name what is nobody: it is for the person to say
    form["s1-about"] = "new:Zoe Newcomer"
    client.post("/capture/", form)
    zoe = Contact.objects.get()
    assert (zoe.first_name, zoe.last_name, zoe.owner) == ("Zoe", "Newcomer", people.owner)
    assert Task.objects.get().contact == zoe
    assert Activity.objects.get(kind="call").contact == zoe


def test_each_entry_is_about_whom_it_names(client: Client, people: Any, ann: Contact) -> None:
    ben = create_contact({"first_name": "Ben", "last_name": "Tall"}, actor=people.owner)
    form = typed(client, "called Ann Lee; lunch with Zoe Newcomer tomorrow 12:30; email Ben Tall on Monday; then send the offer on Tuesday")
    assert [form[f"s{place}-about"] for place in range(4)] == [f"contacts-{ann.pk}", "new:Zoe Newcomer", f"contacts-{ben.pk}", f"contacts-{ann.pk}"]


def test_it_is_about_the_page_one_comes_from(client: Client, ann: Contact) -> None:
    page = client.get("/capture/", HTTP_REFERER=f"http://testserver/contacts/{ann.pk}/")
    form = Fields(page.content.decode()).values
    assert form["origin"] == f"contacts-{ann.pk}"
    shown = typed(client, "call back tomorrow", origin=form["origin"])
    assert shown["s0-about"] == f"contacts-{ann.pk}"


def test_tasks_go_to_the_colleague_who_is_named(client: Client, people: Any, ann: Contact) -> None:
    client.post("/capture/", typed(client, "call Ann Lee tomorrow @Tom"))
    assert Task.objects.get().owner == people.teammate
    assert "No single colleague" in client.post("/capture/", {"text": "call Ann tomorrow @nobody", "show": "1"}).content.decode()


def test_only_what_one_sees_is_offered_and_taken(client: Client, people: Any, ann: Contact) -> None:
    hidden = create_contact({"first_name": "Ann", "last_name": "Leery"}, actor=people.stranger)
    page = client.post("/capture/", {"text": "note: Ann Leery is away", "show": "1"}).content.decode()
    assert f"contacts-{hidden.pk}" not in page
    form = typed(client, "note: Ann Lee is away") | {"s0-about": f"contacts-{hidden.pk}"}
    answer = client.post("/capture/", form)
    assert answer.status_code == 422
    assert "Leery" not in answer.content.decode()
    assert written() == (0, 0, 0)
    assert client.get("/capture/", HTTP_REFERER=f"http://testserver/contacts/{hidden.pk}/").content.decode().count(f"contacts-{hidden.pk}") == 0


def test_tags_need_the_right_to_change(client: Client, people: Any, ann: Contact) -> None:
    services.update_role(people.owner.role, grants={"contacts_contact": {**people.owner.role.grants["contacts_contact"], "change": "own"}}, actor=None)
    theirs = create_contact({"first_name": "Ben", "last_name": "Tall"}, actor=people.teammate)
    answer = client.post("/capture/", typed(client, "note: Ben Tall asked #hot"))
    assert (answer.status_code, "You may not change Ben Tall" in answer.content.decode()) == (422, True)
    assert written() == (0, 0, 0)
    assert not theirs.tags.exists()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"s0-text": ""}, "required"),
        ({"s0-kind": "task", "s0-text": "x" * 201}, "200 characters"),
        ({"s0-kind": "meeting", "s0-day": "", "s0-at": ""}, "A meeting has a day and a time"),
        ({"s0-kind": "call", "s0-day": "2199-01-01"}, "still to come"),
        ({"s0-kind": "task", "s0-at": "10:00", "s0-day": ""}, "Choose the day"),
        ({"s0-kind": "task", "s0-repeat": "weekly", "s0-day": ""}, "Choose the day of the first task"),
        ({"s0-repeat": "hourly"}, "valid choice"),
        ({"s0-day": "tomorrow"}, "valid date"),
        ({"s0-minutes": "-5"}, "greater than or equal"),
        ({"s0-kind": "letter"}, "valid choice"),
        ({"s0-about": ""}, "Say whom this is about"),
        ({"s0-about": "contacts-99999999999999999999"}, "not there, or not for you"),
        ({"s0-about": "users-1"}, "not there, or not for you"),
        ({"s0-about": "new:"}, "no name"),
        ({"s0-text": "a\x00b"}, "ull character"),
        ({"tags": "x" * 41}, "at most 40"),
        ({"steps": "99"}, "at most 10|less than or equal"),
        ({"idempotency_key": "nonsense"}, "UUID"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(client: Client, ann: Contact, changes: dict[str, str], text: str) -> None:
    form = typed(client, "note: Ann Lee likes tea") | changes
    answer = client.post("/capture/", form)
    assert answer.status_code == 422
    assert re.search(text, answer.content.decode()), text
    assert written() == (0, 0, 0)
    assert Contact.objects.count() == 1


def test_one_bad_step_and_nothing_is_written(client: Client, ann: Contact) -> None:
    form = typed(client, "called Ann Lee, call again tomorrow") | {"s1-kind": "meeting", "s1-at": ""}
    assert client.post("/capture/", form).status_code == 422
    assert written() == (0, 0, 0)


def test_a_signature_becomes_a_contact_with_its_company(client: Client, people: Any) -> None:
    form = typed(client, SIGNATURES["english"][0])
    assert (form["card-last_name"], form["card-company"], form["card-mobile"]) == ("Lee", "Acme Ltd.", "+44 7700 900123")
    answer = client.post("/capture/", form)
    ann = Contact.objects.get()
    assert answer["Location"] == f"/contacts/{ann.pk}/"
    assert (str(ann), ann.job_title, str(ann.company), ann.email, ann.phone) == (
        "Ann Lee",
        "Head of Purchasing",
        "Acme Ltd.",
        "ann.lee@acme.example",
        "+442079460958",
    )
    assert [(row.number, row.kind) for row in ann.phones.all()] == [("+442079460958", "work"), ("+447700900123", "mobile")]
    assert Company.objects.get().domain == "acme.example"
    # The same signature again: one is told who has the address, and the company is the one that is there.
    page = client.post("/capture/", {"text": SIGNATURES["english"][0], "show": "1"}).content.decode()
    assert f'href="/contacts/{ann.pk}/"' in page
    client.post("/capture/", Fields(page).values | {"card-email": "other@acme.example"})
    assert (Contact.objects.count(), Company.objects.count()) == (2, 1)


def test_a_signature_with_errors_keeps_what_was_typed(client: Client) -> None:
    form = typed(client, SIGNATURES["english"][0]) | {"card-email": "no address", "card-first_name": "Anna"}
    answer = client.post("/capture/", form)
    assert answer.status_code == 422
    assert Fields(answer.content.decode()).values["card-first_name"] == "Anna"
    assert not Contact.objects.exists()


def test_who_may_not_write_has_no_box(people: Any) -> None:
    viewer = signed_in(people.viewer)
    assert viewer.get("/capture/").status_code == 403
    assert viewer.post("/capture/", {"text": "call Ann"}).status_code == 403
    assert b"data-capture" not in viewer.get("/").content
    assert b"data-capture" in signed_in(people.owner).get("/").content


def test_today_understands_a_line(client: Client, ann: Contact) -> None:
    """The bar on Today is the same language."""
    client.post("/", {"title": "tomorrow 15:00 call Ann Lee !high", "due_on": timezone.localdate().isoformat()})
    task = Task.objects.get()
    assert (task.title, task.kind, task.priority, task.due_on, task.due_time, task.contact) == (
        "Call Ann Lee",
        "call",
        3,
        timezone.localdate() + timedelta(days=1),
        time(15),
        ann,
    )
