"""Columns that record types share."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.core.cells import tags_cell, text_cell
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
