"""What the reader asks of a report, from the address."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.access import Scope
from crm.core.widgets import DateInput
from deals.models import Pipeline
from reports.selectors.results import Params, Report
from users.models import Team, User
from users.selectors import organisation, subtree, team_parents

FORMATS = ("csv", "xlsx", "json")
FIRST_YEAR, LAST_YEAR, MOST_YEARS = 1990, 2100, 10
MOST_COLLEAGUES = 300


class ReportForm(forms.Form):
    """`from`, `to`, `pipeline`, `team`, `owner` (a colleague's id, "me" or "none"); empty means all, or the report's usual period."""

    format = forms.ChoiceField(required=False, choices=[(name, name) for name in FORMATS], widget=forms.HiddenInput)

    def __init__(self, data: Any, *, user: Any, report: Report) -> None:
        self.user, self.report = user, report
        super().__init__(data)
        day = {"required": False, "input_formats": ["%Y-%m-%d"], "error_messages": {"invalid": gettext_lazy("Enter a day as 2026-11-30.")}}
        self.fields["from"] = forms.DateField(label=gettext_lazy("From"), widget=DateInput(), **day)
        self.fields["to"] = forms.DateField(label=gettext_lazy("To"), widget=DateInput(), **day)
        self.fields["pipeline"] = forms.ModelChoiceField(
            Pipeline.objects.visible_to(user), required=False, label=gettext_lazy("Pipeline"), empty_label=gettext_lazy("All")
        )
        self.fields["team"] = forms.ModelChoiceField(self._teams(), required=False, label=gettext_lazy("Team"), empty_label=gettext_lazy("All"))
        self.fields["owner"] = forms.CharField(required=False, label=gettext_lazy("Owner"), max_length=40)
        self.colleagues: dict[str, str] = {}

    def _teams(self) -> Any:
        """The teams whose rows the reader may see."""
        teams = Team.objects.visible_to(self.user)
        if any(self.user.scope_for(model._meta.label_lower, "view") == Scope.ALL for model in self.report.needs):
            return teams
        return teams.filter(pk__in=self.user.team_scope)

    def offer_colleagues(self) -> None:
        """Make the owner field a choice; only the page needs the names, not the download."""
        people = User.objects.visible_to(self.user).filter(is_active=True).exclude(pk=self.user.pk).order_by("name", "pk")
        chosen = self.cleaned_data.get("owner") if self.is_valid() else None
        names = [(str(pk), name) for pk, name in people.values_list("pk", "name")[:MOST_COLLEAGUES]]
        if isinstance(chosen, User) and chosen.pk != self.user.pk and str(chosen.pk) not in dict(names):
            names.append((str(chosen.pk), str(chosen)))
        choices = [("", _("Anyone")), ("me", _("Me")), ("none", _("Nobody")), *names]
        if self.is_valid():
            self.data = {**self.data.dict(), **self._as_shown(chosen)}
        self.fields["owner"].widget = forms.Select(choices=choices)

    def _as_shown(self, owner: Any) -> dict[str, str]:
        """The period that is in force even when none was asked for, and oneself under one name."""
        start, end = self.period()
        shown = {"from": start.isoformat() if start else "", "to": end.isoformat() if end else ""}
        return shown | ({"owner": "me"} if owner == self.user else {})

    def clean_from(self) -> date | None:
        return self._sane(self.cleaned_data["from"])

    def clean_to(self) -> date | None:
        return self._sane(self.cleaned_data["to"])

    @staticmethod
    def _sane(day: date | None) -> date | None:
        if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(_("Choose a day from %(first)s to %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR}, code="year")
        return day

    def clean_owner(self) -> Any:
        text = self.cleaned_data["owner"].strip()
        if text in ("", "none"):
            return text or None
        if text == "me":
            return self.user
        found = User.objects.visible_to(self.user).filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
        if found is None:
            raise ValidationError(_("Choose a colleague from the list."), code="owner")
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = self.period()
        if start and end and not ({"from", "to"} & set(self.errors)):
            if start > end:
                self.add_error("to", _("The last day lies before the first."))
            elif (end - start).days > MOST_YEARS * 366:
                self.add_error("from", _("Choose at most %(years)s years.") % {"years": MOST_YEARS})
        return cleaned

    def period(self) -> tuple[date | None, date | None]:
        """The days asked for; the report's usual period fills what is open, as far as the report has one."""
        start, end = self.cleaned_data.get("from"), self.cleaned_data.get("to")
        usual_start, usual_end = self.report.period(timezone.localdate(timezone=self.user.zone))
        if usual_start is None or usual_end is None or (start and end):
            return start, end
        if start:
            return start, max(start, usual_end)
        if end:
            return end - (usual_end - usual_start), end
        return usual_start, usual_end

    def params(self) -> Params:
        start, end = self.period()
        team, owner = self.cleaned_data["team"], self.cleaned_data["owner"]
        return Params(
            start=start,
            end=end,
            pipeline=self.cleaned_data["pipeline"],
            team=team,
            owner=owner,
            teams=tuple(sorted(subtree([team.pk], team_parents()))) if team else (),
            zone=self.user.zone,
            currency=organisation().currency,
            now=timezone.now(),
            raw={
                "pipeline": str(self.cleaned_data["pipeline"].pk) if self.cleaned_data["pipeline"] else "",
                "team": str(team.pk) if team else "",
                "owner": "none" if owner == "none" else "me" if owner == self.user else str(owner.pk) if owner else "",
            },
        )


def presets(today: date, fiscal_start: int) -> list[tuple[Any, date, date]]:
    """Periods that people ask for most: (name, first day, last day)."""
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    last_month_end = today.replace(day=1) - timedelta(days=1)
    fiscal = today.replace(year=today.year if today.month >= fiscal_start else today.year - 1, month=fiscal_start, day=1)
    months = today.year * 12 + today.month - 12
    return [
        (gettext_lazy("This month"), today.replace(day=1), today),
        (gettext_lazy("Last month"), last_month_end.replace(day=1), last_month_end),
        (gettext_lazy("Last 30 days"), today - timedelta(days=29), today),
        (gettext_lazy("This quarter"), quarter, today),
        (gettext_lazy("This year"), fiscal, today),
        (gettext_lazy("Last 12 months"), date(months // 12, months % 12 + 1, 1), today),
    ]
