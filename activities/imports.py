"""What an import knows of tasks and meetings beyond their forms."""

from __future__ import annotations

from typing import Any

from activities.services import create_meetings, create_tasks
from crm.core.records import Importing, Same
from crm.core.text import sort_key

Values = dict[str, Any]
ABOUT = {
    "contact": "contact, contact name, person, kontakt",
    "company": "company, organization, account name, firma",
    "deal": "deal, opportunity, deal title",
    "lead": "lead",
    "description": "description, notes, note, comments, notizen, beschreibung",
}


def _same_task(values: Values) -> tuple[Any, ...] | None:
    return (sort_key(values.get("title") or ""), values["due_on"]) if values.get("due_on") else None


def _same_meeting(values: Values) -> tuple[Any, ...] | None:
    return (values.get("title"), values["starts_at"]) if values.get("starts_at") else None


TASK = Importing(
    create=create_tasks,
    leave_out=("reminder", "repeat"),
    synonyms={
        **ABOUT,
        "title": "subject, title, task, task name, betreff, aufgabe, name",
        "due_on": "due date, due, due on, fallig, fallig am, falligkeitsdatum, deadline, activity date",
        "due_time": "due time, time, uhrzeit",
        "kind": "type, task type, activity type, art",
        "priority": "priority, prioritat",
    },
    prefixes=("task", "activity"),
    same=(Same(fields=("sort_name", "due_on"), key=_same_task),),
)
MEETING = Importing(
    create=create_meetings,
    leave_out=("reminder", "guests", "tell", "is_private", "zone"),  # who may read the job of an import reads its file
    synonyms={
        **ABOUT,
        "title": "subject, title, meeting, event, betreff, termin, name",
        "starts_at": "start, start date, starts, starts at, beginn, start time",
        "ends_at": "end, end date, ends, ends at, ende, end time",
        "location": "location, place, ort, room",
        "video_url": "video link, meeting link, join url, video",
    },
    prefixes=("meeting", "event"),
    same=(Same(fields=("title", "starts_at"), key=_same_meeting),),
)
