"""How many statements each page needs, exactly. A page that needs one more fails here, and so does one that needs one less: write the new number down.

`RAPPORT_WRITE_COUNTS=1 pytest tests/contract/test_query_counts.py` writes query_counts.json anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.core.cache import caches
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from activities.services import add_comment, add_note, create_task
from contacts.services import create_company, create_contact
from crm.core.bulk.actions import TagForm
from crm.core.bulk.selection import Chosen
from crm.core.bulk.services import change_now
from crm.core.models import BulkJob
from crm.core.records import record_for, record_types
from deals.services import create_deal
from leads.services import create_lead
from tests.contract.samples import SAMPLES
from tests.factories import cast

FILE = Path(__file__).with_name("query_counts.json")
LIMITS = {"list": 12, "search": 10, "page": 15, "today": 15, "board": 12}


def build(people):
    """Several rows of everything, linked to each other, so that a query per row would show."""
    rows = {}
    for number in range(4):
        owner = people.owner if number % 2 else people.teammate
        company = create_company({"name": f"Company {number}", "tags": ["VIP"]}, actor=owner)
        contact = create_contact({"last_name": f"Person {number}", "company": company, "email": f"p{number}@example.com"}, actor=owner)
        deal = create_deal({"name": f"Deal {number}", "company": company, "contact": contact}, actor=owner)
        lead = create_lead({"last_name": f"Lead {number}", "company_name": "Firm"}, actor=owner)
        task = create_task({"title": f"Task {number}", "deal": deal}, actor=owner)
        note = add_note(deal, body="Note", actor=owner)
        if number < 3:  # not on the pages that are opened below
            add_comment(note, body=f"@{people.owner.name}", actor=people.teammate)
        rows = {"companies": company, "contacts": contact, "deals": deal, "leads": lead, "tasks": task, "meetings": SAMPLES["meetings"].make(owner, "Meeting")}
    return rows


def bulk_change(people, rows):
    """A bulk change with a refused row."""
    record = record_for("leads")
    form = TagForm(QueryDict("tags=Fair"), user=people.owner)
    assert form.is_valid()
    job = change_now(record, record.bulk_action("tag"), Chosen([rows["leads"].pk], 1), form, actor=people.owner)
    job.problems.create(label="leads.lead", subject_id=rows["leads"].pk, reason="No")
    BulkJob.objects.update(bad=1)
    return job


def addresses(rows):
    found = {
        "today": "/",
        "team": "/team/",
        "board": "/deals/board/",
        "search": "/search/?q=person",
        "bulk changes": "/bulk/",
        "bulk change": f"/bulk/{rows['bulk'].pk}/",
        "calendar": "/calendar/",
        "calendar week": "/calendar/?show=week&who=team",
        "calendar agenda": "/calendar/?show=agenda&who=team",
        "calendar own week": "/calendar/?show=week",
        "calendar day of a team": "/calendar/?show=day&who=team",
        "notifications": "/notifications/",
        "poll": "/notifications/poll/",
    }
    for record in record_types():
        found |= {
            f"{record.slug} list": record.url("list"),
            f"{record.slug} list searched": record.url("list") + "?q=a",
            f"{record.slug} page": record.url("detail", rows[record.slug].pk),
            f"{record.slug} neighbours": record.url("neighbours", rows[record.slug].pk),
            f"{record.slug} rows": f"{record.url('rows')}?rows={rows[record.slug].pk}.0000",
            **{f"{record.slug} menu {name}": record.url("menu", name) for name in ("filter", "save", "columns")},
            f"{record.slug} look": record.url("peek", rows[record.slug].pk),
            f"{record.slug} name in its cell": record.url("cell", rows[record.slug].pk, record.columns[0].name),
            f"{record.slug} new": record.url("new"),
            f"{record.slug} edit": record.url("edit", rows[record.slug].pk),
        }
    contact = rows["contacts"]
    found["contacts filtered page"] = f"{contact.get_absolute_url()}?q=note&kind=note&team={contact.team_id}&since=2020-01-01"
    for slug in ("pipeline", "leads-by-source", "won-by-month", "activity-by-rep"):
        found[f"report {slug}"] = f"/reports/{slug}/"
    found["report put together"] = "/reports/build/deals/?by=owner&then=close:month&of=amount"
    return found


def statements(client, url):
    headers = {"HX-Request": "true", "HX-Target": "panel-body"} if url.endswith("/peek/") else {}
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url, headers=headers)
    assert response.status_code in (200, 204), url
    return len(queries)


@pytest.mark.django_db(transaction=True)  # outside a transaction, where the processes keep what seldom changes
def test_counts_are_those_written_down(settings):
    settings.CACHES = {
        **settings.CACHES,
        "fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "fragments"},
    }  # as in production
    caches["fragments"].clear()
    people = cast()
    found = {}
    rows = build(people)
    for name, url in addresses(rows | {"bulk": bulk_change(people, rows)}).items():
        client = Client()
        client.force_login(people.owner)
        client.get(url)  # fills what a process keeps, such as the organisation
        found[name] = min(statements(client, url) for _attempt in range(3))  # what is kept runs out every few seconds
    if os.environ.get("RAPPORT_WRITE_COUNTS"):
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(FILE.read_text())


def test_what_is_written_down_holds_the_budget():
    counts = json.loads(FILE.read_text())
    over = {name: count for name, count in counts.items() for word, limit in LIMITS.items() if name.endswith(word) and count > limit}
    assert not over, over
