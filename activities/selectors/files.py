"""Files of a record, as far as the reader may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Window

from activities.models import SUBJECTS, Attachment
from crm.core.compiled import NUMBER, kept

SHOWN = 5  # rows of the card


@dataclass(frozen=True)
class Files:
    """The newest of them, and how many there are in all."""

    rows: list[Attachment]
    count: int


def files_of(user: Any, record: Any, limit: int = SHOWN) -> Files:
    """The record's own files and those of what hangs on it (a company's deals), newest first, in one statement."""
    if not user.is_active:
        return Files([], 0)
    link = record._meta.model_name

    def build() -> Any:
        rows = Attachment.objects.visible_to(user).filter(**{f"{link}_id": NUMBER}).annotate(total=Window(Count("*")))
        columns = ("name", "size", "picture", "created_at", "subject_type", *(f"{name}_id" for name in SUBJECTS), "created_by__name", "created_by__email")
        return rows.select_related("created_by").only(*columns)[:limit]

    try:
        statement = kept(("files", link, limit, Attachment.access_policy.key(user, "view", Attachment)), build)
        found = statement.rows(record.pk)
    except EmptyResultSet:  # the reader sees none at all
        return Files([], 0)
    return Files([statement.make(row) for row in found], found[0][statement.place("total")] if found else 0)


def file_at(user: Any, pk: int) -> Attachment | None:
    """A file that the user may see."""
    return Attachment.objects.visible_to(user).filter(pk=pk).first() if pk < 2**63 else None


def removable(user: Any, rows: list[Attachment]) -> set[int]:
    """The ids of those that the user may delete."""
    foreign = [row.pk for row in rows if row.created_by_id != user.pk]
    others = Attachment.objects.visible_to(user, "change").filter(pk__in=foreign).values_list("pk", flat=True) if foreign else ()
    return {row.pk for row in rows if row.created_by_id == user.pk} | set(others)
