"""Files that other programs wrote, from end to end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum

from contacts.models import Company, Contact
from crm.core.imports import services
from deals.models import Deal
from tests.factories import cast
from tests.imports.files import bring_in, check, reasons, upload, worked
from tests.shared_data import shared

pytestmark = pytest.mark.django_db
SALESFORCE = "sales/salesforce_dataloader/main/resources/samples/data"


def body(name):
    return shared(name).read_bytes()


def test_accounts_and_opportunities_of_salesforce():
    people = cast()
    accounts = bring_in("companies", body(f"{SALESFORCE}/accountData.csv"), people.admin, same="import")
    assert (accounts.good, accounts.bad, Company.objects.count()) == (423, 0, 423)
    job = upload("deals", body(f"{SALESFORCE}/opportunityData.csv"), people.admin)
    checked = check(job, people.admin, same="import")
    assert (checked.good, checked.bad) == (8, 30), "stages of another house are told, with those of this one"
    assert {column for _line, column, _reason in reasons(checked)} == {"STAGENAME"}
    assert worked(services.start(checked)).good == 8
    assert Deal.objects.filter(status="won").aggregate(sum=Sum("amount"))["sum"] == Decimal(2_200_000)
    again = upload("deals", body(f"{SALESFORCE}/opportunityData.csv"), people.admin)
    without = {position: key for position, key in again.mapping.items() if key != "stage"}
    assert worked(services.start(check(again, people.admin, without, same="import"))).good == 38
    assert Deal.objects.filter(status="open").aggregate(sum=Sum("amount"))["sum"] == Decimal(6_270_000)


def test_an_address_book_of_outlook():
    job = bring_in("contacts", body("contacts/google_outlook/Outlook365.csv"), cast().owner, day_first=False)  # as the page guesses: 1/20/1981
    assert (job.good, job.bad, Contact.objects.count()) == (5, 0, 5)
    assert Contact.objects.filter(birthday="1981-01-20").count() == 1
    assert all(contact.email and contact.phone for contact in Contact.objects.all())


def test_of_eleven_addresses_the_wrong_one_is_named():
    people = cast()
    job = upload("contacts", body("contacts/google_outlook/Google10.csv"), people.owner)
    job = check(job, people.owner, {position: key for position, key in job.mapping.items() if key not in ("phone", "mobile", "phone_private")})
    assert reasons(job) == [(2, "E-mail 4 - Value", "business 3@golker.de: Enter an e-mail address, such as name@example.com.")]


def test_thunderbird_in_both_encodings():
    people, found = cast(), []
    for name in ("ThunderbirdAnsi.csv", "ThunderbirdUtf8.csv"):
        job = check(upload("contacts", body(f"contacts/google_outlook/{name}"), people.owner), people.owner)
        found.append((job.headings, job.samples, job.mapping, reasons(job)))
    assert found[0] == found[1]
    assert {"first_name", "last_name", "email", "phone", "mobile", "company", "city"} <= set(found[0][2].values())
    assert {column for _line, column, _reason in found[0][3]} >= {"Tel. dienstlich"}, "none of its numbers is one"
