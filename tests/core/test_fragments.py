"""What pages remember between requests: never another person's, never an older right's."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import Client

from contacts.services import create_companies
from crm.core import listing
from tests.factories import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def remembering(settings):
    settings.CACHES = {**settings.CACHES, "fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "fragments"}}
    caches["fragments"].clear()
    yield
    caches["fragments"].clear()


def page_of(user, path="/contacts/"):
    client = Client()
    client.force_login(user)
    return client.get(path).content.decode()


def side_of(html):
    return html[html.index('id="side"') : html.index("</section>", html.index('id="side"'))]


def test_two_people_of_one_role_have_their_own_name_and_token(remembering):
    people = cast()
    first, second = page_of(people.owner), page_of(people.teammate)
    assert people.owner.name in side_of(first) and people.owner.name not in side_of(second)
    assert people.teammate.name in side_of(second)
    assert 'name="csrfmiddlewaretoken"' in side_of(first) and 'name="csrfmiddlewaretoken"' in side_of(second)


def test_a_grant_that_goes_takes_its_entry_along_at_once(remembering):
    people = cast()
    assert 'href="/companies/"' in side_of(page_of(people.owner))
    people.owner.role.grants = {**people.owner.role.grants, "contacts_company": {}}
    people.owner.role.save()
    assert 'href="/companies/"' not in side_of(page_of(people.owner))


def test_a_new_name_and_language_show_at_once(remembering):
    people = cast()
    page_of(people.owner)
    people.owner.name, people.owner.language = "Renamed Person", "de"
    people.owner.save()
    side = side_of(page_of(people.owner))
    assert "Renamed Person" in side and "Kontakte" in side


def test_the_current_entry_is_the_pages_own(remembering):
    people = cast()
    for path in ("/contacts/", "/leads/", "/contacts/", "/"):
        assert f'href="{path}" aria-current="page"' in side_of(page_of(people.owner, path))


def test_a_list_known_as_long_is_counted_again_for_another_filter_and_reader(remembering, monkeypatch):
    monkeypatch.setattr(listing, "CAP", 1)
    monkeypatch.setattr("crm.core.slices.CAP", 1)
    people = cast()
    create_companies([{"name": f"Firm {number}", "owner": people.owner} for number in range(3)], actor=people.owner)
    for _again in range(2):
        assert "1+" in page_of(people.owner, "/companies/")
        assert "Firm 2" in page_of(people.owner, "/companies/?sort=-name")
    assert "10,000+" not in page_of(people.owner, "/companies/?created=yesterday")
    assert "10,000+" not in page_of(people.stranger, "/companies/")
