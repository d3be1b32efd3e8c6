"""Reminders, the bell, and how each person wants to hear of what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from activities.models.dates import DateRule
from activities.models.meetings import Meeting
from activities.models.tasks import Task
from crm.core.access import PersonalPolicy, RecordQuerySet


class Reminder(models.Model):
    """Reminds one user of one task or meeting, or of a date of a record (`rule`, `record_id`, and `on` which day it falls), once. The row is the proof:
    due, sent, seen. What it tells of a record may be gone while it stays."""

    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.CASCADE, related_name="reminders")
    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.CASCADE, related_name="reminders")
    rule = models.ForeignKey(DateRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="reminders", db_index=False)
    record_id = models.BigIntegerField(null=True, blank=True)
    on = models.DateField(null=True, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    minutes_before = models.PositiveIntegerField(default=0)
    remind_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id")

    class Meta:
        ordering = ["remind_at", "id"]
        indexes = [models.Index(fields=["remind_at", "id"], name="reminder_due", condition=Q(sent_at__isnull=True, cancelled_at__isnull=True))]
        constraints = [
            models.CheckConstraint(
                name="reminder_one_subject",
                condition=Q(task__isnull=False, meeting__isnull=True, record_id__isnull=True, on__isnull=True)
                | Q(task__isnull=True, meeting__isnull=False, record_id__isnull=True, on__isnull=True)
                | Q(task__isnull=True, meeting__isnull=True, record_id__isnull=False, on__isnull=False),
            ),
            models.UniqueConstraint(fields=["rule", "on", "record_id", "user"], name="reminder_date_once", condition=Q(record_id__isnull=False)),
            models.UniqueConstraint(fields=["task", "user", "remind_at"], name="reminder_task_once", condition=Q(task__isnull=False)),
            models.UniqueConstraint(fields=["meeting", "user", "remind_at"], name="reminder_meeting_once", condition=Q(meeting__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.remind_at:%Y-%m-%d %H:%M}"


class Notification(models.Model):
    """One line in the bell."""

    class Kind(models.TextChoices):
        REMINDER = "reminder", _("Reminder")
        DATE = "date", _("Birthday or other date")
        ASSIGNED = "assigned", _("Assigned to you")
        DONE = "done", _("Delegated task done")
        MENTIONED = "mentioned", _("You were mentioned")
        FOLLOWED = "followed", _("News on records that you follow")
        EXPORT = "export", _("Export ready")
        SYSTEM = "system", _("System")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=12, choices=Kind)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    reminder = models.OneToOneField(Reminder, null=True, blank=True, on_delete=models.CASCADE, related_name="notification")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_user"),
            models.Index(fields=["user"], name="notification_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class NotificationSettings(models.Model):
    """How a user hears of what. `channels`: {kind: channel}; a kind that is missing comes as it does by default. Without a row nothing was chosen."""

    class Channel(models.TextChoices):
        APP = "app", _("In Rapport")
        MAIL = "mail", _("By mail")
        BOTH = "both", _("Both")
        NONE = "none", pgettext_lazy("notification", "Not at all")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+")
    channels = models.JSONField(default=dict)
    digest = models.BooleanField(default=False)
    digest_on = models.DateField(null=True, blank=True)  # the last day, on the user's calendar, for which the digest was made

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id")

    class Meta:
        indexes = [models.Index(fields=["user"], name="notification_digest", condition=Q(digest=True))]

    def __str__(self) -> str:
        return f"{self.user_id}"

    def channel_of(self, kind: str) -> str:
        """What was chosen, or how it comes by default: reminders both ways, all else in the bell."""
        return self.channels.get(kind) or (self.Channel.BOTH if kind == Notification.Kind.REMINDER else self.Channel.APP)
