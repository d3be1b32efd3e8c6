"""Form fields of records: searching pickers, phones, tags, money."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers
from babel.numbers import NumberFormatError, parse_decimal
from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core import cells, search
from crm.core.records import record_for
from crm.core.text import sort_key
from crm.core.widgets import MoneyInput, PhoneInput, PickerValue, PickerWidget, TagWidget
from crm.core.yearly import YearlyDay, read_day, text_of

MAX_ID = 2**63 - 1


class PickerField(forms.Field):
    """A link to a record ("companies", "contacts", "leads", "deals") or to a colleague ("users") that the user may see.

    `form.user` is set by RecordForm. Cleans to the object or None; typed text that fits one record is taken, several are offered.
    """

    widget = PickerWidget

    def __init__(self, slug: str, *, user: Any = None, **kwargs: Any) -> None:
        self.slug, self.user = slug, user
        self._found: dict[str, Any] = {}  # within one form: the label, the initial value and the answer ask for the same row
        kwargs.setdefault("widget", PickerWidget(f"/pick/{slug}/"))
        super().__init__(**kwargs)
        self.widget.label_for = self._label

    def __deepcopy__(self, memo: dict[int, Any]) -> PickerField:
        copied = super().__deepcopy__(memo)
        copied._found = {}
        copied.widget.label_for = copied._label
        return copied

    def rows(self) -> Any:
        """What may be picked: the visible records, or the active colleagues."""
        if self.slug == "users":
            return get_user_model().objects.visible_to(self.user).filter(is_active=True)
        record = record_for(self.slug)
        return record.visible(self.user) if record else get_user_model().objects.none()

    def know(self, colleague: Any) -> None:
        """A colleague who was read with the record need not be asked for again."""
        if colleague is not None and colleague.is_active:
            self._found[str(colleague.pk)] = colleague

    def _label(self, pk: Any) -> str:
        found = self._by_id(str(pk))
        return str(found) if found is not None else ""

    def _by_id(self, pk: str) -> Any:
        if not pk.isdecimal() or int(pk) > MAX_ID:
            return None
        if self.slug == "users" and int(pk) == self.user.pk:
            return self.user
        if pk not in self._found:
            self._found[pk] = self.rows().filter(pk=int(pk)).first()
        return self._found[pk]

    def to_python(self, value: Any) -> Any:
        if hasattr(value, "pk") and not isinstance(value, PickerValue):
            return value
        picked = value if isinstance(value, PickerValue) else PickerValue(str(value or ""), "")
        if picked.pk:
            found = self._by_id(picked.pk)
            if found is None:
                raise ValidationError(_("This is not there, or not for you. Pick one from the list."), code="invalid_choice")
            return found
        return self._by_text(picked.text) if picked.text else None

    def _by_text(self, text: str) -> Any:
        found = search.pick(self.slug, self.user, text, limit=11)
        exact = [obj for obj in found if sort_key(str(obj)) == sort_key(text)]
        if len(exact) == 1 or len(found) == 1:
            return (exact or found)[0]
        if not found:
            raise ValidationError(_("Nothing is called “%(text)s”. Check the spelling, or create it first."), code="not_found", params={"text": text[:80]})
        self.widget.candidates = [(obj.pk, str(obj), search.subline(self.slug, obj)) for obj in found[:10]]
        raise ValidationError(_("Several fit “%(text)s”. Choose one."), code="several", params={"text": text[:80]})

    def has_changed(self, initial: Any, data: Any) -> bool:
        picked = data if isinstance(data, PickerValue) else PickerValue(str(data or ""), "")
        old = str(getattr(initial, "pk", initial) or "")
        return picked.pk != old or (not picked.pk and bool(picked.text))


class LongChoiceField(forms.ChoiceField):
    """One of hundreds of flat choices that a function gives: looked up, where Django walks through all of them several times."""

    def __init__(self, *, choices: Callable[[], Iterable[tuple[str, Any]]], **kwargs: Any) -> None:
        self.listed = choices
        super().__init__(choices=choices, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return str(value) in {key for key, _label in self.listed()}


def default_region() -> str:
    """The country that a phone number without +.. belongs to: by the organisation's zone or language."""
    return import_string(settings.PHONE_REGION)() if getattr(settings, "PHONE_REGION", "") else "DE"


def to_e164(value: str, region: str = "") -> str:
    """ "+43 662 123 45" or "0662 12345" (with `region`) -> "+4366212345", an extension kept as ";ext=12". ValidationError otherwise."""
    value = value.strip()
    if not value:
        return ""
    if len(value) > 60:
        raise ValidationError(_("This is too long for a phone number."), code="phone")
    try:
        number = phonenumbers.parse(value, None if value.startswith("+") else region or default_region())
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not _plausible(number):
        raise ValidationError(_("Enter a phone number with its country code, such as +43 662 123456."), code="phone")
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{text};ext={number.extension}" if number.extension else text


def _plausible(number: phonenumbers.PhoneNumber) -> bool:
    """Valid by the national plans, or (plans change faster than libraries) at least of a length that exists there, area code included."""
    if phonenumbers.is_valid_number(number):
        return True
    whole = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return whole and len(str(number.national_number)) >= 6


class PhoneField(forms.CharField):
    """A phone number; cleans to E.164."""

    def __init__(self, *, region: str = "", **kwargs: Any) -> None:
        self.region = region
        kwargs.setdefault("label", gettext_lazy("Phone"))
        kwargs.setdefault("widget", PhoneInput())
        kwargs.setdefault("max_length", 60)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        return to_e164(super().clean(value), self.region)

    def prepare_value(self, value: Any) -> Any:
        return cells.format_phone(value) if value and str(value).startswith("+") else value


class YearlyDayField(forms.CharField):
    """A day that comes back every year, with or without its year, as people write it; cleans to the stored form (crm.core.yearly)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext_lazy("Such as 3 May 1986; the year may be left out."))
        super().__init__(max_length=40, required=False, widget=forms.TextInput({"autocomplete": "off"}), **kwargs)

    def clean(self, value: Any, day_first: bool = True) -> str:
        return read_day(super().clean(value), today=timezone.localdate(), day_first=day_first)

    def prepare_value(self, value: Any) -> Any:
        return text_of(value, cells.current_locale()) if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.clean(data) != (initial if initial and YearlyDay.read(initial) else "")
        except ValidationError:
            return True


class TagsField(forms.CharField):
    """Tag names separated by commas; cleans to a list of names of at most 40 characters, without doubles."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Tags"))
        kwargs.setdefault("widget", TagWidget())
        kwargs.setdefault("help_text", gettext_lazy("Separate several with commas."))
        super().__init__(required=False, **kwargs)

    def clean(self, value: Any) -> list[str]:
        if isinstance(value, (list, tuple)):
            value = ", ".join(str(each) for each in value)
        names: dict[str, str] = {}
        for name in super().clean(value).split(","):
            if sort_key(name):
                names.setdefault(sort_key(name), " ".join(name.split()))
        if any(len(name) > 40 for name in names.values()):
            raise ValidationError(_("A tag has at most 40 characters."), code="tag_length")
        if len(names) > 20:
            raise ValidationError(_("At most 20 tags."), code="tag_count")
        return list(names.values())

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else ", ".join(str(tag) for tag in value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        old = initial.split(",") if isinstance(initial, str) else [str(tag) for tag in initial or ()]
        return {sort_key(name) for name in old} - {""} != {sort_key(name) for name in str(data or "").split(",")} - {""}


class MoneyField(forms.Field):
    """An amount typed in the user's language ("1.234,50" or "1,234.50"); cleans to Decimal with two digits or None."""

    def __init__(self, *, currency: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("widget", MoneyInput(currency=currency))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        if value in (None, ""):
            return None
        if isinstance(value, Decimal):
            return value
        text = re.sub(r"[\s\u00a0\u202f']", "", str(value))
        try:
            amount = _parse(text).quantize(Decimal("0.01"))
        except (InvalidOperation, NumberFormatError, ValueError):
            raise ValidationError(_("Enter an amount, such as 1234.50."), code="money") from None
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 16:
            raise ValidationError(_("This amount is too large."), code="money")
        return amount

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and value < 0:
            raise ValidationError(_("The amount can't be negative."), code="money")

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, (Decimal, int)):
            return cells.format_number(Decimal(value), cells.current_locale(), 2)
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


def _parse(text: str) -> Decimal:
    """The machine form "1234.50" always, else the user's own; never a silent thousandfold: "1.5" in German is 1.5."""
    if len(text) > 24:
        raise ValueError(text)
    if re.fullmatch(r"-?\d+(\.\d{1,2})?", text):
        return Decimal(text)
    return parse_decimal(text, locale=cells.current_locale(), strict=True)
