"""Facts that other apps may react to. `emit` writes them in the caller's transaction (docs/decisions/events.md)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from crm.core import ledger
from crm.core.logs import current_request_id
from crm.core.models import Delivery, OutboxEvent


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events: primitives only, names in the past tense. One event may tell of many subjects of one type."""

    name: ClassVar[str]
    subject_type: ClassVar[str]
    subject_ids: tuple[int, ...]
    actor_id: int | None


@dataclass(frozen=True, kw_only=True)
class RecordEvent(Event):
    """What the kernel says of every record type: `<label>.created|changed|assigned|deleted|restored|reverted`.

    `reverted` comes after the `changed` of an undo: what follows from the fields is worked out anew; nobody was assigned anything.

    `changes` maps subject id (as text) to {field: {"old", "new", "old_text", "new_text"}}.
    """

    label: str
    verb: str
    changes: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Subscription:
    """`now`: in the emitting transaction (database writes that must be seen at once). `later`: by a worker, retried."""

    handler: str
    now: bool = False


def now(handler: str) -> Subscription:
    return Subscription(handler, now=True)


def later(handler: str) -> Subscription:
    return Subscription(handler)


def subscriptions() -> dict[str, tuple[Subscription, ...]]:
    return import_string(settings.EVENT_SUBSCRIPTIONS)


def emit(event: Event, *, depth: int = 0) -> OutboxEvent:
    """Store the event and one delivery per later-handler; run the now-handlers. Raises outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{event!r}: emit() outside a transaction can lose the event")
    payload = asdict(event)
    running = ledger.current()
    if running is not None and running.told_at_end:
        payload["bulk"] = True  # who would be told of each chunk hears of the whole job instead
    name = f"{event.label}.{event.verb}" if isinstance(event, RecordEvent) else event.name
    subject_type = event.label if isinstance(event, RecordEvent) else event.subject_type
    row = OutboxEvent.objects.create(
        name=name,
        subject_type=subject_type,
        subject_ids=list(payload.pop("subject_ids")),
        actor_id=payload.pop("actor_id"),
        payload=payload,
        request_id=current_request_id()[:64],
        depth=depth,
    )
    wanted = subscriptions().get(name, ())
    Delivery.objects.bulk_create([Delivery(event=row, handler=each.handler) for each in wanted if not each.now])
    for each in wanted:
        if each.now:
            import_string(each.handler)(row)
    if any(not each.now for each in wanted):
        ring()
    return row


def ring() -> None:
    """Wake a worker after the commit, once per transaction. Latency only: the beat's sweep would deliver anyway."""
    callbacks = transaction.get_connection().run_on_commit
    if not any(callback is _ring_now for _sids, callback, _robust in callbacks):
        transaction.on_commit(_ring_now, robust=True)


def _ring_now() -> None:
    from crm.core.tasks import sweep_outbox

    sweep_outbox.delay()
