"""The next step of a record, from its derived columns, as people read it."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString

from crm.core import cells


def step_html(obj: Any, ctx: cells.CellContext) -> SafeString:
    """What is to be done next and when, from the record's `next_step…` columns."""
    return cells.next_step(obj.next_step_kind, obj.next_step, obj.next_step_at, ctx, all_day=obj.next_step_all_day)


def step_cell(obj: Any, ctx: cells.CellContext, css: str = "c-last") -> SafeString:
    """The cell; `c-last` keeps it on phones."""
    return cells.td(step_html(obj, ctx), css)


def step_text(obj: Any) -> str:
    """For exports: "Call: Offer"."""
    word = cells.step_word(obj.next_step_kind)
    return f"{word}: {obj.next_step}" if word and obj.next_step else word or obj.next_step
