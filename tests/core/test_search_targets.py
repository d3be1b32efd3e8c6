"""Who searches for somebody finds them among the first five, however they type it."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from crm.core import finding, words
from crm.core.search import search_all
from tests.core.searches import FIRST, LAST, people, real_names, searches, store
from tests.factories import cast

ENOUGH = 0.95


@pytest.fixture(autouse=True)
def nothing_known():
    """What the process keeps is of another test's rows."""
    words._known.clear()
    finding._samples.clear()


def missed(made, actor, size, dice):
    """Searches whose target is not among the first five of its type, and the seconds that each took."""
    wrong, took = [], []
    for search in searches(dice, made, size):
        began = time.perf_counter()
        groups = search_all(actor, search.query).groups
        took.append(time.perf_counter() - began)
        hits = next((group.hits for group in groups if group.slug == "contacts"), [])
        if search.target not in [hit.label for hit in hits[:5]]:
            wrong.append(search)
    return wrong, took


@pytest.mark.django_db
def test_the_target_is_among_the_first_five(django_capture_on_commit_callbacks):
    actor, dice = cast().admin, random.Random(7)
    made = people(dice, FIRST, LAST, 1500)
    with django_capture_on_commit_callbacks(execute=True):
        store(made, actor)
    wrong, _took = missed(made, actor, 280, dice)
    assert len(wrong) <= 280 * (1 - ENOUGH), wrong


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_two_thousand_searches_in_real_names():
    firsts, lasts = real_names()
    actor, dice = cast().admin, random.Random(11)
    made = people(dice, firsts, lasts, 10_000)
    store(made, actor)
    wrong, took = missed(made, actor, 2000, dice)
    print(f"{2000 - len(wrong)} of 2000 found, missed {dict(Counter(search.kind for search in wrong))}, p95 {sorted(took)[1900] * 1000:.0f} ms")
    for search in wrong[:40]:
        print(search)
    assert len(wrong) <= 2000 * (1 - ENOUGH)
