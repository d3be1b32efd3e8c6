"""Reads of the calendar beside its days: the team's day, guests, the feed, a file that waits for its import."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Case, Count, F, Max, Q, When
from django.db.models.functions import TruncDate

from activities.models import SUBJECTS, CalendarFeed, CalendarUpload, Meeting, MeetingGuest, Task
from activities.selectors.work import Day, day_starts, due_on_days, entries_on, loaded, shown_meetings, shown_tasks
from crm.core.access import Scope
from crm.core.related import see

BACK = timedelta(days=90)
MOST = 2000  # of meetings and of tasks: a third of a second each for a thousand
COLUMNS, PER_PERSON = 12, 60  # people side by side, and what of one's day is shown


@dataclass(frozen=True)
class TeamDay:
    """A day of several people: `days` are theirs, in the order of `people`; `more` people come after these."""

    people: list[Any]
    days: list[Day]
    seen: dict[str, dict[int, Any]]
    more: bool


def team_day(user: Any, day: date, zone: tzinfo, *, layers: frozenset[str], page: int = 1) -> TeamDay:
    """The day of each colleague whose work the user sees, twelve of them: oneself, those who have something, then the others by name.

    Seven queries at most: times and rows of tasks and of meetings, private times, the people, and the records that they are about.
    """
    by_owner: dict[int, list[tuple[int, int]]] = defaultdict(list)
    entries, busy = entries_on(user, [day], zone, layers, team=True)
    for entry in entries:
        if entry.days:
            by_owner[entry.owner].append((entry.kind, entry.pk))
    first = (page - 1) * COLUMNS
    people = list(_colleagues(user, by_owner)[first : first + COLUMNS + 1])
    shown = people[:COLUMNS]
    found = loaded({entry for person in shown for entry in by_owner[person.pk][:PER_PERSON]})
    rows = found | busy
    days = [Day(day, [rows[entry] for entry in by_owner[person.pk][:PER_PERSON] if entry in rows], len(by_owner[person.pk])) for person in shown]
    return TeamDay(shown, days, see(user, list(found.values()), SUBJECTS) if found else {}, len(people) > COLUMNS)


def _colleagues(user: Any, busy: Collection[int]) -> Any:
    """Whose work the user sees, and who has something that they see, also from elsewhere or from former times."""
    scopes = {user.scope_for(model._meta.label_lower, "view") for model in (Task, Meeting)}
    seen = Q(is_active=True) if Scope.ALL in scopes else Q(is_active=True, team__in=user.team_scope) | Q(pk=user.pk)
    place = Case(When(pk=user.pk, then=0), When(pk__in=list(busy), then=1), default=2)
    rows = get_user_model().objects.visible_to(user).filter(seen | Q(pk__in=list(busy)))
    return rows.order_by(place, "name", "pk").only("name", "email", "time_zone", "away_from", "away_to", "is_active")


def busy_days(user: Any, days: Sequence[date], zone: tzinfo, layers: frozenset[str]) -> set[date]:
    """On which of these days one has something oneself: a query over one's own."""
    start, end = day_starts(days[0], zone), day_starts(days[-1] + timedelta(days=1), zone)
    tasks, meetings = shown_tasks(user, layers, team=False), shown_meetings(user, layers, team=False)
    parts = []
    if tasks is not None:
        due = Case(When(due_time__isnull=True, then=F("due_on")), default=TruncDate("due_at", tzinfo=zone))
        parts.append(due_on_days(tasks, days, zone).annotate(low=due, high=due).values_list("low", "high").order_by())
    if meetings is not None:
        held = meetings.filter(starts_at__lt=end, ends_at__gte=start)
        last = TruncDate(F("ends_at") - timedelta(microseconds=1), tzinfo=zone)
        parts.append(held.annotate(low=TruncDate("starts_at", tzinfo=zone), high=last).values_list("low", "high").order_by())
    found = parts[0].union(*parts[1:]) if parts else []
    return {day for low, high in found for day in days_from(low, high, days)}


def days_from(low: date, high: date, days: Sequence[date]) -> list[date]:
    """The days from `low` to `high`, at least `low`, as far as they are in `days`, which have no gap."""
    first, last = max(low, days[0]), min(max(low, high), days[-1])
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


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
