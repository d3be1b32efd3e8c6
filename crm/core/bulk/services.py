"""What a person does with a bulk change: begin, cancel, undo. The worker does the rest of the large ones (crm.core.bulk.work)."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import Truncator

from crm.core.access import arms_for
from crm.core.bulk import undo as undoing
from crm.core.bulk.chunks import carry_out
from crm.core.bulk.models import BulkChunk, BulkJob
from crm.core.bulk.selection import Chosen
from crm.core.copying import CHUNK
from crm.core.jobs import held, ring
from crm.core.records import BulkAction, RecordType, record_for

State = BulkJob.State


def sent(form: Any) -> dict[str, list[str]]:
    """What was sent for the fields of a form (a widget may have several names): enough to ask the form again later."""
    if form is None:
        return {}
    names = tuple(form.fields)
    return {key: form.data.getlist(key) for key in form.data if key.startswith(names)}


def in_words(form: Any) -> str:
    """What was answered, as the history tells it: "New owner: Ada Reed"."""
    told = []
    for name, field in form.fields.items() if form is not None else ():
        value = form.cleaned_data.get(name)
        if value in (None, "", []) or field.widget.is_hidden:
            continue
        labels = {str(key): str(label) for key, label in getattr(field, "choices", ()) or ()} if not hasattr(field, "queryset") else {}
        values = value if isinstance(value, (list, tuple)) else [value]
        told.append(f"{field.label}: {', '.join(labels.get(str(each), str(each)) for each in values)}")
    return Truncator("; ".join(told)).chars(300)


@transaction.atomic
def change_now(record: RecordType, action: BulkAction, rows: Chosen, form: Any, *, actor: Any) -> BulkJob:
    """Change a small selection at once. ValidationError, with nothing changed, when every row was refused."""
    assert rows.ids is not None
    job = BulkJob.objects.create(
        user=actor,
        record_slug=record.slug,
        action=action.name,
        ticked=True,
        data=sent(form),
        said=in_words(form),
        rows=rows.count,
        state=State.RUNNING,
        started_at=timezone.now(),
    )
    chunk = BulkChunk.objects.create(job=job, first=0, ids=rows.ids)
    carry_out(job, chunk, record, action, form.cleaned_data if form else {}, actor)
    job.skipped += rows.count - len(rows.ids)
    if job.bad and not job.changed and not job.same:
        raise undoing.refusal(job)
    job.state, job.finished_at = State.DONE, timezone.now()
    job.save()
    return job


@transaction.atomic
def begin(record: RecordType, action: BulkAction, rows: Chosen, form: Any, *, actor: Any) -> BulkJob:
    """Leave a large selection to the worker. The same asked again while it is not done is the same job, from whatever tab."""
    with connection.cursor() as cursor:  # two clicks at once must not both find that nothing runs
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"bulk change of {actor.pk}"])
    data = sent(form)
    asked = {"user": actor, "record_slug": record.slug, "action": action.name, "ticked": rows.ids is not None, "query": rows.query, "data": data}
    if rows.ids is None and (same := BulkJob.objects.filter(**asked, state__in=[State.COLLECTING, State.RUNNING]).first()):
        return same
    job = BulkJob.objects.create(**asked, said=in_words(form), rows=rows.count)
    if rows.ids is not None:  # ticked, but too many for the request
        note_ids(job, rows.ids)
        job.state, job.started_at, job.skipped = State.RUNNING, timezone.now(), rows.count - len(rows.ids)
        job.save(update_fields=["state", "started_at", "skipped"])
    ring(job)
    return job


def note_ids(job: BulkJob, ids: list[int]) -> None:
    """Fix which rows it is about."""
    size = CHUNK // 2  # half a second of work, so that nobody waits long for a row
    BulkChunk.objects.bulk_create([BulkChunk(job=job, first=start, ids=ids[start : start + size]) for start in range(0, len(ids), size)], batch_size=CHUNK)


@transaction.atomic
def cancel(job: BulkJob) -> BulkJob | None:
    """Stop after the chunk that is being worked on; what is done stays and can be undone."""
    row = held(job)
    if row is not None and row.state in (State.COLLECTING, State.RUNNING):
        undoing.finish(row, State.CANCELLED)
    return row


def can_undo(job: BulkJob, actor: Any) -> bool:
    """There is something left to undo, and the actor still has the grant for such a change."""
    record = record_for(job.record_slug)
    action = record.bulk_action(job.action) if record else None
    if record is None or action is None or job.state not in BulkJob.ENDED or not arms_for(actor, action.permission, record.model):
        return False
    return job.chunks.filter(done_at__isnull=False, undone=False, entries__isnull=False).exists()


@transaction.atomic
def undo(job: BulkJob, *, actor: Any) -> BulkJob | None:
    """Put back every value that is still as this job left it: a small one at once, a large one by the worker."""
    row = held(job)
    if row is None or not can_undo(row, actor):
        return row
    row.undone_by, row.undone, row.kept, row.error = actor, 0, 0, ""
    row.state, row.attempts, row.lease_until, row.started_at = State.UNDOING, 0, timezone.now(), timezone.now()
    row.problems.filter(undoing=True).delete()
    row.save()
    if row.large:
        ring(row)
        return row
    while undoing.undo_chunk(row):
        continue
    undoing.finish(row, State.UNDONE)
    return row
