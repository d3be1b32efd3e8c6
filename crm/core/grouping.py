"""A list grouped by the choices of one filter: a heading with a number per choice; its rows are the same list, narrowed to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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


def groups(query: ListQuery) -> list[Group]:
    """The groups that have rows, in the order of the filter's choices. One statement counts them all, each up to FEW."""
    values = [(value, label) for value, label in _values(query)][:MOST_GROUPS]
    counts = count_each([_narrowed(query, value) for value, _label in values], FEW + 1)
    return [_group(query, value, label, count) for (value, label), count in zip(values, counts, strict=True) if count]


def _values(query: ListQuery) -> Iterator[tuple[str, str]]:
    """The choices that the list's own filter leaves."""
    asked = {str(query.user.pk) if value == "me" else value for key in query.keys_of(query.group) for value in query.data.getlist(key)}
    for value, label in query.every_filter.group_values(query.group):
        if not asked or value in asked:
            yield value, label


def _narrowed(query: ListQuery, value: str) -> Listing:
    data = query.data.copy()
    data.setlist(query.group, [value])
    only = [name for name in query.filters if name == query.group or query.keys_of(name)]
    filterset = query.record.filterset(data, queryset=query.record.model._default_manager.none(), request=query.request, only=only, every=query.filters)
    filterset.form.full_clean()
    return Listing(query.record, query.user, q=query.listing.q, filterset=filterset, alternatives=query.alternatives)


def _group(query: ListQuery, value: str, label: str, count: int) -> Group:
    changes = dict.fromkeys(query.keys_of(query.group), "") | {"group": "", "cursor": "", query.group: value}
    return Group(label, count_text(min(count, FEW), capped=count > FEW), query.url(changes), query.url(changes | {"size": ROWS}))
