"""The left column of a record's page: its facts in groups, the ways to change them, and the names of what is empty.

Built as text: through the template engine the thirty facts of a person took longer than the statement that reads them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django import forms
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core import cells
from crm.core.lists import RowContext
from crm.core.records import Fact, RecordType, Section


def profile_html(record: RecordType, obj: Any, ctx: RowContext) -> SafeString:
    """The sections of a page. Who may change the record finds a pencil at each group (all of the form, in the side panel) and at each value that has a
    field of its own, and what is empty in one folded line."""
    may = ctx.can("change", obj)
    pencils = _Pencils(record, obj) if may else None
    return SafeString("".join(_section(section, obj, ctx, pencils) for section in record.sections))


class _Pencils:
    """The ways into the record's form."""

    def __init__(self, record: RecordType, obj: Any) -> None:
        self.form, self.edit_url, self.said = record.form, record.url("edit", obj.pk), _("Edit %(what)s")
        self.before, _name, self.after = record.url("field", obj.pk, "x-x-x").partition("x-x-x")
        self.icon = cells.icon("pencil", "i-sm")

    def section(self, section: Section, title: str) -> str:
        first = next((fact.field for fact in section.facts if fact.field), "")
        if not first:  # nothing of it is in the form
            return ""
        url, label = f"{self.edit_url}?here=1&amp;field={first}", self.said % {"what": title}
        return f'<a class="btn btn-ghost btn-sm btn-icon" href="{url}" data-panel aria-label="{label}">{self.icon}</a>'

    def fact(self, fact: Fact, label: str) -> str:
        way = "data-panel" if _is_large(self.form, fact.field) else "data-cell"
        what = self.said % {"what": label}
        return f'<a class="btn btn-ghost btn-sm btn-icon fact-edit" href="{self.before}{fact.field}{self.after}" {way} aria-label="{what}">{self.icon}</a>'

    def empty(self, facts: list[tuple[Fact, str]]) -> str:
        links = ", ".join(f'<a href="{self.before}{fact.field}{self.after}" data-panel>{label}</a>' for fact, label in facts)
        count = ngettext("%(n)s empty field", "%(n)s empty fields", len(facts)) % {"n": len(facts)}
        return f'<details class="empties"><summary>{count}</summary>{links}</details>'


def _section(section: Section, obj: Any, ctx: RowContext, pencils: _Pencils | None) -> str:
    facts, empty = [], []
    for fact in section.facts:
        html, label = fact.value(obj, ctx), cells.escape(str(fact.label))
        if html not in ("", None):
            facts.append(f"<dt>{label}</dt><dd>{conditional_escape(html)}{pencils.fact(fact, label) if pencils and fact.field else ''}</dd>")
        elif fact.field and pencils:
            empty.append((fact, label))
    if not facts and not empty:
        return ""
    title = cells.escape(str(section.title))
    head = f"<h2>{title}{pencils.section(section, title) if pencils else ''}</h2>"
    body = f'<dl class="facts">{"".join(facts)}</dl>' if facts else ""
    return f'<section class="sec">{head}{body}{pencils.empty(empty) if empty and pencils else ""}</section>\n'


@lru_cache(1024)
def _is_large(form: Any, name: str) -> bool:
    """Does the field need more room than a box over its value has?"""
    field = form.base_fields.get(name)
    return field is not None and (isinstance(field.widget, forms.Textarea) or bool(getattr(field, "large", False)))
