"""The worker's side. The row is the ledger: each chunk commits together with the mark of how far the import is, so a killed worker loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone, translation

from crm.core import jobs
from crm.core.copying import CHUNK
from crm.core.events import Event, emit
from crm.core.imports import undo
from crm.core.imports.chunks import check_rows, write_rows
from crm.core.imports.plan import Plan
from crm.core.imports.reading import Line, read
from crm.core.jobs import NotPossible
from crm.core.models import ImportJob

log = logging.getLogger(__name__)
State = ImportJob.State
LANES = 2


@dataclass(frozen=True, kw_only=True)
class ImportFinished(Event):
    """An import is checked, done, undone or has failed; the subject is the user who asked."""

    name: ClassVar[str] = "core.import_finished"
    subject_type: ClassVar[str] = "users.user"
    job_id: int
    state: str


def run(job_id: int) -> None:
    """Work on one import until it is finished or the time is up. Twice at once does no harm: a chunk is one worker's, a moved mark nobody's."""
    job = jobs.claim(ImportJob, job_id, _fail)
    if job is None:
        return
    with jobs.acting_for(job, import_job=job.pk):
        try:
            if job.state == State.CHECKING:
                _check_on(job)
            elif job.state == State.RUNNING:
                _write_on(job)
            else:
                jobs.go_on(job, lambda: undo_some(job))
        except NotPossible as error:
            _fail(job, str(error))
        except FileNotFoundError:
            _fail(job, translation.gettext("The file is no longer there. Upload it again."))


def _check_on(job: ImportJob) -> None:
    """Check the rows after the mark."""
    plan = Plan(job)
    with job.file.open("rb") as file:
        plan.remember(islice(read(file.file, job), job.rows))
        lines = read(file.file, job, after=job.rows)
        jobs.go_on(job, lambda: check_some(job, plan, list(islice(lines, CHUNK)), file.file.tell()))


@transaction.atomic
def check_some(job: ImportJob, plan: Plan, lines: Sequence[Line], position: int) -> bool:
    """One chunk. False when it was the last, or when somebody else has moved the mark."""
    row = _held(job)
    if row is None:
        return False
    if not lines:
        _finish(row, State.CHECKED)
        return False
    counts = check_rows(row, plan, lines)
    row.rows, row.position = lines[-1].row, position
    row.good, row.bad, row.same = row.good + counts.good, row.bad + counts.bad, row.same + counts.same
    _keep(row)
    job.rows = row.rows
    return True


def _write_on(job: ImportJob) -> None:
    """Lanes that take chunks until none is free. While one waits for PostgreSQL, the other one prepares rows."""
    Plan(job)  # not allowed any more: say so before anything is begun
    if LANES == 1:
        _lane(job)
    else:
        with ThreadPoolExecutor(LANES) as pool:
            for lane in [pool.submit(_apart, job) for _number in range(LANES)]:
                lane.result()
    _close(job)


def _apart(job: ImportJob) -> None:
    """A lane in a thread, which has neither our language nor our connection."""
    try:
        with jobs.acting_for(job, import_job=job.pk):
            _lane(job)
    finally:
        connection.close()


def _lane(job: ImportJob) -> None:
    plan = Plan(job)
    with job.file.storage.open(str(job.file.name), "rb") as file:  # a position of its own: `job.file` is one for all lanes
        lines = Rows(file.file, job)
        jobs.go_on(job, lambda: write_some(job, plan, lines))


@transaction.atomic
def write_some(job: ImportJob, plan: Plan, lines: Rows) -> bool:
    """One free chunk. False when there is none. The job's own row is not locked meanwhile, or the lanes would wait for each other."""
    chunk = job.chunks.filter(done=False).order_by("first_row").select_for_update(skip_locked=True, of=("self",)).first()
    if chunk is None:
        return False
    counts = write_rows(job, plan, chunk, lines.between(chunk.first_row, chunk.last_row))
    chunk.good, chunk.bad, chunk.same, chunk.done = counts.good, counts.bad, counts.same, True
    chunk.save(update_fields=["good", "bad", "same", "done"])
    transaction.on_commit(lambda: ImportJob.objects.filter(pk=job.pk).update(attempts=0, lease_until=timezone.now() + jobs.LEASE))
    return True


@transaction.atomic
def _close(job: ImportJob) -> None:
    """Done when all chunks are; else somebody still works on one, and closes."""
    row = _held(job)
    if row is None or row.chunks.filter(done=False).exists():
        return
    _finish(row, State.DONE)


def totals(job: ImportJob) -> tuple[int, int, int]:
    """Good, bad and same rows of the chunks that are written."""
    sums = job.chunks.filter(done=True).aggregate(good=Sum("good"), bad=Sum("bad"), same=Sum("same"))
    return sums["good"] or 0, sums["bad"] or 0, sums["same"] or 0


class Rows:
    """Rows of the file by their numbers; reading on is cheap, going back reads anew."""

    def __init__(self, file: Any, job: ImportJob) -> None:
        self.file, self.job = file, job
        self.at = 0
        self.lines: Any = read(file, job)

    def between(self, first: int, last: int) -> list[Line]:
        if first <= self.at:
            self.lines.close()
            self.lines = read(self.file, self.job)
        found = []
        for line in self.lines:
            if line.row >= first:
                found.append(line)
            if line.row == last:
                break
        self.at = last
        if len(found) != last - first + 1:
            raise NotPossible(translation.gettext("The file is another one than was checked. Upload it again."))
        return found


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
    row = jobs.held(job)
    if row is None:
        return None
    same = (row.state, row.rows, row.mapping, row.options) == (job.state, job.rows, job.mapping, job.options)
    return row if same else None


def _keep(row: ImportJob) -> None:
    row.attempts, row.lease_until = 0, timezone.now() + jobs.LEASE
    row.save(update_fields=["rows", "position", "good", "bad", "same", "undone", "kept", "attempts", "lease_until"])


def _finish(row: ImportJob, state: str, error: str = "") -> None:
    fields = ["state", "error", "finished_at"]
    if row.state == State.RUNNING:
        row.good, row.bad, row.same = totals(row)
        fields += ["good", "bad", "same"]
    row.state, row.error, row.finished_at = state, error, timezone.now()
    row.save(update_fields=fields)
    emit(ImportFinished(subject_ids=(row.user_id,), actor_id=None, job_id=row.pk, state=state))


@transaction.atomic
def _fail(job: ImportJob, error: str) -> None:
    _finish(job, State.FAILED, error)
