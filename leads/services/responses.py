"""The first response to a lead: until when it is due, when it came, after how many minutes of working time. Stored, so that lists need not count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from crm.core.copying import update_rows
from leads.models import Lead
from users.selectors import organisation
from users.working_time import add_working_hours, working_minutes


def zone_of(owner: Any, house: Any) -> ZoneInfo:
    """On whose clock a lead's working time runs: its owner's, else the organisation's."""
    return owner.zone if owner is not None else ZoneInfo(house.time_zone)


def respond_by(row: Mapping[str, Any], actor: Any, house: Any) -> datetime:
    """Until when somebody should have answered a lead to be (UTC): by the hours of its web form, else of the organisation (`house`)."""
    form, owner = row.get("form"), row.get("owner", actor)
    hours = form.follow_up_hours if form is not None else house.response_hours
    return add_working_hours(row.get("created_at") or timezone.now(), hours, zone=zone_of(owner, house), organisation=house)


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def set_first_responses(moments: Mapping[int, datetime | None]) -> int:
    """{lead id: when somebody first called, wrote or met, or None}: store it with the working minutes since the lead came; how many differed.

    Leads that nobody waits for (`respond_by` is null) are left out. A derived column: no version, no audit row. The caller holds the rows.
    """
    waiting = Lead._base_manager.filter(pk__in=list(moments), respond_by__isnull=False).select_related("owner").order_by("pk")
    rows = [lead for lead in waiting if lead.first_response_at != moments[lead.pk]]
    house = organisation()
    for lead in rows:
        at = moments[lead.pk]
        lead.first_response_at = at
        lead.response_minutes = None if at is None else working_minutes(lead.created_at, at, zone=zone_of(lead.owner, house), organisation=house)
    if rows:
        update_rows(rows, ["first_response_at", "response_minutes"])
    return len(rows)
