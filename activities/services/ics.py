"""Meetings and tasks as iCalendar objects (RFC 5545, RFC 5546). Pure: no query, nothing written.

Moments are written in UTC: each row stands for itself, so that no table of time zones has to travel with it. Whole days are dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Calendar, Event, vCalAddress, vUri

from activities.models import Guest, Meeting, Task

PRODUCT = "-//Rapport//Rapport CRM//EN"
TASK_LENGTH = timedelta(minutes=15)  # what a task with a time takes up in a calendar
PARTSTAT = {
    Guest.State.INVITED: "NEEDS-ACTION",
    Guest.State.ACCEPTED: "ACCEPTED",
    Guest.State.TENTATIVE: "TENTATIVE",
    Guest.State.DECLINED: "DECLINED",
}


def plain(text: str) -> str:
    """Without control characters, which no calendar takes."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n").strip()


def invitation(meeting: Meeting, guests: Iterable[Guest], *, method: str, at: datetime) -> str:
    """A REQUEST or CANCEL for these guests, made `at` a moment."""
    calendar = calendar_with(method)
    event = meeting_event(meeting, at)
    address(event, meeting.owner, guests, method)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def address(event: Event, organiser: Any, guests: Iterable[Guest], method: str) -> None:
    """From whom to whom an event of a REQUEST or CANCEL goes."""
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("organizer", _address(organiser.email, organiser.name))
    for guest in guests:
        attendee = _address(guest.email, guest.name)
        attendee.params["ROLE"], attendee.params["PARTSTAT"] = "REQ-PARTICIPANT", PARTSTAT[Guest.State(guest.state)]
        if method == "REQUEST":
            attendee.params["RSVP"] = "TRUE"
        event.add("attendee", attendee, encode=0)


def feed(name: str, meetings: Iterable[Meeting], tasks: Iterable[Task], *, base_url: str) -> bytes:
    """A calendar to subscribe to."""
    calendar = calendar_with("PUBLISH")
    calendar.add("x-wr-calname", plain(name))
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    for meeting in meetings:
        event = meeting_event(meeting, meeting.updated_at)
        event.add("url", f"{base_url}{meeting.get_absolute_url()}")
        calendar.add_component(event)
    for task in tasks:
        calendar.add_component(_task_event(task, base_url))
    return calendar.to_ical()


def meeting_event(meeting: Meeting, at: datetime) -> Event:
    event = Event()
    _begin(event, str(meeting.uuid), meeting.title, meeting.description, at)
    event.add("sequence", meeting.sequence)
    if meeting.location:
        event.add("location", plain(meeting.location))
    if meeting.video_url:
        link = vUri(meeting.video_url)
        link.params["VALUE"], link.params["FEATURE"] = "URI", "AUDIO,VIDEO"
        event.add("conference", link, encode=0)
    if meeting.is_private:
        event.add("class", "PRIVATE")
    if meeting.is_whole_days:
        event.add("dtstart", meeting.starts_at.astimezone(meeting.tz).date())
        event.add("dtend", meeting.ends_at.astimezone(meeting.tz).date())
    else:
        event.add("dtstart", _utc(meeting.starts_at))
        event.add("dtend", _utc(meeting.ends_at))
    return event


def _task_event(task: Task, base_url: str) -> Event:
    """A task as an entry that leaves its owner free: hardly any program shows the to-dos of a feed."""
    event = Event()
    title = f"✓ {task.title}" if task.done_at is not None else task.title
    _begin(event, f"task-{task.pk}@{base_url.rpartition('/')[2]}", title, task.description, task.updated_at)
    if task.due_time is None and task.due_on is not None:
        event.add("dtstart", task.due_on)
        event.add("dtend", task.due_on + timedelta(days=1))
    else:
        assert task.due_at is not None
        event.add("dtstart", _utc(task.due_at))
        event.add("dtend", _utc(task.due_at + TASK_LENGTH))
    event.add("transp", "TRANSPARENT")
    event.add("url", f"{base_url}{task.get_absolute_url()}")
    return event


def _begin(event: Event, uid: str, title: str, description: str, at: datetime) -> None:
    event.add("uid", uid)
    event.add("dtstamp", _utc(at))
    event.add("summary", plain(title) or "-")
    if description.strip():
        event.add("description", plain(description))


def calendar_with(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _address(email: str, name: str) -> Any:
    address = vCalAddress(f"mailto:{email}")
    if plain(name):
        address.params["CN"] = plain(name).replace('"', "'")
    return address


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
