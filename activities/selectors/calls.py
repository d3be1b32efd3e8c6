"""One's call lists: how far they are, and who is next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

from activities.models import CallList, CallListEntry, Task
from contacts.models import Contact
from contacts.selectors import may_call
from contacts.selectors import refusing_calls as contacts_refusing
from leads.models import Lead
from leads.selectors import refusing_calls as leads_refusing

SHOWN = 100


def call_lists(user: Any, *, unfinished: bool = False, most: int = SHOWN) -> list[Any]:
    """One's newest lists with `done` and `total`. Counted from indexes, and only what is returned: a list may hold ten thousand."""
    rows = CallList.objects.visible_to(user).annotate(total=_count(), open=_count(done_at__isnull=True))
    if unfinished:
        rows = rows.filter(Exists(CallListEntry.objects.filter(call_list=OuterRef("pk"), done_at__isnull=True)))
    found: list[Any] = list(rows.order_by("-id")[:most])
    for row in found:
        row.done = row.total - row.open
    return found


def _count(**conditions: Any) -> Any:
    rows = CallListEntry.objects.filter(call_list=OuterRef("pk"), **conditions).order_by()
    return Coalesce(Subquery(rows.values("call_list").annotate(number=Count("pk")).values("number")), 0)


def call_list_at(user: Any, pk: int) -> Any:
    """One's list, with `total` and `open`."""
    rows = CallList.objects.visible_to(user).annotate(total=_count(), open=_count(done_at__isnull=True))
    return rows.filter(pk=pk).first() if pk < 2**63 else None


def next_call(user: Any, call_list: Any, after: int = 0) -> tuple[CallListEntry | None, Any]:
    """The first entry after a place that is still to be done and whose person the user may see, and the person; None, None when nobody is left.
    Asked of each in turn, since a condition over all people would gather those first."""
    seen = Case(When(contact__isnull=False, then=_sees(user, Contact, "contact_id")), default=_sees(user, Lead, "lead_id"))
    entries = CallListEntry.objects.filter(call_list=call_list, done_at__isnull=True, pk__gt=after).annotate(seen=seen).filter(seen=True)
    entries = entries.annotate(may_call=may_call("contact"))
    entry = entries.order_by("pk").select_related("contact__company", "lead").first()
    if entry is None:
        return None, None
    person: Any = entry.contact or entry.lead
    if entry.contact_id:
        person.may_call = entry.may_call
    return entry, person


def _sees(user: Any, model: Any, link: str) -> Subquery:
    return Subquery(model.objects.visible_to(user).filter(pk=OuterRef(link)).order_by().annotate(yes=Value(True)).values("yes")[:1])


def entry_of(user: Any, call_list: CallList, pk: int) -> tuple[CallListEntry, Any] | None:
    """An entry of the list with its person, who is None when the user does not see them any more; None when it is none of this list."""
    entry = CallListEntry.objects.filter(call_list=call_list, pk=pk).first() if pk < 2**63 else None
    if entry is None:
        return None
    if entry.contact_id:
        return entry, Contact.objects.visible_to(user).annotate(may_call=may_call()).filter(pk=entry.contact_id).first()
    return entry, Lead.objects.visible_to(user).filter(pk=entry.lead_id).first()


def who_wants_no_calls(rows: Sequence[Any]) -> set[tuple[str, int]]:
    """Of the people and leads that calls and follow-ups are about those who want no calls; a statement for each kind that there is."""
    tasks = [row for row in rows if isinstance(row, Task) and row.kind in (Task.Kind.CALL, Task.Kind.FOLLOW_UP)]
    found: set[tuple[str, int]] = set()
    for name, refusing in (("contact", contacts_refusing), ("lead", leads_refusing)):
        ids = {getattr(task, f"{name}_id") for task in tasks} - {None}
        found |= {(name, pk) for pk in refusing(ids)} if ids else set()
    return found
