"""One's call lists: how far they are, and who is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from activities.models import CallList, CallListEntry
from contacts.models import Contact
from leads.models import Lead

SHOWN = 100


@dataclass(frozen=True)
class NextCall:
    """Whom to call, and how far the list is. `entry` None: nobody is left (after the place)."""

    entry: CallListEntry | None
    person: Any
    done: int
    total: int


def call_lists(user: Any, *, unfinished: bool = False) -> list[Any]:
    """One's lists with `done` and `total`, newest first."""
    rows = CallList.objects.visible_to(user).annotate(total=Count("entries"), done=Count("entries", filter=Q(entries__done_at__isnull=False)))
    found = list(rows.order_by("-id")[:SHOWN])
    return [row for row in found if row.done < row.total] if unfinished else found


def call_list_at(user: Any, pk: int) -> CallList | None:
    return CallList.objects.visible_to(user).filter(pk=pk).first() if pk < 2**63 else None


def next_call(user: Any, call_list: CallList, after: int = 0) -> NextCall:
    """The first entry after a place that is still to be done and whose person the user may see."""
    seen = Q(contact__in=Contact.objects.visible_to(user).values("pk")) | Q(lead__in=Lead.objects.visible_to(user).values("pk"))
    entries = CallListEntry.objects.filter(call_list=call_list)
    entry = entries.filter(seen, done_at__isnull=True, pk__gt=after).order_by("pk").select_related("contact__company", "lead").first()
    counted = entries.aggregate(total=Count("pk"), done=Count("pk", filter=Q(done_at__isnull=False)))
    return NextCall(entry, (entry.contact or entry.lead) if entry else None, counted["done"], counted["total"])


def entry_of(user: Any, call_list: CallList, pk: int) -> tuple[CallListEntry, Any] | None:
    """An entry of the list with its person; None when it is none, or the user may not see them any more."""
    entry = CallListEntry.objects.filter(call_list=call_list, pk=pk).first() if pk < 2**63 else None
    if entry is None:
        return None
    model: Any = Contact if entry.contact_id else Lead
    person = model.objects.visible_to(user).filter(pk=entry.contact_id or entry.lead_id).first()
    return (entry, person) if person is not None else None
