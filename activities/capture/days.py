"""Days as people write them, in English and German. Pure; the conventions are in docs/decisions/capture.md."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, time, timedelta

from activities.capture.saying import ENDS, MORNING, OWNED, SEPARATED, Clock, Rule, When
from activities.capture.words import MONTHS, NUMBER, UNITS, WEEKDAYS, number

FRIDAY, SATURDAY = 4, 5
MONTH_OF = {name: place for place, names in enumerate(MONTHS, 1) for name in names}
MONTH = "|".join(sorted(MONTH_OF, key=len, reverse=True))


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


def _end_of_next_week(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=clock.today + timedelta(days=7 - clock.today.weekday() + FRIDAY))


def _end_of_next_month(_match: re.Match[str], clock: Clock, _past: bool) -> When:
    return When(day=later(clock.today.replace(day=1), "months", 2) - timedelta(days=1))


def _repeating(name: str, at: time | None = None) -> Callable[[re.Match[str], Clock, bool], When]:
    return lambda _match, _clock, _past: When(repeat=name, at=at)


def _every_weekday(language: str) -> Callable[[re.Match[str], Clock, bool], When]:
    on = _on_weekday(language)

    def read(match: re.Match[str], clock: Clock, _past: bool) -> When:
        return When(day=on(match, clock, False).day, repeat="weekly")

    return read


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


NEXT = {"next", "nachsten", "nachste", "nachster", "nachstes", "kommende", "kommender"}
LAST = {"last", "letzten", "letzte", "letzter"}
THIS = {"this", "diesen", "diese", "dieser", "kommenden", "coming"}
WORD_NUMBER = NUMBER.removeprefix(r"\d{1,3}|")


def day_rules(language: str) -> list[Rule]:
    on = {
        "en": r"(?:(?:by )?(?:eod|cob) )?(?:(?:due |by |until |before )?on |by |until |before |due |for |from )?",
        "de": r"(?:bis zum |bis |am |ab |vom |fur |zum )?",
    }[language]
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
    day, end = rf"(?P<name>{weekday}|{short})", r"(?: (?:eod|cob))?"
    return [
        (rf"{SEPARATED}(?:every|each) (?P<which>){day}s?\b\.?", _every_weekday("en")),
        (rf"{SEPARATED}(?:every|each) morning\b", _repeating("daily", MORNING)),
        (rf"{SEPARATED}(?:(?:every|each) day|daily$)", _repeating("daily")),
        (rf"{SEPARATED}(?:every|each) (?:week|work|working |business )day\b", _repeating("weekdays")),
        (rf"{SEPARATED}(?:(?:every|each) week\b|weekly$)", _repeating("weekly")),
        (rf"{SEPARATED}(?:(?:every|each) month\b|monthly$)", _repeating("monthly")),
        (rf"{SEPARATED}(?:(?:every|each) year\b|(?:yearly|annually)$)", _repeating("yearly")),
        (rf"{SEPARATED}{on}(?:the )?day after tomorrow\b{OWNED}", _in_days(2)),
        (rf"{SEPARATED}{on}(?:tomorrow|tmrw|tmr|tomorow)\b{OWNED}{end}", _in_days(1)),
        (rf"{SEPARATED}tonight\b", _in_days(0, time(19))),
        (rf"{SEPARATED}{on}(?:today|end of (?:the )?day)\b{OWNED}", _in_days(0)),
        (rf"{SEPARATED}yesterday\b{OWNED}", _in_days(-1)),
        (rf"{SEPARATED}in half an hour\b", _half_hour),
        (rf"{SEPARATED}in a fortnight\b", _in_days(14)),
        (rf"{SEPARATED}(?:in|within) {amount}(?:'? time)?", _ahead),
        (rf"{SEPARATED}{amount} (?:from now|later)\b", _ahead),
        (rf"{SEPARATED}{amount} ago\b", _ago),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?week\b|{SEPARATED}(?:by )?eow\b|{SEPARATED}(?:later )?this week\b", _end_of_week),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?month\b|{SEPARATED}(?:by )?eom\b", _end_of_month),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?quarter\b|{SEPARATED}(?:by )?eoq\b", _end_of_quarter),
        (rf"{SEPARATED}(?:at |by |before )?(?:the )?end of (?:the |this )?year\b|{SEPARATED}(?:by )?eoy\b", _end_of_year),
        (rf"{SEPARATED}(?:at |by |before |until )?(?:the )?end of next week\b", _end_of_next_week),
        (rf"{SEPARATED}(?:at |by |before |until )?(?:the )?end of next month\b", _end_of_next_month),
        (rf"{SEPARATED}{on}(?P<which>next) week (?:on )?{day}\b{OWNED}", _on_weekday("en")),
        (rf"{SEPARATED}{on}{day} (?:of )?(?P<which>next) week\b", _on_weekday("en")),
        (rf"{SEPARATED}{on}(?:early )?next week\b{OWNED}", _next_week),
        (rf"{SEPARATED}{on}next month\b{OWNED}", _next_month),
        (rf"{SEPARATED}(?:at |on |this )?(?:the )?weekend\b", _weekend),
        (rf"{SEPARATED}{on}{which}{day}\b\.?{OWNED}{end}", _on_weekday("en")),
        (rf"{SEPARATED}{on}(?P<which>)(?P<name>{weekday})s?\b{OWNED}{end}", _on_weekday("en")),
        (rf"{SEPARATED}(?:(?:due |by |until )?on |by |until |before |due )(?P<which>)(?P<name>{short})\b\.?", _on_weekday("en")),
        (rf"{SEPARATED}(?P<which>)(?P<name>{short}){sure}\.?", _on_weekday("en")),
        (rf"{SEPARATED}(?P<which>)(?P<name>tues|tue|thurs|thur|thu|fri|wed|mon)\b\.?", _on_weekday("en")),
        (rf"{SEPARATED}(?:by )?(?:eod|cob)\b", _in_days(0)),
        (rf"{SEPARATED}(?:by|on|until|due) (?:the )?(?P<d>\d\d?)(?:st|nd|rd|th)\b", _day_of_month),
    ]


def _german(on: str, weekday: str, short: str, sure: str) -> list[Rule]:
    amount = rf"(?P<n>{NUMBER}) ?(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))})\b"
    which = r"(?P<which>nachste[nrs]? |kommenden |diesen |letzte[nr]? )"
    day, week = rf"(?P<name>{weekday}|{short})", r"(?P<which>nachste|nachster|kommende|kommender) woche"
    return [
        (rf"{SEPARATED}jeden (?P<which>){day}\b\.?", _every_weekday("de")),
        (rf"{SEPARATED}jeden morgen\b", _repeating("daily", MORNING)),
        (rf"{SEPARATED}(?:jeden tag|taglich)\b", _repeating("daily")),
        (rf"{SEPARATED}(?:jeden (?:werktag|arbeitstag)|werktaglich)\b", _repeating("weekdays")),
        (rf"{SEPARATED}(?:jede woche|wochentlich)\b", _repeating("weekly")),
        (rf"{SEPARATED}(?:jeden monat|monatlich)\b", _repeating("monthly")),
        (rf"{SEPARATED}(?:jedes jahr|jahrlich)\b", _repeating("yearly")),
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
        (rf"{SEPARATED}(?:bis |zum |bis zum )?ende (?:der )?(?:nachster|nachsten|kommender|kommenden) woche\b", _end_of_next_week),
        (rf"{SEPARATED}(?:bis |zum |bis zum )?ende (?:des )?(?:nachsten|kommenden) monats\b", _end_of_next_month),
        (rf"{SEPARATED}{on}(?:in der )?{week} (?:am )?{day}\b\.?", _on_weekday("de")),
        (rf"{SEPARATED}{on}{day} (?:in )?(?:der )?{week}\b", _on_weekday("de")),
        (rf"{SEPARATED}{on}(?:anfang )?(?:nachste|nachster|kommende|kommender) woche\b", _next_week),
        (rf"{SEPARATED}{on}(?:im )?(?:nachsten|nachster|kommenden) monat\b", _next_month),
        (rf"{SEPARATED}(?:am )?wochenende\b", _weekend),
        (rf"{SEPARATED}{on}{which}{day}\b\.?", _on_weekday("de")),
        (rf"{SEPARATED}{on}(?P<which>)(?P<name>{weekday})s?\b", _on_weekday("de")),
        (rf"{SEPARATED}(?:am |bis |ab )(?P<which>)(?P<name>{short})\b\.?", _on_weekday("de")),
        (rf"{SEPARATED}(?P<which>)(?P<name>{short}){sure}\.?", _on_weekday("de")),
        # After the weekdays: "Montag morgen" is Monday in the morning.
        (rf"{SEPARATED}{on}morgen\b", _in_days(1)),
        (rf"{SEPARATED}(?:am |bis zum |bis |zum )(?P<d>\d\d?)\.(?![\d])", _day_of_month),
    ]
