"""What the activities app shows on the pages of records: timeline, composer, open tasks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities import forms, selectors
from activities.models import Meeting, Task
from activities.selectors.timeline import TABS, place
from activities.selectors.wording import Worded, group_of, word
from activities.services import may_correct
from crm.core import cells
from crm.core.access import Scope, may_add
from crm.core.lists import RowContext, row_context
from crm.core.records import Panel, PanelContent, record_for

KIND_ICONS = {"todo": "checkbox", "call": "phone", "email": "mail", "visit": "map-pin", "follow_up": "arrow-right", "meeting": "calendar-event"}
TAB_LABELS = {
    "": gettext_lazy("All"),
    "note": gettext_lazy("Notes"),
    "call": gettext_lazy("Calls"),
    "email": gettext_lazy("E-mail and forms"),
    "task": gettext_lazy("Tasks and meetings"),
    "change": gettext_lazy("Changes"),
}
COMPOSER: tuple[tuple[str, Any, str, Any, str, type[forms.EntryForm]], ...] = (
    ("note", gettext_lazy("Note"), "note", gettext_lazy("Save note"), "n", forms.NoteForm),
    ("call", gettext_lazy("Call"), "phone", gettext_lazy("Log call"), "l", forms.CallForm),
    ("task", gettext_lazy("Task"), "checkbox", gettext_lazy("Add task"), "t", forms.QuickTaskForm),
    ("meeting", gettext_lazy("Meeting"), "calendar-event", gettext_lazy("Add meeting"), "", forms.QuickMeetingForm),
)


@dataclass(frozen=True)
class WorkRow:
    """A task or meeting as rows of work show it."""

    pk: int
    url: str
    title: str
    icon: str
    kind: str
    when: Any  # html
    owner: Any
    about: Any  # html
    tick_url: str  # "" when the reader may not
    snooze_url: str
    high: bool
    is_meeting: bool


@dataclass(frozen=True)
class Group:
    title: str
    lines: list[Worded]


@dataclass(frozen=True)
class ComposerTab:
    kind: str
    label: Any
    icon: str
    submit: Any
    key: str
    url: str
    form: forms.EntryForm
    active: bool


# ---- rows of work ----


def may_change(user: Any, row: Any) -> bool:
    """The grant, read without a query: what buttons to show. The views ask the database again."""
    match user.scope_for(row._meta.label_lower, "change"):
        case Scope.ALL:
            return True
        case Scope.TEAM:
            return row.owner_id == user.pk or row.team_id in user.team_scope
        case Scope.OWN:
            return row.owner_id == user.pk
    return False


def due_html(row: Any, ctx: Any) -> Any:
    """When something is due or starts; late in red, with words."""
    if isinstance(row, Meeting):
        return cells.time_html(row.starts_at, ctx)
    if row.due_on is None:
        return format_html('<span class="t3">{}</span>', _("No date"))
    inner = cells.date_html(row.due_on, ctx) if row.is_all_day else cells.time_html(row.due_at, ctx)
    if row.is_late(ctx.now):
        mark = cells.icon("alert-triangle", "i-sm")
        return format_html('<span class="act act-late">{}<span class="visually-hidden">{}</span>{}</span>', mark, _("Overdue"), inner)
    return inner


def about_html(row: Any, ctx: RowContext) -> Any:
    """A link to the record that the row is about, as far as the reader may see it; its company beside it."""
    if not row.subject_type:
        return ""
    nearest = ctx.linked(row, row.subject_type)
    company = ctx.linked(row, "company") if row.subject_type != "company" else None
    return SafeString(", ".join(f'<a href="{ctx.url_of(obj)}">{cells.escape(str(obj))}</a>' for obj in (nearest, company) if obj is not None))


def work_row(row: Any, ctx: Any, user: Any, *, about: Any = "") -> WorkRow:
    is_meeting = isinstance(row, Meeting)
    kind = "meeting" if is_meeting else row.kind
    mine = not is_meeting and may_change(user, row)
    return WorkRow(
        pk=row.pk,
        url=row.get_absolute_url(),
        title=row.title,
        icon=KIND_ICONS.get(kind, "checkbox"),
        kind=_("Meeting") if is_meeting else row.get_kind_display(),
        when=due_html(row, ctx),
        owner=row.owner if "owner" in row._state.fields_cache else None,
        about=about,
        tick_url=reverse("tasks:complete", args=[row.pk]) if mine and row.done_at is None else "",
        snooze_url=reverse("tasks:snooze", args=[row.pk]) if mine and row.done_at is None else "",
        high=not is_meeting and row.priority == Task.Priority.HIGH,
        is_meeting=is_meeting,
    )


# ---- timeline ----


def timeline(request: Any, obj: Any) -> Any:
    """The timeline of a record's page, at the place and with the filter of the address (`?before=&kind=`)."""
    return render_to_string("activities/timeline.html", timeline_context(request, obj), request=request)


def timeline_context(request: Any, obj: Any, *, fragment: bool = False) -> dict[str, Any]:
    user, ctx = request.user, row_context(request.user)
    kind = request.GET.get("kind", "")
    kind = kind if kind in TABS else ""
    before = request.GET.get("before", "")
    at = place(before)
    page = selectors.timeline(user, obj, before if at else "", kind)
    lines = [(group_of(line.at, ctx), word(line, ctx, page.subject_of(line), mine=may_correct(line, user))) for line in page.lines]
    groups = [Group(title, [line for _title, line in entries]) for title, entries in groupby(lines, key=lambda entry: entry[0])]
    if fragment and at and groups and groups[0].title == group_of(at[0], ctx):
        groups[0] = Group("", groups[0].lines)  # goes on under the heading that is there
    return {
        "here": obj.get_absolute_url(),  # not the request's address: that is a fragment's when htmx asks
        "groups": groups,
        "upcoming": _upcoming(user, obj, ctx) if not at and kind in ("", "task") else [],
        "tabs": [(label, _address(obj, kind=name), _fragment(obj, kind=name), name == kind) for name, label in TAB_LABELS.items()],
        "older_url": _address(obj, kind=kind, before=page.older) if page.older else "",
        "older_fragment": _fragment(obj, kind=kind, before=page.older) if page.older else "",
        "newest_url": _address(obj, kind=kind) if at and not fragment else "",
        "fragment": fragment,
        "kind": kind,
    }


def _upcoming(user: Any, obj: Any, ctx: Any) -> list[WorkRow]:
    tasks, meetings = selectors.upcoming(user, obj)
    dated = sorted([*meetings, *(task for task in tasks if task.due_at)], key=lambda row: row.starts_at if isinstance(row, Meeting) else row.due_at)
    return [work_row(row, ctx, user) for row in [*dated, *(task for task in tasks if not task.due_at)]]


def _query(params: dict[str, str]) -> str:
    filled = {name: value for name, value in params.items() if value}
    return f"?{urlencode(filled)}" if filled else ""


def _address(obj: Any, **params: str) -> str:
    return f"{obj.get_absolute_url()}{_query(params)}#timeline"


def slug_of(obj: Any) -> str:
    record = record_for(type(obj))
    assert record is not None
    return record.slug


def _fragment(obj: Any, **params: str) -> str:
    return f"{reverse('activities:timeline', args=[slug_of(obj), obj.pk])}{_query(params)}"


# ---- composer ----


def composer(request: Any, obj: Any) -> Any:
    """The forms for a note, a call, a task and a meeting; "" for readers who may not make entries."""
    if not may_add(request.user, Task):
        return ""
    return render_to_string("activities/composer.html", {"tabs": composer_tabs(request, obj), "oob": False}, request=request)


def composer_tabs(request: Any, obj: Any, bound: forms.EntryForm | None = None) -> list[ComposerTab]:
    """The tabs; `bound` is the form that came back with errors, its tab is the open one."""
    tabs = []
    for kind, label, icon, submit, key, form in COMPOSER:
        open_one = isinstance(bound, form) if bound is not None else kind == "note"
        shown = bound if bound is not None and open_one else form(user=request.user)
        tabs.append(ComposerTab(kind, label, icon, submit, key, reverse("activities:compose", args=[slug_of(obj), obj.pk, kind]), shown, open_one))
    return tabs


# ---- cards ----


def open_tasks(request: Any, obj: Any) -> PanelContent | None:
    """Card "Open tasks"."""
    user = request.user
    if user.scope_for(Task._meta.label_lower, "view") == Scope.NONE:
        return None
    tasks, count = selectors.open_tasks_of(user, obj)
    ctx = row_context(user)
    html = render_to_string("activities/open_tasks.html", {"rows": [work_row(task, ctx, user) for task in tasks], "more": max(0, count - len(tasks))})
    new_url = f"{reverse('tasks:new')}?{obj._meta.model_name}={obj.pk}" if may_add(user, Task) else ""
    return PanelContent(html, count, new_url)


OPEN_TASKS = Panel("open-tasks", gettext_lazy("Open tasks"), "checkbox", open_tasks)


def task_box(request: Any, task: Any) -> Any:
    """The middle of a task's page: what it says, and how to finish it or put it off."""
    done = task.done_at is not None
    mine = "change" in task.may
    context = {
        "task": task,
        "done": done,
        "mine": mine,
        "form": forms.CompleteForm(user=request.user) if mine and not done else None,
        "snooze": forms.SnoozeForm(user=request.user, initial={"choice": "custom"}) if mine and not done else None,
        "now": timezone.now(),
    }
    return render_to_string("activities/task_box.html", context, request=request)


def meeting_box(request: Any, meeting: Any) -> Any:
    """The middle of a meeting's page: what it is about."""
    return render_to_string("activities/meeting_box.html", {"meeting": meeting}, request=request)
