"""A record's essentials, for the side panel over a list (docs/decisions/rows.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crm.core.pages import Avatar, avatar_of, detail_context
from crm.core.records import Action, RecordType


@dataclass(frozen=True, kw_only=True)
class Peek:
    """See templates/records/peek.html."""

    title: str
    subtitle: Any
    avatar: Avatar | None
    badges: list[Any]
    strip: list[tuple[Any, Any]]
    sections: list[tuple[Any, list[tuple[Any, Any]]]]
    recent: Any
    entries: list[Action]
    edit_url: str


def peek_of(record: RecordType, request: Any, obj: Any) -> Peek:
    """What the panel shows of a row that `pages.load` gave: the page's own parts, without forms, cards and menus."""
    context = detail_context(record, request.user, obj)
    recent = record.recent(request, obj) if record.recent else ""  # first: the strip tells of its newest line
    found = [
        (section.title, [(fact.label, html) for fact in section.facts if (html := fact.value(obj, context)) not in ("", None)]) for section in record.sections
    ]
    return Peek(
        title=str(obj),
        subtitle=record.subtitle(obj, context),
        avatar=avatar_of(record, obj),
        badges=list(record.badges(obj, context)),
        strip=list(record.strip(obj, context)),
        sections=[(title, facts) for title, facts in found if facts],
        recent=recent,
        entries=list(record.entries(obj, context)),
        edit_url=record.url("edit", obj.pk) if context.can("change", obj) else "",
    )
