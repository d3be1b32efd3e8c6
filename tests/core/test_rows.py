"""A look at a row, and the rows beside it in the list it was opened from."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from activities.services import add_note
from contacts.services import create_contact
from crm.core import finding, words
from crm.core.listing import FEW
from leads.models import Lead
from leads.services import create_lead, create_leads
from tests.factories import cast

pytestmark = pytest.mark.django_db
PANEL = {"HX-Request": "true", "HX-Target": "panel-body"}


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def client(people):
    client = Client()
    client.force_login(people.owner)
    return client


def links(html):
    """Where previous and next lead: ids by rel."""
    return {rel: int(pk) for pk, rel in re.findall(r'href="/leads/(\d+)/\?from=[^"]*" rel="(prev|next)"', html)}


def walked(client, first, query=""):
    """The ids from `first` to the end of the list, by the redirects."""
    found, pk = [first], first
    for _step in range(50):
        address = client.get(f"/leads/{pk}/next/?{query}")["Location"]
        pk = int(address.split("/")[2])
        if pk == found[-1]:
            return found
        found.append(pk)
    raise AssertionError("no end")


# ---- a look ----


def test_a_look_shows_the_essentials(client, people):
    lead = create_lead({"first_name": "Ada", "last_name": "Quoll", "company_name": "Firma <b>", "city": "Graz", "tags": ["🦘"]}, actor=people.owner)
    for number in range(9):
        add_note(lead, body=f"Note number {number}", actor=people.owner)
    page = client.get(f"/leads/{lead.pk}/peek/", headers=PANEL)
    text = page.content.decode()
    assert page.status_code == 200
    for part in ("Ada Quoll", "Firma &lt;b&gt;", "Graz", "🦘", "No next step", "Note number 8", f'href="/leads/{lead.pk}/edit/'):
        assert part in text, part
    assert "Note number 4" not in text  # the last few
    assert "<form" not in text
    assert "<html" not in text


def test_a_look_as_a_page_is_the_record(client, people):
    lead = create_lead({"last_name": "Quoll"}, actor=people.owner)
    assert client.get(f"/leads/{lead.pk}/peek/")["Location"] == f"/leads/{lead.pk}/"


def test_a_look_offers_no_change_where_none_is_allowed(people):
    lead = create_lead({"last_name": "Quoll"}, actor=people.owner)
    viewer = Client()
    viewer.force_login(people.viewer)
    assert f"/leads/{lead.pk}/edit/" not in viewer.get(f"/leads/{lead.pk}/peek/", headers=PANEL).content.decode()


def test_long_texts_and_emoji_in_a_look(client, people):
    contact = create_contact({"last_name": "🦔" * 80, "description": "long " * 2000}, actor=people.owner)
    page = client.get(f"/contacts/{contact.pk}/peek/", headers=PANEL)
    assert page.status_code == 200
    assert "🦔" * 80 in page.content.decode()


# ---- beside ----


@pytest.fixture
def five(people):
    return [
        lead.pk
        for lead in create_leads([{"last_name": f"L{n}", "company_name": "A" if n % 2 else "", "value": n or None} for n in range(5)], actor=people.owner)
    ]


@pytest.mark.parametrize("sort", ["name", "-name", "created", "-created", "value", "-value", "company", "-company", "score", "next"])
def test_neighbours_walk_the_list_as_it_stands(client, people, five, sort):
    for query in (f"sort={sort}", f"sort={sort}&q=L", f"sort={sort}&owner=me"):
        page = client.get(f"/leads/?{query}")
        order = [row.pk for row in page.context["list"].rows]
        assert len(order) == 5
        assert walked(client, order[0], query) == order, query
        for at, pk in enumerate(order):
            beside = links(client.get(f"/leads/{pk}/neighbours/?{query}").content.decode())
            assert beside.get("prev") == (order[at - 1] if at else None), (query, at)
            assert beside.get("next") == (order[at + 1] if at < 4 else None), (query, at)


def test_a_filter_leaves_rows_out_and_a_row_that_it_lost_keeps_its_place(client, people, five):
    Lead.objects.filter(pk__in=[five[2], five[4]]).update(owner=people.teammate)
    assert walked(client, five[0], "sort=name&owner=me") == [five[0], five[1], five[3]]
    assert links(client.get(f"/leads/{five[2]}/neighbours/?sort=name&owner=me").content.decode()) == {"prev": five[1], "next": five[3]}
    assert links(client.get(f"/leads/{five[3]}/neighbours/?sort=name&q=L1").content.decode()) == {"prev": five[1]}


def test_rows_of_others_are_no_neighbours(client, people, five):
    create_lead({"last_name": "L2b"}, actor=people.stranger)
    mate = create_lead({"last_name": "L2c"}, actor=people.teammate)
    order = [row.pk for row in client.get("/leads/?sort=name").context["list"].rows]
    assert walked(client, five[0], "sort=name") == order
    assert mate.pk in order
    assert len(order) == 6


def test_many_matches_are_walked_along_the_index(client, people, monkeypatch, five):
    monkeypatch.setattr("crm.core.listing.FEW", 2)
    assert FEW == 1000
    assert walked(client, five[0], "sort=name&q=L") == five


def test_words_that_are_spelt_alike_have_neighbours_too(client, people, django_capture_on_commit_callbacks):
    words._known.clear()
    finding._samples.clear()
    with django_capture_on_commit_callbacks(execute=True):  # the words are remembered
        rows = [create_lead({"last_name": f"Müllerhofer {n}"}, actor=people.owner).pk for n in range(3)]
    assert client.get("/leads/?q=Mulelrhofer&sort=name").context["list"].alike
    assert walked(client, rows[0], "q=Mulelrhofer&sort=name") == rows


def test_the_page_knows_the_list_it_was_opened_from(client, five):
    query = "view=mine&sort=-name"
    page = client.get(f"/leads/{five[1]}/", headers={"referer": f"http://testserver/leads/?{query}"})
    text = page.content.decode()
    assert f'href="/leads/?{query.replace("&", "&amp;")}"' in text  # the way back
    assert f'href="/leads/{five[1]}/next/?view=mine&amp;sort=-name"' in text
    assert f'name="next" value="/leads/{five[1]}/?from={quote(query)}"' in text  # a change comes back to the same place
    assert client.get(f"/leads/{five[1]}/?from={quote(query)}").context["page"].beside == page.context["page"].beside


@pytest.mark.parametrize(
    "referer", ["", "http://elsewhere.example/leads/?view=mine", "http://testserver/contacts/", "http://testserver/leads/1/", "http://[", "💥"]
)
def test_a_page_opened_from_elsewhere_has_no_neighbours(client, five, referer):
    page = client.get(f"/leads/{five[1]}/", headers={"referer": referer})
    assert page.status_code == 200
    assert page.context["page"].beside is None
    assert page.context["page"].crumb[0][1] == "/leads/"


@pytest.mark.parametrize("hostile", ["x" * 10_000, "a&" * 700, "%00", "\x00", '"><script>alert(1)</script>', "view=%ff", "💥=💥"])
def test_a_hostile_list_does_no_harm_to_the_page(client, five, hostile):
    page = client.get(f"/leads/{five[1]}/?from={quote(hostile)}")
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    page = client.get(f"/leads/{five[1]}/", headers={"referer": f"http://testserver/leads/?{hostile.encode('ascii', 'replace').decode()}"})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


@pytest.mark.parametrize("query", ["sort=nonsense", "view=nonsense", "nonsense=1", "cursor=nonsense", "size=7", "owner=nonsense", "q=%00", "from=x"])
@pytest.mark.parametrize("way", ["next", "previous", "neighbours"])
def test_nonsense_is_refused(client, five, query, way):
    assert client.get(f"/leads/{five[1]}/{way}/?{query}").status_code == 400


def test_ids_that_are_none(client, five):
    for pk in (0, 2**31, 2**63 - 1, 2**70):
        for way in ("next", "previous", "neighbours", "peek"):
            assert client.get(f"/leads/{pk}/{way}/").status_code == 404, (pk, way)
    Lead.objects.filter(pk=five[2]).update(deleted_at="2026-01-01T00:00Z")
    assert client.get(f"/leads/{five[2]}/next/").status_code == 404
    assert walked(client, five[1], "sort=name") == [five[1], five[3], five[4]]


def test_the_end_is_told(client, five):
    page = client.get(f"/leads/{five[4]}/next/?sort=name", follow=True)
    assert page.redirect_chain == [(f"/leads/{five[4]}/?from=sort%3Dname", 302)]
    assert "This is the last one in the list." in page.content.decode()
    assert "This is the first one in the list." in client.get(f"/leads/{five[0]}/previous/?sort=name", follow=True).content.decode()


def test_neighbours_are_asked_for_in_few_statements(client, five):
    client.get(f"/leads/{five[1]}/neighbours/")
    for query, most in (("", 5), ("sort=-value", 7), ("owner=me&sort=name", 5)):
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/leads/{five[1]}/neighbours/?{query}")
        assert len(queries) <= most, (query, len(queries))
