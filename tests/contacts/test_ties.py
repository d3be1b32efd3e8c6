"""Roles at several companies and relationships: who sees and changes them, on both sides, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from contacts.models import Employment, Relationship, RelationshipType
from contacts.selectors import roles_at, ties_of
from contacts.services import (
    add_employment,
    add_relationship,
    change_employment,
    create_relationship_type,
    delete_companies,
    leave_company,
    make_primary,
    remove_relationship,
)
from crm.core.settings_services import delete_setting
from crm.core.writes import StaleRecord
from tests.contacts.factories import make_company, make_contact
from tests.factories import Cast, cast, make_role, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


def kind(name: str = "reports to") -> RelationshipType:
    return RelationshipType.objects.get(name=name)


def test_roles_stand_on_both_pages(people: Cast) -> None:
    main, board, old = (make_company(people.owner, name=name) for name in ("Alpenwerk", "Boardwell", "Oldham"))
    contact = make_contact(people.owner, last_name="Berger", company=main, job_title="Engineer")
    client = signed_in(people.owner)
    url = f"/contacts/{contact.pk}/roles/new/"
    assert client.post(url, {"company": board.pk, "role": "Adviser", "started_on": "2024-05-01"}).status_code == 302
    assert client.post(url, {"company": old.pk, "role": "Intern", "ended_on": "2019-12-31"}).status_code == 302
    page = client.get(contact.get_absolute_url()).content.decode()
    for text in ("main company", "Adviser, ", "Intern, ", "since", "until"):
        assert text in page, text
    assert "Adviser, main company is another one" in client.get(board.get_absolute_url()).content.decode()
    earlier = client.get(old.get_absolute_url()).content.decode()
    assert "1 earlier" in earlier
    assert "Berger" in earlier
    assert "1 earlier" not in client.get(main.get_absolute_url()).content.decode()
    assert [(tie.words, tie.past) for tie in ties_of(people.owner, contact).roles] == [("Adviser", False), ("Intern", True)]


def test_a_role_is_changed_ended_made_the_main_one_and_removed(people: Cast) -> None:
    main, board = make_company(people.owner, name="Alpenwerk"), make_company(people.owner, name="Boardwell")
    contact = make_contact(people.owner, company=main, job_title="Engineer")
    row = add_employment(contact, {"company": board, "role": "Adviser"}, actor=people.owner)
    client, base = signed_in(people.owner), f"/contacts/{contact.pk}/roles/{row.pk}"
    assert 'value="Adviser"' in client.get(f"{base}/edit/").content.decode()
    typed = {"company": board.pk, "role": "Chair", "version": 1}
    assert client.post(f"{base}/edit/", typed).status_code == 302
    assert client.post(f"{base}/edit/", {**typed, "role": "Late"}).status_code == 409
    assert client.post(f"{base}/edit/", {"company": board.pk, "role": "None"}).status_code == 422
    contact.refresh_from_db()
    assert client.post(f"{base}/primary/", {"version": contact.version + 1}).status_code == 409
    assert client.post(f"{base}/primary/", {"version": contact.version}).status_code == 302
    contact.refresh_from_db()
    assert (contact.company, contact.job_title) == (board, "Chair")
    other = Employment.objects.get()
    assert (other.company, other.role, other.past) == (main, "Engineer", False)
    base = f"/contacts/{contact.pk}/roles/{other.pk}"
    assert client.get(f"{base}/end/").status_code == 405
    assert client.post(f"{base}/end/").status_code == 302
    other.refresh_from_db()
    assert (other.past, other.ended_on) == (True, timezone.localdate())
    with pytest.raises(ValidationError, match="has ended"):
        make_primary(other, actor=people.owner)
    assert client.get(f"{base}/delete/").status_code == 200
    assert client.post(f"{base}/delete/").status_code == 302
    assert not Employment.objects.exists()


def test_who_leaves_keeps_the_company_among_the_past_ones(people: Cast) -> None:
    main = make_company(people.owner, name="Alpenwerk")
    contact = make_contact(people.owner, company=main, job_title="Engineer")
    with pytest.raises(StaleRecord):
        leave_company(contact, actor=people.owner, ended_on=None, version=contact.version + 1)
    assert not Employment.objects.exists()
    client = signed_in(people.owner)
    assert client.post(f"/contacts/{contact.pk}/left/", {"ended_on": "2026-01-31"}).status_code == 422
    response = client.post(f"/contacts/{contact.pk}/left/", {"ended_on": "2026-01-31", "version": contact.version})
    assert response.status_code == 302
    contact.refresh_from_db()
    assert (contact.company, contact.job_title) == (None, "")
    row = Employment.objects.get()
    assert (row.company, row.role, row.past, row.ended_on) == (main, "Engineer", True, date(2026, 1, 31))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({}, "required"),
        ({"company": "abc"}, "required"),
        ({"company": str(2**70)}, "not there"),
        ({"company": "main"}, "main company already"),
        ({"company": "board", "started_on": "2024-02-02", "ended_on": "2024-02-01"}, "before the start"),
        ({"company": "board", "started_on": "2024-02-31"}, "valid date"),
        ({"company": "board", "started_on": "0001-01-01"}, "between 1900"),
        ({"company": "board", "role": "x" * 121}, "120"),
        ({"company": "board", "role": "a\x00b"}, "invisible|Null"),
        ({"company": "board", "role": "Adviser"}, "noted already"),
        ({"company": "theirs"}, "not there"),
        ({"company": "board", "surprise": "1"}, "no field"),
    ],
)
def test_bad_roles_change_nothing(people: Cast, typed: dict[str, Any], text: str) -> None:
    import re

    companies = {"main": make_company(people.owner), "board": make_company(people.owner), "theirs": make_company(people.stranger)}
    contact = make_contact(people.owner, company=companies["main"])
    add_employment(contact, {"company": companies["board"], "role": "Adviser"}, actor=people.owner)
    if typed.get("company") in companies:
        typed = {**typed, "company": companies[typed["company"]].pk}
    response = signed_in(people.owner).post(f"/contacts/{contact.pk}/roles/new/", typed)
    assert response.status_code == 422
    assert re.search(text, response.content.decode())
    assert Employment.objects.count() == 1


def test_a_role_ends_by_its_day(people: Cast) -> None:
    contact, company = make_contact(people.owner), make_company(people.owner)
    row = add_employment(contact, {"company": company, "ended_on": timezone.localdate() + timedelta(days=1)}, actor=people.owner)
    assert not row.past
    Employment.objects.update(ended_on=timezone.localdate() - timedelta(days=1))
    assert ties_of(people.owner, contact).roles[0].past
    assert roles_at(people.owner, company)[0].past
    assert change_employment(row, {"role": "Late"}, actor=people.owner).past


def test_other_peoples_companies_and_people_stay_hidden(people: Cast) -> None:
    contact, theirs = make_contact(people.owner), make_company(people.stranger, name="Secretworks")
    hidden = make_contact(people.stranger, last_name="Hiddenfellow")
    row = add_employment(contact, {"company": theirs}, actor=None)
    tie = add_relationship(contact, hidden, kind(), actor=None)
    client = signed_in(people.owner)
    page = client.get(contact.get_absolute_url()).content.decode()
    assert "Secretworks" not in page
    assert "Hiddenfellow" not in page
    addresses = [f"/contacts/{contact.pk}/roles/{row.pk}/{step}/" for step in ("edit", "end", "primary", "delete")]
    addresses += [f"/contacts/{contact.pk}/relationships/{tie.pk}/delete/", f"/contacts/{contact.pk}/roles/{2**63}/edit/"]
    for url in addresses:
        assert client.post(url).status_code == 404, url
    assert str(contact) not in signed_in(people.stranger).get(theirs.get_absolute_url()).content.decode()
    assert (Employment.objects.count(), Relationship.objects.count()) == (1, 1)
    mine = make_company(people.owner)
    add_employment(contact, {"company": mine}, actor=people.owner)
    delete_companies([mine.pk], actor=people.owner)
    assert ties_of(people.owner, contact).roles == []


def test_who_sees_no_companies_sees_relationships_alone(people: Cast) -> None:
    contact, other = make_contact(people.owner), make_contact(people.owner)
    add_employment(contact, {"company": make_company(people.owner)}, actor=people.owner)
    add_relationship(contact, other, kind(), actor=people.owner)
    role = make_role(grants={"contacts_contact": {"view": "all"}, "contacts_company": {"view": "none"}})
    ties = ties_of(make_user(role=role), contact)
    assert (ties.roles, [tie.target for tie in ties.relationships]) == ([], [other])


def test_relationships_read_from_both_sides(people: Cast) -> None:
    anna, bert = make_contact(people.owner, last_name="Anna"), make_contact(people.owner, last_name="Bert")
    client = signed_in(people.owner)
    url = f"/contacts/{anna.pk}/relationships/new/"
    assert client.post(url, {"kind": str(kind().pk), "other": bert.pk}).status_code == 302
    assert "reports to" in client.get(anna.get_absolute_url()).content.decode()
    assert "is the manager of" in client.get(bert.get_absolute_url()).content.decode()
    for typed, text in (
        ({"kind": str(kind().pk), "other": bert.pk}, "noted already"),
        ({"kind": str(kind().pk), "other": anna.pk}, "another person"),
        ({"kind": "99999999", "other": bert.pk}, "valid choice"),
        ({"kind": str(kind().pk)}, "required"),
    ):
        response = client.post(url, typed)
        assert response.status_code == 422
        assert text in response.content.decode()
    backwards = client.post(f"/contacts/{bert.pk}/relationships/new/", {"kind": f"{kind().pk}i", "other": anna.pk})
    assert (backwards.status_code, Relationship.objects.count()) == (422, 1)
    row = Relationship.objects.get()
    with pytest.raises(ValidationError):
        remove_relationship(row, of=make_contact(people.owner), actor=people.owner)
    assert client.post(f"/contacts/{bert.pk}/relationships/{row.pk}/delete/").status_code == 302
    assert not Relationship.objects.exists()


def test_what_goes_both_ways_is_noted_once(people: Cast) -> None:
    anna, bert = make_contact(people.owner), make_contact(people.owner)
    sibling = create_relationship_type({"name": "Sibling of", "inverse": "sibling of", "active": True}, actor=people.admin)
    add_relationship(bert, anna, sibling, actor=people.owner)
    for first, second in ((anna, bert), (bert, anna)):
        with pytest.raises(ValidationError, match="noted already"):
            add_relationship(first, second, sibling, actor=people.owner)
    with pytest.raises(ValidationError):
        delete_setting(sibling, actor=people.admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        Relationship.objects.create(contact=anna, other=anna, type=sibling)


def test_admins_word_the_kinds(people: Cast) -> None:
    client = signed_in(people.admin)
    assert "is the manager of" in client.get("/settings/relationships/").content.decode()
    assert client.post("/settings/relationships/new/", {"name": "Reports TO", "inverse": "x", "active": "on"}).status_code == 422
    assert client.post("/settings/relationships/new/", {"name": "mentors", "inverse": "is mentored by", "active": "on"}).status_code == 302
    contact = make_contact(people.owner)
    assert "is mentored by" in signed_in(people.owner).get(f"/contacts/{contact.pk}/relationships/new/").content.decode()


@pytest.mark.parametrize("who", ["viewer", "agent", "stranger"])
def test_who_may_not_change_a_person_changes_no_ties(people: Cast, who: str) -> None:
    contact, other, company = make_contact(people.owner), make_contact(people.owner), make_company(people.owner)
    row = add_employment(contact, {"company": company}, actor=people.owner)
    tie = add_relationship(contact, other, kind(), actor=people.owner)
    client = signed_in(getattr(people, who))
    base = f"/contacts/{contact.pk}"
    for url in (
        "left",
        "roles/new",
        f"roles/{row.pk}/edit",
        f"roles/{row.pk}/end",
        f"roles/{row.pk}/primary",
        f"roles/{row.pk}/delete",
        "relationships/new",
        f"relationships/{tie.pk}/delete",
    ):
        assert client.post(f"{base}/{url}/", {"company": company.pk}).status_code == (404 if who == "stranger" else 403), url
    answer = client.post(f"/companies/{company.pk}/people/new/", {"contact": other.pk})
    assert answer.status_code == (404 if who == "stranger" else 422)
    assert (Employment.objects.count(), Relationship.objects.count()) == (1, 1)


def test_a_person_is_added_from_the_companys_side(people: Cast) -> None:
    contact, company = make_contact(people.owner, last_name="Berger"), make_company(people.owner)
    client, url = signed_in(people.owner), f"/companies/{company.pk}/people/new/"
    assert url in client.get(company.get_absolute_url()).content.decode()
    assert client.post(url, {"contact": contact.pk, "role": "Founder", "past": "on"}).status_code == 302
    row = Employment.objects.get()
    assert (row.contact, row.company, row.role, row.past) == (contact, company, "Founder", True)


def test_the_head_tells_the_time_there_and_who_made_the_record(people: Cast) -> None:
    contact = make_contact(people.teammate, last_name="Berger", time_zone="Pacific/Auckland")
    page = signed_in(people.owner).get(contact.get_absolute_url()).content.decode()
    head = page[page.index('class="rec-head"') : page.index('class="rec-acts"')]
    assert " in Auckland" in head
    assert "by Tom Teammate" in page
    plain = make_contact(people.owner)
    page = signed_in(people.owner).get(plain.get_absolute_url()).content.decode()
    assert "i-clock" not in page[page.index('class="rec-head"') : page.index('class="rec-acts"')]
