"""What became of the reminders of dates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone


def with_counts(rules: Any) -> Any:
    """Rules with how many of their reminders of the last 30 days were due, sent and seen."""
    recent = Q(reminders__remind_at__gte=timezone.now() - timedelta(days=30))
    return rules.annotate(
        due=Count("reminders", filter=recent & Q(reminders__cancelled_at__isnull=True)),
        sent=Count("reminders", filter=recent & Q(reminders__sent_at__isnull=False)),
        seen=Count("reminders", filter=recent & Q(reminders__seen_at__isnull=False)),
    )
