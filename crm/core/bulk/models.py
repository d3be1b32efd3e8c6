"""The ledger of bulk changes: what was asked, how far it is, and what every row was before."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.access import RecordQuerySet, ViaChild
from crm.core.jobs import Job

SMALL = 200  # rows; so many are changed within the request


class BulkJob(Job):
    """One action on many rows. Its ids are fixed when it starts: a change of what the list is filtered by loses no row."""

    class State(models.TextChoices):
        COLLECTING = "collecting", _("About to start")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")
        FAILED = "failed", _("Failed")

    WORKING: ClassVar[tuple[str, ...]] = ("collecting", "running", "undoing")
    ENDED: ClassVar[tuple[str, ...]] = ("done", "cancelled", "failed")  # with something that may be undone

    state = models.CharField(max_length=10, choices=State, default=State.COLLECTING)
    action = models.CharField(max_length=40)
    ticked = models.BooleanField(default=False)  # chosen one by one; else all that match `query`
    query = models.TextField(blank=True)  # the list's query string, validated; the chunks hold what it meant when the job started
    data = models.JSONField(default=dict)  # {name of the form's field: [values as they were sent]}
    said = models.CharField(max_length=300, blank=True)  # the same in words, of who asked, for the history
    rows = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)  # were like that before
    skipped = models.PositiveIntegerField(default=0)  # out of reach of who asked, or no longer there
    bad = models.PositiveIntegerField(default=0)  # refused, with a reason
    undone = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)  # not undone: changed since
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    deletion_group = models.UUIDField(default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["lease_until"], name="bulk_due", condition=Q(state__in=["collecting", "running", "undoing"])),
            models.Index(fields=["user", "-id"], name="bulk_history"),
            models.Index(fields=["deletion_group"], name="bulk_group"),
        ]

    def __str__(self) -> str:
        return f"{self.record_slug} {self.action} {self.state}"

    @property
    def large(self) -> bool:
        """Is it the worker's?"""
        return self.rows > SMALL or not self.ticked

    @property
    def handled(self) -> int:
        return self.changed + self.same + self.skipped + self.bad


class BulkChunk(models.Model):
    """Some of the rows. They are changed, noted and marked done in one transaction."""

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    first = models.PositiveIntegerField()  # place of its first row among all
    ids = ArrayField(models.BigIntegerField())
    done_at = models.DateTimeField(null=True)
    undone = models.BooleanField(default=False)
    given = models.JSONField(default=dict)  # {id of a new owner: how many rows}

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("job")

    class Meta:
        ordering = ["job", "first"]
        constraints = [models.UniqueConstraint(fields=["job", "first"], name="bulkchunk_once")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.first}"


class BulkEntry(models.Model):
    """What one chunk did to one kind of record. Unique: the same rows can't be written twice, whoever tries.

    `rows` of `changed`: {id: {"v": the version it left, "old": {column: value before}}}; of `made` and `gone`: [id].
    """

    class Kind(models.TextChoices):
        CHANGED = "changed", _("Changed")
        MADE = "made", _("Made")
        GONE = "gone", _("Deleted")

    chunk = models.ForeignKey(BulkChunk, on_delete=models.CASCADE, related_name="entries", db_index=False)
    label = models.CharField(max_length=60)  # "leads.lead"
    kind = models.CharField(max_length=8, choices=Kind)
    rows: Any = models.JSONField()

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("chunk")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["chunk", "label", "kind"], name="bulkentry_once")]

    def __str__(self) -> str:
        return f"{self.label} {self.kind}"


class BulkProblem(models.Model):
    """Why a row was not changed, or not changed back (`undoing`)."""

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="problems", db_index=False)
    label = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    undoing = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("job")

    class Meta:
        ordering = ["job", "id"]
        indexes = [models.Index(fields=["job", "id"], name="bulkproblem_order")]

    def __str__(self) -> str:
        return f"{self.label} {self.subject_id}: {self.reason}"
