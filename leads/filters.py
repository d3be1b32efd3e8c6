"""Filters of the lead list."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.filters import TeamFilter
from crm.core.custom.filters import EndsWidget
from crm.core.filters import HasFilter, RecordFilterSet
from crm.core.models import Source
from leads.models import Lead, LeadStatus
from leads.selectors import waiting_leads

OPEN = (LeadStatus.Kind.NEW, LeadStatus.Kind.WORKING)


def visible_statuses(request: Any) -> Any:
    return LeadStatus.objects.visible_to(request.user)


def visible_sources(request: Any) -> Any:
    return Source.objects.visible_to(request.user)


class KindFilter(django_filters.ChoiceFilter):
    """`open`, or a kind of status."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["choices"] = [("open", _("Open")), *LeadStatus.Kind.choices]
        kwargs.setdefault("empty_label", _("Any"))
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        kinds = OPEN if value == "open" else (value,)
        # The handful of ids keeps the walk of the sort key's index free of a join.
        return qs.filter(status__in=list(visible_statuses(self.parent.request).filter(kind__in=kinds).order_by().values_list("pk", flat=True)))


class ResponseFilter(django_filters.ChoiceFilter):
    """`waiting`: open leads whose first response is still to come; `late`: those of them whose time is over; `answered`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["choices"] = [("waiting", _("No reply yet")), ("late", _("No reply in time yet")), ("answered", _("Answered"))]
        kwargs.setdefault("empty_label", _("Any"))
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        if value == "answered":
            return qs.filter(first_response_at__isnull=False)
        still_open = list(visible_statuses(self.parent.request).filter(kind__in=OPEN).order_by().values_list("pk", flat=True))
        waiting = waiting_leads(qs, still_open)
        return waiting.filter(respond_by__lte=timezone.now()) if value == "late" else waiting


class LeadFilterSet(RecordFilterSet):
    group_by = ("owner", "status", "source")
    state = KindFilter(label=_("State"))
    status = django_filters.ModelMultipleChoiceFilter(
        distinct=False, field_name="status", label=_("Status"), queryset=visible_statuses, widget=forms.CheckboxSelectMultiple
    )
    source = django_filters.ModelMultipleChoiceFilter(
        distinct=False,
        field_name="source",
        label=_("Source"),
        queryset=visible_sources,
        widget=forms.CheckboxSelectMultiple,
        null_value="none",
        null_label=_("No source"),
    )
    team = TeamFilter()
    score = django_filters.RangeFilter(field_name="score", label=_("Score"), widget=EndsWidget(forms.NumberInput))
    response = ResponseFilter(label=_("First response"))
    has_email = HasFilter(field_name="email", label=_("Has an e-mail address"))
    has_phone = HasFilter(field_name="phone", label=_("Has a phone number"))

    class Meta:
        model = Lead
        fields: list[str] = []
