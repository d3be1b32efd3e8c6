"""Meetings that repeat: the rule and what its meetings are made of, and who was invited to all of them."""

from __future__ import annotations

import uuid
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from activities.models.meetings import Guest, Meeting
from activities.models.rules import Rule
from activities.models.video import validate_video_url
from crm.core.access import PersonalPolicy, RecordQuerySet, ViaChild

DAY = timedelta(days=1)


class MeetingSeries(Rule):
    """How a meeting repeats (its meetings are rows, made ahead), and what they have in common as long as nobody changes one by hand.

    They start at the clock time `at` of `zone`, also over summer time, and last `lasts`. `made_until` is the day of the rule up to which meetings have
    been made: what was deleted is never made again. `ended_on`: all that would come later were deleted; it goes when they come out of the bin.
    """

    title = models.CharField(max_length=200)
    location = models.CharField(max_length=200, blank=True)
    video_url = models.URLField(max_length=500, blank=True, validators=[validate_video_url])
    description = models.TextField(blank=True, max_length=10_000)
    at = models.TimeField()
    lasts = models.DurationField()
    zone = models.CharField(max_length=64)
    reminders = ArrayField(models.PositiveIntegerField(), default=list, blank=True)  # minutes before
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_until = models.DateField(editable=False)
    ended_on = models.DateField(null=True, blank=True, editable=False)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # the UID that guests' calendars know it by
    sequence = models.PositiveIntegerField(default=0, editable=False)  # how often guests had to be told of a change of the whole

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("owner_id")  # others see it through its meetings

    class Meta:
        verbose_name, verbose_name_plural = _("series of meetings"), _("series of meetings")

    def __str__(self) -> str:
        return self.title

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def is_whole_days(self) -> bool:
        return self.at == time.min and self.lasts >= DAY and not self.lasts % DAY

    @property
    def ends_on(self) -> date | None:
        return min((day for day in (self.until, self.ended_on) if day is not None), default=None)


class SeriesGuest(Guest):
    """Somebody who was invited to a series as a whole; at each of its meetings a MeetingGuest stands for them."""

    series = models.ForeignKey(MeetingSeries, on_delete=models.CASCADE, related_name="guests")
    meeting: Meeting | None = None  # the next one, where somebody asks for it

    objects = RecordQuerySet.as_manager()
    access_policy = ViaChild("series")

    class Meta:
        ordering = ["pk"]
        verbose_name, verbose_name_plural = _("guest of a series"), _("guests of series")
        constraints = [models.UniqueConstraint("series", Lower("email"), name="series_guest_once")]
