"""What is to be done: Today, the calendar, a record's open tasks."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from django.db.models import F, Q

from activities.models import SUBJECTS, Activity, Meeting, Notification, Reminder, Task
from activities.models.meetings import LONGEST, spans_days
from activities.selectors.calls import who_wants_no_calls
from activities.selectors.mentions import OpenMention, open_mentions
from contacts.selectors import may_call
from crm.core.access import hidden_from
from crm.core.compiled import maker
from crm.core.related import see
from deals.models import Deal
from leads.models import Lead, LeadStatus
from leads.selectors import waiting_leads
from users.models import User

OVERDUE, AHEAD, LATER, NEEDS, CAP = 30, 40, 10, 5, 100
IN_MAIL, NEWS = 20, 5
MOST_IN_SPAN = 5000
SUBJECT = ("subject_type", *(f"{name}_id" for name in SUBJECTS))
# What a row of work shows.
TASK_ROW = (
    *("title", "kind", "priority", "due_on", "due_time", "due_at", "done_at", "owner_id", "team_id", "version", "series_id", "items_done", "items_total"),
    *SUBJECT,
)
MEETING_ROW = ("title", "starts_at", "ends_at", "zone", "owner_id", "team_id", "version", "is_private", "video_url", "series_id", *SUBJECT)


@dataclass(frozen=True)
class Waiting:
    """How many records wait for the user, counted to CAP, and the first few."""

    count: int = 0
    rows: list[Any] = field(default_factory=list)


@dataclass
class Today:
    """The signed-in user's work, in order of its time."""

    overdue: list[Task] = field(default_factory=list)
    today: list[Task | Meeting] = field(default_factory=list)
    tomorrow: list[Task | Meeting] = field(default_factory=list)
    week: list[Task | Meeting] = field(default_factory=list)
    later: list[Task] = field(default_factory=list)
    undated: list[Task] = field(default_factory=list)
    more_overdue: bool = False
    more: bool = False
    leads: Waiting = Waiting()
    deals: Waiting = Waiting()
    mentions: list[OpenMention] = field(default_factory=list)
    seen: dict[str, dict[int, Any]] = field(default_factory=dict)
    unwanted: set[tuple[str, int]] = field(default_factory=set)  # who wants no calls, of those whom tasks are about: ("contact" or "lead", id)

    @property
    def is_clear(self) -> bool:
        return not (self.overdue or self.today or self.tomorrow or self.week or self.later or self.undated)


def day_starts(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def when(row: Task | Meeting) -> datetime:
    """The moment by which work is put in order; a whole day comes after its timed tasks."""
    moment = row.starts_at if isinstance(row, Meeting) else row.due_at
    assert moment is not None
    return moment


def today_page(user: Any, now: datetime, zone: tzinfo, first_weekday: int = 0) -> Today:
    """The user's open tasks and meetings by day in their zone, and what else needs them. Nine queries."""
    today = now.astimezone(zone).date()
    start = day_starts(today, zone)
    week_end = today + timedelta(days=7 - (today.weekday() - first_weekday) % 7)
    horizon = day_starts(max(week_end, today + timedelta(days=2)), zone)
    past, soon, rest = _open_tasks(user, start, horizon)
    meetings = Meeting.objects.visible_to(user).filter(owner=user, starts_at__lt=horizon, ends_at__gte=start).only(*MEETING_ROW)
    page = Today(overdue=past[:OVERDUE], more_overdue=len(past) > OVERDUE, more=len(soon) > AHEAD or len(rest) > LATER)
    for row in sorted([*soon[:AHEAD], *meetings[:AHEAD]], key=when):
        _sort_in(page, row, now, zone, today)
    page.later = [task for task in rest[:LATER] if task.due_at is not None]
    page.undated = [task for task in rest[:LATER] if task.due_at is None]
    page.leads, page.deals = leads_without_answer(user), deals_without_step(user)
    mentions = open_mentions(user)
    rows = [*page.overdue, *page.today, *page.tomorrow, *page.week, *page.later, *page.undated, *(each.line for each in mentions)]
    page.seen = see(user, rows, SUBJECTS) if rows else {}
    page.unwanted = who_wants_no_calls(rows)
    page.mentions = [each for each in mentions if subject_of(each.line, page.seen) is not None]
    return page


def subject_of(line: Activity, seen: dict[str, dict[int, Any]]) -> Any:
    """The record that a line is about, as far as the reader sees it."""
    return seen.get(line.subject_type, {}).get(getattr(line, f"{line.subject_type}_id"))


def _open_tasks(user: Any, start: datetime, horizon: datetime) -> tuple[list[Task], list[Task], list[Task]]:
    """One's open tasks from before today, until the horizon, and after it or undated: one more of each than is shown, so that many overdue
    ones don't hide what is due today. One statement, each of whose parts walks the index of one's open tasks."""
    mine = Task.objects.visible_to(user).filter(owner=user, done_at__isnull=True).only(*TASK_ROW)
    soonest = (F("due_at").asc(nulls_last=True), "pk")
    late = mine.filter(due_at__lt=start).order_by(*soonest)[: OVERDUE + 1]
    ahead = mine.filter(due_at__gte=start, due_at__lt=horizon).order_by(*soonest)[: AHEAD + 1]
    later = mine.filter(Q(due_at__gte=horizon) | Q(due_at__isnull=True)).order_by(*soonest)[: LATER + 1]
    parts: tuple[list[Task], list[Task], list[Task]] = ([], [], [])
    for task in sorted(late.union(ahead, later, all=True), key=lambda task: (task.due_at or datetime.max.replace(tzinfo=start.tzinfo), task.pk)):
        parts[2 if task.due_at is None or task.due_at >= horizon else 1 if task.due_at >= start else 0].append(task)
    return parts


def _sort_in(page: Today, row: Any, now: datetime, zone: tzinfo, today: date) -> None:
    day = row.due_on if isinstance(row, Task) and row.is_all_day else when(row).astimezone(zone).date()
    if isinstance(row, Task) and row.is_late(now):
        page.overdue.append(row)
    elif day <= today:
        page.today.append(row)
    elif day == today + timedelta(days=1):
        page.tomorrow.append(row)
    else:
        page.week.append(row)


# ---- one after the other ----


class FocusMark(NamedTuple):
    """A place in the order of one's work: when something was due, in seconds since 1970, and its id. It stays where it is when the task is put off."""

    at: int
    pk: int

    def __str__(self) -> str:
        return f"{self.at}-{self.pk}"

    @classmethod
    def of(cls, task: Task) -> FocusMark:
        assert task.due_at is not None
        return cls(int(task.due_at.timestamp()), task.pk)

    @classmethod
    def read(cls, text: str) -> FocusMark | None:
        """None for ""; ValueError for what is no mark."""
        if not text:
            return None
        at, _dash, pk = text.partition("-")
        if not (at.isascii() and at.isdecimal() and len(at) < 12 and pk.isascii() and pk.isdecimal() and len(pk) < 19):
            raise ValueError(text[:40])
        return cls(int(at), int(pk))


@dataclass(frozen=True)
class Focus:
    """The next task, how many are left with it (counted to CAP), and what is seen of the record it is about."""

    task: Task | None
    left: int
    seen: dict[str, dict[int, Any]]


def focus(user: Any, now: datetime, zone: tzinfo, after: FocusMark | None = None) -> Focus:
    """The first of one's open tasks that are due by the end of today, after a place in their order."""
    end = day_starts(now.astimezone(zone).date() + timedelta(days=1), zone)
    mine = Task.objects.visible_to(user).filter(owner=user, done_at__isnull=True, due_at__lt=end)
    if after is not None:
        at = datetime.fromtimestamp(min(after.at, 7_258_118_400), UTC)  # the year 2200
        mine = mine.filter(Q(due_at__gt=at + timedelta(microseconds=999_999)) | Q(due_at__gte=at, due_at__lt=at + timedelta(seconds=1), pk__gt=after.pk))
    found = list(mine.order_by("due_at", "pk").only(*TASK_ROW)[: CAP + 1])
    return Focus(found[0] if found else None, len(found), see(user, found[:1], SUBJECTS) if found else {})


def reach_of(user: Any, task: Task) -> Any:
    """The contact or lead of a task, with phone and e-mail, as far as the user may see them; None when there is nobody to reach."""
    for name in ("contact", "lead"):
        pk = getattr(task, f"{name}_id")
        model: Any = Task._meta.get_field(name).related_model
        rows = model.objects.visible_to(user).annotate(may_call=may_call()) if name == "contact" else model.objects.visible_to(user)
        found = rows.filter(pk=pk).first() if pk else None
        if found is not None:
            return found
    return None


def leads_without_answer(user: Any) -> Waiting:
    """The user's open leads that wait for a first answer, oldest first: what the list shows under "No reply yet"."""
    still_open = LeadStatus.objects.filter(kind__in=(LeadStatus.Kind.NEW, LeadStatus.Kind.WORKING))
    return _waiting(waiting_leads(Lead.objects.visible_to(user).filter(owner=user), still_open), "respond_by")


def deals_without_step(user: Any) -> Waiting:
    """The user's open deals with nothing planned, oldest first."""
    return _waiting(Deal.objects.visible_to(user).filter(owner=user, status=Deal.Status.OPEN, next_step_at__isnull=True, next_step_kind=""))


def _waiting(rows: Any, *more: str) -> Waiting:
    """As tuples: to count them, a hundred records would be made of which five are shown. `more`: columns beside those of the name."""
    columns = ("id", "created_at", *more, *rows.model.brief_fields)
    found = list(rows.order_by("created_at", "pk").values_list(*columns)[: CAP + 1])
    return Waiting(len(found), [maker(rows.model, columns)(row) for row in found[:NEEDS]])


def reminders_of(row: Any) -> list[Reminder]:
    """The reminders of a task or meeting for whoever has it now, in order: planned, sent, cancelled."""
    link = "task" if isinstance(row, Task) else "meeting"
    return list(Reminder.objects.filter(**{link: row}, user_id=row.owner_id).order_by("remind_at", "pk"))


def minutes_before(row: Any) -> list[int]:
    """How many minutes before its time a task or meeting reminds, or has reminded."""
    return sorted({reminder.minutes_before for reminder in reminders_of(row) if reminder.cancelled_at is None})


@dataclass(frozen=True)
class DayWork:
    """What a morning mail tells: open tasks that are late, the day's tasks and meetings in order, the newest unread notifications."""

    overdue: list[Task]
    today: list[Task | Meeting]
    more: bool
    unread: int
    news: list[str]

    @property
    def is_empty(self) -> bool:
        return not (self.overdue or self.today or self.unread)


def day_of(user: Any, day: date, now: datetime, zone: tzinfo) -> DayWork:
    """A user's `day` on their calendar: five queries."""
    start, end = day_starts(day, zone), day_starts(day + timedelta(days=1), zone)
    mine = Task.objects.visible_to(user).filter(owner=user, done_at__isnull=True).order_by("due_at", "pk")
    overdue, today = list(mine.filter(due_at__lt=now)[: IN_MAIL + 1]), list(mine.filter(due_at__gte=now, due_at__lt=end)[: IN_MAIL + 1])
    meetings = list(Meeting.objects.visible_to(user).filter(owner=user, starts_at__lt=end, ends_at__gt=start).order_by("starts_at", "pk")[: IN_MAIL + 1])
    rows: list[Task | Meeting] = sorted([*today, *meetings], key=when)
    unread = Notification.objects.filter(user=user, read_at__isnull=True).order_by("-pk")
    more = len(overdue) > IN_MAIL or len(rows) > IN_MAIL
    return DayWork(overdue[:IN_MAIL], rows[:IN_MAIL], more, unread.count(), list(unread.values_list("text", flat=True)[:NEWS]))


# ---- calendar ----


LAYERS = ("meetings", "tasks", "calls", "dates")  # of the calendar; a call is a task of that kind
WORK = frozenset(LAYERS[:3])
FARTHEST = timedelta(hours=26)  # between the clocks of two places


@dataclass(frozen=True)
class BusyTime:
    """A private meeting of somebody else, as far as others hear of it: no title, no place, no guests, and no id."""

    owner: Any
    starts_at: datetime
    ends_at: datetime
    zone: str

    @property
    def is_whole_days(self) -> bool:
        return spans_days(self.starts_at, self.ends_at, self.zone)


@dataclass(frozen=True)
class Day:
    """One day: the first tasks and meetings in order, and how many there are."""

    day: date
    rows: list[Task | Meeting | BusyTime]
    count: int


@dataclass(frozen=True)
class Span:
    """Days in a row; `seen` are the linked records that the reader may see."""

    days: list[Day]
    seen: dict[str, dict[int, Any]]


class Entry(NamedTuple):
    """A task (0) or a meeting (1) as far as its time is concerned, and the days that it touches."""

    at: datetime
    kind: int
    pk: int
    owner: int
    days: Sequence[date]


def month_days(first: date, first_weekday: int = 0) -> list[date]:
    """The days of the weeks around a month."""
    return list(calendar.Calendar(first_weekday).itermonthdates(first.year, first.month))


def calendar_days(user: Any, days: Sequence[date], zone: tzinfo, *, team: bool = False, per_day: int = 4, layers: frozenset[str] = WORK) -> Span:
    """The user's tasks and meetings on these days, or those of everybody whose work they see.

    Looks at the times of all, and loads only what is shown: two queries each, and one per linked type. What colleagues keep private stands there as
    BusyTime, in one more query.
    """
    by_day: dict[date, list[tuple[int, int]]] = defaultdict(list)
    entries, busy = entries_on(user, days, zone, layers, team=team)
    for entry in entries:
        for day in entry.days:
            by_day[day].append((entry.kind, entry.pk))
    found = loaded({entry for day in days for entry in by_day[day][:per_day]})
    rows = found | busy
    cells = [Day(day, [rows[entry] for entry in by_day[day][:per_day] if entry in rows], len(by_day[day])) for day in days]
    return Span(cells, see(user, list(found.values()), SUBJECTS) if found else {})


def busy_times(user: Any, start: datetime, end: datetime, *, own: bool = False) -> list[BusyTime]:
    """The private meetings in a span of time that the user would see if they were not private, as what others may know of them. `own`: those of
    the user alone, for an admin who looks as that user."""
    rows = Meeting.objects.filter(hidden_from(user, Meeting), starts_at__lt=end, ends_at__gte=start, starts_at__gte=start - LONGEST)
    rows = rows.filter(owner=user) if own else rows
    make = maker(User, ("id", "name"))
    columns = ("owner_id", "owner__name", "starts_at", "ends_at", "zone")
    found = rows.order_by("starts_at", "pk").values_list(*columns)[:MOST_IN_SPAN]
    return [BusyTime(make((pk, name)), starts, ends, zone) for pk, name, starts, ends, zone in found]


def shown_tasks(user: Any, layers: frozenset[str], *, team: bool) -> Any:
    """Dated tasks of these layers; None when none of them holds tasks."""
    if not layers & {"tasks", "calls"}:
        return None
    tasks = Task.objects.visible_to(user) if team else Task.objects.visible_to(user).filter(owner=user)
    if "calls" not in layers:
        return tasks.exclude(kind=Task.Kind.CALL)
    return tasks if "tasks" in layers else tasks.filter(kind=Task.Kind.CALL)


def shown_meetings(user: Any, layers: frozenset[str], *, team: bool) -> Any:
    """Meetings, if the layers hold any; None otherwise."""
    if "meetings" not in layers:
        return None
    return Meeting.objects.visible_to(user) if team else Meeting.objects.visible_to(user).filter(owner=user)


def entries_on(user: Any, days: Sequence[date], zone: tzinfo, layers: frozenset[str], *, team: bool) -> tuple[list[Entry], dict[tuple[int, int], BusyTime]]:
    """What touches these days, in order of its time: a query for tasks, one for meetings, and one for what is private of those whom the reader sees;
    these are given whole."""
    start, end = day_starts(days[0], zone), day_starts(days[-1] + timedelta(days=1), zone)
    tasks, meetings = shown_tasks(user, layers, team=team), shown_meetings(user, layers, team=team)
    found: list[Entry] = []
    busy: dict[tuple[int, int], BusyTime] = {}
    if tasks is not None:
        due = due_on_days(tasks, days, zone).order_by("due_at", "pk")
        for at, pk, owner, day, clock in due.values_list("due_at", "pk", "owner_id", "due_on", "due_time")[:MOST_IN_SPAN]:
            found.append(Entry(at, 0, pk, owner, [day if clock is None else at.astimezone(zone).date()]))
    if meetings is not None:
        held = meetings.filter(starts_at__lt=end, ends_at__gte=start).order_by("starts_at", "pk")
        for at, pk, owner, ends in held.values_list("starts_at", "pk", "owner_id", "ends_at")[:MOST_IN_SPAN]:
            found.append(Entry(at, 1, pk, owner, days_between(at, ends, zone, days[0], days[-1])))
        busy = {(2, place): row for place, row in enumerate(busy_times(user, start, end, own=not team))} if team or user.is_viewed else {}
        found += [Entry(row.starts_at, *key, row.owner.pk, days_between(row.starts_at, row.ends_at, zone, days[0], days[-1])) for key, row in busy.items()]
    return sorted(found, key=lambda entry: entry[:3]), busy


def due_on_days(tasks: Any, days: Sequence[date], zone: tzinfo) -> Any:
    """Those that are due on these days. One for a whole day is due when the day ends where its assignee is, up to 26 hours from here."""
    start, end = day_starts(days[0], zone), day_starts(days[-1] + timedelta(days=1), zone)
    near = tasks.filter(due_at__gte=start - FARTHEST, due_at__lt=end + FARTHEST)
    whole = Q(due_time__isnull=True, due_on__gte=days[0], due_on__lte=days[-1])
    return near.filter(whole | Q(due_time__isnull=False, due_at__gte=start, due_at__lt=end))


def loaded(wanted: set[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """The rows of entries (kind, pk) as a day shows them."""
    return _rows(Task, 0, wanted) | _rows(Meeting, 1, wanted)


def _rows(model: Any, kind: int, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    ids = [pk for each, pk in wanted if each == kind]
    if not ids:
        return {}
    columns = (*(TASK_ROW if model is Task else (*MEETING_ROW, "held_at")), "owner__name")
    return {(kind, row.pk): row for row in model._base_manager.filter(pk__in=ids).select_related("owner").only(*columns)}


def days_between(start: datetime, end: datetime, zone: tzinfo, low: date, high: date) -> Sequence[date]:
    """The days from `low` to `high` that a span of time touches; one that ends at midnight does not touch the next day."""
    begin = max(low, start.astimezone(zone).date())
    last = min(high, max(start, end - timedelta(microseconds=1)).astimezone(zone).date())
    return [begin + timedelta(days=number) for number in range((last - begin).days + 1)]
