"""Forms of records: validate and hand over values; services write."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column as FormColumn
from crispy_forms.layout import Field, Fieldset, Layout, Row
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from crm.core.custom.forms import add_fields
from crm.core.custom.layouts import form_rows, names_in
from crm.core.fields import PickerField, TagsField
from crm.core.widgets import DateInput, DateTimeInput, TimeInput


class Whole(dict[str, Any]):
    """Cleaned values of a narrowed form: whoever asks for one of another field gets what the record has, and only these are looked up."""

    def __init__(self, values: Mapping[str, Any], stored: Callable[[str], Any]) -> None:
        super().__init__(values)
        self.stored = stored

    def __missing__(self, name: str) -> Any:
        return self.stored(name)

    def get(self, name: str, default: Any = None) -> Any:
        found = self[name]
        return default if found is None else found


class PlainForm(forms.Form):
    """Base of forms about parts of a record (its files, where a person works): like RecordForm, but of declared fields only."""

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    idempotency_key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(data, files, **kwargs)
        self.initial.setdefault("idempotency_key", uuid.uuid4())
        for field in self.fields.values():
            if isinstance(field, PickerField):
                field.user = user
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and value and ("\x00" in value or not any(letter.isprintable() for letter in value)):
                self.add_error(name, _("Remove the invisible characters."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """Cleaned values by field name, without the form's own hidden fields."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("version", "idempotency_key")}


class RecordForm(forms.ModelForm):
    """Base of all record forms.

    Subclasses set Meta.model/fields (and declare PickerFields, PhoneFields … for them) and `layout`:
    ((legend, ("first_name", "last_name"), "email", …), …), where a tuple is a row of two columns.
    Custom fields come by themselves, in groups of their own at the end, unless an admin arranges all of them otherwise.
    Hidden `version` (optimistic lock) and `idempotency_key` (a double submit makes one record) are added here.
    """

    layout: tuple[tuple[Any, ...], ...] = ()
    rest: Mapping[str, Any] = {}  # fields that `narrow` has left out
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    idempotency_key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, **kwargs: Any) -> None:
        self.user = user
        instance = kwargs.get("instance")
        if instance is not None and any(isinstance(field, TagsField) for field in self.base_fields.values()):
            prefetch_related_objects([instance], "tags")  # asked for more than once below
        super().__init__(data, files, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, PickerField):
                field.user = user
                if field.slug == "users":
                    field.know(self.instance._state.fields_cache.get(name))
                if self.instance.pk:  # the id alone would cost a query for the label and could name a hidden record
                    self.initial[name] = self._visible_initial(field, name)
            elif isinstance(field, TagsField) and self.instance.pk:
                self.initial[name] = [tag.name for tag in self.instance.tags.all()]
            elif isinstance(field, forms.DateField) and type(field.widget) is forms.DateInput:
                field.widget = DateInput()
            elif isinstance(field, forms.DateTimeField) and type(field.widget) is forms.DateTimeInput:
                field.widget = DateTimeInput()
            elif isinstance(field, forms.TimeField) and type(field.widget) is forms.TimeInput:
                field.widget = TimeInput()
            elif isinstance(field, forms.CharField) and isinstance(field.widget, forms.Textarea):
                field.widget.attrs.setdefault("rows", 4)
        self.custom_layout = add_fields(self)
        self.initial["version"] = self.instance.version if self.instance.pk else None
        self.initial["idempotency_key"] = uuid.uuid4()

    def _visible_initial(self, field: PickerField, name: str) -> Any:
        pk = getattr(self.instance, f"{name}_id", None)
        if pk is None:
            return None
        # A link to a record that the user may not see stays as it is unless another one is picked.
        return field._by_id(str(pk))

    @cached_property
    def helper(self) -> FormHelper:
        """How crispy lays the form out; a form that is saved never asks."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True  # the template has it
        layout = () if self.rest else form_rows(self._meta.model, self.layout, self.custom_layout)
        named = [name for group in layout for name in names_in(group)]
        groups = [Fieldset(group[0] or "", *[self._entry(entry) for entry in group[1:]]) for group in layout]
        rest = [name for name in self.fields if name not in named]
        helper.layout = Layout(*groups, *[Field(name) for name in rest])
        return helper

    def _entry(self, entry: Any) -> Any:
        if isinstance(entry, str):
            return Field(entry)
        width = "col-md-6" if len(entry) == 2 else "col-md-4"
        return Row(*[FormColumn(name, css_class=width) for name in entry])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            # PostgreSQL text can't hold NUL; and who has only zero-width characters for a name can't be clicked.
            if isinstance(value, str) and value and ("\x00" in value or not any(letter.isprintable() for letter in value)):
                self.add_error(name, ValidationError(_("Remove the invisible characters."), code="nul"))
        return cleaned

    def narrow(self, names: Sequence[str]) -> None:
        """Leave only these fields and the version. Rules across fields still see the whole record; its other values are not sent along."""
        self.rest = {name: field for name, field in self.fields.items() if name not in (*names, "version")}
        self.fields = {name: self.fields[name] for name in (*names, "version") if name in self.fields}

    def _stored(self, name: str) -> Any:
        """What the record has in a field that is not in the form, as that field would have cleaned it."""
        try:
            return self.rest[name].clean(self.rest[name].prepare_value(self.initial.get(name))) if name in self.rest else None
        except ValidationError:
            return None

    def _clean_form(self) -> None:
        if self.rest:
            self.cleaned_data = Whole(self.cleaned_data, self._stored)
        super()._clean_form()

    def add_error(self, field: str | None, error: Any) -> None:
        """What is wrong with a field that was left out is no fault of who fills in the others; the service checks the whole row."""
        if field not in self.rest:
            super().add_error(field, error)

    def _post_clean(self) -> None:
        """Neither touch the instance nor ask the database: services validate the whole row."""

    def values(self) -> dict[str, Any]:
        """Cleaned values by field name, without the form's own hidden fields and without an owner that was not sent (the service knows a default)."""
        own = {"version", "idempotency_key"}
        if "owner" in self.fields and self.fields["owner"].widget.value_omitted_from_data(self.data, self.files, self.add_prefix("owner")):
            own.add("owner")
        return {name: value for name, value in self.cleaned_data.items() if name not in own}

    def changed_values(self) -> dict[str, Any]:
        """The values that differ from what the form was opened with."""
        return {name: value for name, value in self.values().items() if name in self.changed_data}
