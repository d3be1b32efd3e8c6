"""A series is changed from one of its meetings on: those meetings take over what was changed, and the rule moves with them."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from activities.models import Meeting, MeetingGuest, MeetingSeries
from activities.models.rules import Rule
from activities.services import series_guests
from activities.services.meeting_series import (
    FOLLOWING,
    ONE,
    SCOPES,
    begin,
    begin_on_rule,
    carry_on,
    check_begin,
    draft,
    lock_series,
    put_rule,
    reachable,
    scope_of,
)
from activities.services.meetings import check_meeting, delete_meetings, hide, hides, update_meeting
from activities.services.next_steps import refresh_next_steps
from activities.services.occurrences import DAY, TEMPLATE, day_of, lasting, meetings_of, rule_days, span_on
from activities.services.reminders import planned_minutes, set_reminders
from activities.services.series import RULE, SHORTEST_MONTH, move_rule
from activities.services.subjects import merged, touched
from activities.services.tasks import Values, _relink, asked_minutes
from crm.core.custom import writing as custom
from crm.core.writes import StaleRecord, change_each, clean, lock

SHAPE = tuple(name for name in RULE if name not in ("until", "times"))
WEEK = 7
FIELDS = {field.name for field in Meeting._meta.concrete_fields}
Plan = dict[int, date | None]  # row id -> its day by the new rule; None: there is none left for it


@transaction.atomic
def change_meeting(meeting: Meeting, changes: Values, *, actor: Any, version: int | None = None) -> Meeting:
    """Change a meeting (see services.update_meeting). Of a series, `scope` says what: `one` (this alone, the default), `following` (this and those after
    it) or `all` (all to come; what is over never changes). `repeat`: it repeats by this rule from now on."""
    changes = dict(changes)
    scope, rule = changes.pop("scope", ONE), changes.pop("repeat", None)
    if scope not in SCOPES:
        raise ValidationError({"scope": [_("Choose which of the meetings.")]})
    if meeting.series_id is None:
        return _begin_with(meeting, rule, changes, actor, version) if rule else update_meeting(meeting, changes, actor=actor, version=version)
    if scope != ONE:
        return change_series(meeting, changes, rule, actor=actor, version=version, following=scope == FOLLOWING)
    if rule:
        raise ValidationError({"scope": [_("A rule is for several meetings: choose this and the following, or all to come.")]})
    return update_meeting(meeting, changes, actor=actor, version=version)


def _begin_with(meeting: Meeting, rule: Values | str, changes: Values, actor: Any, version: int | None) -> Meeting:
    """A single meeting repeats from now on. For guests who know it already it stays the same entry, which repeats."""
    zone = changes.get("zone") or meeting.zone
    series = draft(rule, changes.get("starts_at", meeting.starts_at), changes.get("ends_at", meeting.ends_at), zone)
    start, end = span_on(series, series.starts_on)
    tell = changes.pop("tell", False)
    row = update_meeting(meeting, {**changes, "starts_at": start, "ends_at": end}, actor=actor, version=version)
    if row.series_id is not None:  # somebody was faster: two series of one meeting would make all others twice
        raise StaleRecord(row)
    if row.held_at is not None:
        raise ValidationError({"repeat": [_("This meeting is over. Change one that is still to come.")]})
    series.uuid, series.sequence = row.uuid, row.sequence + 1
    begin(series, row, asked_minutes(changes) if "reminder" in changes else planned_minutes([row]).get(row.pk, set()))
    if tell:
        series_guests.send(series, list(series.guests.all()), "REQUEST")
    return row


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def change_series(meeting: Meeting, changes: Values, rule: Values | None, *, actor: Any, version: int | None, following: bool) -> Meeting:
    """Change this meeting and those after it, or all to come (see change_meeting). Where earlier ones are there, what follows becomes a series of its own,
    and the old one ends before it. StaleRecord, ValidationError by field."""
    old, row = lock_series(meeting), lock(meeting)
    assert old is not None
    if version is not None and version != row.version:
        raise StaleRecord(row)
    rows = reachable(old, scope_of(old, row, following=following), row, actor, "change")
    if row not in rows:
        raise ValidationError({"scope": [_("This meeting is over. Change one that is still to come.")]})
    changes, hidden = dict(changes), sum(hides(each, changes, actor) for each in rows) > 0  # each of them is asked
    tell, wanted, reminder = bool(changes.pop("tell", False)), changes.pop("guests", None), changes.pop("reminder", ...)
    before, known, people = touched(rows), series_guests.told_state(old), list(old.guests.all())
    _relink(row, changes, actor)
    splits = following and meetings_of(old).filter(recurrence_at__lt=rows[0].recurrence_at).exists()
    new = _rebased(old, day_of(old, rows[0])) if splits or rule or {"starts_at", "ends_at", "zone"} & set(changes) else copy.copy(old)
    plan = _retime(old, new, row, rows, changes, rule)
    if splits:
        _split(old, new, rows[0])
    for name in (*TEMPLATE, "owner"):
        setattr(new, name, changes.get(name, getattr(new, name)))
    if reminder is not ...:
        new.reminders = sorted(asked_minutes({"reminder": reminder}))
    clean(new)
    new.save()
    for each in rows:
        _check(each, changes)
    left = _put(old, new, rows, plan, changes, actor)
    if hidden:
        hide(left)
        series_guests.conceal(old, new)
    minutes = planned_minutes(left) if reminder is ... else {each.pk: set(new.reminders) for each in left}
    set_reminders(left, minutes, chosen=reminder is not ...)
    refresh_next_steps(merged(before, touched(left)))
    if splits:
        series_guests.take_over(new, people, left)
    gone = series_guests.change_guests(new, row, left, wanted, actor=actor) if wanted is not None else []
    carry_on(new, left[0])
    if splits:
        series_guests.after_split(old, new, people, decided=plan is not None or "location" in changes, tell=tell)
    else:
        series_guests.after_change(new, known, gone, tell=tell)
    return next((each for each in left if each.pk == row.pk), left[0])


def _check(row: Meeting, changes: Values) -> None:
    """What a change of all would make of one of them."""
    like = copy.copy(row)
    for name, value in changes.items():
        if name in FIELDS:
            setattr(like, name, value)
    check_meeting(like)


# ---- the rule ----


def _rebased(old: MeetingSeries, first: date) -> MeetingSeries:
    """The same rule, as one that begins on a later day of it."""
    skipped = sum(1 for _day in takewhile(lambda day: day < first, rule_days(old)))
    new = copy.copy(old)
    if old.ended_on is not None:  # what was deleted at its end comes back as single meetings, if at all
        new.until, new.times, new.ended_on = old.ends_on, None, None
    if old.frequency == Rule.Frequency.YEARLY and old.starts_on.day > SHORTEST_MONTH:
        new.month_day = old.month_day or old.starts_on.day
    new.starts_on, new.made = first, max(1, old.made - skipped)
    new.times = max(1, new.times - skipped) if new.times is not None else None
    return new


def _retime(old: MeetingSeries, new: MeetingSeries, row: Meeting, rows: Sequence[Meeting], changes: Values, rule: Values | None) -> Plan | None:
    """Move the rule as `row` was moved, or take another rule: which day each meeting gets. None when the days and times stay. Takes the times out of
    `changes`."""
    start, end, zone = changes.pop("starts_at", row.starts_at), changes.pop("ends_at", row.ends_at), changes.pop("zone", old.zone)
    if (start, end, zone) == (row.starts_at, row.ends_at, old.zone) and rule is None:
        return None
    check_begin(start, end)
    new.zone, days = zone, 0
    if (start, zone) != (row.starts_at, old.zone):  # what was entered is the rule, also of one that had been moved by hand
        local = start.astimezone(new.tz)
        new.at, days = local.time().replace(second=0, microsecond=0), (local.date() - day_of(old, row)).days
    if (start, end) != (row.starts_at, row.ends_at):
        new.lasts = lasting(start, end, new)
    first, skipped = new.starts_on, old.made - new.made
    if days:
        _shift(new, days)
    shape = [getattr(new, name) for name in SHAPE]
    if rule is not None:
        put_rule(new, _rest_of(rule, skipped), first + timedelta(days=days))
    begin_on_rule(new)
    return _paired(old, new, rows, same=shape == [getattr(new, name) for name in SHAPE])


def _shift(new: MeetingSeries, days: int) -> None:
    weekdays = sorted((day + days) % WEEK for day in new.weekdays)
    move_rule(new, new.starts_on + timedelta(days=days))
    if new.frequency == Rule.Frequency.WEEKLY:
        new.weekdays = weekdays
    if new.until is not None:
        new.until += timedelta(days=days)


def _rest_of(rule: Values, skipped: int) -> Values:
    """A number of times counts the whole series, with the meetings that came before."""
    if not rule.get("times"):
        return rule
    if rule["times"] <= skipped:
        raise ValidationError({"times": [_("There have been more than that already.")]})
    return {**rule, "times": rule["times"] - skipped}


def _paired(old: MeetingSeries, new: MeetingSeries, rows: Sequence[Meeting], *, same: bool) -> Plan:
    """Which day of the new rule each meeting gets: by the old rule's count where the rule only moved, so that what was left out stays left out; else one
    after the other."""
    days = [day for day in takewhile(lambda day: day <= old.made_until, rule_days(old)) if day >= day_of(old, rows[0])]
    places = {day: number for number, day in enumerate(days)} if same else {}
    numbers = {row.pk: places.get(day_of(old, row), number) for number, row in enumerate(rows)}
    found = list(islice(rule_days(new), max(*numbers.values(), len(days) - 1 if same else 0) + 1))
    new.made, new.made_until = len(found), found[-1]
    return {pk: found[number] if number < len(found) else None for pk, number in numbers.items()}


# ---- the rows ----


def _split(old: MeetingSeries, new: MeetingSeries, first: Meeting) -> None:
    """The old series ends before `first`; the new one is not stored yet."""
    day = day_of(old, first)
    new.pk, new._state.adding, new.uuid, new.sequence = None, True, uuid.uuid4(), 0
    old.until, old.times, old.ended_on, old.made_until = day - DAY, None, None, min(old.made_until, day - DAY)
    old.save(update_fields=["until", "times", "ended_on", "made_until"])


def _put(old: MeetingSeries, new: MeetingSeries, rows: Sequence[Meeting], plan: Plan | None, changes: Values, actor: Any) -> list[Meeting]:
    """Write what changed into the meetings; those that are left, in order."""
    ids, days = [row.pk for row in rows], plan if plan is not None else {}
    if plan is not None or new.pk != old.pk:
        _detach(old, rows, [span_on(new, day)[0] for day in days.values() if day is not None])
        Meeting._base_manager.filter(pk__in=ids).update(series=None)  # so that none is in the way of another
    _drop([pk for pk, day in days.items() if day is None], actor)
    spans = {pk: span_on(new, day) for pk, day in days.items() if day is not None} if plan is not None else dict.fromkeys(ids)
    kept = [row for row in rows if row.pk in spans]
    for row in kept:
        row.series, row.recurrence_at = new, spans[row.pk][0] if plan is not None else row.recurrence_at
    Meeting._base_manager.bulk_update(kept, ["series", "recurrence_at"])
    fields = dict(changes)
    given = custom.take(fields)
    moves = {pk: {"starts_at": span[0], "ends_at": span[1], "zone": new.zone} if span else {} for pk, span in spans.items()}
    change_each(Meeting, {pk: {**fields, **move} for pk, move in moves.items()}, actor=actor, given=given)
    return list(Meeting._base_manager.filter(pk__in=spans).select_related("owner", "series").order_by("recurrence_at"))


def _detach(old: MeetingSeries, rows: Sequence[Meeting], starts: Sequence[datetime]) -> None:
    """What lies in the bin belongs to a rule that is gone: it comes back as a single meeting. So is one that is over, and in the way of a new day."""
    others = Meeting._base_manager.filter(series=old).exclude(pk__in=[row.pk for row in rows])
    binned = Q(deleted_at__isnull=False, recurrence_at__gte=rows[0].recurrence_at)
    others.filter(binned | Q(recurrence_at__in=starts)).update(series=None, recurrence_at=None)


def _drop(ids: list[int], actor: Any) -> None:
    """Meetings for which the new rule has no day: into the bin; guests hear of it with the new rule."""
    if ids:
        Meeting._base_manager.filter(pk__in=ids).update(series=None, recurrence_at=None)
        MeetingGuest.objects.filter(meeting__in=ids).update(invited_at=None)
        delete_meetings(ids, actor=actor, group=uuid.uuid4())
