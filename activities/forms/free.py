"""What the look who is free asks of a meeting's form that is not sent yet."""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from activities.forms.work import MeetingForm

MOST_LINES = 100


class Question(NamedTuple):
    """Who shall be there (addresses and names), and when."""

    owner: Any
    guests: list[str]
    starts_at: datetime
    ends_at: datetime


def question_of(form: MeetingForm) -> Question | None:
    """None when the time or the organiser is wrong, which the form then says at that field; of the others nothing is said yet."""
    form._errors, form.cleaned_data = ErrorDict(), {}
    found: dict[str, Any] = {}
    for name in ("starts_at", "ends_at", "owner"):
        try:
            found[name] = form.fields[name].clean(form[name].data)
        except ValidationError as error:
            form.add_error(name, error)
    if not form.errors and found["ends_at"] < found["starts_at"]:
        form.add_error("ends_at", _("The end is before the start."))
    if form.errors:
        return None
    lines = str(form["guests"].data or "")[:20_000].replace(";", "\n").splitlines()[:MOST_LINES]
    guests = [parseaddr(line)[1] if "<" in line else line.strip() for line in lines]
    owner = found["owner"] or (form.instance.owner if form.instance.pk else form.user)
    return Question(owner, [text for text in guests if text], found["starts_at"], found["ends_at"])


def with_time(data: Any, form: MeetingForm) -> Any:
    """What was typed, with the time of the button that was pressed: `at` is `start/end` in ISO. As it was, if that is none."""
    start, _slash, end = str(data.get("at", "")).partition("/")
    try:
        times = {"starts_at": parse_datetime(start), "ends_at": parse_datetime(end)}
    except ValueError:
        return data
    if any(at is None or at.tzinfo is None for at in times.values()):
        return data
    filled = data.copy()
    for name, at in times.items():
        filled[name] = form.fields[name].widget.format_value(form.fields[name].prepare_value(at))
    return filled
