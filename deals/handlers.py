"""What deals do when something has happened."""

from __future__ import annotations

from crm.core.models import OutboxEvent
from deals import services


def deals_reverted(event: OutboxEvent) -> None:
    """`deals.deal.reverted`: a bulk change was undone."""
    services.moves_reverted(event.payload["changes"], event.actor_id)
