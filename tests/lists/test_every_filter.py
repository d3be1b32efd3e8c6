"""Every filter and sort of every record type, combined at random: the same rows in the same order as plain Python, nothing that the user may not see."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
import time_machine
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core import listing as module
from crm.core.cursors import Cursor
from crm.core.list_query import ListQuery
from crm.core.records import record_for, record_types
from tests.factories import cast
from tests.lists.oracle import meanings, ordered, sees
from tests.lists.world import NOW, ZONE, build

pytestmark = pytest.mark.django_db
SLUGS = [record.slug for record in record_types()]
READERS = ("owner", "manager", "stranger", "viewer", "admin")
DERIVED = {"score": ("score_min", "score_max")}  # filters whose ends have parameters of their own


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False), timezone.override(ZONE):
        yield build(cast())


def test_the_oracle_knows_every_filter(world):
    for record in record_types():
        known = set(meanings(world, record.slug, world.people.admin))
        wanted = {part for name in record.filters for part in DERIVED.get(name, (name,))}
        assert known == wanted, record.slug


def pages(query):
    """Ids of all pages, forwards."""
    found, cursor = [], query.cursor()
    while True:
        page = query.listing.page(query.order, query.size, cursor)
        found += [pk for pk, _key in page.pairs]
        if not page.after:
            return found
        pk, key = page.pairs[-1]
        cursor = Cursor(key, pk, len(found))


def some(draw, known, most):
    """{filter: value}, as drawn."""
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=most, unique=True))
    return {name: draw(st.sampled_from(known[name][0])) for name in names if known[name][0]}


def check(world, data, slug):
    draw = data.draw
    user = getattr(world.people, draw(st.sampled_from(READERS)))
    record = record_for(slug)
    known = meanings(world, slug, user)
    plain = some(draw, known, 3)
    alternatives = [asked for asked in (some(draw, known, 2) for _ in range(draw(st.integers(0, 3)))) if asked]
    column = draw(st.sampled_from([column for column in record.columns if column.sort]))
    descending = draw(st.booleans())
    parts = [*plain.items(), *((f"or{number}-{name}", value) for number, asked in enumerate(alternatives, 1) for name, value in asked.items())]
    address = urlencode([*parts, ("sort", f"{'-' if descending else ''}{column.name}"), ("size", "25")], doseq=True)
    if user.scope_for(record.model_label, "view") == "none":
        return
    query = ListQuery(record, user, QueryDict(address))
    assert not query.errors, (address, query.errors)

    def fits(row, asked):
        return all(known[name][1](row, value) for name, value in asked.items())

    wanted = [row for row in world.rows[slug] if sees(user, row) and fits(row, plain) and (not alternatives or any(fits(row, asked) for asked in alternatives))]
    assert pages(query) == ordered(wanted, column.sort, descending=descending), address
    assert query.listing.count() == (min(len(wanted), module.CAP), len(wanted) > module.CAP), address


@pytest.mark.parametrize("way", ["sorted", "walked"])
@pytest.mark.parametrize("slug", SLUGS)
def test_any_combination(world, slug, way, monkeypatch):
    combine(world, slug, way, monkeypatch, 40)


@pytest.mark.long
@pytest.mark.parametrize("way", ["sorted", "walked"])
@pytest.mark.parametrize("slug", SLUGS)
def test_any_combination_at_length(world, slug, way, monkeypatch):
    combine(world, slug, way, monkeypatch, 420)


def combine(world, slug, way, monkeypatch, examples):
    """12 x 420 are the 5,000 of a long run. `walked`: as if the few rows were too many to sort."""
    if way == "walked":
        monkeypatch.setattr(module, "FEW", 1)
        monkeypatch.setattr(module, "CAP", 3)

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data):
        check(world, data, slug)

    run()
