"""Each record knows its next step: the earliest open task or meeting on it. Kept in the transaction that changes one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import BooleanField, Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Cast
from django.utils import translation
from django.utils.text import capfirst

from activities.models import Meeting, Task
from activities.services.subjects import MOST_SPECIFIC, Touched, locked, subject_model
from users.selectors import organisation

MAX_TITLE = 120
COLUMNS = ("next_step_at", "next_step", "next_step_kind", "next_step_all_day")


class Step(NamedTuple):
    """The four columns of a record."""

    at: datetime | None
    title: str
    kind: str
    all_day: bool


NO_STEP = Step(None, "", "", False)


def open_tasks() -> QuerySet:
    return Task._base_manager.filter(done_at__isnull=True, deleted_at__isnull=True)


def open_meetings() -> QuerySet:
    return Meeting._base_manager.filter(held_at__isnull=True, deleted_at__isnull=True)


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def refresh_next_steps(subjects: Touched) -> int:
    """Bring the next step of these records ({"deal": {ids}, ...}) up to date; how many differed.

    The records are locked before the tasks are read: of two people who plan at once the second sees the first one's task.
    """
    names = [name for name in MOST_SPECIFIC if subjects.get(name)]
    current = {name: {row[0]: Step(*row[1:]) for row in locked(name, subjects[name]).values_list("pk", *COLUMNS)} for name in names}
    wanted = _earliest({name: set(rows) for name, rows in current.items()})
    changed = 0
    for name, rows in current.items():
        differing = {pk: wanted.get((name, pk), NO_STEP) for pk, step in rows.items() if wanted.get((name, pk), NO_STEP) != step}
        _store(name, differing)
        changed += len(differing)
    return changed


def _store(name: str, steps: dict[int, Step]) -> None:
    model = subject_model(name)
    if len(steps) == 1:
        pk, step = next(iter(steps.items()))
        model._base_manager.filter(pk=pk).update(**dict(zip(COLUMNS, step, strict=True)))
    elif steps:
        model._base_manager.bulk_update([model(pk=pk, **dict(zip(COLUMNS, step, strict=True))) for pk, step in steps.items()], COLUMNS, batch_size=500)


def _earliest(subjects: Touched) -> dict[tuple[str, int], Step]:
    """One query for all: per record its first task and its first meeting; then the earlier of the two."""
    parts = [rows for name, pks in subjects.items() if pks for rows in (_first_tasks(name, pks), _first_meetings(name, pks))]
    if not parts:
        return {}
    found: dict[tuple[str, int], Step] = {}
    for name, pk, at, title, kind, all_day, _id in parts[0].union(*parts[1:], all=True):
        step = Step(at, title[:MAX_TITLE], kind, all_day)
        known = found.get((name, pk))
        if known is None or _earlier(step, known):
            found[name, pk] = step
    return _named(found)


def _earlier(one: Step, other: Step) -> bool:
    """A step with a date comes before one without; a meeting yields to a task of the same moment (`known` is the task)."""
    if one.at is None:
        return False
    return other.at is None or one.at < other.at


def _named(steps: dict[tuple[str, int], Step]) -> dict[tuple[str, int], Step]:
    """The kind of step, in the organisation's language, where its title is not told."""
    if all(step.title for step in steps.values()):
        return steps
    with translation.override(organisation().language):
        words = {kind: str(word) for kind, word in Task.Kind.choices} | {"meeting": capfirst(str(Meeting._meta.verbose_name))}
    return {key: step if step.title else step._replace(title=words.get(step.kind, step.kind)) for key, step in steps.items()}


def _title(name: str) -> Any:
    # On the contact and company of a deal only its kind and time are told: who sees them may not see the deal.
    return Case(When(subject_type=name, then=F("title")), default=Value(""), output_field=CharField())


def _first_tasks(name: str, pks: set[int]) -> QuerySet:
    field = f"{name}_id"
    all_day = Case(When(Q(due_on__isnull=False) & Q(due_time__isnull=True), then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = open_tasks().filter(**{f"{field}__in": pks}).order_by(field, F("due_at").asc(nulls_last=True), "pk").distinct(field)
    return rows.values_list(Value(name, output_field=CharField()), field, "due_at", _title(name), Cast("kind", CharField()), all_day, "pk")


def _first_meetings(name: str, pks: set[int]) -> QuerySet:
    field = f"{name}_id"
    rows = open_meetings().filter(**{f"{field}__in": pks}).order_by(field, "starts_at", "pk").distinct(field)
    kind, all_day = Value("meeting", output_field=CharField()), Value(False, output_field=BooleanField())
    return rows.values_list(Value(name, output_field=CharField()), field, "starts_at", _title(name), kind, all_day, "pk")
