"""Pipelines, stages and lost reasons: few rows that every deal page needs, kept for seconds and dropped when they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.db import connection, transaction

from crm.core import replica
from deals.models import LostReason, Pipeline, Stage
from users.selectors import request_box

KEY, SECONDS = "deals.catalog", 10


@dataclass(frozen=True)
class Catalog:
    """All pipelines in their order (archived ones too), the stages of each, and the reasons that are offered."""

    pipelines: tuple[Pipeline, ...]
    stages: tuple[Stage, ...]
    reasons: tuple[LostReason, ...]

    def active(self) -> list[Pipeline]:
        return [each for each in self.pipelines if each.archived_at is None]

    def pipeline(self, pk: int | None) -> Pipeline | None:
        return next((each for each in self.pipelines if each.pk == pk), None)

    def stage(self, pk: int | None) -> Stage | None:
        return next((each for each in self.stages if each.pk == pk), None)

    def stages_of(self, pipeline_id: int) -> list[Stage]:
        return [each for each in self.stages if each.pipeline_id == pipeline_id]

    def closing(self, pipeline_id: int, kind: str) -> Stage | None:
        """The won or the lost stage of a pipeline."""
        return next((each for each in self.stages_of(pipeline_id) if each.kind == kind), None)


def catalog() -> Catalog:
    """As of at most ten seconds ago, and one for a whole request; exact inside a transaction, which may have changed it."""
    if connection.in_atomic_block:
        return _read()
    box = request_box.get()
    found = (box or {}).get(KEY) or caches["fast"].get(KEY)
    if found is None:
        found = _read()
        caches["fast"].set(KEY, found, SECONDS)
    if box is not None:
        box[KEY] = found
    return found


def forget_catalog() -> None:
    """After a change: once it is committed, the next reading asks the database."""
    transaction.on_commit(_forget)


def _forget() -> None:
    caches["fast"].delete(KEY)
    (request_box.get() or {}).pop(KEY, None)


@replica.primary()
def _read() -> Catalog:
    pipelines = tuple(Pipeline.objects.order_by("position", "pk"))
    stages = list(Stage.objects.order_by("position", "pk"))
    for stage in stages:
        stage.pipeline = next(each for each in pipelines if each.pk == stage.pipeline_id)
    order = {each.pk: index for index, each in enumerate(pipelines)}
    stages.sort(key=lambda each: (order[each.pipeline_id], each.position, each.pk))
    return Catalog(pipelines, tuple(stages), tuple(LostReason.objects.order_by("position", "pk")))


def default_pipeline() -> Pipeline | None:
    """The first one that is not archived."""
    return next(iter(catalog().active()), None)


def offered_reasons() -> Any:
    """Lost reasons to choose from, as rows."""
    return LostReason.objects.filter(active=True)
