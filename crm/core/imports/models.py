"""The ledger of imports: how far each file is, what is wrong with its rows, and what it made."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import RecordQuerySet, ViaChild
from crm.core.jobs import Job


class ImportJob(Job):
    """One file on its way in: the ledger that a killed worker's successor reads (docs/decisions/imports.md).

    While it is checked, `rows` is the mark, which moves in the transaction that checked them. While it runs, its chunks are the marks.
    """

    class State(models.TextChoices):
        MAPPING = "mapping", _("Columns to be chosen")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Being imported")
        DONE = "done", _("Imported")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")
        FAILED = "failed", _("Failed")

    WORKING: ClassVar[tuple[str, ...]] = ("checking", "running", "undoing")

    file = models.FileField(upload_to="imports/", blank=True)
    file_name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(default=0)  # bytes
    encoding = models.CharField(max_length=20)
    delimiter = models.CharField(max_length=1)
    preamble = models.PositiveSmallIntegerField(default=0)  # records before the one with the headings
    headings = models.JSONField(default=list)
    samples = models.JSONField(default=list)  # the first three rows
    mapping = models.JSONField(default=dict)  # {position of the column, as text: key of the target}
    options = models.JSONField(default=dict)  # see crm.core.imports.forms.OptionsForm
    state = models.CharField(max_length=8, choices=State, default=State.MAPPING)
    position = models.PositiveBigIntegerField(default=0)  # bytes read, for the meter
    rows = models.PositiveIntegerField(default=0)
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)  # probable duplicates
    undone = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)  # not undone: touched since
    deletion_group = models.UUIDField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["lease_until"], name="import_due", condition=Q(state__in=["checking", "running", "undoing"]))]

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"


class ImportProblem(models.Model):
    """Why a row was not imported, or would not be."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="problems", db_index=False)
    row = models.PositiveIntegerField()  # counted from 1 below the headings
    line = models.PositiveIntegerField()  # of the file, where the row begins
    same = models.BooleanField(default=False)  # a probable duplicate, no error
    column = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("job")

    class Meta:
        ordering = ["job", "row", "id"]
        indexes = [models.Index(fields=["job", "row", "id"], name="importproblem_order")]

    def __str__(self) -> str:
        return f"{self.line} {self.column}: {self.reason}"


class ImportChunk(models.Model):
    """Some rows of a checked file. Who holds its lock writes them, and marks it done in the same transaction."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    first_row = models.PositiveIntegerField()
    last_row = models.PositiveIntegerField()
    twins = ArrayField(models.IntegerField(), default=list)  # rows that say the same as one further up in the file
    done = models.BooleanField(default=False)
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("job")

    class Meta:
        ordering = ["job", "first_row"]
        constraints = [models.UniqueConstraint(fields=["job", "first_row"], name="importchunk_once")]

    def __str__(self) -> str:
        return f"{self.first_row} to {self.last_row}"


class ImportMade(models.Model):
    """What one chunk has made. Unique: the same rows can't be written twice, whoever tries."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="made", db_index=False)
    first_row = models.PositiveIntegerField()
    record_slug = models.CharField(max_length=40)
    ids = ArrayField(models.BigIntegerField())
    at = models.DateTimeField(default=timezone.now)
    undone = models.BooleanField(default=False)

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("job")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "first_row", "record_slug"], name="importmade_once")]

    def __str__(self) -> str:
        return f"{self.record_slug} {len(self.ids)}"
