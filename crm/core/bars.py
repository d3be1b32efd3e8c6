"""What stands around the rows of a list, built as strings like cells: loops in a template cost a quarter of a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.safestring import SafeString

from crm.core.cells import escape, icon

_ARROWS = {"ascending": "chevron-up", "descending": "chevron-down"}


def _sort_mark(state: str) -> str:
    return icon(_ARROWS[state], "i-sm") if state else ""


def head_cells(heads: Iterable[Any]) -> SafeString:
    """The `<th>`s of a list: heads with `label`, `url` (of the sort; "" for none), `sort` (ascending, descending, ""), `css`, and what crm.js
    makes pencils of: `edit` and `opens`."""
    parts = []
    for head in heads:
        label = escape(str(head.label))
        inner = f'<a href="{escape(head.url)}" data-hx>{label}{_sort_mark(head.sort)}</a>' if head.url else label
        css = f' class="{escape(head.css)}"' if head.css else ""
        state = f' aria-sort="{head.sort}"' if head.sort else ""
        pencil = f' data-edit="{escape(head.edit)}"' if head.edit else f' data-opens="{escape(head.opens)}"' if head.opens else ""
        parts.append(f'<th scope="col"{css}{state}{pencil}>{inner}</th>')
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


def view_tabs(tabs: Iterable[Any]) -> SafeString:
    """Links of tabs with `label`, `url` and `active`."""
    marks = {True: ' aria-current="page"', False: ""}
    return SafeString("".join(f'<a href="{escape(tab.url)}"{marks[bool(tab.active)]} data-hx>{escape(str(tab.label))}</a>' for tab in tabs))


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
    return SafeString("".join(f'<li><a class="dropdown-item" href="{escape(url)}" download>{sheet}{escape(str(label))}</a></li>' for label, url in exports))
