"""From a validated question to what a list page shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from crm.core import cells, list_bar
from crm.core.access import arms_for, may_add, reaches
from crm.core.cells import CellContext, count_text
from crm.core.cursors import Cursor
from crm.core.grouping import Group, groups
from crm.core.list_bar import Head
from crm.core.list_query import CONTROL, SIZES, ListQuery
from crm.core.records import Column, RecordType
from crm.core.related import see
from crm.core.saved.tabs import saved_bar
from crm.core.slices import Slice
from crm.core.stamps import stamp_of

FIRST_WIDTH, USUAL_WIDTH = 240, 150


@dataclass(frozen=True)
class RowContext(CellContext):
    """What cells and facts may ask for: the reader, their zone, and linked records as far as visible."""

    seen: dict[str, dict[int, Any]] = field(default_factory=dict)
    may: frozenset[str] = frozenset()

    def linked(self, obj: Any, name: str) -> Any:
        """The object behind a foreign key, or None when there is none or the reader may not see it."""
        return self.seen.get(name, {}).get(getattr(obj, f"{name}_id"))

    def can(self, action: str, obj: Any) -> bool:
        """May the reader do `action` on the record whose page this is?"""
        return action in self.may


def row_context(user: Any, seen: dict[str, dict[int, Any]] | None = None, may: frozenset[str] = frozenset()) -> RowContext:
    base = cells.current_context(user)
    return RowContext(base.user, base.now, base.zone, base.locale, base.today, base.url_of, seen or {}, may)


@dataclass(frozen=True)
class Row:
    pk: int
    cells: list[Any]
    label: str
    stamp: str = ""
    fixed: bool = False  # the reader may not change it


@dataclass(frozen=True)
class BulkButton:
    name: str
    label: Any
    icon: str
    url: str
    danger: bool


@dataclass(frozen=True)
class Empty:
    icon: str
    text: str
    action_label: Any = ""
    action_url: str = ""
    more: list[tuple[Any, str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """What templates/records/list.html shows. What stands in the bar is worked out only when the bar is not remembered."""

    total_text: str
    range_text: str
    range_html: SafeString  # as `range_text`; the number is a link that counts on where the page did not need to
    q: str
    alike: bool  # no row has the words of `q`; these have words that are spelt alike
    q_placeholder: Any
    saved: Any  # SavedBar: views as tabs, and what can be saved
    chips: Any  # of Chip
    clear_url: str
    heads: list[Head]
    sorts: Any  # of Head
    rows: list[Row]
    next_url: str
    previous_url: str
    page_sizes: list[tuple[int, str, bool]]
    can_filter: bool
    filter_menu: Any  # FilterMenu of one that is open from the start, else None
    menus: Any  # addresses of the menus by their names
    groupings: Any  # of Head
    groups: list[Group]
    groups_cut: bool  # there may be more
    compact: bool
    wide: bool  # the reader chose the columns: none is hidden on a smaller desktop
    widths: list[int]  # of the columns in pixels, none: as wide as needed
    forgotten: list[str]
    bar_key: str  # under which the bar of views, search, filters and sorts is remembered: all but the page mark
    hidden: list[tuple[str, str]]
    filter_hidden: list[tuple[str, str]]
    bulk: list[BulkButton]
    selectable: bool
    exports: list[tuple[Any, str]]
    question: str  # what the list asks, for links beside it that go on with it
    new_url: str
    empty: Empty
    filtered: bool
    switch: list[Any]


def list_page(query: ListQuery, request: Any) -> ListPage:
    """Read one page and prepare everything that the template shows: three queries and one per linked field."""
    record, user = query.record, query.user
    cursor = query.cursor()
    found = _found(query, cursor)
    columns = query.columns
    grouped, cut = groups(query) if query.group and not query.errors else ([], False)
    actions = _bulk(record, user)
    return ListPage(
        total_text=count_text(found.count, capped=found.capped),
        range_text=_group_text(found) if query.group else _range_text(found, count_text(found.count, capped=found.capped)),
        range_html=SafeString(cells.escape(_group_text(found))) if query.group else _range_html(query, found),
        q=query.q,
        alike=query.listing.alike,
        q_placeholder=record.search_placeholder or _("Search"),
        saved=SimpleLazyObject(lambda: saved_bar(query)),
        chips=SimpleLazyObject(lambda: list_bar.chips(query)),
        clear_url=query.all_url,
        heads=_heads(query, columns),
        sorts=SimpleLazyObject(lambda: [list_bar.head(query, column) for column in record.columns if column.sort]),
        rows=shown_rows(query, query.listing.fetch(found.pairs), columns),
        next_url=_page_url(query, found, back=False) if found.after and found.pairs else "",
        previous_url=_page_url(query, found, back=True) if found.before and found.pairs else "",
        page_sizes=[(size, query.url({"size": str(size), "cursor": ""}), size == query.size) for size in SIZES],
        can_filter=bool(query.filters),
        filter_menu=SimpleLazyObject(lambda: list_bar.filter_menu(query)) if query.errors or query.wanted_alternatives else None,
        menus=SimpleLazyObject(lambda: list_bar.menu_urls(query)),
        groupings=SimpleLazyObject(lambda: list_bar.groupings(query)),
        groups=grouped,
        groups_cut=cut,
        compact=query.look.compact,
        wide=bool(query.column_names()),
        widths=_widths(query),
        forgotten=query.forgotten,
        bar_key=_bar_key(query),
        hidden=list_bar.hidden(query, *list_bar.LOOKS),
        filter_hidden=[(name, value) for name in set(query.params) - CONTROL for value in query.params.getlist(name) if value],
        bulk=actions,
        selectable=bool(actions),
        exports=_exports(query),
        question=query.question,
        new_url=record.url("new") if may_add(user, record.model) else "",
        empty=_empty(record, user),
        filtered=query.filtered,
        switch=record.switch(request),
    )


def _found(query: ListQuery, cursor: Cursor | None) -> Slice:
    """The page's ids; of a grouped list the number alone, since each group reads its own rows."""
    if query.errors:
        return Slice([], 0, False, False, False, 0)
    if query.group:
        count, capped = query.listing.count()
        return Slice([], count, capped, False, False, 0)
    return query.listing.page(query.order, query.size, cursor, exact=query.exact)


def shown_rows(query: ListQuery, rows: list[Any], columns: list[Column]) -> list[Row]:
    """Rows as they stand in this list."""
    user = query.user
    links = [name for column in columns for name in column.links]
    context = row_context(user, see(user, rows, links) if rows else {})
    prefetch_related_objects(rows, *dict.fromkeys(name for column in columns for name in column.many))
    return [Row(row.pk, [column.cell(row, context) for column in columns], str(row), stamp_of(row), not reaches(user, "change", row)) for row in rows]


def selectable(record: RecordType, user: Any) -> bool:
    """Is there anything that can be done with ticked rows?"""
    return bool(_bulk(record, user))


def _bar_key(query: ListQuery) -> str:
    """The reader, the day (relative dates) and the whole address but for the page mark."""
    asked = sorted((name, values) for name, values in query.params.lists() if name != "cursor")
    return repr(
        (
            query.record.slug,
            query.record.stamp,
            query.user.pk,
            query.user.team_scope,
            query.user.role.grants,
            get_language(),
            timezone.localdate(),
            query.look.stamp,
            asked,
        )
    )


def _page_url(query: ListQuery, found: Slice, *, back: bool) -> str:
    pk, key = found.pairs[0] if back else found.pairs[-1]
    offset = found.offset if back else found.offset + len(found.pairs)
    return query.url({"cursor": Cursor(key.isoformat() if hasattr(key, "isoformat") else key, pk, offset, back).encode()})


def _widths(query: ListQuery) -> list[int]:
    """In pixels, once the reader has set any; those without a wish are as wide as most."""
    wishes = query.look.widths
    return [wishes.get(column.name, FIRST_WIDTH if place == 0 else USUAL_WIDTH) for place, column in enumerate(query.columns)] if wishes else []


def _heads(query: ListQuery, columns: list[Column]) -> list[Head]:
    """The heads of the rows, with the ways to change what stands below them."""
    user = query.user
    may = bool(arms_for(user, "change", query.record.model))
    return [
        replace(
            list_bar.head(query, column),
            edit=column.name if may and column.edit else "",
            opens=column.opens.address if column.opens and column.opens.offered(user) else "",
        )
        for column in columns
    ]


def _bulk(record: RecordType, user: Any) -> list[BulkButton]:
    grants = {action: user.scope_for(record.model_label, action) != "none" for action in ("change", "delete", "view", "export", "add")}
    return [
        BulkButton(each.name, each.label, each.icon, record.url("bulk", each.name), each.danger)
        for each in record.bulk_actions
        if grants.get(each.permission) and each.offered(user)
    ]


def _exports(query: ListQuery) -> list[tuple[Any, str]]:
    if query.user.scope_for(query.record.model_label, "export") == "none":
        return []
    kept = f"{question}&" if (question := query.question) else ""
    return [(label, f"{query.record.url('export')}?{kept}format={kind}") for kind, label in (("csv", "CSV"), ("xlsx", "Excel"))]


def _empty(record: RecordType, user: Any) -> Empty:
    if may_add(user, record.model):
        return Empty(record.icon, _("Nothing here yet. Make the first one."), record.label_new, record.url("new"), record.begin(user))
    return Empty(record.icon, _("Nothing here for you. Ask an admin if you expect to see records."))


def _range_text(found: Slice, total: str) -> str:
    if not found.pairs:
        return _("No rows")
    if found.count == 1 and not found.capped:
        return ngettext("%(n)s row", "%(n)s rows", 1) % {"n": 1}
    locale = cells.current_locale()
    first, last = (cells.format_number(number, locale) for number in (found.offset + 1, found.offset + len(found.pairs)))
    return _("%(first)s–%(last)s of %(total)s") % {"first": first, "last": last, "total": total}


def _group_text(found: Slice) -> str:
    """How many there are in all groups together."""
    return ngettext("%(n)s row", "%(n)s rows", found.count) % {"n": count_text(found.count, capped=found.capped)}


def _range_html(query: ListQuery, found: Slice) -> SafeString:
    total = count_text(found.count, capped=found.capped)
    if not found.rough:
        return SafeString(cells.escape(_range_text(found, total)))
    url = cells.escape(query.url({"count": "all"}))
    link = f'<a id="count" href="{url}" hx-get="{url}" hx-trigger="load" hx-swap="outerHTML" title="{cells.escape(_("Count them all"))}">{total}</a>'
    return SafeString(_range_text(found, link))  # nothing in it but numbers, our own words and the link
