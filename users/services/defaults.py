"""What a fresh database must have: the organisation's row and the default roles."""

from __future__ import annotations

from datetime import time

from django.db import transaction

from users.grants import DEFAULT_ROLES
from users.models import Organisation, Role
from users.working_time import DEFAULT_DAYS


@transaction.atomic
def ensure_defaults() -> None:
    """Make what is missing; change nothing that exists. Harmless to repeat."""
    Organisation.objects.get_or_create(pk=1, defaults={"work_days": list(DEFAULT_DAYS), "work_start": time(9), "work_end": time(17)})
    existing = set(Role.objects.values_list("slug", flat=True))
    Role.objects.bulk_create([Role(**role) for role in DEFAULT_ROLES if role["slug"] not in existing], ignore_conflicts=True)
