"""What the bell shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.core.cache import caches
from django.db.models import Count, Func, IntegerField, Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from activities.models import Notification, NotificationSettings, Reminder
from crm.core.compiled import NUMBER, Compiled
from crm.core.context import Banner

PAGE = 50
LATE_AFTER, LATE_KEPT, LATE_CAP = timedelta(minutes=1), 5, 100  # six rounds of the beat have come and gone


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


def late_banners(user: Any) -> list[Banner]:
    """For admins: reminders are due and not sent although the background processes answer. (Hook "banners"; at most LATE_KEPT seconds old.)"""
    late = caches["fragments"].get_or_set("reminders.late", _late, LATE_KEPT) or 0
    if not late:
        return []
    text = ngettext("Reminders are late: %(count)s has been due for over a minute.", "Reminders are late: %(count)s have been due for over a minute.", late)
    return [Banner("danger", text % {"count": late if late < LATE_CAP else f"{LATE_CAP}+"}, "/readyz", _("Details"))]


def _late() -> int:
    """Counted from the index of what is to be sent, to a limit."""
    due = Reminder.objects.filter(sent_at__isnull=True, cancelled_at__isnull=True, remind_at__lt=timezone.now() - LATE_AFTER)
    return len(due.order_by("remind_at", "id").values_list("pk")[:LATE_CAP])


def settings_of(user: Any) -> NotificationSettings:
    """How a user wants to hear of what; what was not chosen is empty."""
    return NotificationSettings.objects.filter(user=user).first() or NotificationSettings(user=user)


def notifications_page(user: Any, before: int | None = None) -> tuple[list[Notification], int | None]:
    """The user's newest notifications (older than the one with the id `before`), and where the next page starts."""
    rows = Notification.objects.visible_to(user)
    if user.is_viewed:  # what a line says of a meeting may be the colleague's alone
        rows = rows.exclude(url__startswith="/meetings/")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None
