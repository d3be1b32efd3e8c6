"""Parts of an iCalendar file that events and to-dos share (RFC 5545). Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from icalendar import vDDDLists, vRecur

from activities.models.video import is_video_url
from activities.services.due import moment
from activities.services.ics import plain
from activities.services.meetings import FIRST, LAST

MOST_STEPS = 400_000  # days that all series of a file together may make us walk through
MOST_TEXT, MOST_LINK = 10_000, 500
CALLS = ("teams.microsoft.com", "teams.live.com", "zoom.us", "meet.google.com")
LINK = re.compile(r"https://[^\s<>\"',;|]+")


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
    video_url: str = ""


@dataclass(frozen=True)
class Todo:
    """One task to be; `rule` as services.series.begin_series takes it."""

    key: str
    title: str
    description: str
    priority: int
    due_on: date | None = None
    due_time: time | None = None
    done_at: datetime | None = None
    rule: dict[str, Any] | None = None
    reminders: tuple[int, ...] = ()
    sequence: int = 0


@dataclass
class Found:
    """`entries` and `todos` in order of time; `problems`: (what, why) of what can't be taken; `notes`: what was taken in another shape; `held`: names
    of all that is in the file."""

    entries: list[Entry] = field(default_factory=list)
    todos: list[Todo] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


@dataclass
class Reader:
    zone: ZoneInfo
    now: datetime
    steps: int = 0

    def walk(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise ValidationError(_("There are too many repeating events with a start long ago in this file."))


def first_words(error: Exception) -> str:
    return plain(str(error).split("\n")[0])[:160] or type(error).__name__


def title_of(part: Any) -> str:
    return " ".join(plain(text_in(part, "SUMMARY")).split())[:200] or _("Without a title")


def description_of(part: Any) -> str:
    return plain(text_in(part, "DESCRIPTION"))[:MOST_TEXT]


def place_of(part: Any) -> tuple[str, str]:
    """Where it is, and the link to its video call: one of the call's own properties, else one of a known service that stands in the place."""
    place = " ".join(plain(text_in(part, "LOCATION")).split())
    for name in ("CONFERENCE", "X-GOOGLE-CONFERENCE"):
        values = part.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            if is_video_url(str(value)) and len(str(value)) <= MOST_LINK:
                return place, str(value)
    for link in LINK.findall(place):
        if is_video_url(link) and len(link) <= MOST_LINK and _is_call(urlsplit(link).hostname or ""):
            return " ".join(place.replace(link, " ").split()).strip(",;|- "), link
    return place, ""


def _is_call(host: str) -> bool:
    return any(host == known or host.endswith(f".{known}") for known in CALLS)


def text_in(part: Any, name: str) -> str:
    value = part.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value)


def number_in(part: Any, name: str) -> int:
    """0 where there is none that can be read."""
    value = part.get(name, 0)
    return int(value) if isinstance(value, int) else 0


def uid_of(part: Any) -> str:
    return text_in(part, "UID")


def mark_of(at: date | datetime) -> str:
    """A date of a series, as it is named in the file whatever the reader's zone."""
    return (at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo is not None else at).isoformat()


def key_of(name: str, mark: str) -> str:
    return hashlib.sha256(f"{name}\n{mark}".encode("utf-8", "replace")).hexdigest()


def check_year(at: date) -> None:
    if not FIRST < at.year < LAST:
        raise ValidationError(_("It starts outside the years 1970 to 2199."))


def moment_of(at: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        return moment(at, time.min, zone)
    return at.astimezone(UTC) if at.tzinfo is not None else moment(at.date(), at.time(), zone)


def wall_of(at: Any, start: Any) -> datetime:
    """On the clock that a series goes by, which keeps its hour when summer time begins."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min)
    return at.astimezone(start.tzinfo).replace(tzinfo=None) if at.tzinfo is not None and getattr(start, "tzinfo", None) else at.replace(tzinfo=None)


def rules_of(part: Any) -> list[Any]:
    """ValueError for one that the parser could not read."""
    rules = part.get("RRULE", [])
    rules = rules if isinstance(rules, list) else [rules]
    if not all(isinstance(rule, vRecur) for rule in rules):
        raise ValueError("RRULE")
    return rules


def listed(part: Any, name: str, found: Found) -> Iterator[Any]:
    values = part.get(name, [])
    for each in values if isinstance(values, list) else [values]:
        if not isinstance(each, vDDDLists):
            found.notes.append((title_of(part), _("Some of its dates can't be read and are left out.")))
            continue
        for item in each.dts:
            at = item.dt[0] if isinstance(item.dt, tuple) else item.dt
            if isinstance(at, date):
                yield at
