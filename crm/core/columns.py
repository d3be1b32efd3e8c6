"""Columns that record types share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.core.cells import tags_cell
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
