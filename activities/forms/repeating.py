"""Fields and forms of reminders, repetition, checklists and of what people want to hear of."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.utils.translation import gettext_lazy as _

from activities.models import Notification, NotificationSettings, TaskSeries
from activities.selectors.repeating import MONDAY, NTH, weekday_name
from crm.core import cells
from crm.core.widgets import DateInput

REMINDERS: dict[int, Any] = {
    0: _("At the time"),
    5: _("5 minutes before"),
    15: _("15 minutes before"),
    30: _("30 minutes before"),
    60: _("1 hour before"),
    1440: _("1 day before"),
    10080: _("1 week before"),
}
Frequency = TaskSeries.Frequency


def before_text(minutes: int) -> str:
    """`15 minutes before`, also for what no choice offers."""
    return str(REMINDERS.get(minutes) or ngettext("%(count)s minute before", "%(count)s minutes before", minutes) % {"count": minutes})


class ReminderInput(forms.Widget):
    """A tick box per lead time. The empty hidden value says that the boxes were on the form: none ticked then means no reminder."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str] | None:
        if name not in data:
            return None
        found = data.getlist(name) if hasattr(data, "getlist") else data[name]
        return [str(each) for each in ([found] if isinstance(found, (str, int)) else found or []) if str(each)]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        id_ = (attrs or {}).get("id") or f"id_{name}"
        chosen = {str(each) for each in value or []}
        own = [int(each) for each in chosen if each.isdecimal() and len(each) < 8 and int(each) not in REMINDERS]
        boxes = format_html_join(
            "",
            '<div class="form-check m-0"><input{}><label class="form-check-label" for="{}">{}</label></div>',
            ((flatatt(self.box(name, id_, minutes, chosen)), f"{id_}_{minutes}", before_text(minutes)) for minutes in sorted([*REMINDERS, *own])),
        )
        wrong = " is-invalid" if "is-invalid" in (attrs or {}).get("class", "") else ""
        group = '<div class="d-flex flex-wrap column-gap-3 row-gap-1{}" role="group" id="{}" aria-label="{}"><input type="hidden" name="{}" value="">{}</div>'
        return format_html(group, wrong, id_, gettext("Reminders"), name, boxes)

    @staticmethod
    def box(name: str, id_: str, minutes: int, chosen: set[str]) -> dict[str, Any]:
        box = {"type": "checkbox", "class": "form-check-input", "name": name, "value": minutes, "id": f"{id_}_{minutes}"}
        return {**box, "checked": str(minutes) in chosen}


class ReminderField(forms.Field):
    """How long before its time a task or meeting reminds, several times if wanted; cleans to minutes, or to None where a request does not say."""

    widget = ReminderInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Reminders"), required=False, **kwargs)
        self.choices = list(REMINDERS.items())
        self.also: list[int] = []  # what the row has beside the usual ones

    def to_python(self, value: Any) -> list[int] | None:
        if value is None:
            return None
        known = {str(minutes) for minutes in (*REMINDERS, *self.also)}
        if not known.issuperset(map(str, value)):
            raise ValidationError(gettext("Choose from the list."), code="invalid_choice")
        return sorted({int(each) for each in value})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None and {str(each) for each in initial or []} != {str(each) for each in data}


class RepeatField(forms.ChoiceField):
    """The usual repetitions, when a task is made; everything else is on the page "Repeat"."""

    CHOICES = (
        ("", _("Does not repeat")),
        ("daily", Frequency.DAILY.label),
        ("weekdays", _("Every weekday")),
        ("weekly", Frequency.WEEKLY.label),
        ("monthly", Frequency.MONTHLY.label),
        ("yearly", Frequency.YEARLY.label),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Repeat"), choices=self.CHOICES, required=False, **kwargs)


class RepeatForm(forms.Form):
    """The whole rule. `day` is the task's day, from which the choices of a month come."""

    interval = forms.IntegerField(label=_("Every"), min_value=1, max_value=365, initial=1)
    unit = forms.ChoiceField(label=_("What"))
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On these days"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple, help_text=_("For weeks. None: the day of the task.")
    )
    until = forms.DateField(label=_("Ends on"), required=False, widget=DateInput())
    times = forms.IntegerField(
        label=_("Ends after so many tasks"), required=False, min_value=1, max_value=1000, help_text=_("Leave both empty to go on without end.")
    )

    def __init__(self, data: Any = None, *, day: date, **kwargs: Any) -> None:
        self.day = day
        super().__init__(data, **kwargs)
        locale = cells.current_locale()
        self.fields["unit"].choices = self.units(locale)  # type: ignore[attr-defined]
        self.fields["weekdays"].choices = [(number, weekday_name(number, locale)) for number in range(MONDAY.weekday(), 7)]  # type: ignore[attr-defined]

    def units(self, locale: str) -> list[tuple[str, str]]:
        week, weekday = (self.day.day - 1) // 7 + 1, weekday_name(self.day.weekday(), locale)
        numbers = [number for number in (week, -1 if (self.day + timedelta(days=7)).month != self.day.month else 0) if number in NTH]
        by_weekday = [(f"monthly:{number}", gettext("months, on the %(nth)s %(day)s") % {"nth": NTH[number], "day": weekday}) for number in numbers]
        on_day = ("monthly", gettext("months, on day %(day)s") % {"day": self.day.day})
        return [("daily", gettext("days")), ("weekly", gettext("weeks")), on_day, *by_weekday, ("yearly", gettext("years"))]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("until") and cleaned["until"] < self.day:
            self.add_error("until", gettext_lazy("The end is before the first task."))
        if cleaned.get("until") and cleaned.get("times"):
            self.add_error("times", gettext_lazy("Choose one end: a day or a number."))
        return cleaned

    def rule(self) -> dict[str, Any]:
        """What services.set_repeat takes."""
        data = self.cleaned_data
        frequency, _colon, nth = data["unit"].partition(":")
        rule: dict[str, Any] = {"frequency": frequency, "interval": data["interval"], "until": data["until"], "times": data["times"]}
        if frequency == Frequency.WEEKLY:
            rule["weekdays"] = sorted(data["weekdays"]) or [self.day.weekday()]
        elif nth:
            rule |= {"nth": int(nth), "weekdays": [self.day.weekday()]}
        elif frequency == Frequency.MONTHLY:
            rule["month_day"] = self.day.day
        return rule

    @staticmethod
    def initial_of(series: TaskSeries | None) -> dict[str, Any]:
        """What the form starts with for a task that repeats."""
        if series is None:
            return {"unit": "weekly"}
        unit = f"monthly:{series.nth}" if series.nth else series.frequency
        return {
            "interval": series.interval,
            "unit": unit,
            "weekdays": series.weekdays if series.frequency == Frequency.WEEKLY else [],
            "until": series.until,
            "times": series.times,
        }


class ItemForm(forms.Form):
    """One step of a checklist."""

    text = forms.CharField(label=_("Step"), max_length=200)
    idempotency_key = forms.UUIDField(required=False, widget=forms.HiddenInput)


class NotificationForm(forms.Form):
    """How one hears of what: a select per kind, and the mail of the morning."""

    digest = forms.BooleanField(label=_("Send me a mail each morning at 8"), required=False, help_text=_("What is due, what is overdue, what is unread."))

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        kinds = {kind: forms.ChoiceField(label=label, choices=NotificationSettings.Channel.choices) for kind, label in Notification.Kind.choices}
        self.fields = {**kinds, **self.fields}

    def channels(self) -> dict[str, str]:
        return {kind: self.cleaned_data[kind] for kind in Notification.Kind.values}
