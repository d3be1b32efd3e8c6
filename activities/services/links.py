"""Answers to a reminder from its mail, without signing in: by a signed link that is good for one reminder of one person, for 30 days.

Nothing of it is stored: whether the link still holds is asked of the rows each time, so that it dies with the account or with the assignment.
"""

from __future__ import annotations

from datetime import timedelta

import pghistory
from django.core import signing
from django.db import transaction
from django.utils import timezone

from activities.models import Notification, Reminder, Task
from activities.services.reminders import LINK_SALT
from activities.services.tasks import complete_task, snooze_task
from crm.core.access import can

GOOD_FOR = timedelta(days=30)
CHOICES = ("hour", "tomorrow", "monday", "done")


def reminder_behind(token: str) -> Reminder | None:
    """The reminder with its task and user; None when the link is forged or too old, or its user may no longer change the task or no longer has it."""
    try:
        pk, user_id, task_id = signing.loads(token, salt=LINK_SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    rows = Reminder.objects.filter(pk=pk, user_id=user_id, task_id=task_id, user__is_active=True, task__owner_id=user_id, task__deleted_at__isnull=True)
    found = rows.select_related("task__owner", "user__role").first()
    return found if found is not None and can(found.user, "change", found.task) else None


@transaction.atomic
def answer_reminder(reminder: Reminder, choice: str) -> Task:
    """Put the task off, or tick it off, as its assignee; the reminder has then been seen. `choice` is one of CHOICES; ValidationError otherwise."""
    at, task = timezone.now(), reminder.task
    assert task is not None
    with pghistory.context(user=reminder.user_id):
        answered = complete_task(task, actor=reminder.user) if choice == "done" else snooze_task(task, choice, actor=reminder.user)
    Reminder.objects.filter(pk=reminder.pk, seen_at__isnull=True).update(seen_at=at)
    Notification.objects.filter(reminder=reminder, read_at__isnull=True).update(read_at=at)
    return answered
