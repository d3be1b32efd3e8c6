"""The mail of the morning: what is due today, what is overdue, what is unread. Once per user and day of their calendar, from eight o'clock there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation

from activities.models import NotificationSettings
from activities.selectors import day_of
from activities.services.notifications import DIGEST_TIME
from crm.core import cells
from mail.models import OutgoingMail
from mail.services import queue_mails, render_mail


def send_digests(now: datetime | None = None) -> int:
    """Queue the digests that are due; how many. Whoever asks second finds the row locked or the day noted."""
    now = now or timezone.now()
    wanted = NotificationSettings.objects.filter(digest=True, user__is_active=True).values_list("pk", "digest_on", "user__time_zone").order_by("pk")
    days = {pk: day for pk, last, zone in wanted if (day := _due_day(now, zone)) is not None and (last is None or last < day)}
    return sum(_send(pk, day, now) for pk, day in days.items())


def _due_day(now: datetime, zone: str) -> date | None:
    local = now.astimezone(ZoneInfo(zone))
    return local.date() if local.time() >= DIGEST_TIME else None


@transaction.atomic
def _send(pk: int, day: date, now: datetime) -> int:
    """The mark and the mail commit together. A day on which there is nothing to tell is marked all the same."""
    rows = NotificationSettings.objects.filter(Q(digest_on__isnull=True) | Q(digest_on__lt=day), pk=pk, digest=True, user__is_active=True)
    row = rows.select_for_update(skip_locked=True, of=("self",)).select_related("user__role").first()
    if row is None:
        return 0
    row.digest_on = day
    row.save(update_fields=["digest_on"])
    mail = _mail(row.user, day, now)
    return len(queue_mails([mail])) if mail else 0


def _mail(user: Any, day: date, now: datetime) -> dict[str, Any] | None:
    zone = ZoneInfo(user.time_zone)
    found = day_of(user, day, now, zone)
    if found.is_empty:
        return None
    with translation.override(user.language), timezone.override(zone):
        locale = cells.current_locale()
        context = {
            "user": user,
            "date": cells.format_long(day, locale),
            "overdue": [_line(row, locale, zone, dated=True) for row in found.overdue],
            "today": [_line(row, locale, zone) for row in found.today],
            "more": found.more,
            "unread": found.unread,
            "news": found.news,
            "url": f"{settings.BASE_URL}/",
            "choose_url": f"{settings.BASE_URL}/notifications/settings/",
        }
        mail = render_mail("digest", context, language=user.language)
    address = {"to_address": user.email, "to_name": user.name, "user": user}
    return {**mail, **address, "purpose": OutgoingMail.Purpose.NOTICE, "key": f"digest:{user.pk}:{day.isoformat()}", "is_private": True}


def _line(row: Any, locale: Any, zone: ZoneInfo, *, dated: bool = False) -> tuple[str, str, str]:
    """(title, when, address) of a task or meeting."""
    at = getattr(row, "starts_at", None) or row.due_at
    clock = "" if getattr(row, "is_all_day", False) else cells.format_clock(at.astimezone(zone), locale)
    local = row.due_on if getattr(row, "is_all_day", False) else at.astimezone(zone).date()
    when = f"{cells.format_short(local, locale)} {clock}".strip() if dated else clock
    return str(row), when, f"{settings.BASE_URL}{row.get_absolute_url()}"
