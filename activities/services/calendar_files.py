"""What an iCalendar file holds, as meetings and tasks (RFC 5545; docs/decisions/calendar.md). Pure: a text, a zone and a moment in; entries and
problems out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from icalendar import Alarm, Component, Todo, vRecur

from activities.services.calendar_parts import (
    Entry,
    Found,
    Reader,
    check_year,
    description_of,
    first_words,
    key_of,
    listed,
    mark_of,
    moment_of,
    number_in,
    place_of,
    rules_of,
    text_in,
    title_of,
    uid_of,
    wall_of,
)
from activities.services.calendar_todos import todos_of
from activities.services.due import moment
from activities.services.meetings import LONGEST

BACK, AHEAD = timedelta(days=90), timedelta(days=365)  # the dates of a series that become meetings
MOST_EVENTS, MOST_DATES = 1000, 400  # in a file; of a series
DAYS_OF = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
KNOWN = {"VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VTIMEZONE", "VALARM"}  # what a file can begin with
STEP = {"DAILY": 1, "WEEKLY": 2, "MONTHLY": 3, "YEARLY": 10}  # how many days of walking one step of a rule is worth
Todo.ignore_exceptions = Alarm.ignore_exceptions = True  # as of events: a value that can't be read spoils its own entry, not the file
# The parser walks through the rules of a time zone until 2037, whatever they are: those that real zones have are harmless.
FOLD, ZONES = re.compile(r"\r?\n[ \t]"), re.compile(r"^BEGIN:VTIMEZONE\s*$.*?(?:^END:VTIMEZONE\s*$|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
ZONE_RULE = re.compile(r"^\s*RRULE", re.IGNORECASE)
HARMLESS = re.compile(
    r"RRULE:(?=(?:.*;)?FREQ=YEARLY(?:;|$))(?:(?:(?:FREQ|BYMONTH|BYDAY|BYMONTHDAY|UNTIL|COUNT|INTERVAL|WKST)=[\w,+-]{1,40}|BY(?:HOUR|MINUTE|SECOND)=\d\d?);?)+\s*",
    re.IGNORECASE,
)


def read(text: str, *, zone: ZoneInfo, now: datetime) -> Found:
    """The events and to-dos of a file. Times without a zone, and whole days, are meant in `zone`. ValidationError for a text that is no calendar."""
    if any(ZONE_RULE.search(line) and not HARMLESS.fullmatch(line) for zone in ZONES.findall(FOLD.sub("", text)) for line in zone.splitlines()):
        raise ValidationError(_("This is no calendar that can be read: %(why)s") % {"why": "VTIMEZONE RRULE"}, code="calendar")
    try:
        components = Component.from_ical(text, multiple=True)
        parts = [part for component in components for part in component.walk()]
        events, todos = ([part for part in parts if part.name == name] for name in ("VEVENT", "VTODO"))
    except Exception as error:  # whatever a parser of hostile text may raise
        raise ValidationError(_("This is no calendar that can be read: %(why)s") % {"why": first_words(error)}, code="calendar") from error
    if not events and not todos and not any(component.name in KNOWN for component in components):
        raise ValidationError(_("This is no calendar: it has no event and nothing else that calendars have."), code="calendar")
    if len(events) + len(todos) > MOST_EVENTS:
        raise ValidationError(_("This file has more than 1,000 events. Export a shorter span of time."), code="calendar")
    reader, found, entries = Reader(zone, now), Found(held=sorted({part.name for part in parts})), {}
    moved = {(uid_of(event), mark_of(event["RECURRENCE-ID"].dt)) for event in events if hasattr(event.get("RECURRENCE-ID"), "dt")}
    for event in events:
        try:
            for entry in _entries(event, reader, moved, found):
                if entry.key not in entries or entries[entry.key].sequence <= entry.sequence:
                    entries[entry.key] = entry
        except ValidationError as error:
            found.problems.append((title_of(event), " ".join(error.messages)))
        except Exception as error:  # values that the parser took and nobody can calculate with
            found.problems.append((title_of(event), _("It can't be read: %(why)s") % {"why": first_words(error)}))
    found.entries = sorted(entries.values(), key=lambda entry: (entry.starts_at, entry.title))
    found.todos = todos_of(todos, reader, found)
    return found


def _entries(event: Any, reader: Reader, moved: set[tuple[str, str]], found: Found) -> Iterator[Entry]:
    """The meetings that an event stands for."""
    if text_in(event, "STATUS").upper() == "CANCELLED":
        raise ValidationError(_("It was cancelled."))
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date):
        raise ValidationError(_("It does not say when it starts."))
    check_year(start)
    length = _length(event, start, reader.zone)
    if length < timedelta(0):
        raise ValidationError(_("It ends before it starts."))
    if length > LONGEST:
        raise ValidationError(_("It lasts longer than a month."))
    recurrence = getattr(event.get("RECURRENCE-ID"), "dt", None)
    if recurrence is not None:
        yield _entry(event, start, length, reader.zone, mark_of(recurrence))
    elif "RRULE" not in event and "RDATE" not in event:
        yield _entry(event, start, length, reader.zone, "")
    else:
        for at in _dates(event, start, reader, found):
            if (uid_of(event), mark_of(at)) not in moved:
                yield _entry(event, at, length, reader.zone, mark_of(at))


def _length(event: Any, start: date | datetime, zone: ZoneInfo) -> timedelta:
    end, duration = getattr(event.get("DTEND"), "dt", None), getattr(event.get("DURATION"), "dt", None)
    if isinstance(end, date):
        if isinstance(start, datetime) or isinstance(end, datetime):
            return moment_of(end, zone) - moment_of(start, zone)
        return max(end - start, timedelta(days=1))
    if isinstance(duration, timedelta):
        return duration
    return timedelta(0) if isinstance(start, datetime) else timedelta(days=1)


def _entry(event: Any, at: date | datetime, length: timedelta, zone: ZoneInfo, mark: str) -> Entry:
    start = moment_of(at, zone)
    end = moment(at + length, time.min, zone) if not isinstance(at, datetime) and not length.seconds else start + length
    name = uid_of(event) or f"{title_of(event)}\n{mark_of(at)}\n{length}"
    place, video_url = place_of(event)
    return Entry(
        key_of(name, mark),
        title_of(event),
        place[:200],
        description_of(event),
        start.replace(microsecond=0),
        end.replace(microsecond=0),
        number_in(event, "SEQUENCE"),
        video_url,
    )


# ---- series ----


def _dates(event: Any, start: Any, reader: Reader, found: Found) -> list[Any]:
    """The dates of a series from 90 days ago until a year ahead; if there is none, its first date alone."""
    tz = start.tzinfo if isinstance(start, datetime) else None
    excluded = {wall_of(each, start) for each in listed(event, "EXDATE", found)}
    low, high = ((reader.now + shift).astimezone(tz or reader.zone).replace(tzinfo=None) for shift in (-BACK, AHEAD))
    walls = {wall_of(start, start), *(wall_of(each, start) for each in listed(event, "RDATE", found))}
    try:
        for rule in rules_of(event):
            walls.update(_walk(rule, wall_of(start, start), low, high, reader))
    except ValueError:  # of dateutil: words that its rules do not know, such as other calendars' leap months
        found.notes.append((title_of(event), _("It repeats in a way that is not supported: only its first date is taken.")))
        return [start]
    shown = sorted(wall for wall in walls - excluded if low <= wall <= high)
    if not shown:
        found.notes.append((title_of(event), _("It repeats, but not between 90 days ago and a year ahead: only its first date is taken.")))
        return [start]
    if len(shown) > MOST_DATES:
        found.notes.append((title_of(event), _("It repeats more than 400 times: only the first 400 dates are taken.")))
    return [_unwalled(wall, start, tz) for wall in shown[:MOST_DATES]]


def _unwalled(wall: datetime, start: Any, tz: Any) -> Any:
    if not isinstance(start, datetime):
        return wall.date()
    return wall.replace(tzinfo=tz)


def _walk(rule: Any, start: datetime, low: datetime, high: datetime, reader: Reader) -> Iterator[datetime]:
    """The dates of a rule up to `high`, those long before `low` walked past. ValidationError for one that would take too long."""
    values = {name.upper(): value for name, value in rule.items()}
    frequency = str(values.get("FREQ", [""])[0]).upper()
    until = values.pop("UNTIL", None)
    end = min([high, *(wall_of(each, start) for each in until or [] if isinstance(each, date))])
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
