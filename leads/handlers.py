"""What leads do when something has happened."""

from __future__ import annotations

from crm.core.models import OutboxEvent
from leads import services


def tell_new_owners(event: OutboxEvent) -> None:
    """`leads.lead.assigned` (later): who got leads from somebody else hears of it by mail and in the bell."""
    changes = event.payload["changes"]
    owners = {pk: changes[str(pk)]["owner"]["new"] for pk in event.subject_ids if changes[str(pk)]["owner"]["new"]}
    services.tell_new_owners(str(event.uuid), owners, event.actor_id)
