"""The days of the calendar's month as html, built as strings like the rows of work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from activities.models import Meeting
from activities.panels.work import kind_icon
from crm.core import cells
from crm.core.cells import escape
from crm.core.lists import RowContext


class MonthDays:
    """Makes the `<li>`s of a month. `team`: whose work it is stands beside it; `new_meeting`: the reader may plan meetings."""

    def __init__(self, ctx: RowContext, first: date, *, team: bool, new_meeting: bool) -> None:
        self.ctx, self.first, self.team, self.new_meeting = ctx, first, team, new_meeting
        self.label, self.plus = escape(_("New meeting on %(name)s")), cells.icon("plus", "i-sm")

    def html(self, days: Iterable[Any]) -> SafeString:
        return SafeString("".join(self.day(day) for day in days))

    def day(self, day: Any) -> str:
        """One day: its number, a button for a meeting, the first of its tasks and meetings, and where the rest is."""
        iso, name, off = day.day.isoformat(), escape(cells.format_long(day.day, self.ctx.locale)), day.day.month != self.first.month
        css = " ".join(word for word, on in (("off", off), ("now", day.day == self.ctx.today), ("blank", not day.rows)) if on)
        button = ""
        if self.new_meeting:
            label = self.label % {"name": name}
            button = f'<a class="btn btn-ghost btn-sm btn-icon ms-auto" href="/meetings/new/?day={iso}" data-panel aria-label="{label}">{self.plus}</a>'
        return (
            f'<li class="{css}"><span class="d-flex align-items-center xs"><time datetime="{iso}" class="num" title="{name}">'
            f'<span class="visually-hidden">{name}</span><span aria-hidden="true">{day.day.day}</span></time>'
            f'<span class="d-lg-none t2 ms-2" aria-hidden="true">{name}</span>{button}</span>{self._events(day, iso)}</li>'
        )

    def _events(self, day: Any, iso: str) -> str:
        if not day.rows:
            return ""
        events, more = "".join(self._event(row, day.day) for row in day.rows), day.count - len(day.rows)
        if more > 0:
            url = f"/calendar/day/?day={iso}{'&amp;who=team' if self.team else ''}"
            events += f'<li><a class="xs" href="{url}">{escape(ngettext("%(n)s more", "%(n)s more", more) % {"n": more})}</a></li>'
        return f'<ul class="d-block">{events}</ul>'

    def _event(self, row: Any, day: date) -> str:
        ctx = self.ctx
        about = ctx.linked(row, row.subject_type) if row.subject_type else None
        hint = ", ".join(word for word in (row.title, str(about) if about else "", row.owner.name if self.team else "") if word)
        if isinstance(row, Meeting):
            local = row.starts_at.astimezone(ctx.zone)
            clock, color, done = cells.format_clock(local, ctx.locale) if local.date() == day else "", "k-teal", row.held_at is not None
        else:
            clock, done = cells.format_clock(row.due_at.astimezone(ctx.zone), ctx.locale) if row.due_time else "", row.done_at is not None
            color = "k-grey" if done else ("k-red" if row.is_late(ctx.now) else "k-amber")
        title, when = escape(row.title), f'<span class="num">{escape(clock)}</span> ' if clock else ""
        return (
            f'<li class="mb-1"><a class="ev {color}" href="{ctx.url_of(row)}" title="{escape(hint)}">{kind_icon(row, "i-sm")} '
            f"{when}{f'<s>{title}</s>' if done else title}</a></li>"
        )
