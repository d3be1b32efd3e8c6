"""The number in a list's foot: at once where it costs nothing, counted on where nobody needed it."""

from __future__ import annotations

import pytest

from contacts.services import create_companies
from crm.core import listing
from tests.factories import cast


@pytest.fixture
def people(monkeypatch):
    monkeypatch.setattr(listing, "FEW", 3)
    found = cast()
    create_companies([{"name": f"Firm {number}", "city": "Graz", "owner": found.owner} for number in range(5)], actor=found.owner)
    create_companies([{"name": f"Other {number}", "city": "Graz", "owner": found.stranger} for number in range(2)], actor=found.stranger)
    return found


@pytest.mark.django_db
def test_a_filtered_list_counts_as_far_as_it_needs(client, people):
    client.force_login(people.owner)
    page = client.get("/companies/?city=Graz&sort=name")
    assert page.context["list"].total_text == "3+"
    assert 'href="/companies/?city=Graz&amp;sort=name&amp;count=all"' in page.content.decode()
    page = client.get("/companies/?city=Graz&sort=name&count=all")
    assert page.context["list"].total_text == "5"
    assert not [head.url for head in page.context["list"].heads if "count" in head.url]  # another sort does not count on
    assert 'id="count"' not in page.content.decode()


@pytest.mark.django_db
def test_the_number_alone(client, people):
    client.force_login(people.owner)
    headers = {"HX-Request": "true", "HX-Target": "count"}
    assert client.get("/companies/?city=Graz&count=all", headers=headers).content == b'<span id="count">5</span>'
    client.force_login(people.stranger)
    assert client.get("/companies/?city=Graz&count=all", headers=headers).content == b'<span id="count">2</span>'
    assert client.get("/companies/?city=Graz&count=some", headers=headers).status_code == 400
    assert client.get("/companies/?created=nonsense&count=all", headers=headers).status_code == 400


@pytest.mark.django_db
def test_few_and_plain_lists_say_it_at_once(client, people):
    client.force_login(people.stranger)
    assert client.get("/companies/?city=Graz").context["list"].total_text == "2"
    client.force_login(people.owner)
    assert client.get("/companies/").context["list"].total_text == "5"
