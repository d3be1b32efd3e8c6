"""How many queries the pages of deals take, outside of transactions, as in production."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deals.services import create_deals
from tests.contacts.factories import make_company, make_contact
from tests.deals.factories import make_deal, stage
from tests.factories import cast

pytestmark = pytest.mark.django_db(transaction=True)


def queries(client: Client, url: str) -> list[str]:
    """The statements of one request: the fewer of two, as what a process keeps of the organisation runs out every few seconds."""
    return min((once(client, url) for _attempt in range(2)), key=len)


def once(client: Client, url: str) -> list[str]:
    client.get(url)  # pipelines and organisation are known for some seconds
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in found.captured_queries]


def test_pages_cost_few_queries_whatever_is_on_them() -> None:
    people = cast()
    client = Client()
    client.force_login(people.manager)
    company = make_company(people.owner)
    contact = make_contact(people.owner, company=company)
    deal = make_deal(people.owner, company=company, contact=contact, name="Deal")
    limits = {
        "/deals/board/": 12,
        "/deals/board/?q=Deal": 12,
        "/deals/": 12,
        "/deals/?q=Deal&status=open&sort=-amount": 14,
        "/contacts/": 12,
        "/companies/": 12,
        deal.get_absolute_url(): 22,
    }
    before = {url: queries(client, url) for url in limits}
    create_deals(
        [{"name": f"Deal {number}", "company": company, "contact": contact, "stage": stage("Won" if number % 2 else "Proposal")} for number in range(120)],
        actor=people.owner,
    )
    for url, limit in limits.items():
        after = queries(client, url)
        assert len(after) == len(before[url]), url
        assert len(after) <= limit, (url, len(after), [sql[:110] for sql in after])
