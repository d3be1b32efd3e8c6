"""What lower apps call in their own transaction through crm.wiring.HOOKS."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from activities.models import Activity
from activities.services.lines import repoint_lines, write_line
from activities.services.meetings import reassign_meetings, repoint_meetings
from activities.services.next_steps import refresh_next_steps
from activities.services.tasks import reassign_tasks, repoint_tasks


@transaction.atomic
def repoint(old: Any, *, company: Any = None, contact: Any = None, deal: Any = None) -> None:
    """Everything on a lead also belongs to the company, contact and deal that it became."""
    links = {"company": company, "contact": contact, "deal": deal}
    repoint_tasks(old, links)
    repoint_meetings(old, links)
    refresh_next_steps(repoint_lines(old, links))


@transaction.atomic
def lead_converted(lead: Any, company: Any, contact: Any, deal: Any, actor: Any) -> None:
    """Hook "convert": carry everything over and say so on the timeline."""
    repoint(lead, company=company, contact=contact, deal=deal)
    names = {name: str(obj)[:200] for name, obj in (("company", company), ("contact", contact), ("deal", deal)) if obj is not None}
    links = {"lead": lead, "contact": contact, "company": company, "deal": deal}
    write_line(kind=Activity.Kind.CHANGE, verb="converted", actor=actor, subject_type="lead", data=names, **links)


@transaction.atomic
def user_left(user: Any, successor: Any, actor: Any) -> int:
    """Hook "deactivate": open tasks and coming meetings go to the successor; how many."""
    return reassign_tasks(user, successor, actor) + reassign_meetings(user, successor, actor)
