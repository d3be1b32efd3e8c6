"""The worker's side. The row is the ledger: each chunk commits together with the mark of how far the import is, so a killed worker loses nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import ClassVar

import pghistory
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone, translation

from crm.core.events import Event, emit
from crm.core.imports import undo
from crm.core.imports.chunks import check_rows, write_rows
from crm.core.imports.plan import NotPossible, Plan
from crm.core.imports.reading import Line, read
from crm.core.imports.services import ring
from crm.core.models import ImportJob
from crm.core.writes import CHUNK

log = logging.getLogger(__name__)
State = ImportJob.State
LEASE = timedelta(seconds=30)  # longer than any chunk takes; a killed worker's import is free again after it
SLICE = 200.0  # seconds that one task works; then another one goes on
ATTEMPTS = 5  # without a chunk done


@dataclass(frozen=True, kw_only=True)
class ImportFinished(Event):
    """An import is checked, done, undone or has failed; the subject is the user who asked."""

    name: ClassVar[str] = "core.import_finished"
    subject_type: ClassVar[str] = "users.user"
    job_id: int
    state: str


def sweep() -> None:
    """Ring for what nobody works on: the message was lost or the worker was killed."""
    from crm.core.tasks import run_import

    for pk in ImportJob.objects.filter(state__in=ImportJob.WORKING, lease_until__lt=timezone.now()).values_list("pk", flat=True)[:3]:
        run_import.delay(pk)


def run(job_id: int) -> None:
    """Work on one import until it is finished or the time is up. Twice at once does no harm: one of the two finds the mark moved and goes."""
    job = _claim(job_id)
    if job is None:
        return
    with translation.override(job.user.language), timezone.override(job.user.zone), pghistory.context(user=job.user_id, import_job=job.pk):
        try:
            if job.state == State.UNDOING:
                _go_on(job, lambda: undo_some(job))
            else:
                _read_on(job)
        except NotPossible as error:
            _fail(job, str(error))
        except FileNotFoundError:
            _fail(job, translation.gettext("The file is no longer there. Upload it again."))


@transaction.atomic
def _claim(job_id: int) -> ImportJob | None:
    """Count the attempt and take the lease in a transaction of its own, so that a chunk that kills its process still counts."""
    at = timezone.now()
    due = ImportJob.objects.filter(pk=job_id, state__in=ImportJob.WORKING, lease_until__lte=at)
    job = due.select_for_update(skip_locked=True, of=("self",)).select_related("user__role", "user__team").first()
    if job is None:
        return None
    if job.attempts >= ATTEMPTS:
        with translation.override(job.user.language):
            _fail(job, translation.gettext("It was tried several times and did not get on. What is done so far stays."))
        return None
    job.attempts += 1
    job.lease_until = at + LEASE
    job.save(update_fields=["attempts", "lease_until"])
    return job


def _read_on(job: ImportJob) -> None:
    """Check or write the rows after the mark."""
    plan = Plan(job)
    with job.file.open("rb") as file:
        if job.state == State.CHECKING and job.rows:
            plan.remember(islice(read(file.file, job), job.rows))
        lines = read(file.file, job, after=job.rows)
        _go_on(job, lambda: step(job, plan, list(islice(lines, CHUNK)), file.file.tell()))


def _go_on(job: ImportJob, work: Callable[[], bool]) -> None:
    """Chunk after chunk while there is work and time; then give the lease back and ring."""
    end = time.monotonic() + SLICE
    while work():
        if time.monotonic() > end:
            ImportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now())
            ring(job.pk)
            return


@transaction.atomic
def step(job: ImportJob, plan: Plan, lines: Sequence[Line], position: int) -> bool:
    """One chunk. False when it was the last, or when somebody else has moved the mark."""
    row = _held(job)
    if row is None:
        return False
    if not lines:
        _finish(row, State.CHECKED if row.state == State.CHECKING else State.DONE)
        return False
    (check_rows if row.state == State.CHECKING else write_rows)(row, plan, lines)
    row.rows, row.position = lines[-1].row, position
    _keep(row)
    job.rows = row.rows
    return True


@transaction.atomic
def undo_some(job: ImportJob) -> bool:
    """One chunk of what was made goes into the bin. False when there is none left."""
    row = _held(job)
    if row is None:
        return False
    if not undo.undo_chunk(row):
        _finish(row, State.UNDONE)
        return False
    _keep(row)
    return True


def _held(job: ImportJob) -> ImportJob | None:
    """The row, locked, if the import is still where this worker left it."""
    try:
        row = ImportJob.objects.select_for_update(of=("self",)).select_related("user__role", "user__team").get(pk=job.pk)
    except ObjectDoesNotExist:
        return None
    return row if (row.state, row.rows) == (job.state, job.rows) else None


def _keep(row: ImportJob) -> None:
    row.attempts, row.lease_until = 0, timezone.now() + LEASE
    row.save(update_fields=["rows", "position", "good", "bad", "same", "undone", "kept", "attempts", "lease_until"])


def _finish(row: ImportJob, state: str, error: str = "") -> None:
    row.state, row.error, row.finished_at = state, error, timezone.now()
    row.save(update_fields=["state", "error", "finished_at"])
    emit(ImportFinished(subject_ids=(row.user_id,), actor_id=None, job_id=row.pk, state=state))


@transaction.atomic
def _fail(job: ImportJob, error: str) -> None:
    _finish(job, State.FAILED, error)
