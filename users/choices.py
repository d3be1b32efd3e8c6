"""Choices that are the same for everybody: time zones by continent, currencies, weekdays, months, languages."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Any

from babel.core import Locale, UnknownLocaleError, get_global
from babel.dates import get_day_names, get_month_names
from babel.numbers import get_currency_name, get_territory_currencies
from django.conf import settings
from django.utils.translation import get_language, gettext_lazy

DIAL_HELP = gettext_lazy(
    "For sip: the domain, such as pbx.example.com. For a softphone: its address with {number} in it, such as https://phone.example.com/call?to={number}."
)
REGIONS = {
    "Africa": gettext_lazy("Africa"),
    "America": gettext_lazy("America"),
    "Antarctica": gettext_lazy("Antarctica"),
    "Arctic": gettext_lazy("Arctic"),
    "Asia": gettext_lazy("Asia"),
    "Atlantic": gettext_lazy("Atlantic"),
    "Australia": gettext_lazy("Australia"),
    "Europe": gettext_lazy("Europe"),
    "Indian": gettext_lazy("Indian Ocean"),
    "Pacific": gettext_lazy("Pacific"),
}
# The locale of the country that most people with this language sit in, for names only.
Choices = list[tuple[Any, Any]]


@lru_cache(1)
def zone_names() -> tuple[str, ...]:
    """Zones that people know by a place; the old names that are kept for programs only are left out."""
    return tuple(sorted(name for name in zoneinfo.available_timezones() if name.split("/")[0] in REGIONS and "/" in name))


def zones(current: str = "") -> Choices:
    """Grouped by continent for a select; `current` is offered even when it is an old name."""
    groups: dict[str, Choices] = {region: [] for region in REGIONS}
    for name in zone_names():
        region, place = name.split("/", 1)
        groups[region].append((name, place.replace("_", " ").replace("/", ", ")))
    known = [("UTC", "UTC")]
    if current and current != "UTC" and current not in zone_names():
        known.insert(0, (current, current))
    return [*known, *((REGIONS[region], places) for region, places in groups.items())]


def _locale() -> Locale:
    try:
        return Locale.parse((get_language() or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(1)
def currency_codes() -> tuple[str, ...]:
    """Currencies in use somewhere today."""
    return tuple(sorted({code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)}))


def currencies() -> Choices:
    locale = _locale()
    return [(code, f"{code} – {get_currency_name(code, locale=locale)}") for code in currency_codes()]


def weekdays() -> Choices:
    """Monday is 0."""
    names = get_day_names("wide", "stand-alone", locale=_locale())
    return [(day, names[day]) for day in range(7)]


def months() -> Choices:
    names = get_month_names("wide", "stand-alone", locale=_locale())
    return [(month, names[month]) for month in range(1, 13)]


def languages() -> Choices:
    """Each in its own words, so that people find theirs."""
    return [(code, _own_name(code)) for code, _label in settings.LANGUAGES]


def _own_name(code: str) -> str:
    return Locale.parse(code, sep="-").get_display_name().capitalize()
