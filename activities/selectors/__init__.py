"""Reads across rows: the timeline, what is to be done, the bell."""

from activities.selectors.background import Background, Queue, background
from activities.selectors.bell import bell_state, late_banners, notifications_page, settings_of
from activities.selectors.calendar import busy_days, feed_made_at, feed_rows, guests_of, own_upload, team_day
from activities.selectors.calls import call_list_at, call_lists, entry_of, next_call
from activities.selectors.capture import People, colleague_called, may_capture, page_record, people_called, reference, referenced
from activities.selectors.dates import date_fields, dates_on, with_counts
from activities.selectors.files import file_at, files_of, removable
from activities.selectors.follows import follows
from activities.selectors.found import found_lines
from activities.selectors.free import is_called, who_is_free
from activities.selectors.mails import files_of_draft, files_of_mail, files_to_send, mails_that_wait, openable, own_mail
from activities.selectors.mentions import Mention, OpenMention, may_be_mentioned, mentions_in, open_mentions
from activities.selectors.repeating import due_words, rule_text
from activities.selectors.series import around
from activities.selectors.timeline import EVERYTHING, Comments, TimelinePage, Wanted, comments_of, timeline, upcoming
from activities.selectors.work import (
    LAYERS,
    WORK,
    FocusMark,
    calendar_days,
    day_of,
    focus,
    minutes_before,
    month_days,
    reach_of,
    reminders_of,
    subject_of,
    today_page,
)

__all__ = [
    "EVERYTHING",
    "LAYERS",
    "WORK",
    "Background",
    "Comments",
    "FocusMark",
    "Mention",
    "OpenMention",
    "People",
    "Queue",
    "TimelinePage",
    "Wanted",
    "around",
    "background",
    "bell_state",
    "busy_days",
    "calendar_days",
    "call_list_at",
    "call_lists",
    "colleague_called",
    "comments_of",
    "date_fields",
    "dates_on",
    "day_of",
    "due_words",
    "entry_of",
    "feed_made_at",
    "feed_rows",
    "file_at",
    "files_of",
    "files_of_draft",
    "files_of_mail",
    "files_to_send",
    "focus",
    "follows",
    "found_lines",
    "guests_of",
    "is_called",
    "late_banners",
    "mails_that_wait",
    "may_be_mentioned",
    "may_capture",
    "mentions_in",
    "minutes_before",
    "month_days",
    "next_call",
    "notifications_page",
    "open_mentions",
    "openable",
    "own_mail",
    "own_upload",
    "page_record",
    "people_called",
    "reach_of",
    "reference",
    "referenced",
    "reminders_of",
    "removable",
    "rule_text",
    "settings_of",
    "subject_of",
    "team_day",
    "timeline",
    "today_page",
    "upcoming",
    "who_is_free",
    "with_counts",
]
