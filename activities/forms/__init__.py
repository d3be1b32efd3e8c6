"""Forms of tasks, meetings, entries and mails."""

from activities.forms.mails import MailEachForm, MailForm
from activities.forms.repeating import ItemForm, NotificationForm, RepeatForm, before_text
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
    "ItemForm",
    "LineForm",
    "MailEachForm",
    "MailForm",
    "MeetingForm",
    "NoteForm",
    "NotificationForm",
    "QuickMeetingForm",
    "QuickTaskForm",
    "RepeatForm",
    "ShiftForm",
    "SnoozeForm",
    "TaskForEachForm",
    "TaskForm",
    "TodayTaskForm",
    "before_text",
    "next_hour",
    "parse_day",
]
