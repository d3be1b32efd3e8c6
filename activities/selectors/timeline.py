"""The timeline of a record: one page of work, however much of it is hidden from the reader and however rare what they look for is."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, Count, DateField, Exists, F, OuterRef, Q, TimeField, Value, Window
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThanOrEqual, TupleLessThan
from django.db.models.functions import RowNumber

from activities.models import SUBJECTS, Activity, Comment, Meeting, Task
from crm.core import cells
from crm.core.compiled import NUMBER, kept, maker
from crm.core.related import visible_names
from crm.core.text import Question
from users.models import User

SIZE = 20
ROUNDS = 4  # how far a page looks on when everything in sight is hidden
LOOK = 10_000  # lines that a filter goes through for one page
MOST_PINS = 5
NEWEST_COMMENTS = 3  # that a line shows on a record's page
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What is read of a line, of who wrote it and of the mail that it tells of.
LINE = (
    "id", *(f"{name}_id" for name in SUBJECTS), "subject_type", "kind", "verb", "body", "data",
    "actor_id", "at", "pinned_at", "edited_at", "deleted_at", "mail_id",
)  # fmt: skip
ACTOR = tuple(f"actor__{name}" for name in User.brief_fields)
MAIL = ("mail__state", "mail__next_attempt_at")
Row = namedtuple("Row", ("top", *LINE, *ACTOR, *MAIL, "talked"))  # its columns are computed
PLANNED = ("id", "title", "owner_id", "team_id")  # of tasks and meetings
TOLD = ("subject", "title")  # texts in a line's data that it is found by: a mail's subject, a task's or meeting's title
# Tabs of the timeline: `?kind=` -> kinds of lines.
TABS: dict[str, tuple[str, ...]] = {
    "email": (Activity.Kind.EMAIL, Activity.Kind.SUBMISSION),
    "call": (Activity.Kind.CALL,),
    "meeting": (Activity.Kind.MEETING,),
    "note": (Activity.Kind.NOTE,),
    "task": (Activity.Kind.TASK,),
    "change": (Activity.Kind.CHANGE,),
}


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for: a tab, who wrote them, the team that these are in now, a span of time (`until` is its open end), words in the text."""

    kind: str = ""
    person_id: int | None = None
    team_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    question: Question | None = None

    def __bool__(self) -> bool:
        return self != Wanted()

    def q(self) -> Q:
        """The condition; times are left to the walk along the index."""
        q = Q(kind__in=TABS[self.kind]) if self.kind else Q()
        if self.person_id is not None:
            q &= Q(actor_id=self.person_id)
        if self.team_id is not None:
            q &= Q(actor__team_id=self.team_id)
        for term in self.question.terms if self.question else ():
            q &= reduce(or_, (reduce(and_, map(_says, way)) for way in term.ways))
        return q


EVERYTHING = Wanted()


def _says(text: str) -> Q:
    """A line has a word, or its beginning, in its text or in what it tells of."""
    return reduce(or_, (Q(**{f"data__{name}__icontains": text.strip()}) for name in TOLD), Q(search_text__contains=text))


@dataclass(frozen=True)
class TimelinePage:
    """Lines, newest first; `subjects` are the visible records that lines of other types hang on; `older` is where the next page starts ("": the end).
    `pinned` are the lines that stand on top of a first page without a filter, those pinned first before others."""

    lines: list[Activity]
    older: str
    subjects: dict[tuple[str, int], Any] = field(default_factory=dict)
    pinned: list[Activity] = field(default_factory=list)

    def subject_of(self, line: Activity) -> Any:
        """The record of another type that a line hangs on; None when it is the page's own."""
        return self.subjects.get((line.subject_type, _subject_id(line)))


def mark(line: Any) -> str:
    """A place in the timeline, for the address."""
    return _mark(line.at, line.id)


def _mark(at: datetime, pk: int) -> str:
    return f"{(at - EPOCH) // timedelta(microseconds=1)}-{pk}"


def place(text: str) -> tuple[datetime, int] | None:
    """The inverse of `mark`; None when the text is no mark."""
    moment, _dash, pk = text.partition("-")
    if not (moment.isdecimal() and pk.isdecimal() and len(moment) < 17 and len(pk) < 19):
        return None
    return EPOCH + timedelta(microseconds=int(moment)), int(pk)


def address_of_line(line: Any, subject: Any) -> str:
    """A line is shown on its record's page, where the timeline starts with it."""
    return f"{cells.address_of(subject)}?before={_mark(line.at, line.id + 1)}#timeline"


def timeline(user: Any, record: Any, before: str = "", wanted: Wanted = EVERYTHING, size: int = SIZE) -> TimelinePage:
    """Lines of a record that the user may see, given that they may see the record itself.

    Lines are read along the record's index in stretches of three pages; those of other records (a company's deals) are then asked for
    visibility by their ids, in one query. At most two queries unless everything is hidden. A filter goes through LOOK lines at most, and takes
    a query more to know where these end: then `older` goes on from there, although the page may not be full.
    """
    name = record._meta.model_name
    found: list[Row] = []
    pinned: list[Row] = []
    subjects: dict[tuple[str, int], Any] = {}
    at = place(before) if before else None
    for number in range(ROUNDS):
        if number == 0 and at is None and not wanted:
            end, rows = None, _first_stretch(name, record.pk, 3 * size + 1)
        else:
            walk, end = _walk(name, record.pk, at, wanted)
            rows = _in_order(_columns(walk.filter(wanted.q())[: 3 * size + 1], top=False))
        pinned += sorted((row for row in rows if row.top), key=lambda row: row.pinned_at)
        stretch = [row for row in rows if not row.top]
        lines, more = stretch[: 3 * size], len(stretch) > 3 * size
        subjects |= _visible_subjects(user, name, lines)
        for line in lines:
            if line.subject_type != name and (line.subject_type, _subject_id(line)) not in subjects:
                continue
            found.append(line)
            if len(found) > size:
                return TimelinePage(_lines(found[:size]), mark(found[size - 1]), subjects, _lines(pinned))
        at = (lines[-1].at, lines[-1].id) if more else end
        if at is None or found or not more:
            break
    return TimelinePage(_lines(found), _mark(*at) if at else "", subjects, _lines(pinned))


def _walk(name: str, pk: int, at: tuple[datetime, int] | None, wanted: Wanted) -> tuple[Any, tuple[datetime, int] | None]:
    """The record's lines before a place, newest first, and the place where a filter stops looking (None: at the end)."""
    rows = Activity.objects.filter(**{f"{name}_id": pk})
    if wanted.until is not None:
        rows = rows.filter(at__lt=wanted.until)
    if wanted.since is not None:
        rows = rows.filter(at__gte=wanted.since)
    if at is not None:
        rows = rows.filter(TupleLessThan(Tuple(F("at"), F("pk")), at))
    rows = rows.order_by("-at", "-pk")
    end = rows.values_list("at", "pk")[LOOK - 1 : LOOK].first() if wanted.q() else None  # deleted ones count: so the index alone tells
    return (rows.filter(TupleGreaterThanOrEqual(Tuple(F("at"), F("pk")), end)) if end else rows).alive(), end


def _pins(name: str, pk: int) -> Any:
    """Lines on top: of those about the record itself, which is as visible as they are."""
    return Activity.objects.alive().filter(subject_type=name, pinned_at__isnull=False, **{f"{name}_id": pk}).order_by("pinned_at", "pk")[:MOST_PINS]


def _first_stretch(name: str, pk: int, limit: int) -> list[Row]:
    """The newest lines, and what is pinned, in one statement."""

    def build() -> Any:
        walk, _end = _walk(name, NUMBER, None, EVERYTHING)
        return _columns(walk[:limit], top=False).union(_columns(_pins(name, NUMBER), top=True), all=True)

    return _in_order(kept(("timeline", name, limit), build).values(pk, pk))


def _in_order(rows: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Newest first."""
    return sorted(map(Row._make, rows), key=lambda row: (row.at, row.id), reverse=True)


def _columns(rows: Any, *, top: bool) -> Any:
    talked = Exists(Comment.objects.alive().filter(line=OuterRef("pk")))
    return rows.annotate(top=Value(top, BooleanField()), talked=talked).values_list("top", *LINE, *ACTOR, *MAIL, "talked")


def _lines(rows: Sequence[Row]) -> list[Activity]:
    """Lines with their actors, what became of the mails that they tell of, and whether anything was said to them."""
    make, make_actor = maker(Activity, LINE), maker(User, ("id", *User.brief_fields))
    lines = [make(row[1:]) for row in rows]
    for line, row in zip(lines, rows, strict=True):
        if line.actor_id is not None:
            line.actor = make_actor((line.actor_id, *row[1 + len(LINE) :]))
        if line.mail_id and line.verb == "sent":
            line.mail_state = row[-3:-1]
        line.talked = row.talked
    return lines


def _subject_id(line: Any) -> int:
    return getattr(line, f"{line.subject_type}_id")


def _visible_subjects(user: Any, own: str, lines: Sequence[Any]) -> dict[tuple[str, int], Any]:
    """The records of other types that lines hang on, as far as visible, by their names alone: one statement for all types."""
    ids = {name: {_subject_id(line) for line in lines if line.subject_type == name} for name in SUBJECTS if name != own}
    found = visible_names(user, {name: (Activity._meta.get_field(name).related_model, pks) for name, pks in ids.items() if pks})
    return {(name, pk): record for name, rows in found.items() for pk, record in rows.items()}


@dataclass(frozen=True)
class Comments:
    """What was said to a line: the newest ones, oldest first, and how many there are in all."""

    rows: list[Comment]
    total: int


def comments_of(lines: Iterable[Activity], newest: int = NEWEST_COMMENTS) -> dict[int, Comments]:
    """{id of the line: comments} for lines that the reader sees, with their authors' names. One statement; none where
    `talked` of each line says that there is nothing."""
    talked = [line.pk for line in lines if getattr(line, "talked", True)]
    if not talked:
        return {}
    rank = Window(RowNumber(), partition_by=F("line_id"), order_by=F("id").desc())
    rows = Comment.objects.alive().filter(line__in=talked).annotate(rank=rank, total=Window(Count("*"), partition_by=F("line_id")))
    columns = ("id", "line_id", "author_id", "body", "mentions", "at")
    make, make_author = maker(Comment, columns), maker(User, ("id", "name"))
    found: dict[int, Comments] = {}
    for *values, name, total in rows.filter(rank__lte=newest).order_by("line_id", "id").values_list(*columns, "author__name", "total"):
        comment = make(values)
        comment.author = make_author((comment.author_id, name)) if comment.author_id else None
        found.setdefault(comment.line_id, Comments([], total)).rows.append(comment)
    return found


def upcoming(user: Any, record: Any, limit: int = 10) -> tuple[list[Task], list[Meeting]]:
    """Open tasks and coming meetings of a record that the user may see, soonest first. One statement; meetings fill a task's columns."""
    if not user.is_active:
        return [], []
    name, rights = record._meta.model_name, tuple(model.access_policy.key(user, "view", model) for model in (Task, Meeting))
    try:
        rows = kept(("upcoming", name, limit, *rights), lambda: _upcoming(user, name, limit)).values(record.pk, record.pk)
    except EmptyResultSet:  # the reader sees none of either
        rows = []
    make_task, make_meeting = maker(Task, (*PLANNED, "due_on", "due_time", "due_at", "kind", "done_at")), maker(Meeting, (*PLANNED, "starts_at", "is_private"))
    found: list[Task] = []
    planned: list[Meeting] = []
    for is_meeting, *values, name in rows:
        row = make_meeting((*values[: len(PLANNED)], values[-2], False)) if is_meeting else make_task((*values, None))
        row.owner = maker(User, ("id", "name"))((row.owner_id, name))
        (planned if is_meeting else found).append(row)
    return sorted(found, key=lambda task: (task.due_at is None, task.due_at or EPOCH, task.pk)), sorted(planned, key=lambda each: (each.starts_at, each.pk))


def _upcoming(user: Any, name: str, limit: int) -> Any:
    """Of the record NUMBER, twice."""
    here = Q(**{f"{name}_id": NUMBER})
    tasks = Task.objects.visible_to(user).filter(here, done_at__isnull=True).order_by(F("due_at").asc(nulls_last=True), "pk")
    same = {each: OuterRef(each) for each in ("series", name, "owner")}
    earlier = Meeting._base_manager.filter(**same, starts_at__lt=OuterRef("starts_at"), held_at__isnull=True, deleted_at__isnull=True)
    meetings = Meeting.objects.visible_to(user).filter(~Exists(earlier), here, held_at__isnull=True).order_by("starts_at", "pk")  # the next of a series
    nothing = (Value(None, DateField()), Value(None, TimeField()))
    both = tasks.annotate(is_meeting=Value(False)).values_list("is_meeting", *PLANNED, "due_on", "due_time", "due_at", "kind", "owner__name")[:limit]
    more = meetings.annotate(is_meeting=Value(True)).values_list("is_meeting", *PLANNED, *nothing, "starts_at", Value(""), "owner__name")[:limit]
    return both.union(more, all=True)
