"""What the bell shows."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from django.core.cache import caches
from django.db.models import Case, DateTimeField, Func, IntegerField, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from activities.models import Notification, NotificationSettings, Reminder, Task
from crm.core.compiled import NUMBER, Compiled, all_rows
from crm.core.context import Banner

PAGE, DUE_CAP = 50, 100
LATE_AFTER, LATE_KEPT, LATE_CAP = timedelta(minutes=1), 5, 100  # six rounds of the beat have come and gone


_COUNT, _NEWEST = (Func(template=template, output_field=IntegerField()) for template in ("count(*)", "coalesce(max(id), 0)"))
_unread = Compiled(lambda: Notification.objects.filter(user=NUMBER, read_at__isnull=True).order_by().values_list(Value(0), _COUNT, _NEWEST))
_due = Compiled(
    lambda: (
        Task.objects.alive()
        .filter(owner=NUMBER, done_at__isnull=True)
        .filter(due_at__lt=Func(NUMBER, function="to_timestamp", output_field=DateTimeField()))
        .order_by("due_at")
        .values_list(Value(1), Case(When(due_at__lt=Now(), then=1), default=0), Value(0))[:DUE_CAP]
    )
)


class BellState(NamedTuple):
    """What the frame of each page shows: unread notifications, own tasks that are due by the end of today (counted to DUE_CAP), whether one of them
    is late. `newest` is the id of the newest unread one."""

    unread: int
    newest: int
    due: int
    late: bool

    @property
    def figure(self) -> str:
        """How much is due, as it stands beside "Today"; "" when nothing is."""
        return f"{DUE_CAP - 1}+" if self.due >= DUE_CAP else str(self.due or "")

    @property
    def v(self) -> str:
        """Changes whenever this has to be painted anew."""
        return "-".join(str(int(part)) for part in self)


def bell_state(user: Any) -> BellState:
    """Two looks at indexes in one statement. (Hook "waiting".)"""
    midnight = datetime.combine(timezone.localdate() + timedelta(days=1), time(), timezone.get_current_timezone())
    ((_kind, unread, newest), *due) = sorted(all_rows([_unread.filled(user.pk), _due.filled(user.pk, int(midnight.timestamp()))]))
    return BellState(unread, newest, len(due), any(late for _kind, late, _newest in due))


def late_banners(user: Any) -> list[Banner]:
    """For admins: reminders are due and not sent although the background processes answer. (Hook "banners"; at most LATE_KEPT seconds old.)"""
    late = caches["fragments"].get_or_set("reminders.late", _late, LATE_KEPT) or 0
    if not late:
        return []
    text = ngettext("Reminders are late: %(count)s has been due for over a minute.", "Reminders are late: %(count)s have been due for over a minute.", late)
    return [Banner("danger", text % {"count": late if late < LATE_CAP else f"{LATE_CAP}+"}, "/settings/background/", _("Details"))]


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
