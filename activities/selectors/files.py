"""Files of a record, as far as the reader may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Window

from activities.models import SUBJECTS, Attachment

SHOWN = 5  # rows of the card


@dataclass(frozen=True)
class Files:
    """The newest of them, and how many there are in all."""

    rows: list[Attachment]
    count: int


def files_of(user: Any, record: Any, limit: int = SHOWN) -> Files:
    """The record's own files and those of what hangs on it (a company's deals), newest first, in one statement."""
    rows = Attachment.objects.visible_to(user).filter(**{record._meta.model_name: record}).annotate(total=Window(Count("*")))
    columns = ("name", "size", "picture", "created_at", "subject_type", *(f"{name}_id" for name in SUBJECTS), "created_by__name", "created_by__email")
    found = list(rows.select_related("created_by").only(*columns)[:limit])
    return Files(found, found[0].total if found else 0)


def file_at(user: Any, pk: int) -> Attachment | None:
    """A file that the user may see."""
    return Attachment.objects.visible_to(user).filter(pk=pk).first() if pk < 2**63 else None


def removable(user: Any, rows: list[Attachment]) -> set[int]:
    """The ids of those that the user may delete."""
    foreign = [row.pk for row in rows if row.created_by_id != user.pk]
    others = Attachment.objects.visible_to(user, "change").filter(pk__in=foreign).values_list("pk", flat=True) if foreign else ()
    return {row.pk for row in rows if row.created_by_id == user.pk} | set(others)
