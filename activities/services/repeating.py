"""The tasks of a series, one after the other: the next one is made when one is done (docs/decisions/reminders.md)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import SUBJECTS, ChecklistItem, Task, TaskSeries
from activities.services import due
from activities.services.next_steps import refresh_next_steps
from activities.services.reminders import planned_minutes
from activities.services.series import begin_series, days_after
from activities.services.subjects import touched
from activities.services.tasks import LAST_DAY, Values, create_tasks, delete_tasks
from crm.core.custom.definitions import definitions
from crm.core.writes import StaleRecord, fold, lock


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def make_next(rows: Iterable[Task]) -> list[Task]:
    """The tasks that follow these in their series, where the rule goes on and none has been made yet: at the next day of the rule that is not over."""
    made = []
    for row in sorted((row for row in rows if row.series_id), key=lambda row: row.series_id or 0):
        series = TaskSeries.objects.select_for_update(of=("self",)).select_related("owner").get(pk=row.series_id)
        day = _next_day(series, row)
        if day is not None:
            made.append(_make(series, row, day))
            TaskSeries.objects.filter(pk=series.pk).update(made=F("made") + 1)
    return made


def _next_day(series: TaskSeries, row: Task) -> date | None:
    if row.series_on is None or (series.times is not None and series.made >= series.times):
        return None
    later = dict(Task._base_manager.filter(series=series, series_on__gt=row.series_on).values_list("series_on", "deleted_at"))
    if None in later.values():
        return None  # the series has gone on already
    now = timezone.now()
    for day in days_after(series, row.series_on):
        if day > min(series.until or LAST_DAY, LAST_DAY):
            return None
        at = due.due_at(day, series.due_time, series.owner.time_zone)
        if day not in later and at is not None and at > now:  # one that was left out, and is in the bin, stays left out
            return day
    return None


def _make(series: TaskSeries, row: Task, day: date) -> Task:
    values: Values = {name: getattr(series, name) for name in ("title", "kind", "priority", "description", "due_time")}
    values |= {"due_on": day, "reminder": series.reminders, "series": series, "series_on": day, "created_by": row.created_by}
    values |= {"owner": series.owner if series.owner.is_active else row.owner, **{f"{name}_id": getattr(row, f"{name}_id") for name in SUBJECTS}}
    [task] = create_tasks([values], actor=None)
    unique = {each.key for each in definitions().used.get(Task._meta.label_lower, ()) if each.unique}
    custom = {key: value for key, value in row.custom.items() if key not in unique}
    if custom:
        task.custom = custom
        fold(task)
        task.save(update_fields=["custom", "search_text"])
    items = ChecklistItem.objects.bulk_create([ChecklistItem(task=task, text=item.text, position=item.position) for item in row.items.all()])
    if items:
        task.items_total = len(items)
        task.save(update_fields=["items_total"])
    return task


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def withdraw_next(rows: Iterable[Task]) -> int:
    """These tasks are open again: those that were made because they were done go, as long as nobody has touched them; how many."""
    gone = 0
    for row in rows:
        if not row.series_id or row.series_on is None:
            continue
        TaskSeries.objects.select_for_update().get(pk=row.series_id)
        later = Task._base_manager.filter(series_id=row.series_id, series_on__gt=row.series_on)
        if later.exclude(done_at__isnull=True, version=1, items_done=0).exists():
            continue
        waiting = list(later.select_for_update())
        later.delete()
        TaskSeries.objects.filter(pk=row.series_id).update(made=F("made") - len(waiting))
        refresh_next_steps(touched(waiting))
        gone += len(waiting)
    return gone


@transaction.atomic
def set_repeat(task: Task, rule: Values | str | None, *, actor: Any, version: int | None = None) -> Task:
    """Let an open task repeat by a rule (see series.begin_series), or no longer (None). What was done before stays as it is.
    StaleRecord when `version` is old."""
    row = lock(task)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    _check_open(row)
    if rule is None:
        row.series, row.series_on = None, None
    else:
        begin_series(row, rule, planned_minutes([row]).get(row.pk, set()))
    row.version, row.updated_at = row.version + 1, timezone.now()
    row.save(update_fields=["series", "series_on", "version", "updated_at"])
    return row


@transaction.atomic
def skip_task(task: Task, *, actor: Any) -> tuple[uuid.UUID, Task | None]:
    """Leave out this one task of a series: it goes into the bin, the next one is made. The deletion group, and the next task unless this was the last."""
    row = lock(task)
    _check_open(row)
    if row.series_id is None:
        raise ValidationError(_("This task does not repeat."), code="repeat")
    made = make_next([row])
    return delete_tasks([row.pk], actor=actor), made[0] if made else None


def _check_open(row: Task) -> None:
    if row.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    if row.done_at is not None:
        raise ValidationError(_("This task is done. Reopen it first."), code="done")


@transaction.atomic
def drop_ended_series() -> int:
    """Rules of which no task is left, not even in the bin; how many."""
    return TaskSeries.objects.filter(tasks__isnull=True).delete()[0]
