"""The timeline of a record: one page of work, however much of it is hidden from the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateField, F, Q, TimeField, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from activities.models import SUBJECTS, Activity, Meeting, Task
from crm.core.compiled import maker
from crm.core.related import visible_names
from mail.models import OutgoingMail
from users.models import User

SIZE = 20
ROUNDS = 4  # how far a page looks on when everything in sight is hidden
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What is read of a line and of who wrote it.
LINE = ("id", *(f"{name}_id" for name in SUBJECTS), "subject_type", "kind", "verb", "body", "data", "actor_id", "at", "edited_at", "deleted_at", "mail_id")
ACTOR = tuple(f"actor__{name}" for name in User.brief_fields)
PLANNED = ("id", "title", "owner_id", "team_id")  # of tasks and meetings
# Tabs of the timeline: `?kind=` -> kinds of lines.
TABS: dict[str, tuple[str, ...]] = {
    "note": (Activity.Kind.NOTE,),
    "call": (Activity.Kind.CALL,),
    "email": (Activity.Kind.EMAIL, Activity.Kind.SUBMISSION),
    "task": (Activity.Kind.TASK, Activity.Kind.MEETING),
    "change": (Activity.Kind.CHANGE,),
}


@dataclass(frozen=True)
class TimelinePage:
    """Lines, newest first; `subjects` are the visible records that lines of other types hang on; `older` is where the next page starts ("": the end)."""

    lines: list[Activity]
    older: str
    subjects: dict[tuple[str, int], Any] = field(default_factory=dict)

    def subject_of(self, line: Activity) -> Any:
        """The record of another type that a line hangs on; None when it is the page's own."""
        return self.subjects.get((line.subject_type, _subject_id(line)))


def mark(line: Any) -> str:
    """A place in the timeline, for the address."""
    return f"{(line.at - EPOCH) // timedelta(microseconds=1)}-{line.id}"


def place(text: str) -> tuple[datetime, int] | None:
    """The inverse of `mark`; None when the text is no mark."""
    moment, _dash, pk = text.partition("-")
    if not (moment.isdecimal() and pk.isdecimal() and len(moment) < 17 and len(pk) < 19):
        return None
    return EPOCH + timedelta(microseconds=int(moment)), int(pk)


def timeline(user: Any, record: Any, before: str = "", kind: str = "", size: int = SIZE) -> TimelinePage:
    """Lines of a record that the user may see, given that they may see the record itself.

    Lines are read along the record's index in stretches of three pages; those of other records (a company's deals) are then asked for
    visibility by their ids, in one query. At most two queries unless everything is hidden.
    """
    name = record._meta.model_name
    found: list[Any] = []
    subjects: dict[tuple[str, int], Any] = {}
    at = place(before) if before else None
    for _round in range(ROUNDS):
        stretch = _stretch(name, record.pk, at, TABS.get(kind), 3 * size + 1)
        lines, more = stretch[: 3 * size], len(stretch) > 3 * size
        subjects |= _visible_subjects(user, name, lines)
        for line in lines:
            if line.subject_type != name and (line.subject_type, _subject_id(line)) not in subjects:
                continue
            found.append(line)
            if len(found) > size:
                return TimelinePage(_lines(found[:size]), mark(found[size - 1]), subjects)
        if not more:
            return TimelinePage(_lines(found), "", subjects)
        at = (lines[-1].at, lines[-1].id)
        if found:
            break
    return TimelinePage(_lines(found), f"{(at[0] - EPOCH) // timedelta(microseconds=1)}-{at[1]}" if at else "", subjects)


def _stretch(name: str, pk: int, at: tuple[datetime, int] | None, kinds: tuple[str, ...] | None, limit: int) -> list[Any]:
    """Lines as tuples: three pages are looked at for one that is shown."""
    rows = Activity.objects.alive().filter(**{f"{name}_id": pk})
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if at is not None:
        rows = rows.filter(TupleLessThan(Tuple(F("at"), F("pk")), at))
    return list(rows.order_by("-at", "-pk").values_list(*LINE, *ACTOR, named=True)[:limit])


def _lines(rows: Sequence[Any]) -> list[Activity]:
    """Lines with their actors."""
    make, make_actor = maker(Activity, LINE), maker(User, ("id", *User.brief_fields))
    lines = [make(row) for row in rows]
    for line, row in zip(lines, rows, strict=True):
        if line.actor_id is not None:
            line.actor = make_actor((line.actor_id, *row[len(LINE) :]))
    if mails := {line.mail_id for line in lines if line.mail_id and line.verb == "sent"}:
        _tell_states(lines, mails)
    return lines


def _tell_states(lines: Sequence[Activity], mails: set[int]) -> None:
    """What became of the mails that visible lines tell of."""
    found = {pk: (state, at) for pk, state, at in OutgoingMail.objects.filter(pk__in=mails).values_list("pk", "state", "next_attempt_at")}
    for line in lines:
        line.mail_state = found.get(line.mail_id)  # type: ignore[attr-defined]


def _subject_id(line: Any) -> int:
    return getattr(line, f"{line.subject_type}_id")


def _visible_subjects(user: Any, own: str, lines: Sequence[Any]) -> dict[tuple[str, int], Any]:
    """The records of other types that lines hang on, as far as visible, by their names alone: one statement for all types."""
    ids = {name: {_subject_id(line) for line in lines if line.subject_type == name} for name in SUBJECTS if name != own}
    found = visible_names(user, {name: (Activity._meta.get_field(name).related_model, pks) for name, pks in ids.items() if pks})
    return {(name, pk): record for name, rows in found.items() for pk, record in rows.items()}


def upcoming(user: Any, record: Any, limit: int = 10) -> tuple[list[Task], list[Meeting]]:
    """Open tasks and coming meetings of a record that the user may see, soonest first. One statement; meetings fill a task's columns."""
    here = Q(**{f"{record._meta.model_name}_id": record.pk})
    tasks = Task.objects.visible_to(user).filter(here, done_at__isnull=True).order_by(F("due_at").asc(nulls_last=True), "pk")
    meetings = Meeting.objects.visible_to(user).filter(here, held_at__isnull=True).order_by("starts_at", "pk")
    nothing = (Value(None, DateField()), Value(None, TimeField()))
    both = tasks.annotate(is_meeting=Value(False)).values_list("is_meeting", *PLANNED, "due_on", "due_time", "due_at", "kind", "owner__name")[:limit]
    more = meetings.annotate(is_meeting=Value(True)).values_list("is_meeting", *PLANNED, *nothing, "starts_at", Value(""), "owner__name")[:limit]
    make_task, make_meeting = maker(Task, (*PLANNED, "due_on", "due_time", "due_at", "kind", "done_at")), maker(Meeting, (*PLANNED, "starts_at"))
    found: list[Task] = []
    planned: list[Meeting] = []
    for is_meeting, *values, name in both.union(more, all=True):
        row = make_meeting((*values[: len(PLANNED)], values[-2])) if is_meeting else make_task((*values, None))
        row.owner = maker(User, ("id", "name"))((row.owner_id, name))
        (planned if is_meeting else found).append(row)
    return sorted(found, key=lambda task: (task.due_at is None, task.due_at or EPOCH, task.pk)), sorted(planned, key=lambda each: (each.starts_at, each.pk))
