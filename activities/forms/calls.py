"""Call lists: how one is made from the rows of a list, and the call that is logged."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities.forms.work import CallForm
from crm.core.bulk.actions import BulkForm
from crm.core.widgets import DateInput


class CallListForm(BulkForm):
    """Which of one's call lists the people go on."""

    name = forms.CharField(
        label=gettext_lazy("Call list"), max_length=80, help_text=gettext_lazy("A new one, or the name of one that is there: they are added to it.")
    )
    script = forms.CharField(
        label=gettext_lazy("What to say"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Stands beside each call. Markdown works."),
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class ListedCallForm(CallForm):
    """How the call went, and when to call again."""

    call_again_on = forms.DateField(label=gettext_lazy("Call again on"), required=False, widget=DateInput())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        day = cleaned.get("call_again_on")
        if day is not None and day < timezone.localdate():
            self.add_error("call_again_on", _("Choose a day from today on."))
        return cleaned
