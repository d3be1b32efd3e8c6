"""Filters of the lists of companies and people."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.models import Company, Contact
from contacts.services import country_name, find_country
from crm.core.fields import PickerField
from crm.core.filters import HasFilter, RecordFilterSet, YearlyDayFilter
from users.models import Team
from users.selectors import subtree, team_parents


def teams(request: Any) -> Any:
    return Team.objects.visible_to(request.user)


class TeamFilter(django_filters.ModelChoiceFilter):
    """Rows of a team and of all teams below it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=teams, label=_("Team"), empty_label=_("Any"), **kwargs)
        self.found: tuple[int, list[int]] | None = None  # of this request: each filterset copies its filters

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        if self.found is None or self.found[0] != value.pk:  # the board filters each of its parts: ask once
            self.found = (value.pk, sorted(subtree([value.pk], team_parents())))
        found = self.found[1]
        # One team is one stretch of the index; the list of several is filtered as it goes.
        return qs.filter(team_id=found[0]) if len(found) == 1 else qs.filter(team_id__in=found)


class CompanyPickFilter(django_filters.Filter):
    """Rows that belong to one visible company, by its id."""

    field_class = PickerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, slug="companies", **kwargs)

    @property
    def field(self) -> Any:
        field = super().field
        field.user = self.parent.user
        return field

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(**{f"{self.field_name}_id": value.pk}) if value else qs


class CountryField(forms.CharField):
    """A country's name or code, cleaned to its code. Not a list of 250, which would be a fifth of the page."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return find_country(text) if text else ""


class CountryFilter(django_filters.CharFilter):
    field_class = CountryField


class PlacedFilterSet(RecordFilterSet):
    def value_text(self, name: str, value: Any) -> str:
        return country_name(value) if name == "country" else super().value_text(name, value)


class CompanyFilterSet(PlacedFilterSet):
    team = TeamFilter()
    city = django_filters.CharFilter(label=_("City"), lookup_expr="istartswith", max_length=100)
    country = CountryFilter(label=_("Country"), max_length=60)
    industry = django_filters.CharFilter(label=_("Industry"), lookup_expr="istartswith", max_length=80)
    parent = CompanyPickFilter(field_name="parent", label=_("Parent company"))
    has_email = HasFilter(field_name="email", label=_("Has an e-mail address"))
    has_phone = HasFilter(field_name="phone", label=_("Has a phone number"))

    class Meta:
        model = Company
        fields: tuple[str, ...] = ()


class ContactFilterSet(PlacedFilterSet):
    group_by = ("owner", "lifecycle")
    team = TeamFilter()
    company = CompanyPickFilter(field_name="company", label=_("Company"))
    lifecycle = django_filters.MultipleChoiceFilter(distinct=False, choices=Contact.Lifecycle.choices, label=_("Lifecycle"))
    city = django_filters.CharFilter(label=_("City"), lookup_expr="istartswith", max_length=100)
    country = CountryFilter(label=_("Country"), max_length=60)
    has_email = HasFilter(field_name="email", label=_("Has an e-mail address"))
    has_phone = HasFilter(field_name="phone", label=_("Has a phone number"))
    birthday = YearlyDayFilter(field_name="birthday", label=_("Birthday"))

    class Meta:
        model = Contact
        fields: tuple[str, ...] = ()
