"""What the forms of saved views and columns may say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.core.records import RecordType
from crm.core.saved.looks import NARROWEST, WIDEST
from crm.core.saved.models import SavedView


class ViewForm(forms.Form):
    """Name and circle of a view."""

    name = forms.CharField(label=_("Name"), max_length=60)
    shared = forms.ChoiceField(label=_("Shared with"), choices=SavedView.Shared.choices, required=False)


class NewViewForm(ViewForm):
    """With the list's query, and whether the list opens with it from now on."""

    query = forms.CharField(max_length=8000, required=False)
    default = forms.BooleanField(label=_("Open this list with it"), required=False)


class ColumnsForm(forms.Form):
    """The columns behind the first, in order, and their widths in pixels (`width-<column>`, empty for as wide as needed)."""

    def __init__(self, data: QueryDict, record: RecordType) -> None:
        super().__init__(data)
        self.sent, self.record = data, record

    def clean(self) -> dict[str, Any]:
        names = [column.name for column in self.record.columns]
        chosen = list(dict.fromkeys(name for text in self.sent.getlist("cols") for name in text.split(",") if name))
        widths = {name: text for name in names if (text := str(self.sent.get(f"width-{name}", "")).strip())}
        if any(name not in names for name in chosen):
            raise forms.ValidationError(_("This list has no such column."))
        if not all(text.isascii() and text.isdecimal() and NARROWEST <= int(text[:5]) <= WIDEST and len(text) < 5 for text in widths.values()):
            raise forms.ValidationError(_("A column is %(least)s to %(most)s pixels wide.") % {"least": NARROWEST, "most": WIDEST})
        return {"columns": [name for name in chosen if name != names[0]], "widths": {name: int(text) for name, text in widths.items()}}
