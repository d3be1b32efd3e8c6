"""What a person does with an import: begin, choose, start, undo, discard. The worker does the rest (crm.core.imports.work)."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.access import arms_for, may_add
from crm.core.imports.reading import look_at
from crm.core.imports.targets import guess, targets_of
from crm.core.jobs import ring
from crm.core.models import ImportJob
from crm.core.records import RecordType, record_for

LARGEST = 200 * 1024 * 1024  # bytes
State = ImportJob.State
FRESH = {"rows": 0, "good": 0, "bad": 0, "same": 0, "position": 0, "error": "", "finished_at": None}


@transaction.atomic
def begin(record: RecordType, upload: UploadedFile, *, actor: Any) -> ImportJob:
    """Keep the file and guess what its columns are. ValidationError when it is too large or can't be read."""
    if not may_add(actor, record.model):
        raise ValidationError(_("You may not add records of this kind."), code="permission")
    if (upload.size or 0) > LARGEST:
        raise ValidationError(_("This file is larger than %(n)s MB. Split it.") % {"n": LARGEST >> 20}, code="size")
    found = asdict(look_at(upload.file))  # type: ignore[arg-type]
    mapping = guess(record, targets_of(record, actor), found["headings"], found["samples"])
    job = ImportJob(user=actor, record_slug=record.slug, file_name=(upload.name or "")[-200:], size=upload.size or 0, mapping=mapping, **found)
    upload.seek(0)
    job.file.save(f"{uuid.uuid4()}.csv", upload, save=False)
    job.save(force_insert=True)
    return job


@transaction.atomic
def choose(job: ImportJob, mapping: dict[str, str], options: dict[str, Any], *, actor: Any) -> ImportJob:
    """Set what becomes what, and have every row checked. Chosen again, it is checked again; what runs or is done stays."""
    row = _locked(job)
    if row.state in (State.MAPPING, State.CHECKING, State.CHECKED) or (row.state == State.FAILED and not row.made.exists()):
        row.mapping, row.options = mapping, {**options, "by": actor.pk}
        _enter(row, State.CHECKING)
    return row


@transaction.atomic
def start(job: ImportJob) -> ImportJob:
    """Import what was checked. Pressed twice it starts once."""
    row = _locked(job)
    if row.state == State.CHECKED:
        _enter(row, State.RUNNING)
    return row


@transaction.atomic
def undo(job: ImportJob, *, actor: Any) -> ImportJob:
    """Put what this import has made, and nobody has touched since, into the bin as one group."""
    row = _locked(job)
    if can_undo(row, actor):
        row.options = {**row.options, "undone_by": actor.pk}
        row.deletion_group = uuid.uuid4()
        row.undone = row.kept = 0
        _enter(row, State.UNDOING)
    return row


def can_undo(job: ImportJob, actor: Any) -> bool:
    """There is something left to undo, and the actor may delete such records."""
    record = record_for(job.record_slug)
    ended = job.state in (State.DONE, State.FAILED)
    return ended and record is not None and bool(arms_for(actor, "delete", record.model)) and job.made.filter(undone=False).exists()


@transaction.atomic
def discard(job: ImportJob) -> bool:
    """Forget an import that has written nothing. False when it has."""
    row = _locked(job)
    if row.state == State.RUNNING or row.made.exists():
        return False
    transaction.on_commit(lambda: row.file.delete(save=False), robust=True)
    ImportJob.objects.filter(pk=row.pk).delete()
    return True


def _locked(job: ImportJob) -> ImportJob:
    return ImportJob.objects.select_for_update(of=("self",)).select_related("user__role").get(pk=job.pk)


def _enter(row: ImportJob, state: str) -> None:
    """Begin a phase at the first row and ring for a worker. The reasons of the phase before are those of that phase."""
    if state == State.CHECKING:
        row.chunks.all().delete()
        for name, value in FRESH.items():
            setattr(row, name, value)
    if state != State.UNDOING:
        row.problems.all().delete()
    row.state, row.attempts, row.lease_until = state, 0, timezone.now()
    row.save()
    ring(row)
