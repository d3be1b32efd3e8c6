"""Tasks and meetings as record types."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from activities import imports, panels, selectors
from activities.filters import MeetingFilterSet, TaskFilterSet
from activities.forms import MeetingForm, ShiftForm, TaskForm
from activities.models import SUBJECTS, Meeting, Task
from activities.services import (
    assign_tasks,
    change_meeting,
    change_tasks,
    complete_tasks,
    create_task,
    delete_meetings,
    delete_tasks,
    plan_meeting,
    shift_tasks,
    update_task,
    when_text,
)
from crm.core import cells
from crm.core.bars import Tab
from crm.core.bulk.actions import EXPORT, AssignForm, delete_action, fields_action
from crm.core.cells import escape
from crm.core.columns import text_column
from crm.core.records import Action, BulkAction, Column, Fact, RecordType, Section, View

WIDE = "d-none d-lg-table-cell"
WIDER = "d-none d-xl-table-cell"
PRIORITY_COLORS = {Task.Priority.LOW: "grey", Task.Priority.NORMAL: "blue", Task.Priority.HIGH: "red"}


# ---- shared ----


def about_name(row: Any, ctx: Any) -> str:
    """The record that a row is about, as far as the reader may see it."""
    obj = ctx.linked(row, row.subject_type) if row.subject_type else None
    return str(obj) if obj is not None else ""


def about_cell(row: Any, ctx: Any) -> SafeString:
    return cells.td(panels.about_html(row, ctx) or cells.DASH, WIDE)


def owner_fact(row: Any, ctx: Any) -> Any:
    owner = ctx.linked(row, "owner")
    return cells.person(owner.name, owner.pk) if owner else ""


def linked_fact(name: str) -> Any:
    def show(row: Any, ctx: Any) -> Any:
        obj = ctx.linked(row, name)
        return format_html('<a href="{}">{}</a>', obj.get_absolute_url(), str(obj)) if obj is not None else ""

    return show


RELATED = Section(
    _("Related to"),
    (
        Fact(_("Deal"), linked_fact("deal"), "deal"),
        Fact(_("Lead"), linked_fact("lead"), "lead"),
        Fact(_("Contact"), linked_fact("contact"), "contact"),
        Fact(_("Company"), linked_fact("company"), "company"),
    ),
)
ABOUT = Column(name="about", label=_("Related to"), cell=about_cell, export=about_name, css=WIDE, links=SUBJECTS)


def owner_column(label: Any) -> Column:
    return Column(
        name="owner",
        label=label,
        cell=lambda row, ctx: cells.person_cell(ctx.linked(row, "owner"), WIDE),
        export=lambda row, ctx: str(ctx.linked(row, "owner") or ""),
        css=WIDE,
        links=("owner",),
        edit=("owner",),
    )


CREATED = Column(
    name="created",
    label=_("Created"),
    cell=lambda row, ctx: cells.datetime_cell(row.created_at, ctx, WIDER),
    export=lambda row, ctx: row.created_at,
    sort="created_at",
    css=WIDER,
)


# ---- tasks ----


def title_cell(task: Any, ctx: Any) -> SafeString:
    """The tick (a button of the list's form, so that it works without JavaScript), the link and what marks the task."""
    name, url = escape(task.title), escape(cells.address_of(task))
    about = escape(about_name(task, ctx))
    more = panels.marks_html(task) + (f'<span class="d-lg-none d-block xs fw-normal t2">{about}</span>' if about else "")
    css = ' class="t3"' if task.done_at else ""
    return SafeString(f'<th scope="row"><span class="who">{_tick(task, ctx)}<span{css}><a href="{url}" data-rowlink>{name}</a>{more}</span></span></th>')


def _tick(task: Any, ctx: Any) -> str:
    if task.done_at is not None:
        return f'<span class="tick">{cells.icon("check")}<span class="visually-hidden">{escape(cells.said(gettext_noop("Done"), ctx.locale))}</span></span>'
    if not panels.may_change(ctx.user, task):
        return f'<span class="tick">{cells.icon("circle-dashed")}</span>'
    label = escape(cells.said(gettext_noop("Done: %(title)s"), ctx.locale) % {"title": task.title})
    url = escape(f"{cells.address_of(task)}complete/")  # "tasks:complete", without asking the address book for each row
    return f'<button class="tick" type="submit" form="bulkform" formaction="{url}" aria-label="{label}">{cells.icon("circle-check")}</button>'


def due_cell(task: Any, ctx: Any) -> SafeString:
    return cells.td(panels.due_html(task, ctx), "num c-last")


def due_export(task: Any, ctx: Any) -> Any:
    """A whole day stays a day: its last second would be another day elsewhere."""
    return task.due_on if task.is_all_day else task.due_at


def kind_cell(task: Any, ctx: Any) -> SafeString:
    mark = cells.icon(panels.KIND_ICONS.get(task.kind, "checkbox"), "i-sm")
    return cells.td(f'<span class="act">{mark}{escape(cells.choice_label(task, "kind"))}</span>', WIDE)


def priority_cell(task: Any, ctx: Any) -> SafeString:
    if task.priority == Task.Priority.NORMAL:
        return cells.text_cell(cells.choice_label(task, "priority"), WIDER)
    return cells.badge_cell(cells.choice_label(task, "priority"), PRIORITY_COLORS[task.priority], WIDER)


def task_badges(task: Any, ctx: Any) -> list[Any]:
    badges = [cells.badge(str(task.get_kind_display()), "grey", panels.KIND_ICONS.get(task.kind, "checkbox"))]
    if task.done_at is not None:
        badges.append(cells.badge(gettext("Done"), "green"))
    elif task.is_late(ctx.now):
        badges.append(cells.badge(gettext("Overdue"), "red"))
    if task.priority == Task.Priority.HIGH:
        badges.append(cells.badge(gettext("High priority"), "red", "flag"))
    if task.series_id:
        badges.append(cells.badge(gettext("Repeats"), "grey", "repeat"))
    return badges


def task_actions(task: Any, ctx: Any) -> list[Action]:
    if not ctx.can("change", task):
        return []
    if task.done_at is not None:
        return [Action(_("Reopen"), "refresh", reverse("tasks:reopen", args=[task.pk]), method="post")]
    actions = [
        Action(_("Done"), "check", reverse("tasks:complete", args=[task.pk]), primary=True, method="post", key="d"),
        Action(_("Repeat"), "repeat", reverse("tasks:repeat", args=[task.pk]), menu=True),
    ]
    if task.series_id and ctx.can("delete", task):
        actions.append(Action(_("Skip this one"), "arrow-right", reverse("tasks:skip", args=[task.pk]), method="post", menu=True))
    return actions


def repeat_fact(task: Any, ctx: Any) -> Any:
    return format_html("{}", selectors.rule_text(task.series)) if task.series_id else ""


def repeat_consequences(task: Any) -> list[str]:
    return [gettext("It repeats: no more tasks will follow. To leave out only this one, go back and choose “Skip this one”.")] if task.series_id else []


def outcome_fact(task: Any, ctx: Any) -> Any:
    return format_html("{}", task.outcome) if task.outcome else ""


def switch(request: Any) -> list[Tab]:
    return [Tab(_("Calendar"), f"{reverse('calendar:page')}?show=week", False, "calendar"), Tab(_("List"), reverse("tasks:list"), True, "list")]


TASK = RecordType(
    slug="tasks",
    model=Task,
    icon="checkbox",
    label=_("Task"),
    label_plural=_("Tasks"),
    label_new=_("New task"),
    columns=(
        Column(name="title", label=_("Task"), cell=title_cell, export=lambda task, ctx: task.title, sort="sort_name", edit=("title",)),
        ABOUT,
        Column(name="kind", label=_("Kind"), cell=kind_cell, export=lambda task, ctx: cells.choice_label(task, "kind"), css=WIDE, edit=("kind",)),
        Column(name="due", label=_("Due"), cell=due_cell, export=due_export, sort="due_at", css="c-last", edit=("due_on", "due_time")),
        Column(
            name="priority",
            label=_("Priority"),
            cell=priority_cell,
            export=lambda task, ctx: cells.choice_label(task, "priority"),
            css=WIDER,
            edit=("priority",),
        ),
        owner_column(_("Assignee")),
        CREATED,
        Column(
            name="done",
            label=_("Done"),
            cell=lambda task, ctx: cells.datetime_cell(task.done_at, ctx, WIDER),
            export=lambda task, ctx: task.done_at,
            css=WIDER,
        ),
    ),
    filterset=TaskFilterSet,
    form=TaskForm,
    create=create_task,
    update=update_task,
    delete=delete_tasks,
    consequences=repeat_consequences,
    importing=imports.TASK,
    default_sort="due",
    switch=switch,
    views=(
        View("mine", _("My open"), (("owner", "me"), ("state", "open"))),
        View("overdue", _("Overdue"), (("owner", "me"), ("state", "open"), ("due", "overdue"))),
        View("today", _("Today"), (("owner", "me"), ("state", "open"), ("due", "today"))),
        View("week", _("This week"), (("owner", "me"), ("state", "open"), ("due", "week"))),
        View("delegated", _("Delegated"), (("delegated", "me"), ("state", "open"))),
        View("team", _("Team"), (("state", "open"),)),
        View("done", _("Done"), (("owner", "me"), ("state", "done"))),
        View("all", _("All")),
    ),
    bulk_actions=(
        BulkAction(name="complete", label=_("Mark as done"), icon="check", run=complete_tasks),
        BulkAction(name="shift", label=_("Move the date"), icon="calendar-time", run=shift_tasks, form=ShiftForm),
        BulkAction(name="assign", label=_("Assign"), icon="user-share", run=assign_tasks, form=AssignForm),
        fields_action(TaskForm, ("kind", "priority"), change_tasks),
        EXPORT,
        delete_action(Task, delete_tasks),
    ),
    search_placeholder=_("Search tasks"),
    search_links=SUBJECTS,
    avatar=False,
    subtitle=lambda task, ctx: panels.about_html(task, ctx),
    hit=lambda task: task.due_on.isoformat() if task.due_on else "",
    hit_columns=("title", "due_on"),
    badges=task_badges,
    actions=task_actions,
    strip=lambda task, ctx: [(_("Due"), panels.due_html(task, ctx)), (_("Assignee"), owner_fact(task, ctx))],
    sections=(
        Section(
            _("Task"),
            (
                Fact(_("Due"), panels.due_html, "due_on"),
                Fact(_("Repeats"), repeat_fact),
                Fact(_("Kind"), lambda task, ctx: str(task.get_kind_display()), "kind"),
                Fact(_("Priority"), lambda task, ctx: str(task.get_priority_display()), "priority"),
                Fact(_("Assignee"), owner_fact, "owner"),
                Fact(_("Created"), lambda task, ctx: cells.time_html(task.created_at, ctx)),
                Fact(_("Done"), lambda task, ctx: cells.time_html(task.done_at, ctx) if task.done_at else ""),
                Fact(_("Outcome"), outcome_fact),
            ),
        ),
        RELATED,
    ),
    composer=panels.task_box,
)


# ---- meetings ----


def meeting_title_cell(meeting: Any, ctx: Any) -> SafeString:
    return cells.link_cell(cells.address_of(meeting), meeting.title, about_name(meeting, ctx) or (gettext("Private") if meeting.is_private else ""))


def video_cell(meeting: Any, ctx: Any) -> SafeString:
    return cells.td(panels.join_html(meeting) or cells.DASH, WIDER)


def meeting_badges(meeting: Any, ctx: Any) -> list[Any]:
    badges = [cells.badge(gettext("Private"), "grey", "lock")] if meeting.is_private else []
    badges.append(cells.badge(gettext("Held"), "green") if meeting.held_at is not None else cells.badge(gettext("Planned"), "blue"))
    return [*badges, cells.badge(gettext("Repeats"), "grey", "repeat")] if meeting.series_id else badges


def zone_fact(meeting: Any, ctx: Any) -> Any:
    """When it is on the meeting's own clock, where that shows another time than the reader's."""
    if all(at.astimezone(meeting.tz).utcoffset() == at.astimezone(ctx.zone).utcoffset() for at in (meeting.starts_at, meeting.ends_at)):
        return ""
    return format_html("{}", when_text(meeting))


def meeting_actions(meeting: Any, ctx: Any) -> list[Action]:
    return [Action(_("Move"), "calendar-time", f"/calendar/move/meeting/{meeting.pk}/")] if ctx.can("change", meeting) else []


def meeting_consequences(meeting: Any) -> list[str]:
    told = meeting.ends_at > timezone.now() and any(guest.invited_at is not None for guest in selectors.guests_of(meeting))
    return [gettext("The guests get a cancellation by e-mail.")] if told else []


MEETING = RecordType(
    slug="meetings",
    model=Meeting,
    icon="calendar-event",
    label=_("Meeting"),
    label_plural=_("Meetings"),
    label_new=_("New meeting"),
    columns=(
        Column(name="title", label=_("Meeting"), cell=meeting_title_cell, export=lambda meeting, ctx: meeting.title, edit=("title",)),
        ABOUT,
        Column(
            name="starts",
            label=_("Starts"),
            cell=lambda meeting, ctx: cells.datetime_cell(meeting.starts_at, ctx, "c-last", style="datetime"),
            export=lambda meeting, ctx: meeting.starts_at,
            sort="starts_at",
            css="c-last",
            edit=("starts_at", "ends_at"),
        ),
        Column(
            name="ends",
            label=_("Ends"),
            cell=lambda meeting, ctx: cells.datetime_cell(meeting.ends_at, ctx, WIDER, style="datetime"),
            export=lambda meeting, ctx: meeting.ends_at,
            css=WIDER,
            edit=("ends_at", "starts_at"),
        ),
        text_column("place", _("Place"), field="location", css=WIDER),
        Column(
            name="video",
            label=_("Video link"),
            cell=video_cell,
            export=lambda meeting, ctx: meeting.video_url,
            css=WIDER,
            edit=("video_url",),
            shown=False,
        ),
        owner_column(_("Organiser")),
        CREATED,
    ),
    filterset=MeetingFilterSet,
    form=MeetingForm,
    create=plan_meeting,
    update=change_meeting,
    delete=delete_meetings,
    importing=imports.MEETING,
    default_sort="-starts",
    views=(
        View("all", _("All")),
        View("mine", _("Mine"), (("owner", "me"),)),
        View("coming", _("To come"), (("owner", "me"), ("starts", "coming"))),
        View("week", _("This week"), (("owner", "me"), ("starts", "week"))),
    ),
    bulk_actions=(
        EXPORT,
        delete_action(Meeting, delete_meetings),
    ),
    search_placeholder=_("Search meetings"),
    search_links=SUBJECTS,
    avatar=False,
    subtitle=lambda meeting, ctx: panels.about_html(meeting, ctx),
    hit=lambda meeting: f"{meeting.starts_at:%Y-%m-%d}",
    hit_columns=("title", "starts_at"),
    badges=meeting_badges,
    strip=lambda meeting, ctx: [
        (_("Starts"), cells.time_html(meeting.starts_at, ctx, style="datetime")),
        (_("Ends"), cells.time_html(meeting.ends_at, ctx, style="datetime")),
        *([(_("Video link"), panels.join_html(meeting))] if meeting.video_url else []),
    ],
    sections=(
        Section(
            _("Meeting"),
            (
                Fact(_("Place"), lambda meeting, ctx: format_html("{}", meeting.location) if meeting.location else "", "location"),
                Fact(_("Time there"), zone_fact, "zone"),
                Fact(_("Organiser"), owner_fact, "owner"),
                Fact(_("Created"), lambda meeting, ctx: cells.time_html(meeting.created_at, ctx)),
            ),
        ),
        RELATED,
    ),
    composer=panels.meeting_box,
    actions=meeting_actions,
    consequences=meeting_consequences,
)
