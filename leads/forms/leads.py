"""Forms about leads: the record itself, its status, bulk actions."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.services import country_choices
from crm.core.fields import MoneyField, PhoneField, PickerField, TagsField
from crm.core.forms import RecordForm
from crm.core.models import Source
from crm.core.widgets import DateInput
from leads.models import DisqualifyReason, Lead, LeadStatus

Kind = LeadStatus.Kind


class LeadForm(RecordForm):
    """Create and edit. Converting and disqualifying have pages of their own."""

    phone = PhoneField(required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)
    status = forms.ModelChoiceField(label=_("Status"), queryset=None, required=False, empty_label=None)
    source = forms.ModelChoiceField(label=_("Source"), queryset=None, required=False, empty_label=_("Not known"))
    value = MoneyField(label=_("Estimated value"), required=False)
    owner = PickerField("users", label=_("Owner"), required=False, help_text=_("Empty: unassigned."))
    tags = TagsField()

    layout = (
        (_("Person"), ("first_name", "last_name"), ("email", "phone"), "job_title"),
        (_("Company"), ("company_name", "website"), ("city", "country")),
        (_("Lead"), ("status", "source"), ("value", "owner"), "tags", "description"),
    )

    class Meta:
        model = Lead
        fields = [
            "first_name",
            "last_name",
            "email",
            "phone",
            "job_title",
            "company_name",
            "website",
            "city",
            "country",
            "status",
            "source",
            "value",
            "owner",
            "description",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = country_choices()  # type: ignore[attr-defined]
        self.fields["status"].queryset = self._statuses()  # type: ignore[attr-defined]
        self.fields["source"].queryset = self._sources()  # type: ignore[attr-defined]
        self.fields["value"].widget.currency = self.instance.currency  # type: ignore[attr-defined]
        if not self.instance.pk:
            first = self.fields["status"].queryset.first()  # type: ignore[attr-defined]
            self.initial.setdefault("status", first.pk if first else None)

    def _statuses(self) -> Any:
        """The working ones, and the one that the lead has: a converted lead keeps its status."""
        rows = LeadStatus.objects.visible_to(self.user)
        if self.instance.converted_at is not None:
            return rows.filter(pk=self.instance.status_id)
        open_ones = rows.filter(kind__in=[Kind.NEW, Kind.WORKING])
        return open_ones | rows.filter(pk=self.instance.status_id) if self.instance.pk else open_ones

    def _sources(self) -> Any:
        """Those that are offered, and the one that the lead has."""
        rows = Source.objects.visible_to(self.user)
        return rows.filter(active=True) | rows.filter(pk=self.instance.source_id) if self.instance.pk else rows.filter(active=True)

    def clean_phone(self) -> str:
        return self.cleaned_data["phone"] or ""


class PlainForm(forms.Form):
    """A form that is no record's: `user` limits its choices."""

    def __init__(self, data: Any = None, *, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(data, **kwargs)
        for each in self.fields.values():
            if isinstance(each, PickerField):
                each.user = user
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and "\x00" in value:
                self.add_error(name, ValidationError(_("Remove the invisible characters."), code="nul"))
        return cleaned


class StatusForm(PlainForm):
    """A new status, with the reason when that is disqualified."""

    status = forms.ModelChoiceField(label=_("Status"), queryset=None, empty_label="–")
    known_reason = forms.ModelChoiceField(
        label=_("Reason"), queryset=None, required=False, to_field_name="name", empty_label=_("In my own words"), help_text=_("Needed when you disqualify.")
    )
    reason = forms.CharField(label=_("In your own words"), max_length=200, required=False)
    recycle_on = forms.DateField(
        label=_("Comes back on"),
        required=False,
        widget=DateInput(),
        help_text=_("Of a disqualified lead: it is new again on that day, with a task for its owner."),
    )
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["status"].queryset = LeadStatus.objects.visible_to(self.user).exclude(kind=Kind.CONVERTED)  # type: ignore[attr-defined]
        offered = DisqualifyReason.objects.visible_to(self.user).filter(active=True)
        self.fields["known_reason"].queryset = offered  # type: ignore[attr-defined]
        if any(each.name == self.initial.get("reason") for each in offered):
            self.initial["known_reason"] = self.initial.pop("reason")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        known = cleaned.get("known_reason")
        cleaned["reason"] = (cleaned.get("reason") or "").strip() or (known.name if known else "")
        status, errors = cleaned.get("status"), self.errors.keys()
        gone = status is not None and status.kind == Kind.DISQUALIFIED
        if gone and not cleaned["reason"] and not {"reason", "known_reason"} & errors:
            self.add_error("reason", _("Say why this lead is disqualified."))
        day = cleaned.get("recycle_on")
        if gone and day is not None and day <= timezone.localdate():
            self.add_error("recycle_on", _("Choose a day after today."))
        return cleaned


class BulkStatusForm(StatusForm):
    """The same for many leads."""

    version = None
