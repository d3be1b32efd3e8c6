"""Into the bin and out of it (docs/decisions/writes.md), and what somebody finds there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import models
from django.utils import timezone

from crm.core import ledger
from crm.core.access import not_hidden
from crm.core.copying import in_service
from crm.core.records import RecordType, record_types
from crm.core.writes import tell, unless_taken, writable


@in_service
def delete_records(model: type[models.Model], ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Put the rows that the actor may delete into the bin, as one group that is restored together.

    `group` goes on with one whose right was asked for as a whole: an undo takes back what it made, whoever it was given to.
    """
    rows = writable(model, ids, None if group else actor, "delete").select_for_update(of=("self",)).order_by("pk")
    running = ledger.current()
    group = group or (running.group if running else uuid.uuid4())
    found = list(rows.values_list("pk", flat=True))
    if found:
        model._base_manager.filter(pk__in=found).update(deleted_at=timezone.now(), deleted_by=actor, deletion_group=group)  # type: ignore[attr-defined]
        tell(model, "deleted", found, actor, group=group)
        ledger.remember_gone(model._meta.label_lower, found)
    return group


@in_service
def restore_group(group: uuid.UUID, *, actor: Any, models_with_bin: Iterable[type[models.Model]]) -> int:
    """Take everything of one deletion out of the bin; returns how many rows came back."""
    return sum(len(restore_rows(model, group, actor=actor)) for model in models_with_bin)


@in_service
def restore_rows(model: Any, group: uuid.UUID, *, actor: Any, ids: Iterable[int] | None = None) -> list[int]:
    """Take the rows of one deletion, or those of them with these ids, out of the bin; returns their ids."""
    rows = model._base_manager.select_for_update().filter(deletion_group=group, deleted_at__isnull=False).order_by("pk")
    found = list((rows if ids is None else rows.filter(pk__in=list(ids))).values_list("pk", flat=True))
    if found:
        back = model._base_manager.filter(pk__in=found)
        unless_taken(partial(back.update, deleted_at=None, deleted_by=None, deletion_group=None))
        tell(model, "restored", found, actor, group=group)
    return found


def in_bin(record: RecordType, user: Any) -> Any:
    """Deleted rows that the user may take out: what they deleted themselves, all for those with the whole delete grant."""
    rows = record.model._base_manager.filter(not_hidden(user, record.model), deleted_at__isnull=False)
    return rows if user.scope_for(record.model_label, "delete") == "all" else rows.filter(deleted_by=user)


def bin_groups(user: Any) -> list[dict[str, Any]]:
    """The newest 200 deletions, one entry each, with what went together."""
    groups: dict[Any, dict[str, Any]] = {}
    for record in record_types():
        for obj in in_bin(record, user).select_related("deleted_by").order_by("-deleted_at")[:200]:
            entry = groups.setdefault(obj.deletion_group, {"group": obj.deletion_group, "at": obj.deleted_at, "by": obj.deleted_by, "items": []})
            entry["items"].append({"label": record.label, "icon": record.icon, "title": str(obj)})
    return sorted(groups.values(), key=lambda entry: entry["at"], reverse=True)[:200]
