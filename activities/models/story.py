"""What happened: the timeline."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activities.models.base import LONG, SUBJECTS, Subjects, subject_indexes
from activities.models.meetings import Meeting
from activities.models.tasks import Task
from crm.core.access import PersonalPolicy, RecordQuerySet, ViaChild, ViaSubject
from crm.core.models import any_subject
from crm.core.text import fold


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
    pinned_at = models.DateTimeField(null=True, blank=True, editable=False)  # on top of the record that it is about
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
            *(models.Index(fields=[name, "subject_type", "pinned_at"], name=f"activity_pin_{name}", condition=Q(pinned_at__isnull=False)) for name in SUBJECTS),
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


class Comment(models.Model):
    """What a colleague says to a line of the timeline; seen by whoever sees the line."""

    line = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="comments", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    body = models.TextField(max_length=5000)
    mentions = models.JSONField(default=list)  # [[first character, characters, id of the colleague], ...], by their place in the body
    at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("line")

    class Meta:
        ordering = ["id"]
        verbose_name, verbose_name_plural = _("comment"), _("comments")
        indexes = [models.Index(fields=["line", "-id"], name="comment_line")]

    def __str__(self) -> str:
        return self.body[:80]


class Mentioned(models.Model):
    """That a comment calls for a colleague: work of theirs until they answer at that line or say that it is done."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy()

    class Meta:
        ordering = ["id"]
        verbose_name, verbose_name_plural = _("mention"), _("mentions")
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="mentioned_once")]
        indexes = [models.Index(fields=["user", "id"], name="mentioned_open", condition=Q(done_at__isnull=True))]

    def __str__(self) -> str:
        return str(self.pk)
