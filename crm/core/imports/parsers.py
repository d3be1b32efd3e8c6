"""From the text of a cell to the value that a service takes, by the form field that a person would fill in. The field's own rules apply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.fields import MoneyField, TagsField, YearlyDayField
from crm.core.text import sort_key

Parse = Callable[[str], Any]
SHORT_DATE = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4}|\d{2})")
ISO_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(am|pm)?", re.I)
ZONE = re.compile(r"(Z|UTC|[+-]\d{2}:?\d{2})$")
MONEY_SIGNS = re.compile(r"[€$£¥\s\u00a0\u202f']|\b[A-Za-z]{3}\b")
LENGTHS = (MaxLengthValidator, ProhibitNullCharactersValidator)
YES = {"1", "yes", "y", "true", "x", "ja", "j", "wahr", "oui", "si"}
NO = {"0", "no", "n", "false", "nein", "falsch", "non"}


def day_first_of(texts: Iterable[str], usual: bool) -> bool:
    """Whether dates with strokes begin with the day: told by the first that can be only one of the two, else `usual`."""
    for text in texts:
        found = SHORT_DATE.match(text.strip())
        if found and found[2] != ".":
            if int(found[1]) > 12:
                return True
            if int(found[3]) > 12:
                return False
    return usual


def parse_date(text: str, day_first: bool) -> date:
    """2026-05-03 (also with a clock time behind), 3.5.2026, and by `day_first` 3/5/2026 or 5/3/2026. ValidationError otherwise."""
    day, rest = _split_date(text.strip(), day_first)
    if rest[:1] not in ("", "T", " ", ","):
        raise _no_date(text)
    return day


def _split_date(text: str, day_first: bool) -> tuple[date, str]:
    """The date, and what stands behind it."""
    try:
        if found := ISO_DATE.match(text):
            return date(int(found[1]), int(found[2]), int(found[3])), text[found.end() :]
        if found := SHORT_DATE.match(text):
            one, two, year = int(found[1]), int(found[3]), int(found[4])
            year += (2000 if year < 70 else 1900) if len(found[4]) == 2 else 0
            day, month = (one, two) if day_first or found[2] == "." else (two, one)
            return date(year, month, day), text[found.end() :]
    except ValueError:
        pass
    raise _no_date(text)


def _no_date(text: str) -> ValidationError:
    return ValidationError(_("“%(text)s” is no date. Write it such as 2026-05-31.") % {"text": text[:40]}, code="date")


def parse_clock(text: str) -> time:
    """14:30, 2:30 pm."""
    found = CLOCK.match(text.strip())
    try:
        if found:
            hour = int(found[1])
            if found[4]:
                hour = hour % 12 + (12 if found[4].lower() == "pm" else 0)
            return time(hour, int(found[2]), int(found[3] or 0))
    except ValueError:
        pass
    raise ValidationError(_("“%(text)s” is no time. Write it such as 14:30.") % {"text": text[:40]}, code="time")


def parse_number(text: str, field: forms.Field) -> Any:
    """A whole number: 1200, 1.200 or 1,200; decimals only when they are zero."""
    bare = re.sub(r"[\s\u00a0\u202f']", "", text)
    if re.fullmatch(r"-?\d{1,3}([.,]\d{3})+", bare):
        bare = re.sub(r"[.,]", "", bare)
    return field.clean(re.sub(r"[.,]0{1,2}$", "", bare))


def parse_money(text: str, field: MoneyField) -> Decimal | None:
    """1234.50, with the signs of the user's language, or with both signs, where the last one tells the decimals. Currency signs are dropped."""
    bare = MONEY_SIGNS.sub("", text)
    if "." in bare and "," in bare:
        thousands, decimals = (",", ".") if bare.rindex(".") > bare.rindex(",") else (".", ",")
        bare = bare.replace(thousands, "").replace(decimals, ".")
    return field.clean(bare)


def parse_yes(text: str) -> bool:
    word = sort_key(text)
    if word in YES or word in NO:
        return word in YES
    raise ValidationError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]}, code="boolean")


def parse_tags(text: str, field: TagsField) -> list[str]:
    """Names separated by comma, semicolon or Google's ":::"; its marks of groups are dropped."""
    return field.clean(re.sub(r"\s*(?::::|;)\s*\*?\s*|^\s*\*\s*", ",", text))


class ChoiceParser:
    """A value or one of its labels, in any of our languages. `spellings` maps folded texts to what the field cleans."""

    def __init__(self, field: Any, spellings: dict[str, Any]) -> None:
        self.field, self.spellings = field, spellings
        self.known: dict[str, Any] = {}

    def knows(self, text: str) -> bool:
        return sort_key(text) in self.spellings

    def __call__(self, text: str) -> Any:
        key = sort_key(text)
        if key not in self.known:
            if key not in self.spellings:
                raise ValidationError(_("“%(text)s” is not known here. Possible: %(choices)s.") % {"text": text[:60], "choices": self._some()}, code="choice")
            self.known[key] = self.field.clean(self.spellings[key])
        return self.known[key]

    def _some(self) -> str:
        labels = [str(label) for value, label in flat(self.field.choices) if value not in ("", None)]
        return ", ".join(labels[:8]) + (" …" if len(labels) > 8 else "")


def flat(choices: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Choices without their groups."""
    found: list[tuple[Any, Any]] = []
    for value, label in choices:
        found += flat(label) if isinstance(label, (list, tuple)) else [(value, label)]
    return found


def spellings(fields: Iterable[Any]) -> dict[str, Any]:
    """{folded label or value: value} of the same field in several languages. A label that means two values means neither."""
    found: dict[str, Any] = {}
    for field in fields:
        for value, label in flat(field.choices):
            plain = getattr(value, "value", value)
            if plain in ("", None):
                continue
            for text in (str(label), str(plain)):
                known = found.setdefault(sort_key(text), plain)
                if str(known) != str(plain):
                    found[sort_key(text)] = None
    return {text: value for text, value in found.items() if value is not None}


def parser_of(field: forms.Field, others: list[forms.Field], day_first: bool) -> Parse:
    """How cells become values of this form field. `others` is the same field in our other languages."""
    if hasattr(field, "parse_cell"):  # it knows best
        return field.parse_cell  # type: ignore[no-any-return]
    if isinstance(field, TagsField):
        return lambda text: parse_tags(text, field)
    if isinstance(field, MoneyField):
        return lambda text: parse_money(text, field)
    if isinstance(field, YearlyDayField):
        return lambda text: field.clean(text, day_first)
    if isinstance(field, forms.ChoiceField):
        return ChoiceParser(field, spellings([field, *others]))
    if isinstance(field, forms.DateTimeField):
        return lambda text: field.clean(_local(text, day_first))
    if isinstance(field, forms.DateField):
        return lambda text: field.clean(parse_date(text, day_first))
    if isinstance(field, forms.TimeField):
        return lambda text: field.clean(parse_clock(text))
    if isinstance(field, forms.IntegerField):
        return lambda text: parse_number(text, field)
    if isinstance(field, forms.BooleanField):
        return parse_yes
    if type(field) is forms.CharField and field.strip and all(isinstance(each, LENGTHS) for each in field.validators):
        return str.strip  # the field would do no more: lengths are looked at for all targets, and this is nine cells of ten
    return lambda text: field.clean(text.strip())


def _local(text: str, day_first: bool) -> str:
    """A moment as the form's field reads it; without a zone it is one of the reader's clock."""
    day, rest = _split_date(text.strip(), day_first)
    rest = rest.strip(" T,")
    clock = parse_clock(rest) if rest else time()
    zone = ZONE.search(rest)
    return f"{day.isoformat()}T{clock.isoformat()}{zone[0].replace('UTC', 'Z') if zone else ''}"


def parse_moment(text: str, day_first: bool = True) -> datetime:
    """A moment for columns that no form has, such as when a deal was closed; without a clock time noon, so that the day stays everywhere."""
    day, rest = _split_date(text.strip(), day_first)
    rest = rest.strip(" T,")
    if zone := ZONE.search(rest):
        return datetime.fromisoformat(f"{day.isoformat()}T{parse_clock(rest).isoformat()}{zone[0].replace('UTC', '+00:00').replace('Z', '+00:00')}")
    return timezone.make_aware(datetime.combine(day, parse_clock(rest) if rest else time(12)))
