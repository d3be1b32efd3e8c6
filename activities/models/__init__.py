"""What is to be done (tasks, meetings), what happened (the timeline), reminders and notifications."""

from activities.models.base import LONG, SUBJECTS, Subjects
from activities.models.calls import CallList, CallListEntry
from activities.models.dates import MOST_DAYS_BEFORE, DateRule
from activities.models.files import Attachment, MailFile
from activities.models.follows import Follow
from activities.models.meeting_series import MeetingSeries, SeriesGuest
from activities.models.meetings import CalendarFeed, CalendarUpload, Guest, Meeting, MeetingGuest
from activities.models.reminders import Notification, NotificationSettings, Reminder
from activities.models.rules import Rule
from activities.models.story import Activity, Comment, Mentioned
from activities.models.tasks import ChecklistItem, Task, TaskSeries

__all__ = [
    "LONG",
    "MOST_DAYS_BEFORE",
    "SUBJECTS",
    "Activity",
    "Attachment",
    "CalendarFeed",
    "CalendarUpload",
    "CallList",
    "CallListEntry",
    "ChecklistItem",
    "Comment",
    "DateRule",
    "Follow",
    "Guest",
    "MailFile",
    "Meeting",
    "MeetingGuest",
    "MeetingSeries",
    "Mentioned",
    "Notification",
    "NotificationSettings",
    "Reminder",
    "Rule",
    "SeriesGuest",
    "Subjects",
    "Task",
    "TaskSeries",
]
