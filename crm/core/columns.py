"""Columns and facts that record types share."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.core.cells import tags_cell, text_cell, time_html
from crm.core.records import Column
from crm.core.yearly import YearlyDay, text_of

WIDE = "d-none d-lg-table-cell"
TAGS = Column(
    name="tags",
    label=_("Tags"),
    cell=lambda obj, ctx: tags_cell(obj.tags.all(), WIDE),
    export=lambda obj, ctx: ", ".join(tag.name for tag in obj.tags.all()),
    css=WIDE,
    many=("tags",),
    shown=False,
    edit=("tags",),
)


def text_column(
    name: str, label: Any, *, field: str = "", css: str = WIDE, limit: int = 80, strong: bool = False, sort: str = "", shown: bool = True
) -> Column:
    """A column for one text of the record (`field`, if it is not called like the column), which is changed in its cell."""
    text = attrgetter(field or name)
    return Column(
        name=name,
        label=label,
        cell=lambda obj, ctx: text_cell(text(obj), css, strong=strong, limit=limit),
        export=lambda obj, ctx: text(obj),
        sort=sort,
        css=css,
        shown=shown,
        edit=(field or name,),
    )


def yearly_column(name: str, label: Any) -> Column:
    """A column for a day that comes back every year."""
    stored = attrgetter(name)
    return Column(
        name=name,
        label=label,
        cell=lambda obj, ctx: text_cell(text_of(stored(obj), ctx.locale), WIDE),
        export=lambda obj, ctx: stored(obj),
        css=WIDE,
        shown=False,
        edit=(name,),
    )


def yearly_html(stored: str, ctx: Any) -> SafeString | str:
    """Such a day in a record's profile, and how long ago it was first where the year is known."""
    found, text = YearlyDay.read(stored), text_of(stored, ctx.locale)
    if found is None or found.year is None:
        return format_html("{}", text) if text else ""
    years = ctx.today.year - found.year - (found.in_year(ctx.today.year) > ctx.today)
    return format_html('{} <span class="t3 text-nowrap">{}</span>', text, ngettext("%(n)s year old", "%(n)s years old", years) % {"n": years})


def created_html(obj: Any, ctx: Any) -> SafeString:
    """When a record was made, and by whom; an import or a form on the website makes some without anybody."""
    by, at = ctx.linked(obj, "created_by"), time_html(obj.created_at, ctx, style="ago")
    return format_html(gettext("{time} by {name}"), time=at, name=str(by)) if by is not None else at
