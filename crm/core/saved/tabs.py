"""The tabs above a list: its own views and the saved ones; and what can be saved of the list as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import QueryDict

from crm.core.bars import Tab
from crm.core.saved.looks import is_tab, saved_views
from crm.core.saved.models import SavedView

if TYPE_CHECKING:
    from crm.core.list_query import ListQuery


@dataclass(frozen=True)
class SavedBar:
    """`others` are saved views without a tab. `changed`: the list is not as `current` was saved. `offer`: there is something to save."""

    tabs: list[Tab]
    others: list[Tab]
    current: SavedView | None
    changed: bool
    may_change: bool
    offer: bool
    question: str
    views_url: str
    circles: list[tuple[str, Any]]


def saved_bar(query: ListQuery) -> SavedBar:
    current, question = query.saved, query.question
    changed = current is not None and not same(question, current.query, query.record.default_sort)
    saved = saved_views(query.user, query.record.slug)
    tabs = [view for view in saved if is_tab(view, query.user, query.look) or view == current]
    return SavedBar(
        tabs=[*_own_tabs(query), *(_tab(query, view, changed) for view in tabs)],
        others=[_tab(query, view, changed) for view in saved if view not in tabs],
        current=current,
        changed=changed,
        may_change=current is not None and current.is_changed_by(query.user),
        offer=changed or (current is None and bool(query.asked or query.q or {"cols", "group", "sort"} & set(query.params))),
        question=question,
        views_url=query.record.url("views"),
        circles=[(str(value), label) for value, label in SavedView.Shared.choices if value != SavedView.Shared.TEAM or query.user.team_id],
    )


def _own_tabs(query: ListQuery) -> list[Tab]:
    """Of the views that the record type has by itself."""
    tabs = []
    for index, view in enumerate(query.record.views):
        url = f"{query.record.list_url}?view={view.name}" if view.params or index else query.all_url
        active = query.view.name == view.name if query.view else index == 0 and not view.params and query.saved is None
        tabs.append(Tab(view.label, url, active))
    return tabs


def _tab(query: ListQuery, view: SavedView, changed: bool) -> Tab:
    active = view == query.saved
    return Tab(view.name, f"{query.record.list_url}?view={view.key}", active, mark=active and changed)


def same(one: str, other: str, default_sort: str) -> bool:
    """Do two queries ask the same? The order of parameters says nothing, that of one parameter's values does."""
    return _asked(one, default_sort) == _asked(other, default_sort)


def _asked(query: str, default_sort: str) -> dict[str, list[str]]:
    return {"sort": [default_sort], **{name: values for name, values in QueryDict(query).lists() if any(values)}}
