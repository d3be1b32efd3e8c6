"""Forms of tasks, meetings, entries and mails."""

from activities.capture.sentences import LONGEST, MOST
from activities.forms.base import EntryForm
from activities.forms.calendar import CalendarFileForm, MoveForm
from activities.forms.capture import NEW, CaptureForm, CardForm, StepForm
from activities.forms.mails import MailEachForm, MailForm
from activities.forms.work import (
    CallForm,
    CallLineForm,
    CompleteForm,
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
    "LONGEST",
    "MOST",
    "NEW",
    "CalendarFileForm",
    "CallForm",
    "CallLineForm",
    "CaptureForm",
    "CardForm",
    "CompleteForm",
    "EntryForm",
    "LineForm",
    "MailEachForm",
    "MailForm",
    "MeetingForm",
    "MoveForm",
    "NoteForm",
    "QuickMeetingForm",
    "QuickTaskForm",
    "ShiftForm",
    "SnoozeForm",
    "StepForm",
    "TaskForEachForm",
    "TaskForm",
    "TodayTaskForm",
    "next_hour",
    "parse_day",
]
