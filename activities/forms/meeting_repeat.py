"""How a meeting repeats, and which meetings of a series a change is for: what the forms of meetings have of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from activities.forms.repeating import RepeatField
from activities.models import MeetingSeries
from activities.selectors.repeating import MONDAY, WORK_WEEK, weekday_name
from activities.services.meeting_series import ALL, FOLLOWING, ONE
from activities.services.series import LAST_COUNTED_WEEK, preset
from crm.core import cells
from crm.core.widgets import DateInput

Frequency = MeetingSeries.Frequency
NTH, LAST = "nth", "last"  # months by their weekday: the second Tuesday, the last Friday
RULE_FIELDS = ("repeat", "interval", "weekdays", "until", "times")
SCOPES = ((ONE, _("Only this one")), (FOLLOWING, _("This and the following")), (ALL, _("All to come")))


def scope_field(label: Any) -> forms.TypedChoiceField:
    """Which meetings of a series something is for; this one alone where a request does not say."""
    return forms.TypedChoiceField(label=label, choices=SCOPES, initial=ONE, empty_value=ONE, required=False, widget=forms.RadioSelect)


class ScopeForm(forms.Form):
    """What is deleted."""

    scope = scope_field(_("Delete"))


class DaysInput(forms.SelectMultiple):
    """A tick box per weekday, in a line."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        id_, chosen = (attrs or {}).get("id") or f"id_{name}", {str(each) for each in value or []}
        boxes = format_html_join(
            "",
            '<div class="form-check m-0"><input{}><label class="form-check-label" for="{}">{}</label></div>',
            (
                (
                    flatatt({"type": "checkbox", "class": "form-check-input", "name": name, "value": day, "id": f"{id_}_{day}", "checked": str(day) in chosen}),
                    f"{id_}_{day}",
                    label,
                )
                for day, label in self.choices
            ),
        )
        wrong = " is-invalid" if "is-invalid" in (attrs or {}).get("class", "") else ""
        group = '<div class="d-flex flex-wrap column-gap-3 row-gap-1{}" role="group" id="{}" aria-label="{}">{}</div>'
        return format_html(group, wrong, id_, gettext("On these days"), boxes)


def add_repeat(form: Any) -> None:
    """Give a meeting's form the fields of its rule, and, of a series, the choice of what is changed."""
    series, fields = form.instance.series if form.instance.pk else None, form.fields
    fields["repeat"] = RepeatField()
    fields["repeat"].label = _("How often")
    months = [(NTH, _("Every month on this weekday, such as the second Tuesday")), (LAST, _("Every month on the last such weekday"))]
    usual = [choice for choice in RepeatField.CHOICES if choice[0] or series is None]
    fields["repeat"].choices = [*usual[:-1], *months, usual[-1]]
    fields["interval"] = forms.IntegerField(label=_("Interval"), min_value=1, max_value=365, initial=1, required=False, help_text=_("2: every other one."))
    fields["weekdays"] = forms.TypedMultipleChoiceField(
        label=_("On these days"), coerce=int, required=False, widget=DaysInput, help_text=_("None: the day of the meeting.")
    )
    locale = cells.current_locale()
    fields["weekdays"].choices = [(number, weekday_name(number, locale, "EEE")) for number in range(MONDAY.weekday(), 7)]
    fields["until"] = forms.DateField(label=_("Ends on"), required=False, widget=DateInput())
    fields["times"] = forms.IntegerField(
        label=_("Ends after so many meetings"), required=False, min_value=1, max_value=1000, help_text=_("Leave both empty to go on without end.")
    )
    groups = [(_("Repeat"), ("repeat", "interval"), "weekdays", ("until", "times"))]
    if series is not None:
        form.initial |= initial_of(series)
        fields["scope"] = scope_field(pgettext_lazy("verb", "Change"))
        groups.insert(0, (_("It repeats"), "scope"))
    first, *others = form.layout
    form.layout = (*groups[:-1], first, groups[-1], *others)


def initial_of(series: MeetingSeries) -> dict[str, Any]:
    """What the form starts with."""
    weekly = series.frequency == Frequency.WEEKLY
    kind = "weekdays" if weekly and series.weekdays == WORK_WEEK else (LAST if series.nth == -1 else NTH) if series.nth else str(series.frequency)
    days = series.weekdays if weekly and kind != "weekdays" and len(series.weekdays) > 1 else []
    return {"repeat": kind, "interval": series.interval, "weekdays": days, "until": series.until, "times": series.times}


def clean_repeat(form: Any, cleaned: dict[str, Any]) -> None:
    """Rules across the fields of the rule. What does not count (and does not show: static/crm/crm.css) can't be wrong."""
    if "repeat" not in form.fields or "repeat" in form.errors:
        return
    kind = cleaned.get("repeat")
    for name in [name for name in RULE_FIELDS[1:] if not kind or (name == "weekdays" and kind != "weekly")]:
        form.errors.pop(name, None)
    if kind and cleaned.get("until") and cleaned.get("times"):
        form.add_error("times", _("Choose one end: a day or a number."))


def rule_of(cleaned: dict[str, Any], day: date) -> dict[str, Any] | None:
    """The rule that services take, for a first meeting on `day`; None when it does not repeat."""
    kind = cleaned.get("repeat")
    if not kind:
        return None
    ends = {"interval": cleaned.get("interval") or 1, "until": cleaned.get("until"), "times": cleaned.get("times")}
    if kind in (NTH, LAST):
        week = (day.day - 1) // 7 + 1
        return {"frequency": Frequency.MONTHLY, "nth": week if kind == NTH and week <= LAST_COUNTED_WEEK else -1, "weekdays": [day.weekday()], **ends}
    rule = preset(kind, day)
    if kind == "weekly" and cleaned.get("weekdays"):
        rule["weekdays"] = sorted(cleaned["weekdays"])
    return {**rule, **ends}


def with_rule(form: Any, values: dict[str, Any]) -> dict[str, Any]:
    """A form's values with one rule in place of its parts, if it repeats."""
    rest = {name: value for name, value in values.items() if name not in RULE_FIELDS}
    start = form.cleaned_data.get("starts_at")
    rule = rule_of(form.cleaned_data, start.astimezone(form.fields["starts_at"].clock).date()) if start and "repeat" in form.fields else None
    return {**rest, "repeat": rule} if rule and (not form.instance.pk or set(RULE_FIELDS) & set(form.changed_data)) else rest
