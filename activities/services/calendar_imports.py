"""Meetings and tasks from a calendar's file: kept until it is looked at, then made once per UID."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import CalendarUpload, Meeting, Task
from activities.services.calendar_files import read
from activities.services.calendar_parts import Entry, Found, Todo
from activities.services.meetings import create_meetings
from activities.services.tasks import Values, create_tasks
from crm.core.access import may_add

MOST_BYTES = 1_000_000
FORGOTTEN = timedelta(days=1)


def text_of(data: bytes) -> str:
    """UTF-8 as the standard wants it, UTF-16 with its mark, else what Windows wrote."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


@transaction.atomic
def keep_upload(name: str, data: bytes, *, actor: Any) -> CalendarUpload:
    """Keep a file until its meetings are made; the actor's earlier one goes, and so do forgotten ones. ValidationError at "file" for one that is
    too large or no calendar."""
    if len(data) > MOST_BYTES:
        raise ValidationError({"file": [_("This file is larger than 1 MB. Export a shorter span of time.")]})
    body = text_of(data).replace("\x00", "")
    try:
        read(body, zone=actor.zone, now=timezone.now())
    except ValidationError as error:
        raise ValidationError({"file": error.messages}) from None
    CalendarUpload.objects.filter(Q(user=actor) | Q(created_at__lt=timezone.now() - FORGOTTEN)).delete()
    return CalendarUpload.objects.create(user=actor, name=" ".join(name.replace("\x00", "").split())[-120:], body=body)


def found_in(upload: CalendarUpload, *, actor: Any, now: datetime) -> tuple[Found, set[str]]:
    """What the file holds, and the keys of what the actor has made of it already."""
    found = read(upload.body, zone=actor.zone, now=now)
    for model, rows, refused in ((Meeting, found.entries, _("You may not make meetings.")), (Task, found.todos, _("You may not make tasks."))):
        if rows and not may_add(actor, model):
            found.problems += [(row.title, refused) for row in rows]
            rows.clear()
    return found, _there(Meeting, found.entries, actor) | _there(Task, found.todos, actor)


def _there(model: Any, rows: Sequence[Entry] | Sequence[Todo], actor: Any) -> set[str]:
    """Those in the bin count as well: who deleted one does not want it again."""
    keys = [row.key for row in rows]
    return set(model._base_manager.filter(created_by=actor, import_key__in=keys).values_list("import_key", flat=True)) if keys else set()


@transaction.atomic
def import_upload(upload: CalendarUpload, *, actor: Any) -> tuple[list[Meeting], list[Task]]:
    """Make meetings and tasks of what is new in the file. A second time, also at the same time, makes nothing."""
    get_user_model()._base_manager.select_for_update(no_key=True).get(pk=actor.pk)
    found, there = found_in(upload, actor=actor, now=timezone.now())
    meetings = [_meeting(entry) for entry in found.entries if entry.key not in there]
    tasks = [_task(todo, actor) for todo in found.todos if todo.key not in there]
    CalendarUpload.objects.filter(pk=upload.pk).delete()
    return create_meetings(meetings, actor=actor) if meetings else [], create_tasks(tasks, actor=actor) if tasks else []


def _meeting(entry: Entry) -> Values:
    names = ("title", "location", "video_url", "description", "starts_at", "ends_at")
    return {**{name: getattr(entry, name) for name in names}, "import_key": entry.key}


def _task(todo: Todo, actor: Any) -> Values:
    values = {name: getattr(todo, name) for name in ("title", "description", "priority", "due_on", "due_time", "done_at")}
    done = {"done_by": actor} if todo.done_at is not None else {}
    return {**values, **done, "import_key": todo.key, "reminder": todo.reminders or None, "repeat": todo.rule}
