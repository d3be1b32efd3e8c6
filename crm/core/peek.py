"""A record's essentials, for the side panel over a list (docs/decisions/rows.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crm.core.pages import Avatar, ShownSection, avatar_of, detail_context, sections_of
from crm.core.records import Action, RecordType


@dataclass(frozen=True, kw_only=True)
class Peek:
    """See templates/records/peek.html."""

    title: str
    subtitle: Any
    avatar: Avatar | None
    badges: list[Any]
    strip: list[tuple[Any, Any]]
    sections: list[ShownSection]
    recent: Any
    entries: list[Action]
    edit_url: str


def peek_of(record: RecordType, request: Any, obj: Any) -> Peek:
    """What the panel shows of a row that `pages.load` gave: the page's own parts, without forms, cards and menus."""
    context = detail_context(record, request.user, obj)
    return Peek(
        title=str(obj),
        subtitle=record.subtitle(obj, context),
        avatar=avatar_of(record, obj),
        badges=list(record.badges(obj, context)),
        strip=list(record.strip(obj, context)),
        sections=sections_of(record, obj, context),
        recent=record.recent(request, obj) if record.recent else "",
        entries=list(record.entries(obj, context)),
        edit_url=record.url("edit", obj.pk) if context.can("change", obj) else "",
    )
