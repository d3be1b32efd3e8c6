"""Who is free at a time, and when all are (docs/decisions/calendar.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Lower

from activities.models import Meeting, MeetingGuest
from activities.models.meetings import LONGEST, spans_days
from crm.core.access import Scope, if_open, not_hidden
from crm.core.text import sort_key
from users.models import User
from users.selectors import organisation
from users.working_time import is_working_day, working_minutes

MOST_PEOPLE, MOST_TIMES, WORKING_DAYS = 20, 3, 5
AHEAD, STEP = timedelta(days=21), timedelta(minutes=30)  # how far is looked where holidays lie between
MOST_MEETINGS = 5000


class Taken(NamedTuple):
    """A time at which somebody has a meeting; its title as far as the reader may see it."""

    starts_at: datetime
    ends_at: datetime
    zone: str
    title: str

    @property
    def is_whole_days(self) -> bool:
        return spans_days(self.starts_at, self.ends_at, self.zone)


@dataclass(frozen=True)
class Colleague:
    """Somebody who shall be there. `known`: the reader would see their meetings; `taken`: those in the way; `away`, `outside`: at that time they are
    away, or it lies outside the working hours on their clock."""

    user: User
    known: bool
    taken: list[Taken] = field(default_factory=list)
    away: bool = False
    outside: bool = False

    @property
    def is_free(self) -> bool:
        return self.known and not (self.taken or self.away or self.outside)


@dataclass(frozen=True)
class Availability:
    """`times`: the next (start, end) at which all who are known are free; `cut`: there are more colleagues than are looked at."""

    people: list[Colleague]
    times: list[tuple[datetime, datetime]]
    cut: bool


def who_is_free(reader: Any, owner: Any, guests: Sequence[str], start: datetime, end: datetime, *, now: datetime, but: int | None = None) -> Availability:
    """The organiser and the colleagues among `guests` (addresses, and names without an @) from `start` to `end`; `but`: the meeting that is planned.
    Three statements beside those for the organisation, however many they are."""
    house = organisation()
    people = [owner, *(each for each in _colleagues(reader, guests) if each.pk != owner.pk)]
    cut, people = len(people) > MOST_PEOPLE, people[:MOST_PEOPLE]
    known = {each.pk for each in people if _is_known(reader, each)}
    first = max(start, now)
    taken = _taken(reader, [each for each in people if each.pk in known], [(start, end), (first, first + AHEAD)], but)
    found = [_colleague(each, taken[each.pk], start, end, house) if each.pk in known else Colleague(each, known=False) for each in people]
    return Availability(found, _next_times([(each, taken[each.pk]) for each in people if each.pk in known], owner, start, end - start, first, house), cut)


def is_called(person: User, text: str) -> bool:
    """Are all words of a text words of the person's name? The beginning of a word is not enough: Ann is not Anna."""
    words = set(sort_key(text).split())
    return bool(words) and words <= set(sort_key(person.name).split())


def _colleagues(reader: Any, guests: Sequence[str]) -> list[User]:
    """Active users with these addresses, and those whom a name means alone."""
    addresses, names = {text.lower() for text in guests if "@" in text}, [text for text in guests if "@" not in text]
    if not guests:
        return []
    people: Any = User.objects.visible_to(reader).filter(is_active=True).order_by("name", "pk")
    if not names:  # a name may mean anybody
        people = people.annotate(key=Lower("email")).filter(key__in=addresses)
    people = list(people.only("name", "email", "time_zone", "team_id", "away_from", "away_to", "is_active"))
    meant = [fits[0] for text in names if len(fits := [each for each in people if is_called(each, text)]) == 1]
    return [each for each in people if each.email.lower() in addresses or each in meant]


def _is_known(reader: Any, person: User) -> bool:
    """Would the reader see that this colleague is busy?"""
    match reader.scope_for(Meeting._meta.label_lower, "view"):
        case Scope.ALL:
            return True
        case Scope.TEAM:
            return person.pk == reader.pk or person.team_id in reader.team_scope
        case Scope.OWN:
            return person.pk == reader.pk
    return False


def _taken(reader: Any, people: Sequence[User], spans: Sequence[tuple[datetime, datetime]], but: int | None) -> dict[int, list[Taken]]:
    """Their meetings in these times by user: their own, and those that they are invited to and have not declined."""
    found: dict[int, list[Taken]] = defaultdict(list)
    if not people:
        return found
    meant = Q()
    for start, end in spans:
        meant |= Q(starts_at__lt=end, ends_at__gt=start, starts_at__gte=start - LONGEST)
    rows = Meeting.objects.alive().filter(if_open(reader, "view", Meeting), meant).exclude(pk=but)
    by_address = {each.email.lower(): each.pk for each in people}
    guests = MeetingGuest.objects.filter(meeting__in=rows.values("pk")).exclude(state=MeetingGuest.State.DECLINED).annotate(key=Lower("email"))
    invited: dict[int, set[int]] = defaultdict(set)
    for meeting, key in guests.filter(key__in=by_address).values_list("meeting_id", "key"):
        invited[meeting].add(by_address[key])
    rows = rows.filter(Q(owner__in=by_address.values()) | Q(pk__in=invited))
    seen = ExpressionWrapper(not_hidden(reader, Meeting), output_field=BooleanField())
    wanted = set(by_address.values())
    columns = ("pk", "owner_id", "starts_at", "ends_at", "zone", "title", "seen")
    for pk, owner_id, starts, ends, zone, title, is_seen in rows.annotate(seen=seen).order_by("starts_at", "pk").values_list(*columns)[:MOST_MEETINGS]:
        for person in ({owner_id} & wanted) | invited[pk]:
            found[person].append(Taken(starts, ends, zone, title if is_seen else ""))
    return found


def _colleague(person: User, taken: Sequence[Taken], start: datetime, end: datetime, house: Any) -> Colleague:
    away = any(person.is_away(day) for day in _days(start, end, person))
    return Colleague(person, True, [each for each in taken if _meet(each, start, end)], away, _is_outside(person, start, end, house))


def _meet(taken: Taken, start: datetime, end: datetime) -> bool:
    """Does a meeting lie in the way? One without length is a point in time."""
    return taken.starts_at < max(end, start + timedelta(minutes=1)) and taken.ends_at > start


def _days(start: datetime, end: datetime, person: User) -> list[date]:
    """The days of a span of time on a person's clock."""
    first, last = (at.astimezone(person.zone).date() for at in (start, max(start, end - timedelta(microseconds=1))))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _is_outside(person: User, start: datetime, end: datetime, house: Any) -> bool:
    """Does it lie outside the working hours there? What is for whole days needs working days only."""
    minutes = int((end - start).total_seconds() // 60)
    if spans_days(start, end, person.time_zone):
        return not any(is_working_day(day, house) for day in _days(start, end, person))
    return working_minutes(start, max(end, start + timedelta(minutes=1)), zone=person.zone, organisation=house) < max(minutes, 1)


def _next_times(
    people: Sequence[tuple[User, Sequence[Taken]]], owner: Any, asked: datetime, length: timedelta, first: datetime, house: Any
) -> list[tuple[datetime, datetime]]:
    """The first times after `first`, on the half hour and apart from each other, that suit all within five working days of the organiser."""
    days, found = set[date](), list[tuple[datetime, datetime]]()
    at = _half_hour(first)
    while people and at < first + AHEAD and len(found) < MOST_TIMES:
        day = at.astimezone(owner.zone).date()
        if is_working_day(day, house):
            days.add(day)
        if len(days) > WORKING_DAYS:
            break
        if at != asked and all(_colleague(each, taken, at, at + length, house).is_free for each, taken in people):
            found.append((at, at + length))
            at = _half_hour(at + max(length, STEP))
        else:
            at += STEP
    return found


def _half_hour(at: datetime) -> datetime:
    """The next full or half hour, or this one."""
    seconds = int(STEP.total_seconds())
    return datetime.fromtimestamp(-(-at.timestamp() // seconds) * seconds, UTC)
