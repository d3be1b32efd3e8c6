"""Form fields of bulk actions."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.core.fields import PickerField
from crm.core.widgets import PickerValue

MOST_PEOPLE = 50


class PeopleField(forms.CharField):
    """Colleagues by name or e-mail address, separated by commas or lines; cleans to a list of active users, each once. `user` sees them."""

    user: Any = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def clean(self, value: Any) -> Any:
        names = list(dict.fromkeys(part.strip() for part in re.split(r"[,;\n]", super().clean(value)) if part.strip()))
        if len(names) > MOST_PEOPLE:
            raise ValidationError(_("At most %(n)s people.") % {"n": MOST_PEOPLE}, code="people")
        return list(dict.fromkeys(self._found(name) for name in names))

    def _found(self, name: str) -> Any:
        known = get_user_model().objects.visible_to(self.user).filter(is_active=True, email__iexact=name).first()
        return known or PickerField("users", user=self.user).to_python(PickerValue("", name))
