"""What the activities app tells besides the kernel's `activities.task.created` and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class TaskCompleted(Event):
    """Tasks were ticked off."""

    name: ClassVar[str] = "tasks.completed"
    subject_type: ClassVar[str] = "activities.task"
    outcome: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskReopened(Event):
    """Tasks that were done are to be done again."""

    name: ClassVar[str] = "tasks.reopened"
    subject_type: ClassVar[str] = "activities.task"
