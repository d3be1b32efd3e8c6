"""What the bell shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Count, Func, IntegerField, Max

from activities.models import Notification
from crm.core.compiled import NUMBER, Compiled

PAGE = 50


_COUNT = Func(template="count(*)", output_field=IntegerField())
_unread = Compiled(lambda: Notification.objects.filter(user=NUMBER, read_at__isnull=True).order_by().values_list(_COUNT))


class BellState(NamedTuple):
    """`v` changes whenever the bell has to be painted anew."""

    v: str
    unread: int


def bell_state(user: Any) -> BellState:
    """One look at the index of unread rows."""
    found = Notification.objects.filter(user=user, read_at__isnull=True).aggregate(unread=Count("pk"), newest=Max("pk"))
    return BellState(f"{found['newest'] or 0}-{found['unread']}", found["unread"])


def unread_count(user: Any) -> int:
    """For the bell on every page. (Hook "unread".)"""
    return _unread.rows(user.pk)[0][0]


def notifications_page(user: Any, before: int | None = None) -> tuple[list[Notification], int | None]:
    """The user's newest notifications (older than the one with the id `before`), and where the next page starts."""
    rows = Notification.objects.visible_to(user)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None
