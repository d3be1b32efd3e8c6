"""The shortest way through a bulk change."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils import timezone

from crm.core.bulk import services, work
from crm.core.bulk.selection import Chosen
from crm.core.list_query import ListQuery
from crm.core.models import BulkJob
from crm.core.records import record_for


def asked(slug: str, action: str, user: Any, **data: Any) -> tuple[Any, Any, Any]:
    """Record type, action and its valid form."""
    record = record_for(slug)
    assert record is not None
    bulk = record.bulk_action(action)
    assert bulk is not None
    sent = QueryDict(mutable=True)
    for name, value in data.items():
        sent.setlist(name, [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)])
    form = bulk.form(sent, user=user) if bulk.form else None
    assert form is None or form.is_valid(), form.errors
    return record, bulk, form


def begin(slug: str, action: str, user: Any, query: str = "", **data: Any) -> BulkJob:
    """Leave everything that matches `query` to the worker, however little it is."""
    record, bulk, form = asked(slug, action, user, **data)
    return services.begin(record, bulk, Chosen(None, ListQuery.stored(record, user, query).listing.count_all(), query), form, actor=user)


def worked(job: BulkJob) -> BulkJob:
    BulkJob.objects.filter(pk=job.pk).update(lease_until=timezone.now())  # whoever had it is gone
    work.run(job.pk)
    return BulkJob.objects.get(pk=job.pk)


def change_all(slug: str, action: str, user: Any, query: str = "", **data: Any) -> BulkJob:
    return worked(begin(slug, action, user, query, **data))


def undone(job: BulkJob, user: Any) -> BulkJob:
    row = services.undo(job, actor=user)
    assert row is not None
    return worked(row) if row.large else row
