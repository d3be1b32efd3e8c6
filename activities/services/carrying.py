"""What hangs on a lead goes along when it is converted, and comes back when that is undone (docs/decisions/conversion.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from activities.models import Activity, Attachment, Meeting, Task
from activities.services.files import repoint_files
from activities.services.follows import carry_followers
from activities.services.lines import repoint_lines, write_line
from activities.services.meetings import repoint_meetings
from activities.services.next_steps import refresh_next_steps
from activities.services.subjects import MOST_SPECIFIC, Touched, merged, refresh_last_activity, touched
from activities.services.tasks import repoint_tasks

LINKS = ("company_id", "contact_id", "deal_id")
MODELS: dict[str, Any] = {"activity": Activity, "task": Task, "meeting": Meeting, "attachment": Attachment}
SUBJECT_OF = {"contacts.company": "company", "contacts.contact": "contact", "deals.deal": "deal"}


@transaction.atomic
def repoint(old: Any, *, company: Any = None, contact: Any = None, deal: Any = None) -> None:
    """Everything on a lead also belongs to the company, contact and deal that it became."""
    links = {"company": company, "contact": contact, "deal": deal}
    repoint_tasks(old, links)
    repoint_meetings(old, links)
    repoint_files(old, links)
    carry_followers(old, links)
    refresh_next_steps(repoint_lines(old, links))


@transaction.atomic
def lead_converted(lead: Any, company: Any, contact: Any, deal: Any, actor: Any) -> dict[str, Any]:
    """Hook "convert": carry everything over and say so on the timeline. What the undo needs: the rows that had links besides the lead, as they were."""
    carried = {name: _linked_elsewhere(model, lead) for name, model in MODELS.items()}
    repoint(lead, company=company, contact=contact, deal=deal)
    names = {name: str(obj)[:200] for name, obj in (("company", company), ("contact", contact), ("deal", deal)) if obj is not None}
    links = {"lead": lead, "contact": contact, "company": company, "deal": deal}
    write_line(kind=Activity.Kind.CHANGE, verb="converted", actor=actor, subject_type="lead", data=names, **links)
    return carried


def _linked_elsewhere(model: Any, lead: Any) -> dict[str, list[Any]]:
    rows = model._base_manager.filter(lead=lead).exclude(company=None, contact=None, deal=None, subject_type="lead")
    return {str(pk): links for pk, *links in rows.values_list("pk", *LINKS, "subject_type")}


@transaction.atomic
def conversion_undone(lead: Any, made: Mapping[str, int], carried: Mapping[str, Any], actor: Any) -> None:
    """Hook "unconvert": tasks, meetings, files and lines are the lead's again, those too that were written on what the conversion made. Its history
    (created, changed) stays with it; what is about others merely loses the link."""
    links = {SUBJECT_OF[label]: pk for label, pk in made.items()}
    theirs = Q(lead=lead)
    for name, pk in links.items():
        theirs |= Q(subject_type=name, **{f"{name}_id": pk})
    before: Touched = {"lead": {lead.pk}}
    for label, model in MODELS.items():
        rows = model._base_manager.filter(theirs)
        if model is Activity:
            rows = rows.exclude(lead__isnull=True, kind=Activity.Kind.CHANGE)
        found = list(rows.order_by("pk").select_for_update(of=("self",)).only("pk", "lead_id", *LINKS))
        before = merged(before, touched(found))
        _return(model, lead, [row.pk for row in found], carried.get(label, {}))
        for name, pk in links.items():
            model._base_manager.filter(**{f"{name}_id": pk}).exclude(subject_type__in=links).update(**{name: None})
    write_line(kind=Activity.Kind.CHANGE, verb="unconverted", actor=actor, lead=lead, subject_type="lead")
    left: Touched = {name: before.get(name, set()) - ({links[name]} if name in links else set()) for name in MOST_SPECIFIC}
    refresh_last_activity(left)
    refresh_next_steps(left)


def _return(model: Any, lead: Any, pks: list[int], kept: Mapping[str, list[Any]]) -> None:
    """All on the lead alone, but for those that had other links before it was converted."""
    stamp = {} if model in (Activity, Attachment) else {"updated_at": timezone.now()}
    plain = [pk for pk in pks if str(pk) not in kept]
    model._base_manager.filter(pk__in=plain).update(lead=lead, company=None, contact=None, deal=None, subject_type="lead", **stamp)
    for pk in (pk for pk in pks if str(pk) in kept):
        *links, subject_type = kept[str(pk)]
        model._base_manager.filter(pk=pk).update(lead=lead, **dict(zip(LINKS, links, strict=True)), subject_type=subject_type, **stamp)
