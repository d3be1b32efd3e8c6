"""A small month beside the days of the calendar."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from babel.dates import get_day_names
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from activities.selectors.wording import month_text
from crm.core import cells
from crm.core.cells import escape
from crm.core.lists import RowContext


class MiniMonth:
    """The month of `first`: `chosen` are the days that are shown beside it, because of `day`; `busy` ones hold something."""

    def __init__(self, ctx: RowContext, first: date, *, chosen: Collection[date], day: date, busy: Collection[date]) -> None:
        self.ctx, self.first, self.chosen, self.day, self.busy = ctx, first, chosen, day, busy

    def html(self, days: Sequence[date], urls: Mapping[date, str], previous_url: str, next_url: str) -> SafeString:
        """`urls`: the addresses of the days, as far as the calendar reaches; "" for a month before or after that is not there."""
        name = escape(month_text(self.first, self.ctx))
        narrow, wide = (get_day_names(width, "stand-alone", locale=self.ctx.locale) for width in ("narrow", "wide"))
        heads = "".join(f'<th scope="col" abbr="{escape(wide[each.weekday()])}">{escape(narrow[each.weekday()])}</th>' for each in days[:7])
        weeks = (days[start : start + 7] for start in range(0, len(days), 7))
        rows = "".join(f"<tr>{''.join(self.cell(each, urls.get(each, '')) for each in week)}</tr>" for week in weeks)
        before, after = (month_text(self.first + timedelta(days=number), self.ctx) for number in (-1, 31))
        earlier = self.step(previous_url, "mini-earlier", "chevron-left", _("Month before: %(name)s") % {"name": before})
        later = self.step(next_url, "mini-later", "chevron-right", _("Month after: %(name)s") % {"name": after})
        return SafeString(
            f'<div class="mini-head">{earlier}<strong id="mini-name">{name}</strong>{later}</div>'
            f'<table aria-labelledby="mini-name"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        )

    @staticmethod
    def step(url: str, name: str, icon: str, label: str) -> str:
        if not url:
            return '<span class="mini-none"></span>'
        swap = 'hx-target="#mini" hx-select="#mini" hx-swap="outerHTML"'
        return (
            f'<a class="btn btn-ghost btn-sm btn-icon" id="{name}" href="{escape(url)}" hx-get="{escape(url)}" {swap} aria-label="{escape(label)}">'
            f"{cells.icon(icon, 'i-sm')}</a>"
        )

    def cell(self, day: date, url: str) -> str:
        css = " ".join(word for word, on in (("sel", day in self.chosen), ("off", day.month != self.first.month), ("now", day == self.ctx.today)) if on)
        dot, busy = ('<span class="has" aria-hidden="true"></span>', _("%(day)s, something is planned")) if day in self.busy else ("", "%(day)s")
        label = escape(busy % {"day": cells.format_long(day, self.ctx.locale)})
        current = ' aria-current="true"' if day == self.day else ' aria-current="date"' if day == self.ctx.today else ""
        inner = f'<a href="{escape(url)}" aria-label="{label}"{current}>{day.day}{dot}</a>' if url else str(day.day)
        return f'<td class="{css}">{inner}</td>'
