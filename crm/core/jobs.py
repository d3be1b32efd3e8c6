"""Long work in the worker, chunk by chunk (docs/decisions/imports.md, bulk.md). The row is the ledger, a Celery message only the doorbell.

Each chunk commits together with the mark of how far the job is, so a killed worker loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import pghistory
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone, translation

from crm.core import replica
from crm.core.access import PersonalPolicy, RecordQuerySet

LEASE = timedelta(seconds=30)  # longer than any chunk takes; a killed worker's job is free again after it
SLICE = 100.0  # seconds that one task works; then another job has its turn
ATTEMPTS = 5  # without a chunk done


class Job(models.Model):
    """Base: whose it is, about which records, and who works on it until when. Subclasses add `state` and name the WORKING ones."""

    WORKING: ClassVar[tuple[str, ...]] = ()

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    record_slug = models.CharField(max_length=40)
    state = models.CharField(max_length=10)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)  # without progress

    objects = RecordQuerySet.as_manager()
    access_policy = PersonalPolicy("user_id", admins=True)

    class Meta:
        abstract = True


J = TypeVar("J", bound=Job)


class NotPossible(Exception):
    """The job can't go on; the text says why, for the person who asked."""


def kinds() -> tuple[type[Job], ...]:
    from crm.core.bulk.models import BulkJob
    from crm.core.models import ImportJob

    return ImportJob, BulkJob


def ring(job: Job) -> None:
    """Wake a worker after the commit; latency only, the sweep would find the row."""
    transaction.on_commit(lambda: _ring(type(job), job.pk), robust=True)


def _ring(kind: type[Job], pk: int) -> None:
    from crm.core import tasks

    task = tasks.run_import if kind.__name__ == "ImportJob" else tasks.run_bulk
    task.delay(pk)


def sweep(limit: int = 3) -> None:
    """Ring for what nobody works on, the longest waiting first: the message was lost, the worker was killed, or another job had its turn."""
    now = timezone.now()
    due = [
        (at, pk, kind)
        for kind in kinds()
        for pk, at in kind.objects.filter(state__in=kind.WORKING, lease_until__lt=now).order_by("lease_until").values_list("pk", "lease_until")[:limit]
    ]
    for _at, pk, kind in sorted(due, key=lambda each: each[0])[:limit]:
        _ring(kind, pk)


@transaction.atomic
def claim(kind: type[J], job_id: int, give_up: Callable[[J, str], None]) -> J | None:
    """Count the attempt and take the lease in a transaction of its own, so that a chunk that kills its process still counts."""
    at = timezone.now()
    for other in kinds():
        held = other.objects.filter(state__in=other.WORKING, lease_until__gt=at)
        if (held.exclude(pk=job_id) if other is kind else held).exists():
            return None  # one at a time, of whatever kind: two would leave no process for reminders and mail; the sweep comes back to this one
    due = kind.objects.filter(state__in=kind.WORKING, pk=job_id, lease_until__lte=at)
    job: J | None = due.select_for_update(skip_locked=True, of=("self",)).select_related("user__role", "user__team").first()
    if job is None:
        return None
    if job.attempts >= ATTEMPTS:
        with translation.override(job.user.language):
            give_up(job, translation.gettext("It was tried several times and did not get on. What is done so far stays."))
        return None
    job.attempts += 1
    job.lease_until = at + LEASE
    job.save(update_fields=["attempts", "lease_until"])
    return job


def held(job: J) -> J | None:
    """The row as it is now, locked, with its user's present role and team; None when it is gone."""
    rows: Any = type(job).objects.select_for_update(of=("self",)).select_related("user__role", "user__team")
    return rows.filter(pk=job.pk).first()


def go_on(job: Job, work: Callable[[], bool]) -> None:
    """Chunk after chunk while there is work and time; then give the lease back and ring for whoever waits longest."""
    end = time.monotonic() + SLICE
    while work():
        if time.monotonic() > end:
            type(job).objects.filter(pk=job.pk).update(lease_until=timezone.now())
            transaction.on_commit(lambda: sweep(1), robust=True)
            return


@contextmanager
def acting_for(job: Job, **marks: Any) -> Iterator[None]:
    """In the language and the zone of who asked; the audit knows the job, and their lists show what it did."""
    with translation.override(job.user.language), timezone.override(job.user.zone), pghistory.context(user=job.user_id, **marks):
        try:
            yield
        finally:
            replica.note(job.user_id)
