"""A list grouped by the choices of one filter: a heading with a number per choice; its rows are the same list, narrowed to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from crm.core.cells import count_text
from crm.core.list_query import ListQuery
from crm.core.listing import FEW, Listing, count_each

MOST_GROUPS = 100
ROWS = "25"  # of a group in the page


@dataclass(frozen=True)
class Group:
    """How many rows (`1,000+`: or more); `url` is the list of this group alone, `rows_url` the beginning of it."""

    label: str
    count_text: str
    url: str
    rows_url: str


@dataclass(frozen=True)
class _Narrowed:
    """The list's own filters and one choice more, as a filterset: what has been validated and narrowed once is not for each group."""

    query: ListQuery
    value: Any
    narrowed: dict[str, Any]  # of all groups together: the rows without the choice

    def filter_queryset(self, rows: Any) -> Any:
        if "rows" not in self.narrowed:
            self.narrowed["rows"] = self.query.filterset.filter_queryset(rows) if self.query.asked_plainly else rows
        return self.query.group_filter.filters[self.query.group].filter(self.narrowed["rows"], self.value)

    @property
    def form(self) -> Any:
        asked = self.query.filterset.form.cleaned_data if self.query.asked_plainly else {}
        return SimpleNamespace(cleaned_data={**asked, self.query.group: self.value})


def groups(query: ListQuery) -> tuple[list[Group], bool]:
    """The groups that have rows, in the order of the filter's choices, and whether there may be more: of MOST_GROUPS choices one statement
    counts the rows, each up to FEW."""
    every = list(_values(query))
    found = every[:MOST_GROUPS]
    narrowed_once: dict[str, Any] = {}
    chosen = [_Narrowed(query, value, narrowed_once) for _raw, _label, value in found]
    narrowed = [Listing(query.record, query.user, q=query.listing.q, filterset=each, alternatives=query.alternatives) for each in chosen]
    counts = count_each(narrowed, FEW + 1)
    return [_group(query, raw, label, count) for (raw, label, _value), count in zip(found, counts, strict=True) if count], len(every) > len(found)


def _values(query: ListQuery) -> Iterator[tuple[str, str, Any]]:
    """The choices that the list's own filter leaves."""
    asked = {str(query.user.pk) if value == "me" else value for key in query.keys_of(query.group) for value in query.data.getlist(key)}
    for raw, label, value in query.group_filter.group_values(query.group):
        if not asked or raw in asked:
            yield raw, label, value


def _group(query: ListQuery, value: str, label: str, count: int) -> Group:
    changes = dict.fromkeys(query.keys_of(query.group), "") | {"group": "", "cursor": "", query.group: value}
    return Group(label, count_text(min(count, FEW), capped=count > FEW), query.url(changes), query.url(changes | {"size": ROWS}))
