"""Reminders: a row per task and time, sent exactly once with its notification and its mail (docs/decisions/reminders.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities.models import DateRule, Meeting, Notification, Reminder, Task
from activities.selectors import due_words
from activities.services import dates, due
from activities.services.notifications import BY_MAIL, IN_APP, channels_of
from mail.models import OutgoingMail
from mail.services import queue_mails, render_mail
from users.selectors import request_box

BATCH = 100
LINK_SALT = "activities.reminder"
LATE = timedelta(days=1)
PAST = timedelta(minutes=5)  # a reminder for a time that was over when it was asked for is not made
ANSWERS = (
    ("hour", gettext_lazy("In 1 hour")),
    ("tomorrow", gettext_lazy("Tomorrow at 9")),
    ("monday", gettext_lazy("Monday at 9")),
    ("done", gettext_lazy("Done")),
)  # what the mail offers
Wanted = dict[int, set[tuple[int, int, datetime]]]  # row id -> {(user id, minutes before, when)}


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def set_reminders(rows: Iterable[Any], minutes: dict[int, set[int]], *, new: bool = False, chosen: bool = False) -> None:
    """Make the unsent reminders of tasks or meetings those in `minutes` ({row id: minutes before}); rows without an entry lose theirs.

    `new` rows can't have any yet. `chosen`: somebody asked for these lead times and no others, so that none of the others ever comes back.
    """
    rows = list(rows)
    if not rows:
        return
    link = "task" if isinstance(rows[0], Task) else "meeting"
    oldest = timezone.now() - PAST
    wanted: Wanted = defaultdict(set)
    for row in rows:
        for before in minutes.get(row.pk, set()):
            at = reminder_time(row, before)
            if at is not None and at >= oldest:
                wanted[row.pk].add((row.owner_id, before, at))
    if chosen:
        _forget_others(link, [row.pk for row in rows], minutes)
    if not new:
        _cancel_others(link, [row.pk for row in rows], wanted)
    fresh = [
        Reminder(**{f"{link}_id": pk}, user_id=user, minutes_before=before, remind_at=at) for pk, entries in wanted.items() for user, before, at in entries
    ]
    Reminder.objects.bulk_create(fresh, ignore_conflicts=True)


def _forget_others(link: str, pks: list[int], minutes: dict[int, set[int]]) -> None:
    """What was never sent goes; what was sent stays as proof, but is no longer asked for."""
    for pk in pks:
        others = Reminder.objects.filter(**{f"{link}_id": pk}).exclude(minutes_before__in=minutes.get(pk, set()))
        others.filter(sent_at__isnull=True).delete()
        others.filter(cancelled_at__isnull=True).update(cancelled_at=timezone.now())


def _cancel_others(link: str, pks: list[int], wanted: Wanted) -> None:
    """Cancel what is no longer wanted; take back a cancelled one that is wanted again. The row is unique by task, user and time: a day later "at
    the time" of yesterday is "1 day before", and the same row."""
    at = timezone.now()
    unsent = Reminder.objects.filter(**{f"{link}_id__in": pks}, sent_at__isnull=True).select_for_update().order_by("pk")
    cancel = []
    for reminder in unsent:
        entries = wanted.get(getattr(reminder, f"{link}_id"), set())
        before = next((before for user, before, moment in entries if (user, moment) == (reminder.user_id, reminder.remind_at)), None)
        if before is None and reminder.cancelled_at is None:
            cancel.append(reminder.pk)
        elif before is not None and (reminder.cancelled_at is not None or before != reminder.minutes_before):
            reminder.cancelled_at, reminder.minutes_before = None, before
            reminder.save(update_fields=["cancelled_at", "minutes_before"])
    if cancel:
        Reminder.objects.filter(pk__in=cancel).update(cancelled_at=at)


def reminder_time(row: Any, minutes_before: int) -> datetime | None:
    """When to remind of a task or a meeting, in UTC; None for a task without a day."""
    if isinstance(row, Meeting):
        local = row.starts_at.astimezone(ZoneInfo(row.zone))
        days, minutes = divmod(minutes_before, due.DAY_MINUTES)
        if not days:
            return row.starts_at - timedelta(minutes=minutes)
        return due.remind_at(local.date(), local.time().replace(tzinfo=None), row.zone, minutes_before)
    return due.remind_at(row.due_on, row.due_time, row.zone, minutes_before) if row.due_on else None


def planned_minutes(rows: Iterable[Any], *, cancelled: bool = False) -> dict[int, set[int]]:
    """How long before each row its reminders are planned or were sent; with `cancelled`, also what was cancelled before it could be sent: of rows
    that were done or in the bin."""
    rows = list(rows)
    if not rows:
        return {}
    link = "task" if isinstance(rows[0], Task) else "meeting"
    found: dict[int, set[int]] = defaultdict(set)
    reminders = Reminder.objects.filter(**{f"{link}_id__in": [row.pk for row in rows]})
    reminders = reminders.filter(Q(cancelled_at__isnull=True) | Q(sent_at__isnull=True) if cancelled else Q(cancelled_at__isnull=True))
    for pk, before in reminders.values_list(f"{link}_id", "minutes_before"):
        found[pk].add(before)
    return found


# ---- sending ----


def fire_due_reminders(limit: int = BATCH) -> int:
    """Send what is due; how many. Several processes may do so at once: each reminder is locked by one of them."""
    box = request_box.set({})  # the organisation is read once, not per mail
    try:
        total = 0
        while True:
            taken, sent = _fire_batch(limit)
            total += sent
            if taken < limit:
                return total
    finally:
        request_box.reset(box)


@transaction.atomic
def _fire_batch(limit: int) -> tuple[int, int]:
    """Bell, mail and the mark of one batch commit together or not at all."""
    at = timezone.now()
    due_rows = Reminder.objects.filter(sent_at__isnull=True, cancelled_at__isnull=True, remind_at__lte=at).order_by("remind_at", "pk")
    taken = list(due_rows.select_for_update(skip_locked=True, of=("self",)).select_related("task", "meeting", "rule", "user__role")[:limit])
    records = dates.records_behind(taken)
    live = [reminder for reminder in taken if reminder.pk in records or _still_wanted(reminder)]
    dropped = {reminder.pk for reminder in taken} - {reminder.pk for reminder in live}
    if dropped:
        Reminder.objects.filter(pk__in=dropped).update(cancelled_at=at)
    if live:
        Reminder.objects.filter(pk__in=[reminder.pk for reminder in live]).update(sent_at=at)
        for kind, some in _by_kind(live).items():
            wanted = channels_of({reminder.user_id for reminder in some}, kind)
            Notification.objects.bulk_create([_notification(reminder, records, at) for reminder in some if wanted[reminder.user_id] in IN_APP])
            queue_mails([_mail(reminder, records, at) for reminder in some if wanted[reminder.user_id] in BY_MAIL])
    return len(taken), len(live)


def _by_kind(reminders: list[Reminder]) -> dict[str, list[Reminder]]:
    """Of each kind that people choose a channel for."""
    found: dict[str, list[Reminder]] = defaultdict(list)
    for reminder in reminders:
        found[Notification.Kind.DATE if reminder.record_id else Notification.Kind.REMINDER].append(reminder)
    return found


def _still_wanted(reminder: Reminder) -> bool:
    subject = reminder.task or reminder.meeting
    if subject is None:
        return False  # of a date that does not stand any longer
    over = reminder.task.done_at if reminder.task else subject.held_at
    return over is None and subject.deleted_at is None and reminder.user.is_active and subject.owner_id == reminder.user_id


def _notification(reminder: Reminder, records: dict[int, Any], at: datetime) -> Notification:
    record = records.get(reminder.pk)
    subject, kind = record or reminder.task or reminder.meeting, Notification.Kind.REMINDER if record is None else Notification.Kind.DATE
    assert subject is not None
    with translation.override(reminder.user.language):
        text = _text(reminder, at) if record is None else _date_text(reminder, record, at)
    return Notification(user=reminder.user, kind=kind, text=text[:300], url=subject.get_absolute_url(), reminder=reminder, created_at=at)


def _date_text(reminder: Reminder, record: Any, at: datetime) -> str:
    assert reminder.rule is not None
    assert reminder.on is not None
    text = dates.date_text(reminder.rule, record, reminder.on, at.astimezone(reminder.user.zone).date())
    return _("Late reminder: %(text)s") % {"text": text} if at - reminder.remind_at > LATE else text


def _text(reminder: Reminder, at: datetime) -> str:
    subject = reminder.task or reminder.meeting
    assert subject is not None
    values = {"title": str(subject)[:200], "when": due_words(subject, reminder.user)}
    if at - reminder.remind_at > LATE:
        return _("Late reminder: %(title)s, due %(when)s") % values
    return _("%(title)s, due %(when)s") % values if reminder.task else _("%(title)s, starts %(when)s") % values


def link_url(reminder: Reminder) -> str:
    """Where the reminder is answered without signing in (services.links)."""
    token = signing.dumps([reminder.pk, reminder.user_id, reminder.task_id], salt=LINK_SALT)
    return f"{settings.BASE_URL}{reverse('reminder-link', args=[token])}"


def _mail(reminder: Reminder, records: dict[int, Any], at: datetime) -> dict[str, Any]:
    record, user = records.get(reminder.pk), reminder.user
    if record is None:
        template, context = "reminder", _mail_context(reminder, at)
    else:
        with translation.override(user.language):
            template, context = "notice", {"user": user, "text": _date_text(reminder, record, at), "url": f"{settings.BASE_URL}{record.get_absolute_url()}"}
    return {
        **render_mail(template, context, language=user.language),
        "purpose": OutgoingMail.Purpose.REMINDER,
        "to_address": user.email,
        "to_name": user.name,
        "user": user,
        "key": f"reminder:{reminder.pk}",
        "is_private": reminder.meeting is not None and reminder.meeting.is_private,
    }


def _mail_context(reminder: Reminder, at: datetime) -> dict[str, Any]:
    """Of a task's or meeting's mail."""
    subject, user = reminder.task or reminder.meeting, reminder.user
    assert subject is not None
    with translation.override(user.language):
        return {
            "user": user,
            "title": str(subject),
            "when": due_words(subject, reminder.user),
            "is_meeting": reminder.meeting_id is not None,
            "late": at - reminder.remind_at > LATE,
            "description": subject.description[:2000],
            "url": f"{settings.BASE_URL}{subject.get_absolute_url()}",
            "answers": [(label, f"{link_url(reminder)}?do={choice}") for choice, label in ANSWERS] if reminder.task else [],
        }


@transaction.atomic
def drop_missed_reminders() -> int:
    """After a restore: reminders whose time came since the backup have been sent, or are late beyond use; the tasks stay overdue. How many."""
    now = timezone.now()
    DateRule.objects.update(planned_at=now + LATE)  # nobody knows which of today's dates were told
    return Reminder.objects.filter(sent_at=None, cancelled_at=None, remind_at__lte=now).update(cancelled_at=now)
