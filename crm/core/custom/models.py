"""Definitions of custom fields, and the column that holds their values."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet

PREFIX = "custom_"  # in front of a field's id: its name in forms, services, events and imports


class Customised(models.Model):
    """A record that can have custom fields: `custom` maps a field's id, as text, to its value (crm.core.custom.values)."""

    custom_stage: ClassVar[str] = ""  # the foreign key of its stages, where fields can be required at a stage

    custom = models.JSONField(default=dict, db_default={}, blank=True, editable=False)

    class Meta:
        abstract = True


def custom_index(table: str) -> GinIndex:
    """Finds rows by choices, people and links. Rows without a value are not in it, so that who has no custom fields pays nothing."""
    return GinIndex(OpClass(F("custom"), name="jsonb_path_ops"), name=f"{table}_custom", condition=Q(deleted_at__isnull=True) & ~Q(custom={}))


class CustomField(models.Model):
    """One field of one record type. Kind, record type and what it links to never change: values of the old kind would stay behind."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        LONG_TEXT = "long_text", _("Long text")
        NUMBER = "number", _("Number")
        MONEY = "money", _("Money")
        DATE = "date", _("Date")
        TIME = "time", _("Time")
        CHOICE = "choice", _("Choice")
        CHOICES = "choices", _("Several choices")
        YES_NO = "yes_no", _("Yes or no")
        USER = "user", _("Colleague")
        LINK = "link", _("Link to a record")
        URL = "url", _("Web address")

    class Index(models.TextChoices):
        NONE = "", _("Not indexed")
        WANTED = "wanted", _("Being brought up to date")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    class Job(models.TextChoices):
        NONE = "", _("None")
        FOLD = "fold", _("Search is being brought up to date")
        DELETE = "delete", _("Values are being deleted")

    record = models.CharField(max_length=60, editable=False)  # label of the model: "contacts.contact"
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, editable=False)
    label = models.CharField(_("label"), max_length=80)
    group = models.CharField(_("group"), max_length=80, blank=True)
    help_text = models.CharField(_("help"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    choices = models.JSONField(default=list, blank=True)  # [{"key": "001", "label": "Gold", "offered": true}]
    link_to = models.CharField(_("links to"), max_length=40, blank=True, editable=False)  # slug of a record type
    currency = models.CharField(max_length=3, blank=True, editable=False)
    default = models.JSONField(_("default"), null=True, blank=True)  # as stored
    required = models.BooleanField(_("required"), default=False)
    unique = models.BooleanField(_("unique"), default=False)
    in_list = models.BooleanField(_("column in the list"), default=False)
    stages = ArrayField(models.BigIntegerField(), default=list, blank=True)  # ids of the stages that ask for it
    roles = ArrayField(models.BigIntegerField(), default=list, blank=True)  # ids of the roles that see it; none: all do
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    indexed = models.BooleanField(_("indexed"), default=False)
    index_state = models.CharField(max_length=8, choices=Index, blank=True, default=Index.NONE, editable=False)
    index_error = models.CharField(max_length=300, blank=True, editable=False)
    job = models.CharField(max_length=8, choices=Job, blank=True, default=Job.NONE, editable=False)
    job_since = models.DateTimeField(null=True, blank=True, editable=False)
    job_position = models.BigIntegerField(default=0, editable=False)  # the last row that the job has been at
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings", public=False)

    class Meta:
        ordering = ["record", "position", "pk"]
        verbose_name, verbose_name_plural = _("custom field"), _("custom fields")
        indexes = [models.Index(fields=["id"], name="customfield_work", condition=Q(index_state="wanted") | ~Q(job=""))]

    def __str__(self) -> str:
        return self.label

    @property
    def name(self) -> str:
        """Its name in forms, services, events and imports: `custom_12`."""
        return f"{PREFIX}{self.pk}"

    @property
    def key(self) -> str:
        """Its key in the record's JSON."""
        return str(self.pk)

    @property
    def is_fast(self) -> bool:
        """Can a list of any length be sorted by it?"""
        return self.indexed and self.index_state == self.Index.READY

    @property
    def is_guarded(self) -> bool:
        """Does the database itself refuse a second equal value?"""
        return self.unique and self.index_state == self.Index.READY

    @property
    def is_searched(self) -> bool:
        """Are rows found by it? Only what all roles see: a search must not tell what a reader may not read."""
        return self.kind in SEARCHED and not self.roles and self.archived_at is None and self.job != self.Job.DELETE

    def seen_by(self, user: Any) -> bool:
        """May this user see the field? Admins see all; so does the system (None)."""
        return not self.roles or user is None or user.is_admin or user.role_id in self.roles

    def label_of(self, key: str) -> str:
        """The text of a choice; also of one that is no longer offered."""
        return next((each["label"] for each in self.choices if each["key"] == key), "")

    def offered(self) -> list[tuple[str, str]]:
        return [(each["key"], each["label"]) for each in self.choices if each.get("offered", True)]


class RecordLayout(models.Model):
    """How an organisation arranges the fields of one record type, its own and those that came with it. Without a row they stand as they came."""

    record = models.CharField(max_length=60, unique=True, editable=False)  # label of the model: "contacts.contact"
    groups = models.JSONField(default=list, editable=False)  # [{"title": "Person", "fields": ["first_name", "custom_12"]}]
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings", public=False)

    class Meta:
        verbose_name, verbose_name_plural = _("layout"), _("layouts")

    def __str__(self) -> str:
        return self.record


SEARCHED = (CustomField.Kind.TEXT, CustomField.Kind.LONG_TEXT, CustomField.Kind.NUMBER, CustomField.Kind.URL)
UNIQUE = (CustomField.Kind.TEXT, CustomField.Kind.NUMBER, CustomField.Kind.DATE, CustomField.Kind.URL, CustomField.Kind.LINK)
