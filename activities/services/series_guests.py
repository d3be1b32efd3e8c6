"""What the guests of a series are told: of all of it with one mail, where a single meeting has its own (services.guests)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import Guest, Meeting, MeetingGuest, MeetingSeries, SeriesGuest
from activities.selectors import rule_text
from activities.services import guests, series_ics
from activities.services.occurrences import TEMPLATE, day_of, meetings_of, to_come
from contacts.models.rules import email_key
from mail.services import conceal_mails, queue_mails

State = SeriesGuest.State
TOLD = (
    "title",
    "location",
    "video_url",
    "owner_id",
    "at",
    "lasts",
    "zone",
    *("frequency", "interval", "weekdays", "month_day", "nth", "starts_on", "until", "times"),
)
DECIDES = set(TOLD) - {"title", "video_url", "owner_id", "until", "times"}  # what an answer depends on


# ---- who they are ----


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def invite_all(series: MeetingSeries, meeting: Meeting) -> None:
    """The guests of the first meeting become those of the series."""
    columns = ("email", "name", "contact_id", "state", "answered_at", "invited_at")
    SeriesGuest.objects.bulk_create([SeriesGuest(series=series, **{name: getattr(guest, name) for name in columns}) for guest in meeting.guests.all()])


@transaction.atomic(savepoint=False)
def seat(series: MeetingSeries, meetings: Sequence[Meeting]) -> None:
    """The guests of a series come to these new meetings of it."""
    columns = ("email", "name", "contact_id", "state", "answered_at", "invited_at")
    people = [{name: getattr(guest, name) for name in columns} for guest in series.guests.all()]
    MeetingGuest.objects.bulk_create([MeetingGuest(meeting=meeting, **each) for meeting in meetings for each in people], batch_size=2000)


@transaction.atomic(savepoint=False)
def change_guests(series: MeetingSeries, edited: Meeting, rows: Sequence[Meeting], wanted: Sequence[Mapping[str, Any]], *, actor: Any) -> list[SeriesGuest]:
    """Whom somebody added to or took from one meeting of a series is added to and taken from these of it. Returns who was taken from the series, deleted.

    ValidationError at "guests".
    """
    people = {each["email"].strip().lower(): each for each in wanted}
    if len(people) > guests.MOST:
        raise ValidationError({"guests": [_("A meeting has at most 50 guests.")]})
    known = {guest.email.lower() for guest in edited.guests.all()}
    fresh = {key: each for key, each in people.items() if key not in known}
    for key in fresh:
        guests.check_address(key)
    contacts = guests.contacts_behind(fresh, actor)
    new = [
        {"email": each["email"].strip(), "name": " ".join(str(each.get("name") or "").split())[:120], "contact_id": contacts.get(email_key(key))}
        for key, each in fresh.items()
    ]
    theirs = SeriesGuest.objects.annotate(key=Lower("email")).filter(series=series, key__in=known - people.keys())
    gone = list(theirs)
    theirs.delete()
    MeetingGuest.objects.annotate(key=Lower("email")).filter(meeting__in=rows, key__in=known - people.keys()).delete()
    SeriesGuest.objects.bulk_create([SeriesGuest(series=series, **each) for each in new], ignore_conflicts=True)
    MeetingGuest.objects.bulk_create([MeetingGuest(meeting=row, **each) for row in rows for each in new], batch_size=2000, ignore_conflicts=True)
    return gone


# ---- telling them ----


def conceal(*series: MeetingSeries) -> None:
    """They have become private: the ledger no longer shows what was written of them."""
    conceal_mails([f"series:{each.uuid}:" for each in series])


def told_state(series: MeetingSeries) -> dict[str, Any]:
    """What guests know of a series, to compare it with what becomes of it."""
    return {name: getattr(series, name) for name in TOLD}


@transaction.atomic(savepoint=False)
def after_change(series: MeetingSeries, before: Mapping[str, Any], gone: Sequence[SeriesGuest], *, tell: bool) -> None:
    """A series was changed as a whole: as services.guests.after_change, with one mail each."""
    changed = {name for name, value in before.items() if value != getattr(series, name)}
    uninvited = [guest for guest in gone if guest.invited_at is not None]
    if (changed and series.guests.exists()) or uninvited:
        next_sequence(series)
    if changed & DECIDES:
        ask_anew(series)
    if tell and to_come(series).exists():
        send(series, uninvited, "CANCEL")
        send(series, [guest for guest in series.guests.all() if changed or guest.invited_at is None], "REQUEST")


@transaction.atomic(savepoint=False)
def take_over(series: MeetingSeries, people: Sequence[SeriesGuest], rows: Sequence[Meeting]) -> None:
    """The guests of a series are also those of what has become a series of its own, which nobody has told them of yet."""
    columns = ("email", "name", "contact_id", "state", "answered_at")
    SeriesGuest.objects.bulk_create([SeriesGuest(series=series, **{name: getattr(guest, name) for name in columns}) for guest in people])
    MeetingGuest.objects.filter(meeting__in=rows).update(invited_at=None)


@transaction.atomic(savepoint=False)
def after_split(old: MeetingSeries, new: MeetingSeries, people: Sequence[SeriesGuest], *, decided: bool, tell: bool) -> None:
    """A series ends, and another one takes over: `people` learn that the old one ends, the guests of the new one are invited to it. `decided`: at another
    time or place."""
    told = [guest for guest in people if guest.invited_at is not None]
    if told:
        next_sequence(old)
    if decided:
        ask_anew(new)
    if tell:
        send(old, told, "REQUEST")
        send(new, list(new.guests.all()), "REQUEST")


@transaction.atomic(savepoint=False)
def ask_anew(series: MeetingSeries) -> None:
    """Their answers were for another time or place."""
    series.guests.update(state=State.INVITED, answered_at=None)
    MeetingGuest.objects.filter(meeting__in=to_come(series)).update(state=State.INVITED, answered_at=None)


@transaction.atomic(savepoint=False)
def next_sequence(series: MeetingSeries) -> None:
    series.sequence += 1
    series.save(update_fields=["sequence"])


@transaction.atomic(savepoint=False)
def send(series: MeetingSeries, people: Sequence[SeriesGuest], method: str) -> None:
    """One mail to each for the whole series; who is not wanted at some of its meetings is not asked for these. The ledger
    takes a mail once per guest, sequence and method."""
    if not people:
        return
    meetings, at = list(meetings_of(series)) or list(Meeting._base_manager.filter(series=series).order_by("recurrence_at")), timezone.now()
    shown = next((meeting for meeting in sorted(meetings, key=lambda each: each.starts_at) if meeting.ends_at > at), meetings[-1])
    for name in (*TEMPLATE, "owner"):
        setattr(shown, name, getattr(series, name))
    everybody = people if method == "CANCEL" else list(series.guests.all())
    absent = _absences(meetings, people, at) if method == "REQUEST" else {}
    when = partial(_when, series) if method == "REQUEST" else lambda _meeting: rule_text(series)
    calendars: dict[frozenset[datetime], str] = {}
    mails = []
    for guest in people:
        without = absent.get(guest.email.lower(), frozenset())
        if without not in calendars:
            calendars[without] = series_ics.whole(series, meetings, everybody, method=method, at=at, without=without)
        mails.append(guests.mail_to(guest, shown, method, when, calendar=calendars[without], key=f"series:{series.uuid}:{series.sequence}"))
    queue_mails(mails)
    if method == "REQUEST":
        SeriesGuest.objects.filter(pk__in=[guest.pk for guest in people]).update(invited_at=at)
        told = MeetingGuest.objects.annotate(key=Lower("email")).filter(meeting__in=to_come(series), key__in=[guest.email.lower() for guest in people])
        told.update(invited_at=at)


def _when(series: MeetingSeries, meeting: Meeting) -> str:
    if meeting.ends_at <= timezone.now():
        return rule_text(series)
    return _("%(rule)s; next: %(when)s") % {"rule": rule_text(series), "when": guests.when_text(meeting)}


def when_of(guest: Guest) -> str:
    """When a guest is wanted (`guest_of` found whom): the rule and the next time, or that of the one meeting."""
    meeting: Any = guest.meeting  # type: ignore[attr-defined]
    return _when(guest.series, meeting) if isinstance(guest, SeriesGuest) else guests.when_text(meeting)


def _absences(meetings: Sequence[Meeting], people: Sequence[SeriesGuest], at: datetime) -> dict[str, frozenset[datetime]]:
    """By address: the starts by the rule of meetings to come at which a guest is not wanted."""
    ahead = {meeting.pk: meeting.recurrence_at for meeting in meetings if meeting.ends_at > at and meeting.recurrence_at}
    there: dict[str, set[int]] = defaultdict(set)
    for email, pk in MeetingGuest.objects.filter(meeting__in=list(ahead)).values_list("email", "meeting_id"):
        there[email.lower()].add(pk)
    return {guest.email.lower(): frozenset(ahead[pk] for pk in ahead.keys() - there[guest.email.lower()]) for guest in people}


# ---- the bin ----


@transaction.atomic(savepoint=False)
def after_bin(meetings: Iterable[Meeting]) -> None:
    """Meetings went into the bin or came out of it. Of several of one series guests are told with one mail: what is left of it, or that it is off."""
    single, together = [], defaultdict(list)
    for meeting in meetings:
        (together[meeting.series_id] if meeting.series_id else single).append(meeting)
    for series in MeetingSeries.objects.select_for_update().filter(pk__in=together).order_by("pk"):
        rows = together[series.pk]
        goes_on = _go_on(series, [day_of(series, row) for row in rows if row.deleted_at is None])
        ends = series.ended_on is not None and series.times is None and all(day_of(series, row) > series.ended_on for row in rows)
        if len(rows) == 1 and not goes_on and not (ends and (series.until is None or series.until > series.made_until)):
            single += rows
        else:  # also when the one that went or came back is the last that was made of a rule without end: the rule is another one
            _tell_of_bin(series, rows)
    guests.after_bin(single)


def _go_on(series: MeetingSeries, back: Sequence[date]) -> bool:
    """A series whose rest was deleted goes on when that comes back. Does it now?"""
    if series.ended_on is None or all(day <= series.ended_on for day in back):
        return False
    series.ended_on = None
    series.save(update_fields=["ended_on"])
    return True


def _tell_of_bin(series: MeetingSeries, rows: Sequence[Meeting]) -> None:
    now = timezone.now()
    ahead = [row for row in rows if row.ends_at > now]
    if not ahead:
        return
    next_sequence(series)
    people = list(series.guests.filter(invited_at__isnull=False))
    send(series, people, "REQUEST" if to_come(series).exists() else "CANCEL")
    known = {guest.email.lower() for guest in series.guests.all()}
    for guest in MeetingGuest.objects.annotate(key=Lower("email")).filter(meeting__in=ahead, invited_at__isnull=False).exclude(key__in=known):
        row = next(row for row in ahead if row.pk == guest.meeting_id)  # invited to this one alone
        guests.send(row, [guest], "CANCEL" if row.deleted_at is not None else "REQUEST")
