"""How a user wants a list to look: kept on the user's own row, which every request reads anyway, so that it costs no statement.

`user.lists` is `{"stamp": 7, "compact": true, "contacts": {"columns": [...], "widths": {"city": 120}, "default": "s12", "tabs": {"s12": false}}}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.cache import caches

from crm.core.saved.models import SavedView

KEEP_SECONDS = 30
MOST_VIEWS = 200  # that one user is shown of one list
READ = ("record_slug", "name", "query", "shared", "version", "owner__name")
NARROWEST, WIDEST = 48, 800  # pixels


@dataclass(frozen=True)
class Look:
    """One user's wishes for one list. `tabs`: views that are a tab against the rule (own ones are, others' are not)."""

    columns: tuple[str, ...] = ()
    widths: dict[str, int] = field(default_factory=dict)
    default: str = ""
    tabs: dict[str, bool] = field(default_factory=dict)
    compact: bool = False
    stamp: int = 0  # counts the user's changes, for the keys of what is remembered of pages


def look_of(user: Any, slug: str) -> Look:
    every = getattr(user, "lists", None) or {}
    mine = every.get(slug, {})
    return Look(
        tuple(mine.get("columns", ())),
        mine.get("widths", {}),
        mine.get("default", ""),
        mine.get("tabs", {}),
        every.get("compact", False),
        every.get("stamp", 0),
    )


def saved_views(user: Any, slug: str) -> list[SavedView]:
    """The user's own views and those shared with them, by name. Others' changes show within KEEP_SECONDS, one's own at once."""
    key = f"views.{slug}.{user.pk}.{look_of(user, slug).stamp}.{'.'.join(map(str, user.team_scope))}"
    found = caches["fragments"].get(key)
    if found is None:
        found = list(SavedView.objects.visible_to(user).filter(record_slug=slug).select_related("owner").only(*READ)[:MOST_VIEWS])
        caches["fragments"].set(key, found, KEEP_SECONDS)
    return found


def saved_view(user: Any, slug: str, key: str) -> SavedView | None:
    """The view behind `?view=s12`, as far as the user may see it."""
    return next((view for view in saved_views(user, slug) if view.key == key), None)


def is_tab(view: SavedView, user: Any, look: Look) -> bool:
    return look.tabs.get(view.key, view.owner_id == user.pk)
