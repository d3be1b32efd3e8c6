"""The form that puts files on a record."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.forms import PlainForm


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; cleans to a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        chosen = data if isinstance(data, list) else [data]
        found = [super(FilesField, self).clean(each, initial) for each in chosen or [None]]
        return [each for each in found if each is not None]


class FilesForm(PlainForm):
    files = FilesField(
        label=_("Files"), max_length=1000, allow_empty_file=True, help_text=_("At most 10 at once, each at most 20 MB. Whoever sees the record can open them.")
    )
