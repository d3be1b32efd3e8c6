"""The organisation's settings."""

from __future__ import annotations

from typing import Any

from crispy_forms.bootstrap import InlineCheckboxes
from crispy_forms.layout import Column, Field, Fieldset, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsForm
from users import choices
from users.choices import DIAL_HELP
from users.models import Holiday, Organisation


class OrganisationForm(SettingsForm):
    """Name, logo, formats and working hours."""

    logo = forms.FileField(label=_("Logo"), required=False, widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"}))
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    currency = forms.ChoiceField(label=_("Currency"), choices=choices.currencies)
    time_zone = forms.ChoiceField(label=_("Time zone"))
    language = forms.ChoiceField(label=_("Language"), choices=choices.languages)
    first_weekday = forms.TypedChoiceField(label=_("First day of the week"), choices=choices.weekdays, coerce=int)
    fiscal_year_start = forms.TypedChoiceField(label=_("Fiscal year starts in"), choices=choices.months, coerce=int)
    work_days = forms.TypedMultipleChoiceField(label=_("Working days"), choices=choices.weekdays, coerce=int, widget=forms.CheckboxSelectMultiple)
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    class Meta:
        model = Organisation
        fields = [
            *("name", "currency", "time_zone", "language", "first_weekday", "fiscal_year_start"),
            *("work_days", "work_start", "work_end", "response_hours", "dial_with", "dial_target"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = choices.zones(self.instance.time_zone)  # type: ignore[attr-defined]
        self.fields["currency"].help_text = _("For new deals; the reports add up in it.")
        self.fields["language"].help_text = _("For new users, and for mails to people outside.")
        self.fields["logo"].help_text = _("JPEG, PNG, WebP or GIF, at most 5 MB.")
        self.fields["work_start"].help_text = _("On the clock of the person who works. Follow-ups count working hours only.")
        self.fields["dial_with"].help_text = _("What a click on a phone number does. Everybody may have it otherwise in their profile.")
        self.fields["dial_target"].help_text = DIAL_HELP
        self.initial["version"] = self.instance.version
        self.initial.pop("logo", None)
        if not self.instance.logo:
            del self.fields["remove_logo"]
        pictures = ["logo", *(["remove_logo"] if "remove_logo" in self.fields else [])]
        self.helper.layout = Layout(
            Fieldset(_("Name and logo"), Field("name"), *[Field(name) for name in pictures]),
            Fieldset(_("Formats"), _pair("language", "time_zone"), _pair("currency", "first_weekday"), Row(Column("fiscal_year_start", css_class="col-md-6"))),
            Fieldset(_("Working hours"), InlineCheckboxes("work_days"), _pair("work_start", "work_end"), Field("response_hours")),
            Fieldset(_("Telephone"), Field("dial_with"), Field("dial_target")),
            Field("version"),
        )

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("logo", "remove_logo", "version")}


def _pair(left: str, right: str) -> Row:
    return Row(Column(left, css_class="col-md-6"), Column(right, css_class="col-md-6"))


class HolidayForm(SettingsForm):
    """A day on which nobody works."""

    class Meta:
        model = Holiday
        fields = ["day", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper.layout = Layout(_pair("day", "name"))
