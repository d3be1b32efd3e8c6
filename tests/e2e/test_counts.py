"""A long filtered list counts on once it is there."""

from __future__ import annotations

import pytest

from contacts.services import create_companies
from crm.core import listing
from tests.factories import PASSWORD, cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(monkeypatch):
    monkeypatch.setattr(listing, "FEW", 3)
    people = cast()
    create_companies([{"name": f"Firm {number}", "city": "Graz", "owner": people.owner} for number in range(5)], actor=people.owner)
    return people.owner


def test_with_script_the_number_follows(page, sign_in, owner):
    sign_in(page, owner.email, PASSWORD)
    page.goto("/companies/?city=Graz")
    page.wait_for_selector("span#count")
    assert page.inner_text("span#count") == "5"
    assert page.inner_text("#total") == "5"
    assert page.inner_text(".foot [role=status]") == "1–5 of 5"
    page.goto("/companies/")
    page.locator("thead th a").first.click()
    page.wait_for_url("**/companies/?sort=*")
    assert page.inner_text("#total") == "5"


def test_without_script_it_is_a_link(new_page, sign_in, owner):
    page = new_page(java_script_enabled=False)
    sign_in(page, owner.email, PASSWORD)
    page.goto("/companies/?city=Graz")
    assert page.inner_text("#total") == "3+"
    page.click("a#count")
    assert page.inner_text("#total") == "5"
