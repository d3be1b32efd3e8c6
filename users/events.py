"""What the users app tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class UserViewed(Event):
    """An admin began to see Rapport as a colleague does."""

    name: ClassVar[str] = "users.viewed_as"
    subject_type: ClassVar[str] = "users.user"
