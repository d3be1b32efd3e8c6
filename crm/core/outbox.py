"""Delivers stored events: each (event, handler) once, whatever is killed (docs/decisions/events.md)."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from crm.core.models import Delivery

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
BATCH = 20
LEASE = timedelta(seconds=15)  # a killed worker's claims are free again after it


def claim(limit: int = BATCH) -> list[int]:
    """Count the attempt and take a lease in a transaction of its own, so that a handler that kills its process still counts."""
    at = timezone.now()
    with transaction.atomic():
        due = Delivery.objects.filter(status=Delivery.Status.PENDING, next_attempt_at__lte=at)
        ids = list(due.order_by("next_attempt_at", "id").select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        Delivery.objects.filter(pk__in=ids).update(attempts=F("attempts") + 1, next_attempt_at=at + LEASE)
    return sorted(ids)


def deliver(delivery_id: int) -> bool:
    """Run one handler. Its writes and the 'done' mark commit together. False when it failed or another worker has done it.

    It waits for the row instead of skipping it: a claim that comes too late locks rows for an instant before it
    sees that they are taken, and a delivery skipped for that would lie there until its lease has run out.
    """
    try:
        with transaction.atomic():
            delivery = Delivery.objects.select_for_update(of=("self",)).select_related("event").filter(pk=delivery_id, status=Delivery.Status.PENDING).first()
            if delivery is None:
                return False
            if delivery.attempts > MAX_ATTEMPTS:  # it never came to the except branch: it killed its process
                _bury(delivery, "The process died while it handled this event.")
                return False
            import_string(delivery.handler)(delivery.event)
            delivery.status, delivery.last_error = Delivery.Status.DONE, ""
            delivery.save(update_fields=["status", "last_error"])
    except Exception as error:
        log.exception("delivery failed", extra={"delivery": delivery_id})
        _record_failure(delivery_id, error)
        return False
    return True


def _record_failure(delivery_id: int, error: Exception) -> None:
    delivery = Delivery.objects.get(pk=delivery_id)
    if delivery.attempts >= MAX_ATTEMPTS:
        _bury(delivery, repr(error))
        return
    delivery.last_error = repr(error)[:2000]
    delivery.next_attempt_at = timezone.now() + timedelta(seconds=min(900, 4**delivery.attempts))
    delivery.save(update_fields=["last_error", "next_attempt_at"])


def _bury(delivery: Delivery, reason: str) -> None:
    delivery.status, delivery.last_error = Delivery.Status.DEAD, reason[:2000]
    delivery.save(update_fields=["status", "last_error"])
    log.error("delivery is dead", extra={"delivery": delivery.pk, "handler": delivery.handler})


def drain(seconds: float = 20) -> int:
    """Deliver what is due until nothing is left or the time is up; how many were done."""
    end, done = timezone.now() + timedelta(seconds=seconds), 0
    while timezone.now() < end:
        claimed = claim()
        if not claimed:
            break
        done += sum(deliver(pk) for pk in claimed)
    return done


@transaction.atomic
def retry(delivery_ids: list[int]) -> int:
    """Give dead deliveries another five attempts."""
    rows = Delivery.objects.filter(pk__in=delivery_ids, status=Delivery.Status.DEAD)
    return rows.update(status=Delivery.Status.PENDING, attempts=0, next_attempt_at=timezone.now())


@transaction.atomic
def hold_pending() -> int:
    """After a restore: what was undelivered then may have been delivered since, so a person decides (admin, "Retry"); how many."""
    rows = Delivery.objects.filter(status=Delivery.Status.PENDING)
    return rows.update(status=Delivery.Status.DEAD, last_error="Held after a restore. Retry if it has not been done since the backup.")


def oldest_waiting_seconds() -> float:
    """Age of the oldest undelivered event, 0 when there is none."""
    first = Delivery.objects.filter(status=Delivery.Status.PENDING).order_by("event__occurred_at").values_list("event__occurred_at", flat=True).first()
    return (timezone.now() - first).total_seconds() if first else 0.0
