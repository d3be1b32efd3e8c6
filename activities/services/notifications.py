"""How people hear of what: the bell, mails, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activities.models import Notification, NotificationSettings, Reminder
from crm.core import replica
from mail.models import OutgoingMail
from mail.services import queue_mails, render_mail

MAX_TEXT = 300
Channel = NotificationSettings.Channel
IN_APP, BY_MAIL = (Channel.APP, Channel.BOTH), (Channel.MAIL, Channel.BOTH)
DIGEST_TIME = time(8)


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def notify(user: Any, kind: str, text: Any, url: str = "", *, is_private: bool = False) -> Notification | None:
    """Tell a user something, as they chose: by a line in the bell, by mail, both or not at all. A lazy `text` is translated into the user's language.
    Their lists will show what it tells of. `is_private`: nobody else reads the mail. The line, if there is one."""
    transaction.on_commit(lambda: replica.note(user.pk), robust=True)
    wanted, url = channels_of([user.pk], kind)[user.pk], safe_path(url)
    with translation.override(user.language):
        words = str(text)[:MAX_TEXT]
        if wanted in BY_MAIL:
            mail = render_mail("notice", {"user": user, "text": words, "url": f"{settings.BASE_URL}{url}" if url else ""}, language=user.language)
            address = {"to_address": user.email, "to_name": user.name, "user": user, "is_private": is_private}
            queue_mails([{**mail, **address, "purpose": OutgoingMail.Purpose.NOTICE}])
    return Notification.objects.create(user=user, kind=kind, text=words, url=url) if wanted in IN_APP else None


def channels_of(user_ids: Iterable[int], kind: str) -> dict[int, str]:
    """How each of these users wants to hear of a kind of news."""
    ids = list(user_ids)
    chosen = NotificationSettings.objects.in_bulk(ids)
    return {pk: chosen.get(pk, NotificationSettings()).channel_of(kind) for pk in ids}


@transaction.atomic
def set_channels(user: Any, channels: dict[str, str], *, digest: bool, actor: Any) -> NotificationSettings:
    """What a user wants to hear of, and how; `digest`: a mail each morning, from the next morning on. Only for oneself."""
    if actor is not None and actor.pk != user.pk:
        raise ValidationError(_("Everybody chooses this for themselves."), code="forbidden")
    if set(channels) - set(Notification.Kind.values) or set(channels.values()) - set(Channel.values):
        raise ValidationError(_("Choose from the list."), code="choice")
    NotificationSettings.objects.bulk_create([NotificationSettings(user=user)], ignore_conflicts=True)
    row = NotificationSettings.objects.select_for_update().get(user=user)
    if digest and not row.digest:
        now = timezone.now().astimezone(ZoneInfo(user.time_zone))
        row.digest_on = now.date() if now.time() >= DIGEST_TIME else row.digest_on
    row.channels, row.digest = channels, digest
    row.save(update_fields=["channels", "digest", "digest_on"])
    return row


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
