"""The forms of roles at companies and of relationships, and the setting of the latter's kinds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts import selectors
from contacts.models import RelationshipType
from crm.core.fields import PickerField
from crm.core.forms import PlainForm
from crm.core.settings_pages import SettingsForm
from crm.core.widgets import DateInput


class LeaveForm(PlainForm):
    """The person has left the company on their row."""

    ended_on = forms.DateField(label=_("Until"), required=False, widget=DateInput, help_text=_("Leave empty if you don't know."))


class RoleForm(PlainForm):
    """A role at a company besides the main one, or an earlier one."""

    company = PickerField("companies", label=_("Company"))
    role = forms.CharField(label=_("Role"), required=False, max_length=120)
    started_on = forms.DateField(label=_("From"), required=False, widget=DateInput)
    ended_on = forms.DateField(label=_("Until"), required=False, widget=DateInput)
    past = forms.BooleanField(label=_("Ended"), required=False, help_text=_("Also where nobody knows the day."))


class PersonRoleForm(RoleForm):
    """The same, from the company's side."""

    company = None
    contact = PickerField("contacts", label=_("Contact"))
    field_order = ("contact",)


class RelationshipForm(PlainForm):
    kind = forms.ChoiceField(label=_("How they relate"))
    other = PickerField("contacts", label=_("To whom"))

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data, files, **kwargs)
        field: Any = self.fields["kind"]
        field.choices = selectors.relationship_choices()

    def clean_kind(self) -> Any:
        """(RelationshipType, whether it is meant the other way round)."""
        kind, inverse = selectors.relationship_kind(self.cleaned_data["kind"])
        if kind is None:
            raise ValidationError(_("Choose one from the list."), code="invalid_choice")
        return kind, inverse


class RelationshipTypeForm(SettingsForm):
    class Meta:
        model = RelationshipType
        fields = ["name", "inverse", "active"]
        help_texts = {
            "name": _("Such as: reports to."),
            "inverse": _("Such as: is the manager of. The same words where it goes both ways."),
            "active": _("Take the tick away to stop offering one; what is noted stays."),
        }
