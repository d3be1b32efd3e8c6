"""What is asked of a timeline, and what is said to its lines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities.forms.base import EntryForm
from activities.selectors import Wanted
from activities.services import MAX_COMMENT
from crm.core.fields import PickerField
from crm.core.filters import day_start
from crm.core.text import MAX_QUERY, ask
from crm.core.widgets import DateInput
from users.models import Team

# The tabs of a timeline, in their order.
TAB_LABELS = {
    "": gettext_lazy("All"),
    "email": gettext_lazy("E-mail"),
    "call": gettext_lazy("Calls"),
    "meeting": gettext_lazy("Meetings"),
    "note": gettext_lazy("Notes"),
    "task": gettext_lazy("Tasks"),
    "change": gettext_lazy("Changes"),
}
YEARS = (MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31)))


class TimelineForm(forms.Form):
    """The filter of a timeline. Its names are those of the address."""

    q = forms.CharField(label=gettext_lazy("Text contains"), required=False, max_length=MAX_QUERY, widget=forms.TextInput(attrs={"type": "search"}))
    kind = forms.ChoiceField(label=gettext_lazy("Type"), required=False, choices=list(TAB_LABELS.items()))
    person = PickerField("users", label=gettext_lazy("Person"), required=False)
    team = forms.ModelChoiceField(None, label=gettext_lazy("Team"), required=False, empty_label=gettext_lazy("Any"))
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=DateInput(), validators=YEARS)
    until = forms.DateField(label=gettext_lazy("Up to"), required=False, widget=DateInput(), validators=YEARS)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data, auto_id="timeline_%s")
        person, team = self.fields["person"], self.fields["team"]
        assert isinstance(person, PickerField)
        assert isinstance(team, forms.ModelChoiceField)
        person.user, team.queryset = user, Team.objects.visible_to(user)

    def clean_q(self) -> str:
        text: str = self.cleaned_data["q"]
        if text and ask(text) is None:
            raise ValidationError(_("Enter a letter or a digit."))
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] > cleaned["until"]:
            self.add_error("until", _("This is before the first day."))
        return cleaned

    def wanted(self) -> Wanted:
        """What is asked for, as far as it is right."""
        values = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        return Wanted(
            kind=values.get("kind", ""),
            person_id=getattr(values.get("person"), "pk", None),
            team_id=getattr(values.get("team"), "pk", None),
            since=day_start(since) if since else None,
            until=day_start(until + timedelta(days=1)) if until else None,
            question=ask(values.get("q", "")),
        )

    def params(self) -> dict[str, str]:
        """The same for the address."""
        return {name: str(getattr(value, "pk", value)) for name, value in self.cleaned_data.items() if value}


class CommentForm(EntryForm):
    body = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
        help_text=gettext_lazy("Write @ and a name to mention a colleague who can see this record."),
    )
