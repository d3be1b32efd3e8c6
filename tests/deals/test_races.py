"""Two people at the same moment, on real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from crm.core.models import OutboxEvent
from crm.core.writes import StaleRecord
from deals.models import Deal, StageChange
from deals.services import move_deal
from tests.deals.factories import make_deal, stage
from tests.factories import cast

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run the calls in threads that start together; what they return or raise, in order."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(index: int, call: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index, call)) for index, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_of_two_different_moves_one_wins() -> None:
    people = cast()
    for _round in range(5):
        deal = make_deal(people.owner)
        first, second = Deal.objects.get(pk=deal.pk), Deal.objects.get(pk=deal.pk)
        won, proposal = stage("Won"), stage("Proposal")
        results = at_once(
            lambda first=first: move_deal(first, won, actor=people.owner), lambda second=second: move_deal(second, proposal, actor=people.teammate)
        )
        moved = [each for each in results if isinstance(each, Deal)]
        refused = [each for each in results if isinstance(each, StaleRecord)]
        assert (len(moved), len(refused)) == (1, 1), results
        assert Deal.objects.get(pk=deal.pk).stage_id == moved[0].stage_id == refused[0].current.stage_id
        assert StageChange.objects.filter(deal=deal).count() == 2


def test_the_same_move_eight_times_happens_once() -> None:
    people = cast()
    deal, won = make_deal(people.owner), stage("Won")
    results = at_once(*[lambda: move_deal(Deal.objects.get(pk=deal.pk), won, actor=people.owner)] * 8)
    assert all(isinstance(each, Deal) for each in results), results
    assert StageChange.objects.filter(deal=deal).count() == 2
    assert OutboxEvent.objects.filter(name="deals.won").count() == 1
