"""Reads across rows: the timeline, what is to be done, the bell."""

from activities.selectors.bell import bell_state, late_banners, notifications_page, settings_of, unread_count
from activities.selectors.found import found_lines
from activities.selectors.mails import own_mail
from activities.selectors.repeating import due_words, rule_text
from activities.selectors.timeline import TimelinePage, timeline, upcoming
from activities.selectors.work import calendar_days, day_of, minutes_before, month_days, reminders_of, today_page

__all__ = [
    "TimelinePage",
    "bell_state",
    "calendar_days",
    "day_of",
    "due_words",
    "found_lines",
    "late_banners",
    "minutes_before",
    "month_days",
    "notifications_page",
    "own_mail",
    "reminders_of",
    "rule_text",
    "settings_of",
    "timeline",
    "today_page",
    "unread_count",
    "upcoming",
]
