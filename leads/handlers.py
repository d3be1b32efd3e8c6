"""What leads do when something has happened."""

from __future__ import annotations

from crm.core.models import OutboxEvent
from leads import services


def tell_new_owners(event: OutboxEvent) -> None:
    """`leads.lead.assigned` (later): who got leads from somebody else hears of it by mail and in the bell."""
    if event.payload.get("bulk"):
        return  # once, at the end: `bulk_assigned`
    changes = event.payload["changes"]
    owners = {pk: changes[str(pk)]["owner"]["new"] for pk in event.subject_ids if changes[str(pk)]["owner"]["new"]}
    services.tell_new_owners(str(event.uuid), owners, event.actor_id)


def bulk_assigned(event: OutboxEvent) -> None:
    """`core.bulk_assigned` (later): one mail per new owner, however many leads. The bell is the activities' business."""
    given = event.payload["given"].get("leads.lead", {})
    services.tell_assigned(str(event.uuid), {int(owner): number for owner, number in given.items()}, event.actor_id)


def leads_reverted(event: OutboxEvent) -> None:
    """`leads.lead.reverted`: a bulk change was undone."""
    services.statuses_reverted(event.payload["changes"], event.actor_id)
