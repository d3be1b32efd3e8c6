"""From an address (`?q=&sort=&view=&…`) to what a list page shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote_plus

from django.core.cache import caches
from django.db.models import prefetch_related_objects
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from crm.core import cells, search
from crm.core.access import arms_for, may_add, reaches
from crm.core.cells import CellContext
from crm.core.custom.keys import order_field
from crm.core.listing import BadCursor, Cursor, Listing, Order, Slice
from crm.core.records import Column, RecordType, View
from crm.core.related import see
from crm.core.stamps import stamp_of
from crm.core.text import MAX_QUERY

SIZES = (25, 50, 100)
KEEP_SECONDS = 30
CONTROL = {"q", "sort", "view", "cursor", "size", "format", "count"}


class BadQuery(ValueError):
    """The address asks for something that this list does not have; the text says what."""


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


@lru_cache(256)
def _names(filters: tuple[str, ...]) -> frozenset[str]:
    """All parameters that the address of a list with these filters may have."""
    ends = ("min", "max", "after", "before", "from", "to", "text", "was")
    return frozenset(CONTROL | set(filters) | {f"{name}_{end}" for name in filters for end in ends})


class ListQuery:
    """A validated list address: which rows, in which order. BadQuery when it asks for what is not there.

    `errors` holds the filters' own messages by field name; then no row is read.
    """

    def __init__(self, record: RecordType, user: Any, params: QueryDict, *, action: str = "view", request: Any = None) -> None:
        self.record, self.user, self.params, self.filters = record, user, params, record.filters
        self.view = self._view()
        data = self._with_view(params)
        unknown = sorted(set(params) - _names(tuple(self.filters)))
        if unknown:
            raise BadQuery(_("This list knows no “%(name)s”.") % {"name": unknown[0][:60]})
        if any("\x00" in value for values in params.lists() for value in values[1]):
            raise BadQuery(_("The address holds invisible characters."))
        self.q = params.get("q", "").strip()[:MAX_QUERY]
        self.order = self._order(params.get("sort") or record.default_sort)
        self.sort = params.get("sort") or record.default_sort
        self.size = self._size(params.get("size", "50"))
        self.exact = self._exact(params.get("count", ""))
        self.data, self.request = data, request or _Asker(user)
        self.asked = {name for name, values in data.lists() if name not in CONTROL and any(values)}  # of the filters
        self.errors: dict[str, list[str]] = {name: list(texts) for name, texts in self.filterset.form.errors.items()} if self.asked else {}
        filterset = self.filterset if self.asked else None
        q, alike = search.list_q(record, user, self.q)
        self.listing = Listing(record, user, q=q, otherwise=alike, filterset=filterset, action=action, key=self._key(data, action))

    @cached_property
    def filterset(self) -> Any:
        """Of the filters that the address asks for."""
        return self._filterset([name for name in self.filters if self.keys_of(name)])

    @cached_property
    def every_filter(self) -> Any:
        """All filters, for the form in the page."""
        return self._filterset(None)

    def _filterset(self, only: list[str] | None) -> Any:
        filterset: Any = self.record.filterset(
            self.data, queryset=self.record.model._default_manager.none(), request=self.request, only=only, every=self.filters
        )
        filterset.form.auto_id = "filter_%s"  # the side panel's form on the same page has id_owner, id_company … as well
        return filterset

    def keys_of(self, name: str) -> list[str]:
        """What the address or the view says about one filter; a range has a key for each end."""
        return [key for key in self.asked if key == name or (key.startswith(f"{name}_") and key not in self.filters)]

    def _key(self, data: QueryDict, action: str) -> str:
        """Names the reader's rights and all that decides which rows match; neither order nor page."""
        asked = sorted((name, values) for name, values in data.lists() if name not in CONTROL)
        whole = repr((self.record.slug, self.record.stamp, action, self.user.pk, self.user.team_scope, self.user.role.grants, self.q, asked))
        return f"many.{hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()}"

    def _view(self) -> View | None:
        name = self.params.get("view", "")
        if not name:
            return None
        for view in self.record.views:
            if view.name == name:
                return view
        raise BadQuery(_("There is no view called “%(name)s”.") % {"name": name[:60]})

    def _with_view(self, params: QueryDict) -> QueryDict:
        if self.view is None:
            return params
        data = params.copy()
        for name, value in self.view.params:
            if name not in params:
                data.appendlist(name, value)
        return data

    def _order(self, sort: str) -> Order:
        column = self.record.column(sort.removeprefix("-"))
        if column is None or not column.sort:
            raise BadQuery(_("This list can't be sorted by “%(name)s”.") % {"name": sort[:60]})
        return Order(column.sort, sort.startswith("-"))

    @staticmethod
    def _size(text: str) -> int:
        if text not in {str(size) for size in SIZES}:
            raise BadQuery(_("A page has 25, 50 or 100 rows."))
        return int(text)

    @staticmethod
    def _exact(text: str) -> bool:
        """Are all matches to be counted, not only those that the page needs?"""
        if text not in ("", "all"):
            raise BadQuery(_("A list counts “all” or as far as it needs."))
        return bool(text)

    def cursor(self) -> Cursor | None:
        text = self.params.get("cursor", "")
        if not text:
            return None
        try:
            return Cursor.decode(text, order_field(self.record.model, self.order.column))
        except BadCursor:
            raise BadQuery(_("This page of the list is not there. Go back to the first.")) from None

    @cached_property
    def encoded(self) -> list[tuple[str, str]]:
        """The parameters of the address: name, and how it stands there."""
        return [(name, f"{quote_plus(name)}={quote_plus(value)}") for name, values in self.params.lists() for value in values]

    @property
    def filtered(self) -> bool:
        return bool(self.q or (self.view and self.view.params) or any(self.params.get(name) for name in set(self.params) - CONTROL))


@dataclass(frozen=True)
class _Asker:
    """What a filterset asks of a request when there is none (exports in the worker)."""

    user: Any


@dataclass(frozen=True)
class Head:
    label: Any
    url: str
    sort: str
    css: str
    edit: str = ""  # the name by which its cells are asked for as a form
    opens: str = ""  # what they open in the side panel


@dataclass(frozen=True)
class Row:
    pk: int
    cells: list[Any]
    label: str
    stamp: str = ""
    fixed: bool = False  # the reader may not change it


@dataclass(frozen=True)
class Tab:
    label: Any
    url: str
    active: bool
    icon: str = ""


@dataclass(frozen=True)
class Chip:
    label: Any
    value: str
    remove_url: str


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


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """What templates/records/list.html shows. What stands in the bar is worked out only when the bar is not remembered."""

    total_text: str
    range_text: str
    range_html: SafeString  # as `range_text`; the number is a link that counts on where the page did not need to
    q: str
    alike: bool  # no row has the words of `q`; these have words that are spelt alike
    q_placeholder: Any
    views: Any  # of Tab
    chips: Any  # of Chip
    clear_url: str
    heads: list[Head]
    sorts: Any  # of Head
    rows: list[Row]
    next_url: str
    previous_url: str
    page_sizes: list[tuple[int, str, bool]]
    filter_fields: Any
    filter_errors: bool
    bar_key: str  # under which the bar of views, search, filters and sorts is remembered: all but the page mark
    hidden: list[tuple[str, str]]
    filter_hidden: list[tuple[str, str]]
    bulk: list[BulkButton]
    selectable: bool
    exports: list[tuple[Any, str]]
    new_url: str
    empty: Empty
    filtered: bool
    switch: list[Any]


def list_page(query: ListQuery, request: Any) -> ListPage:
    """Read one page and prepare everything that the template shows: three queries and one per linked field."""
    record, user = query.record, query.user
    cursor = query.cursor()
    found = Slice([], 0, False, False, False, 0) if query.errors else query.listing.page(query.order, query.size, cursor, exact=query.exact)
    columns = columns_of(query)
    actions = _bulk(record, user)
    return ListPage(
        total_text=count_text(found.count, capped=found.capped),
        range_text=_range_text(found, count_text(found.count, capped=found.capped)),
        range_html=_range_html(query, found),
        q=query.q,
        alike=query.listing.alike,
        q_placeholder=record.search_placeholder or _("Search"),
        views=SimpleLazyObject(lambda: _views(query)),
        chips=SimpleLazyObject(lambda: _chips(query)),
        clear_url=_url(query, dict.fromkeys(query.params, "")),
        heads=_heads(query, columns),
        sorts=SimpleLazyObject(lambda: [_head(query, column) for column in record.columns if column.sort]),
        rows=shown_rows(query, query.listing.fetch(found.pairs), columns),
        next_url=_page_url(query, found, back=False) if found.after and found.pairs else "",
        previous_url=_page_url(query, found, back=True) if found.before and found.pairs else "",
        page_sizes=[(size, _url(query, {"size": str(size), "cursor": ""}), size == query.size) for size in SIZES],
        filter_fields=SimpleLazyObject(lambda: _filter_fields(query)),
        filter_errors=bool(query.errors),
        bar_key=_bar_key(query),
        hidden=[(name, query.params[name]) for name in ("view", "sort", "size") if query.params.get(name)],
        filter_hidden=[(name, value) for name in set(query.params) - CONTROL for value in query.params.getlist(name) if value],
        bulk=actions,
        selectable=bool(actions),
        exports=_exports(query),
        new_url=record.url("new") if may_add(user, record.model) else "",
        empty=_empty(record, user),
        filtered=query.filtered,
        switch=record.switch(request),
    )


def columns_of(query: ListQuery) -> list[Column]:
    """The columns that the list shows."""
    return [column for column in query.record.columns if column.shown or column.name == query.params.get("sort", "").removeprefix("-")]


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
        (query.record.slug, query.record.stamp, query.user.pk, query.user.team_scope, query.user.role.grants, get_language(), timezone.localdate(), asked)
    )


def _filter_fields(query: ListQuery) -> Any:
    """The filter's fields as html. Those that the address does not ask for are remembered per reader and language for half a minute:
    rendering drop-downs of statuses and sources costs more than reading the page."""
    names = list(query.filters)
    asked = set(names) if query.errors else {name for name in names if query.keys_of(name)}
    key = f"filters.{query.record.slug}.{query.record.stamp}.{query.user.pk}.{get_language()}"
    kept: dict[str, str] = caches["fragments"].get(key) or {}
    html = dict(kept)
    for name in names:
        if name in asked or name not in kept:
            html[name] = _filter_field(query.filterset if query.keys_of(name) else query.every_filter, name)
    if len(kept) < len(names) and not query.errors:
        caches["fragments"].set(key, kept | {name: text for name, text in html.items() if name not in asked}, KEEP_SECONDS)
    return SafeString("".join(html[name] for name in names))


def _filter_field(filterset: Any, name: str) -> str:
    return render_to_string("records/filter_field.html", {"field": filterset.form[name]})


def _url(query: ListQuery, changes: dict[str, str]) -> str:
    """The address with some parameters changed, "" for gone. A page asks for a dozen of them, so the unchanged ones are encoded once."""
    parts = [text for name, text in query.encoded if name not in changes and name != "count"]
    parts += [f"{quote_plus(name)}={quote_plus(value)}" for name, value in changes.items() if value]
    return f"{query.record.list_url}?{'&'.join(parts)}" if parts else query.record.list_url


def _page_url(query: ListQuery, found: Slice, *, back: bool) -> str:
    pk, key = found.pairs[0] if back else found.pairs[-1]
    offset = found.offset if back else found.offset + len(found.pairs)
    return _url(query, {"cursor": Cursor(key.isoformat() if hasattr(key, "isoformat") else key, pk, offset, back).encode()})


def _head(query: ListQuery, column: Column) -> Head:
    if not column.sort:
        return Head(column.label, "", "", column.css)
    state = "" if query.sort.removeprefix("-") != column.name else ("descending" if query.sort.startswith("-") else "ascending")
    wanted = f"-{column.name}" if state == "ascending" else column.name
    return Head(column.label, _url(query, {"sort": wanted, "cursor": ""}), state, column.css)


def _heads(query: ListQuery, columns: list[Column]) -> list[Head]:
    """The heads of the rows, with the ways to change what stands below them."""
    user = query.user
    may = bool(arms_for(user, "change", query.record.model))
    return [
        replace(
            _head(query, column),
            edit=column.name if may and column.edit else "",
            opens=column.opens.address if column.opens and column.opens.offered(user) else "",
        )
        for column in columns
    ]


def _views(query: ListQuery) -> list[Tab]:
    tabs = []
    for index, view in enumerate(query.record.views):
        url = query.record.url("list") + (f"?view={view.name}" if view.params else "")
        active = query.view.name == view.name if query.view else index == 0 and not view.params
        tabs.append(Tab(view.label, url, active))
    return tabs


def _chips(query: ListQuery) -> list[Chip]:
    chips: list[Chip] = []
    if query.errors or not query.asked:
        return chips
    for name, formfield in query.filterset.form.fields.items():
        keys = [key for key in query.keys_of(name) if query.params.get(key)]
        value = query.filterset.form.cleaned_data.get(name)
        if not keys or value in (None, "", []):
            continue
        gone = dict.fromkeys(keys, "") | {"cursor": ""}
        chips.append(Chip(formfield.label or name, query.filterset.value_text(name, value), _url(query, gone)))
    return chips


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
    params = query.params.copy()
    for name in ("cursor", "size", "format", "count"):
        params.pop(name, None)
    links = []
    for kind, label in (("csv", "CSV"), ("xlsx", "Excel")):
        params["format"] = kind
        links.append((label, f"{query.record.url('export')}?{params.urlencode()}"))
    return links


def _empty(record: RecordType, user: Any) -> Empty:
    if may_add(user, record.model):
        return Empty(record.icon, _("Nothing here yet. Make the first one."), record.label_new, record.url("new"))
    return Empty(record.icon, _("Nothing here for you. Ask an admin if you expect to see records."))


def count_text(count: int, *, capped: bool) -> str:
    """`8,152`, or `10,000+` when there are more."""
    return f"{cells.format_number(count, cells.current_locale())}{'+' if capped else ''}"


def _range_text(found: Slice, total: str) -> str:
    if not found.pairs:
        return _("No rows")
    if found.count == 1 and not found.capped:
        return ngettext("%(n)s row", "%(n)s rows", 1) % {"n": 1}
    locale = cells.current_locale()
    first, last = (cells.format_number(number, locale) for number in (found.offset + 1, found.offset + len(found.pairs)))
    return _("%(first)s–%(last)s of %(total)s") % {"first": first, "last": last, "total": total}


def _range_html(query: ListQuery, found: Slice) -> SafeString:
    total = count_text(found.count, capped=found.capped)
    if not found.rough:
        return SafeString(cells.escape(_range_text(found, total)))
    url = cells.escape(_url(query, {"count": "all"}))
    link = f'<a id="count" href="{url}" hx-get="{url}" hx-trigger="load" hx-swap="outerHTML" title="{cells.escape(_("Count them all"))}">{total}</a>'
    return SafeString(_range_text(found, link))  # nothing in it but numbers, our own words and the link
