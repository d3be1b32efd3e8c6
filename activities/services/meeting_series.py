"""Meetings that repeat: begun, carried on, deleted from one of them on (docs/decisions/calendar.md)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import Meeting, MeetingSeries
from activities.services import series_guests
from activities.services.meetings import DEFAULT_REMINDER, check_meeting, create_meeting, delete_meetings
from activities.services.next_steps import refresh_next_steps
from activities.services.occurrences import DAY, TEMPLATE, day_of, lasting, meetings_of, rule_days, span_on, to_come, values_on
from activities.services.reminders import set_reminders
from activities.services.series import RULE, rule_on
from activities.services.subjects import touched
from activities.services.tasks import Values, asked_minutes
from crm.core.access import reaches
from crm.core.writes import StaleRecord, clean, create_records, lock, writable

SCOPES = ONE, FOLLOWING, ALL = ("one", "following", "all")
MOST = 200  # meetings of a series that are there ahead
AHEAD = timedelta(days=731)
BACK = timedelta(days=31)  # so long ago a series may begin


# ---- begun ----


@transaction.atomic
def plan_meeting(values: Values, *, actor: Any) -> Meeting:
    """A meeting (see services.create_meetings), or with `repeat` (one of series.PRESETS, or a rule: see series.rule_on) the first one of a series, on the
    first day of the rule. Guests get one invitation for all."""
    rule = values.get("repeat")
    if not rule:
        return create_meeting({name: value for name, value in values.items() if name != "repeat"}, actor=actor)
    zone = values.get("zone") or (values.get("owner") or actor).time_zone
    series = draft(rule, values["starts_at"], values["ends_at"], zone)
    start, end = span_on(series, series.starts_on)
    first = {name: value for name, value in values.items() if name not in ("repeat", "tell")}
    meeting = create_meeting({**first, "zone": zone, "starts_at": start, "ends_at": end}, actor=actor)
    begin(series, meeting, asked_minutes(values, DEFAULT_REMINDER))
    if values.get("tell"):
        series_guests.send(series, list(series.guests.all()), "REQUEST")
    return meeting


def draft(rule: Values | str, start: datetime, end: datetime, zone: str) -> MeetingSeries:
    """A series that is not stored: the rule for a meeting from `start` to `end` (UTC), from the first day of the rule on. ValidationError by field."""
    check_begin(start, end)
    series = MeetingSeries(zone=zone)
    local = start.astimezone(series.tz)
    series.at, series.lasts = local.time().replace(second=0, microsecond=0), lasting(start, end, series)
    put_rule(series, rule, local.date())
    return series


def check_begin(start: datetime, end: datetime) -> None:
    """A series begins at most a month ago, or thousands of meetings would have to be made before the first that is to come."""
    if start < timezone.now() - BACK:
        raise ValidationError({"starts_at": [_("A meeting that repeats begins at most a month ago.")]})
    check_meeting(Meeting(starts_at=start, ends_at=end))


def put_rule(series: MeetingSeries, rule: Values | str, day: date) -> None:
    """Give a series a rule, from its first day that is not before `day`. ValidationError by field."""
    given = rule_on(rule, day, too_early=_("The end is before the first meeting."))
    for name, value in {"interval": 1, "weekdays": [], "month_day": None, "nth": None, "until": None, "times": None, **given}.items():
        setattr(series, name, value)
    series.clean_fields(exclude={field.name for field in MeetingSeries._meta.fields} - set(RULE))
    begin_on_rule(series)


def begin_on_rule(series: MeetingSeries) -> None:
    first = next(rule_days(series), None)
    if first is None:
        raise ValidationError({"until": [_("No day of the rule comes before this end.")]})
    series.starts_on = first


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def begin(series: MeetingSeries, meeting: Meeting, reminders: Iterable[int]) -> None:
    """Store a draft whose first meeting this is, and make the others."""
    for name in (*TEMPLATE, "owner"):
        setattr(series, name, getattr(meeting, name))
    series.reminders, series.made_until = sorted(reminders), series.starts_on
    clean(series)
    series.save()
    meeting.series, meeting.recurrence_at = series, meeting.starts_at
    Meeting._base_manager.filter(pk=meeting.pk).update(series=series, recurrence_at=meeting.starts_at)
    series_guests.invite_all(series, meeting)
    carry_on(series, meeting)


# ---- carried on ----


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def carry_on(series: MeetingSeries, like: Meeting) -> list[Meeting]:
    """Make what is missing of a series, whose row is locked or new: the next MOST meetings, two years ahead at most."""
    now = timezone.now()
    room, horizon = MOST - to_come(series).count(), (now + AHEAD).astimezone(series.tz).date()
    days: list[date] = []
    for day in rule_days(series):
        if day > horizon or len(days) >= room:
            break
        if day > series.made_until:
            days.append(day)
    if not days:
        return []
    made = create_records(Meeting, [values_on(series, day, like) for day in days], actor=None)
    series.made, series.made_until = series.made + len(days), days[-1]
    series.save(update_fields=["made", "made_until"])
    set_reminders(made, {meeting.pk: set(series.reminders) for meeting in made}, new=True)
    series_guests.seat(series, made)
    refresh_next_steps(touched(made))
    return made


def carry_on_meetings() -> int:
    """Series that go on have their next meetings made; those of which nothing is left, not even in the bin, go. How many meetings were made."""
    MeetingSeries.objects.filter(meetings__isnull=True).delete()
    goes_on = (Q(times=None) | Q(made__lt=F("times"))) & (Q(until=None) | Q(made_until__lt=F("until")))
    soon = (timezone.now() + AHEAD).date()
    waiting = MeetingSeries.objects.filter(goes_on, ended_on=None, owner__is_active=True, made_until__lt=soon)
    return sum(_carry_on(pk) for pk in waiting.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _carry_on(pk: int) -> int:
    series = MeetingSeries.objects.select_for_update(skip_locked=True, of=("self",)).select_related("owner").filter(pk=pk, ended_on=None).first()
    if series is None:
        return 0
    rows = meetings_of(series)  # of one that comes every third year the last is over before the next is due to be made
    like = rows.filter(owner=series.owner).last() or rows.last()
    return len(carry_on(series, like)) if like is not None else 0


# ---- deleted ----


@transaction.atomic
def delete_meeting(meeting: Meeting, scope: str, *, actor: Any, version: int | None = None) -> uuid.UUID:
    """Into the bin: this one, this and the following, or all to come of its series; what is over stays. The deletion group, which brings all of it back.
    StaleRecord when `version` is old; ValidationError at "scope"."""
    series, row = lock_series(meeting), lock(meeting)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    if scope not in SCOPES:
        raise ValidationError({"scope": [_("Choose which of the meetings.")]})
    if series is None or scope == ONE:
        return delete_meetings([row.pk], actor=actor)
    rows = reachable(series, scope_of(series, row, following=scope == FOLLOWING), row, actor, "delete")
    if not rows:
        raise ValidationError({"scope": [_("None of them is still to come.")]})
    series.ended_on = day_of(series, rows[0]) - DAY
    series.save(update_fields=["ended_on"])
    return delete_meetings([each.pk for each in rows], actor=actor)


def lock_series(meeting: Meeting) -> MeetingSeries | None:
    """The series of a meeting, locked before any of its meetings, so that nobody waits in a circle."""
    return MeetingSeries.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=meeting.series_id).first()


def reachable(series: MeetingSeries, rows: list[Meeting], row: Meeting, actor: Any, action: str) -> list[Meeting]:
    """Those of them on which the actor may do `action`. ValidationError for who may do it on `row` alone, which they were given, and not on the series:
    it is as much its organiser's as a meeting of theirs."""
    like = Meeting(owner_id=series.owner_id, team_id=series.owner.team_id, is_private=row.is_private)
    if actor is not None and not reaches(actor, action, like):
        raise ValidationError({"scope": [_("The series is somebody else's. Choose only this one, or ask its organiser.")]})
    allowed = set(writable(Meeting, [each.pk for each in rows], actor, action).values_list("pk", flat=True))
    return [each for each in rows if each.pk in allowed]


def scope_of(series: MeetingSeries, meeting: Meeting, *, following: bool) -> list[Meeting]:
    """The meetings to come, or those of them from this one on, locked."""
    rows = to_come(series).select_for_update(of=("self",))
    return list(rows.filter(recurrence_at__gte=meeting.recurrence_at) if following else rows)
