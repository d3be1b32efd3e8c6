"""The capture box: a text, and what is understood of it, to be looked at and corrected before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities import selectors
from activities.capture.sentences import LONGEST, MOST
from activities.forms.repeating import RepeatField
from activities.forms.work import EntryForm, choice
from activities.services.lines import MAX_BODY, MAX_MINUTES
from crm.core.fields import PickerField
from crm.core.names import split_name
from crm.core.widgets import DateInput, TimeInput

NEW = "new:"  # the beginning of a choice that makes a contact of this name
KINDS = [("note", gettext_lazy("Note")), ("call", gettext_lazy("Call")), ("task", gettext_lazy("Task")), ("meeting", gettext_lazy("Meeting"))]


class CaptureForm(EntryForm):
    """The text, and what goes for all that is understood of it. `seen`: the text as it was when the steps below were shown."""

    text = forms.CharField(
        label=gettext_lazy("What happened, what is next?"),
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": gettext_lazy("Called Ann Lee re pricing, follow up Tue 10:00 !high #renewal")}),
    )
    seen = forms.CharField(required=False, strip=False, max_length=LONGEST * 2, widget=forms.HiddenInput)
    steps = forms.IntegerField(required=False, min_value=0, max_value=MOST, widget=forms.HiddenInput)
    origin = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    tags = forms.CharField(label=gettext_lazy("Tags"), required=False, max_length=400)
    owner = PickerField("users", label=gettext_lazy("Assignee of the tasks"), required=False)

    def clean_tags(self) -> list[str]:
        names = [" ".join(name.split()) for name in self.cleaned_data["tags"].split(",") if name.strip()]
        if any(len(name) > 40 for name in names):
            raise ValidationError(_("A tag has at most 40 characters."))
        return names

    @property
    def is_fresh(self) -> bool:
        """Has the text been changed since the steps were shown?"""
        return " ".join(self.data.get("text", "").split()) != " ".join(self.data.get("seen", "").split())


class AboutField(forms.ChoiceField):
    """A record of those that were found, the name of a new contact, or nobody; cleans to the record, the name or None."""

    def __init__(self, *, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(required=False, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return True  # clean() asks what may be seen

    def clean(self, value: Any) -> Any:
        text = str(value or "")
        if text.startswith(NEW):
            name = " ".join(text.removeprefix(NEW).replace("\x00", "").split())
            if not name or any(len(part) > 100 for part in split_name(name)):
                raise ValidationError(_("This is no name."))
            return name
        found = selectors.referenced(self.user, text) if text else None
        if text and found is None:
            raise ValidationError(_("This is not there, or not for you. Choose another one."), code="invalid_choice")
        return found


class StepForm(forms.Form):
    """One thing that will be written."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
    text = forms.CharField(label=gettext_lazy("Text"), max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 2}))
    day = forms.DateField(label=gettext_lazy("Day"), required=False, widget=DateInput())
    at = forms.TimeField(label=gettext_lazy("At"), required=False, widget=TimeInput())
    minutes = forms.IntegerField(label=gettext_lazy("Minutes"), required=False, min_value=0, max_value=MAX_MINUTES)
    task_kind = choice("kind")
    priority = choice("priority")
    repeat = RepeatField()

    def __init__(self, data: Any = None, *, user: Any, abouts: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(data, auto_id="capture_%s", **kwargs)
        self.fields["about"] = AboutField(user=user, label=gettext_lazy("About"), choices=[("", _("Nobody in particular")), *abouts])
        self.fields["task_kind"].label = _("Kind of task")
        self.order_fields(("kind", "about", "text", "day", "at", "minutes", "task_kind", "priority", "repeat"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        text = cleaned.get("text", "")
        if "\x00" in text:
            self.add_error("text", _("Remove the invisible characters."))
        if cleaned.get("kind") in ("task", "meeting") and len(text) > 200:
            self.add_error("text", _("A title has at most 200 characters."))
        if cleaned.get("at") and not cleaned.get("day") and cleaned.get("kind") in ("task", "meeting") and "day" not in self.errors:
            self.add_error("day", _("Choose the day for this time."))
        if cleaned.get("repeat") and not cleaned.get("day") and cleaned.get("kind") == "task" and "day" not in self.errors:
            self.add_error("day", _("Choose the day of the first task."))
        return cleaned


class CardForm(forms.Form):
    """A person from a pasted signature."""

    first_name = forms.CharField(label=gettext_lazy("First name"), required=False, max_length=100)
    last_name = forms.CharField(label=gettext_lazy("Last name"), required=False, max_length=100)
    job_title = forms.CharField(label=gettext_lazy("Job title"), required=False, max_length=120)
    company = forms.CharField(label=gettext_lazy("Company"), required=False, max_length=200, help_text=gettext_lazy("One that is called so, else a new one."))
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    phone = forms.CharField(label=gettext_lazy("Phone"), required=False, max_length=40)
    mobile = forms.CharField(label=gettext_lazy("Mobile"), required=False, max_length=40)
    domain = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, auto_id="capture_card_%s", prefix="card", **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            if "\x00" in str(value):
                self.add_error(name, _("Remove the invisible characters."))
        if not any(cleaned.get(name) for name in ("first_name", "last_name", "email")) and "email" not in self.errors:
            self.add_error("last_name", _("Enter a name or an e-mail address."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """As services.add_person takes them."""
        data = dict(self.cleaned_data)
        numbers = [{"number": data.pop(name), "kind": kind} for name, kind in (("phone", "work"), ("mobile", "mobile"))]
        return {**data, "phones": [row for row in numbers if row["number"]]}
