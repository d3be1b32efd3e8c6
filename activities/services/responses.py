"""When somebody first called, wrote to or met a lead: the timeline knows, the lead stores it (leads.services.responses)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Case, F, Min, Q, When

from activities.models import Activity
from leads.services import set_first_responses

Kind = Activity.Kind
# A mail counts when it has left: one that is planned, taken back or refused answers nobody.
ANSWERS = Q(kind=Kind.CALL, verb="called") | Q(kind=Kind.MEETING, verb="held") | Q(kind=Kind.EMAIL, verb="sent", mail__sent_at__isnull=False)
AT_ONCE = (Kind.CALL, Kind.MEETING)


def refresh_responses(leads: Iterable[int]) -> None:
    """Bring the first response of these leads up to date. The caller's transaction holds the rows: of two who answer at once the second sees the first."""
    wanted: dict[int, datetime | None] = dict.fromkeys(leads)
    if wanted:
        lines = Activity.objects.filter(ANSWERS, lead_id__in=wanted, actor__isnull=False, deleted_at__isnull=True).order_by()
        moment = Case(When(kind=Kind.EMAIL, then=F("mail__sent_at")), default=F("at"))
        wanted.update(lines.values_list("lead_id").annotate(first=Min(moment)))
        set_first_responses(wanted)


def answered_by(lines: Iterable[Activity]) -> set[int]:
    """The leads that lines answer, or answered, at once."""
    return {line.lead_id for line in lines if line.lead_id and line.actor_id and line.kind in AT_ONCE}
