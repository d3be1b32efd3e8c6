"""What an iCalendar file holds, as meetings (RFC 5545; docs/decisions/calendar.md). Pure: a text, a zone and a moment in; entries and problems out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from icalendar import Component, vDDDLists, vRecur

from activities.services.due import moment
from activities.services.ics import plain
from activities.services.meetings import FIRST, LAST, LONGEST

BACK, AHEAD = timedelta(days=90), timedelta(days=365)  # the dates of a series that become meetings
MOST_EVENTS, MOST_DATES = 1000, 400  # in a file; of a series
MOST_STEPS = 400_000  # days that all series of a file together may make us walk through
DAYS_OF = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
KNOWN = {"VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VTIMEZONE", "VALARM"}  # what a file can begin with
STEP = {"DAILY": 1, "WEEKLY": 2, "MONTHLY": 3, "YEARLY": 10}  # how many days of walking one step of a rule is worth
# The parser walks through the rules of a time zone until 2037, whatever they are: those that real zones have are harmless.
FOLD, ZONES = re.compile(r"\r?\n[ \t]"), re.compile(r"^BEGIN:VTIMEZONE\s*$.*?(?:^END:VTIMEZONE\s*$|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
ZONE_RULE = re.compile(r"^\s*RRULE", re.IGNORECASE)
HARMLESS = re.compile(
    r"RRULE:(?=(?:.*;)?FREQ=YEARLY(?:;|$))(?:(?:(?:FREQ|BYMONTH|BYDAY|BYMONTHDAY|UNTIL|COUNT|INTERVAL|WKST)=[\w,+-]{1,40}|BY(?:HOUR|MINUTE|SECOND)=\d\d?);?)+\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """One meeting to be: UTC moments, and a key by which it is known when the file comes again."""

    key: str
    title: str
    location: str
    description: str
    starts_at: datetime
    ends_at: datetime
    sequence: int = 0


@dataclass
class Found:
    """`entries` in order of time; `problems`: (what, why) of events that can't be taken; `notes`: what was taken in another shape."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Reader:
    zone: ZoneInfo
    now: datetime
    steps: int = 0

    def walk(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise ValidationError(_("There are too many repeating events with a start long ago in this file."))


def read(text: str, *, zone: ZoneInfo, now: datetime) -> Found:
    """The events of a file. Times without a zone, and whole days, are meant in `zone`. ValidationError for a text that is no calendar."""
    if any(ZONE_RULE.search(line) and not HARMLESS.fullmatch(line) for zone in ZONES.findall(FOLD.sub("", text)) for line in zone.splitlines()):
        raise ValidationError(_("This is no calendar that can be read: %(why)s") % {"why": "VTIMEZONE RRULE"}, code="calendar")
    try:
        components = Component.from_ical(text, multiple=True)
        events = [event for component in components for event in component.walk("VEVENT")]
    except Exception as error:  # whatever a parser of hostile text may raise
        raise ValidationError(_("This is no calendar that can be read: %(why)s") % {"why": _first_words(error)}, code="calendar") from error
    if not events and not any(component.name in KNOWN for component in components):
        raise ValidationError(_("This is no calendar: it has no event and nothing else that calendars have."), code="calendar")
    if len(events) > MOST_EVENTS:
        raise ValidationError(_("This file has more than 1,000 events. Export a shorter span of time."), code="calendar")
    reader, found, entries = Reader(zone, now), Found(), {}
    moved = {(_uid(event), _mark(event["RECURRENCE-ID"].dt)) for event in events if hasattr(event.get("RECURRENCE-ID"), "dt")}
    for event in events:
        try:
            for entry in _entries(event, reader, moved, found):
                if entry.key not in entries or entries[entry.key].sequence <= entry.sequence:
                    entries[entry.key] = entry
        except ValidationError as error:
            found.problems.append((_title(event), " ".join(error.messages)))
        except Exception as error:  # values that the parser took and nobody can calculate with
            found.problems.append((_title(event), _("It can't be read: %(why)s") % {"why": _first_words(error)}))
    found.entries = sorted(entries.values(), key=lambda entry: (entry.starts_at, entry.title))
    return found


def _first_words(error: Exception) -> str:
    return plain(str(error).split("\n")[0])[:160] or type(error).__name__


def _title(event: Any) -> str:
    return " ".join(plain(_text(event, "SUMMARY")).split())[:200] or _("Without a title")


def _text(event: Any, name: str) -> str:
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value)


def _uid(event: Any) -> str:
    return _text(event, "UID")


def _mark(at: date | datetime) -> str:
    """A date of a series, as it is named in the file whatever the reader's zone."""
    return (at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo is not None else at).isoformat()


def _entries(event: Any, reader: Reader, moved: set[tuple[str, str]], found: Found) -> Iterator[Entry]:
    """The meetings that an event stands for."""
    if _text(event, "STATUS").upper() == "CANCELLED":
        raise ValidationError(_("It was cancelled."))
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date):
        raise ValidationError(_("It does not say when it starts."))
    if not FIRST < start.year < LAST:
        raise ValidationError(_("It starts outside the years 1970 to 2199."))
    length = _length(event, start, reader.zone)
    if length < timedelta(0):
        raise ValidationError(_("It ends before it starts."))
    if length > LONGEST:
        raise ValidationError(_("It lasts longer than a month."))
    recurrence = getattr(event.get("RECURRENCE-ID"), "dt", None)
    if recurrence is not None:
        yield _entry(event, start, length, reader.zone, _mark(recurrence))
    elif "RRULE" not in event and "RDATE" not in event:
        yield _entry(event, start, length, reader.zone, "")
    else:
        for at in _dates(event, start, reader, found):
            if (_uid(event), _mark(at)) not in moved:
                yield _entry(event, at, length, reader.zone, _mark(at))


def _length(event: Any, start: date | datetime, zone: ZoneInfo) -> timedelta:
    end, duration = getattr(event.get("DTEND"), "dt", None), getattr(event.get("DURATION"), "dt", None)
    if isinstance(end, date):
        if isinstance(start, datetime) or isinstance(end, datetime):
            return _moment(end, zone) - _moment(start, zone)
        return max(end - start, timedelta(days=1))
    if isinstance(duration, timedelta):
        return duration
    return timedelta(0) if isinstance(start, datetime) else timedelta(days=1)


def _moment(at: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        return moment(at, time.min, zone)
    return at.astimezone(UTC) if at.tzinfo is not None else moment(at.date(), at.time(), zone)


def _entry(event: Any, at: date | datetime, length: timedelta, zone: ZoneInfo, mark: str) -> Entry:
    start = _moment(at, zone)
    end = moment(at + length, time.min, zone) if not isinstance(at, datetime) and not length.seconds else start + length
    name = _uid(event) or f"{_title(event)}\n{_mark(at)}\n{length}"
    sequence = event.get("SEQUENCE", 0)
    return Entry(
        hashlib.sha256(f"{name}\n{mark}".encode("utf-8", "replace")).hexdigest(),
        _title(event),
        " ".join(plain(_text(event, "LOCATION")).split())[:200],
        plain(_text(event, "DESCRIPTION"))[:10_000],
        start.replace(microsecond=0),
        end.replace(microsecond=0),
        int(sequence) if isinstance(sequence, int) else 0,
    )


# ---- series ----


def _dates(event: Any, start: Any, reader: Reader, found: Found) -> list[Any]:
    """The dates of a series from 90 days ago until a year ahead; if there is none, its first date alone."""
    tz = start.tzinfo if isinstance(start, datetime) else None
    excluded = {_wall(each, start) for each in _listed(event, "EXDATE", found)}
    low, high = ((reader.now + shift).astimezone(tz or reader.zone).replace(tzinfo=None) for shift in (-BACK, AHEAD))
    walls = {_wall(start, start), *(_wall(each, start) for each in _listed(event, "RDATE", found))}
    try:
        for rule in _rules(event):
            walls.update(_walk(rule, _wall(start, start), low, high, reader))
    except ValueError:  # of dateutil: words that its rules do not know, such as other calendars' leap months
        found.notes.append((_title(event), _("It repeats in a way that is not supported: only its first date is taken.")))
        return [start]
    shown = sorted(wall for wall in walls - excluded if low <= wall <= high)
    if not shown:
        found.notes.append((_title(event), _("It repeats, but not between 90 days ago and a year ahead: only its first date is taken.")))
        return [start]
    if len(shown) > MOST_DATES:
        found.notes.append((_title(event), _("It repeats more than 400 times: only the first 400 dates are taken.")))
    return [_unwalled(wall, start, tz) for wall in shown[:MOST_DATES]]


def _wall(at: Any, start: Any) -> datetime:
    """On the clock that the series goes by, which keeps its hour when summer time begins."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min)
    return at.astimezone(start.tzinfo).replace(tzinfo=None) if at.tzinfo is not None and getattr(start, "tzinfo", None) else at.replace(tzinfo=None)


def _unwalled(wall: datetime, start: Any, tz: Any) -> Any:
    if not isinstance(start, datetime):
        return wall.date()
    return wall.replace(tzinfo=tz)


def _listed(event: Any, name: str, found: Found) -> Iterator[Any]:
    values = event.get(name, [])
    for each in values if isinstance(values, list) else [values]:
        if not isinstance(each, vDDDLists):
            found.notes.append((_title(event), _("Some of its dates can't be read and are left out.")))
            continue
        for item in each.dts:
            at = item.dt[0] if isinstance(item.dt, tuple) else item.dt
            if isinstance(at, date):
                yield at


def _rules(event: Any) -> list[Any]:
    """ValueError for one that the parser could not read."""
    rules = event.get("RRULE", [])
    rules = rules if isinstance(rules, list) else [rules]
    if not all(isinstance(rule, vRecur) for rule in rules):
        raise ValueError("RRULE")
    return rules


def _walk(rule: Any, start: datetime, low: datetime, high: datetime, reader: Reader) -> Iterator[datetime]:
    """The dates of a rule up to `high`, those long before `low` walked past. ValidationError for one that would take too long."""
    values = {name.upper(): value for name, value in rule.items()}
    frequency = str(values.get("FREQ", [""])[0]).upper()
    until = values.pop("UNTIL", None)
    end = min([high, *(_wall(each, start) for each in until or [] if isinstance(each, date))])
    if frequency not in STEP or not _possible(values):
        raise ValueError(frequency)
    reader.walk(max(0, (high - start).days) // STEP[frequency])
    for at in rrulestr(vRecur(values).to_ical().decode(), dtstart=start):
        reader.walk(1)
        if at > end:
            return
        if at >= low:
            yield at


def _possible(values: dict[str, Any]) -> bool:
    """Does the rule have dates at all? One that has none, such as 30 February, would be walked through until the year 9999."""
    frequency = str(values["FREQ"][0]).upper()
    months, days = values.get("BYMONTH") or range(1, 13), values.get("BYMONTHDAY")
    if days and not any(abs(int(day)) <= DAYS_OF[int(month) - 1] for month in months for day in days if 1 <= int(month) <= 12 and int(day)):
        return False
    if frequency != "YEARLY" and (values.get("BYWEEKNO") or values.get("BYYEARDAY")):
        return False
    if len(values.get("BYHOUR", [])) > 4 or len(values.get("BYMINUTE", [])) > 4 or len(values.get("BYSECOND", [])) > 1:
        return False
    if values.get("BYSETPOS") and frequency in ("DAILY", "WEEKLY") and not values.get("BYDAY"):
        return False
    return int(values.get("INTERVAL", [1])[0]) >= 1
