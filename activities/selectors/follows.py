"""What a user follows."""

from __future__ import annotations

from typing import Any

from activities.models import Follow


def follows(user: Any, record: Any) -> bool:
    """Does the user follow this company, contact, lead or deal?"""
    return Follow.objects.visible_to(user).filter(**{record._meta.model_name: record}).exists()
