"""The forms of companies and people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts import selectors
from contacts.forms.addresses import AddressesField, Entry
from contacts.models import Company, Consent, Contact, ContactEmail, ContactPhone
from contacts.services import country_choices, language_choices, zone_names
from contacts.services.rules import normal_domain, normal_email, normal_phone
from crm.core.fields import LongChoiceField, PickerField, TagsField, YearlyDayField
from crm.core.forms import PlainForm, RecordForm

ADDRESS = (_("Address"), "street", ("postal_code", "city"), ("region", "country"))
ABOUT = (_("More"), ("owner", "tags"), "description")


def zone_choices() -> list[tuple[str, str]]:
    return [("", "–"), *((name, name.replace("_", " ")) for name in zone_names())]


class CompanyForm(RecordForm):
    owner = PickerField("users", label=_("Owner"), required=False)
    parent = PickerField("companies", label=_("Parent company"), required=False)
    country = LongChoiceField(label=_("Country"), choices=country_choices, required=False)
    domain = forms.CharField(label=_("Website"), required=False, max_length=400, help_text=_("Paste the address; the domain is kept."))
    phone = forms.CharField(label=_("Phone"), required=False, max_length=60, widget=forms.TextInput({"type": "tel", "autocomplete": "off"}))
    email = forms.CharField(label=_("E-mail"), required=False, max_length=254, widget=forms.TextInput({"type": "email", "autocomplete": "off"}))
    tags = TagsField()
    layout = ((_("Company"), "name", ("domain", "industry"), ("email", "phone"), ("employees", "parent")), ADDRESS, ABOUT)

    class Meta:
        model = Company
        fields = [
            "name",
            "domain",
            "industry",
            "employees",
            "email",
            "phone",
            "parent",
            "street",
            "postal_code",
            "city",
            "region",
            "country",
            "description",
            "owner",
            "tags",
        ]

    def clean_domain(self) -> str:
        return normal_domain(self.cleaned_data["domain"])

    def clean_email(self) -> str:
        return normal_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        _clean_phone(self, cleaned)
        return cleaned


def _clean_phone(form: Any, cleaned: dict[str, Any]) -> None:
    """After all fields, because a number without + belongs to the country of the form."""
    if cleaned.get("phone"):
        try:
            cleaned["phone"] = normal_phone(cleaned["phone"], cleaned.get("country") or "")
        except ValidationError as error:
            form.add_error("phone", error)


class ContactForm(RecordForm):
    owner = PickerField("users", label=_("Owner"), required=False)
    company = PickerField("companies", label=_("Company"), required=False)
    email = AddressesField(label=_("E-mail"), input_type="email", key="address", kinds=ContactEmail.Kind.choices, labels=(_("E-mail"), _("Primary")))
    phone = AddressesField(label=_("Phone"), input_type="tel", key="number", kinds=ContactPhone.Kind.choices, labels=(_("Phone"), _("Primary")))
    birthday = YearlyDayField(label=_("Birthday"))
    language = LongChoiceField(label=_("Language"), choices=language_choices, required=False)
    time_zone = LongChoiceField(label=_("Time zone"), choices=zone_choices, required=False)
    country = LongChoiceField(label=_("Country"), choices=country_choices, required=False)
    tags = TagsField()
    layout = (
        (_("Person"), ("first_name", "last_name"), ("company", "job_title"), ("lifecycle", "birthday")),
        (_("How to reach"), "email", "phone", ("language", "time_zone")),
        ADDRESS,
        ABOUT,
    )

    class Meta:
        model = Contact
        fields = [
            "first_name",
            "last_name",
            "company",
            "job_title",
            "lifecycle",
            "birthday",
            "email",
            "phone",
            "language",
            "time_zone",
            "street",
            "postal_code",
            "city",
            "region",
            "country",
            "description",
            "owner",
            "tags",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["email"] = [Entry({"address": row.address, "kind": row.kind, "primary": row.primary}) for row in selectors.email_rows(self.instance)]
            self.initial["phone"] = [Entry({"number": row.number, "kind": row.kind, "primary": row.primary}) for row in selectors.phone_rows(self.instance)]
        else:
            for name, key in (("email", "address"), ("phone", "number")):
                if isinstance(self.initial.get(name), str):  # ?email=... opens the form filled in
                    self.initial[name] = [Entry({key: self.initial[name], "kind": "work", "primary": True})]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not (cleaned.get("first_name") or cleaned.get("last_name") or cleaned.get("email")):
            self.add_error("last_name", _("Enter a name or an e-mail address."))
        for name, key, rule in (("email", "address", normal_email), ("phone", "number", normal_phone)):
            for entry in cleaned.get(name) or []:
                try:
                    entry[key] = rule(entry[key], *([cleaned.get("country") or ""] if name == "phone" else []))
                except ValidationError as error:
                    self.add_error(name, ValidationError(f"{entry[key][:60]}: {error.messages[0]}"))
                    break
        return cleaned

    def values(self) -> dict[str, Any]:
        return {f"{name}s" if name in ("email", "phone") else name: value for name, value in super().values().items()}

    def changed_values(self) -> dict[str, Any]:
        changed = {f"{name}s" if name in ("email", "phone") else name for name in self.changed_data}
        return {name: value for name, value in self.values().items() if name in changed}


class ConsentForm(PlainForm):
    """What a person allowed or withdrew."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Consent.Channel.choices)
    given = forms.ChoiceField(label=_("What the person said"), choices=[("yes", _("Allowed")), ("no", _("Withdrawn"))], widget=forms.RadioSelect)
    source = forms.CharField(label=_("How do we know?"), max_length=120, help_text=_("Such as: by phone on 3 May, trade fair form."))
    text = forms.CharField(label=_("Wording"), required=False, max_length=2000, widget=forms.Textarea({"rows": 3}))
