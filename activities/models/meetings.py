"""Spans of time with people: guests, the private feed, files to import."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from activities.models.base import LONG, SUBJECTS, Subjects, subject_indexes
from activities.models.video import validate_video_url
from crm.core.access import OwnedPolicy, PersonalPolicy, RecordQuerySet, ViaChild
from crm.core.audit import audited
from crm.core.custom.models import Customised, custom_index
from crm.core.models import Binned
from crm.core.text import fold, sort_key
from users.models import validate_zone

LONGEST = timedelta(days=31)  # of a meeting: who looks for those of a day need not look further back


def spans_days(starts_at: datetime, ends_at: datetime, zone: str) -> bool:
    """Is it from midnight to midnight there, and so for whole days?"""
    start, end = (when.astimezone(ZoneInfo(zone)) for when in (starts_at, ends_at))
    return start.time() == end.time() == time.min and start.date() < end.date()


@audited("uuid", "import_key", "sequence", "series", "recurrence_at")
class Meeting(Subjects, Customised, Binned):
    """A span of time with people: the organiser (`owner`) and guests. One from midnight to midnight in `zone` is for whole days. A private one is
    seen by its organiser alone, and belongs to no record."""

    brief_fields = ("title",)

    title = models.CharField(_("title"), max_length=200)
    location = models.CharField(_("place"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="meetings", verbose_name=_("organiser"), db_index=False)
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_zone])
    video_url = models.URLField(_("video link"), max_length=500, blank=True, default="", db_default="", validators=[validate_video_url])
    is_private = models.BooleanField(_("private"), default=False, db_default=False)
    uuid = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)  # the UID that calendars know it by
    sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # how often guests had to be told of a change
    import_key = models.CharField(max_length=64, null=True, editable=False)  # digest of UID and date in the file that it came from
    series = models.ForeignKey("MeetingSeries", null=True, blank=True, on_delete=models.SET_NULL, related_name="meetings", editable=False, db_index=False)
    recurrence_at = models.DateTimeField(null=True, blank=True, editable=False)  # the start by the rule, wherever the meeting has been moved
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    search_text = models.TextField(default="", blank=True, editable=False)
    sort_name = models.CharField(max_length=80, default="", blank=True, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = OwnedPolicy(private="is_private")

    class Meta:
        verbose_name, verbose_name_plural = _("meeting"), _("meetings")
        indexes = [
            models.Index(fields=["owner", "starts_at", "id"], name="meeting_owner", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["team", "starts_at", "id"], name="meeting_team", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["starts_at", "id"], name="meeting_start", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["created_at", "id"], name="meeting_created", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["sort_name", "id"], name="meeting_sortname", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["starts_at", "owner"], name="meeting_private", condition=Q(deleted_at__isnull=True, is_private=True)),
            models.Index(fields=["ends_at"], name="meeting_unheld", condition=Q(deleted_at__isnull=True, held_at__isnull=True)),
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="meeting_search", condition=Q(deleted_at__isnull=True)),
            *subject_indexes("meeting", "starts_at"),
            custom_index("meeting"),
        ]
        constraints = [
            models.CheckConstraint(name="meeting_ends_after_start", condition=Q(ends_at__gte=F("starts_at"))),
            models.CheckConstraint(name="meeting_private_alone", condition=Q(is_private=False) | Q(subject_type="", **dict.fromkeys(SUBJECTS))),
            models.UniqueConstraint(fields=["created_by", "import_key"], name="meeting_imported_once", condition=Q(import_key__isnull=False)),
            # Two beats, two clicks: each meeting of a series is made once.
            models.UniqueConstraint(fields=["series", "recurrence_at"], name="meeting_series_once", condition=Q(series__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("meetings:detail", args=[self.pk])

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def is_whole_days(self) -> bool:
        return spans_days(self.starts_at, self.ends_at, self.zone)

    def fold(self) -> None:
        self.search_text, self.sort_name = fold(f"{self.title} {self.location} {self.description}", LONG), sort_key(self.title)


class Guest(models.Model):
    """Somebody whom an organiser wants there, by address; a person of the address book where it is known."""

    class State(models.TextChoices):
        INVITED = "invited", _("No answer yet")
        ACCEPTED = "accepted", _("Accepted")
        TENTATIVE = "tentative", _("Perhaps")
        DECLINED = "declined", _("Declined")

    contact = models.ForeignKey("contacts.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("contact"))
    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.INVITED)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    invited_at = models.DateTimeField(null=True, blank=True, editable=False)  # when the last invitation was written; empty: never told

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name or self.email


class MeetingGuest(Guest):
    """A guest of one meeting."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="guests")

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("meeting")

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = _("guest"), _("guests")
        constraints = [models.UniqueConstraint("meeting", Lower("email"), name="guest_once")]


class CalendarFeed(models.Model):
    """The private address of one's calendar, for other programs. Only the secret's digest is stored."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id")

    class Meta:
        verbose_name = _("calendar feed")

    def __str__(self) -> str:
        return f"{self.user_id}"


class CalendarUpload(models.Model):
    """A calendar's file between its upload and the click that makes meetings of it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id")

    class Meta:
        verbose_name = _("calendar file")

    def __str__(self) -> str:
        return self.name
