"""Some hundred rows in one transaction: changed, noted for the undo, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.bulk.models import BulkChunk, BulkEntry, BulkJob, BulkProblem
from crm.core.ledger import Ledger, keeping, reason_of
from crm.core.records import BulkAction, RecordType

Kind = BulkEntry.Kind


def carry_out(job: BulkJob, chunk: BulkChunk, record: RecordType, action: BulkAction, data: dict[str, Any], actor: Any) -> None:
    """Do the action to the rows of the chunk that are in the actor's reach now, and count on the job. The caller saves the job, in the same transaction."""
    ids = list(record.visible(actor, action.permission).filter(pk__in=chunk.ids).order_by("pk").values_list("pk", flat=True))
    done = Ledger(record.model_label, job.deletion_group, told_at_end=job.large)
    changed = _attempt(action, ids, data, actor, done, turn=job.changed + job.same) if ids else 0
    _note(chunk, done)
    BulkProblem.objects.bulk_create(
        [BulkProblem(job=job, label=record.model_label, subject_id=pk, reason=reason[:500]) for pk, reason in done.refused.items()], batch_size=1000
    )
    job.changed += changed
    job.bad += len(done.refused)
    job.same += len(ids) - changed - len(done.refused)
    job.skipped += len(chunk.ids) - len(ids)
    chunk.done_at = timezone.now()
    chunk.save(update_fields=["done_at", "given"])


def _attempt(action: BulkAction, ids: Sequence[int], data: dict[str, Any], actor: Any, done: Ledger, *, turn: int) -> int:
    """How many rows changed. An error that does not say which row it is about: halve until that one is alone."""
    assert action.run is not None
    part = Ledger(done.label, done.group, done.told_at_end)
    try:
        with transaction.atomic(), keeping(part):
            changed = action.run(ids, actor=actor, data={**data, "turn": turn})
    except (ValidationError, DataError, IntegrityError) as error:
        if len(ids) == 1:
            done.refused[ids[0]] = reason_of(error, apps.get_model(done.label)) if isinstance(error, ValidationError) else _("The database refuses this row.")
            return 0
        middle = len(ids) // 2
        changed = _attempt(action, ids[:middle], data, actor, done, turn=turn)
        return changed + _attempt(action, ids[middle:], data, actor, done, turn=turn + middle)
    done.add(part)
    return changed


def _note(chunk: BulkChunk, done: Ledger) -> None:
    """Keep what every row was, with the version that it has now, and count who was given how many."""
    entries = []
    for label, rows in done.changed.items():
        model: Any = apps.get_model(label)
        now = dict(model._base_manager.filter(pk__in=rows).values_list("pk", "version"))
        before = {str(pk): {"v": now[pk], "old": old} for pk, old in rows.items() if old and pk in now}
        if before:
            entries.append(BulkEntry(chunk=chunk, label=label, kind=Kind.CHANGED, rows=before))
        _count_given(chunk, model, [pk for pk, old in rows.items() if "owner_id" in old] if label == done.label else [])
    for label, ids in done.made.items():
        entries.append(BulkEntry(chunk=chunk, label=label, kind=Kind.MADE, rows=ids))
        _count_given(chunk, apps.get_model(label), ids)
    entries += [BulkEntry(chunk=chunk, label=label, kind=Kind.GONE, rows=ids) for label, ids in done.gone.items() if ids]
    BulkEntry.objects.bulk_create(entries)


def _count_given(chunk: BulkChunk, model: Any, ids: Sequence[int]) -> None:
    if not ids or not any(field.name == "owner" for field in model._meta.concrete_fields):
        return
    owners = Counter(model._base_manager.filter(pk__in=ids, owner__isnull=False).values_list("owner_id", flat=True))
    known = chunk.given.setdefault(model._meta.label_lower, {})
    for owner, number in owners.items():
        known[str(owner)] = known.get(str(owner), 0) + number
