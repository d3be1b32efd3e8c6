"""From an address (`?q=&sort=&view=&cols=&group=&…`) to a validated question to a list. docs/decisions/lists.md tells the parameters."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils.translation import gettext as _

from crm.core import search
from crm.core.cursors import BadCursor, Cursor, Order
from crm.core.custom.keys import order_field
from crm.core.listing import Listing
from crm.core.records import Column, RecordType, View
from crm.core.saved.looks import look_of, saved_view
from crm.core.saved.models import PREFIX, SavedView
from crm.core.text import MAX_QUERY

SIZES = (25, 50, 100)
PAGING = {"view", "cursor", "size", "format", "count"}  # a saved view's address may have these and is still the view as it was saved
CONTROL = PAGING | {"q", "sort", "cols", "group", "alternatives"}
ALTERNATIVES = 5  # groups of filters of which one must fit
MOST_COLUMNS = 40
_ALTERNATIVE = re.compile(rf"or([1-{ALTERNATIVES}])-(.+)")


class BadQuery(ValueError):
    """The address asks for something that this list does not have; the text says what."""


@lru_cache(256)
def _names(filters: tuple[str, ...]) -> frozenset[str]:
    """All parameters that filters of these names may have."""
    ends = ("min", "max", "after", "before", "from", "to", "text", "was")
    return frozenset(set(filters) | {f"{name}_{end}" for name in filters for end in ends})


@dataclass(frozen=True)
class _Asker:
    """What a filterset asks of a request when there is none (exports in the worker)."""

    user: Any


class ListQuery:
    """A validated list address: which rows, in which order, shown how. BadQuery when it asks for what is not there.

    `params` is the whole question: for a saved view what was saved, else what the address says. `errors` holds the filters' own messages
    by the name of the input; then no row is read. `forgotten` names what a saved view asks for and this list no longer has for this reader.
    """

    def __init__(self, record: RecordType, user: Any, params: QueryDict, *, action: str = "view", request: Any = None) -> None:
        self.record, self.user, self.given, self.filters = record, user, params, record.filters
        self.look = look_of(user, record.slug)
        self.saved, self.view = self._view(params)
        self.forgotten: list[str] = []
        self._every_alternative: dict[int, Any] = {}
        self.params = params = self._whole(params)
        data = self._with_view(params)
        unknown = sorted(name for name in params if not self._knows(name))
        if unknown:
            raise BadQuery(_("This list knows no “%(name)s”.") % {"name": unknown[0][:60]})
        if any("\x00" in value for values in params.lists() for value in values[1]):
            raise BadQuery(_("The address holds invisible characters."))
        self.q = params.get("q", "").strip()[:MAX_QUERY]
        self.sort = params.get("sort") or record.default_sort
        self.order = self._order(self.sort)
        self.size = self._size(params.get("size", "50"))
        self.exact = self._exact(params.get("count", ""))
        self.columns = self._columns()
        self.data, self.request = data, request or _Asker(user)
        self.asked = {name for name, values in data.lists() if name not in CONTROL and any(values)}  # of the filters
        self.used = [number for number in range(1, ALTERNATIVES + 1) if any(name.startswith(f"or{number}-") for name in self.asked)]
        self.errors = self._errors()
        self.group = self._group(params.get("group", ""))
        self.wanted_alternatives = self._wanted(params.get("alternatives", "0"))
        q, alike = search.list_q(record, user, self.q)
        self.listing = Listing(
            record,
            user,
            q=q,
            otherwise=alike,
            filterset=self.filterset if self.asked_plainly else None,
            alternatives=self.alternatives,
            action=action,
            key=self._key(data, action),
        )

    @classmethod
    def stored(cls, record: RecordType, user: Any, text: str, action: str = "view", request: Any = None) -> ListQuery:
        """The list behind a query string that was kept, without page and number of rows. BadQuery when it asks for what is not, or no longer, there."""
        try:
            params = QueryDict(text, mutable=True)
        except SuspiciousOperation as error:  # more fields than the settings allow
            raise BadQuery(_("This address is too long.")) from error
        for name in PAGING - {"view"}:
            params.pop(name, None)
        return cls(record, user, params, action=action, request=request).insist()

    def insist(self) -> ListQuery:
        """Itself; BadQuery with what the filters say when one of them is wrong, for whoever has no form to show it in."""
        if self.errors:
            raise BadQuery("; ".join(text for texts in self.errors.values() for text in texts))
        return self

    # ---- filters

    @cached_property
    def filterset(self) -> Any:
        """Of the filters that the address asks for."""
        return self._filterset([name for name in self.filters if self.keys_of(name)])

    @cached_property
    def every_filter(self) -> Any:
        """All filters, for the form in the page."""
        return self._filterset(None)

    @cached_property
    def group_filter(self) -> Any:
        """Of the filter by whose choices the list is grouped, whatever the address asks of it."""
        return self._filterset([self.group])

    @cached_property
    def alternatives(self) -> list[Any]:
        """Filtersets of which one must fit, besides `filterset`."""
        return [self._filterset([name for name in self.filters if self.keys_of(name, number)], f"or{number}") for number in self.used]

    def every_alternative(self, number: int) -> Any:
        """All filters of an alternative, for the form in the page."""
        if number not in self._every_alternative:
            self._every_alternative[number] = self._filterset(None, f"or{number}")
        return self._every_alternative[number]

    @property
    def asked_plainly(self) -> bool:
        """Is there a filter that every row must fit?"""
        return any(not _ALTERNATIVE.fullmatch(name) for name in self.asked)

    def _filterset(self, only: list[str] | None, prefix: str | None = None) -> Any:
        filterset: Any = self.record.filterset(
            self.data, queryset=self.record.model._default_manager.none(), request=self.request, prefix=prefix, only=only, every=self.filters
        )
        filterset.form.auto_id = "filter_%s"  # the side panel's form on the same page has id_owner, id_company … as well
        return filterset

    def keys_of(self, name: str, number: int = 0) -> list[str]:
        """What the address or the view says about one filter (of an alternative); a range has a key for each end."""
        start = f"or{number}-" if number else ""
        whole = start + name
        return [key for key in self.asked if key == whole or (key.startswith(f"{whole}_") and key.removeprefix(start) not in self.filters)]

    def _errors(self) -> dict[str, list[str]]:
        filtersets = [*([self.filterset] if self.asked_plainly else []), *self.alternatives]
        return {filterset.form.add_prefix(name): list(texts) for filterset in filtersets for name, texts in filterset.form.errors.items()}

    def _key(self, data: QueryDict, action: str) -> str:
        """Names the reader's rights and all that decides which rows match; neither order nor page."""
        asked = sorted((name, values) for name, values in data.lists() if name not in CONTROL)
        whole = repr((self.record.slug, self.record.stamp, action, self.user.pk, self.user.team_scope, self.user.role.grants, self.q, asked))
        return f"many.{hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()}"

    # ---- what the address says

    def _knows(self, name: str) -> bool:
        within = _ALTERNATIVE.fullmatch(name)
        return name in CONTROL or (within.group(2) if within else name) in _names(tuple(self.filters))

    def _view(self, params: QueryDict) -> tuple[SavedView | None, View | None]:
        name = params.get("view", "")
        if not name:
            return None, None
        for view in self.record.views:
            if view.name == name:
                return None, view
        saved = saved_view(self.user, self.record.slug, name) if name.startswith(PREFIX) else None
        if saved is None:
            raise BadQuery(_("There is no view called “%(name)s”.") % {"name": name[:60]})
        return saved, None

    def _whole(self, params: QueryDict) -> QueryDict:
        """A saved view's address names the view alone until something is changed; from then on it says everything itself."""
        if self.saved is None or set(params) - PAGING:
            return params
        whole = QueryDict(self.saved.query, mutable=True)
        self.forgotten = [name for name in list(whole) if not self._offers(name, whole)]
        for name in self.forgotten:
            del whole[name]
        whole["sort"] = whole.get("sort") or self.record.default_sort  # so that an address made from this one is never a bare view
        for name in params:
            whole.setlist(name, params.getlist(name))
        return whole

    def _offers(self, name: str, whole: QueryDict) -> bool:
        """Does this list still have what a saved view asks for? Fields are deleted, and not everybody sees each."""
        if name == "sort":
            column = self.record.column(str(whole["sort"]).removeprefix("-"))
            return column is not None and bool(column.sort)
        if name == "group":
            return whole["group"] in self.filters
        return name != "view" and self._knows(name)

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

    @staticmethod
    def _wanted(text: str) -> int:
        """How many alternatives the form shows, filled or not."""
        if text not in {str(number) for number in range(ALTERNATIVES + 1)}:
            raise BadQuery(_("A list has up to %(n)s alternatives.") % {"n": ALTERNATIVES})
        return int(text)

    def _columns(self) -> list[Column]:
        """The first, which names the record, then those that the address, the reader or the record type wants; and the one that is sorted by."""
        sorted_by = "" if self.sort == self.record.default_sort else self.sort.removeprefix("-")
        names = self.column_names()
        if not names:
            return [column for column in self.record.columns if column.shown or column.name == sorted_by]
        first, *others = self.record.columns
        wanted = [*names, sorted_by] if sorted_by != first.name else names
        return [first, *(column for name in dict.fromkeys(wanted) for column in others if column.name == name)]

    def column_names(self) -> list[str]:
        """Names of the columns behind the first as the address or the reader wants them; none: as the record type has them."""
        if "cols" not in self.params:
            return [name for name in self.look.columns if self.record.column(name)]
        names = [name for text in self.params.getlist("cols") for name in text.split(",") if name]
        unknown = [name for name in names if self.record.column(name) is None]
        if self.saved is not None:
            names = [name for name in names if name not in unknown]
        elif unknown or len(names) > MOST_COLUMNS:
            raise BadQuery(_("This list has no column “%(name)s”.") % {"name": (unknown or names)[-1][:60]})
        return names

    def _group(self, name: str) -> str:
        if name and name not in self.record.filterset.groupable(self.filters):  # type: ignore[attr-defined]
            raise BadQuery(_("This list can't be grouped by “%(name)s”.") % {"name": name[:60]})
        return name

    def cursor(self) -> Cursor | None:
        text = self.params.get("cursor", "")
        if not text:
            return None
        try:
            return Cursor.decode(text, order_field(self.record.model, self.order.column))
        except BadCursor:
            raise BadQuery(_("This page of the list is not there. Go back to the first.")) from None

    # ---- addresses made from this one

    @cached_property
    def _encoded(self) -> list[tuple[str, str]]:
        """The parameters of the whole question: name, and how it stands in an address."""
        return _encoded(self.params)

    @cached_property
    def _encoded_short(self) -> list[tuple[str, str]]:
        return _encoded(self.given)

    def url(self, changes: dict[str, str]) -> str:
        """The address with some parameters changed, "" for gone. A page asks for a dozen of them, so the unchanged ones are encoded once."""
        kept = self._encoded_short if PAGING.issuperset(changes) else self._encoded
        parts = [text for name, text in kept if name not in changes and name not in ("count", "alternatives")]
        parts += [f"{quote_plus(name)}={quote_plus(value)}" for name, value in changes.items() if value]
        return f"{self.record.list_url}?{'&'.join(parts)}" if parts else self.all_url

    @property
    def all_url(self) -> str:
        """The list as it is without filters, also for whom the bare address leads to a view of their choice."""
        everything = next((view.name for view in self.record.views if not view.params), "")
        return f"{self.record.list_url}?view={everything}" if self.look.default and everything else self.record.list_url

    @property
    def filtered(self) -> bool:
        return bool(self.q or (self.view and self.view.params) or any(self.params.get(name) for name in set(self.params) - CONTROL))

    @cached_property
    def question(self) -> str:
        """The whole question as a query string that names no view: it stays true when views change."""
        left = PAGING | {"alternatives"}
        return urlencode([(name, value) for name, values in self.data.lists() if name not in left for value in values])


def _encoded(params: QueryDict) -> list[tuple[str, str]]:
    return [(name, f"{quote_plus(name)}={quote_plus(value)}") for name, values in params.lists() for value in values]
