"""The private address of one's calendar, for other programs."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone

from activities.models import CalendarFeed


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def make_feed(*, actor: Any) -> str:
    """A new address for the actor's calendar; the old one dies. Returns the secret, which nobody can read again."""
    secret = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(user=actor, defaults={"secret_digest": digest_of(secret), "created_at": timezone.now()})
    return secret


@transaction.atomic
def stop_feed(*, actor: Any) -> bool:
    """No address any more; False when there was none."""
    return bool(CalendarFeed.objects.filter(user=actor).delete()[0])


def feed_user(secret: str) -> Any:
    """Whose calendar this secret opens; None when it is made up or reset, or its owner may not sign in any more."""
    found = CalendarFeed.objects.filter(secret_digest=digest_of(secret)).select_related("user__role", "user__team").first()
    return found.user if found is not None and found.user.is_active else None
