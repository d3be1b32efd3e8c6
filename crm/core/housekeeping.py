"""What is thrown away when it is old enough. Runs every hour; running twice does no harm."""

from __future__ import annotations

from datetime import timedelta

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from crm.core import words
from crm.core.context import hooks
from crm.core.models import BulkJob, Delivery, ExportJob, IdempotencyKey, ImportJob, OutboxEvent
from crm.core.records import record_types

BIN_DAYS = 30
EVENT_DAYS = 90
EXPORT_DAYS = 7
IMPORT_DAYS = 30  # then the file and the lists of what it made go, and with them the undo; the line of the history stays
CHUNK = 500


def run() -> None:
    """Idempotency keys after 24 hours; exports after 7 days; files of imports, what undoes bulk changes and the bin after 30; delivered events after 90;
    sessions that have run out; words of no row."""
    now = timezone.now()
    IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    for job in ExportJob.objects.filter(created_at__lt=now - timedelta(days=EXPORT_DAYS)):
        job.file.delete(save=False)
        job.delete()
    _old_imports(now - timedelta(days=IMPORT_DAYS))
    _old_changes(now - timedelta(days=IMPORT_DAYS))
    _old_events(now)
    empty_bin(now)
    call_command("clearsessions")
    words.refresh_if_old()


def _old_imports(before: object) -> None:
    for job in ImportJob.objects.filter(created_at__lt=before).exclude(file="").exclude(state__in=ImportJob.WORKING):
        job.file.delete(save=False)
        job.problems.all().delete()
        job.chunks.all().delete()
        job.made.all().delete()
        ImportJob.objects.filter(pk=job.pk).update(file="", samples=[])


def _old_changes(before: object) -> None:
    """Bulk changes can no longer be undone; that they were made stays in the history."""
    for job in BulkJob.objects.filter(created_at__lt=before, chunks__isnull=False).exclude(state__in=BulkJob.WORKING).distinct():
        job.problems.all().delete()
        job.chunks.all().delete()
        BulkJob.objects.filter(pk=job.pk).update(data={}, query="")


def _old_events(now: object) -> None:
    old = OutboxEvent.objects.filter(occurred_at__lt=now - timedelta(days=EVENT_DAYS))  # type: ignore[operator]
    undelivered = Delivery.objects.exclude(status=Delivery.Status.DONE).values("event")
    old.exclude(pk__in=undelivered).delete()


def empty_bin(now: object) -> int:
    """Delete for good what has been in the bin for BIN_DAYS; returns how many records went."""
    gone = 0
    for record in record_types():
        rows = record.model._base_manager.filter(deleted_at__lt=now - timedelta(days=BIN_DAYS))  # type: ignore[operator]
        while ids := list(rows.values_list("pk", flat=True)[:CHUNK]):
            with transaction.atomic():
                for erase in hooks("erase"):  # what lies outside the database: composed in crm.wiring
                    erase(record.model, ids)
                record.model._base_manager.filter(pk__in=ids).delete()
            gone += len(ids)
    return gone
