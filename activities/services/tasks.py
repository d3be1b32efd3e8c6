"""Tasks: made, changed, done, put off, handed over."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activities.events import TaskCompleted, TaskReopened
from activities.models import SUBJECTS, Activity, Notification, Task, TaskSeries
from activities.services import due
from activities.services.lines import write_lines
from activities.services.next_steps import open_tasks, refresh_next_steps
from activities.services.notifications import notify
from activities.services.reminders import planned_minutes, set_reminders
from activities.services.series import adopt, begin_series
from activities.services.subjects import Ids, fill_parents, ids_of, merged, most_specific, subject_model, touched
from crm.core import ledger
from crm.core.access import any_of, arms_for
from crm.core.bin import delete_records
from crm.core.bulk.turns import in_turn
from crm.core.copying import update_rows
from crm.core.events import emit
from crm.core.writes import StaleRecord, change_each, change_record, change_records, create_records

Values = dict[str, Any]
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)
MAX_OUTCOME = 500


# ---- making ----


@transaction.atomic
def create_task(values: Values, *, actor: Any) -> Task:
    """One task; see create_tasks."""
    return create_tasks([values], actor=actor)[0]


@transaction.atomic
def create_tasks(rows: Sequence[Values], *, actor: Any) -> list[Task]:
    """Make tasks. Beside the fields: `due_at` (UTC) instead of due_on and due_time; `reminder` (minutes before: one number, several, or None for
    none; by default at the due time, or at nine on the day); `repeat` (one of series.PRESETS, or a rule: see series.begin_series). The assignee
    is `owner`, by default the actor; `actor=None` is the system."""
    prepared = with_subjects(rows, actor)
    for row in prepared:
        set_due(row, row.get("owner") or actor)
    tasks = create_records(Task, [without(row, "reminder", "repeat") for row in prepared], actor=actor)
    for task, row in zip(tasks, rows, strict=True):
        if row.get("repeat"):
            begin_series(task, row["repeat"], asked_minutes(row))
    set_reminders(tasks, {task.pk: asked_minutes(row) for task, row in zip(tasks, rows, strict=True)}, new=True)
    refresh_next_steps(touched(tasks))
    _tell_assignees(tasks, actor)
    return tasks


def without(values: Values, *names: str) -> Values:
    return {name: value for name, value in values.items() if name not in names}


def asked_minutes(values: Values, default: int = 0) -> set[int]:
    """The wanted reminders of a row; not mentioned means at the time itself."""
    reminder = values.get("reminder", default)
    if reminder is None:
        return set()
    return {int(reminder)} if isinstance(reminder, int) else {int(minutes) for minutes in reminder}


def with_subjects(rows: Sequence[Values], actor: Any) -> list[Values]:
    """Rows with their links as ids, parents filled in, and `subject_type`. The actor must see what is linked."""
    links = [ids_of(row) for row in rows]
    check_subjects(links, actor)
    kinds = [most_specific(ids) for ids in links]
    fill_parents(links)
    return [
        {**without(row, *SUBJECTS, *[f"{name}_id" for name in SUBJECTS]), **{f"{name}_id": ids[name] for name in SUBJECTS}, "subject_type": kind}
        for row, ids, kind in zip(rows, links, kinds, strict=True)
    ]


def check_subjects(links: Sequence[Ids], actor: Any) -> None:
    """Links to records that the actor does not see are refused at their field."""
    if actor is None:
        return
    for name in SUBJECTS:
        wanted = {ids[name] for ids in links if ids.get(name)}
        if wanted and subject_model(name).objects.visible_to(actor).filter(pk__in=wanted).count() != len(wanted):
            raise ValidationError({name: [_("This is not there, or not for you. Pick one from the list.")]}, code="scope")


def set_due(values: Values, owner: Any) -> None:
    """Fill `due_on`, `due_time`, `zone` and `due_at` from what is given of them."""
    zone = values.get("zone") or (owner.time_zone if owner is not None else "UTC")
    given: datetime | None = values.get("due_at")
    if given is not None:
        local = given.astimezone(ZoneInfo(zone))
        values.update(due_on=local.date(), due_time=local.time().replace(microsecond=0), zone=zone)
        return
    day, at = values.get("due_on"), values.get("due_time")
    if day is None and at is not None:
        raise ValidationError({"due_on": [_("Choose the day for this time.")]})
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise ValidationError({"due_on": [_("Choose a day between 1970 and 2199.")]})
    values.update(due_on=day, due_time=at, zone=zone, due_at=due.due_at(day, at, zone))


def _tell_assignees(tasks: Iterable[Task], actor: Any) -> None:
    """Somebody who is given tasks by a colleague finds one in the bell, or how many they are; those of a large bulk change are told at its end."""
    running = ledger.current()
    if actor is None or (running is not None and running.told_at_end):
        return
    theirs: dict[Any, list[Task]] = {}
    for task in tasks:
        if task.owner_id != actor.pk:
            theirs.setdefault(task.owner, []).append(task)
    for owner, given in theirs.items():
        with translation.override(owner.language):
            text = _("%(name)s gave you a task: %(title)s") if len(given) == 1 else _("%(name)s gave you %(count)s tasks")
            text = text % {"name": actor.name, "title": given[0].title, "count": len(given)}
        notify(owner, Notification.Kind.ASSIGNED, text, given[0].get_absolute_url() if len(given) == 1 else "/tasks/?view=mine")


# ---- changing ----

STEP_FIELDS = {"title", "kind", "due_at", "subject_type"}  # what the next step of a record says of a task


@transaction.atomic
def update_task(task: Task, changes: Values, *, actor: Any, version: int | None = None) -> Task:
    """Change fields of one task (and its `reminder`); with `following`, also of all tasks that follow it in its series. StaleRecord when `version` is old."""
    changes = dict(changes)
    reminder = {task.pk: asked_minutes(changes)} if "reminder" in changes else None
    following = changes.pop("following", False)
    changes.pop("reminder", None)
    before = touched([task])
    _relink(task, changes, actor)
    if {"due_on", "due_time", "due_at"} & set(changes):
        moved = {"due_on": task.due_on, "due_time": task.due_time, **changes}
        set_due(moved, changes.get("owner") or task.owner)
        changes |= {name: moved[name] for name in ("due_on", "due_time", "due_at", "zone")}
    old_owner = task.owner_id
    changed = change_record(task, changes, actor=actor, version=version)
    if changed.done_at is None and (reminder is not None or {"due_at", "owner"} & set(changes)):
        set_reminders([changed], reminder if reminder is not None else planned_minutes([changed]), chosen=reminder is not None)
    if following and changed.series is not None:
        adopt(changed.series, changed, changes, reminder and reminder[task.pk])
    if STEP_FIELDS & set(changes):
        refresh_next_steps(merged(before, touched([changed])))
    if changed.owner_id != old_owner:
        _tell_assignees([changed], actor)
    return changed


def _relink(row: Any, changes: Values, actor: Any) -> None:
    """When a link changes, parents that nobody named come from the new one."""
    if not set(SUBJECTS) & set(changes):
        return
    named = {name: changes[name] for name in SUBJECTS if name in changes}
    kept = {name: getattr(row, f"{name}_id") for name in SUBJECTS if name not in named}
    ids = ids_of(named) | kept
    check_subjects([ids_of(named)], actor)
    kind = most_specific(ids)
    if kind in named:
        ids = {name: pk if name in named or name == kind else None for name, pk in ids.items()}
    fill_parents([ids])
    for name in SUBJECTS:
        changes[name] = subject_model(name)._base_manager.get(pk=ids[name]) if ids[name] else None
    changes["subject_type"] = kind


@transaction.atomic
def snooze_task(task: Task, choice: str, *, actor: Any, day: date | None = None, at: time | None = None, version: int | None = None) -> Task:
    """Put a task off: `hour`, `tomorrow` (9:00), `monday` (9:00) or `custom` (with `day` and, if wanted, `at`)."""
    if task.done_at is not None:
        raise ValidationError(_("This task is done. Reopen it first."), code="done")
    if choice == "custom":
        if day is None:
            raise ValidationError({"due_on": [_("Choose a day.")]})
        return update_task(task, {"due_on": day, "due_time": at}, actor=actor, version=version)
    return update_task(task, due.snooze_values(choice, timezone.now(), ZoneInfo(task.owner.time_zone)), actor=actor, version=version)


# ---- done and not done ----


@transaction.atomic
def complete_task(task: Task, *, actor: Any, outcome: str = "", next_values: Values | None = None, version: int | None = None) -> Task:
    """Tick a task off, once: a second call adds at most the outcome that was not told. `next_values` make the next task on the same records."""
    row = Task._base_manager.select_for_update(of=("self",)).select_related("owner").get(pk=task.pk)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    if row.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    if row.done_at is None:
        _finish([row], actor, outcome)
    elif outcome.strip() and not row.outcome:
        _note_outcome(row, outcome)
    if next_values:
        links = {f"{name}_id": getattr(row, f"{name}_id") for name in SUBJECTS}
        create_tasks([{**_own_links(row, links), "owner": row.owner, **next_values}], actor=actor)
    return row


def _own_links(row: Task, links: Values) -> Values:
    """Only the record itself: its parents are filled in again, and the actor need not see them."""
    return {f"{row.subject_type}_id": links[f"{row.subject_type}_id"]} if row.subject_type else {}


def _outcome(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if len(text) > MAX_OUTCOME:
        raise ValidationError({"outcome": [_("This is too long: at most 500 characters.")]})
    return text


def _note_outcome(row: Task, outcome: str) -> None:
    """How it went, said after the tick: on the task and in its line."""
    row.outcome, row.version, row.updated_at = _outcome(outcome), row.version + 1, timezone.now()
    row.save(update_fields=["outcome", "version", "updated_at"])
    for line in Activity.objects.filter(task=row, verb="done", deleted_at__isnull=True).select_for_update():
        line.data = {**line.data, "outcome": row.outcome}
        line.save(update_fields=["data"])


def _finish(rows: list[Task], actor: Any, outcome: str) -> None:
    at, outcome = timezone.now(), _outcome(outcome)
    ledger.remember(rows, ["done_at", "done_by", "outcome"])
    for row in rows:
        row.done_at, row.done_by, row.outcome = at, actor, outcome
        row.version, row.updated_at = row.version + 1, at
    update_rows(rows, ["done_at", "done_by", "outcome", "version", "updated_at"])
    write_lines([_done_line(row, actor, at) for row in rows])
    set_reminders(rows, {})
    refresh_next_steps(touched(rows))
    emit(TaskCompleted(subject_ids=tuple(row.pk for row in rows), actor_id=getattr(actor, "pk", None), outcome=outcome))


def _done_line(row: Task, actor: Any, at: datetime) -> Values:
    data = {"title": row.title, "kind": row.kind, "outcome": row.outcome}
    links = {f"{name}_id": getattr(row, f"{name}_id") for name in SUBJECTS}
    return {"kind": Activity.Kind.TASK, "verb": "done", "actor": actor, "at": at, "data": data, "task": row, "subject_type": row.subject_type, **links}


@transaction.atomic
def complete_tasks(ids: Iterable[int], *, actor: Any, data: Values | None = None) -> int:
    """Tick off those of the tasks that the actor may change and that are open; how many."""
    rows = list(_changeable(ids, actor).filter(done_at__isnull=True))
    if rows:
        _finish(rows, actor, (data or {}).get("outcome", ""))
    return len(rows)


def _changeable(ids: Iterable[int], actor: Any) -> Any:
    rows = Task._base_manager.filter(pk__in=list(ids), deleted_at__isnull=True)
    if actor is not None:
        rows = rows.filter(any_of(arms_for(actor, "change", Task)))
    return rows.select_for_update(of=("self",)).select_related("owner").order_by("pk")


@transaction.atomic
def reopen_task(task: Task, *, actor: Any) -> Task:
    """A done task is to be done again (also the undo of complete_task): its line goes, its reminders come back."""
    row = Task._base_manager.select_for_update().get(pk=task.pk)
    if row.done_at is None or row.deleted_at is not None:
        return row
    row.done_at, row.done_by, row.outcome = None, None, ""
    row.version, row.updated_at = row.version + 1, timezone.now()
    row.save(update_fields=["done_at", "done_by", "outcome", "version", "updated_at"])
    Activity.objects.filter(task=row, verb="done", deleted_at__isnull=True).update(deleted_at=row.updated_at)
    set_reminders([row], planned_minutes([row], cancelled=True))
    refresh_next_steps(touched([row]))
    emit(TaskReopened(subject_ids=(row.pk,), actor_id=getattr(actor, "pk", None)))
    return row


# ---- many at once ----


@transaction.atomic
def shift_tasks(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Move the days of open tasks by `days` (those without a day stay); how many."""
    days = int(data["days"])
    rows = list(_changeable(ids, actor).filter(done_at__isnull=True, due_on__isnull=False))
    at = timezone.now()
    if not rows:
        return 0
    ledger.remember(rows, ["due_on", "due_at"])
    for row in rows:
        values: Values = {"due_on": row.due_on + timedelta(days=days), "due_time": row.due_time, "zone": row.zone}
        set_due(values, row.owner)
        row.due_on, row.due_at = values["due_on"], values["due_at"]
        row.version, row.updated_at = row.version + 1, at
    update_rows(rows, ["due_on", "due_at", "version", "updated_at"])
    set_reminders(rows, planned_minutes(rows))
    refresh_next_steps(touched(rows))
    return len(rows)


@transaction.atomic
def assign_tasks(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Give tasks to a colleague, or to several in turn; how many changed hands."""
    return _hand_over(in_turn(ids, data), actor)


@transaction.atomic
def change_tasks(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Set `data["changes"]` (kind, priority) on tasks; how many differ."""
    ids = list(ids)
    changed = change_records(Task, ids, data["changes"], actor=actor)
    refresh_next_steps(touched(Task._base_manager.filter(pk__in=ids, done_at__isnull=True)))
    return changed


@transaction.atomic
def plan_for_each(name: str, ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """The same task on each of these records (`name`: their link, such as "lead"), for `data["owner"]` or whoever owns the record; how many."""
    records = list(subject_model(name).objects.visible_to(actor).filter(pk__in=list(ids)).select_related("owner").order_by("pk"))
    task = {key: data[key] for key in ("title", "kind", "due_on", "due_time")}
    rows = [{**task, "owner": data["owner"] or _present(record.owner) or actor, f"{name}_id": record.pk} for record in records]
    return len(create_tasks(rows, actor=actor)) if rows else 0


def _present(owner: Any) -> Any:
    return owner if owner is not None and owner.is_active else None


def _hand_over(owners: dict[int, Any], actor: Any) -> int:
    """Change the assignee ({task id: user}); reminders of open tasks go along."""
    theirs = dict(Task._base_manager.filter(pk__in=list(owners)).values_list("pk", "owner_id"))
    owners = {pk: owner for pk, owner in owners.items() if theirs.get(pk) not in (None, owner.pk)}
    changed = change_each(Task, {pk: {"owner": owner} for pk, owner in owners.items()}, actor=actor)
    rows = Task._base_manager.filter(pk__in=list(owners), done_at__isnull=True).select_related("owner")
    still_open = [row for row in rows if row.owner_id == owners[row.pk].pk]
    set_reminders(still_open, planned_minutes(still_open))
    for row in still_open:
        if row.series_id:  # who takes over a task takes over those that follow
            TaskSeries.objects.filter(pk=row.series_id, owner=theirs[row.pk]).update(owner=row.owner)
    _tell_assignees(still_open, actor)
    return changed


@transaction.atomic
def delete_tasks(ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Into the bin. Reminders and next steps follow by the event (handlers.bin_changed)."""
    return delete_records(Task, ids, actor=actor, group=group)


@transaction.atomic
def follow_owner(name: str, moves: dict[int, tuple[int | None, int | None]]) -> int:
    """A record changed hands ({record id: (old owner, new owner)}): its open tasks follow if they were the old owner's."""
    from django.contrib.auth import get_user_model

    owners = get_user_model().objects.filter(pk__in={new for _old, new in moves.values() if new}, is_active=True).in_bulk()
    follow = {}
    for task, record, owner in open_tasks().filter(subject_type=name, **{f"{name}_id__in": list(moves)}).values_list("pk", f"{name}_id", "owner_id"):
        old, new = moves[record]
        if owner == old and new in owners:
            follow[task] = owners[new]
    return _hand_over(follow, None) if follow else 0


@transaction.atomic
def reassign_tasks(user: Any, successor: Any, actor: Any) -> int:
    """Somebody leaves: open tasks go to the successor. (Hook "deactivate".)"""
    rows = list(open_tasks().filter(owner=user))
    return _hand_over({row.pk: successor for row in rows}, None) if rows and successor is not None else 0


@transaction.atomic
def make_follow_up(*, owner: Any, title: str, due_at: datetime, zone: str = "", actor: Any = None, submission: Any = None, **subjects: Any) -> Task | None:
    """The first task on a new lead or on a known contact. None when nobody owns it yet. (Hook "follow_up".)"""
    if owner is None:
        return None
    linked = {name: obj for name, obj in subjects.items() if name in SUBJECTS and obj is not None}
    due_at = due_at.replace(second=0, microsecond=0)  # tasks are due on the minute, and so are their reminders
    values = {"title": title[:200], "kind": Task.Kind.FOLLOW_UP, "owner": owner, "due_at": due_at, "zone": str(zone) or owner.time_zone}
    return create_task({**values, **linked}, actor=actor)


@transaction.atomic
def repoint_tasks(lead: Any, links: dict[str, Any]) -> None:
    """A converted lead's tasks are from then on those of its deal or contact."""
    given = {name: obj for name, obj in links.items() if obj is not None}
    kind = most_specific({name: obj.pk for name, obj in given.items()})
    if kind:
        Task._base_manager.filter(lead=lead, deal__isnull=True).update(**given, subject_type=kind, updated_at=timezone.now())
