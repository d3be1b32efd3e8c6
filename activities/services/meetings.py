"""Meetings: spans of time on the calendar."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import SUBJECTS, Activity, Meeting, MeetingSeries
from activities.models.meetings import LONGEST
from activities.services.guests import after_change, conceal_invitations, set_guests, told_state
from activities.services.lines import write_lines
from activities.services.next_steps import open_meetings, refresh_next_steps
from activities.services.reminders import planned_minutes, set_reminders
from activities.services.subjects import merged, most_specific, refresh_last_activity, touched
from activities.services.tasks import Values, _relink, asked_minutes, with_subjects, without
from crm.core.bin import delete_records
from crm.core.writes import change_record, change_records, create_records

DEFAULT_REMINDER = 15
FIRST, LAST = 1970, 2199


def create_meeting(values: Values, *, actor: Any) -> Meeting:
    """One meeting; see create_meetings."""
    return create_meetings([values], actor=actor)[0]


@transaction.atomic
def create_meetings(rows: Sequence[Values], *, actor: Any) -> list[Meeting]:
    """Meetings from `starts_at` to `ends_at` (UTC), on the clock of `zone`; `is_private`: the actor's own, on no record; `reminder` in minutes before
    (one or several; None: none, default a quarter of an hour); `guests` (each `email` and `name`), who get an invitation by mail if `tell`."""
    prepared = with_subjects(rows, actor)
    for row in prepared:
        owner = row.get("owner") or actor
        if row.get("is_private") and owner != actor:
            raise ValidationError({"is_private": [_("Only the organiser can make a meeting private.")]})
        row["zone"] = row.get("zone") or (owner.time_zone if owner is not None else "UTC")
    meetings = create_records(Meeting, [without(row, "reminder", "guests", "tell") for row in prepared], actor=actor, check=check_meeting)
    set_reminders(meetings, {meeting.pk: _asked(row) for meeting, row in zip(meetings, rows, strict=True)}, new=True)
    refresh_next_steps(touched(meetings))
    for meeting, row in zip(meetings, rows, strict=True):
        if row.get("guests"):
            set_guests(meeting, row["guests"], actor=actor)
            after_change(meeting, {}, [], tell=bool(row.get("tell")))
    return meetings


def check_meeting(meeting: Meeting) -> None:
    """A meeting ends after it starts and lasts a month at most; a private one belongs to no record, whose readers would be told of it."""
    if meeting.is_private and meeting.subject_type:
        raise ValidationError({"is_private": [_("A private meeting belongs to no record. Take it off the record first.")]})
    if not FIRST <= meeting.starts_at.year <= LAST:
        raise ValidationError({"starts_at": [_("Choose a day between 1970 and 2199.")]})
    if meeting.ends_at < meeting.starts_at:
        raise ValidationError({"ends_at": [_("The end is before the start.")]})
    if meeting.ends_at - meeting.starts_at > LONGEST:
        raise ValidationError({"ends_at": [_("A meeting lasts at most a month.")]})


def _asked(values: Values) -> set[int]:
    return asked_minutes(values, DEFAULT_REMINDER)


@transaction.atomic
def update_meeting(meeting: Meeting, changes: Values, *, actor: Any, version: int | None = None) -> Meeting:
    """Change a meeting; its reminders move along. One that is moved into the future is to be held again. `guests` become those given; `tell`: they
    get mails of what concerns them. Only its organiser makes it private; then what timelines and the ledger of mails told of it is hidden."""
    changes, hidden = dict(changes), hides(meeting, changes, actor)
    reminder = {meeting.pk: _asked(changes)} if "reminder" in changes else None
    guests, tell = changes.pop("guests", None), bool(changes.pop("tell", False))
    changes.pop("reminder", None)
    before, known = touched([meeting]), told_state(meeting)
    _relink(meeting, changes, actor)
    if changes.get("ends_at") and changes["ends_at"] > timezone.now() and meeting.held_at is not None:
        changes["held_at"] = None
        Activity.objects.filter(meeting=meeting, verb="held").update(deleted_at=timezone.now())
    changed = change_record(meeting, changes, actor=actor, version=version, check=check_meeting)
    set_reminders([changed], reminder if reminder is not None else planned_minutes([changed]), chosen=reminder is not None)
    refresh_next_steps(merged(before, touched([changed])))
    gone = set_guests(changed, guests, actor=actor) if guests is not None else []
    after_change(changed, known, gone, tell=tell)
    if hidden:
        hide([changed])
    return changed


def hides(meeting: Meeting, changes: Values, actor: Any) -> bool:
    """Do these changes make the meeting private? ValidationError unless the actor is its organiser."""
    found = bool(changes.get("is_private")) and not meeting.is_private
    if found and actor is not None and meeting.owner_id != actor.pk:
        raise ValidationError({"is_private": [_("Only the organiser can make a meeting private.")]})
    return found


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def hide(meetings: Sequence[Meeting]) -> None:
    """They have become private: lines that records have of them go, and the ledger no longer shows invitations and reminders. Notices about answers and
    morning mails that have left stay as they are."""
    lines = list(Activity.objects.filter(meeting__in=meetings, deleted_at__isnull=True))
    Activity.objects.filter(pk__in=[line.pk for line in lines]).update(deleted_at=timezone.now())
    refresh_last_activity(touched(lines))
    conceal_invitations(meetings)


@transaction.atomic
def delete_meetings(ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Into the bin. Reminders and next steps follow by the event (handlers.bin_changed)."""
    return delete_records(Meeting, ids, actor=actor, group=group)


def close_past_meetings(limit: int = 200) -> int:
    """Meetings whose end has come count as held and stand on the timeline from then on; how many."""
    closed = 0
    while True:
        done = _close_batch(limit)
        closed += done
        if done < limit:
            return closed


@transaction.atomic
def _close_batch(limit: int) -> int:
    rows = list(open_meetings().filter(ends_at__lte=timezone.now()).order_by("ends_at", "pk").select_for_update(skip_locked=True)[:limit])
    for row in rows:
        row.held_at = row.ends_at
    Meeting.objects.bulk_update(rows, ["held_at"], batch_size=500)
    write_lines([_held_line(row) for row in rows if row.subject_type])
    refresh_next_steps(touched(rows))
    return len(rows)


def _held_line(row: Meeting) -> Values:
    minutes = int((row.ends_at - row.starts_at).total_seconds() // 60)
    data = {"title": row.title, "minutes": minutes, "location": row.location}
    links = {f"{name}_id": getattr(row, f"{name}_id") for name in SUBJECTS}
    about = {"meeting": row, "subject_type": row.subject_type, **links}
    return {"kind": Activity.Kind.MEETING, "verb": "held", "actor_id": row.owner_id, "at": row.starts_at, "data": data, **about}


@transaction.atomic
def reassign_meetings(user: Any, successor: Any, actor: Any) -> int:
    """Somebody leaves: meetings to come go to the successor. (Hook "deactivate".)"""
    rows = list(open_meetings().filter(owner=user))
    if successor is not None:
        MeetingSeries.objects.filter(owner=user).update(owner=successor)
    if not rows or successor is None:
        return 0
    changed = change_records(Meeting, [row.pk for row in rows], {"owner": successor}, actor=None)
    moved = list(Meeting._base_manager.filter(pk__in=[row.pk for row in rows]).select_related("owner"))
    set_reminders(moved, planned_minutes(moved))
    return changed


@transaction.atomic
def repoint_meetings(lead: Any, links: dict[str, Any]) -> None:
    """A converted lead's meetings are from then on those of its deal or contact."""
    given = {name: obj for name, obj in links.items() if obj is not None}
    kind = most_specific({name: obj.pk for name, obj in given.items()})
    if kind:
        Meeting._base_manager.filter(lead=lead, deal__isnull=True).update(**given, subject_type=kind, updated_at=timezone.now())


def default_span(day: Any, now: datetime) -> tuple[datetime, datetime]:
    """What the form of a new meeting starts with: the next full hour, an hour long."""
    start = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    if day is not None:
        start = start.replace(year=day.year, month=day.month, day=day.day)
    return start, start + timedelta(hours=1)
