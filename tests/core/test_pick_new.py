"""What nobody is called yet is made inside a picker."""

from __future__ import annotations

import pytest

from contacts.models import Company, Contact
from tests.factories import cast, signed_in
from users import services

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast()


def test_a_company_and_a_person_are_made_once(people):
    client = signed_in(people.owner)
    assert client.get("/pick/companies/?q=Neuwerk").json() == {"results": [], "create": True}
    first, again = (client.post("/pick/companies/", {"name": " Neuwerk  GmbH "}) for _time in range(2))
    company = Company.objects.get()
    assert (first.status_code, first.json()) == (201, {"id": company.pk, "label": "Neuwerk GmbH"})
    assert again.json() == first.json()
    assert company.owner == people.owner
    client.post("/pick/contacts/", {"name": "Ludwig van Beethoven"})
    person = Contact.objects.get()
    assert (person.first_name, person.last_name) == ("Ludwig", "van Beethoven")


def test_of_others_nothing_is_told_or_taken(people):
    theirs = signed_in(people.stranger).post("/pick/companies/", {"name": "Geheim AG"}).json()
    mine = signed_in(people.owner).post("/pick/companies/", {"name": "Geheim AG"}).json()
    assert theirs["id"] != mine["id"]


@pytest.mark.parametrize(
    ("slug", "name", "status"),
    [
        ("companies", "", 422),
        ("companies", "x" * 201, 422),
        ("contacts", "a\x00b", 422),
        ("contacts", "Ann " + "x" * 150, 422),
        ("deals", "Big", 404),
        ("users", "Eve", 404),
        ("nothing", "x", 404),
    ],
)
def test_bad_names_are_refused(people, slug, name, status):
    assert signed_in(people.owner).post(f"/pick/{slug}/", {"name": name}).status_code == status
    assert not (Company.objects.exists() or Contact.objects.exists())


def test_it_needs_the_right_to_add(people):
    services.update_role(people.owner.role, grants={"contacts_company": {**people.owner.role.grants["contacts_company"], "add": "none"}}, actor=None)
    client = signed_in(people.owner)
    assert client.get("/pick/companies/?q=Neuwerk").json()["create"] is False
    assert client.post("/pick/companies/", {"name": "Neuwerk"}).status_code == 403
    assert signed_in(people.viewer).post("/pick/contacts/", {"name": "Ann Lee"}).status_code == 403
    assert not Company.objects.exists()
