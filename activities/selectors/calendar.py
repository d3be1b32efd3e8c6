"""Reads of the calendar beside its days: guests, the feed, a file that waits for its import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max

from activities.models import CalendarFeed, CalendarUpload, Meeting, MeetingGuest, Task

BACK = timedelta(days=90)
MOST = 2000  # of meetings and of tasks: a third of a second each for a thousand


def guests_of(meeting: Meeting) -> list[MeetingGuest]:
    """In the order in which they were added."""
    return list(meeting.guests.all())


def own_upload(user: Any, pk: int) -> CalendarUpload | None:
    return CalendarUpload.objects.visible_to(user).filter(pk=pk).first() if pk <= 2**63 - 1 else None


def feed_made_at(user: Any) -> datetime | None:
    """Since when the user's feed has its address; None when there is none."""
    return CalendarFeed.objects.visible_to(user).values_list("created_at", flat=True).first()


@dataclass(frozen=True)
class FeedRows:
    """What a feed shows, as querysets, and a mark that changes with it."""

    meetings: Any
    tasks: Any
    etag: str
    changed_at: datetime | None


def feed_rows(user: Any, now: datetime) -> FeedRows:
    """One's own meetings and dated tasks, as far as one may see them, from 90 days ago on. The mark costs two counts over these rows."""
    since = now - BACK
    meetings = Meeting.objects.visible_to(user).filter(owner=user, ends_at__gte=since)
    tasks = Task.objects.visible_to(user).filter(owner=user, due_at__gte=since)
    marks = [rows.aggregate(count=Count("pk"), newest=Max("updated_at"), last=Max("pk")) for rows in (meetings, tasks)]
    text = "|".join(str(value) for mark in marks for value in mark.values()) + f"|{user.pk}|{user.name}|{user.language}"
    newest = [mark["newest"] for mark in marks if mark["newest"] is not None]
    etag = hashlib.sha256(text.encode()).hexdigest()[:32]
    return FeedRows(meetings.order_by("starts_at", "pk")[:MOST], tasks.order_by("due_at", "pk")[:MOST], f'"{etag}"', max(newest, default=None))
