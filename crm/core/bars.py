"""What stands around the rows of a list, built as strings like cells: loops in a template cost a quarter of a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from crm.core.cells import escape, icon


@dataclass(frozen=True)
class Tab:
    """A link above a list. `mark`: what it leads to has been changed here and not saved."""

    label: Any
    url: str
    active: bool
    icon: str = ""
    mark: bool = False


_CURRENT = {True: ' aria-current="page"', False: ""}
_ARROWS = {"ascending": "chevron-up", "descending": "chevron-down"}


def _sort_mark(state: str) -> str:
    return icon(_ARROWS[state], "i-sm") if state in _ARROWS else ""


def head_cells(heads: Iterable[Any]) -> SafeString:
    """The `<th>`s of a list: heads with `label`, `url` (of the sort; "" for none), `sort` (ascending, descending, ""), `css`, the column's `name`, and
    what crm.js makes pencils of: `edit` and `opens`."""
    parts = []
    for head in heads:
        label = escape(str(head.label))
        inner = f'<a href="{escape(head.url)}" data-hx>{label}{_sort_mark(head.sort)}</a>' if head.url else label
        css = f' class="{escape(head.css)}"' if head.css else ""
        state = f' aria-sort="{head.sort}"' if head.sort else ""
        name = f' data-col="{escape(head.name)}"' if head.name else ""
        pencil = f' data-edit="{escape(head.edit)}"' if head.edit else f' data-opens="{escape(head.opens)}"' if head.opens else ""
        parts.append(f'<th scope="col"{css}{state}{name}{pencil}>{inner}</th>')
    return SafeString("".join(parts))


def sort_items(heads: Iterable[Any]) -> SafeString:
    """The same sorts as entries of a menu."""
    parts = []
    for head in heads:
        if head.url:
            css, current = (" active", ' aria-current="true"') if head.sort else ("", "")
            label = f"{escape(str(head.label))}{_sort_mark(head.sort)}"
            parts.append(f'<li><a class="dropdown-item{css}" href="{escape(head.url)}"{current} data-hx>{label}</a></li>')
    return SafeString("".join(parts))


def view_tabs(tabs: Iterable[Tab]) -> SafeString:
    """Links of tabs."""
    return SafeString("".join(f'<a href="{escape(tab.url)}"{_CURRENT[bool(tab.active)]} data-hx>{_tab_label(tab)}</a>' for tab in tabs))


def tab_items(tabs: Iterable[Tab]) -> SafeString:
    """The same as entries of a menu."""
    return SafeString("".join(f'<li><a class="dropdown-item" href="{escape(tab.url)}" data-hx>{_tab_label(tab)}</a></li>' for tab in tabs))


def _tab_label(tab: Tab) -> str:
    return f"{escape(str(tab.label))}{_changed_mark() if tab.mark else ''}"


def _changed_mark() -> str:
    return f'<span class="changed" aria-hidden="true"></span><span class="visually-hidden"> ({escape(gettext("changed"))})</span>'


def bulk_buttons(actions: Iterable[Any]) -> SafeString:
    """Submit buttons of actions with `label`, `icon`, `url` and `danger`."""
    parts = []
    for action in actions:
        css, inner = "btn-danger" if action.danger else "btn-secondary", f"{icon(action.icon, 'i-sm')}{escape(str(action.label))}"
        parts.append(f'<button class="btn {css}" type="submit" formaction="{escape(action.url)}">{inner}</button>')
    return SafeString("".join(parts))


def page_sizes(sizes: Iterable[tuple[int, str, bool]]) -> SafeString:
    """Links of (size, url, whether it is the current one)."""
    marks = {True: ' aria-current="true"', False: ""}
    return SafeString("".join(f'<a href="{escape(url)}"{marks[active]} data-hx>{size}</a>' for size, url, active in sizes))


def export_items(exports: Iterable[tuple[Any, str]]) -> SafeString:
    """Menu entries of (label, url)."""
    sheet = icon("file-spreadsheet")
    parts = (f'<li><a class="dropdown-item" href="{escape(url)}" data-export download>{sheet}{escape(str(label))}</a></li>' for label, url in exports)
    return SafeString("".join(parts))
