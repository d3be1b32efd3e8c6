"""Columns and facts that record types share."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.cells import tags_cell, text_cell, time_html
from crm.core.records import Column

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


def created_html(obj: Any, ctx: Any) -> SafeString:
    """When a record was made, and by whom; an import or a form on the website makes some without anybody."""
    by, at = ctx.linked(obj, "created_by"), time_html(obj.created_at, ctx)
    return format_html(gettext("{time} by {name}"), time=at, name=str(by)) if by is not None else at
