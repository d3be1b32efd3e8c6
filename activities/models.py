"""What is to be done (tasks, meetings), what happened (the timeline), reminders and notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.core.access import OwnedPolicy, PersonalPolicy, RecordQuerySet, ViaChild, ViaSubject
from crm.core.audit import audited
from crm.core.custom.models import Customised, custom_index
from crm.core.models import Binned, any_subject, counting_indexes
from crm.core.text import fold, sort_key

LONG = 20_000  # characters of a text that it is found by
SUBJECTS = ("company", "contact", "lead", "deal")


def _link(model: str, label: Any) -> Any:
    return models.ForeignKey(model, null=True, blank=True, on_delete=models.CASCADE, related_name="+", verbose_name=label, db_index=False)


class Subjects(models.Model):
    """Links to the records that a row is about; `subject_type` is the most specific one and decides who may see the row."""

    company = _link("contacts.Company", _("company"))
    contact = _link("contacts.Contact", _("contact"))
    lead = _link("leads.Lead", _("lead"))
    deal = _link("deals.Deal", _("deal"))
    subject_type = models.CharField(max_length=8, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def subject(self) -> models.Model | None:
        return getattr(self, self.subject_type) if self.subject_type else None


def subject_indexes(table: str, key: str) -> list[models.Index]:
    return [models.Index(fields=[name, f"-{key}", "-id"], name=f"{table}_{name}", condition=Q(**{f"{name}__isnull": False})) for name in SUBJECTS]


@audited("items_done", "items_total")
class Task(Subjects, Customised, Binned):
    """Something to do by a day or a minute. `owner` is the assignee; who else sees it is a matter of the task grant."""

    class Kind(models.TextChoices):
        TODO = "todo", _("To do")
        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        VISIT = "visit", _("Visit")
        FOLLOW_UP = "follow_up", _("Follow-up")

    class Priority(models.IntegerChoices):
        LOW = 1, _("Low")
        NORMAL = 2, _("Normal")
        HIGH = 3, _("High")

    title = models.CharField(_("title"), max_length=200)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.TODO)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks", verbose_name=_("assignee"), db_index=False)
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    due_time = models.TimeField(_("at"), null=True, blank=True)
    zone = models.CharField(max_length=64, default="UTC", editable=False)  # of the assignee when the due time was set
    due_at = models.DateTimeField(null=True, blank=True, editable=False)  # UTC; a whole day is due at its end in `zone`
    done_at = models.DateTimeField(null=True, blank=True, editable=False)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    outcome = models.CharField(_("outcome"), max_length=500, blank=True)
    series = models.ForeignKey("TaskSeries", null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks", editable=False, db_index=False)
    series_on = models.DateField(null=True, blank=True, editable=False)  # the day by the rule, wherever the task has been moved
    items_done = models.PositiveSmallIntegerField(default=0, editable=False)  # of the checklist, for lists; kept by services.checklists
    items_total = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", blank=True, editable=False)
    sort_name = models.CharField(max_length=80, default="", blank=True, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = OwnedPolicy()

    class Meta:
        verbose_name, verbose_name_plural = _("task"), _("tasks")
        indexes = [
            models.Index(fields=["due_at", "id"], name="task_due", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["owner", "due_at", "id"], name="task_o_due", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["team", "due_at", "id"], name="task_t_due", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["owner", "due_at", "id"], name="task_open", condition=Q(deleted_at__isnull=True, done_at__isnull=True)),
            models.Index(fields=["created_at", "id"], name="task_created", condition=Q(deleted_at__isnull=True)),
            models.Index(  # who got how much done, from the index alone
                fields=["done_at", "id"], include=["done_by", "owner", "team"], name="task_done", condition=Q(deleted_at__isnull=True, done_at__isnull=False)
            ),
            models.Index(fields=["sort_name", "id"], name="task_sortname", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["owner", "sort_name", "id"], name="task_o_sortname", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["team", "sort_name", "id"], name="task_t_sortname", condition=Q(deleted_at__isnull=True)),
            *counting_indexes("task", "created_at", "created_by", "due_at", "done_at", "kind", "priority", "subject_type"),
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="task_search", condition=Q(deleted_at__isnull=True)),
            *subject_indexes("task", "due_at"),
            custom_index("task"),
            models.Index(fields=["id"], name="task_about_nothing", condition=Q(deleted_at__isnull=True, subject_type="")),
            *[  # a record's open tasks in order: its next step, its page
                models.Index(
                    fields=[name, "due_at", "id"],
                    name=f"task_open_{name}",
                    condition=Q(done_at__isnull=True, deleted_at__isnull=True, **{f"{name}__isnull": False}),
                )
                for name in SUBJECTS
            ],
        ]
        constraints = [
            models.CheckConstraint(name="task_time_needs_day", condition=Q(due_time__isnull=True) | Q(due_on__isnull=False)),
            models.CheckConstraint(
                name="task_due_at_matches_day", condition=Q(due_on__isnull=True, due_at__isnull=True) | Q(due_on__isnull=False, due_at__isnull=False)
            ),
            # Two clicks, two workers: the next task of a series is made once.
            models.UniqueConstraint(fields=["series", "series_on"], name="task_series_once", condition=Q(series__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("tasks:detail", args=[self.pk])

    @property
    def is_all_day(self) -> bool:
        return self.due_on is not None and self.due_time is None

    def is_late(self, at: datetime) -> bool:
        return self.done_at is None and self.due_at is not None and self.due_at < at

    def fold(self) -> None:
        """Own words only: by a linked record's name a task is found through RecordType.search_links, as far as the reader may see that record."""
        self.search_text, self.sort_name = fold(f"{self.title} {self.description}", LONG), sort_key(self.title)


class TaskSeries(models.Model):
    """How a task repeats, and what the next one is made of. It goes on as long as one of its tasks is open: when that is done, the next is made.

    `weekdays` (Monday = 0) are the days of a weekly rule, or the one day of a monthly rule with `nth` (1 to 4, -1 the last). `month_day` 29 to 31
    means the last day in shorter months; a yearly rule keeps the day and month of `starts_on`. `made` counts the tasks, for rules with `times`.
    """

    class Frequency(models.TextChoices):
        DAILY = "daily", _("Every day")
        WEEKLY = "weekly", _("Every week")
        MONTHLY = "monthly", _("Every month")
        YEARLY = "yearly", _("Every year")

    frequency = models.CharField(max_length=8, choices=Frequency)
    interval = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(365)])
    weekdays = ArrayField(models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]), default=list, blank=True)
    month_day = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(31)])
    nth = models.SmallIntegerField(null=True, blank=True, choices=[(number, str(number)) for number in (1, 2, 3, 4, -1)])
    starts_on = models.DateField()
    until = models.DateField(null=True, blank=True)
    times = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1000)])
    made = models.PositiveIntegerField(default=1, editable=False)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Task.Kind)
    priority = models.PositiveSmallIntegerField(choices=Task.Priority)
    description = models.TextField(blank=True, max_length=10_000)
    due_time = models.TimeField(null=True, blank=True)
    reminders = ArrayField(models.PositiveIntegerField(), default=list, blank=True)  # minutes before
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("owner_id")  # others see it through its tasks

    def __str__(self) -> str:
        return self.title


class ChecklistItem(models.Model):
    """One line of a task's checklist."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="items")
    text = models.CharField(_("text"), max_length=200)
    position = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("task")

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.text


@audited()
class Meeting(Subjects, Customised, Binned):
    """A span of time with people. Guests beyond the organiser come with the calendar's issue."""

    title = models.CharField(_("title"), max_length=200)
    location = models.CharField(_("place"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="meetings", verbose_name=_("organiser"), db_index=False)
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    zone = models.CharField(max_length=64, default="UTC", editable=False)
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", blank=True, editable=False)
    sort_name = models.CharField(max_length=80, default="", blank=True, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = OwnedPolicy()

    class Meta:
        verbose_name, verbose_name_plural = _("meeting"), _("meetings")
        indexes = [
            models.Index(fields=["owner", "starts_at", "id"], name="meeting_owner", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["team", "starts_at", "id"], name="meeting_team", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["starts_at", "id"], name="meeting_start", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["created_at", "id"], name="meeting_created", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["sort_name", "id"], name="meeting_sortname", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["ends_at"], name="meeting_unheld", condition=Q(deleted_at__isnull=True, held_at__isnull=True)),
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="meeting_search", condition=Q(deleted_at__isnull=True)),
            *subject_indexes("meeting", "starts_at"),
            custom_index("meeting"),
        ]
        constraints = [models.CheckConstraint(name="meeting_ends_after_start", condition=Q(ends_at__gte=F("starts_at")))]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("meetings:detail", args=[self.pk])

    def fold(self) -> None:
        self.search_text, self.sort_name = fold(f"{self.title} {self.location} {self.description}", LONG), sort_key(self.title)


class Activity(Subjects):
    """One line of the timeline: what happened. Written once; notes and calls may be corrected by their author."""

    class Kind(models.TextChoices):
        NOTE = "note", _("Note")
        CALL = "call", _("Call")
        EMAIL = "email", _("E-mail")
        MEETING = "meeting", _("Meeting")
        TASK = "task", _("Task")
        SUBMISSION = "submission", _("Form entry")
        CHANGE = "change", _("Change")

    kind = models.CharField(max_length=12, choices=Kind)
    verb = models.CharField(max_length=24)  # how the line is worded: see activities.selectors.wording
    body = models.TextField(blank=True, max_length=20_000)
    search_text = models.TextField(default="", blank=True, editable=False)  # folded body
    data = models.JSONField(default=dict)  # what the wording needs: names as they were, outcome, minutes, changes
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    mail = models.ForeignKey("mail.OutgoingMail", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    submission = models.ForeignKey("leads.Submission", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaSubject(SUBJECTS)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name, verbose_name_plural = _("activity"), _("activities")
        indexes = [
            *subject_indexes("activity", "at"),
            models.Index(fields=["actor", "at"], name="activity_actor"),
            # Most lines have no text of their own: what an import writes costs nothing here.
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="activity_search", condition=Q(deleted_at__isnull=True) & ~Q(search_text="")),
            models.Index(fields=["id"], name="activity_texts", condition=Q(deleted_at__isnull=True) & ~Q(search_text="")),
            models.Index(  # what reports count, from the index alone
                fields=["subject_type", "at", "id"],
                include=["actor", "kind", *SUBJECTS],
                name="activity_counted",
                condition=Q(deleted_at__isnull=True, actor__isnull=False, kind__in=["note", "call", "meeting", "email"]),
            ),
        ]
        constraints = [any_subject(*SUBJECTS, name="activity_has_subject"), models.CheckConstraint(name="activity_subject_type", condition=~Q(subject_type=""))]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"

    def fold(self) -> None:
        self.search_text = fold(self.body, LONG)


class Reminder(models.Model):
    """Reminds one user of one task or meeting, once. The row is the proof: due, sent, seen."""

    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.CASCADE, related_name="reminders")
    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.CASCADE, related_name="reminders")
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
                name="reminder_one_subject", condition=Q(task__isnull=False, meeting__isnull=True) | Q(task__isnull=True, meeting__isnull=False)
            ),
            models.UniqueConstraint(fields=["task", "user", "remind_at"], name="reminder_task_once", condition=Q(task__isnull=False)),
            models.UniqueConstraint(fields=["meeting", "user", "remind_at"], name="reminder_meeting_once", condition=Q(meeting__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.remind_at:%Y-%m-%d %H:%M}"


class Notification(models.Model):
    """One line in the bell."""

    class Kind(models.TextChoices):
        REMINDER = "reminder", _("Reminder")
        ASSIGNED = "assigned", _("Assigned to you")
        DONE = "done", _("Delegated task done")
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
        return self.text


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
