"""What the forms of entries share."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from crm.core.fields import PickerField


class EntryForm(forms.Form):
    """Base of what people enter on a record's page."""

    idempotency_key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(data, auto_id=f"{type(self).__name__.lower()}_%s", **kwargs)
        self.initial.setdefault("idempotency_key", uuid.uuid4())
        for name, field in self.fields.items():
            if isinstance(field, PickerField):
                field.user = user
                self.initial.setdefault(name, user)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and "\x00" in value:
                self.add_error(name, _("Remove the invisible characters."))
        return cleaned

    def values(self) -> dict[str, Any]:
        values = {name: value for name, value in self.cleaned_data.items() if name != "idempotency_key"}
        return {name: value for name, value in values.items() if value is not None or name not in ("reminder", "owner")}
