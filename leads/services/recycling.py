"""Disqualified leads that come back: on their day they are new again, and their owner has a task and a line in the bell."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from leads.models import Lead, LeadStatus
from leads.services.hooks import run_hooks
from leads.services.leads import new_status, update_lead
from leads.services.responses import zone_of
from users.selectors import organisation
from users.working_time import next_working_moment

log = logging.getLogger(__name__)
FIRST_ON_EARTH = timedelta(hours=14)  # where a day begins first


def recycle_due_leads(now: datetime | None = None) -> int:
    """Bring back every lead whose day has begun on its owner's calendar; how many. Two at once bring each back once: the row lock and the day decide."""
    now = now or timezone.now()
    rows = Lead.objects.alive().filter(recycle_on__lte=(now + FIRST_ON_EARTH).date()).select_related("owner").only("recycle_on", "owner__time_zone")
    house = organisation()
    due = [lead.pk for lead in rows.order_by("recycle_on", "pk") if _has_come(lead, now, house)]
    return sum(_recycle(pk, now, house) for pk in due)


def _has_come(lead: Lead, now: datetime, house: Any) -> bool:
    return lead.recycle_on is not None and lead.recycle_on <= now.astimezone(zone_of(lead.owner, house)).date()


def _recycle(pk: int, now: datetime, house: Any) -> bool:
    """One lead in a transaction of its own: what is wrong with it keeps no other back."""
    try:
        with transaction.atomic(), pghistory.context(user=None, recycled=pk):
            lead = Lead.objects.alive().select_for_update(of=("self",), skip_locked=True).select_related("owner", "status").filter(pk=pk).first()
            if lead is None or not _has_come(lead, now, house) or lead.status.kind != LeadStatus.Kind.DISQUALIFIED:
                return False
            reason = lead.disqualified_reason
            lead = update_lead(lead, {"status": new_status()}, actor=None)
            if lead.owner is not None and lead.owner.is_active:
                _tell(lead, lead.owner, reason, now, house)
    except Exception:
        log.exception("lead could not come back", extra={"lead": pk})
        return False
    return True


def _tell(lead: Lead, owner: Any, reason: str, now: datetime, house: Any) -> None:
    with translation.override(owner.language):
        title = _("Try again: %(name)s") % {"name": lead}
        text = _("%(name)s is back. It was disqualified: %(reason)s") % {"name": lead, "reason": reason}
    due_at = next_working_moment(now, zone=owner.zone, organisation=house)
    run_hooks("follow_up", lead=lead, owner=owner, title=title[:200], due_at=due_at, zone=owner.time_zone, actor=None)
    run_hooks("notify", user=owner, kind="system", text=text, url=lead.get_absolute_url())
