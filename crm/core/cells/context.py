"""Who reads the cells: made once per page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language

from crm.core.cells.formats import current_locale


@dataclass(frozen=True, slots=True)
class CellContext:
    """What cells need to know about the reader; made once per page."""

    user: Any
    now: datetime  # aware
    zone: tzinfo
    locale: str  # a Babel identifier: `en_GB`, `de`
    today: date  # in `zone`
    url_of: Callable[[Any], str]  # the page of a record


def current_context(user: Any = None, url_of: Callable[[Any], str] | None = None) -> CellContext:
    """The context of the active language and time zone."""
    now, zone = timezone.now(), timezone.get_current_timezone()
    return CellContext(user, now, zone, current_locale(), now.astimezone(zone).date(), url_of or address_of)


@lru_cache(64)
def _address_frame(model: type) -> tuple[str, str] | None:
    """What stands before and after the id in the addresses of a model's pages; None where more than the id makes the address."""
    before, found, after = model(pk=987654321).get_absolute_url().partition("987654321")
    return (before, after) if found else None


def address_of(obj: Any) -> str:
    """`obj.get_absolute_url()` without asking the address book of all pages for each of a hundred rows."""
    frame = _address_frame(type(obj))  # type: ignore[arg-type]
    return f"{frame[0]}{obj.pk}{frame[1]}" if frame else obj.get_absolute_url()


@lru_cache(1024)
def _choice(field: Any, value: Any, language: str | None) -> str:
    return str(dict(field.flatchoices).get(value, value))


def choice_label(obj: Any, name: str) -> str:
    """`obj.get_<name>_display()`, which translates all choices of the field each time, remembered."""
    return _choice(obj._meta.get_field(name), getattr(obj, name), get_language())
