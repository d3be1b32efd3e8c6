"""What stands in the bar above a list: chips, sorts, groups; and in its menus: filters and alternatives, columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from crm.core.context import hooks
from crm.core.list_query import ALTERNATIVES, ListQuery
from crm.core.records import Column
from crm.core.saved.tabs import saved_bar

KEEP_SECONDS = 30
LOOKS = ("view", "sort", "size", "cols", "group")  # what a new filter leaves as it is


@dataclass(frozen=True)
class Head:
    label: Any
    url: str
    sort: str
    css: str
    name: str = ""
    edit: str = ""  # the name by which its cells are asked for as a form
    opens: str = ""  # what they open in the side panel


@dataclass(frozen=True)
class Chip:
    label: Any
    value: str
    remove_url: str


@dataclass(frozen=True)
class Choice:
    """A column that can be shown: `width` in pixels, or "" for as wide as needed."""

    name: str
    label: Any
    chosen: bool
    width: int | str


@dataclass(frozen=True)
class FilterMenu:
    """The filter's form: its fields, those of each group of which one must fit, and how many groups there are with one more (0: enough)."""

    fields: SafeString
    alternatives: list[SafeString]
    more_alternatives: int
    hidden: list[tuple[str, str]]
    clear_url: str


@dataclass(frozen=True)
class ColumnsMenu:
    """`kept`: the columns come from the reader's own wishes or the record type, not from the address or a view."""

    choices: list[Choice]
    compact: bool
    kept: bool
    next: str  # this list, without page and columns


def head(query: ListQuery, column: Column) -> Head:
    if not column.sort:
        return Head(column.label, "", "", column.css, column.name)
    state = "" if query.sort.removeprefix("-") != column.name else ("descending" if query.sort.startswith("-") else "ascending")
    wanted = f"-{column.name}" if state == "ascending" else column.name
    return Head(column.label, query.url({"sort": wanted, "cursor": ""}), state, column.css, column.name)


def chips(query: ListQuery) -> list[Chip]:
    """One per filter, and one per alternative, which stands for all its filters."""
    if query.errors or not query.asked:
        return []
    found = []
    for label, text, keys in _told(query, query.filterset, 0) if query.asked_plainly else []:
        found.append(Chip(label, text, query.url(dict.fromkeys(keys, "") | {"cursor": ""})))
    for number, filterset in zip(query.used, query.alternatives, strict=True):
        parts = _told(query, filterset, number)
        gone = {key: "" for _label, _text, keys in parts for key in keys} | {"cursor": ""}
        found.append(Chip(_("Either") if number == query.used[0] else _("or"), ", ".join(f"{label} {text}" for label, text, _keys in parts), query.url(gone)))
    return found


def _told(query: ListQuery, filterset: Any, number: int) -> list[tuple[str, str, list[str]]]:
    """What a filterset asks for: label, value and parameters of each filter."""
    told = []
    for name, field in filterset.form.fields.items():
        keys = [key for key in query.keys_of(name, number) if query.params.get(key)]
        value = filterset.form.cleaned_data.get(name)
        if keys and value not in (None, "", []):
            told.append((str(field.label or name), filterset.value_text(name, value), keys))
    return told


def filter_menu(query: ListQuery) -> FilterMenu:
    """With the groups in use, and empty ones up to the number that the address asks for."""
    count = max([query.wanted_alternatives, *query.used])
    groups = [filter_fields(query, number) for number in range(1, count + 1)]
    return FilterMenu(filter_fields(query), groups, count + 1 if count < ALTERNATIVES else 0, hidden(query, "q", *LOOKS), query.all_url)


def columns_menu(query: ListQuery) -> ColumnsMenu:
    kept = "cols" not in query.params and query.saved is None
    return ColumnsMenu(column_choices(query), query.look.compact, kept, query.url({"cols": "", "cursor": ""}))


def hidden(query: ListQuery, *names: str) -> list[tuple[str, str]]:
    """What a form about this list keeps of its address."""
    return [(name, query.params[name]) for name in names if query.params.get(name)]


def groupings(query: ListQuery) -> list[Head]:
    """By what the list can be grouped, "not at all" first."""
    names: list[str] = query.record.filterset.groupable(query.filters)  # type: ignore[attr-defined]
    found = [Head(_("No groups"), query.url({"group": "", "cursor": ""}), "" if query.group else "on", "")]
    for name in names:
        label = query.filters[name].label or name
        found.append(Head(label, query.url({"group": name, "cursor": ""}), "on" if name == query.group else "", ""))
    return found


def column_choices(query: ListQuery) -> list[Choice]:
    """All columns but the first: those shown in their order, then the others."""
    shown = [column for column in query.columns[1:] if column.label]
    others = [column for column in query.record.columns[1:] if column.label and column not in shown]
    return [Choice(column.name, column.label, column in shown, query.look.widths.get(column.name, "")) for column in (*shown, *others)]


def filter_fields(query: ListQuery, number: int = 0) -> SafeString:
    """The fields of the filter, or of an alternative, as html. Those that the address does not ask for are remembered per reader and language
    for half a minute: rendering drop-downs of statuses and sources costs more than reading the page."""
    names = list(query.filters)
    asked = set(names) if query.errors else {name for name in names if query.keys_of(name, number)}
    key = f"filters.{number}.{query.record.slug}.{query.record.stamp}.{query.user.pk}.{get_language()}"
    kept: dict[str, str] = caches["fragments"].get(key) or {}
    html = dict(kept)
    for name in names:
        if name in asked or name not in kept:
            html[name] = _filter_field(_form_of(query, name, number), name)
    if len(kept) < len(names) and not query.errors:
        caches["fragments"].set(key, kept | {name: text for name, text in html.items() if name not in asked}, KEEP_SECONDS)
    return SafeString("".join(html[name] for name in names))


def _form_of(query: ListQuery, name: str, number: int) -> Any:
    """The form that has the field: a small one where the address asks for it."""
    if number:
        used = number in query.used and query.keys_of(name, number)
        return (query.alternatives[query.used.index(number)] if used else query.every_alternative(number)).form
    return (query.filterset if query.keys_of(name) else query.every_filter).form


def _filter_field(form: Any, name: str) -> str:
    return render_to_string("records/filter_field.html", {"field": form[name]})


# The menus of the bar: their titles, and what each is about. Half of the bar is in them and few are opened, so each is asked for by itself.
MENUS: dict[str, tuple[Any, Callable[[ListQuery], Any]]] = {
    "filter": (gettext_lazy("Filter"), filter_menu),
    "save": (gettext_lazy("Save view"), saved_bar),
    "columns": (gettext_lazy("Columns"), columns_menu),
}


def menu_urls(query: ListQuery) -> dict[str, str]:
    question = query.url({"cursor": ""}).removeprefix(query.record.list_url)
    found = {name: f"{query.record.url('menu', name)}{question}" for name in MENUS}
    as_report = next(iter(hooks("as_report")), None)
    return {**found, "report": as_report(query)} if as_report else found
