"""The meetings of a series: on which days and when they are, what they are made of, which are still to come. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from activities.models import Meeting, MeetingSeries
from activities.models.meeting_series import DAY
from activities.models.meetings import spans_days
from activities.services.due import moment
from activities.services.series import days_after
from activities.services.tasks import LAST_DAY
from crm.core.custom.definitions import definitions

TEMPLATE = ("title", "location", "video_url", "description")  # with the time: what the meetings of a series have in common
# What a meeting of a series does not take from the one that it is made after.
OWN = {
    *("id", "uuid", "sequence", "import_key", "held_at", "created_at", "updated_at", "version", "search_text", "sort_name"),
    *("owner_id", "team_id", "created_by_id", "deleted_at", "deleted_by_id", "deletion_group", "series_id", "recurrence_at", "starts_at", "ends_at"),
}


def rule_days(series: MeetingSeries) -> Iterator[date]:
    """All days of the rule, the deleted ones too, to its end."""
    last = min(series.ends_on or LAST_DAY, LAST_DAY)
    for number, day in enumerate(days_after(series, series.starts_on - DAY)):
        if day > last or (series.times is not None and number >= series.times):
            return
        yield day


def span_on(series: MeetingSeries, day: date) -> tuple[datetime, datetime]:
    """When the meeting of a day starts and ends (UTC). Whole days stay whole days, also where one of them has 23 or 25 hours."""
    start = moment(day, series.at, series.zone)
    return start, moment(day + series.lasts, time.min, series.zone) if series.is_whole_days else start + series.lasts


def lasting(start: datetime, end: datetime, series: MeetingSeries) -> timedelta:
    """How long a meeting lasts; from midnight to midnight in the series' zone, whole days."""
    first, last = start.astimezone(series.tz), end.astimezone(series.tz)
    return last.date() - first.date() if spans_days(start, end, series.zone) else end - start


def day_of(series: MeetingSeries, meeting: Meeting) -> date:
    """The day of the rule that a meeting stands for, wherever it has been moved."""
    assert meeting.recurrence_at is not None
    return meeting.recurrence_at.astimezone(series.tz).date()


def values_on(series: MeetingSeries, day: date, like: Meeting) -> dict[str, Any]:
    """What the meeting of a day is made of: the series, and what that does not know (the records it is about, custom fields) of one like it."""
    start, end = span_on(series, day)
    values = {field.attname: getattr(like, field.attname) for field in Meeting._meta.concrete_fields if field.attname not in OWN}
    unique = {each.key for each in definitions().used.get(Meeting._meta.label_lower, ()) if each.unique}
    values["custom"] = {key: value for key, value in like.custom.items() if key not in unique}
    values |= {name: getattr(series, name) for name in TEMPLATE}
    return {**values, "owner": series.owner, "zone": series.zone, "starts_at": start, "ends_at": end, "series": series, "recurrence_at": start}


def is_changed(series: MeetingSeries, meeting: Meeting) -> bool:
    """Whether somebody changed what guests see of this one meeting by hand."""
    same = all(getattr(meeting, name) == getattr(series, name) for name in TEMPLATE)
    return not same or (meeting.starts_at, meeting.ends_at) != span_on(series, day_of(series, meeting))


def meetings_of(series: MeetingSeries) -> QuerySet[Meeting]:
    """Those that are there, whoever sees them, in the order of the rule."""
    return Meeting._base_manager.filter(series=series, deleted_at__isnull=True).order_by("recurrence_at")


def to_come(series: MeetingSeries) -> QuerySet[Meeting]:
    """Those that are neither held nor over."""
    return meetings_of(series).filter(held_at__isnull=True, ends_at__gt=timezone.now())
