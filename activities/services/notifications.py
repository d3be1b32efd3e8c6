"""The bell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone, translation

from activities.models import Notification, Reminder
from crm.core import replica

MAX_TEXT = 300


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def notify(user: Any, kind: str, text: Any, url: str = "") -> Notification:
    """Put one line into a user's bell. A lazy `text` is translated into the user's language. Their lists will show what it tells of."""
    transaction.on_commit(lambda: replica.note(user.pk), robust=True)
    with translation.override(user.language):
        return Notification.objects.create(user=user, kind=kind, text=str(text)[:MAX_TEXT], url=safe_path(url))


def safe_path(url: str) -> str:
    """Only addresses of our own: a notification never leads elsewhere."""
    return url[:300] if url.startswith("/") and not url.startswith("//") and "\\" not in url else ""


@transaction.atomic
def mark_read(ids: Iterable[int], *, user: Any) -> int:
    """Mark the user's notifications as read, and their reminders as seen."""
    at = timezone.now()
    rows = Notification.objects.filter(pk__in=list(ids), user=user, read_at__isnull=True)
    Reminder.objects.filter(notification__in=rows, seen_at__isnull=True).update(seen_at=at)
    return rows.update(read_at=at)


@transaction.atomic
def mark_all_read(*, user: Any) -> int:
    at = timezone.now()
    rows = Notification.objects.filter(user=user, read_at__isnull=True)
    Reminder.objects.filter(notification__in=rows, seen_at__isnull=True).update(seen_at=at)
    return rows.update(read_at=at)
