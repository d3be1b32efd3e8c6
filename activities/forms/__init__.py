"""Forms of tasks, meetings, entries and mails."""

from activities.forms.mails import MailEachForm, MailForm
from activities.forms.work import (
    CallForm,
    CallLineForm,
    CompleteForm,
    EntryForm,
    LineForm,
    MeetingForm,
    NoteForm,
    QuickMeetingForm,
    QuickTaskForm,
    ShiftForm,
    SnoozeForm,
    TaskForEachForm,
    TaskForm,
    TodayTaskForm,
    next_hour,
    parse_day,
)

__all__ = [
    "CallForm",
    "CallLineForm",
    "CompleteForm",
    "EntryForm",
    "LineForm",
    "MailEachForm",
    "MailForm",
    "MeetingForm",
    "NoteForm",
    "QuickMeetingForm",
    "QuickTaskForm",
    "ShiftForm",
    "SnoozeForm",
    "TaskForEachForm",
    "TaskForm",
    "TodayTaskForm",
    "next_hour",
    "parse_day",
]
