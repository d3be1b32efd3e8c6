"""Signs of life of the background processes, kept in PostgreSQL: /readyz, the start of `make run` and the admins' banner read them."""

from __future__ import annotations

from django.utils import timezone

from crm.core.models import Heartbeat


def beat(name: str) -> None:
    """Note that the process called `name` (worker, beat) lives; in one statement, so that two may do it at once."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=timezone.now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )


def ages() -> dict[str, float]:
    """Seconds since each process was last heard of."""
    now = timezone.now()
    return {row.name: max(0.0, (now - row.at).total_seconds()) for row in Heartbeat.objects.all()}
