"""What lower apps call in their own transaction through crm.wiring.HOOKS."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from activities.services.meetings import reassign_meetings
from activities.services.tasks import reassign_tasks


@transaction.atomic
def user_left(user: Any, successor: Any, actor: Any) -> int:
    """Hook "deactivate": open tasks and coming meetings go to the successor; how many."""
    return reassign_tasks(user, successor, actor) + reassign_meetings(user, successor, actor)
