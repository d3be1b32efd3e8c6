"""Deliveries: each event once per handler, whatever fails or is killed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import connections, transaction
from django.utils import timezone

from crm.core import outbox
from crm.core.events import Event, Subscription, emit
from crm.core.models import Delivery, Heartbeat, OutboxEvent

HERE = "tests.core.test_outbox"
SUBSCRIPTIONS = {
    "test.happened": (Subscription(f"{HERE}.write"),),
    "test.broken": (Subscription(f"{HERE}.fail"), Subscription(f"{HERE}.write")),
    "test.now": (Subscription(f"{HERE}.write", now=True),),
}


@dataclass(frozen=True, kw_only=True)
class Happened(Event):
    name: ClassVar[str] = "test.happened"
    subject_type: ClassVar[str] = "test"


@dataclass(frozen=True, kw_only=True)
class Broken(Happened):
    name: ClassVar[str] = "test.broken"


@dataclass(frozen=True, kw_only=True)
class AtOnce(Happened):
    name: ClassVar[str] = "test.now"


def write(event):
    Heartbeat.objects.create(name=f"event {event.pk}")


def fail(event):
    Heartbeat.objects.create(name=f"half {event.pk}")
    raise ValueError("on purpose")


@pytest.fixture(autouse=True)
def subscribed(settings):
    settings.EVENT_SUBSCRIPTIONS = f"{HERE}.SUBSCRIPTIONS"


def send(event_type):
    with transaction.atomic():
        return emit(event_type(subject_ids=(1,), actor_id=None))


@pytest.mark.django_db
def test_delivered_once():
    send(Happened)
    assert outbox.drain() == 1
    assert outbox.drain() == 0
    assert Heartbeat.objects.count() == 1
    assert outbox.oldest_waiting_seconds() == 0


@pytest.mark.django_db
def test_a_rolled_back_fact_leaves_nothing():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        emit(Happened(subject_ids=(1,), actor_id=None))
        raise ZeroDivisionError
    assert not OutboxEvent.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_now_handlers_run_in_the_same_transaction():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        emit(AtOnce(subject_ids=(1,), actor_id=None))
        assert Heartbeat.objects.count() == 1
        raise ZeroDivisionError
    assert Heartbeat.objects.count() == 0


@pytest.mark.django_db
def test_a_failing_handler_is_retried_then_dead_and_hurts_no_other():
    send(Broken)
    for attempt in range(1, outbox.MAX_ATTEMPTS + 1):
        outbox.drain()
        broken = Delivery.objects.get(handler=f"{HERE}.fail")
        assert broken.attempts == attempt
        assert not Heartbeat.objects.filter(name__startswith="half").exists()
        Delivery.objects.filter(status="pending").update(next_attempt_at=timezone.now())
    assert (broken.status, "on purpose" in broken.last_error) == ("dead", True)
    assert Heartbeat.objects.count() == 1
    assert outbox.retry([broken.pk]) == 1
    assert Delivery.objects.get(pk=broken.pk).attempts == 0


@pytest.mark.django_db
def test_a_handler_that_kills_its_process_ends_dead_after_its_attempts():
    send(Happened)
    for _attempt in range(outbox.MAX_ATTEMPTS):  # claimed, then the process died before it could say so
        assert len(outbox.claim()) == 1
        Delivery.objects.update(next_attempt_at=timezone.now())
    outbox.drain()
    assert Delivery.objects.get().status == "dead"
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_parallel_workers_deliver_each_event_once():
    for _index in range(60):
        send(Happened)
    failures = []

    def work():
        try:
            outbox.drain()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Heartbeat.objects.count() == 60  # a second run would break the unique name
    assert set(Delivery.objects.values_list("status", flat=True)) == {"done"}


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_comes_too_late_delays_nothing():
    send(Happened)
    (claimed,) = outbox.claim()
    locked = threading.Event()

    def look():  # what the claim of another worker does for an instant, here for longer
        with transaction.atomic():
            list(Delivery.objects.select_for_update().filter(pk=claimed))
            locked.set()
            time.sleep(0.3)
        connections.close_all()

    other = threading.Thread(target=look)
    other.start()
    assert locked.wait(10)
    assert outbox.deliver(claimed)
    other.join()
    assert Heartbeat.objects.count() == 1


@pytest.mark.django_db
def test_a_restored_copy_repeats_nothing_by_itself():
    send(Happened)
    assert outbox.hold_pending() == 1
    assert outbox.drain() == 0
    outbox.retry(list(Delivery.objects.values_list("pk", flat=True)))
    assert outbox.drain() == 1
