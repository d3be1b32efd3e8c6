"""For admins: do worker, scheduler and queues keep up?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from activities import selectors
from crm.core.health import STALE_SECONDS
from crm.core.settings_pages import admin_only


@dataclass(frozen=True)
class Line:
    """One thing that has to work: what it is, whether it does, and the figure that says so."""

    name: str
    ok: bool
    text: str
    hint: str


@require_safe
@admin_only
def background_page(request: HttpRequest) -> HttpResponse:
    """GET: signs of life and what waits, as of now."""
    found = selectors.background(timezone.now())
    return render(request, "activities/background.html", {"lines": [*processes(found), *queues(found)], "failed": found.failed, "now": timezone.now()})


def processes(found: selectors.Background) -> list[Line]:
    facts = found.facts
    start = _("Start it again; what is waiting is kept.")
    lines = [
        Line(_("Database"), bool(facts["database"]), _("answers") if facts["database"] else _("does not answer"), _("Look at the log of PostgreSQL.")),
        Line(_("Redis"), bool(facts["redis"]), _("answers") if facts["redis"] else _("does not answer"), start),
        *(_heartbeat(name, facts[f"{key}_heartbeat_seconds"], start) for key, name in (("worker", _("Worker")), ("beat", _("Scheduler")))),
    ]
    if "replica" in facts:
        fine = facts["replica"] == "ready"
        lines.append(Line(_("Replica"), fine, str(facts["replica"]), _("Nobody has to wait for it: the primary does the work meanwhile.")))
    return lines


def _heartbeat(name: str, age: Any, hint: str) -> Line:
    ok = isinstance(age, float) and age <= STALE_SECONDS
    return Line(name, ok, _("last heard of %(seconds)s s ago") % {"seconds": round(age)} if isinstance(age, float) else _("never heard of"), hint)


def queues(found: selectors.Background) -> list[Line]:
    now, events = timezone.now(), found.facts["oldest_undelivered_event_seconds"]
    hint = _("They are worked off when the worker and the scheduler run.")
    lines = [Line(_("Reminders"), not found.reminders.is_late(now), _waiting(found.reminders, now), hint)]
    lines.append(Line(_("Mails"), not found.mails.is_late(now), _waiting(found.mails, now), hint))
    waits = _("nothing waits") if not events else _("the oldest waits for %(seconds)s s") % {"seconds": round(events)}
    lines.append(Line(_("Events"), events is not None and events <= STALE_SECONDS, waits if events is not None else _("unknown"), hint))
    return lines


def _waiting(queue: selectors.Queue, now: Any) -> str:
    if queue.oldest is None:
        return _("nothing waits")
    seconds = max(0, round((now - queue.oldest).total_seconds()))
    return _("%(count)s due, the oldest for %(seconds)s s") % {"count": queue.count, "seconds": seconds}
