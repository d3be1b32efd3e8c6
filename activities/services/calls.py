"""Call lists: made from lists of people, worked through one by one; each call is logged on the person's timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import CallList, CallListEntry
from activities.services.lines import log_call
from activities.services.tasks import create_task

Values = dict[str, Any]
MOST = 10_000  # people on one list


@transaction.atomic
def add_to_call_list(name: str, ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Put people (`name`: contact or lead) on the actor's list called `data["name"]`, which is made when there is none, with `data["script"]`; how many
    are new on it. ValidationError when it would hold more than MOST."""
    found, _fresh = CallList.objects.get_or_create(owner=actor, name=data["name"], defaults={"script": data["script"]})
    found = CallList.objects.select_for_update().get(pk=found.pk)
    if data["script"] and data["script"] != found.script:
        found.script = data["script"]
        found.save(update_fields=["script"])
    model: Any = CallListEntry._meta.get_field(name).related_model
    seen = list(model.objects.visible_to(actor).filter(pk__in=list(ids)).order_by("pk").values_list("pk", flat=True))
    there = set(found.entries.filter(**{f"{name}__in": seen}).values_list(f"{name}_id", flat=True))
    fresh = [CallListEntry(call_list=found, **{f"{name}_id": pk}) for pk in seen if pk not in there]
    if found.entries.count() + len(fresh) > MOST:
        raise ValidationError(_("A call list holds at most %(n)s people.") % {"n": MOST})
    CallListEntry.objects.bulk_create(fresh)
    return len(fresh)


@transaction.atomic
def log_listed_call(
    entry: CallListEntry, person: Any, *, actor: Any, outcome: str = "", minutes: int | None = None, body: str = "", call_again_on: Any = None
) -> bool:
    """The call on the timeline, its entry done, and a task for another call if a day is given. Whether the entry was still open: what somebody
    writes of a call is kept although they, in another window, were done with it before."""
    row = CallListEntry.objects.select_for_update(of=("self",)).get(pk=entry.pk)
    log_call(person, actor=actor, outcome=outcome, minutes=minutes, body=body)
    if call_again_on is not None:
        title = _("Call again: %(name)s") % {"name": person}
        create_task({"title": title[:200], "kind": "call", "due_on": call_again_on, person._meta.model_name: person}, actor=actor)
    fresh = row.done_at is None
    row.done_at, row.called = row.done_at or timezone.now(), True
    row.save(update_fields=["done_at", "called"])
    return fresh


@transaction.atomic
def pass_over(entry: CallListEntry, *, actor: Any) -> None:
    """Off the list without a call."""
    CallListEntry.objects.filter(pk=entry.pk, call_list__owner=actor, done_at__isnull=True).update(done_at=timezone.now())


@transaction.atomic
def delete_call_list(call_list: CallList, *, actor: Any) -> None:
    """The list alone: what was logged stays on the timelines."""
    CallList.objects.filter(pk=call_list.pk, owner=actor).delete()
