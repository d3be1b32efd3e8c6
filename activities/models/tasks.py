"""What is to be done, how it repeats, and its checklist."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activities.models.base import LONG, SUBJECTS, Subjects, subject_indexes
from activities.models.rules import Rule
from crm.core.access import OwnedPolicy, PersonalPolicy, RecordQuerySet, ViaChild
from crm.core.audit import audited
from crm.core.custom.models import Customised, custom_index
from crm.core.models import Binned, counting_indexes
from crm.core.text import fold, sort_key


@audited("items_done", "items_total", "import_key")
class Task(Subjects, Customised, Binned):
    """Something to do by a day or a minute. `owner` is the assignee; who else sees it is a matter of the task grant."""

    brief_fields = ("title",)

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
    import_key = models.CharField(max_length=64, null=True, editable=False)  # digest of the UID in the calendar's file that it came from
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
            models.UniqueConstraint(fields=["created_by", "import_key"], name="task_imported_once", condition=Q(import_key__isnull=False)),
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


class TaskSeries(Rule):
    """How a task repeats, and what the next one is made of. It goes on as long as one of its tasks is open: when that is done, the next is made."""

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
