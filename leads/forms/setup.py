"""Forms of the settings: statuses, web forms and their fields, assignment rules."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import Column, Field, Fieldset, Layout, Row
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.core.models import Source
from crm.core.settings_pages import SettingsForm
from leads.models import AssignmentRule, DisqualifyReason, FormField, LeadStatus, ScoreRule, WebForm
from leads.services.questions import web_fields
from leads.services.scoring import FACTS
from users.models import Team, User

BLANK_CONDITIONS, BLANK_FIELDS = 3, 3
FIELD_CHOICES = [
    ("", "–"),
    ("country", _("Country")),
    ("city", _("City")),
    ("source", _("Source")),
    ("company_name", _("Company")),
    ("email_domain", _("Domain of the e-mail")),
    ("form", _("Web form")),
    ("message", _("Message")),
    ("utm_source", "utm_source"),
    ("utm_medium", "utm_medium"),
    ("utm_campaign", "utm_campaign"),
    ("utm_term", "utm_term"),
    ("utm_content", "utm_content"),
]
OP_CHOICES = [("is", _("is")), ("is_not", _("is not")), ("contains", _("contains")), ("in", _("is one of (a, b, c)"))]


class Lines(forms.CharField):
    """One entry a line; cleans to a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else "\n".join(value)


def pair(left: str, right: str) -> Row:
    return Row(Column(left, css_class="col-md-6"), Column(right, css_class="col-md-6"))


class StatusSettingForm(SettingsForm):
    class Meta:
        model = LeadStatus
        fields = ["name", "kind", "color"]
        help_texts = {"kind": _("One status is for new leads, one for converted ones; the others are yours.")}


class ReasonForm(SettingsForm):
    class Meta:
        model = DisqualifyReason
        fields = ["name", "active"]
        help_texts = {"active": _("Leads keep the words they were disqualified with; take the tick away to stop offering them.")}


class ScoreRuleForm(SettingsForm):
    field = forms.ChoiceField(label=_("Field"), choices=[(name, fact.label) for name, fact in FACTS.items()])

    class Meta:
        model = ScoreRule
        fields = ["field", "op", "value", "points", "label", "active"]
        help_texts = {
            "value": _("Not needed for “is filled” and “is empty”. Case and accents do not count."),
            "points": _("From -100 to 100. The score is the sum, at least 0 and at most 100."),
            "label": _("What people read as the reason; empty: the condition in words."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper.layout = Layout(pair("field", "op"), pair("value", "points"), Field("label"), Field("active"))


class WebFormForm(SettingsForm):
    """What a web form says and does; its fields have a page of their own."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    redirect_url = forms.URLField(label=_("Thank-you page elsewhere"), required=False, assume_scheme="https")
    allowed_origins = Lines(
        label=_("Sites that may show it in a frame"), help_text=_("One a line: https://www.example.com. Links and posts work from everywhere.")
    )

    class Meta:
        model = WebForm
        fields = [
            "name",
            "slug",
            "active",
            "title",
            "intro",
            "button",
            "thanks",
            "redirect_url",
            "language",
            "source",
            "team",
            "follow_up_hours",
            "confirm_sender",
            "confirm_subject",
            "confirm_text",
            "allowed_origins",
            "per_address_per_hour",
            "per_form_per_minute",
        ]
        help_texts = {
            "name": _("For your colleagues; assignment rules can ask for it."),
            "slug": _("The form stands at /f/ and this word."),
            "redirect_url": _("Empty: our own page with the thank-you text."),
            "team": _("Gets the leads that no rule gives to anybody."),
            "follow_up_hours": _("The owner's task is due after so many working hours."),
            "confirm_text": _("The sender gets these words and nothing that was typed into the form."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = Source.objects.visible_to(self.user)
        self.fields["source"].queryset = sources.filter(active=True) | sources.filter(pk=self.instance.source_id)  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.visible_to(self.user)  # type: ignore[attr-defined]
        self.helper.layout = Layout(
            Fieldset(_("Form"), pair("name", "slug"), Field("active"), pair("language", "button"), Field("title"), Field("intro")),
            Fieldset(_("After sending"), Field("thanks"), Field("redirect_url"), Field("confirm_sender"), Field("confirm_subject"), Field("confirm_text")),
            Fieldset(_("The lead"), pair("source", "team"), Field("follow_up_hours")),
            Fieldset(_("Protection"), Field("allowed_origins"), pair("per_address_per_hour", "per_form_per_minute")),
        )

    def clean_follow_up_hours(self) -> int:
        hours = self.cleaned_data["follow_up_hours"]
        if hours > 400:
            raise forms.ValidationError(_("At most 400 working hours."))
        return hours


def target_choices() -> list[tuple[str, Any]]:
    """What an answer can fill: fields of the lead, custom ones too."""
    return [*FormField.Target.choices, *((name, field.label) for name, field in web_fields().items())]


class FieldRow(forms.Form):
    """One field of a web form. A row without name and label is no field."""

    key = forms.SlugField(label=_("Name"), max_length=40, required=False)
    label = forms.CharField(label=_("Label"), max_length=120, required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=FormField.Kind.choices)
    target = forms.ChoiceField(label=_("Fills"), choices=target_choices, required=False)
    required = forms.BooleanField(label=_("Required"), required=False)
    choices = Lines(label=_("Choices, one a line"))
    consent_text = forms.CharField(label=_("Consent text"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    help_text = forms.CharField(label=_("Help"), max_length=200, required=False)
    remove = forms.BooleanField(label=_("Remove"), required=False)
    field_order = ("key", "label", "kind", "target", "help_text", "required", "remove", "choices", "consent_text")

    @property
    def is_field(self) -> bool:
        cleaned = self.cleaned_data
        return bool(cleaned.get("key") or cleaned.get("label")) and not cleaned.get("remove")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and self.is_field:
            for name in ("key", "label"):
                if not cleaned.get(name):
                    self.add_error(name, _("Fill this in."))
        return cleaned

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("key", "label", "kind", "target", "required", "choices", "help_text", "consent_text")}

    def typed(self) -> dict[str, Any]:
        """What stands in the row, unchecked."""
        raw = {name: self.data.get(self.add_prefix(name), "") for name in self.fields}
        return {**raw, "required": bool(raw["required"]), "remove": bool(raw["remove"])}


FieldRows = forms.formset_factory(FieldRow, extra=BLANK_FIELDS, max_num=40 + BLANK_FIELDS, absolute_max=60)


class RuleForm(SettingsForm):
    """Who gets which leads; conditions are plain rows, of which empty ones do not count."""

    is_fallback = forms.BooleanField(
        label=_("Fallback"),
        required=False,
        help_text=_("Tried last, for every lead that no other rule gives away; takes somebody who is away when nobody is there."),
    )

    class Meta:
        model = AssignmentRule
        fields = ["name", "active", "mode", "user", "team"]
        help_texts = {"user": _("For “one user”."), "team": _("For “in turn” and “least busy”. Who is away is left out.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = User.objects.visible_to(self.user).filter(is_active=True)  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.visible_to(self.user)  # type: ignore[attr-defined]
        if self.instance.pk:
            del self.fields["is_fallback"]
        self.numbers = range(len(self.instance.conditions) + BLANK_CONDITIONS) if not self.instance.is_fallback else range(0)
        for number in self.numbers:
            self._add_condition(number)
        self.helper.layout = self._layout()

    def _add_condition(self, number: int) -> None:
        rows = self.instance.conditions
        row = rows[number] if number < len(rows) else {}
        names = {"n": number + 1}
        self.fields[f"condition_{number}_field"] = forms.ChoiceField(label=_("Condition %(n)s") % names, choices=FIELD_CHOICES, required=False)
        self.fields[f"condition_{number}_op"] = forms.ChoiceField(label=_("Comparison"), choices=OP_CHOICES, required=False)
        self.fields[f"condition_{number}_value"] = forms.CharField(label=_("Value"), max_length=500, required=False)
        for name in ("field", "op", "value"):
            self.initial[f"condition_{number}_{name}"] = row.get(name, "")

    def _layout(self) -> Layout:
        first = [pair("name", "mode"), pair("user", "team"), Field("active")]
        if "is_fallback" in self.fields:
            first.append(Field("is_fallback"))
        rows = [Row(*[Column(f"condition_{number}_{name}", css_class="col-md-4") for name in ("field", "op", "value")]) for number in self.numbers]
        return Layout(Fieldset(_("Rule"), *first), *([Fieldset(_("All of these must hold"), *rows)] if rows else []))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for number in self.numbers:
            field, value = cleaned.get(f"condition_{number}_field"), (cleaned.get(f"condition_{number}_value") or "").strip()
            if field and not value:
                self.add_error(f"condition_{number}_value", _("Enter a value, or take the field away."))
            if value and not field and f"condition_{number}_field" not in self.errors:
                self.add_error(f"condition_{number}_field", _("Choose a field."))
        return cleaned

    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        found = {name: cleaned[name] for name in self.Meta.fields}
        conditions = [
            {"field": cleaned[f"condition_{n}_field"], "op": cleaned[f"condition_{n}_op"] or "is", "value": cleaned[f"condition_{n}_value"]}
            for n in self.numbers
            if cleaned.get(f"condition_{n}_field")
        ]
        return {**found, "conditions": conditions, **({"is_fallback": cleaned["is_fallback"]} if "is_fallback" in cleaned else {})}
