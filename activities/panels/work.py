"""Rows of work as html, built as strings like the cells of a list: a hundred of them through the template engine would cost more than all queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from activities import selectors
from activities.models import Meeting, Task
from activities.panels.composer import task_box
from activities.selectors.work import BusyTime
from crm.core import cells, dialing
from crm.core.access import reaches
from crm.core.cells import escape
from crm.core.lists import RowContext
from crm.core.records import record_for

KIND_ICONS = {"todo": "checkbox", "call": "phone", "email": "mail", "visit": "map-pin", "follow_up": "arrow-right", "meeting": "calendar-event"}


def may_change(user: Any, row: Any) -> bool:
    """What buttons to show. The views ask the database again."""
    return reaches(user, "change", row)


def due_html(row: Any, ctx: Any) -> SafeString:
    """When something is due or starts; late in red, with words."""
    if isinstance(row, Meeting):
        return cells.time_html(row.starts_at, ctx)
    if row.due_on is None:
        return SafeString(f'<span class="t3">{escape(_("No date"))}</span>')
    inner = cells.date_html(row.due_on, ctx) if row.is_all_day else cells.time_html(row.due_at, ctx)
    if row.is_late(ctx.now):
        mark = cells.icon("alert-triangle", "i-sm")
        return SafeString(f'<span class="act act-late">{mark}<span class="visually-hidden">{escape(_("Overdue"))}</span>{inner}</span>')
    return inner


def late_html(task: Any, ctx: Any) -> SafeString:
    """How long a task has been due: the reason why it stands on top."""
    if task.is_all_day:
        days = (ctx.today - task.due_on).days
        age = cells.date_html(task.due_on, ctx, text=_("%(n)s d") % {"n": days})
    else:
        age = cells.time_html(task.due_at, ctx, style="age")
    return SafeString(f'<span class="act act-late">{cells.icon("alert-triangle", "i-sm")}<span>{escape(_("%(age)s overdue")) % {"age": age}}</span></span>')


def about_html(row: Any, ctx: RowContext) -> SafeString:
    """A link to the record that the row is about, as far as the reader may see it; its company beside it."""
    if not row.subject_type:
        return SafeString("")
    nearest = ctx.linked(row, row.subject_type)
    company = ctx.linked(row, "company") if row.subject_type != "company" else None
    return SafeString(", ".join(f'<a href="{escape(ctx.url_of(obj))}">{escape(str(obj))}</a>' for obj in (nearest, company) if obj is not None))


def repeats_html(row: Any) -> str:
    """The mark of a task or meeting that repeats, behind its title."""
    return f' {cells.icon("repeat", "i-sm")}<span class="visually-hidden">{escape(_("Repeats"))}</span>' if row.series_id else ""


def marks_html(task: Any) -> str:
    """That a task repeats, and how far its checklist is: behind its title."""
    marks = repeats_html(task)
    if task.items_total:
        count = _("%(done)s of %(count)s") % {"done": task.items_done, "count": task.items_total}
        marks += f' <span class="xs t2 fw-normal text-nowrap">{cells.icon("list-check", "i-sm")}{escape(count)}</span>'
    return marks


def join_html(meeting: Any, css: str = "btn btn-secondary btn-sm") -> SafeString:
    """The way into a meeting's video call; "" where there is none. The address came from people: it is https (models.video), and gets no referrer."""
    if not meeting.video_url:
        return SafeString("")
    name = f'<span class="visually-hidden">: {escape(meeting.title)}</span>'
    join, mark = escape(_("Join")), cells.icon("video", "i-sm")
    return SafeString(f'<a class="{css}" href="{escape(meeting.video_url)}" target="_blank" rel="noopener noreferrer">{mark}{join}{name}</a>')


def kind_text(row: Any) -> str:
    return _("Meeting") if isinstance(row, Meeting) else cells.choice_label(row, "kind")


def kind_icon(row: Any, css: str = "") -> SafeString:
    return cells.icon(KIND_ICONS.get("meeting" if isinstance(row, Meeting) else row.kind, "checkbox"), css)


class WorkRows:
    """Makes the `<li>`s of one page's tasks and meetings; the page has a form with the id "post". `team`: whose they are stands there as well;
    `back`: where a form in the side panel leads; `unwanted`: ("contact" or "lead", id) of who wants no calls, where calls and mails are offered at all."""

    def __init__(self, ctx: RowContext, user: Any, *, team: bool = False, back: str = "/", unwanted: Collection[tuple[str, int]] | None = None) -> None:
        self.ctx, self.user, self.team, self.unwanted, self.back = ctx, user, team, unwanted, escape(urlencode({"next": back}))
        self.done, self.tick = escape(_("Done: %(title)s")), cells.icon("circle-check")
        private = escape(_("Private"))
        self.private = f' {cells.icon("lock", "i-sm")}<span class="visually-hidden">{private}</span>'
        self.high = cells.badge(_("High priority"), "red", "flag")
        self.put_off = f'{cells.icon("clock", "i-sm")}<span class="sr-sm">{escape(_("Put off"))}</span>'
        self.choices = [(name, escape(text)) for name, text in (("hour", _("1 hour")), ("tomorrow", _("Tomorrow at 9")), ("monday", _("Monday at 9")))]
        self.choose, self.change = escape(_("Choose a day")), escape(_("Change or hand over"))
        self.call, self.mail = escape(_("Call %(name)s")), escape(_("Write to %(name)s"))
        self.phone, self.letter, self.way = cells.icon("phone", "i-sm"), cells.icon("mail", "i-sm"), dialing.current()

    def html(self, rows: Iterable[Task | Meeting | BusyTime]) -> SafeString:
        return SafeString("".join(self.row(row) for row in rows))

    def row(self, row: Any) -> str:
        if isinstance(row, BusyTime):
            return self.busy(row)
        title, url, about = escape(row.title), self.ctx.url_of(row), about_html(row, self.ctx)
        tick, snooze, high = f'<span class="tick" aria-hidden="true">{kind_icon(row)}</span>', "", "" if isinstance(row, Task) else repeats_html(row)
        if task := isinstance(row, Task):
            high = marks_html(row) + (f" {self.high}" if row.priority == Task.Priority.HIGH else "")
            if row.done_at is None and may_change(self.user, row):
                tick, snooze = self._tick(row, url, title), self._reach(row) + self._snooze(url, title)
        else:
            snooze = join_html(row)
            high = repeats_html(row) + (self.private if row.is_private else "")
        kind = f"{kind_icon(row, 'i-sm')} {escape(kind_text(row))}" if task and snooze else escape(kind_text(row))
        due = late_html(row, self.ctx) if task and row.is_late(self.ctx.now) else due_html(row, self.ctx)
        who = f"{cells.avatar(row.owner.name, row.owner_id, 'av-sm')} {escape(row.owner.name)}, " if self.team else ""
        return (  # on the phone, when stands below the title, which needs the room
            f'<li>{tick}<span class="grow"><a class="t d-inline-block py-1" href="{url}" data-rowlink>{title}</a>{high}'
            f'<span class="d-block xs t2">{who}{kind}{f", {about}" if about else ""}</span><span class="num xs d-md-none">{due}</span></span>'
            f'<span class="num text-nowrap d-none d-md-inline">{due}</span>{snooze}</li>'
        )

    def _tick(self, row: Any, url: str, title: str) -> str:
        """Done: at once what is about nobody; else after "How did it go?" and the next step, so that no record is left without one."""
        label = self.done % {"title": title}
        if row.subject_type:
            return f'<a class="tick" href="{url}complete/?{self.back}" data-panel aria-label="{label}">{self.tick}</a>'
        return f'<button class="tick" type="submit" form="post" formaction="{url}complete/" aria-label="{label}">{self.tick}</button>'

    def _reach(self, row: Any) -> str:
        """A call or a mail away: whom the task is about, where it is one of these and the reader may see them."""
        person = self.ctx.linked(row, "contact") or self.ctx.linked(row, "lead")
        if person is None or self.unwanted is None or row.kind not in (Task.Kind.CALL, Task.Kind.EMAIL, Task.Kind.FOLLOW_UP):
            return ""
        if row.kind != Task.Kind.EMAIL and person.phone and (person._meta.model_name, person.pk) not in self.unwanted:
            beside = ' target="_blank" rel="noopener noreferrer"' if dialing.is_page(self.way) else ""
            address, label, icon = escape(dialing.address(person.phone, self.way)), self.call, f"{beside}>{self.phone}"
        elif row.kind != Task.Kind.CALL and person.email:
            record = record_for(type(person))
            assert record is not None
            address, label, icon = reverse("activities:write_mail", args=[record.slug, person.pk]), self.mail, f">{self.letter}"
        else:
            return ""
        return f'<a class="btn btn-ghost btn-sm btn-icon" href="{address}" aria-label="{label % {"name": escape(str(person))}}"{icon}</a>'

    def busy(self, row: BusyTime) -> str:
        """That a colleague has no time, and no more."""
        when, busy = cells.time_html(row.starts_at, self.ctx), escape(pgettext("calendar", "Busy"))
        return (
            f'<li><span class="tick" aria-hidden="true">{cells.icon("lock")}</span><span class="grow"><span class="t2">{busy}</span>'
            f'<span class="d-block xs t2">{escape(row.owner.name)}</span></span><span class="num text-nowrap">{when}</span></li>'
        )

    def _snooze(self, task: str, title: str) -> str:
        """The menu for putting a task off, and for what changes it otherwise."""
        url = f"{task}snooze/"
        buttons = "".join(
            f'<li><button class="dropdown-item" type="submit" form="post" formaction="{url}" name="choice" value="{name}">{text}</button></li>'
            for name, text in self.choices
        )
        return (
            f'<details class="dd dd-end"><summary class="btn btn-ghost btn-sm">{self.put_off}<span class="visually-hidden">: {title}</span></summary>'
            f'<ul class="dropdown-menu">{buttons}<li><a class="dropdown-item" href="{url}">{self.choose}</a></li>'
            f'<li><a class="dropdown-item" href="{task}edit/?stay=1" data-panel>{self.change}</a></li></ul></details>'
        )


def focus_context(request: Any, task: Any, ctx: RowContext, mark: Any) -> dict[str, Any]:
    """What the focus page shows of a task: when, about whom, how to reach them, and the forms that finish it or put it off and lead to the next one."""
    following, reach = f"/focus/?after={mark}", selectors.reach_of(request.user, task)
    record = record_for(type(reach)) if reach is not None else None
    return {
        "task": task,
        "due": due_html(task, ctx),
        "kind": kind_text(task),
        "kind_icon": KIND_ICONS.get(task.kind, "checkbox"),
        "about": about_html(task, ctx),
        "phone": getattr(reach, "phone", ""),
        "unwanted": not getattr(reach, "may_call", True),
        "mail_url": f"/activities/{record.slug}/{reach.pk}/mail/" if record is not None and reach.email else "",
        "box": task_box(request, task, next_url=following),
        "next_url": following,
    }
