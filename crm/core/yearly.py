"""Days that come back every year, such as birthdays: stored as `1986-05-03`, or `--05-03` where nobody knows the year, as vCards write it. Pure but
for the model's field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from babel.dates import get_month_names
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Right
from django.db.models.lookups import In
from django.utils.translation import gettext as _

from crm.core.cells.formats import format_short, locale_of
from crm.core.text import unaccent

FIRST_YEAR, LEAP_YEAR = 1800, 2000
NO_YEAR = (1604, 1904)  # what address books write when they mean none
STORED = re.compile(r"(?:(\d{4})|-)-(\d\d)-(\d\d)")
ISO = re.compile(r"(?:(\d{4})|-)[-/.]?(\d{1,2})[-/.]?(\d{1,2})(?:[T ,].*)?")
SHORT = re.compile(r"(\d{1,2})\s?([./-])\s?(\d{1,2})(?:\s?\2\s?(\d{4}|\d{2})?)?(?: 0{1,2}:00.*)?")
EMPTY = re.compile(r"0{1,2}([./-])0{1,2}\1(0{2}|0{4})")  # Outlook's way to say that there is none
WORDS = re.compile(r"(?:(\d{1,2})\.?\s*([^\W\d]+)\.?|([^\W\d]+)\.?\s*(\d{1,2}))(?:,?\s+(\d{4}))?")


class YearlyDay(NamedTuple):
    """A day of the year; `year` where it is known when it was first."""

    month: int
    day: int
    year: int | None = None

    @classmethod
    def read(cls, stored: str) -> YearlyDay | None:
        """From how it is stored; None for anything else."""
        found = STORED.fullmatch(stored or "")
        return cls(int(found[2]), int(found[3]), int(found[1]) if found[1] else None) if found else None

    @property
    def stored(self) -> str:
        return f"{'-' if self.year is None else f'{self.year:04}'}-{self.month:02}-{self.day:02}"

    def in_year(self, year: int) -> date:
        """When it comes in a year: 29 February on the 28th where there is none."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return date(year, self.month, self.day - 1)


class YearlyDayColumn(models.CharField):
    """Holds a YearlyDay as text, "" for none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"], kwargs["blank"] = 10, True
        super().__init__(*args, **kwargs)


def text_of(stored: str, locale: str) -> str:
    """`3 May 1986`, `3 May`; as it is where it is no such day."""
    found = YearlyDay.read(stored)
    return format_short(found.in_year(found.year or LEAP_YEAR), locale, found.year is not None) if found else stored


def keys_on(days: Iterable[date]) -> list[str]:
    """The ends (`05-03`) of what comes on these days."""
    keys = {f"{day:%m-%d}" for day in days}
    return sorted(keys | ({"02-29"} if any((day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3 for day in days) else set()))


def comes_on(column: str, days: Iterable[date]) -> Q:
    """Rows whose day comes on one of these; spelt as the index over the ends has it (`yearly_index`)."""
    return Q(In(Right(column, 5), keys_on(list(days)))) & ~Q(**{column: ""})


def yearly_index(table: str, column: str) -> models.Index:
    return models.Index(Right(column, 5), "id", name=f"{table}_{column}", condition=Q(deleted_at__isnull=True) & ~Q(**{column: ""}))


# ---- what people and files write ----


def read_day(text: str, *, today: date, day_first: bool = True) -> str:
    """A day as people write it, with or without its year: 3 May 1986, 3.5., 5/3/1986 (by `day_first`), 1986-05-03, --05-03. The stored form, "" for
    none. ValidationError otherwise."""
    text = " ".join(text.split())
    if not text or EMPTY.fullmatch(text):
        return ""
    found = _parts(text, day_first, today)
    if found is None:
        raise ValidationError(_("“%(text)s” is no day. Write it such as 3 May 1986, or without the year.") % {"text": text[:40]}, code="date")
    if found.year is not None and (found.year < FIRST_YEAR or date(found.year, found.month, found.day) > today):
        raise ValidationError(_("Choose a day between 1800 and today."), code="range")
    return found.stored


def _parts(text: str, day_first: bool, today: date) -> YearlyDay | None:
    if found := ISO.fullmatch(text):
        return _day(found[3], found[2], found[1], today)
    if found := SHORT.fullmatch(text):
        first, second = (found[1], found[3]) if day_first or found[2] == "." else (found[3], found[1])
        return _day(first, second, found[4], today)
    if found := WORDS.fullmatch(text):
        month = _months().get(_folded(found[2] or found[3]))
        return _day(found[1] or found[4], str(month), found[5], today) if month else None
    return None


def _day(day: str, month: str, year: str | None, today: date) -> YearlyDay | None:
    number = int(year) if year else None
    if year and number is not None and len(year) == 2:
        number += 2000 if number <= today.year % 100 else 1900
    if number in NO_YEAR:
        number = None
    try:
        date(number or LEAP_YEAR, int(month), int(day))
    except ValueError:
        return None
    return YearlyDay(int(month), int(day), number)


def _folded(word: str) -> str:
    return unaccent(word).rstrip(".")


@cache
def _months() -> dict[str, int]:
    """Names of the months in our languages, long and short."""
    locales = [locale_of(code) for code, _name in settings.LANGUAGES]
    names = [get_month_names(width, "format", locale) for locale in locales for width in ("wide", "abbreviated")]
    return {_folded(name): number for each in names for number, name in each.items()}
