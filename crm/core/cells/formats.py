"""Numbers, money, days, times and phone numbers as the reader writes them; plain text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from html import escape as _escape
from typing import TYPE_CHECKING

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language, gettext

if TYPE_CHECKING:
    from crm.core.cells.context import CellContext


@lru_cache(64)
def locale_of(language: str | None) -> str:
    """The Babel identifier for a Django language code; plain `en` is written the international way (19 Nov, 14:30)."""
    if not language or language == "en":
        return "en_GB"
    try:
        return str(Locale.parse(language, sep="-"))
    except (ValueError, UnknownLocaleError):
        return "en_GB"


def current_locale() -> str:
    return locale_of(get_language())


_special = re.compile("[&<>\"']").search
_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch


def escape(text: str) -> str:
    """Like `html.escape`; most texts hold nothing to escape, and looking first is four times faster than replacing."""
    return _escape(text) if _special(text) else text


@lru_cache(1024)
def said(message: str, locale: str) -> str:
    """`gettext(message)`, remembered: for words that a cell says on every row. Mark the message with `gettext_noop`."""
    return gettext(message)


@lru_cache(64)
def _separators(locale: str) -> tuple[str, str, bool]:
    """Group sign, decimal sign, and whether groups have three digits."""
    parsed = Locale.parse(locale)
    symbols = parsed.number_symbols.get("latn", parsed.number_symbols)
    return symbols["group"], symbols["decimal"], parsed.decimal_formats[None].grouping == (3, 3)


def format_number(value: Decimal | int | float, locale: str, digits: int = 0) -> str:
    """`1234.5` -> `1,234.5` or `1.234,5`."""
    text = f"{value:,.{digits}f}"
    group, decimal, _three = _separators(locale)
    if (group, decimal) == (",", "."):
        return text
    return text.translate({44: group, 46: decimal})


def count_text(count: int, *, capped: bool) -> str:
    """`8,152`, or `10,000+` when there are more."""
    return f"{format_number(count, current_locale())}{'+' if capped else ''}"


@lru_cache(512)
def _money_frame(currency: str, locale: str) -> tuple[str, str, int]:
    """What stands before and after the digits, and how many decimals the currency has."""
    try:
        sample = format_currency(0, currency, locale=locale)
        precision = get_currency_precision(currency)
    except (ValueError, UnknownLocaleError):
        return "", f" {currency}", 2
    match = re.match(r"^(\D*)0(?:[^\d\s]0+)?(\D*)$", sample)
    before, after = match.groups() if match else (f"{currency} ", "")
    return before, after, precision


def format_money(amount: Decimal | int | None, currency: str, locale: str) -> str:
    """An amount in the reader's way; whole amounts without decimals: `€18,000`, `18.000 €`."""
    if amount is None:
        return ""
    before, after, precision = _money_frame(currency, locale)
    value = Decimal(amount)
    digits = 0 if value == value.to_integral_value() else precision
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if not _separators(locale)[2]:
        return format_currency(rounded, currency, locale=locale, decimal_quantization=False)
    sign = "-" if rounded < 0 else ""
    return f"{sign}{before}{format_number(abs(rounded), locale, digits)}{after}"


@lru_cache(8192)
def format_short(day: date, locale: str, with_year: bool = True) -> str:
    """`19 Nov 2026` or `19 Nov`."""
    return format_skeleton("yMMMd" if with_year else "MMMd", day, locale=locale)


@lru_cache(8192)
def format_long(day: date, locale: str) -> str:
    """`Thursday, 19 November 2026`."""
    return format_date(day, "full", locale=locale)


@lru_cache(64)
def _is_plain_clock(locale: str) -> bool:
    """Two digits, colon, two digits: most of Europe. A list with its fifty times needs no reader of patterns for that."""
    return Locale.parse(locale).time_formats["short"].pattern == "HH:mm"


@lru_cache(4096)
def _clock(hour: int, minute: int, locale: str) -> str:
    if _is_plain_clock(locale):
        return f"{hour:02}:{minute:02}"
    return format_time(datetime(2000, 1, 1, hour, minute), "short", locale=locale)


def format_clock(moment: datetime, locale: str) -> str:
    """`14:30` or `2:30 PM`; the moment must already be in the reader's zone."""
    return _clock(moment.hour, moment.minute, locale)


def day_text(day: date, ctx: CellContext) -> str:
    """A day as one would say it: Today, Yesterday, Tomorrow, 19 Nov, 19 Nov 2025."""
    return _day_text(day, ctx.today, ctx.locale)


@lru_cache(8192)
def _day_text(day: date, today: date, locale: str) -> str:
    distance = (day - today).days
    if distance == 0:
        return gettext("Today")
    if distance == -1:
        return gettext("Yesterday")
    if distance == 1:
        return gettext("Tomorrow")
    return format_short(day, locale, day.year != today.year)


def iso_utc(moment: datetime) -> str:
    """`2026-11-19T10:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc_attribute(moment: datetime) -> str:
    if moment.tzinfo is UTC:  # what the database driver gives; three times faster than strftime
        return f"{moment.isoformat(timespec='seconds')[:19]}Z"
    return iso_utc(moment)


@lru_cache(4096)
def _near_day(day: date, today: date, locale: str) -> str:
    if day - today < timedelta(days=7):
        return format_date(day, "EEE", locale=locale).rstrip(".")
    return format_short(day, locale, day.year != today.year)


@lru_cache(16384)
def format_phone(number: str) -> str:
    """`+4366212345` -> `+43 662 12345`."""
    try:
        parsed = _of_e164(number) or phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _of_e164(number: str) -> phonenumbers.PhoneNumber | None:
    """What `phonenumbers.parse` makes of a number as it is stored, without looking for all the ways in which people write one: a list has
    fifty. None for any other text."""
    if not _E164(number):
        return None
    for length in (1, 2, 3):  # no code begins with another one
        code, rest = int(number[1 : length + 1]), number[length + 1 :]
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            found = phonenumbers.PhoneNumber(country_code=code, national_number=int(rest))
            if rest.startswith("0"):
                zeros = len(rest) - len(rest.lstrip("0"))
                found.italian_leading_zero, found.number_of_leading_zeros = True, zeros if zeros > 1 else None
            return found
    return None
