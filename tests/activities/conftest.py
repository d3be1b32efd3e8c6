"""A small business: the fixed cast, a company with a person, a lead and a deal, all the owner's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import time_machine
from django.test import Client

from contacts.models import Company, Contact
from contacts.services import create_company, create_contact
from deals.models import Deal
from deals.services import create_deal
from deals.services import ensure_defaults as deal_defaults
from leads.models import Lead
from leads.services import create_lead
from leads.services import ensure_defaults as lead_defaults
from tests.activities.series import NOW
from tests.factories import Cast, cast, signed_in
from users.models import User


class Business(NamedTuple):
    company: Company
    contact: Contact
    lead: Lead
    deal: Deal


def make_cast() -> Cast:
    """The fixed cast; pipelines and statuses again, which tests with real transactions empty."""
    deal_defaults()
    lead_defaults()
    return cast()


@pytest.fixture
def people(db: Any) -> Cast:
    return make_cast()


@pytest.fixture
def business(people: Cast) -> Business:
    owner = people.owner
    company = create_company({"name": "Alpenwerk"}, actor=owner)
    contact = create_contact({"first_name": "Johanna", "last_name": "Berger", "company": company}, actor=owner)
    lead = create_lead({"last_name": "Lindner", "email": "lindner@example.com"}, actor=owner)
    deal = create_deal({"name": "Spindle retrofit", "company": company, "contact": contact}, actor=owner)
    return Business(company, contact, lead, deal)


def in_berlin(people: Cast) -> Client:
    """The owner's browser; their clock is Berlin's."""
    User.objects.filter(pk=people.owner.pk).update(time_zone="Europe/Berlin")
    people.owner.refresh_from_db()
    return signed_in(people.owner)


@pytest.fixture
def clock() -> Iterator[None]:
    """It is tests.activities.series.NOW."""
    with time_machine.travel(NOW, tick=False):
        yield
