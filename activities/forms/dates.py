"""The form of a date that owners are reminded of."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from activities import selectors
from activities.models import MOST_DAYS_BEFORE, DateRule
from crm.core.settings_pages import SettingsForm


def choices() -> list[Any]:
    """The dates that there are, by record type."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for key, field in selectors.date_fields().items():
        groups.setdefault(str(field.record.label_plural), []).append((key, capfirst(field.label)))
    return list(groups.items())


class DateRuleForm(SettingsForm):
    date = forms.ChoiceField(
        label=_("Date"), choices=choices, help_text=_("Date fields of your own for contacts, companies, leads and deals are here as well.")
    )
    days_before = forms.IntegerField(label=_("Days before"), min_value=0, max_value=MOST_DAYS_BEFORE, initial=0, help_text=_("0 is the day itself."))

    class Meta:
        model = DateRule
        fields = ["repeats", "days_before"]

    field_order = ["date", "repeats", "days_before"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["date"] = self.instance.key
