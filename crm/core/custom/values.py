"""Values of custom fields: what is allowed and how it is stored. Pure; forms, imports, web forms and services ask the same functions.

Stored in the record's `custom` under the field's id as text: texts, web addresses as they are, numbers and amounts as decimal text, days and
times as ISO text, choices as their keys, yes or no as true and false, colleagues and records as ids. A text has its folded form beside it,
under `12~`: by that it is sorted, compared and searched, so that every server sorts alike. Empty values are not stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from crm.core import cells
from crm.core.custom.models import CustomField
from crm.core.text import sort_key, unaccent

Kind = CustomField.Kind
LENGTHS = {Kind.TEXT: 255, Kind.LONG_TEXT: 10_000, Kind.URL: 500}
DIGITS, DECIMALS = 15, 6  # of numbers, before and after the point
CENT = Decimal("0.01")
FOLDED = "~"  # behind the key of a text's folded form
YES, NO = {"1", "yes", "y", "true", "on", "ja", "j", "wahr", "x"}, {"0", "no", "n", "false", "off", "nein", "falsch"}
_check_url = URLValidator(schemes=["http", "https"])


def clean_value(field: CustomField, raw: Any, old: Any = None) -> Any:
    """The value as it is stored, or None when it is empty. ValidationError says what is wrong with it.

    `raw` may be what a form field cleans, a stored value, or text. `old`: what the record has now; its choices may stay although they are no longer offered.
    """
    if isinstance(raw, str):
        raw = _plain(raw)
    if raw is None or raw == "" or (isinstance(raw, (list, tuple)) and not raw):
        return None
    return CLEANERS[Kind(field.kind)](field, raw, old)


def _plain(text: str) -> str:
    if "\x00" in text or (text and not any(letter.isprintable() for letter in text.strip() or " ")):
        raise ValidationError(_("Remove the invisible characters."), code="nul")
    return text.encode("utf-8", "ignore").decode().strip()  # half a surrogate pair is no text


def _text(field: CustomField, raw: Any, old: Any) -> str:
    if not isinstance(raw, str):
        raise ValidationError(_("Send text."), code="text")
    text = raw if field.kind == Kind.LONG_TEXT else " ".join(raw.split())
    longest = LENGTHS[Kind(field.kind)]
    if len(text) > longest:
        raise ValidationError(_("At most %(count)s characters.") % {"count": longest}, code="length")
    return text


def _url(field: CustomField, raw: Any, old: Any) -> str:
    text = _text(field, raw, old)
    text = text if "://" in text else f"https://{text}"
    try:
        _check_url(text)
    except ValidationError:
        raise ValidationError(_("Enter a web address, such as https://example.com."), code="url") from None
    return text


def _decimal(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        raise ValidationError(_("Enter a number."), code="number")
    try:
        number = Decimal(str(raw)) if len(str(raw)) <= 60 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValidationError(_("Enter a number."), code="number")
    if abs(number) >= Decimal(10) ** DIGITS:
        raise ValidationError(_("This number is too large."), code="number")
    return number


def _number(field: CustomField, raw: Any, old: Any) -> str:
    number = _decimal(raw)
    if number != number.quantize(Decimal(1).scaleb(-DECIMALS)):
        raise ValidationError(_("At most %(count)s digits after the point.") % {"count": DECIMALS}, code="number")
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _money(field: CustomField, raw: Any, old: Any) -> str:
    amount = _decimal(raw).quantize(CENT, ROUND_HALF_UP)
    if amount < 0:
        raise ValidationError(_("The amount can't be negative."), code="money")
    return f"{abs(amount):f}"


def _date(field: CustomField, raw: Any, old: Any) -> str:
    try:
        day = raw.date() if isinstance(raw, datetime) else raw if isinstance(raw, date) else date.fromisoformat(_ten(raw))
    except ValueError:
        raise ValidationError(_("Enter a day, such as 2026-05-31."), code="date") from None
    return day.isoformat()


def _ten(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) != 10:  # 20260531 would be read as well, and sorted elsewhere if it were kept
        raise ValueError(raw)
    return raw


def _time(field: CustomField, raw: Any, old: Any) -> str:
    try:
        clock = raw if isinstance(raw, time) else time.fromisoformat(str(raw)[:40])
    except ValueError:
        raise ValidationError(_("Enter a time, such as 14:30."), code="time") from None
    return f"{clock.hour:02}:{clock.minute:02}"


def _key(field: CustomField, raw: Any, kept: tuple[str, ...]) -> str:
    """The key of a choice, from its key or its label."""
    text = raw if isinstance(raw, str) else ""
    for each in field.choices:
        if each["key"] == text and (each.get("offered", True) or text in kept):
            return text
    folded = sort_key(text)
    for key, label in field.offered():
        if folded and sort_key(label) == folded:
            return key
    raise ValidationError(_("Choose one from the list."), code="choice")


def _choice(field: CustomField, raw: Any, old: Any) -> str:
    return _key(field, raw, (old,) if isinstance(old, str) else ())


def _choices(field: CustomField, raw: Any, old: Any) -> list[str]:
    given = raw if isinstance(raw, (list, tuple)) else [raw]
    if len(given) > len(field.choices):
        raise ValidationError(_("Choose from the list."), code="choice")
    kept = tuple(old) if isinstance(old, list) else ()
    keys = {_key(field, each, kept) for each in given}
    return [each["key"] for each in field.choices if each["key"] in keys]


def _yes_no(field: CustomField, raw: Any, old: Any) -> bool:
    word = str(raw).lower() if isinstance(raw, (bool, str, int)) else ""
    if word in YES or word in NO:
        return word in YES
    raise ValidationError(_("Choose yes or no."), code="boolean")


def _row(field: CustomField, raw: Any, old: Any) -> int:
    """The id of a colleague or record. Whether the writer may see it is for `crm.core.custom.writing` to ask."""
    pk = getattr(raw, "pk", raw)
    if isinstance(pk, str) and pk.isdecimal() and len(pk) < 19:
        pk = int(pk)
    if isinstance(pk, bool) or not isinstance(pk, int) or not 0 < pk < 2**63:
        raise ValidationError(_("This is not there, or not for you. Pick one from the list."), code="invalid_choice")
    return pk


CLEANERS: dict[str, Callable[[CustomField, Any, Any], Any]] = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _text,
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.YES_NO: _yes_no,
    Kind.USER: _row,
    Kind.LINK: _row,
    Kind.URL: _url,
}


def put(stored: dict[str, Any], field: CustomField, value: Any) -> None:
    """Set a cleaned value in a record's JSON."""
    folded = f"{field.key}{FOLDED}"
    if value is None:
        stored.pop(field.key, None)
        stored.pop(folded, None)
        return
    stored[field.key] = value
    if field.kind in (Kind.TEXT, Kind.URL):
        stored[folded] = compare_key(field, value)


def compare_key(field: CustomField, value: Any) -> str:
    """What equal values of a unique field share, as text."""
    return " ".join(unaccent(value).split()) if field.kind in (Kind.TEXT, Kind.URL) else str(value)


def python_value(field: CustomField, value: Any) -> Any:
    """A stored value as Python knows it: Decimal, date, time; others as they are. None when it is empty or no longer fits."""
    try:
        match field.kind:
            case Kind.NUMBER | Kind.MONEY:
                return None if value is None else Decimal(value)
            case Kind.DATE:
                return None if value is None else date.fromisoformat(value)
            case Kind.TIME:
                return None if value is None else time.fromisoformat(value)
    except (ValueError, TypeError, InvalidOperation):
        return None
    return value


def plain_text(field: CustomField, value: Any, locale: str) -> str:
    """A stored value in the reader's language; "" for what is empty and for colleagues and records, whose names depend on the reader."""
    value = python_value(field, value)
    if value is None:
        return ""
    match field.kind:
        case Kind.NUMBER:
            return number_text(value, locale)
        case Kind.MONEY:
            return cells.format_money(value, field.currency, locale)
        case Kind.DATE:
            return cells.format_short(value, locale)
        case Kind.TIME:
            return cells.format_clock(datetime.combine(date(2000, 1, 1), value), locale)
        case Kind.CHOICE:
            return field.label_of(value)
        case Kind.CHOICES:
            return ", ".join(filter(None, map(field.label_of, value)))
        case Kind.YES_NO:
            return _("Yes") if value else _("No")
        case Kind.USER | Kind.LINK:
            return ""
    return str(value)


def number_text(value: Decimal, locale: str) -> str:
    exponent = value.as_tuple().exponent
    return cells.format_number(value, locale, -exponent if isinstance(exponent, int) and exponent < 0 else 0)


def search_words(fields: tuple[CustomField, ...], stored: Mapping[str, Any]) -> str:
    """The texts of a record by which it is found."""
    return " ".join(str(stored[field.key])[:500] for field in fields if field.is_searched and stored.get(field.key))
