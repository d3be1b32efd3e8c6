"""How a repetition and a due time read, in the language that is on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from activities.models import MeetingSeries, Rule, Task
from crm.core import cells

Frequency = Rule.Frequency
MONDAY = date(2024, 1, 1)
NTH = {
    1: pgettext_lazy("weekday", "first"),
    2: pgettext_lazy("weekday", "second"),
    3: pgettext_lazy("weekday", "third"),
    4: pgettext_lazy("weekday", "fourth"),
    -1: pgettext_lazy("weekday", "last"),
}
WORK_WEEK = [0, 1, 2, 3, 4]


@lru_cache(64)
def weekday_name(number: int, locale: str, pattern: str = "EEEE") -> str:
    return format_date(MONDAY + timedelta(days=number), pattern, locale=locale)


def rule_text(series: Rule) -> str:
    """`Every 2 weeks on Mon, Wed, until 3 May 2027`; of a meeting with its time, and with the zone where that is not the reader's."""
    locale = cells.current_locale()
    text = _when(series, locale)
    if isinstance(series, MeetingSeries) and not series.is_whole_days:
        clock = cells.format_clock(datetime.combine(series.starts_on, series.at), locale)
        zone = "" if series.zone == timezone.get_current_timezone_name() else f" ({series.zone})"
        text = _("%(rule)s at %(time)s") % {"rule": text, "time": f"{clock}{zone}"}
    ended = series.ended_on if isinstance(series, MeetingSeries) else None
    if series.ends_on:
        text = _("%(rule)s, until %(day)s") % {"rule": text, "day": cells.format_short(series.ends_on, locale)}
    if series.times and ended is None:
        text = ngettext("%(rule)s, %(count)s time", "%(rule)s, %(count)s times", series.times) % {"rule": text, "count": series.times}
    return text


def _when(series: Rule, locale: str) -> str:
    every, days, n = _every(series), series.weekdays or [series.starts_on.weekday()], series.nth
    match series.frequency:
        case Frequency.WEEKLY if days == WORK_WEEK and series.interval == 1:
            return _("Every weekday")
        case Frequency.WEEKLY if len(days) == 1 and series.interval == 1:
            return _("Every %(day)s") % {"day": weekday_name(days[0], locale)}
        case Frequency.WEEKLY:
            return _("%(every)s on %(days)s") % {"every": every, "days": ", ".join(weekday_name(day, locale, "EEE") for day in sorted(days))}
        case Frequency.MONTHLY if n:
            return _("%(every)s on the %(nth)s %(day)s") % {"every": every, "nth": NTH[n], "day": weekday_name(days[0], locale)}
        case Frequency.MONTHLY:
            return _("%(every)s on day %(day)s") % {"every": every, "day": series.month_day or series.starts_on.day}
        case Frequency.YEARLY:
            return _("%(every)s on %(days)s") % {"every": every, "days": format_skeleton("MMMd", series.starts_on, locale=locale)}
    return every


def _every(series: Rule) -> str:
    if series.interval == 1:
        return str(series.get_frequency_display())
    text = {
        Frequency.DAILY: _("Every %(count)s days"),
        Frequency.WEEKLY: _("Every %(count)s weeks"),
        Frequency.MONTHLY: _("Every %(count)s months"),
        Frequency.YEARLY: _("Every %(count)s years"),
    }[Frequency(series.frequency)]
    return text % {"count": series.interval}


def due_words(row: Any, user: Any) -> str:
    """`19 Nov 2026 14:30` on the user's clock; a whole day without a time; "" without a day."""
    locale = cells.current_locale()
    if isinstance(row, Task) and (row.is_all_day or row.due_on is None):
        return cells.format_short(row.due_on, locale) if row.due_on else ""
    when = row.due_at if isinstance(row, Task) else row.starts_at
    assert when is not None
    local = when.astimezone(ZoneInfo(user.time_zone))
    return f"{cells.format_short(local.date(), locale)} {cells.format_clock(local, locale)}"
