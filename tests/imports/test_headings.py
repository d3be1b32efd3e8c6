"""Columns of other programs' exports find their place by their headings."""

from __future__ import annotations

import csv
import json

import pytest

from crm.core.imports.reading import look_at
from crm.core.imports.targets import guess, targets_of
from crm.core.records import record_for
from tests.factories import cast
from tests.shared_data import shared

pytestmark = pytest.mark.django_db
NEEDED = {
    "google_contacts_2024": ("contacts", {"first_name", "last_name", "company", "job_title", "email", "phone", "tags", "description"}),
    "google_contacts_old": ("contacts", {"first_name", "last_name", "full_name", "company", "email", "phone", "tags", "city", "country"}),
    "outlook_365": ("contacts", {"first_name", "last_name", "company", "job_title", "email", "phone", "mobile", "phone_private", "street", "city", "country"}),
    "thunderbird_de_cp1252": ("contacts", {"first_name", "last_name", "email", "phone", "phone_private", "mobile", "company", "street", "city", "country"}),
    "linkedin_connections": ("contacts", {"first_name", "last_name", "email", "company", "job_title"}),
    "hubspot_contacts": ("contacts", {"first_name", "last_name", "email", "phone", "owner", "company", "lifecycle"}),
    "hubspot_companies": ("companies", {"name", "domain", "owner", "country", "description"}),
    "hubspot_deals": ("deals", {"name", "stage", "amount", "owner", "close_date"}),
    "pipedrive_deals": ("deals", {"name", "owner", "amount", "currency", "company", "contact", "pipeline", "stage", "status", "close_date", "lost_reason"}),
    "pipedrive_people": ("contacts", {"first_name", "last_name", "email", "email_private", "phone", "company"}),
    "salesforce_report_contacts": (
        "contacts",
        {"first_name", "last_name", "job_title", "street", "city", "region", "postal_code", "country", "phone", "mobile"},
    ),
    "salesforce_report_leads": ("leads", {"owner", "first_name", "last_name", "job_title", "company_name", "source", "email"}),
    "salesforce_dataloader": ("deals", {"name", "amount", "close_date", "stage"}),
}
FILES = {
    "google_contacts_old": "contacts/google_outlook/Google.csv",
    "outlook_365": "contacts/google_outlook/Outlook365.csv",
    "thunderbird_de_cp1252": "contacts/google_outlook/ThunderbirdAnsi.csv",
    "salesforce_dataloader": "sales/salesforce_dataloader/main/resources/samples/data/opportunityData.csv",
}


@pytest.mark.parametrize("name", NEEDED)
def test_headings_of_real_exports(name):
    path = shared("contacts/real_export_headers.json")
    slug, needed = NEEDED[name]
    if name in FILES:
        headings = look_at(shared(FILES[name]).open("rb")).headings
    else:
        headings = next(csv.reader([json.loads(path.read_text())[name]["header"]]))
    record = record_for(slug)
    found = guess(record, targets_of(record, cast().owner), headings, [])
    assert needed <= set(found.values()), needed - set(found.values())


@pytest.mark.parametrize(
    ("slug", "headings", "expected"),
    [
        ("contacts", ["Vorname", "Nachname", "Firma", "Telefon", "PLZ", "Ort"], ["first_name", "last_name", "company", "phone", "postal_code", "city"]),
        ("contacts", ["E-Mail", "E-mail 2 - Value", "e_mail"], ["email", "email", "email"]),
        ("contacts", ["Title", "Job Title"], [None, "job_title"]),
        ("contacts", ["Name", "Favourite colour"], ["full_name", None]),
        ("deals", ["Deal - Title", "Deal - Owner", "Person - Owner"], ["name", "owner", None]),
    ],
)
def test_each_heading(slug, headings, expected):
    record = record_for(slug)
    found = guess(record, targets_of(record, cast().owner), headings, [])
    assert [found.get(str(position)) for position in range(len(headings))] == expected


def test_values_speak_against_a_heading():
    """Another program's lifecycle stages are not ours: a column of which nothing would fit is left out."""
    record = record_for("contacts")
    targets = targets_of(record, cast().owner)
    assert guess(record, targets, ["Lifecycle Stage"], [["opportunity"], ["subscriber"]]) == {}
    assert guess(record, targets, ["Lifecycle Stage"], [["opportunity"], ["Customer"]]) == {"0": "lifecycle"}
