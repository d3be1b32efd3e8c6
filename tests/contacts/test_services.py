"""Writing companies and people: normalised values, addresses in step, links only to what one may see."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Company, Contact, ContactEmail, ContactPhone
from contacts.services import create_contacts, record_consent, update_company, update_contact
from crm.core.models import OutboxEvent, Tag
from crm.core.writes import RowErrors, StaleRecord
from tests.contacts.factories import make_company, make_contact
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


def errors_of(call: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        call()
    return caught.value.message_dict


def emails(contact: Contact) -> list[tuple[str, str, bool]]:
    return list(ContactEmail.objects.filter(contact=contact).values_list("address", "key", "primary"))


def phones(contact: Contact) -> list[tuple[str, str, bool]]:
    return list(ContactPhone.objects.filter(contact=contact).values_list("number", "key", "primary"))


def test_company_is_normalised_owned_and_told(people: Cast) -> None:
    company = make_company(
        people.owner,
        name="  Alpenwerk GmbH ",
        domain="https://www.Alpenwerk.example/about?x=1",
        country="at",
        phone="0662 12345",
        email=" info@alpenwerk.example ",
    )
    company.refresh_from_db()
    assert (company.name, company.domain, company.country, company.phone, company.email) == (
        "Alpenwerk GmbH",
        "alpenwerk.example",
        "AT",
        "+4366212345",
        "info@alpenwerk.example",
    )
    assert (company.owner, company.team, company.created_by) == (people.owner, people.team, people.owner)
    assert " alpenwerk" in company.search_text and "4366212345" in company.search_text
    assert OutboxEvent.objects.filter(name="contacts.company.created", subject_ids=[company.pk]).count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"domain": "no domain"}, "domain"),
        ({"domain": "http://192.168.1.1/"}, "domain"),
        ({"domain": "http://[::1"}, "domain"),
        ({"domain": "x" * 10_000}, "domain"),
        ({"country": "Germany"}, "country"),
        ({"country": "ZZ"}, "country"),
        ({"phone": "abc"}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"phone": "9" * 10_000}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@" + "b" * 300 + ".example"}, "email"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"employees": -1}, "employees"),
    ],
)
def test_bad_company_values_are_told_at_their_field(people: Cast, values: dict[str, Any], field: str) -> None:
    assert list(errors_of(lambda: make_company(people.owner, **values))) == [field]
    assert not Company.objects.exists() and not OutboxEvent.objects.filter(name__startswith="contacts").exists()


def test_a_company_never_stands_above_itself(people: Cast) -> None:
    top = make_company(people.owner)
    middle = make_company(people.owner, parent=top)
    bottom = make_company(people.owner, parent=middle)
    for parent in (top, middle, bottom):
        assert "parent" in errors_of(lambda parent=parent: update_company(top, {"parent": parent}, actor=people.owner))
    update_company(bottom, {"parent": top}, actor=people.owner)


def test_links_only_to_visible_records(people: Cast) -> None:
    foreign = make_company(people.stranger)
    mine = make_contact(people.owner)
    assert "company" in errors_of(lambda: make_contact(people.owner, company=foreign))
    assert "company" in errors_of(lambda: update_contact(mine, {"company": foreign}, actor=people.owner))
    assert "parent" in errors_of(lambda: make_company(people.owner, parent=foreign))
    linked = update_contact(mine, {"company": foreign}, actor=None)
    # The link that is there already is no reason to refuse another change.
    assert update_contact(linked, {"company": foreign, "city": "Graz"}, actor=people.owner).city == "Graz"


def test_contact_keeps_all_addresses_and_the_primary_on_the_row(people: Cast) -> None:
    contact = make_contact(
        people.owner,
        first_name="Johanna",
        last_name="Berger",
        country="AT",
        emails=[
            {"address": "jb@Alpenwerk.example", "kind": "work"},
            {"address": "hanna@mail.example", "kind": "private", "primary": True},
            {"address": "JB@alpenwerk.example"},
            {"address": ""},
        ],
        phones=[{"number": "0662 12345"}, {"number": "+43 664 98765", "kind": "mobile"}],
    )
    assert emails(contact) == [("hanna@mail.example", "hanna@mail.example", True), ("jb@Alpenwerk.example", "jb@alpenwerk.example", False)]
    assert phones(contact) == [("+4366212345", "4366212345", True), ("+4366498765", "4366498765", False)]
    contact.refresh_from_db()
    assert (contact.email, contact.phone) == ("hanna@mail.example", "+4366212345")
    assert "jb@alpenwerk.example" in contact.search_text and "4366498765" in contact.search_text


def test_changing_the_single_email_changes_the_primary_row(people: Cast) -> None:
    contact = make_contact(people.owner, emails=[{"address": "a@x.example"}, {"address": "b@x.example", "kind": "private"}])
    contact = update_contact(contact, {"email": "c@x.example"}, actor=people.owner)
    assert emails(contact) == [("c@x.example", "c@x.example", True), ("b@x.example", "b@x.example", False)]
    contact = update_contact(contact, {"email": "B@x.example"}, actor=people.owner)
    assert [row[::2] for row in emails(contact)] == [("B@x.example", True), ("c@x.example", False)] and contact.email == "B@x.example"
    contact = update_contact(contact, {"email": ""}, actor=people.owner)
    assert emails(contact) == [("c@x.example", "c@x.example", True)] and contact.email == "c@x.example"
    contact = update_contact(contact, {"emails": [], "last_name": "Only"}, actor=people.owner)
    assert emails(contact) == [] and contact.email == "" and "c@x.example" not in contact.search_text


def test_swapping_the_primary_address(people: Cast) -> None:
    contact = make_contact(people.owner, emails=[{"address": "a@x.example"}, {"address": "b@x.example"}])
    contact = update_contact(contact, {"emails": [{"address": "a@x.example"}, {"address": "b@x.example", "primary": True}]}, actor=people.owner)
    assert contact.email == "b@x.example" and emails(contact)[0] == ("b@x.example", "b@x.example", True)


def test_bad_contact_values(people: Cast) -> None:
    assert list(errors_of(lambda: make_contact(people.owner, first_name=" ", last_name=""))) == ["last_name"]
    found = errors_of(lambda: make_contact(people.owner, email="x", phone="y", time_zone="Mars/Base", language="xx", country="QQ"))
    assert set(found) == {"email", "phone", "time_zone", "language", "country"}
    assert list(errors_of(lambda: make_contact(people.owner, emails=[{"address": "a@x.example", "kind": "evil"}]))) == ["email"]
    many = [{"address": f"a{number}@x.example"} for number in range(21)]
    assert list(errors_of(lambda: make_contact(people.owner, emails=many))) == ["email"]
    assert not Contact.objects.exists()


def test_many_contacts_cost_as_many_statements_as_a_few(people: Cast) -> None:
    company = make_company(people.owner)

    def cost(count: int) -> int:
        rows = [{"first_name": f"N{number}", "email": f"n{number}@x.example", "phone": f"+4366212{number:04}", "company": company} for number in range(count)]
        with CaptureQueriesContext(connection) as queries:
            assert len(create_contacts(rows, actor=people.owner)) == count
        return len(queries)

    assert cost(50) == cost(2)
    assert cost(300) == cost(200), "by COPY, which asks for the ids first"
    assert ContactEmail.objects.count() == 552 and OutboxEvent.objects.filter(name="contacts.contact.created").count() == 4


def test_one_bad_row_of_many_writes_nothing(people: Cast) -> None:
    with pytest.raises(RowErrors) as caught:
        create_contacts([{"first_name": "A"}, {"first_name": "B", "email": "x"}, {"first_name": "C", "phone": "y"}], actor=people.owner)
    assert [index for index, _errors in caught.value.errors] == [1, 2]
    assert not Contact.objects.exists()


def test_stale_version_changes_nothing(people: Cast) -> None:
    contact = make_contact(people.owner, emails=[{"address": "a@x.example"}])
    update_contact(contact, {"city": "Graz"}, actor=people.owner, version=1)
    with pytest.raises(StaleRecord):
        update_contact(contact, {"city": "Wien", "emails": [{"address": "b@x.example"}]}, actor=people.teammate, version=1)
    assert [row[0] for row in emails(contact)] == ["a@x.example"]


def test_tags_by_name(people: Cast) -> None:
    contact = make_contact(people.owner, first_name="A", tags=["Fair 2026", "fair 2026", "VIP"])
    assert set(contact.tags.values_list("name", flat=True)) == {"VIP", Tag.objects.get(key="fair 2026").name}


def test_bulk_change_keeps_the_other_addresses_findable(people: Cast) -> None:
    from crm.core.writes import change_records

    contact = make_contact(people.owner, emails=[{"address": "a@x.example"}, {"address": "second@x.example"}])
    change_records(Contact, [contact.pk], {"owner": people.teammate}, actor=people.manager)
    contact.refresh_from_db()
    assert contact.owner == people.teammate and "second@x.example" in contact.search_text


def test_consent_is_an_append_only_log(people: Cast) -> None:
    contact = make_contact(people.owner)
    first = record_consent(contact, "newsletter", True, "Trade fair", actor=people.owner)
    assert record_consent(contact, "newsletter", True, "again", actor=people.owner).pk == first.pk
    second = record_consent(contact, "newsletter", False, "Mail", actor=people.owner)
    assert contact.consents.count() == 2 and second.by == people.owner
    assert OutboxEvent.objects.filter(name="contacts.consent_recorded").count() == 2
    with pytest.raises(ValidationError):
        record_consent(contact, "newsletter", True, "x", actor=people.stranger)
    assert "channel" in errors_of(lambda: record_consent(contact, "fax", True, "x", actor=people.owner))
