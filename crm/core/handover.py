"""When somebody leaves: their records go to a successor (hook "deactivate")."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.core import writes
from crm.core.models import Record
from crm.core.records import record_types


@transaction.atomic
def hand_over_records(user: Any, successor: Any, actor: Any) -> int:
    """All that `user` owns, bin aside, gets the new owner, in chunks with one event each; returns how many. Without a successor nothing moves."""
    changed = 0
    if successor is None:
        return changed
    for record in record_types():
        if not issubclass(record.model, Record):
            continue
        ids = list(record.model._base_manager.filter(owner=user, deleted_at__isnull=True).order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(ids), writes.CHUNK):
            changed += writes.change_records(record.model, ids[start : start + writes.CHUNK], {"owner": successor}, actor=actor)
    return changed
