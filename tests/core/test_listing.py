"""Lists show the same rows in the same order as plain Python does, whatever the sort, direction, page and rights."""

from __future__ import annotations

import random
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Upper
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Contact
from crm.core import listing as module
from crm.core.beginnings import ranges
from crm.core.cursors import BadCursor, Cursor, Order
from crm.core.list_query import ListQuery
from crm.core.listing import Listing
from crm.core.records import record_for
from tests.factories import cast

pytestmark = pytest.mark.django_db
RECORD = SimpleNamespace(model=Contact)


def make_contacts(people, number=60, seed=1):
    chance = random.Random(seed)
    base = timezone.now()
    owners = [people.owner, people.teammate, people.stranger, None]
    rows = []
    for index in range(number):
        owner = chance.choice(owners)
        team = chance.choice([people.owner.team, people.stranger.team, None])
        row = Contact(first_name=chance.choice("ABCabcé"), last_name=str(index % 7), owner=owner, team=team)
        row.next_step_at = base + timedelta(hours=chance.randrange(5)) if chance.random() < 0.6 else None
        row.deleted_at = base if chance.random() < 0.1 else None
        row.fold()
        rows.append(row)
    return Contact.objects.bulk_create(rows)


def expected(rows, user, order):
    """The visible rows as plain Python orders them: empty keys last, ties by id in the direction of the sort."""
    seen = [row for row in rows if row.deleted_at is None and visible(row, user)]
    filled = sorted(
        (row for row in seen if getattr(row, order.column) is not None), key=lambda row: (getattr(row, order.column), row.pk), reverse=order.descending
    )
    empty = sorted((row for row in seen if getattr(row, order.column) is None), key=lambda row: row.pk, reverse=order.descending)
    return [row.pk for row in filled + empty]


def visible(row, user):
    match user.scope_for("contacts.contact", "view"):
        case "all":
            return True
        case "team":
            return row.owner_id == user.pk or row.team_id in user.team_scope
        case "own":
            return row.owner_id == user.pk
    return False


def walk(listing, order, size):
    """All pages forwards by cursor, then backwards from the last one."""
    forwards, cursor, pages = [], None, []
    while True:
        page = listing.page(order, size, cursor)
        forwards += [pk for pk, _key in page.pairs]
        pages.append(page)
        if not page.after:
            break
        pk, key = page.pairs[-1]
        cursor = Cursor(key, pk, page.offset + len(page.pairs))
    backwards = list(pages[-1].pairs)
    page = pages[-1]
    while page.before and page.pairs:
        pk, key = page.pairs[0]
        page = listing.page(order, size, Cursor(key, pk, page.offset, back=True))
        backwards = page.pairs + backwards
    return forwards, [pk for pk, _key in backwards]


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("column", ["sort_name", "next_step_at", "created_at"])
@pytest.mark.parametrize("descending", [False, True])
def test_every_page_in_both_directions(monkeypatch, many, column, descending):
    people = cast()
    rows = make_contacts(people)
    if many:
        monkeypatch.setattr(module, "CAP", 3)  # the way for lists longer than the cap
    order = Order(column, descending)
    for user in (people.owner, people.manager, people.stranger, people.viewer, people.admin, people.agent):
        listing = Listing(RECORD, user)
        for size in (1, 4, 25):
            forwards, backwards = walk(listing, order, size)
            assert forwards == expected(rows, user, order)
            assert backwards == forwards


# CAP, FEW, the planner's idea of the table's size, and how many rows a glance passes. Those with a comma: of filters only; "thin": the planner expects
# few matches.
WAYS = {
    "few": (10_000, 1_000, 0, 10**9),
    "thin, gathered at once": (10_000, 2, 10**9, 0),
    "thin, but there are more": (5, 2, 10**9, 3),
    "sorted between": (10_000, 2, 10**9, 0),
    "seen at a glance": (10_000, 2, 10**9, 10**9),
    "walked between": (10_000, 2, 0, 0),
    "many": (5, 2, 0, 10**9),
    "many, sorted where the next rows hold none": (5, 2, 10**9, 3),
    "many, walked all the same": (5, 2, 10**9, 2),
}


@pytest.mark.parametrize(("way", "narrowed"), [(way, narrowed) for way in WAYS for narrowed in ("filter", "search") if narrowed == "filter" or "," not in way])
@pytest.mark.parametrize("column", ["sort_name", "next_step_at"])
def test_every_page_of_a_filter_or_search(monkeypatch, way, narrowed, column):
    people = cast()
    rows = make_contacts(people)
    cap, few, size_of_table, passed = WAYS[way]
    monkeypatch.setattr(module, "GLANCE", passed)
    monkeypatch.setattr(module, "SHORT_GLANCE", passed)
    monkeypatch.setattr(module, "CAP", cap)
    monkeypatch.setattr("crm.core.slices.CAP", cap)
    monkeypatch.setattr(module, "SORTED", 6 if passed == 2 else 10**9)
    monkeypatch.setattr(module, "FEW", few)
    monkeypatch.setattr(module, "table_size", lambda model: size_of_table)
    monkeypatch.setattr(module, "planned_rows", lambda sql, params: 3 if way.startswith("thin") else 10**9)
    fitting = [row for row in rows if row.last_name in "0246"]
    q = Q(last_name__in=["0", "2", "4", "6"])
    narrow = (
        {"q": q}
        if narrowed == "search"
        else {
            "filterset": SimpleNamespace(
                filter_queryset=lambda rows: rows.filter(q), form=SimpleNamespace(cleaned_data={}), columns=set(), beginning=lambda column: ""
            )
        }
    )
    for descending in (False, True):
        order = Order(column, descending)
        for user in (people.owner, people.manager, people.stranger, people.admin):
            listing = Listing(RECORD, user, **narrow)
            whole = expected(fitting, user, order)
            for size in (1, 4, 25):
                forwards, backwards = walk(listing, order, size)
                assert forwards == whole
                assert backwards == forwards
            page = listing.page(order, 4, exact=True)
            assert (page.count, page.capped, page.rough) == (min(len(whole), cap), len(whole) > cap, False)
            page = listing.page(order, 4)
            soon = passed > 4 and sum(getattr(row, column) is not None and row.pk in whole for row in fitting) > 4
            # Nobody counts on for a short walk, or where the page comes along soon.
            known = cap if (size_of_table and not soon) or len(whole) <= few else min(few, cap)
            assert (page.count, page.capped, page.rough) == (min(len(whole), known), len(whole) > known, known < min(cap, len(whole)))


@pytest.mark.parametrize(("sort", "looks"), [("created", False), ("name", True)])
def test_the_sort_key_s_own_filter_begins_the_walk(monkeypatch, sort, looks):
    people, seen = cast(), []
    make_contacts(people)
    monkeypatch.setattr(module, "FEW", 2)
    monkeypatch.setattr(module, "table_size", lambda model: 10**9)
    monkeypatch.setattr(module, "planned_rows", lambda sql, params: 10**9)
    monkeypatch.setattr(Listing, "_glance", lambda self, *args: seen.append(args) or [])
    query = ListQuery(record_for("contacts"), people.admin, QueryDict(f"created=30d&city=&sort={sort}"))
    assert query.filterset.columns == {"created_at"}
    query.listing.page(query.order, 4)
    assert bool(seen) == looks


TOWNS = (
    "Wien",
    "WIEN",
    "wien",
    "wIEN",
    "Wi",
    "W",
    "Wels",
    "Wj",
    "wz",
    "Istanbul",
    "istanbul",
    "ıstanbul",
    "Stadt",
    "ſtadt",
    "sTadt",
    "Zell",
    "Öd",
    "öd",
    "1 A",
    "",
)


@pytest.mark.parametrize("way", ["walked between", "many"])
@pytest.mark.parametrize("typed", ["Wien", "wi", "W", "I", "is", "st", "Öd", "ö", "1", "1 a", "Zell am See"])
def test_towns_by_their_beginning_sorted_by_town(monkeypatch, way, typed):
    """Upper and lower case alike, in the order in which the database sorts them, however many pages."""
    cap, few, size_of_table, passed = WAYS[way]
    for name, value in (("CAP", cap), ("FEW", few), ("GLANCE", passed), ("SHORT_GLANCE", passed), ("table_size", lambda model: size_of_table)):
        monkeypatch.setattr(module, name, value)
    people, towns = cast(), [*TOWNS, *TOWNS]
    owners = [people.owner, people.teammate, people.stranger]
    rows = [Contact(last_name="A", city=town, owner=owners[place % 3], team=owners[place % 3].team) for place, town in enumerate(towns)]
    rows = Contact.objects.bulk_create(rows)
    upper = dict(Contact.objects.annotate(upper=Upper("city")).values_list("pk", "upper"))
    for sign in ("", "-"):
        for user in (people.owner, people.manager, people.admin):
            query = ListQuery(record_for("contacts"), user, QueryDict(urlencode({"city": typed, "sort": f"{sign}city"})))
            fitting = [row for row in rows if upper[row.pk].startswith(typed.upper())]
            with CaptureQueriesContext(connection) as statements:
                for size in (1, 4):
                    forwards, backwards = walk(query.listing, query.order, size)
                    assert forwards == backwards == expected(fitting, user, query.order)
            begun = any(f"\"city\" >= '{typed[:2].upper()}'" in each["sql"] for each in statements)
            assert begun == (typed.isascii() and len(fitting) > few), "the walk begins at the town"


def test_ranges_hold_all_cases_and_little_else():
    assert ranges("Wien") == [("WI", "WJ"), ("Wi", "Wj"), ("Wı", "WĲ"), ("wI", "wJ"), ("wi", "wj"), ("wı", "wĲ")]
    assert ranges("w") == [("W", "X"), ("w", "x")] and ranges("1") == [("1", "2")]
    assert ranges("Öd") == ranges("") == [] and ranges("eÖ") == [("E", "F"), ("e", "f")]


def test_the_database_knows_no_other_upper_cases_than_we_do():
    """Of all characters, those whose upper case is a plain sign."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT upper(chr(n)), chr(n) FROM generate_series(1, 1114111) n WHERE n NOT BETWEEN 55296 AND 57343 AND ascii(upper(chr(n))) < 128")
        found = cursor.fetchall()
    assert len(found) > 120
    for upper, sign in found:
        assert any(start <= sign < end for start, end in ranges(upper)), (upper, sign)


def test_where_texts_are_sorted_otherwise_nothing_is_known(monkeypatch):
    monkeypatch.setattr("crm.core.beginnings.by_code_points", lambda: False)
    assert ranges("Wien") == []


def test_counts_stop_at_the_cap(monkeypatch):
    people = cast()
    rows = make_contacts(people)
    total = len(expected(rows, people.owner, Order("created_at")))
    assert Listing(RECORD, people.owner).count() == (total, False)
    monkeypatch.setattr(module, "CAP", 5)
    assert Listing(RECORD, people.owner).count() == (5, True)
    page = Listing(RECORD, people.owner).page(Order("created_at"), 25)
    assert (page.count, page.capped) == (5, True)


def test_iterate_gives_each_visible_row_once():
    people = cast()
    rows = make_contacts(people)
    order = Order("next_step_at", True)
    found = [row.pk for chunk in Listing(RECORD, people.owner).iterate(order, 7) for row in chunk]
    assert found == expected(rows, people.owner, order)


def test_nothing_matches():
    people = cast()
    make_contacts(people, 5)
    page = Listing(RECORD, people.owner, q=Q(pk=-1)).page(Order("sort_name"), 25)
    assert (page.pairs, page.count, page.after, page.before) == ([], 0, False, False)


@pytest.mark.parametrize("text", ["x", "!!!", "W10", Cursor("2020-13-45", 1).encode(), "A" * 5000, Cursor("not a time", 3).encode()])
def test_foreign_cursors_are_refused(text):
    with pytest.raises(BadCursor):
        Cursor.decode(text, Contact._meta.get_field("created_at"))
