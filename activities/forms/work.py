"""Forms of tasks, meetings and the entries that people make on a record's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from activities import selectors
from activities.forms.base import EntryForm
from activities.forms.calendar import GuestsField, TellField, guest_lines
from activities.forms.meeting_repeat import add_repeat, clean_repeat, with_rule
from activities.forms.repeating import ReminderField, RepeatField
from activities.forms.times import asked_span
from activities.models import SUBJECTS, Meeting, Task
from activities.models.video import validate_video_url
from activities.selectors.wording import CALL_OUTCOMES
from activities.services.due import moment
from activities.services.lines import MAX_BODY, MAX_MINUTES
from crm.core.bulk.actions import BulkForm
from crm.core.fields import PickerField
from crm.core.forms import RecordForm
from crm.core.widgets import DateInput, DateTimeInput, LongSelect, TimeInput
from users import choices
from users.models import known_zones


class LocalDateTimeField(forms.DateTimeField):
    """A clock time in `zone`, by default the reader's. One that the clock jumps over shifts forward, a doubled one is the first; never an error."""

    widget = DateTimeInput
    zone: ZoneInfo | None = None

    @property
    def clock(self) -> ZoneInfo:
        return self.zone or ZoneInfo(timezone.get_current_timezone_name())

    def prepare_value(self, value: Any) -> Any:
        return value.astimezone(self.clock).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo is not None else value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value
        try:
            parsed = parse_datetime(str(value).strip())
            if parsed is None:
                raise ValueError(value)
            if parsed.tzinfo is not None:
                return parsed
            return moment(parsed.date(), parsed.time(), self.clock)
        except (ValueError, OverflowError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


def choice(field: str, model: Any = Task, **kwargs: Any) -> forms.TypedChoiceField:
    """A choice of the model that falls back to its default when a request leaves it out."""
    source = model._meta.get_field(field)
    return forms.TypedChoiceField(
        label=capfirst(source.verbose_name),
        choices=source.choices,
        coerce=source.to_python,
        empty_value=source.default,
        initial=source.default,
        required=False,
        **kwargs,
    )


class WorkForm(RecordForm):
    """What tasks and meetings share: links, assignee, reminder."""

    default_reminder = 0

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, **kwargs: Any) -> None:
        super().__init__(data, files, user=user, **kwargs)
        reminders: Any = self.fields["reminder"]
        self.initial["reminder"] = reminders.also = selectors.minutes_before(self.instance) if self.instance.pk else [self.default_reminder]

    def values(self) -> dict[str, Any]:
        """Without what the request left out and services know better: assignee and reminder."""
        values = super().values()
        if values.get("owner") is None:
            values.pop("owner", None)
        if values.get("reminder") is None:
            values.pop("reminder", None)
        return values


class TaskForm(WorkForm):
    kind = choice("kind")
    priority = choice("priority")
    owner = PickerField("users", label=_("Assignee"), required=False)
    due_on = forms.DateField(label=_("Due on"), required=False, widget=DateInput())
    due_time = forms.TimeField(label=_("At"), required=False, widget=TimeInput(), help_text=_("Leave empty for the whole day."))
    reminder = ReminderField()
    deal = PickerField("deals", label=_("Deal"), required=False)
    lead = PickerField("leads", label=_("Lead"), required=False)
    contact = PickerField("contacts", label=_("Contact"), required=False)
    company = PickerField("companies", label=_("Company"), required=False)

    layout = (
        (_("Task"), "title", ("kind", "priority"), ("due_on", "due_time"), "reminder", "owner", "description"),
        (_("Related to"), ("contact", "company"), ("deal", "lead")),
    )

    class Meta:
        model = Task
        fields = ("title", "kind", "priority", "owner", "due_on", "due_time", "description", "deal", "lead", "contact", "company")

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, **kwargs: Any) -> None:
        super().__init__(data, files, user=user, **kwargs)
        if not self.instance.pk:
            self.fields["repeat"] = RepeatField()
            (title, *rows), *others = TaskForm.layout
            place = rows.index("reminder")
            self.layout = ((title, *rows[:place], "repeat", *rows[place:]), *others)
        elif self.instance.series_id and self.instance.done_at is None:
            self.fields["following"] = forms.BooleanField(label=_("Change the tasks that follow as well"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("due_time") and not cleaned.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", _("Choose the day for this time."))
        return cleaned


class VideoLinkField(forms.URLField):
    """A link to a video meeting; see models.video."""

    default_validators = [validate_video_url]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", **kwargs)

    def to_python(self, value: Any) -> str:
        if value and not str(value).isprintable():  # the parser of addresses would take them out
            validate_video_url(str(value))
        return super().to_python(value)


class MeetingForm(WorkForm):
    default_reminder = 15

    owner = PickerField("users", label=_("Organiser"), required=False)
    starts_at = LocalDateTimeField(label=_("Starts"))
    ends_at = LocalDateTimeField(label=_("Ends"))
    reminder = ReminderField()
    video_url = VideoLinkField(label=_("Video link"), required=False, max_length=500)
    is_private = forms.BooleanField(label=_("Private"), required=False, help_text=_("Only you see it. Colleagues who see your calendar see that you are busy."))
    zone = forms.ChoiceField(label=_("Time zone"), required=False, widget=LongSelect, help_text=_("Start and end are on this clock."))
    guests = GuestsField()
    tell = TellField()
    deal = PickerField("deals", label=_("Deal"), required=False)
    lead = PickerField("leads", label=_("Lead"), required=False)
    contact = PickerField("contacts", label=_("Contact"), required=False)
    company = PickerField("companies", label=_("Company"), required=False)

    layout = (
        (_("Meeting"), "title", ("starts_at", "ends_at"), ("location", "video_url"), "reminder", "owner", "description", "is_private", "zone"),
        (_("Guests"), "guests", "tell"),
        (_("Related to"), ("contact", "company"), ("deal", "lead")),
    )

    class Meta:
        model = Meeting
        fields = (
            *("title", "location", "video_url", "description", "owner", "starts_at", "ends_at", "zone", "is_private"),
            *("deal", "lead", "contact", "company"),
        )

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, **kwargs: Any) -> None:
        super().__init__(data, files, user=user, **kwargs)
        self.fields["guests"].user = user
        self.fields["guests"].widget.url = f"/meetings/{self.instance.pk}/free/" if self.instance.pk else "/meetings/free/"
        own = self.instance.zone if self.instance.pk else user.time_zone
        self.fields["zone"].choices = partial(choices.zones, own)
        self.initial.setdefault("zone", own)
        self._set_clock(self.data.get(self.add_prefix("zone")) or self.initial["zone"])
        if self.instance.pk:
            self.initial["guests"] = partial(guest_lines, self.instance)  # asked for only where the field is shown
        else:
            start, end = asked_span(self.initial)
            self.initial.setdefault("starts_at", start)
            self.initial.setdefault("ends_at", end)
        add_repeat(self)

    def _set_clock(self, name: str) -> None:
        """Start and end are read, and shown, on the clock of a zone; one that is none is refused at its own field."""
        for field in (self.fields["starts_at"], self.fields["ends_at"]):
            field.zone = ZoneInfo(name) if name in known_zones() else None

    def narrow(self, names: Any) -> None:
        """A cell of the list shows the reader's clock, and is filled in by it."""
        self._set_clock("")
        super().narrow(names)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        start, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        if start and end and end < start:
            self.add_error("ends_at", _("The end is before the start."))
        if cleaned.get("is_private") and any(cleaned.get(name) for name in SUBJECTS):
            self.add_error("is_private", _("A private meeting belongs to no record. Take it off the record first."))
        clean_repeat(self, cleaned)
        return cleaned

    def values(self) -> dict[str, Any]:
        """Without what the request did not mention: guests, and the zone, for which services know a default."""
        values = with_rule(self, super().values())
        if not values.get("zone"):
            values.pop("zone", None)
        if self.add_prefix("guests") not in self.data:
            values.pop("guests", None)
        return values

    def changed_values(self) -> dict[str, Any]:
        """Whether guests are told is asked each time, and no property of the meeting."""
        values = self.values()
        changed = {name: values[name] for name in (*self.changed_data, "repeat") if name in values and name != "tell"}
        return {**changed, "tell": True} if self.cleaned_data.get("tell") else changed


# ---- on a record's page ----


class NoteForm(EntryForm):
    body = forms.CharField(label=_("Note"), max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Write a note. Markdown works.")}))


class CallForm(EntryForm):
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[("", "–"), *((key, label) for key, (label, _color) in CALL_OUTCOMES.items())])
    minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=0, max_value=MAX_MINUTES)
    body = forms.CharField(
        label=_("Summary"), required=False, max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("What was said?")})
    )

    def values(self) -> dict[str, Any]:
        values = super().values()
        return {**values, "body": values["body"].strip()}


class QuickTaskForm(EntryForm):
    title = forms.CharField(label=_("Title"), max_length=200)
    kind = choice("kind")
    due_on = forms.DateField(label=_("Due on"), required=False, widget=DateInput())
    due_time = forms.TimeField(label=_("At"), required=False, widget=TimeInput())
    reminder = ReminderField(initial=[0])
    owner = PickerField("users", label=_("Assignee"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("due_time") and not cleaned.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", _("Choose the day for this time."))
        return cleaned


def next_hour() -> tuple[datetime, datetime]:
    """The hour that begins next, in the reader's zone."""
    start = (timezone.localtime() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return start, start + timedelta(hours=1)


class QuickMeetingForm(EntryForm):
    title = forms.CharField(label=_("Title"), max_length=200)
    starts_at = LocalDateTimeField(label=_("Starts"))
    ends_at = LocalDateTimeField(label=_("Ends"))
    location = forms.CharField(label=_("Place"), max_length=200, required=False)
    reminder = ReminderField(initial=[15])

    def __init__(self, data: Any = None, *, user: Any, **kwargs: Any) -> None:
        super().__init__(data, user=user, **kwargs)
        start, end = next_hour()
        self.initial.setdefault("starts_at", start)
        self.initial.setdefault("ends_at", end)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        start, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        if start and end and end < start:
            self.add_error("ends_at", _("The end is before the start."))
        return cleaned


class LineForm(EntryForm):
    """Correct a note."""

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    body = forms.CharField(label=_("Text"), max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 6}))


class CallLineForm(CallForm):
    """Correct a call."""

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)


# ---- what is done with a task ----


class CompleteForm(EntryForm):
    """How it went, and what comes next."""

    outcome = forms.CharField(label=_("How did it go?"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    next_title = forms.CharField(label=_("Next step"), required=False, max_length=200)
    next_due_on = forms.DateField(label=_("Due on"), required=False, widget=DateInput())
    next_due_time = forms.TimeField(label=_("At"), required=False, widget=TimeInput())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        due = cleaned.get("next_due_on") or cleaned.get("next_due_time")
        if due and not cleaned.get("next_title") and "next_title" not in self.errors:
            self.add_error("next_title", _("Say what the next step is."))
        if cleaned.get("next_due_time") and not cleaned.get("next_due_on") and "next_due_on" not in self.errors:
            self.add_error("next_due_on", _("Choose the day for this time."))
        return cleaned

    def next_values(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        if not data["next_title"]:
            return None
        return {"title": data["next_title"], "due_on": data["next_due_on"], "due_time": data["next_due_time"]}


class SnoozeForm(EntryForm):
    """Put off until a day."""

    choice = forms.ChoiceField(choices=[(key, key) for key in ("hour", "tomorrow", "monday", "custom")], widget=forms.HiddenInput)
    due_on = forms.DateField(label=_("Until"), required=False, widget=DateInput())
    due_time = forms.TimeField(label=_("At"), required=False, widget=TimeInput())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("choice") == "custom" and not cleaned.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", _("Choose a day."))
        return cleaned


class TodayTaskForm(QuickTaskForm):
    """Quick add on Today: due today unless another day is chosen."""

    def __init__(self, data: Any = None, *, user: Any, **kwargs: Any) -> None:
        super().__init__(data, user=user, **kwargs)
        for name in ("reminder", "owner"):
            del self.fields[name]


class TaskForEachForm(BulkForm):
    """The task that each of the records gets."""

    title = forms.CharField(label=_("Task"), max_length=200)
    kind = choice("kind")
    due_on = forms.DateField(label=_("Due on"), required=False, widget=DateInput())
    due_time = forms.TimeField(label=_("At"), required=False, widget=TimeInput(), help_text=_("Leave empty for the whole day."))
    owner = PickerField("users", label=_("Assignee"), required=False, help_text=_("Empty: whoever owns the record."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("due_time") and not cleaned.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", _("Choose the day for this time."))
        return cleaned


class ShiftForm(BulkForm):
    """By how many days."""

    days = forms.IntegerField(label=_("Days later"), min_value=-365, max_value=365, initial=1, help_text=_("Negative: earlier."))
