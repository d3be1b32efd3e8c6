"""The next step of a record as people read it: the words for the kinds that the derived columns hold."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.core import cells

WORDS = {
    "todo": _("To do"),
    "call": _("Call"),
    "email": _("E-mail"),
    "visit": _("Visit"),
    "follow_up": _("Follow up"),
    "meeting": _("Meeting"),
}


@lru_cache(256)
def step_word(kind: str, locale: str) -> str:
    """A kind as the reader says it, remembered."""
    return str(WORDS.get(kind, kind))


def step_html(obj: Any, ctx: cells.CellContext) -> SafeString:
    """What is to be done next and when, from the record's `next_step…` columns."""
    return cells.next_step(step_word(obj.next_step_kind, ctx.locale), obj.next_step, obj.next_step_at, ctx, all_day=obj.next_step_all_day)


def step_cell(obj: Any, ctx: cells.CellContext, css: str = "c-last") -> SafeString:
    """The cell; `c-last` keeps it on phones."""
    return cells.td(step_html(obj, ctx), css)


def step_text(obj: Any) -> str:
    """For exports: "Call: Offer"."""
    word = str(WORDS.get(obj.next_step_kind, obj.next_step_kind))
    return f"{word}: {obj.next_step}" if word and obj.next_step else word or obj.next_step
