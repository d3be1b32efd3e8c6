"""Forms of tasks, meetings, entries and mails."""

from activities.capture.sentences import LONGEST, MOST
from activities.forms.base import EntryForm
from activities.forms.calendar import CalendarFileForm, MoveForm
from activities.forms.calls import CallListForm, ListedCallForm
from activities.forms.capture import NEW, CaptureForm, CardForm, StepForm
from activities.forms.dates import DateRuleForm
from activities.forms.files import FilesForm
from activities.forms.mails import MailEachForm, MailForm
from activities.forms.meeting_repeat import ScopeForm
from activities.forms.repeating import ItemForm, NotificationForm, RepeatForm, before_text
from activities.forms.timeline import TAB_LABELS, CommentForm, TimelineForm
from activities.forms.times import parse_clock, parse_day
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
)

__all__ = [
    "LONGEST",
    "MOST",
    "NEW",
    "TAB_LABELS",
    "CalendarFileForm",
    "CallForm",
    "CallLineForm",
    "CallListForm",
    "CaptureForm",
    "CardForm",
    "CommentForm",
    "CompleteForm",
    "DateRuleForm",
    "EntryForm",
    "FilesForm",
    "ItemForm",
    "LineForm",
    "ListedCallForm",
    "MailEachForm",
    "MailForm",
    "MeetingForm",
    "MoveForm",
    "NoteForm",
    "NotificationForm",
    "QuickMeetingForm",
    "QuickTaskForm",
    "RepeatForm",
    "ScopeForm",
    "ShiftForm",
    "SnoozeForm",
    "StepForm",
    "TaskForEachForm",
    "TaskForm",
    "TimelineForm",
    "TodayTaskForm",
    "before_text",
    "next_hour",
    "parse_clock",
    "parse_day",
]
