"""What stands on a timeline, for whom, and in how many queries."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from activities import selectors, services
from activities.models import Activity
from activities.panels import timeline_context
from activities.selectors import Wanted
from activities.selectors.timeline import mark, place
from activities.selectors.wording import word
from contacts.services import create_company, update_contact
from crm.core.lists import row_context
from crm.core.text import ask
from deals.services import create_deal, delete_deals, update_deal
from leads.models import LeadStatus
from leads.services import create_lead, set_status
from tests.activities.conftest import Business
from tests.factories import Cast


def texts(user: Any, record: Any, **options: Any) -> list[str]:
    """The lines as plain text, newest first."""
    page = selectors.timeline(user, record, **options)
    ctx = row_context(user)
    shown = [word(line, ctx, page.subject_of(line)) for line in page.lines]
    return [f"{each.who} {each.what}" for each in shown]


def test_records_tell_what_happened_to_them(people: Cast, business: Business) -> None:
    update_deal(business.deal, {"amount": "64000", "close_date": timezone.localdate()}, actor=people.owner)
    update_deal(business.deal, {"name": "Retrofit"}, actor=people.teammate)
    found = texts(people.owner, business.deal)
    assert found[0].startswith("Tom Teammate changed")
    assert "Spindle retrofit → Retrofit" in found[0]
    assert found[1] == "Olivia Owner changed the deal"
    assert found[-1] == "Olivia Owner created the deal"


def test_a_deals_lines_stand_on_its_contact_and_company(people: Cast, business: Business) -> None:
    services.add_note(business.deal, body="Discount agreed", actor=people.owner)
    for record in (business.deal, business.contact, business.company):
        line = selectors.timeline(people.owner, record).lines[0]
        assert (line.body, line.subject_type, line.company_id, line.contact_id) == ("Discount agreed", "deal", business.company.pk, business.contact.pk)
        record.refresh_from_db()
        assert record.last_activity_at == line.at
        assert record.version == 1


def test_values_are_worded_in_the_readers_language(people: Cast, business: Business) -> None:
    update_contact(business.contact, {"lifecycle": "customer"}, actor=people.owner)
    with translation.override("en"):
        assert "Prospect → Customer" in texts(people.owner, business.contact)[0]


def test_the_names_of_linked_records_are_not_told(people: Cast, business: Business) -> None:
    secret = create_company({"name": "Canary Holdings"}, actor=people.stranger)
    update_contact(business.contact, {"company": secret}, actor=None)
    assert "Canary" not in " ".join(texts(people.owner, business.contact))


@pytest.fixture
def mixed(people: Cast, business: Business) -> Business:
    """On the company: every second line is about a deal of the other team."""
    hidden = create_deal({"name": "Hidden", "company": business.company}, actor=None)
    type(hidden).objects.filter(pk=hidden.pk).update(owner=people.stranger, team=people.other_team)
    at = timezone.now() - timedelta(days=3)
    rows = []
    for number in range(120):
        subject = {"deal": hidden} if number % 2 else {"company": business.company}
        rows.append({"kind": "note", "verb": "added", "body": f"note {number}", "actor": people.owner, "at": at + timedelta(minutes=number), **subject})
    services.write_lines(rows)
    return business


def test_half_of_it_hidden_is_still_a_full_page(people: Cast, mixed: Business) -> None:
    page = selectors.timeline(people.owner, mixed.company, wanted=Wanted("note"), size=20)
    assert [line.body for line in page.lines] == [f"note {number}" for number in range(118, 78, -2)]
    seen = list(page.lines)
    while page.older:
        page = selectors.timeline(people.owner, mixed.company, before=page.older, wanted=Wanted("note"), size=20)
        seen += page.lines
    assert [line.body for line in seen] == [f"note {number}" for number in range(118, -1, -2)]
    assert len(selectors.timeline(people.admin, mixed.company, wanted=Wanted("note"), size=200).lines) == 120


def test_a_page_of_the_timeline_takes_two_queries_at_most(people: Cast, mixed: Business) -> None:
    with CaptureQueriesContext(connection) as queries:
        selectors.timeline(people.owner, mixed.company)
    assert len(queries) <= 2


def test_what_is_planned_is_read_at_once_and_whole(people: Cast, business: Business) -> None:
    now, today = timezone.now(), timezone.localdate()
    late = services.create_task({"title": "Late", "deal": business.deal, "due_on": today - timedelta(days=2), "kind": "call"}, actor=people.owner)
    some_day = services.create_task({"title": "Some day", "deal": business.deal}, actor=people.owner)
    start = now + timedelta(days=1)
    visit = services.create_meeting({"title": "Visit", "deal": business.deal, "starts_at": start, "ends_at": start}, actor=people.owner)
    services.complete_task(services.create_task({"title": "Over", "deal": business.deal}, actor=people.owner), actor=people.owner)
    with CaptureQueriesContext(connection) as queries:
        tasks, meetings = selectors.upcoming(people.owner, business.deal)
        assert [(row.pk, row.title, row.kind, row.due_on, row.is_late(now)) for row in tasks] == [
            (late.pk, "Late", "call", late.due_on, True),
            (some_day.pk, "Some day", "todo", None, False),
        ]
        assert [(row.pk, row.title, row.starts_at, row.owner.name) for row in meetings] == [(visit.pk, "Visit", start, people.owner.name)]
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        context = timeline_context(_request(people.owner), business.deal)
    assert len(queries) == 2
    assert [context["upcoming"].index(word) for word in ("Late", "Visit", "Some day")] == sorted(
        context["upcoming"].index(word) for word in ("Late", "Visit", "Some day")
    )
    assert "Visit" not in timeline_context(_request(people.owner, kind="task"), business.deal)["upcoming"]
    assert "Late" not in timeline_context(_request(people.owner, kind="meeting"), business.deal)["upcoming"]
    assert selectors.upcoming(people.stranger, business.deal) == ([], [])


def test_lines_are_filtered_by_who_wrote_them_when_and_what_they_say(people: Cast, business: Business) -> None:
    noon = timezone.now() - timedelta(days=10)
    said = [
        (people.owner, "note", {"body": "Café prices agreed"}, 0),
        (people.teammate, "call", {"body": "Prices again", "data": {"outcome": "busy"}}, 1),
        (people.stranger, "meeting", {"verb": "held", "data": {"title": "Price talks"}}, 2),
        (people.stranger, "email", {"verb": "sent", "data": {"subject": "Offer 100%"}}, 3),
    ]
    for actor, kind, row, days in said:
        services.write_line(kind=kind, lead=business.lead, actor=actor, at=noon + timedelta(days=days), **{"verb": "added", **row})
    found = {
        Wanted(person_id=people.teammate.pk): ["call"],
        Wanted(team_id=people.other_team.pk): ["email", "meeting"],
        Wanted(team_id=people.other_team.pk, kind="meeting"): ["meeting"],
        Wanted(since=noon + timedelta(days=1), until=noon + timedelta(days=3)): ["meeting", "call"],
        Wanted(question=ask("CAFE agreed")): ["note"],
        Wanted(question=ask("prices")): ["call", "note"],
        Wanted(question=ask("talks")): ["meeting"],
        Wanted(question=ask("offer 100%")): ["email"],
        Wanted(question=ask("prices"), person_id=people.owner.pk): ["note"],
        Wanted(question=ask("nothing like it")): [],
    }
    for wanted, kinds in found.items():
        assert [line.kind for line in selectors.timeline(people.owner, business.lead, wanted=wanted).lines if line.kind != "change"] == kinds, wanted


def test_a_filter_stops_looking_and_goes_on_from_there(people: Cast, mixed: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    """However rare what is looked for: each page goes through LOOK lines and no more, in three queries."""
    monkeypatch.setattr(sys.modules[mark.__module__], "LOOK", 25)
    wanted, before, pages, seen = Wanted(question=ask("note 2")), "", 0, list[str]()
    while pages < 10:
        with CaptureQueriesContext(connection) as queries:
            page = selectors.timeline(people.owner, mixed.company, before=before, wanted=wanted)
        assert len(queries) <= 3
        seen, before, pages = [*seen, *(line.body for line in page.lines)], page.older, pages + 1
        if not before:
            break
    assert seen == [f"note {number}" for number in range(118, -1, -2) if str(number).startswith("2")]
    assert pages == 5  # 121 lines and more, 25 at a time


def test_ten_thousand_lines_half_of_them_hidden_are_a_page_of_work(people: Cast, mixed: Business) -> None:
    hidden, at = Activity.objects.filter(subject_type="deal", company=mixed.company, body="note 1").get().deal, timezone.now() - timedelta(days=30)
    rows = [
        {"kind": "note", "verb": "added", "actor": people.owner, "at": at - timedelta(minutes=n), "body": "needle" if n in (9_000, 9_001) else ""}
        for n in range(10_000)
    ]
    services.write_lines([{**row, **({"deal": hidden} if number % 2 else {"company": mixed.company})} for number, row in enumerate(rows)])
    middle = mark(Activity.objects.filter(company=mixed.company, subject_type="company").order_by("-at", "-pk")[4000])
    colleague = {"person": str(people.owner.pk), "team": str(people.team.pk), "kind": "note", "since": "2020-01-01"}
    for params, text, most in (
        ({}, "note 118", 4),
        ({"before": middle}, "", 3),
        ({"q": "needle"}, "needle", 4),
        ({"kind": "call"}, "", 2),
        (colleague, "note 118", 6),
    ):
        with CaptureQueriesContext(connection) as queries:
            context = timeline_context(_request(people.owner, **params), mixed.company)
        assert text in str(context["groups"]), params
        assert len(queries) <= most, (params, [each["sql"][:80] for each in queries])
    assert [line.body for line in selectors.timeline(people.owner, mixed.company, wanted=Wanted(question=ask("needle"))).lines] == ["needle"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("person=abc", "person"),
        ("person=" + "9" * 40, "person"),
        ("person_text=Nobody", "person"),
        ("team=x", "team"),
        ("team=" + "9" * 40, "team"),
        ("team=%00", "team"),
        ("since=yesterday", "since"),
        ("since=0001-01-01", "since"),
        ("until=9999-12-31", "until"),
        ("since=2026-05-02&until=2026-05-01", "until"),
        ("q=%00", "q"),
        ("q=!!!", "q"),
        ("q=" + "x" * 201, "q"),
        ("kind=zzz", "kind"),
    ],
)
def test_a_wrong_filter_is_said_at_its_field(client: Client, people: Cast, business: Business, query: str, field: str) -> None:
    client.force_login(people.owner)
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get(f"/activities/leads/{business.lead.pk}/timeline/?{query}", headers=headers)
        assert answer.status_code == 422
        assert f'id="timeline_{field}_error"' in answer.content.decode()
    assert client.get(f"{business.lead.get_absolute_url()}?{query}").status_code == 200
    assert client.get(f"/activities/leads/{business.lead.pk}/timeline/filter/?{query}").status_code == 200


def test_the_address_holds_the_filter(client: Client, people: Cast, business: Business) -> None:
    """The form leads to the record's page with what was filled in and nothing else; tabs and older lines keep it."""
    services.write_lines([{"kind": "note", "verb": "added", "body": f"Prices {n}", "lead": business.lead, "actor": people.owner} for n in range(45)])
    client.force_login(people.owner)
    typed = {
        "q": "prices",
        "kind": "note",
        "person": "",
        "person_text": "Olivia",
        "person_was": "",
        "team": "",
        "since": "2020-01-01",
        "until": "",
        "from": "q=l",
    }
    plain = client.get(f"/activities/leads/{business.lead.pk}/timeline/", typed)
    asked = f"?q=prices&kind=note&person={people.owner.pk}&since=2020-01-01"
    assert (plain.status_code, plain["Location"]) == (302, f"{business.lead.get_absolute_url()}{asked}&from=q%3Dl#timeline")
    swapped = client.get(f"/activities/leads/{business.lead.pk}/timeline/", typed, headers={"HX-Request": "true"})
    assert swapped["HX-Push-Url"] == f"{business.lead.get_absolute_url()}{asked}&from=q%3Dl"
    context = timeline_context(_request(people.owner, **{**typed, "person": str(people.owner.pk), "person_text": "", "from": ""}), business.lead)
    assert context["older_url"].startswith(f"{business.lead.get_absolute_url()}{asked}&before=")
    assert [address for name, _label, address, _fragment, _on in context["tabs"] if name == "call"] == [
        f"{business.lead.get_absolute_url()}{asked.replace('note', 'call')}#timeline"
    ]
    assert [chip.value for chip in context["chips"]] == ["prices", people.owner.name, "1 Jan 2020"]
    assert client.get(context["chips"][0].remove_url).status_code == 200


@pytest.mark.parametrize(
    ("current", "replaced"),
    [
        ("http://testserver{page}?kind=call&from=q%3Dl", "{page}?from=q%3Dl"),
        ("http://testserver{page}?kind=call", "{page}"),
        ("http://testserver/activities/leads/1/note/", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_a_new_entry_takes_the_filter_out_of_the_address(client: Client, people: Cast, business: Business, current: str, replaced: str | None) -> None:
    client.force_login(people.owner)
    page = business.lead.get_absolute_url()
    headers = {"HX-Request": "true", "HX-Current-URL": current.format(page=page)}
    answer = client.post(f"/activities/leads/{business.lead.pk}/note/", {"body": "New"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers.get("HX-Replace-Url") == (replaced.format(page=page) if replaced else None)


def test_everything_hidden_ends(people: Cast, business: Business) -> None:
    hidden = create_deal({"name": "Hidden", "company": business.company}, actor=None)
    type(hidden).objects.filter(pk=hidden.pk).update(owner=people.stranger, team=people.other_team)
    services.write_lines([{"kind": "call", "verb": "called", "deal": hidden, "actor": people.stranger} for _number in range(150)])
    assert selectors.timeline(people.owner, business.company, wanted=Wanted("call")).lines == []


def test_lines_of_deleted_deals_go_with_them(people: Cast, business: Business) -> None:
    services.add_note(business.deal, body="Discount", actor=people.owner)
    delete_deals([business.deal.pk], actor=people.owner)
    assert "Discount" not in [line.body for line in selectors.timeline(people.owner, business.company).lines]


def test_status_and_submission_lines(people: Cast, business: Business) -> None:
    working = LeadStatus.objects.filter(kind="working").first()
    set_status(business.lead, working, actor=people.owner)  # type: ignore[arg-type]
    assert texts(people.owner, business.lead)[0] == f"Olivia Owner set the status to {working.name}"  # type: ignore[union-attr]
    assert sum("status" in text for text in texts(people.owner, business.lead)) == 1


def test_hostile_texts_are_shown_as_texts(people: Cast, business: Business) -> None:
    services.add_note(business.lead, body="<script>alert(1)</script> [x](javascript:alert(1))", actor=people.owner)
    services.log_call(business.lead, outcome="<img src=x onerror=alert(1)>", actor=people.owner)
    services.complete_task(services.create_task({"title": "<b>bold</b>", "lead": business.lead}, actor=people.owner), actor=people.owner, outcome="<script>")
    context = timeline_context(_request(people.owner), business.lead)
    html = " ".join(f"{line.what}{line.body}{line.badge}" for group in context["groups"] for line in group.lines)
    for bad in ("<script", "<img", "<b>bold", 'href="javascript'):
        assert bad not in html


def _request(user: Any, **params: str) -> Any:
    from django.test import RequestFactory

    request = RequestFactory().get("/", params)
    request.user = user
    return request


def test_headings_go_on_under_the_same_month(people: Cast, business: Business) -> None:
    at = timezone.now() - timedelta(days=400)
    services.write_lines(
        [{"kind": "note", "verb": "added", "body": str(number), "lead": business.lead, "actor": people.owner, "at": at} for number in range(45)]
    )
    first = timeline_context(_request(people.owner, kind="note"), business.lead)
    older = first["older_url"].partition("before=")[2].partition("#")[0]
    assert first["groups"][0].title
    rest = timeline_context(_request(people.owner, kind="note", before=older), business.lead, fragment=True)
    assert rest["groups"][0].title == ""
    assert timeline_context(_request(people.owner, kind="note", before=older), business.lead)["groups"][0].title


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "1-2-3", "9" * 40 + "-1", "1e5-2", "-5-3"])
def test_marks_that_are_none(text: str) -> None:
    assert place(text) is None


def test_marks_come_back() -> None:
    line = Activity(pk=7, at=timezone.now())
    assert place(mark(line)) == (line.at, 7)


def test_system_lines_without_an_actor(people: Cast) -> None:
    lead = create_lead({"last_name": "Web"}, actor=None)
    assert texts(people.admin, lead) == ["Rapport created the lead"]
