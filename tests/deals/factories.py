"""Deals for tests, made by the services."""

from __future__ import annotations

import itertools
from typing import Any

from deals.models import Deal, Pipeline, Stage
from deals.services import create_deal, ensure_defaults

_numbers = itertools.count(1)


def make_deal(actor: Any, **values: Any) -> Deal:
    """`stage` may be the name of a stage of the first pipeline."""
    ensure_defaults()  # tests with real transactions empty the tables, the migration's rows included
    values.setdefault("name", f"Deal {next(_numbers)}")
    if isinstance(values.get("stage"), str):
        values["stage"] = stage(values["stage"])
    return create_deal(values, actor=actor)


def stage(name: str, pipeline: Pipeline | None = None) -> Stage:
    ensure_defaults()
    rows = Stage.objects.filter(name=name)
    return rows.get(pipeline=pipeline) if pipeline else rows.order_by("pipeline__position", "pk")[0]
