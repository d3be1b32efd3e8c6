"""Set-up, invitation and profile."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Field, Fieldset, Layout, Row
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.core.settings_pages import SettingsForm
from users import choices
from users.models import User


def plain_helper() -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True  # the template has it
    return helper


class NewPasswordField(forms.CharField):
    """A password that is being chosen; the form checks it against the rules."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Password"))
        super().__init__(strip=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), **kwargs)

    def get_bound_field(self, form: Any, field_name: str) -> Any:
        self.help_text = " ".join(password_validators_help_texts())
        return super().get_bound_field(form, field_name)


def check_password(form: forms.Form, email: str) -> None:
    """Against the rules of the settings, with what is known of the person."""
    password = form.cleaned_data.get("password")
    if password:
        try:
            validate_password(password, User(email=email, name=form.cleaned_data.get("name", "")))
        except ValidationError as error:
            form.add_error("password", error)


class SetUpForm(forms.Form):
    """Organisation and first admin."""

    organisation_name = forms.CharField(label=_("Name of your organisation"), max_length=120)
    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label=_("Your e-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = NewPasswordField()
    language = forms.ChoiceField(label=_("Language"), choices=choices.languages)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=choices.zones)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        check_password(self, cleaned.get("email", ""))
        return cleaned


class AcceptInvitationForm(forms.Form):
    """Name and password of somebody who was invited."""

    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = NewPasswordField()

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        self.email = email
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        check_password(self, self.email)
        return cleaned


class ProfileForm(SettingsForm):
    """What people set for themselves."""

    time_zone = forms.ChoiceField(label=_("Time zone"))
    second_zone = forms.ChoiceField(
        label=_("Second time zone"),
        required=False,
        help_text=_("Stands beside the hours of the calendar's weeks and days, for colleagues or customers elsewhere."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=choices.languages)
    photo = forms.FileField(label=_("Photo"), required=False, widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"}))
    remove_photo = forms.BooleanField(label=_("Remove the photo"), required=False)
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    class Meta:
        model = User
        fields = ["name", "time_zone", "second_zone", "language", "theme", "signature", "shortcuts", "away_from", "away_to", "dial_with", "dial_target"]
        help_texts = {
            "signature": _("Stands under the mails you write."),
            "shortcuts": _("Single letters as commands, such as n for a note. Ctrl K always works."),
            "away_from": _("While you are away, no new leads are assigned to you."),
            "away_to": _("The last day that you are away."),
            "dial_with": _("What a click on a phone number does."),
            "dial_target": choices.DIAL_HELP,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = choices.zones(self.instance.time_zone)  # type: ignore[attr-defined]
        self.fields["second_zone"].choices = [("", "–"), *choices.zones(self.instance.second_zone)]  # type: ignore[attr-defined]
        self.initial["version"] = self.instance.version
        self.initial.pop("photo", None)
        if not self.instance.photo:
            del self.fields["remove_photo"]
        self.fields["photo"].help_text = _("JPEG, PNG, WebP or GIF, at most 5 MB. It is cut to a square.")
        pictures = ["photo", *(["remove_photo"] if "remove_photo" in self.fields else [])]
        self.helper.layout = Layout(
            Fieldset(_("You"), Field("name"), *[Field(name) for name in pictures], Field("signature")),
            Fieldset(
                _("Display"),
                Row(Column("language", css_class="col-md-6"), Column("time_zone", css_class="col-md-6")),
                Row(Column("theme", css_class="col-md-6"), Column("second_zone", css_class="col-md-6")),
                Field("shortcuts"),
            ),
            Fieldset(_("Telephone"), Field("dial_with"), Field("dial_target")),
            Fieldset(_("Absence"), Row(Column("away_from", css_class="col-md-6"), Column("away_to", css_class="col-md-6"))),
            Field("version"),
        )

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("photo", "remove_photo", "version")}
