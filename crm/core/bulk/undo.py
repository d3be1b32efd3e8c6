"""Taking back a bulk change: every value that is still as it was left. A row that somebody has changed since is left alone and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.bin import restore_rows
from crm.core.bulk.models import BulkChunk, BulkEntry, BulkJob, BulkProblem
from crm.core.events import Event, emit
from crm.core.imports.undo import touched
from crm.core.jobs import NotPossible
from crm.core.ledger import reason_of
from crm.core.records import record_for
from crm.core.reverts import put_back
from crm.core.writes import user_or_none

Kind = BulkEntry.Kind
State = BulkJob.State


@dataclass(frozen=True, kw_only=True)
class BulkFinished(Event):
    """A large bulk change is done, undone, cancelled or has failed; the subject is the user who asked."""

    name: ClassVar[str] = "core.bulk_finished"
    subject_type: ClassVar[str] = "users.user"
    job_id: int
    state: str


@dataclass(frozen=True, kw_only=True)
class BulkAssigned(Event):
    """Colleagues were given rows by a large bulk change, said once at its end; the subjects are these colleagues.

    `given`: {label of the record type: {user id as text: how many}}.
    """

    name: ClassVar[str] = "core.bulk_assigned"
    subject_type: ClassVar[str] = "users.user"
    job_id: int
    given: dict[str, dict[str, int]]


def finish(job: BulkJob, state: str, error: str = "") -> None:
    """End the phase. The job is locked. What a large one did is told here, once."""
    was = job.state
    job.state, job.error, job.finished_at = state, error, timezone.now()
    job.save()
    if not job.large:
        return
    emit(BulkFinished(subject_ids=(job.user_id,), actor_id=None, job_id=job.pk, state=state))
    given: dict[str, Counter[str]] = {}
    if was == State.RUNNING:
        for counts in job.chunks.exclude(given={}).values_list("given", flat=True):
            for label, owners in counts.items():
                given.setdefault(label, Counter()).update(owners)
    people = {int(owner) for owners in given.values() for owner in owners}
    if people:
        told = {label: dict(owners) for label, owners in given.items()}
        emit(BulkAssigned(subject_ids=tuple(sorted(people)), actor_id=job.user_id, job_id=job.pk, given=told))


def refusal(job: BulkJob) -> ValidationError:
    """The reasons of a change that reached no row, each once."""
    return ValidationError(list(dict.fromkeys(job.problems.values_list("reason", flat=True))))


def undo_chunk(job: BulkJob) -> bool:
    """Take one chunk back, the last one first. False when there is none left. The job is locked."""
    chunk = job.chunks.filter(done_at__isnull=False, undone=False).order_by("-first").first()
    if chunk is None:
        return False
    actor = user_or_none(job.undone_by_id)
    if actor is None or not actor.is_active:
        raise NotPossible(_("Who wanted it undone is no longer active."))
    for entry in chunk.entries.order_by("-id"):
        _take_back(job, chunk, entry, actor)
    chunk.undone = True
    chunk.save(update_fields=["undone"])
    return True


def _take_back(job: BulkJob, chunk: BulkChunk, entry: BulkEntry, actor: Any) -> None:
    model: Any = apps.get_model(entry.label)
    if entry.kind == Kind.CHANGED:
        wanted = {int(pk): row for pk, row in entry.rows.items()}
        back = put_back(model, wanted, actor=actor)
        ids: Iterable[int] = wanted
    elif entry.kind == Kind.GONE:
        back, ids = _out_of_the_bin(job, entry, model, actor), entry.rows
    else:
        back, ids = _unmake(job, chunk, model, entry.rows, actor), entry.rows
    record = record_for(job.record_slug)
    counts = entry.kind == Kind.MADE or (record is not None and record.model is model)  # tasks that went along are no rows of their own
    left = sorted(set(ids) - back)
    known = set(job.problems.filter(label=entry.label, undoing=True, subject_id__in=left).values_list("subject_id", flat=True))
    _report(job, entry.label, set(left) - known, _("Changed since, or no longer there: left as it is."))
    if counts:
        job.undone, job.kept = job.undone + len(back), job.kept + len(left)


def _report(job: BulkJob, label: str, ids: Iterable[int], reason: str) -> None:
    BulkProblem.objects.bulk_create([BulkProblem(job=job, label=label, subject_id=pk, undoing=True, reason=reason) for pk in sorted(ids)], batch_size=1000)


def _out_of_the_bin(job: BulkJob, entry: BulkEntry, model: Any, actor: Any) -> set[int]:
    """All at once; where one of them is refused, because what must be unique has been given away meanwhile, one by one."""
    try:
        with transaction.atomic():
            return set(restore_rows(model, job.deletion_group, actor=actor, ids=entry.rows))
    except ValidationError:
        back = set[int]()
    for pk in entry.rows:
        try:
            with transaction.atomic():
                back.update(restore_rows(model, job.deletion_group, actor=actor, ids=[pk]))
        except ValidationError as error:
            _report(job, entry.label, [pk], reason_of(error, model)[:500])
    return back


def _unmake(job: BulkJob, chunk: BulkChunk, model: Any, ids: list[int], actor: Any) -> set[int]:
    """What was made and nobody has touched since goes into the bin."""
    record = record_for(model)
    if record is None:
        return set()
    alive = set(model._base_manager.filter(pk__in=ids, deleted_at__isnull=True).values_list("pk", flat=True))
    free = alive - touched(record, alive, chunk.done_at)
    record.delete(sorted(free), actor=actor, group=job.deletion_group)
    return free
