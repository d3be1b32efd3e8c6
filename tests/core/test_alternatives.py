"""Filters of which one must fit, and groups: the same rows as plain Python finds, whatever the way the list takes."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client

from contacts.models import Contact
from contacts.services import update_contact
from crm.core import grouping
from crm.core import listing as module
from crm.core.cursors import Cursor
from crm.core.custom.showing import shaped
from crm.core.list_query import ListQuery
from crm.core.records import record_for, record_types
from leads.models import LeadStatus
from tests.contract.samples import SAMPLES
from tests.core.custom.fields import make_field
from tests.factories import cast

pytestmark = pytest.mark.django_db
CITIES, LIFECYCLES = ("Graz", "Linz", "Wien", "Steyr"), ("prospect", "customer", "partner")


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def contacts(people):
    chance = random.Random(5)
    owners = (people.owner, people.teammate, people.stranger, None)
    rows = []
    for number in range(120):
        owner = chance.choice(owners)
        row = Contact(last_name=f"N{number:03}", city=chance.choice(CITIES), lifecycle=chance.choice(LIFECYCLES), owner=owner)
        row.team = owner.team if owner else people.owner.team
        row.email = f"n{number}@example.com" if chance.random() < 0.5 else ""
        row.fold()
        rows.append(row)
    return Contact.objects.bulk_create(rows)


def fits(row, user, asked):
    """`asked`: {"city": ..., "lifecycle": [...], "owner": "me", "has_email": "true"} as an address has it."""
    return (
        row.city.startswith(asked.get("city", ""))
        and ("lifecycle" not in asked or row.lifecycle in asked["lifecycle"])
        and ("owner" not in asked or row.owner_id == (user.pk if asked["owner"] == "me" else None))
        and ("has_email" not in asked or bool(row.email) == (asked["has_email"] == "true"))
    )


def some_filters(chance):
    asked = {}
    if chance.random() < 0.6:
        asked["city"] = chance.choice(CITIES)
    if chance.random() < 0.4:
        asked["lifecycle"] = chance.sample(LIFECYCLES, chance.choice((1, 2)))
    if chance.random() < 0.3:
        asked["owner"] = chance.choice(("me", "none"))
    if chance.random() < 0.2 or not asked:
        asked["has_email"] = chance.choice(("true", "false"))
    return asked


def address_of(base, alternatives, sort):
    parts = [*base.items(), *((f"or{number}-{name}", value) for number, asked in enumerate(alternatives, 1) for name, value in asked.items())]
    return urlencode([*parts, ("sort", sort), ("size", "25")], doseq=True)


def every_page(user, address):
    query = ListQuery(shaped(record_for("contacts"), user), user, QueryDict(address))
    assert not query.errors
    found, cursor = [], None
    while True:
        page = query.listing.page(query.order, query.size, cursor)
        found += [pk for pk, _key in page.pairs]
        if not page.after:
            return found, query
        pk, key = page.pairs[-1]
        cursor = Cursor(key, pk, len(found))


@pytest.mark.parametrize("way", ["sorted", "walked"])
def test_any_of_some_groups_of_filters(people, contacts, way, monkeypatch):
    if way == "walked":
        monkeypatch.setattr(module, "FEW", 2)
        monkeypatch.setattr(module, "CAP", 5)
    chance = random.Random(11)
    lengths = set()
    for _round in range(60):
        base = some_filters(chance) if chance.random() < 0.5 else {}
        alternatives = [some_filters(chance) for _ in range(chance.choice((1, 2, 3)))]
        user = chance.choice((people.admin, people.owner, people.manager))
        sort = chance.choice(("name", "-name"))
        found, query = every_page(user, address_of(base, alternatives, sort))
        seen = set(Contact.objects.visible_to(user).values_list("pk", flat=True))
        wanted = [row for row in contacts if row.pk in seen and fits(row, user, base) and any(fits(row, user, asked) for asked in alternatives)]
        wanted.sort(key=lambda row: (row.sort_name, row.pk), reverse=sort.startswith("-"))
        assert found == [row.pk for row in wanted], (base, alternatives)
        assert query.listing.count_all() == len(wanted)
        assert sorted(query.listing.every_id()) == sorted(found)
        lengths.add(len(wanted))
    assert len(lengths) > 20


def test_alternatives_in_the_page(people, contacts):
    client = Client()
    client.force_login(people.admin)
    page = client.get("/contacts/?lifecycle=customer&or1-city=Graz&or2-city=Linz&or2-owner=none")
    chips = page.context["list"].chips
    assert [(str(chip.label), chip.value) for chip in chips] == [("Lifecycle", "Customer"), ("Either", "City Graz"), ("or", "Owner Nobody, City Linz")]
    assert dict(parse_qsl(urlsplit(chips[2].remove_url).query)) == {"lifecycle": "customer", "or1-city": "Graz"}
    text = page.content.decode()
    assert 'name="or2-city" value="Linz"' in text and 'name="or3-city"' not in text
    assert 'name="or3-city"' in client.get("/contacts/?or1-city=Graz&or2-city=Linz&alternatives=3").content.decode()
    wrong = client.get("/contacts/?or1-country=Atlantis")
    assert wrong.status_code == 400 and 'class="invalid-feedback"' in wrong.content.decode()


def test_texts_of_custom_fields_can_be_alternatives(people, contacts):
    field = make_field("text", label="Hobby")
    for row, hobby in zip(contacts[:3], ("Chess", "Sailing", "Chess and sailing"), strict=True):
        update_contact(row, {field.name: hobby}, actor=people.admin)
    found, _query = every_page(people.admin, f"or1-{field.name}=chess&or2-{field.name}=sail&sort=name&size=25")
    assert found == [row.pk for row in contacts[:3]]


def test_groups_hold_every_row_once(people, contacts):
    field = make_field("choice", label="Level", choices=["Gold", "Silver"])
    for row in contacts[:7]:
        row.custom = {field.key: field.choices[0]["key"]}
        row.save(update_fields=["custom"])
    client = Client()
    client.force_login(people.admin)
    for name in ("owner", "lifecycle", field.name):
        groups = client.get(f"/contacts/?group={name}").context["list"].groups
        assert sum(int(group.count_text) for group in groups) == len(contacts), name
        for group in groups:
            page = client.get(group.url)
            assert page.context["list"].total_text == group.count_text
            assert page.context["list"].chips[0].value in (group.label, str(group.label))
            assert len(client.get(group.rows_url).context["list"].rows) == min(25, int(group.count_text))


def test_groups_stay_within_the_filters(people, contacts):
    client = Client()
    client.force_login(people.owner)
    groups = client.get("/contacts/?group=lifecycle&lifecycle=customer&lifecycle=partner&city=Graz").context["list"].groups
    seen = set(Contact.objects.visible_to(people.owner).values_list("pk", flat=True))
    for group, lifecycle in zip(groups, ("customer", "partner"), strict=True):
        wanted = [row for row in contacts if row.pk in seen and row.city == "Graz" and row.lifecycle == lifecycle]
        assert int(group.count_text) == len(wanted) == len(client.get(group.url).context["list"].rows)
    groups = client.get("/contacts/?group=owner&owner=me").context["list"].groups
    assert [group.label for group in groups] == [people.owner.name]


def test_every_way_to_group_opens(people):
    for slug in SAMPLES:
        SAMPLES[slug].make(people.owner, "Zebrafinch")
    client = Client()
    client.force_login(people.admin)
    assert LeadStatus.objects.exists()
    for record in record_types():
        for name in record.filterset.groupable(record.filters):
            groups = client.get(record.url("list"), {"group": name}).context["list"].groups
            assert sum(int(group.count_text) for group in groups) == record.model.objects.alive().count(), (record.slug, name)


def test_more_groups_than_are_shown_are_told(people, contacts, monkeypatch):
    client = Client()
    client.force_login(people.admin)
    assert not client.get("/contacts/?group=owner").context["list"].groups_cut
    monkeypatch.setattr(grouping, "MOST_GROUPS", 2)
    page = client.get("/contacts/?group=lifecycle")
    assert page.context["list"].groups_cut and "These are the first 2 groups." in page.content.decode()
