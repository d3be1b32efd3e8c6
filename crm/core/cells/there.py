"""What time it is where somebody else is."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from phonenumbers import timezone as phone_zones

from crm.core.cells.context import CellContext
from crm.core.cells.formats import _of_e164, format_clock
from crm.core.cells.pieces import icon

UNKNOWN = "Etc/Unknown"  # what the library says of numbers that are at home nowhere


@lru_cache(4096)
def zones_of_phone(number: str) -> tuple[str, ...]:
    """The time zones in which an E.164 number may be at home; none where nobody can tell."""
    parsed = _of_e164(number)
    zones = phone_zones.time_zones_for_number(parsed) if parsed is not None else ()
    return zones if UNKNOWN not in zones else ()


def clock_there(ctx: CellContext, *, zone: str = "", phone: str = "", place: str = "") -> SafeString | str:
    """By their zone; else by their phone number, if all zones where that may be have the same time now and it is another one than the reader's.
    `place` is where they say they are: the zone's, which need not be the number's."""
    if zone:
        return _clock(ctx, ZoneInfo(zone), place or _name(zone))
    zones = zones_of_phone(phone) if phone else ()
    times = {ctx.now.astimezone(ZoneInfo(each)).utcoffset() for each in zones}
    if len(times) != 1 or times == {ctx.now.astimezone(ctx.zone).utcoffset()}:
        return ""
    return _clock(ctx, ZoneInfo(zones[0]), _name(zones[0]) if len(zones) == 1 else "", gettext("By the phone number"))


def _name(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _clock(ctx: CellContext, zone: ZoneInfo, place: str, why: str = "") -> SafeString:
    there, here = ctx.now.astimezone(zone), ctx.now.astimezone(ctx.zone)
    clock = format_clock(there, ctx.locale)
    if there.date() != here.date():
        clock = f"{format_skeleton('EEE', there.date(), locale=ctx.locale).rstrip('.')} {clock}"
    text = gettext("%(clock)s in %(place)s") % {"clock": clock, "place": place} if place else gettext("%(clock)s there") % {"clock": clock}
    return format_html('{} <span class="num"{}>{}</span>', icon("clock", "i-sm"), format_html(' title="{}"', why) if why else "", text)
