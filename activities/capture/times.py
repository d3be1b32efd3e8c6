"""Days and times of day as people write them, in English and German. Pure.

`find(text, clock, language)` reads the first day and the first time of day in a text. "Today" is the clock's; a day without a year is the next
such day, of a past event the last one. Sources of the conventions: docs/decisions/capture.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import time

from activities.capture.days import WORD_NUMBER, day_rules
from activities.capture.saying import AFTER_LUNCH, AFTERNOON, EVENING, MORNING, NOON, SEPARATED, Clock, Rule, When
from activities.capture.words import NUMBER, UNITS, compiled, number


def find(folded: str, clock: Clock, language: str, *, past: bool = False) -> When:
    """What the folded text (same length as the original) says; the words that say it are in `spans`."""
    found = When()
    for rules in (_durations(language), day_rules(language), _times(language)):
        for pattern, read in rules:
            match = compiled(pattern).search(_without(folded, found.spans))
            said = read(match, clock, past) if match else None
            if match and said and not _known(found, said):
                found.day, found.at, found.minutes = found.day or said.day, found.at or said.at, found.minutes or said.minutes
                found.repeat = found.repeat or said.repeat
                found.spans.append(match.span())
    return found


def _known(found: When, said: When) -> bool:
    """Has everything that is said been said before it?"""
    new = (said.day and not found.day, said.at and not found.at, said.minutes and not found.minutes, said.repeat and not found.repeat)
    return not any(new)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = f"{text[:start]}{chr(0) * (end - start)}{text[end:]}"
    return text


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
            (rf"{SEPARATED}after lunch\b", _fixed(AFTER_LUNCH)),
            (rf"{SEPARATED}first thing\b", _fixed(MORNING)),
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
        (rf"{SEPARATED}nach dem mittag(?:essen)?\b", _fixed(AFTER_LUNCH)),
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
