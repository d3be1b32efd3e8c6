"""One way to make a row of each record type, and a valid form post. A new record type needs an entry here; the matrix does the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from activities.services import create_meeting, create_task
from contacts.services import create_company, create_contact
from deals.selectors import default_pipeline
from deals.services import create_deal
from leads.services import create_lead


@dataclass(frozen=True)
class Sample:
    """`make(actor, name)` goes through the service; `post(name)` is a valid form without version and key; `name_field` holds the name."""

    make: Callable[[Any, str], Any]
    post: Callable[[str], dict[str, str]]
    name_field: str


def _deal_post(name: str) -> dict[str, str]:
    pipeline = default_pipeline()
    return {"name": name, "amount": "100", "stage": str(pipeline.stages.first().pk)}


SAMPLES: dict[str, Sample] = {
    "companies": Sample(lambda actor, name: create_company({"name": name}, actor=actor), lambda name: {"name": name}, "name"),
    "contacts": Sample(
        lambda actor, name: create_contact({"last_name": name}, actor=actor), lambda name: {"last_name": name, "lifecycle": "prospect"}, "last_name"
    ),
    "leads": Sample(lambda actor, name: create_lead({"last_name": name}, actor=actor), lambda name: {"last_name": name}, "last_name"),
    "deals": Sample(lambda actor, name: create_deal({"name": name}, actor=actor), _deal_post, "name"),
    "tasks": Sample(lambda actor, name: create_task({"title": name}, actor=actor), lambda name: {"title": name, "kind": "todo", "priority": "2"}, "title"),
    "meetings": Sample(
        lambda actor, name: create_meeting({"title": name, **_span()}, actor=actor),
        lambda name: {"title": name, "starts_at": "2027-01-11T10:00", "ends_at": "2027-01-11T11:00"},
        "title",
    ),
}


def _span() -> dict[str, Any]:
    from datetime import timedelta

    from django.utils import timezone

    start = timezone.now() + timedelta(days=1)
    return {"starts_at": start, "ends_at": start + timedelta(hours=1)}
