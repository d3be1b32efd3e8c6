"""The days of the calendar as html, built as strings like the rows of work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from activities.models import Meeting, Task
from activities.panels.work import kind_icon, may_change, repeats_html
from activities.selectors.wording import weekday_text
from activities.selectors.work import BusyTime
from activities.services.moves import end_of
from crm.core import cells
from crm.core.cells import escape
from crm.core.lists import RowContext
from users.working_time import is_working_day

MIDNIGHT = 24 * 60
SLOTS = 48  # half hours of a day: the classes at1 to at48 and for1 to for48 of calendar.css
MOST_DATES = 3  # of records, on a day of month, week and day
LANES = (1, 1, 2, 3, 4, 6, 6)  # how many side by side a column of twelve parts is divided for; more than six are listed behind "more"


class CalendarHtml:
    """What the views of the calendar share. `team`: whose work it is stands beside it; `by_person`: colours tell people apart, not kinds; `house`: the
    organisation; `adds`: whose meetings the reader may plan ("", "own", "all"); `marked`: dates of records by day (selectors.dates_on); `agenda`: the
    address of all that a day holds."""

    def __init__(
        self, ctx: RowContext, *, team: bool, by_person: bool, house: Any, adds: str, marked: Mapping[date, Sequence[Any]], agenda: Callable[[date], str]
    ) -> None:
        self.ctx, self.team, self.by_person, self.house, self.adds, self.marked, self.agenda = ctx, team, by_person, house, adds, marked, agenda
        self.label, self.plus = escape(_("New meeting on %(name)s")), cells.icon("plus", "i-sm")
        self.move, self.resize, self.mover = escape(_("Move: %(name)s")), escape(_("Move or resize: %(name)s")), cells.icon("calendar-time", "i-sm")
        self.late = f' {cells.icon("alert-triangle", "i-sm")}<span class="visually-hidden">{escape(_("Overdue"))}</span>'
        self.kinds = {"k-teal": _("Meeting"), "k-amber": _("Task"), "k-green": _("Call"), "k-red": _("Overdue"), "k-grey": _("Done"), "k-pink": _("Date")}
        self.named = team  # says of each entry whose it is
        self.used: dict[Any, str] = {}  # colours on the page: {colour: its word}, or {id of a person: name}

    def name_of(self, day: date) -> str:
        return escape(cells.format_long(day, self.ctx.locale))

    def holiday(self, day: date) -> str:
        """The name of a day on which nobody works."""
        name = escape(self.house.holiday_names.get(day, ""))
        return f'<span class="hol" title="{name}">{name}</span>' if name else ""

    def new_url(self, day: date, person: Any = None) -> str:
        """The form of a new meeting on a day, with an organiser; "" where the reader may not plan it."""
        if not self.adds or (person is not None and self.adds == "own" and person.pk != self.ctx.user.pk):
            return ""
        return f"/meetings/new/?day={day.isoformat()}{f'&amp;owner={person.pk}' if person is not None else ''}&amp;stay=1"

    def plus_button(self, day: date, person: Any = None) -> str:
        url = self.new_url(day, person)
        if not url:
            return ""
        label = self.label % {"name": self.name_of(day)} if person is None else escape(_("New meeting for %(name)s") % {"name": person.name})
        return f'<a class="btn btn-ghost btn-sm btn-icon ms-auto" href="{url}" data-panel aria-label="{label}">{self.plus}</a>'

    def more(self, day: date, count: int) -> str:
        return f'<a class="xs" href="{escape(self.agenda(day))}">{escape(ngettext("%(n)s more", "%(n)s more", count) % {"n": count})}</a>'

    def legend(self) -> SafeString:
        """What the colours of the page mean, in words."""
        if self.by_person:
            names = sorted(self.used.items(), key=lambda each: (each[1].casefold(), each[0]))
            items = [f"{cells.avatar(name, pk, 'av-sm')} {escape(name)}" for pk, name in names]
        else:
            items = [f'<span class="sw {color}" aria-hidden="true"></span> {escape(word)}' for color, word in self.kinds.items() if color in self.used]
        inner = "".join(f"<li>{item}</li>" for item in items)
        return SafeString(f'<ul class="legend" aria-label="{escape(_("Colours"))}">{inner}</ul>' if items else "")

    def dates(self, day: date) -> str:
        """The first of the records' dates that fall on a day, and where the rest is."""
        marked = self.marked.get(day, ())
        if marked and not self.by_person:
            self.used["k-pink"] = self.kinds["k-pink"]
        html = "".join(
            f'<li class="ev-li"><a class="ev k-pink" href="{self.ctx.url_of(each.record)}" title="{self.date_text(each)}">{self.date_icon(each, "i-sm")} '
            f"{self.date_text(each)}</a></li>"
            for each in marked[:MOST_DATES]
        )
        rest = len(marked) - MOST_DATES
        return f"{html}<li>{self.more(day, rest)}</li>" if rest > 0 else html

    @staticmethod
    def date_icon(each: Any, css: str = "") -> str:
        return cells.icon("calendar-event" if each.once else "confetti", css)

    def is_blank(self, day: Any) -> bool:
        return not day.rows and not self.marked.get(day.day) and day.day not in self.house.holiday_names

    @staticmethod
    def date_text(each: Any) -> str:
        text = _("%(name)s: %(what)s") % {"name": str(each.record), "what": each.label}
        return escape(f"{text} ({each.years})" if each.years > 0 else text)

    def event(self, row: Any, day: date, css: str = "") -> str:
        """A task or meeting as it stands on a day: its link, and a link that moves it, for who may. One that is not over can be dragged, and a
        meeting among the hours (`css`) by its lower edge."""
        if isinstance(row, BusyTime):
            return self.busy(row, day, css)
        ctx, meeting = self.ctx, isinstance(row, Meeting)
        about = ctx.linked(row, row.subject_type) if row.subject_type else None
        hint = ", ".join(word for word in (row.title, str(about) if about else "", row.owner.name if self.team else "") if word)
        clock, first = self._clock(row, day)
        done = row.held_at is not None if meeting else row.done_at is not None
        late = not meeting and not done and row.is_late(ctx.now)
        title, when = escape(row.title), f'<span class="num">{escape(clock)}</span> ' if clock else ""
        data = mover = keys = ""
        if first and not done and may_change(ctx.user, row):
            url = f"/calendar/move/{'meeting' if meeting else 'task'}/{row.pk}/"
            data = f' data-move-url="{url}" data-version="{row.version}"'
            span = self._minutes(row, day)
            label = self.resize if span is not None else self.move
            mover = f'<a class="ev-mv" href="{url}" data-panel aria-label="{label % {"name": title}}">{self.mover}</a>'
            if span is not None and css:
                data += f' data-begins="{span[0]}" data-ends="{span[1]}"'
                mover += '<span class="ev-rs" aria-hidden="true"></span>'
                keys = ' aria-keyshortcuts="Shift+ArrowDown Shift+ArrowUp"'
        who = f'<span class="t2"> {escape(row.owner.name)}</span>' if self.named and css else ""
        mark = (
            f'<abbr class="ev-by" title="{escape(row.owner.name)}">{escape(cells.initials(row.owner.name))}</abbr> '
            if self.named and self.by_person and not css
            else ""
        )
        return (
            f'<li class="ev-li {css}"{data}><a class="ev {self.color(row, done, late)}" href="{ctx.url_of(row)}" title="{escape(hint)}"{keys}>'
            f"{kind_icon(row, 'i-sm')}{self.late if late else ''} {when}{mark}{f'<s>{title}</s>' if done else title}{repeats_html(row)}{who}</a>{mover}</li>"
        )

    def color(self, row: Any, done: bool, late: bool) -> str:
        if self.by_person:
            self.used[row.owner_id] = row.owner.name
            return cells.color_of(row.owner_id)
        task = "k-grey" if done else "k-red" if late else "k-green" if getattr(row, "kind", "") == Task.Kind.CALL else "k-amber"
        color = "k-teal" if isinstance(row, Meeting) else task
        self.used[color] = self.kinds[color]
        return color

    def busy(self, row: BusyTime, day: date, css: str = "") -> str:
        """That a colleague has no time: of a private meeting nothing else is told."""
        clock, _first = self._clock(row, day)
        when = f'<span class="num">{escape(clock)}</span> ' if clock else ""
        busy = escape(pgettext("calendar", "Busy"))
        text = f'{cells.icon("lock", "i-sm")} {when}{busy}<span class="t2"> {escape(row.owner.name)}</span>'
        return f'<li class="ev-li {css}"><span class="ev k-grey">{text}</span></li>'

    def _minutes(self, row: Any, day: date) -> tuple[int, int] | None:
        """Where a meeting that lies within this day begins and ends, in minutes on the clock."""
        end = end_of(row, self.ctx.zone)
        if end is None:
            return None
        start = row.starts_at.astimezone(self.ctx.zone)
        return (start.hour * 60 + start.minute, end.hour * 60 + end.minute or MIDNIGHT) if start.date() == day else None

    def _clock(self, row: Any, day: date) -> tuple[str, bool]:
        """The time that stands before the title, and whether this is the first of its days."""
        if isinstance(row, (Meeting, BusyTime)):
            local = row.starts_at.astimezone(self.ctx.zone)
            first = local.date() == day
            return (cells.format_clock(local, self.ctx.locale) if first and not row.is_whole_days else ""), first
        return (cells.format_clock(row.due_at.astimezone(self.ctx.zone), self.ctx.locale) if row.due_time else ""), True


class AgendaDates(CalendarHtml):
    """The dates of records as rows of a day's work."""

    def html(self, day: date) -> SafeString:
        return SafeString("".join(self.row(each) for each in self.marked.get(day, ())))

    def heading(self, day: date) -> str:
        holiday = self.house.holiday_names.get(day)
        return f"{cells.format_long(day, self.ctx.locale)} · {holiday}" if holiday else cells.format_long(day, self.ctx.locale)

    def row(self, each: Any) -> str:
        link = f'<a class="t grow py-1" href="{self.ctx.url_of(each.record)}">{self.date_text(each)}</a>'
        return f'<li><span class="tick" aria-hidden="true">{self.date_icon(each)}</span>{link}</li>'


class MonthDays(CalendarHtml):
    """Makes the `<li>`s of the month that `month` lies in."""

    def __init__(self, ctx: RowContext, month: date, **options: Any) -> None:
        super().__init__(ctx, **options)
        self.month = month.month

    def html(self, days: Iterable[Any]) -> SafeString:
        return SafeString("".join(self.day(day) for day in days))

    def day(self, day: Any) -> str:
        """One day: its number, a button for a meeting, the first of its tasks and meetings, and where the rest is."""
        iso, name, off = day.day.isoformat(), self.name_of(day.day), day.day.month != self.month
        css = " ".join(word for word, on in (("off", off), ("now", day.day == self.ctx.today), ("blank", self.is_blank(day))) if on)
        more = day.count - len(day.rows)
        rest = f"<li>{self.more(day.day, more)}</li>" if more > 0 else ""
        return (
            f'<li class="{css}"><span class="d-flex align-items-center xs"><time datetime="{iso}" class="num" title="{name}">'
            f'<span class="visually-hidden">{name}</span><span aria-hidden="true">{day.day.day}</span></time>'
            f'<span class="d-lg-none t2 ms-2" aria-hidden="true">{name}</span>{self.holiday(day.day)}{self.plus_button(day.day)}</span>'
            f'<ul data-day="{iso}">{self.dates(day.day)}{"".join(self.event(row, day.day) for row in day.rows)}{rest}</ul></li>'
        )


# ---- week and day ----


@dataclass(frozen=True)
class Placed:
    """Where an entry stands on a day: half hours from `start` to before `end`, in `lane` of `lanes` beside what overlaps it."""

    row: Any
    start: int
    end: int
    lane: int = 0
    lanes: int = 1


def half_hours(start: datetime, end: datetime, day: date, zone: Any) -> tuple[int, int]:
    """The half hours of `day` that a span of time touches, by the clock on the wall; at least one."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    begin = (first.hour * 60 + first.minute) // 30 if first.date() == day else 0
    until = -(-(last.hour * 60 + last.minute) // 30) if last.date() == day else SLOTS
    return begin, min(SLOTS, max(until, begin + 1))


def side_by_side(rows: Iterable[Placed]) -> list[Placed]:
    """Lanes for entries of a day: those that overlap, also through others, share the column in equal parts."""
    found: list[Placed] = []
    group: list[tuple[Placed, int]] = []
    ends: list[int] = []  # where each lane is free again

    def close() -> None:
        found.extend(Placed(each.row, each.start, each.end, lane, len(ends)) for each, lane in group)
        group.clear()
        ends.clear()

    for each in sorted(rows, key=lambda each: (each.start, -each.end)):
        if ends and each.start >= max(ends):
            close()
        lane = next((number for number, end in enumerate(ends) if end <= each.start), len(ends))
        if lane == len(ends):
            ends.append(each.end)
        else:
            ends[lane] = each.end
        group.append((each, lane))
    close()
    return found


class TimeGrid(CalendarHtml):
    """Days as columns, or the people of one day; hours as rows: working hours at least, and more where something happens. On the phone each column is a
    plain list."""

    def __init__(self, ctx: RowContext, **options: Any) -> None:
        super().__init__(ctx, **options)
        self.second = ZoneInfo(ctx.user.second_zone) if ctx.user.second_zone else None
        self.opens = self.house.work_start.hour * 2 + self.house.work_start.minute // 30
        self.closes = max(self.opens + 2, self.house.work_end.hour * 2 + -(-self.house.work_end.minute // 30))

    def html(self, days: Sequence[Any], people: Sequence[Any] = ()) -> SafeString:
        """`people`: whose day each of the days is."""
        self.named = self.team and not people
        placed = [side_by_side(each for row in day.rows if (each := self.place(row, day.day)) is not None) for day in days]
        shown = [each for rows in placed for each in rows]
        low = min([self.opens, *(each.start for each in shown)]) // 2 * 2
        high = -(-max([self.closes, *(each.end for each in shown)]) // 2) * 2
        whose = people or [None] * len(days)
        columns = "".join(self.column(*each, low, high) for each in zip(days, whose, placed, strict=True))
        hours = "".join(f'<li class="at{slot - low + 1}">{self.hour(days[0].day, slot // 2)}</li>' for slot in range(low, high, 2) if days)
        return SafeString(f'<li class="hours" aria-hidden="true">{self.zones()}<ol class="slots">{hours}</ol></li>{columns}')

    def hour(self, day: date, hour: int) -> str:
        """On the reader's clock and, before it, on the second one, as they stand to each other on the first day that is shown."""
        at = datetime(day.year, day.month, day.day, hour, tzinfo=self.ctx.zone)
        own = escape(cells.format_clock(at, self.ctx.locale))
        return f'<span class="there">{escape(cells.format_clock(at.astimezone(self.second), self.ctx.locale))}</span>{own}' if self.second else own

    def zones(self) -> str:
        """Whose clocks they are."""
        if self.second is None:
            return ""
        there, here = (escape(get_timezone_location(zone, locale=self.ctx.locale, return_city=True)) for zone in (self.second, self.ctx.zone))
        return f'<span class="zones"><span class="there">{there}</span><span>{here}</span></span>'

    def place(self, row: Any, day: date) -> Placed | None:
        """None for what has no hour: it stands above."""
        if isinstance(row, (Meeting, BusyTime)):
            zone = self.ctx.zone
            if row.is_whole_days or (row.starts_at.astimezone(zone).date() < day and row.ends_at.astimezone(zone).date() > day):
                return None
            return Placed(row, *half_hours(row.starts_at, row.ends_at, day, zone))
        return Placed(row, *half_hours(row.due_at, row.due_at, day, self.ctx.zone)) if row.due_time else None

    def column(self, day: Any, person: Any, placed: list[Placed], low: int, high: int) -> str:
        iso, name = day.day.isoformat(), self.name_of(day.day)
        timed, url = {id(each.row) for each in placed}, self.new_url(day.day, person)
        whole = "".join(self.event(row, day.day) for row in day.rows if id(row) not in timed)
        late = day.count - len(day.rows) + sum(1 for each in placed if each.lane >= LANES[-1])
        mine = person is None or person.pk == self.ctx.user.pk  # the dates are of one's own records
        blank = not day.rows and not (mine and self.marked.get(day.day)) if person else self.is_blank(day)
        css = " ".join(word for word, on in (("now", person is None and day.day == self.ctx.today), ("blank", blank)) if on)
        timed_html = "".join(self.event(each.row, day.day, self.css(each, low)) for each in placed if each.lane < LANES[-1])
        head = self.person(person) if person else f'<time datetime="{iso}" title="{name}">{self.heading(day.day)}</time>{self.holiday(day.day)}'
        attributes = f' data-day="{iso}"' + (f' data-owner="{person.pk}"' if person else "")
        attributes += f' data-create="{url}" data-low="{low * 30}"' if url else ""
        return (
            f'<li class="{css}"><h2 class="xs">{head}{self.plus_button(day.day, person)}</h2>'
            f'<ul class="whole">{self.absence(person, day.day) if person else ""}{self.dates(day.day) if mine else ""}{whole}'
            f"{f'<li>{self.more(day.day, late)}</li>' if late else ''}</ul>"
            f'<ul class="slots"{attributes}>{self.shade(day.day, person, low, high)}{timed_html}</ul></li>'
        )

    def person(self, person: Any) -> str:
        return f'<span class="who" title="{escape(person.name)}">{cells.avatar(person.name, person.pk, "av-sm")}<span>{escape(person.name)}</span></span>'

    def absence(self, person: Any, day: date) -> str:
        """That somebody is away, and where they are if their clock is another one."""
        away = f"<li>{cells.badge(_('Away'), 'amber', 'user-off')}</li>" if person.is_away(day) else ""
        if person.zone == self.ctx.zone:
            return away
        return f'{away}<li class="xs t3">{escape(get_timezone_location(person.zone, locale=self.ctx.locale, return_city=True))}</li>'

    def heading(self, day: date) -> str:
        return f'<span class="visually-hidden">{self.name_of(day)}</span><span aria-hidden="true">{escape(weekday_text(day, self.ctx))} {day.day}</span>'

    @staticmethod
    def css(each: Placed, low: int) -> str:
        lanes = LANES[min(each.lanes, len(LANES) - 1)]
        return f"at{each.start - low + 1} for{each.end - each.start} of{lanes}-{each.lane + 1}"

    def shade(self, day: date, person: Any, low: int, high: int) -> str:
        """The hours in which a person (None: the reader) does not work, or nobody."""
        at, shaded = low, []
        for begin, end in self.works(day, person):
            shaded.append((at, min(begin, high)))
            at = max(at, min(end, high))
        shaded.append((at, high))
        return "".join(f'<li class="shade at{start - low + 1} for{end - start}" aria-hidden="true"></li>' for start, end in shaded if end > start)

    def works(self, day: date, person: Any) -> list[tuple[int, int]]:
        """Their working hours, of which up to three days of theirs touch one of the reader's, as half hours of this day."""
        zone = person.zone if person else self.ctx.zone
        if zone == self.ctx.zone:
            return [(self.opens, self.closes)] if is_working_day(day, self.house) and not (person and person.is_away(day)) else []
        midnight, next_midnight = (datetime.combine(each, time.min, self.ctx.zone) for each in (day, day + timedelta(days=1)))
        found = []
        for each in (day + timedelta(days=number) for number in (-1, 0, 1)):
            begin, end = (datetime.combine(each, at, zone) for at in (self.house.work_start, self.house.work_end))
            if is_working_day(each, self.house) and not person.is_away(each) and begin < next_midnight and midnight < end:
                found.append(half_hours(begin, end, day, self.ctx.zone))
        return found
