"""Tags of records: found by their names, put on rows, told as a difference. Services go through crm.core.writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from crm.core.compiled import NUMBER, Compiled
from crm.core.copying import CHUNK, in_service
from crm.core.differences import Difference
from crm.core.models import Tag
from crm.core.text import sort_key


def resolved(tags: Iterable[Any]) -> list[Tag]:
    """Tags, or names of tags."""
    given = list(tags)
    return tags_named(given) if given and isinstance(given[0], str) else given


@in_service
def tags_named(names: Iterable[str]) -> list[Tag]:
    """The tags with these names, made when they are new. Order and doubles do not matter."""
    wanted: dict[str, str] = {}
    for name in names:
        if sort_key(name):
            wanted.setdefault(sort_key(name)[:40], " ".join(name.split())[:40])
    # In one order everywhere: two transactions that make the same tags must not wait for each other in a circle.
    Tag.objects.bulk_create([Tag(name=name, key=key) for key, name in sorted(wanted.items())], ignore_conflicts=True)
    return list(Tag.objects.filter(key__in=wanted))


class Label(NamedTuple):
    """What is seen of a tag."""

    name: str
    color: str


def labels_of(model: Any, ids: Collection[int]) -> dict[int, list[Label]]:
    """{row id: its tags by name} in one statement, without an object and a manager per row: for a hundred cards these took longer than the cards."""
    found: dict[int, list[Label]] = {}
    for pk, name, color in _labels(model).rows(tuple(ids)) if ids else ():
        found.setdefault(pk, []).append(Label(name, color))
    return found


@cache
def _labels(model: Any) -> Compiled:
    link, through = f"{model._meta.model_name}_id", model.tags.through
    return Compiled(lambda: through.objects.filter(**{f"{link}__in": [NUMBER]}).order_by("tag__key").values_list(link, "tag__name", "tag__color"))


def tags_beside(model: Any) -> ArraySubquery:
    """A row's tags as one more column of it: a page of one record needs no statement of their own for them. See `know_tags`."""
    rows = model.tags.through.objects.filter(**{f"{model._meta.model_name}_id": OuterRef("pk")}).order_by("tag__key")
    return ArraySubquery(rows.values(json=JSONObject(id="tag__id", name="tag__name", key="tag__key", color="tag__color")))


def know_tags(row: Any, found: Iterable[dict[str, Any]]) -> None:
    """`row.tags.all()` are these, as if they had been prefetched."""
    known: Any = Tag.objects.all()
    known._result_cache, known._prefetch_done = [Tag(**each) for each in found], True
    row._prefetched_objects_cache = {**getattr(row, "_prefetched_objects_cache", {}), "tags": known}


def tag_difference(old: Iterable[Tag], new: Iterable[Tag]) -> Difference:
    before, after = (sorted(tags, key=lambda tag: tag.key) for tags in (old, new))
    return Difference([tag.pk for tag in before], [tag.pk for tag in after], ", ".join(map(str, before)), ", ".join(map(str, after)))


def set_tags(row: Any, tags: Iterable[Tag]) -> Difference | None:
    difference = tag_difference(row.tags.all(), tags)
    if difference.old == difference.new:
        return None
    row.tags.set(difference.new)
    return difference


def put_tags(model: type[models.Model], pairs: Iterable[tuple[Any, Iterable[Tag]]]) -> None:
    pairs = [(obj, list(tags)) for obj, tags in pairs if tags]
    if not pairs:
        return
    through: Any = model.tags.through  # type: ignore[attr-defined]
    name = f"{model._meta.model_name}_id"
    through.objects.bulk_create([through(**{name: obj.pk, "tag_id": tag.pk}) for obj, tags in pairs for tag in tags], batch_size=CHUNK)
