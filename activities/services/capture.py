"""What the capture box writes: notes, calls, tasks and meetings in one go, and people from pasted signatures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.services.due import NOON, moment
from activities.services.lines import add_note, log_call
from activities.services.meetings import create_meeting
from activities.services.subjects import subject_name
from activities.services.tasks import create_task
from contacts.models import Company, Contact
from contacts.services import create_company, create_contact
from crm.core.access import can, may_add
from crm.core.names import split_name
from crm.core.records import record_for
from crm.core.text import sort_key

Values = dict[str, Any]
MEETING_MINUTES = 60


class StepError(ValidationError):
    """What is wrong with one of several: its place, from 0."""

    def __init__(self, place: int, error: ValidationError) -> None:
        super().__init__(error.error_dict if hasattr(error, "error_dict") else error.messages)
        self.place = place


@transaction.atomic
def write_captured(steps: Sequence[Values], *, actor: Any, tags: Sequence[str] = (), owner: Any = None) -> Any:
    """Write all of it or nothing; returns the record that the first step with one is about, or None.

    A step: `kind` (note, call, task, meeting), `text`, `about` (a record, the name of a new contact, or None), `day`, `at`, `minutes`, and of a task
    `task_kind`, `priority`, `repeat`. Tasks are for `owner`, tags go on the records. StepError, or ValidationError at `tags`.
    """
    new: dict[str, Contact] = {}
    subjects: list[Any] = []
    for place, step in enumerate(steps):
        try:
            about = step["about"]
            if isinstance(about, str):
                if about not in new:
                    new[about] = _new_contact(about, actor)
                about = new[about]
            _write(step, about, owner, actor)
        except ValidationError as error:
            raise StepError(place, error) from None
        if about is not None and about not in subjects:
            subjects.append(about)
    if tags:
        _tag(subjects, tags, actor)
    return subjects[0] if subjects else None


def _new_contact(name: str, actor: Any) -> Contact:
    if not may_add(actor, Contact):
        raise ValidationError({"about": [_("You may not add contacts. Choose one that exists.")]})
    first, last = split_name(name)
    return create_contact({"first_name": first, "last_name": last, "owner": actor}, actor=actor)


def _write(step: Values, about: Any, owner: Any, actor: Any) -> None:
    kind, text, day, at = step["kind"], step["text"], step.get("day"), step.get("at")
    link = {subject_name(about): about} if about is not None else {}
    zone = actor.time_zone
    if kind in ("note", "call") and about is None:
        raise ValidationError({"about": [_("Say whom this is about: write the name in the text, or choose “Task”.")]})
    if kind == "note":
        add_note(about, body=text, actor=actor)
    elif kind == "call":
        log_call(about, actor=actor, body=text, minutes=step.get("minutes"), at=_called_at(day, at, zone))
    elif kind == "task":
        values = {"title": text, "kind": step.get("task_kind") or "todo", "priority": step.get("priority") or 2, "due_on": day, "due_time": at}
        values |= {"repeat": step["repeat"]} if step.get("repeat") else {}
        create_task({**values, **link, **({"owner": owner} if owner is not None else {})}, actor=actor)
    else:
        if day is None or at is None:
            raise ValidationError({"day" if day is None else "at": [_("A meeting has a day and a time.")]})
        start = moment(day, at, zone)
        span = {"starts_at": start, "ends_at": start + timedelta(minutes=step.get("minutes") or MEETING_MINUTES)}
        create_meeting({"title": text, **span, **link}, actor=actor)


def _called_at(day: date | None, at: time | None, zone: str) -> datetime | None:
    """When a call was made; None: now. Without a time at noon, or now if it was today."""
    now = timezone.now()
    today = now.astimezone(ZoneInfo(zone)).date()
    if at is None and day in (None, today):
        return None
    when = moment(day or today, at or NOON, zone)
    if when > now:
        raise ValidationError({"day": [_("This is still to come. Choose “Task” for it.")]})
    return when


def _tag(subjects: Sequence[Any], tags: Sequence[str], actor: Any) -> None:
    if not subjects:
        raise ValidationError({"tags": [_("Tags go on a record: say whom this is about.")]})
    for subject in subjects:
        record = record_for(type(subject))
        assert record is not None
        if not can(actor, "change", subject):
            raise ValidationError({"tags": [_("You may not change %(name)s, so no tag can go there.") % {"name": subject}]})
        names = {sort_key(tag.name): tag.name for tag in subject.tags.all()} | {sort_key(tag): tag for tag in tags}
        record.update(subject, {"tags": list(names.values())}, actor=actor)


@transaction.atomic
def add_person(values: Values, *, actor: Any) -> Contact:
    """A contact from a signature: fields of a contact, `phones` as for create_contact, and `company` as a name: a visible company that is called so
    or has the same domain, else a new one if the actor may add companies."""
    values = dict(values)
    name, domain = values.pop("company", ""), values.pop("domain", "")
    if not may_add(actor, Contact):
        raise ValidationError(_("You may not add contacts."), code="forbidden")
    return create_contact({**values, "company": company_called(name, domain, actor=actor), "owner": actor}, actor=actor)


def company_called(name: str, domain: str, *, actor: Any) -> Company | None:
    """See add_person; None without a name."""
    rows = Company.objects.visible_to(actor).order_by("pk")
    found = rows.filter(sort_name=sort_key(name)).first() if name else None
    found = found or (rows.filter(domain=domain).first() if domain else None)
    if found is not None or not name or not may_add(actor, Company):
        return found
    return create_company({"name": name, "domain": domain, "owner": actor}, actor=actor)
