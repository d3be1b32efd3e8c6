"""Forms on the pages of records and on Today: new entries, and what is done with a task."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from activities import forms, selectors
from activities.models import Task
from crm.core.access import may_add
from crm.core.moulds import filled, gap
from crm.core.records import record_for

COMPOSER: tuple[tuple[str, Any, str, Any, str, type[forms.EntryForm]], ...] = (
    ("note", gettext_lazy("Note"), "note", gettext_lazy("Save note"), "n", forms.NoteForm),
    ("call", gettext_lazy("Call"), "phone", gettext_lazy("Log call"), "l", forms.CallForm),
    ("task", gettext_lazy("Task"), "checkbox", gettext_lazy("Add task"), "t", forms.QuickTaskForm),
    ("meeting", gettext_lazy("Meeting"), "calendar-event", gettext_lazy("Add meeting"), "", forms.QuickMeetingForm),
)

GUEST_COLORS = {"invited": "k-grey", "accepted": "k-green", "tentative": "k-amber", "declined": "k-red"}


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


def slug_of(obj: Any) -> str:
    record = record_for(type(obj))
    assert record is not None
    return record.slug


def composer(request: Any, obj: Any) -> SafeString | str:
    """The forms for a note, a call, a task and a meeting; "" for readers who may not make entries."""
    user = request.user
    if not may_add(user, Task):
        return ""
    start, end = forms.next_hour()
    box = forms.QuickMeetingForm.base_fields["starts_at"].widget
    gaps = {f"{kind}-url": _url(obj, kind) for kind, *_rest in COMPOSER} | {f"{kind}-key": str(uuid.uuid4()) for kind, *_rest in COMPOSER}
    gaps |= {"csrf": get_token(request), "starts_at": box.format_value(start), "ends_at": box.format_value(end)}
    return filled(("composer", get_language(), user.pk, str(user)), lambda: _mould(user), gaps)


def _mould(user: Any) -> str:
    """The composer without what differs from page to page."""
    times = {"starts_at": gap("starts_at"), "ends_at": gap("ends_at")}
    tabs = [
        ComposerTab(
            kind, label, icon, submit, key, gap(f"{kind}-url"), form(user=user, initial={"idempotency_key": gap(f"{kind}-key"), **times}), kind == "note"
        )
        for kind, label, icon, submit, key, form in COMPOSER
    ]
    return render_to_string("activities/composer.html", {"tabs": tabs, "oob": False, "csrf_token": gap("csrf")})


def _url(obj: Any, kind: str) -> str:
    return reverse("activities:compose", args=[slug_of(obj), obj.pk, kind])


def composer_tabs(request: Any, obj: Any, bound: forms.EntryForm | None = None) -> list[ComposerTab]:
    """The tabs; `bound` is the form that came back with errors, its tab is the open one."""
    tabs = []
    for kind, label, icon, submit, key, form in COMPOSER:
        open_one = isinstance(bound, form) if bound is not None else kind == "note"
        shown = bound if bound is not None and open_one else form(user=request.user)
        tabs.append(ComposerTab(kind, label, icon, submit, key, _url(obj, kind), shown, open_one))
    return tabs


def quick_add(request: Any, form: forms.TodayTaskForm | None = None) -> SafeString | str:
    """The bar for a new task on Today; `form` is the one that came back with errors. "" for readers who may not make tasks."""
    user = request.user
    if not may_add(user, Task):
        return ""
    if form is not None:
        return render_to_string("activities/quick_add.html", {"form": form}, request=request)

    def mould() -> str:
        empty = forms.TodayTaskForm(user=user, initial={"idempotency_key": gap("key"), "due_on": gap("day")})
        return render_to_string("activities/quick_add.html", {"form": empty, "csrf_token": gap("csrf")})

    gaps = {"key": str(uuid.uuid4()), "day": timezone.localdate().isoformat(), "csrf": get_token(request)}
    return filled(("quick-add", get_language()), mould, gaps)


def task_box(request: Any, task: Any, *, next_url: str = "") -> Any:
    """The middle of a task's page: what it says, and how to finish it or put it off. `next_url`: where that leads, in focus mode."""
    done = task.done_at is not None
    mine = "change" in task.may
    context = {
        "task": task,
        "done": done,
        "mine": mine,
        "form": forms.CompleteForm(user=request.user) if mine and not done else None,
        "snooze": forms.SnoozeForm(user=request.user, initial={"choice": "custom"}) if mine and not done else None,
        "items": list(task.items.all()) if task.items_total else [],
        "item_key": uuid.uuid4(),
        "reminders": [] if next_url else reminder_lines(task),
        "next": next_url,
    }
    return render_to_string("activities/task_box.html", context, request=request)


@dataclass(frozen=True)
class ReminderLine:
    """What became of one reminder: its words, icon, and when."""

    label: str
    at: datetime
    state: Any
    color: str
    since: datetime | None = None


def reminder_lines(row: Any) -> list[ReminderLine]:
    """The proof of the reminders of a task or meeting: due, sent, seen."""
    lines = []
    for each in selectors.reminders_of(row):
        label, at = forms.before_text(each.minutes_before), each.remind_at
        if each.seen_at:
            lines.append(ReminderLine(label, at, _("Seen"), "green", each.seen_at))
        elif each.sent_at:
            lines.append(ReminderLine(label, at, _("Sent"), "blue", each.sent_at))
        elif each.cancelled_at is None:
            lines.append(ReminderLine(label, at, _("Planned"), "grey"))
    return lines


def meeting_box(request: Any, meeting: Any) -> Any:
    """The middle of a meeting's page: what it is about, and who comes."""
    guests = [(guest, GUEST_COLORS[guest.state]) for guest in selectors.guests_of(meeting)]
    context = {"meeting": meeting, "guests": guests, "reminders": reminder_lines(meeting), "around": selectors.around(request.user, meeting)}
    return render_to_string("activities/meeting_box.html", context, request=request)
