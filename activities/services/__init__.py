"""All writes of tasks, meetings, the timeline, reminders and notifications."""

from activities.services.calendar_imports import MOST_BYTES, found_in, import_upload, keep_upload
from activities.services.calls import add_to_call_list, delete_call_list, log_listed_call, pass_over
from activities.services.capture import add_person, write_captured
from activities.services.carrying import conversion_undone, lead_converted, repoint
from activities.services.checklists import add_item, change_item, move_item, remove_item
from activities.services.comments import MAX_COMMENT, MOST_COMMENTS, add_comment, delete_comment, pin_line, reopen_mention, restore_comment, settle_mentions
from activities.services.dates import create_date_rule, delete_date_rule, plan_date_reminders, update_date_rule
from activities.services.digest import send_digests
from activities.services.enclosures import MOST_BYTES as MOST_MAIL_BYTES
from activities.services.enclosures import MOST_FILES as MOST_MAIL_FILES
from activities.services.enclosures import enclosures
from activities.services.feeds import feed_user, make_feed, stop_feed
from activities.services.files import add_files, may_remove_file, records_erased, remove_file
from activities.services.follows import follow, unfollow
from activities.services.guests import answer, guest_of, when_text
from activities.services.hooks import user_left
from activities.services.ics import feed
from activities.services.lines import add_note, correct_line, delete_line, log_call, may_correct, restore_line, write_line, write_lines
from activities.services.links import answer_reminder, reminder_behind
from activities.services.mails import Preview, addresses_of, mail_each, preview_each, send_mail, signed, unsend
from activities.services.marketing import PEOPLE, Recipient, is_unwilling, recipient_behind, unsubscribe_token, unsubscribed, withdraw
from activities.services.meeting_series import carry_on_meetings, delete_meeting, plan_meeting
from activities.services.meetings import close_past_meetings, create_meeting, create_meetings, delete_meetings, update_meeting
from activities.services.moves import move_entry
from activities.services.next_steps import refresh_next_steps
from activities.services.notifications import mark_all_read, mark_read, notify, safe_path, set_channels
from activities.services.reminders import drop_missed_reminders, fire_due_reminders, set_reminders
from activities.services.repeating import drop_ended_series, set_repeat, skip_task
from activities.services.series_changes import change_meeting
from activities.services.series_guests import when_of
from activities.services.tasks import (
    assign_tasks,
    change_tasks,
    complete_task,
    complete_tasks,
    create_task,
    create_tasks,
    delete_tasks,
    follow_owner,
    make_follow_up,
    plan_for_each,
    reassign_tasks,
    reopen_task,
    shift_tasks,
    snooze_task,
    update_task,
)

__all__ = [
    "MAX_COMMENT",
    "MOST_BYTES",
    "MOST_COMMENTS",
    "MOST_MAIL_BYTES",
    "MOST_MAIL_FILES",
    "PEOPLE",
    "Preview",
    "Recipient",
    "add_comment",
    "add_files",
    "add_item",
    "add_note",
    "add_person",
    "add_to_call_list",
    "addresses_of",
    "answer",
    "answer_reminder",
    "assign_tasks",
    "carry_on_meetings",
    "change_item",
    "change_meeting",
    "change_tasks",
    "close_past_meetings",
    "complete_task",
    "complete_tasks",
    "conversion_undone",
    "correct_line",
    "create_date_rule",
    "create_meeting",
    "create_meetings",
    "create_task",
    "create_tasks",
    "delete_call_list",
    "delete_comment",
    "delete_date_rule",
    "delete_line",
    "delete_meeting",
    "delete_meetings",
    "delete_tasks",
    "drop_ended_series",
    "drop_missed_reminders",
    "enclosures",
    "feed",
    "feed_user",
    "fire_due_reminders",
    "follow",
    "follow_owner",
    "found_in",
    "guest_of",
    "import_upload",
    "is_unwilling",
    "keep_upload",
    "lead_converted",
    "log_call",
    "log_listed_call",
    "mail_each",
    "make_feed",
    "make_follow_up",
    "mark_all_read",
    "mark_read",
    "may_correct",
    "may_remove_file",
    "move_entry",
    "move_item",
    "notify",
    "pass_over",
    "pin_line",
    "plan_date_reminders",
    "plan_for_each",
    "plan_meeting",
    "preview_each",
    "reassign_tasks",
    "recipient_behind",
    "records_erased",
    "refresh_next_steps",
    "reminder_behind",
    "remove_file",
    "remove_item",
    "reopen_mention",
    "reopen_task",
    "repoint",
    "restore_comment",
    "restore_line",
    "safe_path",
    "send_digests",
    "send_mail",
    "set_channels",
    "set_reminders",
    "set_repeat",
    "settle_mentions",
    "shift_tasks",
    "signed",
    "skip_task",
    "snooze_task",
    "stop_feed",
    "unfollow",
    "unsend",
    "unsubscribe_token",
    "unsubscribed",
    "update_date_rule",
    "update_meeting",
    "update_task",
    "user_left",
    "when_of",
    "when_text",
    "withdraw",
    "write_captured",
    "write_line",
    "write_lines",
]
