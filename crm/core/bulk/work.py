"""The worker's side of large bulk changes: fix which rows, change them chunk by chunk, or take them back (crm.core.jobs)."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core import jobs
from crm.core.access import arms_for
from crm.core.bulk.chunks import carry_out
from crm.core.bulk.models import BulkJob
from crm.core.bulk.services import note_ids
from crm.core.bulk.undo import finish, undo_chunk
from crm.core.jobs import NotPossible
from crm.core.list_query import BadQuery, ListQuery
from crm.core.records import BulkAction, RecordType, record_for

PAUSE, LONGEST = 0.8, 0.25  # of the time that a chunk took, at most so many seconds: meanwhile other people's requests get both processors
State = BulkJob.State


def run(job_id: int) -> None:
    """Work on one bulk change until it is finished or the time is up. Twice at once does no harm: the row is locked for each chunk."""
    job = jobs.claim(BulkJob, job_id, _fail)
    if job is None:
        return
    with jobs.acting_for(job, bulk_job=job.pk):
        try:
            if job.state == State.COLLECTING:
                collect(job)
            jobs.go_on(job, lambda: _paused(job))
        except (NotPossible, BadQuery) as error:
            _fail(job, str(error))


def _paused(job: BulkJob) -> bool:
    began = time.monotonic()
    more = undo_some(job) if job.state == State.UNDOING else change_some(job)
    time.sleep(min(LONGEST, (time.monotonic() - began) * PAUSE))
    return more


def _asked(job: BulkJob) -> tuple[RecordType, BulkAction]:
    """What is to be done, if who asked may still do it."""
    record = record_for(job.record_slug)
    action = record.bulk_action(job.action) if record else None
    if record is None or action is None:
        raise NotPossible(_("This action does not exist any more."))
    if not arms_for(job.user, action.permission, record.model) or not action.offered(job.user):
        raise NotPossible(_("You may no longer do this. What is done so far stays."))
    return record, action


def _answers(job: BulkJob, action: BulkAction) -> dict[str, Any]:
    """What was asked for, read anew each time: the new owner may have left meanwhile."""
    if action.form is None:
        return {}
    data = QueryDict(mutable=True)
    for name, values in job.data.items():
        data.setlist(name, values)
    form = action.form(data, user=job.user)
    if not form.is_valid():
        raise NotPossible(" ".join(text for texts in form.errors.values() for text in texts))
    return form.cleaned_data


@transaction.atomic
def collect(job: BulkJob) -> None:
    """Fix which rows: all that the list shows to who asked, at this moment."""
    row = jobs.held(job)
    if row is None or row.state != State.COLLECTING:
        return
    record, _action = _asked(row)
    ids = ListQuery.stored(record, row.user, row.query).listing.every_id()
    note_ids(row, ids)
    row.rows, row.state, row.started_at = len(ids), State.RUNNING, timezone.now()
    _keep(row)


@transaction.atomic
def change_some(job: BulkJob) -> bool:
    """One chunk. False when it was the last, or when the job was cancelled."""
    row = jobs.held(job)
    if row is None or row.state != State.RUNNING:
        return False
    record, action = _asked(row)
    chunk = row.chunks.filter(done_at__isnull=True).order_by("first").first()
    if chunk is None:
        finish(row, State.DONE)
        return False
    carry_out(row, chunk, record, action, _answers(row, action), row.user)
    _keep(row)
    return True


@transaction.atomic
def undo_some(job: BulkJob) -> bool:
    """One chunk taken back. False when none is left."""
    row = jobs.held(job)
    if row is None or row.state != State.UNDOING:
        return False
    if not undo_chunk(row):
        finish(row, State.UNDONE)
        return False
    _keep(row)
    return True


def _keep(row: BulkJob) -> None:
    row.attempts, row.lease_until = 0, timezone.now() + jobs.LEASE
    row.save()


@transaction.atomic
def _fail(job: BulkJob, error: str) -> None:
    row = jobs.held(job)
    if row is not None and row.state in BulkJob.WORKING:
        finish(row, State.FAILED, error)
