"""Forms of the calendar: guests, moving an entry, a file to import."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities import selectors
from activities.forms.base import EntryForm
from activities.forms.meeting_repeat import scope_field
from activities.models import Meeting
from activities.services.moves import end_of
from crm.core import cells, search
from crm.core.text import sort_key
from crm.core.widgets import DateInput, TimeInput

Guest = dict[str, str]


class GuestsInput(forms.Textarea):
    """The guests, and below them who is free: `url` gives that part, for the form as it stands; `panel` is what was asked already. Without JavaScript
    the button sends the form there and gets it back."""

    url, panel = "", ""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        box = super().render(name, value, attrs, renderer)
        if not self.url:
            return box
        when = ", ".join(f"change from:#id_{each} delay:500ms" for each in (name, "starts_at", "ends_at", "zone"))
        ask = SafeString(f'hx-post="{self.url}" hx-include="closest form" hx-target="#free" hx-swap="innerHTML"')
        return format_html(
            '{}<div class="mt-2" {} hx-trigger="{}"><button class="btn btn-secondary btn-sm" type="submit" formaction="{}" formnovalidate {}>{}{}</button>'
            '<div id="free" role="status">{}</div></div>',
            box,
            ask,
            when,
            self.url,
            ask,
            cells.icon("users", "i-sm"),
            _("Who is free"),
            self.panel,
        )


class GuestsField(forms.CharField):
    """One guest per line: an address, `Name <address>`, or the name of a colleague or of a contact with an address, whom the user sees. Cleans to
    [{email, name}]."""

    user: Any = None

    def __init__(self, **kwargs: Any) -> None:
        help_text = gettext_lazy("One per line: an e-mail address, or the name of a colleague or a contact. They see title, time, place and description.")
        super().__init__(label=gettext_lazy("Guests"), required=False, max_length=20_000, widget=GuestsInput(attrs={"rows": 3}), help_text=help_text, **kwargs)

    def clean(self, value: Any) -> list[Guest]:
        lines = [line.strip() for line in str(super().clean(value)).replace(";", "\n").splitlines() if line.strip()]
        problems, found = [], []
        for line in lines[:100]:
            try:
                found.append(self._guest(line))
            except ValidationError as error:
                problems += error.messages
        if problems:
            raise ValidationError(problems, code="guests")
        return found

    def _guest(self, line: str) -> Guest:
        if "@" not in line and "<" not in line:
            return self._named(line)
        name, address = parseaddr(line) if "<" in line else ("", line)
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(_("%(text)s is not an e-mail address.") % {"text": line[:80]}) from None
        return {"email": address, "name": name}

    def _named(self, text: str) -> Guest:
        """Of those who are called so exactly, else of those whom a search finds, the only one. A colleague may be a contact as well: by the address one."""
        contacts = search.pick("contacts", self.user, text[:200], limit=11)
        colleagues = [obj for obj in search.pick("users", self.user, text[:200], limit=11) if selectors.is_called(obj, text)]
        found = {obj.email.lower(): obj for obj in (*contacts, *colleagues) if obj.email}
        exact = [obj for obj in found.values() if sort_key(str(obj)) == sort_key(text)]
        fits = exact or list(found.values())
        if not fits:
            raise ValidationError(_("Nobody with an e-mail address is called %(text)s. Enter the address.") % {"text": text[:80]})
        if len(fits) > 1:
            who = ", ".join(line_of(str(obj), obj.email) for obj in fits[:3])
            raise ValidationError(_("Several people are called %(text)s: %(who)s. Enter the address.") % {"text": text[:80], "who": who})
        return {"email": fits[0].email, "name": str(fits[0])}

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(line_of(each["name"], each["email"]) for each in value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        old, new = ([line.strip() for line in str(text or "").splitlines() if line.strip()] for text in (initial, data))
        return old != new


def guest_lines(meeting: Meeting) -> str:
    """The guests of a meeting as the field shows them."""
    return "\n".join(line_of(guest.name, guest.email) for guest in selectors.guests_of(meeting))


def line_of(name: str, email: str) -> str:
    return f"{name} <{email}>" if name else email


class TellField(forms.BooleanField):
    """Do the guests get a mail?"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=gettext_lazy("Tell the guests by e-mail"), required=False, initial=True, **kwargs)


class MoveForm(EntryForm):
    """Another day and time for a task or a meeting, and another end. `asks`: there are guests, so that it has to be said whether they are told."""

    day = forms.DateField(label=gettext_lazy("Day"), widget=DateInput())
    time = forms.TimeField(label=gettext_lazy("At"), required=False, widget=TimeInput())
    until = forms.TimeField(
        label=gettext_lazy("Until"), required=False, widget=TimeInput(), help_text=gettext_lazy("Leave it as it is to keep the length of the meeting.")
    )
    scope = scope_field(gettext_lazy("Move"))
    tell = TellField()
    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    next = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, user: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(data, user=user, **kwargs)
        self.asks = isinstance(row, Meeting) and any(guest.invited_at is not None for guest in selectors.guests_of(row))
        if not self.asks:
            del self.fields["tell"]
        if end_of(row, user.zone) is None:
            del self.fields["until"]
        if not isinstance(row, Meeting) or not row.series_id:
            del self.fields["scope"]
        if isinstance(row, Meeting):
            self.fields["time"].required = data is None or "time" in data
        else:
            self.fields["time"].help_text = _("Leave empty for the whole day.")

    def clean_day(self) -> Any:
        day = self.cleaned_data["day"]
        if not 1970 < day.year < 2200:
            raise ValidationError(_("Choose a day between 1970 and 2199."), code="range")
        return day


class CalendarFileForm(forms.Form):
    """A calendar's file."""

    file = forms.FileField(
        label=gettext_lazy("Calendar file"),
        help_text=gettext_lazy("An .ics file of at most 1 MB, as calendars export it."),
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
        allow_empty_file=True,
    )
