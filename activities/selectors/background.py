"""Do the background processes keep up? For the admins' page about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min

from activities.models import Reminder
from crm.core.health import STALE_SECONDS, readiness
from mail.models import OutgoingMail

WAIT = timedelta(seconds=STALE_SECONDS)  # what may wait this long keeps up


@dataclass(frozen=True)
class Queue:
    """What is due and not done: how many, and since when the first of them."""

    count: int
    oldest: datetime | None

    def is_late(self, now: datetime) -> bool:
        return self.oldest is not None and now - self.oldest > WAIT


@dataclass(frozen=True)
class Background:
    """`facts` as /readyz shows them (crm.core.health.readiness); reminders and mails that are due; mails that failed for good since a week ago."""

    facts: dict[str, Any]
    reminders: Queue
    mails: Queue
    failed: int


def background(now: datetime) -> Background:
    due = Reminder.objects.filter(sent_at__isnull=True, cancelled_at__isnull=True, remind_at__lte=now)
    queued = OutgoingMail.objects.filter(state=OutgoingMail.State.QUEUED, next_attempt_at__lte=now)
    failed = OutgoingMail.objects.filter(state=OutgoingMail.State.FAILED, created_at__gte=now - timedelta(days=7)).count()
    return Background(readiness(), _queue(due, "remind_at"), _queue(queued, "next_attempt_at"), failed)


def _queue(rows: Any, field: str) -> Queue:
    return Queue(**rows.order_by().aggregate(count=Count("pk"), oldest=Min(field)))
