"""What the activities app shows on the pages of records: timeline, composer, rows of work."""

from activities.panels.calendar import AgendaDates, MonthDays, TimeGrid
from activities.panels.capture import said_of_task, understood
from activities.panels.composer import COMPOSER, composer, composer_tabs, meeting_box, quick_add, slug_of, task_box
from activities.panels.files import FILES
from activities.panels.free import free_html, problem_html
from activities.panels.mails import mails_to_each
from activities.panels.mini_month import MiniMonth
from activities.panels.story import Asked, LineMaker, asked_of, last_contact, recent, timeline, timeline_context, timeline_url
from activities.panels.work import KIND_ICONS, WorkRows, about_html, due_html, focus_context, join_html, marks_html, may_change

__all__ = [
    "COMPOSER",
    "FILES",
    "KIND_ICONS",
    "AgendaDates",
    "Asked",
    "LineMaker",
    "MiniMonth",
    "MonthDays",
    "TimeGrid",
    "WorkRows",
    "about_html",
    "asked_of",
    "composer",
    "composer_tabs",
    "due_html",
    "focus_context",
    "free_html",
    "join_html",
    "last_contact",
    "mails_to_each",
    "marks_html",
    "may_change",
    "meeting_box",
    "problem_html",
    "quick_add",
    "recent",
    "said_of_task",
    "slug_of",
    "task_box",
    "timeline",
    "timeline_context",
    "timeline_url",
    "understood",
]
