"""Tasks and meetings as the generic machinery sees them, what they add to other records, and the activities' part of the settings."""

from activities.records.additions import (
    calls_for_each,
    compose_actions,
    follow_action,
    mail_for_each,
    may_plan,
    quick_entries,
    task_for_each,
    write_action,
)
from activities.records.record_types import MEETING, TASK
from activities.records.settings import SETTINGS

__all__ = [
    "MEETING",
    "SETTINGS",
    "TASK",
    "calls_for_each",
    "compose_actions",
    "follow_action",
    "mail_for_each",
    "may_plan",
    "quick_entries",
    "task_for_each",
    "write_action",
]
