"""Who is free, below the guests in a meeting's form."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from activities.selectors.free import MOST_PEOPLE, Availability, Colleague, Taken
from crm.core import cells
from crm.core.cells import escape
from crm.core.lists import RowContext


def free_html(found: Availability, ctx: RowContext, clock: ZoneInfo, url: str) -> SafeString:
    """Each colleague with what they do at that time, and buttons that fill in a time at which all are free. `clock`: of the form's times."""
    people = "".join(
        f'<li class="py-1 flex-wrap"><span class="grow">{escape(each.user.name)}</span>'
        f'<span class="d-flex flex-wrap gap-1 sm">{_state(each, ctx, clock)}</span></li>'
        for each in found.people
    )
    cut = escape(_("Only the first %(count)s colleagues are looked at.") % {"count": MOST_PEOPLE})
    more = f'<p class="xs t2 m-0">{cut}</p>' if found.cut else ""
    return SafeString(f'<ul class="rows mt-2 mb-2">{people}</ul>{more}{_times(found, ctx, clock, url)}')


def problem_html(texts: list[str]) -> SafeString:
    return SafeString(f'<p class="sm text-danger mt-2 mb-0">{escape(" ".join(texts))}</p>')


def _state(each: Colleague, ctx: RowContext, clock: ZoneInfo) -> str:
    if not each.known:
        unknown = escape(_("Not known"))
        return f'<span class="t2">{unknown}</span>'
    if each.is_free:
        return str(cells.badge(_("Free"), "green", "check"))
    said = [cells.badge(_("Away"), "amber")] if each.away else []
    said += [cells.badge(_("Outside working hours"), "grey")] if each.outside and not each.away else []
    said += [cells.badge(_busy(taken, ctx, clock), "red") for taken in each.taken[:3]]
    return " ".join(said)


def _busy(taken: Taken, ctx: RowContext, clock: ZoneInfo) -> str:
    """`Busy 10:00–11:00`, with the title where the reader may see the meeting."""
    if taken.is_whole_days:
        text = _("Busy all day")
    else:
        start, end = (at.astimezone(clock) for at in (taken.starts_at, taken.ends_at))
        texts = [cells.format_clock(at, ctx.locale) if start.date() == end.date() else _moment(at, ctx) for at in (start, end)]
        text = _("Busy %(from)s–%(to)s") % {"from": texts[0], "to": texts[1]}
    return f"{text}: {taken.title}" if taken.title else text


def _moment(at: datetime, ctx: RowContext) -> str:
    return f"{cells.format_short(at.date(), ctx.locale, with_year=False)}, {cells.format_clock(at, ctx.locale)}"


def _times(found: Availability, ctx: RowContext, clock: ZoneInfo, url: str) -> str:
    if not found.times:
        none = escape(_("There is no time within five working days at which all are free."))
        return f'<p class="sm t2 m-0">{none}</p>'
    buttons = []
    for start, end in found.times:
        local, until = start.astimezone(clock), end.astimezone(clock)
        data = escape(json.dumps({"starts_at": f"{local:%Y-%m-%dT%H:%M}", "ends_at": f"{until:%Y-%m-%dT%H:%M}"}))
        value = f"{start.isoformat()}/{end.isoformat()}"
        buttons.append(
            f'<button class="btn btn-secondary btn-sm" type="submit" formaction="{escape(url)}" formnovalidate name="at" value="{value}" data-fill="{data}">'
            f"{escape(_moment(local, ctx))}</button>"
        )
    title = escape(_("All are free at:"))
    return f'<p class="sm t2 mb-1">{title}</p><p class="d-flex flex-wrap gap-2 m-0">{"".join(buttons)}</p>'
