"""A form sent twice does its work once (docs/decisions/idempotency.md)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction

from crm.core.models import IdempotencyKey


@transaction.atomic
def run_once(user: Any, key: uuid.UUID | None, path: str, make: Callable[[], str]) -> tuple[str, bool]:
    """Run `make` (which returns an address) unless this key has been used; (address, whether it ran now).

    A second request with the same key waits for the first one's transaction and gets its answer. Without a key it always runs.
    """
    if key is None:
        return make(), True
    row = IdempotencyKey(user=user if getattr(user, "pk", None) else None, key=key, path=path[:200])
    IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
    stored = IdempotencyKey.objects.select_for_update().get(user=row.user, key=key)
    if stored.result:
        return stored.result, False
    stored.result = make()
    stored.save(update_fields=["result"])
    return stored.result, True


def result_of(user: Any, key: uuid.UUID | None) -> str:
    """Where an earlier request with this key led to; "" when there was none."""
    if key is None:
        return ""
    return IdempotencyKey.objects.filter(user=user, key=key).values_list("result", flat=True).first() or ""
