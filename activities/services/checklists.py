"""Checklists: the steps of a task, each with a tick. All lock the task, whose row counts them for the lists."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import ChecklistItem, Task
from crm.core.writes import lock

MOST_ITEMS, LONGEST = 100, 200


def _text(text: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if not text:
        raise ValidationError({"text": [_("Write something first.")]})
    if len(text) > LONGEST:
        raise ValidationError({"text": [_("This is too long: at most 200 characters.")]})
    return text


def _locked(task: Task) -> Task:
    row = lock(task)
    if row.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    return row


def _count(task: Task) -> None:
    items = ChecklistItem.objects.filter(task=task)
    Task._base_manager.filter(pk=task.pk).update(items_total=items.count(), items_done=items.filter(done_at__isnull=False).count())


@transaction.atomic
def add_item(task: Task, *, text: str, actor: Any) -> ChecklistItem:
    """One more step, at the end. ValidationError by field name."""
    row, text = _locked(task), _text(text)
    last = row.items.last()
    if row.items.count() >= MOST_ITEMS:
        raise ValidationError({"text": [_("A checklist has at most 100 steps.")]})
    item = ChecklistItem.objects.create(task=row, text=text, position=last.position + 1 if last else 0)
    _count(row)
    return item


@transaction.atomic
def change_item(item: ChecklistItem, *, actor: Any, text: str | None = None, done: bool | None = None) -> ChecklistItem:
    """Rename a step, tick it or take the tick back; doing so twice changes nothing more."""
    task = _locked(item.task)
    row = task.items.get(pk=item.pk)
    if text is not None:
        row.text = _text(text)
    if done is not None and done != (row.done_at is not None):
        row.done_at = timezone.now() if done else None
    row.save(update_fields=["text", "done_at"])
    _count(task)
    return row


@transaction.atomic
def move_item(item: ChecklistItem, by: int, *, actor: Any) -> None:
    """One place up (-1) or down (1); at the end nothing happens."""
    items = list(_locked(item.task).items.all())
    old = next((place for place, each in enumerate(items) if each.pk == item.pk), None)
    if old is None or not 0 <= old + by < len(items):
        return
    items.insert(old + by, items.pop(old))
    for place, each in enumerate(items):
        each.position = place
    ChecklistItem.objects.bulk_update(items, ["position"])


@transaction.atomic
def remove_item(item: ChecklistItem, *, actor: Any) -> None:
    """Away with a step."""
    task = _locked(item.task)
    task.items.filter(pk=item.pk).delete()
    _count(task)
