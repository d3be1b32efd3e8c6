"""Filters of lists by custom fields: what a text contains, ranges of numbers, days and times, days as seen from today, any of some choices,
one colleague or record; with a value or without."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

import django_filters
from django import forms
from django.db.models import Q
from django.db.models.lookups import Exact, GreaterThanOrEqual, IContains, In, IsNull, LessThanOrEqual
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_filters.fields import RangeField
from django_filters.widgets import RangeWidget

from crm.core import cells
from crm.core.custom.forms import NumberField
from crm.core.custom.keys import NUMERIC, sort_key_of, text_key
from crm.core.custom.models import CustomField
from crm.core.custom.values import clean_value, plain_text
from crm.core.fields import PickerField
from crm.core.filters import RANGES, span_of
from crm.core.text import unaccent
from crm.core.widgets import DateInput, MoneyInput, TimeInput

Kind = CustomField.Kind
EMPTY = "none"  # asks for rows without a value
DAYS = [
    *RANGES,
    ("past", _("In the past")),
    ("next7d", _("Next 7 days")),
    ("next30d", _("Next 30 days")),
    ("next_month", _("Next month")),
]
YES_NO = [("", _("Any")), ("yes", _("Yes")), ("no", _("No"))]


class CustomFilter(django_filters.Filter):
    """Base: `definition` says which field. `shown(value)` is what a chip says."""

    def __init__(self, definition: CustomField, **kwargs: Any) -> None:
        self.definition = definition
        kwargs.setdefault("label", definition.label)
        super().__init__(field_name=definition.name, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        return qs if value in (None, "", []) else self.narrow(qs, value)

    def narrow(self, qs: Any, value: Any) -> Any:
        raise NotImplementedError

    def shown(self, value: Any) -> str:
        return str(value)

    def holding(self, values: list[Any]) -> Q:
        """Rows whose value is, or has among it, one of these: the GIN index knows them, and only rows that have custom values at all."""
        return reduce(or_, (Q(custom__contains={self.definition.key: value}) for value in values)) & ~Q(custom={})


class ContainsFilter(CustomFilter):
    """Texts that contain the words as typed, in any case, accents or not."""

    field_class = forms.CharField

    def __init__(self, definition: CustomField) -> None:
        super().__init__(definition, max_length=100)

    def narrow(self, qs: Any, value: Any) -> Any:
        if self.definition.kind == Kind.LONG_TEXT:
            return qs.filter(IContains(text_key(self.definition), value))
        return qs.alias(**{f"text_{self.definition.pk}": text_key(self.definition)}).filter(
            **{f"text_{self.definition.pk}__contains": " ".join(unaccent(value).split())}
        )


class EndsWidget(RangeWidget):
    """Two inputs with names for screen readers."""

    suffixes = ["min", "max"]

    def __init__(self, make: Callable[[dict[str, Any]], forms.Widget]) -> None:
        forms.MultiWidget.__init__(self, [make({"aria-label": _("From")}), make({"aria-label": _("Up to")})])


class EndsField(RangeField):
    """A slice from and up to; either end may be open."""

    def __init__(self, *args: Any, part: Callable[[], forms.Field], widget: Any = None, **kwargs: Any) -> None:
        super().__init__((part(), part()), *args, widget=widget, **kwargs)


PARTS: dict[str, tuple[Callable[[], forms.Field], Callable[[dict[str, Any]], forms.Widget]]] = {
    Kind.NUMBER: (NumberField, MoneyInput),
    Kind.MONEY: (NumberField, MoneyInput),
    Kind.DATE: (forms.DateField, DateInput),
    Kind.TIME: (forms.TimeField, TimeInput),
}


class BetweenFilter(CustomFilter):
    """Numbers, amounts, days or times from and up to the given ones, both included."""

    field_class = EndsField

    def __init__(self, definition: CustomField) -> None:
        part, widget = PARTS[Kind(definition.kind)]
        super().__init__(definition, part=part, widget=EndsWidget(widget))

    def ends(self, value: slice) -> list[tuple[Any, Any]]:
        return [(lookup, end) for lookup, end in ((GreaterThanOrEqual, value.start), (LessThanOrEqual, value.stop)) if end is not None]

    def narrow(self, qs: Any, value: slice) -> Any:
        for lookup, end in self.ends(value):
            qs = qs.filter(lookup(sort_key_of(self.definition), end if self.definition.kind in NUMERIC else clean_value(self.definition, end)))
        return qs

    def shown(self, value: slice) -> str:
        locale = cells.current_locale()
        low, high = ("" if end is None else plain_text(self.definition, str(end), locale) for end in (value.start, value.stop))
        return f"{low} – {high}".strip()


class AnyOfFilter(CustomFilter):
    """Rows with one of the ticked choices, or without any; those that are no longer offered can be asked for as well."""

    field_class = forms.MultipleChoiceField

    def __init__(self, definition: CustomField) -> None:
        choices = [*((each["key"], each["label"]) for each in definition.choices), (EMPTY, _("No value"))]
        super().__init__(definition, choices=choices, widget=forms.CheckboxSelectMultiple)

    @property
    def groups(self) -> bool:
        """Has each row exactly one of the values?"""
        return self.definition.kind == Kind.CHOICE

    def narrow(self, qs: Any, value: list[str]) -> Any:
        keys = [key for key in value if key != EMPTY]
        parts = [self._with(keys)] if keys else []
        return qs.filter(reduce(or_, [*parts, ~Q(custom__has_key=self.definition.key)] if EMPTY in value else parts))

    def _with(self, keys: list[str]) -> Any:
        if self.definition.kind == Kind.CHOICES:
            return self.holding([[key] for key in keys])
        return Q(In(sort_key_of(self.definition), keys)) if self.definition.is_fast else self.holding(keys)

    def shown(self, value: list[str]) -> str:
        return ", ".join(str(_("No value")) if key == EMPTY else self.definition.label_of(key) for key in value)


class YesNoFilter(CustomFilter):
    """Rows where the answer is yes, or no; those without an answer are neither."""

    field_class = forms.ChoiceField

    def __init__(self, definition: CustomField) -> None:
        super().__init__(definition, choices=YES_NO)

    def narrow(self, qs: Any, value: str) -> Any:
        if self.definition.is_fast:
            return qs.filter(Exact(sort_key_of(self.definition), "true" if value == "yes" else "false"))
        return qs.filter(self.holding([value == "yes"]))

    def shown(self, value: str) -> str:
        return str(dict(YES_NO)[value])


class PickedFilter(CustomFilter):
    """Rows that name one colleague, or one record that the reader may see."""

    field_class = PickerField

    def __init__(self, definition: CustomField) -> None:
        super().__init__(definition, slug=definition.link_to or "users")

    @property
    def field(self) -> Any:
        field = super().field
        field.user = self.parent.user
        return field

    def narrow(self, qs: Any, value: Any) -> Any:
        if self.definition.is_fast:
            return qs.filter(Exact(sort_key_of(self.definition), str(value.pk)))
        return qs.filter(self.holding([value.pk]))


class NamedDaysFilter(CustomFilter):
    """Days as seen from today in the reader's zone."""

    field_class = forms.ChoiceField

    def __init__(self, definition: CustomField) -> None:
        label = format_lazy(_("{field}, from today"), field=definition.label)
        super().__init__(definition, label=label, choices=[("", _("Any time")), *DAYS])

    def narrow(self, qs: Any, value: str) -> Any:
        first, last = span_of(value, timezone.localdate())
        for lookup, end in ((GreaterThanOrEqual, first), (LessThanOrEqual, last)):
            if end is not None:
                qs = qs.filter(lookup(sort_key_of(self.definition), clean_value(self.definition, end)))
        return qs

    def shown(self, value: str) -> str:
        return str(dict(DAYS)[value])


class FilledFilter(CustomFilter):
    """Rows with a value, or without one."""

    field_class = forms.ChoiceField

    def __init__(self, definition: CustomField) -> None:
        label = format_lazy(_("{field}, filled in"), field=definition.label)
        super().__init__(definition, label=label, choices=YES_NO)

    def narrow(self, qs: Any, value: str) -> Any:
        if self.definition.is_fast:
            return qs.filter(IsNull(sort_key_of(self.definition), value == "no"))
        filled = Q(custom__has_key=self.definition.key)
        return qs.filter(filled & ~Q(custom={}) if value == "yes" else ~filled)

    def shown(self, value: str) -> str:
        return str(dict(YES_NO)[value])


FILTERS: dict[str, type[CustomFilter]] = {
    Kind.TEXT: ContainsFilter,
    Kind.LONG_TEXT: ContainsFilter,
    Kind.URL: ContainsFilter,
    Kind.NUMBER: BetweenFilter,
    Kind.MONEY: BetweenFilter,
    Kind.DATE: BetweenFilter,
    Kind.TIME: BetweenFilter,
    Kind.CHOICE: AnyOfFilter,
    Kind.CHOICES: AnyOfFilter,
    Kind.YES_NO: YesNoFilter,
    Kind.USER: PickedFilter,
    Kind.LINK: PickedFilter,
}


def filters_of(definition: CustomField) -> dict[str, CustomFilter]:
    """The filters of one field by their names in the address."""
    name, kind = definition.name, definition.kind
    found = {name: FILTERS[kind](definition)}  # type: ignore[call-arg]
    if kind == Kind.DATE:
        found[f"{name}_when"] = NamedDaysFilter(definition)
    if FILTERS[kind] is not AnyOfFilter:  # which has a choice for it
        found[f"{name}_has"] = FilledFilter(definition)
    return found
