"""Days and times of day as people write them, in English and German. Pure.

`find(text, clock, language)` reads the first day and the first time of day in a text. "Today" is the clock's; a day without a year is the next
such day, of a past event the last one. Sources of the conventions: docs/decisions/capture.md.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from activities.capture.words import MONTHS, NUMBER, UNITS, WEEKDAYS, compiled, number

MORNING, NOON, AFTERNOON, EVENING = time(9), time(12), time(14), time(18)
FRIDAY, SATURDAY = 4, 5


@dataclass
class When:
    """What a text says about time. `minutes`: how long; `spans`: the places in the text that said so."""

    day: date | None = None
    at: time | None = None
    minutes: int | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Clock:
    """The moment from which one speaks, on the speaker's clock. `day_first`: how 3/4 is meant."""

    now: datetime
    day_first: bool = True

    @property
    def today(self) -> date:
        return self.now.date()


Rule = tuple[str, Callable[[re.Match[str], Clock, bool], "When | None"]]
MONTH_OF = {name: place for place, names in enumerate(MONTHS, 1) for name in names}
MONTH = "|".join(sorted(MONTH_OF, key=len, reverse=True))
SEPARATED = r"(?<![\w.,:/+-])"
ENDS = r"(?![\w:]|[.,]\d|-\d)"


def find(folded: str, clock: Clock, language: str, *, past: bool = False) -> When:
    """What the folded text (same length as the original) says; the words that say it are in `spans`."""
    found = When()
    for rules in (_durations(language), _days(language), _times(language)):
        for pattern, read in rules:
            match = compiled(pattern).search(_without(folded, found.spans))
            said = read(match, clock, past) if match else None
            if match and said and not _known(found, said):
                found.day, found.at, found.minutes = found.day or said.day, found.at or said.at, found.minutes or said.minutes
                found.spans.append(match.span())
    return found


def _known(found: When, said: When) -> bool:
    """Has everything that is said been said before it?"""
    new = (said.day and not found.day, said.at and not found.at, said.minutes and not found.minutes)
    return not any(new)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = f"{text[:start]}{chr(0) * (end - start)}{text[end:]}"
    return text


# ---- days ----


def next_year_of(clock: Clock, month: int, day: int, past: bool) -> date | None:
    """The next (of a past event: the last) such day of a year that has it."""
    step = -1 if past else 1
    for year in range(clock.today.year, clock.today.year + 9 * step, step):
        found = made(year, month, day)
        if found is not None and (found <= clock.today if past else found >= clock.today):
            return found
    return None


def made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(text: str | None) -> int | None:
    return None if not text else int(text) + (2000 if len(text) == 2 else 0)


def _dated(year: str | None, month: int, day: int, clock: Clock, past: bool) -> When | None:
    found = made(year_known, month, day) if (year_known := _year(year)) else next_year_of(clock, month, day, past)
    return When(day=found) if found else None


def _iso(match: re.Match[str], clock: Clock, past: bool) -> When | None:
    return _dated(match["y"], int(match["m"]), int(match["d"]), clock, past)


def _named(match: re.Match[str], clock: Clock, past: bool) -> When | None:
    return _dated(match["y"], MONTH_OF[match["m"]], int(match["d"]), clock, past)


def _dotted(match: re.Match[str], clock: Clock, past: bool) -> When | None:
    return _dated(match["y"], int(match["m"]), int(match["d"]), clock, past)


def _slashed(match: re.Match[str], clock: Clock, past: bool) -> When | None:
    first, second = int(match["a"]), int(match["b"])
    day, month = (first, second) if (clock.day_first and second <= 12) or first > 12 else (second, first)
    return _dated(match["y"], month, day, clock, past)


def _day_of_month(match: re.Match[str], clock: Clock, past: bool) -> When | None:
    """ "the 5th": of this month, or of the next that has one."""
    wanted, at = int(match["d"]), clock.today.replace(day=1)
    for _month in range(12):
        found = made(at.year, at.month, wanted)
        if found is not None and (found <= clock.today if past else found >= clock.today):
            return When(day=found)
        at = (at - timedelta(days=1)).replace(day=1) if past else (at + timedelta(days=31)).replace(day=1)
    return None


def later(day: date, unit: str, count: int) -> date:
    """`count` days, weeks, months or years on; the last day of a month that is too short."""
    if unit in ("days", "weeks"):
        return day + timedelta(**{unit: count})
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "years" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _ahead(match: re.Match[str], clock: Clock, _past: bool) -> When | None:
    unit, count = UNITS[match["unit"]], number(match["n"])
    if unit in ("minutes", "hours"):
        at = (clock.now + timedelta(**{unit: count})).replace(second=0, microsecond=0)
        return When(day=at.date(), at=at.time())
    return When(day=later(clock.today, unit, count))


def _half_hour(_match: re.Match[str], clock: Clock, _past: bool) -> When | None:
    at = (clock.now + timedelta(minutes=30)).replace(second=0, microsecond=0)
    return When(day=at.date(), at=at.time())


def _ago(match: re.Match[str], clock: Clock, _past: bool) -> When | None:
    unit = UNITS[match["unit"]]
    return When(day=later(clock.today, unit, -number(match["n"]))) if unit not in ("minutes", "hours") else When(day=clock.today)


def _in_days(count: int, at: time | None = None) -> Callable[[re.Match[str], Clock, bool], When]:
    return lambda _match, clock, _past: When(day=clock.today + timedelta(days=count), at=at)


def _next_week(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=clock.today + timedelta(days=7 - clock.today.weekday()))


def _next_month(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=later(clock.today.replace(day=1), "months", 1))


def _end_of_week(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=clock.today + timedelta(days=(FRIDAY - clock.today.weekday()) % 7))


def _weekend(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=clock.today + timedelta(days=(SATURDAY - clock.today.weekday()) % 7))


def _end_of_month(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=later(clock.today.replace(day=1), "months", 1) - timedelta(days=1))


def _end_of_quarter(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    first = clock.today.replace(month=(clock.today.month - 1) // 3 * 3 + 1, day=1)
    return When(day=later(first, "months", 3) - timedelta(days=1))


def _end_of_year(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=date(clock.today.year, 12, 31))


def _on_weekday(language: str) -> Callable[[re.Match[str], Clock, bool], When]:
    places = {name: place for place, names in enumerate(WEEKDAYS[language]) for name in names}

    def read(match: re.Match[str], clock: Clock, past: bool) -> When:
        today, wanted, which = clock.today, places[match["name"]], (match["which"] or "").strip()
        if which in LAST or (past and not which):
            return When(day=today - timedelta(days=(today.weekday() - wanted - 1) % 7 + 1))
        if which in NEXT:  # of the week that begins on the coming Monday
            return When(day=today + timedelta(days=7 - today.weekday() + wanted))
        if which in THIS:
            return When(day=today + timedelta(days=(wanted - today.weekday()) % 7))
        return When(day=today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1))

    return read


NEXT = {"next", "nachsten", "nachste", "nachster", "nachstes"}
LAST = {"last", "letzten", "letzte", "letzter"}
THIS = {"this", "diesen", "diese", "dieser", "kommenden", "coming"}
WORD_NUMBER = NUMBER.removeprefix(r"\d{1,3}|")


def _days(language: str) -> list[Rule]:
    on = {"en": r"(?:(?:due |by |until |before )?on |by |until |due |for |from )?", "de": r"(?:bis zum |bis |am |ab |vom |fur |zum )?"}[language]
    common: list[Rule] = [
        (rf"{SEPARATED}{on}(?P<y>\d{{4}})-(?P<m>\d\d?)-(?P<d>\d\d?){ENDS}", _iso),
        (rf"{SEPARATED}{on}(?:the )?(?P<d>\d\d?)(?:st|nd|rd|th|\.)? (?:of )?(?P<m>{MONTH})\b\.?(?:,? (?P<y>20\d\d))?", _named),
        (rf"{SEPARATED}{on}(?P<m>{MONTH})\.? (?P<d>\d\d?)(?:st|nd|rd|th)?\b(?!:|\.\d| ?[ap]m\b)(?:,? (?P<y>20\d\d))?", _named),
        (rf"{SEPARATED}{on}(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>20\d\d|\d\d)?(?![\w])", _dotted),
        (rf"{SEPARATED}{on}(?P<a>\d\d?)/(?P<b>\d\d?)(?:/(?P<y>20\d\d|\d\d))?{ENDS}", _slashed),
    ]
    weekday = "|".join(name for names in WEEKDAYS[language] for name in names if len(name) > 3)
    short = "|".join(name for names in WEEKDAYS[language] for name in names if len(name) <= 3)
    # A short one that could be a word ("sun", "do") is a day before a time, a full stop, the end, or after "on", "next".
    sure = r"(?=\.?(?:$|[\s,;]+(?:at|um|@|\d)|\s*[,;)]|\s+(?:morning|afternoon|evening|noon|fruh|vormittag|nachmittag|abend|mittag)))"
    return common + (_english(on, weekday, short, sure) if language == "en" else _german(on, weekday, short, sure))


def _english(on: str, weekday: str, short: str, sure: str) -> list[Rule]:
    amount = rf"(?P<n>{NUMBER}) ?(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))})\b"
    which = r"(?P<which>next |this |coming |last )"
    return [
        (rf"{SEPARATED}{on}(?:the )?day after tomorrow\b", _in_days(2)),
        (rf"{SEPARATED}{on}(?:tomorrow|tmrw|tmr|tomorow)\b", _in_days(1)),
        (rf"{SEPARATED}tonight\b", _in_days(0, time(19))),
        (rf"{SEPARATED}{on}(?:today|eod|end of (?:the )?day)\b", _in_days(0)),
        (rf"{SEPARATED}yesterday\b", _in_days(-1)),
        (rf"{SEPARATED}in half an hour\b", _half_hour),
        (rf"{SEPARATED}(?:in|within) {amount}(?:'? time)?", _ahead),
        (rf"{SEPARATED}{amount} (?:from now|later)\b", _ahead),
        (rf"{SEPARATED}{amount} ago\b", _ago),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?week\b|{SEPARATED}(?:by )?eow\b|{SEPARATED}(?:later )?this week\b", _end_of_week),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?month\b|{SEPARATED}(?:by )?eom\b", _end_of_month),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?quarter\b|{SEPARATED}(?:by )?eoq\b", _end_of_quarter),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?year\b|{SEPARATED}(?:by )?eoy\b", _end_of_year),
        (rf"{SEPARATED}{on}(?:early )?next week(?! (?:{weekday}|{short}))\b", _next_week),
        (rf"{SEPARATED}{on}next month\b", _next_month),
        (rf"{SEPARATED}(?:at |on |this )?(?:the )?weekend\b", _weekend),
        (rf"{SEPARATED}{on}{which}(?P<name>{weekday}|{short})\b\.?", _on_weekday("en")),
        (rf"{SEPARATED}{on}(?P<which>)(?P<name>{weekday})s?\b", _on_weekday("en")),
        (rf"{SEPARATED}(?:(?:due |by |until )?on |by |until |due )(?P<which>)(?P<name>{short})\b\.?", _on_weekday("en")),
        (rf"{SEPARATED}(?P<which>)(?P<name>{short}){sure}\.?", _on_weekday("en")),
        (rf"{SEPARATED}(?P<which>)(?P<name>tues|tue|thurs|thur|thu|fri|wed|mon)\b\.?", _on_weekday("en")),
        (rf"{SEPARATED}(?:by|on|until|due) (?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)\b", _day_of_month),
    ]


def _german(on: str, weekday: str, short: str, sure: str) -> list[Rule]:
    amount = rf"(?P<n>{NUMBER}) ?(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))})\b"
    which = r"(?P<which>nachste[nrs]? |kommenden |diesen |letzte[nr]? )"
    return [
        (rf"{SEPARATED}{on}ubermorgen\b", _in_days(2)),
        (rf"{SEPARATED}heute morgen\b", _in_days(0, MORNING)),
        (rf"{SEPARATED}vorgestern\b", _in_days(-2)),
        (rf"{SEPARATED}gestern\b", _in_days(-1)),
        (rf"{SEPARATED}{on}heute\b", _in_days(0)),
        (rf"{SEPARATED}in einer halben stunde\b", _half_hour),
        (rf"{SEPARATED}(?:in|innerhalb von) {amount}", _ahead),
        (rf"{SEPARATED}vor {amount}", _ago),
        (rf"{SEPARATED}(?:bis |zum |bis zum )?(?:ende (?:der|dieser) woche|ende woche|wochenende(?= \d))\b|{SEPARATED}diese woche\b", _end_of_week),
        (rf"{SEPARATED}(?:bis |zum |bis zum )?(?:ende (?:des|dieses) monats|ende monat|monatsende)\b", _end_of_month),
        (rf"{SEPARATED}(?:bis |zum |bis zum )?(?:ende (?:des|dieses) quartals|quartalsende)\b", _end_of_quarter),
        (rf"{SEPARATED}(?:bis |zum |bis zum )?(?:ende (?:des|dieses) jahres|jahresende)\b", _end_of_year),
        (rf"{SEPARATED}{on}(?:anfang )?(?:nachste|nachster|kommende) woche\b", _next_week),
        (rf"{SEPARATED}{on}(?:im )?(?:nachsten|nachster|kommenden) monat\b", _next_month),
        (rf"{SEPARATED}(?:am )?wochenende\b", _weekend),
        (rf"{SEPARATED}{on}{which}(?P<name>{weekday}|{short})\b\.?", _on_weekday("de")),
        (rf"{SEPARATED}{on}(?P<which>)(?P<name>{weekday})s?\b", _on_weekday("de")),
        (rf"{SEPARATED}(?:am |bis |ab )(?P<which>)(?P<name>{short})\b\.?", _on_weekday("de")),
        (rf"{SEPARATED}(?P<which>)(?P<name>{short}){sure}\.?", _on_weekday("de")),
        # After the weekdays: "Montag morgen" is Monday in the morning.
        (rf"{SEPARATED}{on}morgen\b", _in_days(1)),
        (rf"{SEPARATED}(?:am |bis zum |bis |zum )(?P<d>\d\d?)\.(?![\d])", _day_of_month),
    ]


# ---- times of day ----


def clock_time(hour: int, minute: int = 0, half: str = "") -> time | None:
    """A time from what was written; `half` is "a" or "p" of am and pm."""
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour == 24 and minute == 0:
        hour = 0
    return time(hour, minute) if hour < 24 and minute < 60 else None


def likely(hour: int) -> int:
    """An hour of the day where nobody said which half: people work from 7 to 18."""
    return hour + 12 if 1 <= hour <= 6 else hour


def _at(match: re.Match[str], _clock: Clock, _past: bool) -> When | None:
    groups = match.groupdict()
    half = (groups.get("half") or "")[:1]
    hour = int(match["h"])
    at = clock_time(hour if half or groups.get("min") else likely(hour), int(groups.get("min") or 0), half)
    return When(at=at) if at else None


def _between(match: re.Match[str], _clock: Clock, _past: bool) -> When | None:
    """A span: "10-11:30", "3-4pm", "von 10 bis 11 Uhr"."""
    groups = match.groupdict()
    half = (groups.get("half") or "")[:1]
    first, last = int(match["h"]), int(match["h2"])
    end = clock_time(last if half or groups.get("min2") else likely(last), int(groups.get("min2") or 0), half)
    start_half = (groups.get("half1") or half)[:1]
    start = clock_time(first if start_half or groups.get("min") else likely(first), int(groups.get("min") or 0), start_half)
    if start and end and end <= start and half == "p" and not groups.get("half1"):
        start = clock_time(first, int(groups.get("min") or 0), "a")  # 11-1pm
    if not (start and end) or end <= start:
        return None
    return When(at=start, minutes=(end.hour - start.hour) * 60 + end.minute - start.minute)


def _half_to(match: re.Match[str], _clock: Clock, _past: bool) -> When | None:
    """ "halb drei": half an hour before."""
    hour = likely(number(match["h"])) - 1
    return When(at=time(hour, 30)) if 0 <= hour < 24 else None


def _quarter(sign: int) -> Callable[[re.Match[str], Clock, bool], When | None]:
    def read(match: re.Match[str], _clock: Clock, _past: bool) -> When | None:
        minutes = likely(number(match["h"])) * 60 + sign
        return When(at=time(minutes // 60 % 24, minutes % 60))

    return read


def _fixed(at: time) -> Callable[[re.Match[str], Clock, bool], When]:
    return lambda _match, _clock, _past: When(at=at)


def _times(language: str) -> list[Rule]:
    hour, minutes, half = r"(?P<h>\d\d?)", r"(?P<min>[0-5]\d)", r"(?P<half>[ap])\.?m\.?"
    if language == "en":
        name = rf"(?P<h>{WORD_NUMBER}|eleven|\d\d?)"
        return [
            (
                rf"{SEPARATED}(?:from |at )?{hour}(?:[:.]{minutes})? ?(?P<half1>[ap]m)? ?(?:-|–|to|until) ?(?P<h2>\d\d?)(?:[:.](?P<min2>[0-5]\d))? ?{half}(?!\w)",
                _between,
            ),
            (rf"{SEPARATED}(?:from |at )?{hour}(?::{minutes})? ?(?:-|–|to|until) ?(?P<h2>\d\d?):(?P<min2>[0-5]\d)(?!\w)", _between),
            (rf"{SEPARATED}(?:from |at )?{hour}:{minutes} ?(?:-|–|to|until) ?(?P<h2>\d\d?)(?![\w:])", _between),
            (rf"{SEPARATED}(?:from|between) {hour}(?::{minutes})? (?:to|until|and) (?P<h2>\d\d?)(?::(?P<min2>[0-5]\d))?(?![\w:])", _between),
            (rf"{SEPARATED}(?:from |at )?{hour} ?[-–] ?(?P<h2>\d\d?)(?![\w:.]|-)", _between),
            (rf"{SEPARATED}(?:at |by |@ ?|from |around )?{hour}(?:[:.]{minutes})? ?{half}(?!\w)", _at),
            (rf"{SEPARATED}(?:at |by |@ ?|from |around )?{hour}:{minutes}(?!\w)", _at),
            (rf"{SEPARATED}(?:at|@|around) ?{hour}\.{minutes}(?!\w)", _at),
            (rf"{SEPARATED}(?:at |by )?half past {name}\b", _quarter(30)),
            (rf"{SEPARATED}(?:at |by )?quarter past {name}\b", _quarter(15)),
            (rf"{SEPARATED}(?:at |by )?quarter to {name}\b", _quarter(-15)),
            (rf"{SEPARATED}(?:at|@|around) ?{hour}(?: ?o'?clock)?(?![\w:.%]|\.\d| ?(?:percent|%|eur|usd|€|\$))", _at),
            (rf"{SEPARATED}{hour} ?o'?clock\b", _at),
            (rf"{SEPARATED}(?:at |by )?(?:noon|midday|lunchtime)\b", _fixed(NOON)),
            (rf"{SEPARATED}(?:in the |this |early )?morning\b", _fixed(MORNING)),
            (rf"{SEPARATED}(?:in the |this )?afternoon\b", _fixed(AFTERNOON)),
            (rf"{SEPARATED}(?:in the |this )?evening\b", _fixed(EVENING)),
        ]
    name = rf"(?P<h>{WORD_NUMBER}|elf|\d\d?)"
    return [
        (rf"{SEPARATED}(?:von |um )?{hour}(?:[:.]{minutes})?(?: uhr)? ?(?:-|–|bis) ?(?P<h2>\d\d?)(?:[:.](?P<min2>[0-5]\d))? ?uhr\b", _between),
        (rf"{SEPARATED}(?:von )?{hour}:{minutes} ?(?:-|–|bis) ?(?P<h2>\d\d?):(?P<min2>[0-5]\d)(?!\w)", _between),
        (rf"{SEPARATED}von {hour} bis (?P<h2>\d\d?)(?![\w.])", _between),
        (rf"{SEPARATED}{hour} ?[-–] ?(?P<h2>\d\d?)(?![\w:.]|-)", _between),
        (rf"{SEPARATED}(?:um |gegen |ab |bis )?{hour}(?:[:.]{minutes})? ?(?:uhr|h)(?: (?P<more>[0-5]\d))?\b", _hours),
        (rf"{SEPARATED}(?:um |gegen |ab |bis )?{hour}:{minutes}(?!\w)", _at),
        (rf"{SEPARATED}(?:um|gegen) {hour}\.{minutes}(?!\w)", _at),
        (rf"{SEPARATED}(?:um |gegen )?halb {name}\b", _half_to),
        (rf"{SEPARATED}(?:um |gegen )?viertel nach {name}\b", _quarter(15)),
        (rf"{SEPARATED}(?:um |gegen )?viertel vor {name}\b", _quarter(-15)),
        (rf"{SEPARATED}(?:um|gegen) {hour}(?![\w:.]|\.\d)", _at),
        (rf"{SEPARATED}(?:am |zu )?mittags?\b", _fixed(NOON)),
        (rf"{SEPARATED}(?:am )?(?:fruh|morgens|vormittags?)\b", _fixed(MORNING)),
        (rf"{SEPARATED}(?:am )?nachmittags?\b", _fixed(AFTERNOON)),
        (rf"{SEPARATED}(?:am )?abends?\b", _fixed(EVENING)),
        (rf"{SEPARATED}morgen\b", _fixed(MORNING)),  # what is left of "Montag morgen"
    ]


def _hours(match: re.Match[str], _clock: Clock, _past: bool) -> When | None:
    """ "14 Uhr", "14 Uhr 30", "8:15 Uhr": said with the word, the hour is meant as it stands."""
    at = clock_time(int(match["h"]), int(match["min"] or match["more"] or 0))
    return When(at=at) if at else None


# ---- how long ----


def _lasting(match: re.Match[str], _clock: Clock, _past: bool) -> When | None:
    unit = UNITS[match["unit"]]
    minutes = number(match["n"]) * (60 if unit == "hours" else 1)
    return When(minutes=minutes) if unit in ("minutes", "hours") and 0 < minutes <= 24 * 60 else None


def _durations(language: str) -> list[Rule]:
    for_, half = {"en": ("for", r"(?:half an hour|30 ?min)"), "de": ("fur", r"(?:eine halbe stunde)")}[language]
    units = "minutes|minute|minuten|mins|min|hours|hour|hrs|hr|h|stunden|stunde|std"
    return [
        (rf"{SEPARATED}{for_} {half}\b", lambda _match, _clock, _past: When(minutes=30)),
        (rf"{SEPARATED}{for_} (?P<n>{NUMBER}) ?(?P<unit>{units})\b\.?", _lasting),
        (rf"{SEPARATED}(?<!in )(?<!vor )(?P<n>\d{{1,3}}) ?(?P<unit>minutes|minuten|mins|min)\b(?! (?:ago|from now|later))\.?", _lasting),
    ]
