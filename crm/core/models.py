"""Abstract records and the kernel's own tables: events, deliveries, idempotency keys, exports, tags, heartbeats."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, OwnedPolicy, PersonalPolicy, Policy, RecordQuerySet
from crm.core.bulk.models import BulkChunk, BulkEntry, BulkJob, BulkProblem
from crm.core.custom.models import CustomField as CustomField
from crm.core.custom.models import Customised, custom_index
from crm.core.custom.models import RecordLayout as RecordLayout
from crm.core.imports.models import ImportChunk, ImportJob, ImportMade, ImportProblem
from crm.core.saved.models import SavedView
from crm.core.text import fold, sort_key
from crm.core.words import Word  # noqa: F401  # Django looks for tables here

# Django looks for models here alone.
__all__ = ["BulkChunk", "BulkEntry", "BulkJob", "BulkProblem", "ImportChunk", "ImportJob", "ImportMade", "ImportProblem", "SavedView"]

COLORS = [
    ("red", _("Red")),
    ("amber", _("Amber")),
    ("green", _("Green")),
    ("blue", _("Blue")),
    ("violet", _("Violet")),
    ("teal", _("Teal")),
    ("pink", _("Pink")),
    ("grey", _("Grey")),
]


class Binned(models.Model):
    """A row that can be thrown into the bin and taken out again, with all that went with it (same deletion_group)."""

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    deletion_group = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class Record(Customised, Binned):
    """Base of company, contact, lead, deal: owned, in a team, versioned, searchable, with derived next step.

    Written only by services through crm.core.writes; `search_text` and `sort_name` are folded there (crm.core.text).
    Derived columns (DERIVED) are kept by the activities app and never bump `version`.
    """

    brief_fields: ClassVar[tuple[str, ...]] = ()  # what str() needs, and the cells of rows that link here
    DERIVED: ClassVar[tuple[str, ...]] = (
        "next_step_at",
        "next_step",
        "next_step_kind",
        "next_step_all_day",
        "last_activity_at",
        "search_text",
        "sort_name",
        "updated_at",
    )

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("owner"), db_index=False
    )
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("team"), db_index=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False, db_index=False)
    updated_at = models.DateTimeField(_("last changed"), default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", blank=True, editable=False)
    sort_name = models.CharField(max_length=80, default="", blank=True, editable=False)
    next_step_at = models.DateTimeField(_("next step"), null=True, blank=True, editable=False)
    next_step = models.CharField(max_length=120, default="", blank=True, editable=False)
    next_step_kind = models.CharField(max_length=12, default="", blank=True, editable=False)
    next_step_all_day = models.BooleanField(default=False, editable=False)
    last_activity_at = models.DateTimeField(_("last activity"), null=True, blank=True, editable=False)
    tags = models.ManyToManyField("core.Tag", blank=True, related_name="+", verbose_name=_("tags"))

    objects = RecordQuerySet.as_manager()
    access_policy: ClassVar[Policy] = OwnedPolicy()

    class Meta:
        abstract = True

    def title(self) -> str:
        """The name people know the record by."""
        return str(self)

    def search_parts(self) -> list[str]:
        """Texts by which the record is found; the folding is the kernel's."""
        return [self.title()]

    def fold(self) -> None:
        """Set the derived `search_text` and `sort_name` from the fields."""
        self.search_text = fold(" ".join(part for part in self.search_parts() if part))
        self.sort_name = sort_key(self.title())


def record_indexes(table: str, *keys: str, facts: tuple[str, ...] = ()) -> list[models.Index]:
    """The indexes that a fast list needs: per sort key alone, per owner and per team; what is filtered by; trigrams for search; the bin.

    `keys` are the model's own sort keys, `facts` the columns of its own filters, besides the common ones. Names stay under 30 characters.
    """
    alive = Q(deleted_at__isnull=True)
    indexes: list[models.Index] = []
    for key in ("sort_name", "created_at", "next_step_at", "last_activity_at", *keys):
        short = key.replace("_", "")[:13]
        indexes.append(models.Index(fields=[key, "id"], name=f"{table}_{short}", condition=alive))
        indexes.append(models.Index(fields=["owner", key, "id"], name=f"{table}_o_{short}", condition=alive))
        indexes.append(models.Index(fields=["team", key, "id"], name=f"{table}_t_{short}", condition=alive))
    indexes += counting_indexes(table, "created_at", "next_step_at", "next_step_kind", "last_activity_at", *facts)
    # Whose row it is, without the row: reports look up the record of each of thousands of lines.
    indexes.append(models.Index(fields=["id"], include=["owner", "team"], name=f"{table}_alive", condition=alive))
    indexes.append(GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name=f"{table}_search", condition=alive))
    indexes.append(models.Index(fields=["deletion_group"], name=f"{table}_bin", condition=Q(deleted_at__isnull=False)))
    indexes.append(custom_index(table))
    return indexes


def counting_indexes(table: str, *facts: str) -> list[models.Index]:
    """How many of an owner's or a team's rows fit a filter, from the index alone; and which of a team's are a colleague's, where most are in another team."""
    alive = Q(deleted_at__isnull=True)
    return [
        models.Index(fields=["owner", "id"], include=["team", *facts], name=f"{table}_o_facts", condition=alive),
        models.Index(fields=["team", "owner", "id"], include=[*facts], name=f"{table}_t_facts", condition=alive),
    ]


def filter_indexes(table: str, *, prefix: tuple[str, ...] = (), equal: tuple[str, ...] = ()) -> list[models.Index]:
    """Indexes behind a list's filters that are no sort keys: `prefix` for texts filtered by their beginning in any case, `equal` for codes."""
    alive = Q(deleted_at__isnull=True)
    found: list[models.Index] = [
        models.Index(OpClass(Upper(name), name="text_pattern_ops"), "id", name=f"{table}_{name}_begin", condition=alive) for name in prefix
    ]
    return [*found, *(models.Index(fields=[name, "id"], name=f"{table}_{name}_is", condition=alive) for name in equal)]


def any_subject(*fields: str, name: str) -> models.CheckConstraint:
    """The row hangs on at least one of these nullable foreign keys."""
    condition = Q(**{f"{fields[0]}__isnull": False})
    for field in fields[1:]:
        condition |= Q(**{f"{field}__isnull": False})
    return models.CheckConstraint(condition=condition, name=name)


class Tag(models.Model):
    """A word that people put on records, in one of eight colours."""

    name = models.CharField(_("name"), max_length=40)
    key = models.CharField(max_length=40, unique=True, editable=False)  # folded name
    color = models.CharField(_("colour"), max_length=8, choices=COLORS, default="grey")

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["key"]
        verbose_name, verbose_name_plural = _("tag"), _("tags")

    def __str__(self) -> str:
        return self.name


class OutboxEvent(models.Model):
    """A fact, written in the transaction that made it true. Outlives its subjects."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=60)
    subject_ids = ArrayField(models.BigIntegerField())
    actor_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    payload = models.JSONField(default=dict)
    depth = models.PositiveSmallIntegerField(default=0)  # how many events led to this one; automation stops at 5
    occurred_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("event")

    def __str__(self) -> str:
        return f"{self.name} {self.subject_ids}"


class Delivery(models.Model):
    """One event to be handled once by one handler."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        DONE = "done", _("Done")
        DEAD = "dead", _("Failed")

    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=120)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "handler"], name="delivery_once")]
        indexes = [models.Index(fields=["next_attempt_at", "id"], name="delivery_due", condition=Q(status="pending"))]
        verbose_name, verbose_name_plural = _("delivery"), _("deliveries")

    def __str__(self) -> str:
        return f"{self.handler} {self.status}"


class IdempotencyKey(models.Model):
    """Remembers for 24 hours what a form with this hidden key led to, so that a double submit makes one record."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    key = models.UUIDField()
    path = models.CharField(max_length=200)
    result = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return str(self.key)


class Heartbeat(models.Model):
    """When a background process last showed that it lives."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} {self.at}"


class ExportJob(models.Model):
    """A file that the worker makes because it is too large for a request."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Being made")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    record_slug = models.CharField(max_length=40)
    format = models.CharField(max_length=8)
    query = models.TextField(blank=True)  # the list's query string
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    rows = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="exports/", blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.record_slug} {self.format} {self.state}"


class Source(models.Model):
    """Where leads and deals come from; old ones stay on old records and are no longer offered."""

    name = models.CharField(_("name"), max_length=80)
    key = models.CharField(max_length=80, unique=True, editable=False)  # folded name
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("offered"), default=True)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("source"), _("sources")

    def __str__(self) -> str:
        return self.name
