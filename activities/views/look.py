"""What an address of the calendar asks for, and the addresses beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities import forms, selectors

SHOWS = (
    ("month", gettext_lazy("Month"), "m"),
    ("week", gettext_lazy("Week"), "w"),
    ("day", gettext_lazy("Day"), "d"),
    ("agenda", gettext_lazy("Agenda"), "a"),
)
AGENDA_DAYS = 28
WIDTHS = {"week": 7, "day": 1, "agenda": AGENDA_DAYS}
EARLIEST, LATEST = date(1970, 2, 11), date(2199, 11, 21)  # so that no view leaves the years of meetings
LAST_PAGE = 1000  # of people


@dataclass(frozen=True)
class Look:
    """What an address of the calendar asks for. `page`: of the people of a team's day; `mini`: the first of the month that stands beside the days."""

    show: str
    day: date
    team: bool
    layers: frozenset[str] = selectors.WORK
    by_person: bool = False  # colours
    page: int = 1
    mini: date | None = None

    def url(self, **changes: Any) -> str:
        """The same with changes; what only fits this day and view is left behind."""
        asked = replace(self, **{"page": 1, "mini": None, **changes})
        more = [("page", str(asked.page))] if asked.page > 1 else []
        more += [("mini", f"{asked.mini:%Y-%m}")] if asked.mini else []
        return f"/calendar/?{urlencode([*asked.kept, ('day', asked.day.isoformat()), *more])}"

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What stays the same on another day."""
        return [*self.base, *self.chosen]

    @property
    def base(self) -> list[tuple[str, str]]:
        return [("show", self.show), *([("who", "team")] if self.team else [])]

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Layers and colours, where they are not the usual ones."""
        layers = [("layer", name) for name in selectors.LAYERS if name in self.layers] or [("layer", "none")]
        return [*(layers if self.layers != selectors.WORK else []), *([("color", "person")] if self.by_person else [])]

    @property
    def people(self) -> bool:
        """A column for each person?"""
        return self.team and self.show == "day"

    @property
    def coloured(self) -> bool:
        """Can colours tell people apart?"""
        return self.team and self.show != "agenda"

    def days(self, first_weekday: int) -> list[date]:
        """The days that are shown."""
        if self.show == "month":
            return selectors.month_days(self.day.replace(day=1), first_weekday)
        start = self.day - timedelta(days=(self.day.weekday() - first_weekday) % 7) if self.show == "week" else self.day
        return [start + timedelta(days=number) for number in range(WIDTHS[self.show])]

    def step(self, forward: bool) -> str:
        """The address of what comes next or before; "" at the ends of the calendar."""
        if self.show == "month":
            day = next_month(self.day) if forward else self.day.replace(day=1) - timedelta(days=1)
        else:
            day = self.day + timedelta(days=WIDTHS[self.show] if forward else -WIDTHS[self.show])
        return self.url(day=day) if EARLIEST <= day <= LATEST else ""

    def mini_url(self, first: date) -> str:
        """The address with another month beside the days; "" at the ends of the calendar."""
        return self.url(mini=first, page=self.page) if EARLIEST.replace(day=1) <= first <= LATEST else ""


def next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def look_of(params: QueryDict, today: date, *, may_team: bool) -> Look | str:
    """What is asked for, or what is wrong with it."""
    show, day = params.get("show", "month"), forms.parse_day(params.get("day") or today.isoformat())
    layers, color, page = params.getlist("layer"), params.get("color", "type"), params.get("page", "1")
    if show not in {name for name, _label, _key in SHOWS}:
        return _("This view is not there. Choose month, week, day or agenda.")
    if day is None or not EARLIEST <= day <= LATEST:
        return _("This day is not there. Choose one such as 2026-11-19.")
    if not set(layers) <= {*selectors.LAYERS, "none"} or color not in ("type", "person"):
        return _("This is not on the calendar. Choose from the menu what is shown.")
    if not (page.isascii() and page.isdecimal() and len(page) < 5 and 1 <= int(page) <= LAST_PAGE):
        return _("This page is not there. Go back to the first one.")
    mini = forms.parse_day(f"{params.get('mini', '')}-01")
    wanted = frozenset(layers) - {"none"} if layers else selectors.WORK
    within = mini is not None and EARLIEST.replace(day=1) <= mini <= LATEST
    return Look(show, day, params.get("who") == "team" and may_team, wanted, color == "person", int(page), mini if within else None)
