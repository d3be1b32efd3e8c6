"""What a meeting's page shows of its series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from activities.models import Meeting
from activities.selectors.repeating import rule_text


@dataclass(frozen=True)
class Around:
    """The rule in words, and the meetings of the series before and after one, as far as the reader sees them."""

    rule: str
    earlier: Meeting | None
    later: Meeting | None


def around(user: Any, meeting: Meeting) -> Around | None:
    """None for a meeting that does not repeat. Three statements."""
    if meeting.series is None:
        return None
    seen = Meeting.objects.visible_to(user).filter(series=meeting.series_id).only("starts_at", "title")
    earlier = seen.filter(starts_at__lt=meeting.starts_at).order_by("-starts_at").first()
    return Around(rule_text(meeting.series), earlier, seen.filter(starts_at__gt=meeting.starts_at).order_by("starts_at").first())
