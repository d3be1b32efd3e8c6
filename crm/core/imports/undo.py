"""Taking back an import: what it made and nobody has touched since."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from crm.core.jobs import NotPossible
from crm.core.models import ImportJob, ImportMade, OutboxEvent
from crm.core.records import RecordType, record_for, record_types
from crm.core.writes import user_or_none

# What tells of the making and unmaking itself.
OWN_EVENTS = ("created", "deleted", "restored")


def undo_chunk(job: ImportJob) -> bool:
    """One chunk into the bin, the newest first and linked records (a contact's company) last. False when there is none left. The job is locked."""
    left = ImportMade.objects.filter(job=job, undone=False)
    made = left.filter(record_slug=job.record_slug).order_by("-first_row").first() or left.order_by("-first_row").first()
    if made is None:
        return False
    record = record_for(made.record_slug)
    actor = user_or_none(job.options.get("undone_by"))
    if record is None or actor is None or not actor.is_active:
        raise NotPossible(_("Who wanted it undone is no longer active."))
    alive = set(record.model._base_manager.filter(pk__in=made.ids, deleted_at__isnull=True).values_list("pk", flat=True))
    free = alive - touched(record, alive, made.at)
    group = record.delete(sorted(free), actor=actor, group=job.deletion_group)
    gone = record.model._base_manager.filter(pk__in=free, deletion_group=group).count()
    job.undone += gone
    job.kept += len(alive) - gone
    made.undone = True
    made.save(update_fields=["undone"])
    return True


def touched(record: RecordType, ids: set[int], since: Any) -> set[int]:
    """Those that somebody has changed, written on, planned for or linked to since."""
    model = record.model
    names = {field.name for field in model._meta.concrete_fields}
    signs = ~Q(version=1)
    if "last_activity_at" in names:
        signs |= Q(last_activity_at__isnull=False) | ~Q(next_step_kind="")
    found = set(model._base_manager.filter(signs, pk__in=ids).values_list("pk", flat=True))
    own = [f"{record.model_label}.{verb}" for verb in OWN_EVENTS]
    events = OutboxEvent.objects.filter(subject_type=record.model_label, occurred_at__gt=since).exclude(name__in=own)
    for subjects in events.filter(subject_ids__overlap=sorted(ids)).values_list("subject_ids", flat=True):
        found |= ids & set(subjects)
    for other in record_types():
        for field in other.model._meta.concrete_fields:
            if field.related_model is model:
                rows = other.model._base_manager.filter(deleted_at__isnull=True, **{f"{field.name}__in": ids})
                rows = rows.exclude(pk__in=ids) if other.model is model else rows
                found |= set(rows.values_list(f"{field.name}_id", flat=True))
    return found
