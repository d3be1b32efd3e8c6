"""Custom fields in the forms of records: the fields that the user may see, as form fields that ask crm.core.custom.values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from babel.numbers import NumberFormatError, parse_decimal
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core import cells
from crm.core.custom.definitions import fields_of, grouped
from crm.core.custom.models import CustomField
from crm.core.custom.values import LENGTHS, clean_value, number_text, python_value
from crm.core.fields import MoneyField, PickerField
from crm.core.widgets import DateInput, MoneyInput, TimeInput

Kind = CustomField.Kind
WIDE = (Kind.LONG_TEXT, Kind.CHOICES)  # on a row of their own
MORE = gettext_lazy("More fields")


class NumberField(MoneyField):
    """A number as the user writes it; cleans to Decimal or None."""

    def to_python(self, value: Any) -> Decimal | None:
        if value in (None, ""):
            return None
        if isinstance(value, Decimal):
            return value
        text = re.sub(r"[\s\u00a0\u202f']", "", str(value))
        try:
            if len(text) > 40:
                raise ValueError(text)
            return Decimal(text) if re.fullmatch(r"-?\d+(\.\d{1,2})?", text) else parse_decimal(text, locale=cells.current_locale(), strict=True)
        except (InvalidOperation, NumberFormatError, ValueError):
            raise ValidationError(_("Enter a number, such as 1234.5."), code="number") from None

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)

    def prepare_value(self, value: Any) -> Any:
        return number_text(Decimal(value), cells.current_locale()) if isinstance(value, (Decimal, int)) else value


class ChoicesField(forms.MultipleChoiceField):
    """Several of the choices; in a file they are separated by semicolons, commas or strokes."""

    def parse_cell(self, text: str) -> list[str]:
        keys = {str(label).casefold(): str(key) for key, label in list[Any](self.choices)}  # type: ignore[arg-type]
        whole = keys.get(text.strip().casefold())
        if whole is not None:
            return [whole]
        return self.clean([keys.get(part.strip().casefold(), part.strip()) for part in re.split(r"[;,|\n]", text) if part.strip()])


def form_field(field: CustomField, stored: Any = None, *, hidden_target: bool = False) -> forms.Field:
    """The form field of a definition. `stored`: what the record has, whose choices stay possible. `hidden_target`: it has a link that the user can't see."""
    common: dict[str, Any] = {
        "label": field.label,
        "help_text": field.help_text,
        "required": field.required and not hidden_target,
        "validators": [partial(_validate, field, stored)],
    }
    match field.kind:
        case Kind.TEXT:
            return forms.CharField(max_length=LENGTHS[Kind.TEXT], **common)
        case Kind.LONG_TEXT:
            return forms.CharField(max_length=LENGTHS[Kind.LONG_TEXT], widget=forms.Textarea({"rows": 4}), **common)
        case Kind.URL:
            return forms.CharField(max_length=LENGTHS[Kind.URL], widget=forms.TextInput({"type": "url", "autocomplete": "off"}), **common)
        case Kind.NUMBER:
            return NumberField(widget=MoneyInput({"maxlength": "40"}), **common)
        case Kind.MONEY:
            return MoneyField(currency=field.currency, **common)
        case Kind.DATE:
            return forms.DateField(widget=DateInput(), **common)
        case Kind.TIME:
            return forms.TimeField(widget=TimeInput(), **common)
        case Kind.CHOICE:
            return forms.ChoiceField(choices=[("", "–"), *_choices(field, [stored])], **common)
        case Kind.CHOICES:
            return ChoicesField(choices=_choices(field, stored or []), widget=forms.CheckboxSelectMultiple, **common)
        case Kind.YES_NO:
            return forms.ChoiceField(choices=[("", "–"), ("yes", _("Yes")), ("no", _("No"))], **common)
        case Kind.USER:
            return PickerField("users", **common)
    return PickerField(field.link_to, **common)


def _validate(field: CustomField, stored: Any, value: Any) -> None:
    clean_value(field, value, stored)


def _choices(field: CustomField, kept: Sequence[Any]) -> list[tuple[str, str]]:
    return [(each["key"], each["label"]) for each in field.choices if each.get("offered", True) or each["key"] in kept]


def form_value(field: CustomField, stored: Any) -> Any:
    """A stored value as its form field starts with it."""
    if field.kind == Kind.YES_NO:
        return "" if stored is None else "yes" if stored else "no"
    return python_value(field, stored)


def add_fields(form: Any) -> tuple[tuple[Any, ...], ...]:
    """Add the custom fields that the user may set to a record's form; the groups for its layout."""
    found = fields_of(form._meta.model, form.user)
    record = form.instance if form.instance.pk else None
    for each in found:
        stored = record.custom.get(each.key) if record is not None else each.default
        initial = form_value(each, stored)
        if each.kind in (Kind.USER, Kind.LINK):
            picker = form_field(each, stored)
            picker.user = form.user  # type: ignore[attr-defined]
            initial = picker._by_id(str(stored)) if stored is not None else None  # type: ignore[attr-defined]
            picker.required = picker.required and not (record is not None and stored is not None and initial is None)
            form.fields[each.name] = picker
        else:
            form.fields[each.name] = form_field(each, stored)
        if record is not None or each.name not in form.initial:
            form.initial[each.name] = initial
    return tuple(_group(title, fields) for title, fields in grouped(found).items())


def _group(title: str, fields: list[CustomField]) -> tuple[Any, ...]:
    """A fieldset: short fields side by side."""
    return (title or MORE, *in_pairs([each.name for each in fields], {each.name for each in fields if each.kind in WIDE}))


def in_pairs(names: Iterable[str], alone: Collection[str]) -> list[Any]:
    """Two fields to a row, but for those that need a row `alone`."""
    rows: list[list[str]] = []
    for name in names:
        if rows and len(rows[-1]) == 1 and name not in alone and rows[-1][0] not in alone:
            rows[-1].append(name)
        else:
            rows.append([name])
    return [tuple(row) if len(row) == 2 else row[0] for row in rows]
