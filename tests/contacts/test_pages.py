"""The pages of companies and people through the browser's door: forms, bad input, look-alikes, consent."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from contacts import selectors
from contacts.models import Company, Consent, Contact, ContactEmail
from contacts.services import delete_companies
from tests.contacts.factories import make_company, make_contact
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


@pytest.fixture
def client(people: Cast) -> Client:
    client = Client()
    client.force_login(people.owner)
    return client


def test_a_contact_with_several_addresses_from_one_form(people: Cast, client: Client) -> None:
    company = make_company(people.owner, name="Alpenwerk")
    typed = {
        "first_name": "Johanna",
        "last_name": "Berger",
        "company": company.pk,
        "lifecycle": "customer",
        "country": "AT",
        "email": ["jb@alpenwerk.example", "hanna@mail.example", "", ""],
        "email_kind": ["work", "private", "work", "work"],
        "email_primary": "1",
        "phone": ["0662 12345", ""],
        "phone_kind": ["mobile", "work"],
        "tags": "VIP, Fair",
    }
    reply = client.post("/contacts/new/", typed)
    contact = Contact.objects.get()
    assert reply.status_code == 302 and reply["Location"] == contact.get_absolute_url()
    assert (contact.email, contact.phone, contact.company, contact.owner) == ("hanna@mail.example", "+4366212345", company, people.owner)
    assert list(ContactEmail.objects.values_list("address", "kind", "primary")) == [
        ("hanna@mail.example", "private", True),
        ("jb@alpenwerk.example", "work", False),
    ]
    page = client.get(contact.get_absolute_url()).content.decode()
    assert "jb@alpenwerk.example" in page and "Alpenwerk" in page and "Not asked" in page and "VIP" in page


def test_editing_keeps_what_was_not_touched(people: Cast, client: Client) -> None:
    contact = make_contact(
        people.owner,
        first_name="A",
        last_name="B",
        emails=[{"address": "a@x.example", "kind": "private"}],
        phones=[{"number": "+4366212345", "kind": "mobile"}],
    )
    url = f"{contact.get_absolute_url()}edit/"
    page = client.get(url).content.decode()
    assert 'value="a@x.example"' in page and 'value="+43 662 12345"' in page
    typed = {
        "version": 1,
        "first_name": "A",
        "last_name": "C",
        "lifecycle": "prospect",
        "email": ["a@x.example", ""],
        "email_kind": ["private", "work"],
        "email_primary": "0",
    }
    typed |= {"phone": ["+43 662 12345", ""], "phone_kind": ["mobile", "work"], "phone_primary": "0", "owner": people.owner.pk}
    assert client.post(url, typed).status_code == 302
    contact.refresh_from_db()
    assert (contact.last_name, contact.email, contact.phone, contact.version) == ("C", "a@x.example", "+4366212345", 2)
    assert client.post(url, {**typed, "last_name": "D"}).status_code == 409
    same = client.post(url, {**typed, "version": 2})
    assert same.status_code == 302 and Contact.objects.get().version == 2  # nothing differs, nothing is written


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"first_name": ""}, "last_name"),
        ({"email": ["nobody"]}, "email"),
        ({"email": ["a@b.example\x00"]}, "email"),
        ({"email": [f"a{number}@x.example" for number in range(30)]}, "email"),
        ({"email": ["a@b.example"], "email_kind": ["evil"]}, "email"),
        ({"phone": ["12"]}, "phone"),
        ({"phone": ["9" * 10_000]}, "phone"),
        ({"lifecycle": "evil"}, "lifecycle"),
        ({"country": "XX"}, "country"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"language": "xx"}, "language"),
        ({"company": "999999"}, "company"),
        ({"company": "9" * 40}, "company"),
        ({"company_text": "Nobody GmbH"}, "company"),
        ({"owner": "999999"}, "owner"),
        ({"first_name": "x" * 10_000}, "first_name"),
        ({"description": "x" * 10_001}, "description"),
        ({"tags": "x" * 50}, "tags"),
        ({"nonsense": "1"}, "__all__"),
    ],
)
def test_bad_input_is_told_at_the_field_and_kept(client: Client, typed: dict[str, Any], field: str) -> None:
    reply = client.post("/contacts/new/", {"first_name": "Zoé 🦊", "lifecycle": "prospect", **typed})
    assert reply.status_code == 422
    assert list(reply.context["form"].errors) == [field]
    assert ("Zoé 🦊" in reply.content.decode()) or "first_name" in typed
    assert not Contact.objects.exists()


def test_company_form(people: Cast, client: Client) -> None:
    reply = client.post(
        "/companies/new/", {"name": "Alpenwerk", "domain": "https://www.alpenwerk.example/x", "country": "AT", "phone": "0662 12345", "employees": "12"}
    )
    company = Company.objects.get()
    assert reply.status_code == 302 and (company.domain, company.phone) == ("alpenwerk.example", "+4366212345")
    for typed, field in (
        ({"name": ""}, "name"),
        ({"domain": "nothing"}, "domain"),
        ({"employees": "many"}, "employees"),
        ({"employees": "-1"}, "employees"),
        ({"employees": "9" * 20}, "employees"),
        ({"phone": "x"}, "phone"),
    ):
        bad = client.post("/companies/new/", {"name": "Other thing", **typed})
        assert bad.status_code == 422 and list(bad.context["form"].errors) == [field], typed
    loop = client.post(
        f"{company.get_absolute_url()}edit/",
        {"name": "Alpenwerk", "version": 1, "parent": company.pk, "domain": "alpenwerk.example", "country": "AT", "phone": company.phone},
    )
    assert loop.status_code == 422 and list(loop.context["form"].errors) == ["parent"]


def test_look_alikes_are_shown_with_links_and_can_be_overruled(people: Cast, client: Client) -> None:
    known = make_contact(people.teammate, first_name="Johanna", last_name="Berger", email="jb@alpenwerk.example", phone="+4366212345")
    typed = {"first_name": "J", "last_name": "B", "lifecycle": "prospect", "email": "JB@alpenwerk.example"}
    reply = client.post("/contacts/new/", typed)
    assert reply.status_code == 422 and known.get_absolute_url() in reply.content.decode()
    assert client.post("/contacts/new/", {**typed, "save_anyway": "1"}).status_code == 302
    assert Contact.objects.count() == 2


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"email": "HANNA@mail.example"}, True),
        ({"emails": [{"address": "x@x.example"}, {"address": "jb@alpenwerk.example"}]}, True),
        ({"phone": "0043 (662) 12345"}, True),
        ({"phones": [{"number": "0662 12345"}], "country": "AT"}, True),
        ({"first_name": "johanna", "last_name": "BERGER"}, True),
        ({"first_name": "Johana", "last_name": "Berger"}, True),
        ({"first_name": "Johanna"}, False),
        ({"first_name": "Jonas", "last_name": "Bergmann"}, False),
        ({"email": "jb@other.example"}, False),
        ({"email": "nonsense", "phone": "nonsense"}, False),
        ({}, False),
    ],
)
def test_look_alikes_of_people(people: Cast, values: dict[str, Any], found: bool) -> None:
    contact = make_contact(
        people.owner,
        first_name="Johanna",
        last_name="Berger",
        emails=[{"address": "jb@alpenwerk.example"}, {"address": "hanna@mail.example"}],
        phone="+4366212345",
    )
    assert selectors.look_alikes(people.owner, Contact, values) == ([contact] if found else [])
    assert selectors.look_alikes(people.stranger, Contact, values) == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"domain": "http://WWW.alpenwerk.example"}, True),
        ({"email": "Office@alpenwerk.example"}, True),
        ({"phone": "+43 662 12345"}, True),
        ({"name": "Alpenwerk Maschinenbau"}, True),
        ({"name": "Alpenwerk Maschinebau GmbH"}, True),
        ({"name": "Rossi Caffè"}, False),
        ({"name": "Alp"}, False),
    ],
)
def test_look_alikes_of_companies(people: Cast, values: dict[str, Any], found: bool) -> None:
    company = make_company(people.owner, name="Alpenwerk Maschinenbau GmbH", domain="alpenwerk.example", email="office@alpenwerk.example", phone="+4366212345")
    gone = make_company(people.owner, name="Alpenwerk Maschinenbau GmbH")
    delete_companies([gone.pk], actor=people.admin)
    assert selectors.look_alikes(people.teammate, Company, values) == ([company] if found else [])


def test_consent_page(people: Cast, client: Client) -> None:
    contact = make_contact(people.owner)
    url = f"{contact.get_absolute_url()}consent/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"channel": "newsletter", "given": "yes", "source": "Trade fair"}).status_code == 302
    assert Consent.objects.get().by == people.owner
    assert "Given" in client.get(contact.get_absolute_url()).content.decode()
    for typed in (
        {"channel": "fax", "given": "yes", "source": "x"},
        {"channel": "email", "given": "maybe", "source": "x"},
        {"channel": "email", "given": "yes"},
        {"channel": "email", "given": "yes", "source": "x" * 121},
    ):
        assert client.post(url, typed).status_code == 422
    assert Consent.objects.count() == 1
    for user, sees, writes in ((people.teammate, 200, 403), (people.stranger, 404, 404), (people.viewer, 200, 403)):
        other = Client()
        other.force_login(user)
        page = other.get(url)
        assert page.status_code == sees
        assert 'name="channel"' not in page.content.decode()
        assert ("Trade fair" in page.content.decode()) == (sees == 200)
        assert other.post(url, {"channel": "email", "given": "yes", "source": "x"}).status_code == writes
    assert Consent.objects.count() == 1


def test_hidden_company_shows_nowhere(people: Cast, client: Client) -> None:
    hidden = make_company(people.stranger, name="Geheim AG")
    contact = make_contact(None, first_name="A", last_name="B", company=hidden, owner=people.owner)
    for url in ("/contacts/", "/contacts/?q=Geheim", contact.get_absolute_url(), f"{contact.get_absolute_url()}edit/", "/contacts/export/?format=csv"):
        reply = client.get(url)
        text = b"".join(reply.streaming_content).decode() if reply.streaming else reply.content.decode()
        assert reply.status_code == 200 and "Geheim AG" not in text, url
    assert client.get("/contacts/?q=Geheim").context["list"].rows == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?view=mine", 200),
        ("?view=no_step&sort=-active", 200),
        ("?lifecycle=customer&lifecycle=partner", 200),
        ("?has_email=true&has_phone=false&country=AT&city=Salz", 200),
        ("?lifecycle=evil", 400),
        ("?country=XX", 400),
        ("?company=999999", 400),
        ("?company=x", 400),
        ("?team=99999999999999999999", 400),
        ("?nonsense=1", 400),
        ("?sort=phone", 400),
    ],
)
def test_list_addresses(people: Cast, client: Client, query: str, status: int) -> None:
    make_contact(people.owner)
    assert client.get(f"/contacts/{query}").status_code == status


def test_cards_of_a_company(people: Cast, client: Client) -> None:
    company = make_company(people.owner, name="Mother")
    make_company(people.owner, name="Daughter", parent=company)
    for number in range(7):
        make_contact(people.owner, first_name=f"Person{number}", last_name="X", company=company)
    page = client.get(company.get_absolute_url()).content.decode()
    assert "Daughter" in page and "Person0" in page and f"/contacts/?company={company.pk}" in page
    card = render_to_string("contacts/panel.html", {"rows": selectors.people_at(people.owner, company).rows})
    assert "Person4" in card and "Person5" not in card
    assert "Person6" in client.get(f"/contacts/?company={company.pk}").content.decode()
    colleague = client.get(Contact.objects.get(first_name="Person0").get_absolute_url()).content.decode()
    assert "Person1" in colleague


def test_bulk_assign_tag_and_delete(people: Cast, client: Client) -> None:
    mine, foreign = make_contact(people.owner), make_contact(people.stranger)
    ids = [mine.pk, foreign.pk]
    assert client.post("/contacts/bulk/assign/", {"ids": ids}).status_code == 200
    assert client.post("/contacts/bulk/assign/", {"ids": ids, "confirmed": "1"}).status_code == 422
    assert client.post("/contacts/bulk/assign/", {"ids": ids, "confirmed": "1", "owner": people.teammate.pk}).status_code == 302
    mine.refresh_from_db()
    foreign.refresh_from_db()
    assert (mine.owner, foreign.owner) == (people.teammate, people.stranger)
    boss = Client()
    boss.force_login(people.manager)
    assert boss.post("/contacts/bulk/tag/", {"ids": [mine.pk], "confirmed": "1", "tags": "Fair, VIP"}).status_code == 302
    assert mine.tags.count() == 2
    assert boss.post("/contacts/bulk/tag/", {"ids": [mine.pk], "confirmed": "1", "tags": ""}).status_code == 422
    admin = Client()
    admin.force_login(people.admin)
    assert admin.post("/contacts/bulk/delete/", {"ids": ids, "confirmed": "1"}).status_code == 302
    assert not Contact.objects.alive().exists()


@pytest.mark.parametrize(
    ("typed", "found"), [("AT", True), ("at", True), ("austria", True), ("Aust", False), ("Austr", False), ("Austri", True), ("Nowhere", False)]
)
def test_a_country_is_filtered_by_name_code_or_beginning(people: Cast, client: Client, typed: str, found: bool) -> None:
    make_company(people.owner, name="Alpine Works", country="AT")
    make_company(people.owner, name="Other Works", country="DE")
    response = client.get("/companies/", {"country": typed})
    html = response.content.decode()
    assert response.status_code == (200 if found else 400)
    assert ("Alpine Works" in html, "Other Works" in html) == (found, False)
    assert ("<b>Austria</b>" in html) == found
