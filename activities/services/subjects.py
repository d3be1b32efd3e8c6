"""What a row is about: the links to records, filled in with their parents, and the columns that records keep of their activities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Model, OuterRef, Subquery

from activities.models import SUBJECTS, Activity

MOST_SPECIFIC = ("deal", "lead", "contact", "company")  # also the order in which rows are locked, so that nobody waits in a circle
Ids = dict[str, int | None]
Touched = dict[str, set[int]]


def subject_model(name: str) -> Any:
    """`deal` -> the model class Deal."""
    return Activity._meta.get_field(name).related_model


def subject_name(obj: Model) -> str:
    """A record -> the name of its link: `deal`."""
    return obj._meta.model_name or ""


def ids_of(row: dict[str, Any]) -> Ids:
    """The four ids from a row that names objects (`deal=...`) or ids (`deal_id=...`)."""
    found: Ids = {}
    for name in SUBJECTS:
        obj = row.get(name)
        found[name] = obj.pk if obj is not None else row.get(f"{name}_id")
    return found


def most_specific(ids: Ids) -> str:
    """The link that decides who may see the row; "" when there is none."""
    return next((name for name in MOST_SPECIFIC if ids.get(name)), "")


def fill_parents(rows: Sequence[Ids]) -> None:
    """A row on a deal is also one of its contact and company, a row on a contact one of its company. At most two queries."""
    deals = _links("deal", [ids["deal"] for ids in rows if ids["deal"] and not (ids["contact"] and ids["company"])], ("contact_id", "company_id"))
    for ids in rows:
        contact, company = deals.get(ids["deal"] or 0, (None, None))
        ids["contact"], ids["company"] = ids["contact"] or contact, ids["company"] or company
    contacts = _links("contact", [ids["contact"] for ids in rows if ids["contact"] and not ids["company"]], ("company_id",))
    for ids in rows:
        ids["company"] = ids["company"] or contacts.get(ids["contact"] or 0, (None,))[0]


def _links(name: str, pks: Iterable[int | None], columns: tuple[str, ...]) -> dict[int, tuple[Any, ...]]:
    wanted = {pk for pk in pks if pk}
    if not wanted:
        return {}
    return {row[0]: row[1:] for row in subject_model(name)._base_manager.filter(pk__in=wanted).values_list("pk", *columns)}


def touched(rows: Iterable[Any]) -> Touched:
    """The records that rows (objects with the four links, or id dicts) hang on."""
    found: Touched = {}
    for row in rows:
        for name in SUBJECTS:
            pk = row.get(name) if isinstance(row, dict) else getattr(row, f"{name}_id")
            if pk:
                found.setdefault(name, set()).add(pk)
    return found


def merged(*parts: Touched) -> Touched:
    """The union of several."""
    found: Touched = {}
    for part in parts:
        for name, pks in part.items():
            found.setdefault(name, set()).update(pks)
    return found


def locked(name: str, pks: Iterable[int]) -> Any:
    """Rows of one kind locked in the order of their ids, as a queryset; foreign keys may still point at them meanwhile."""
    return subject_model(name)._base_manager.filter(pk__in=list(pks)).order_by("pk").select_for_update(no_key=True)


def refresh_last_activity(subjects: Touched) -> None:
    """Set `last_activity_at` from the newest line of each record that is not a mere change of fields: what was said or done with the
    customer. A derived column: no version, no audit row."""
    for name in MOST_SPECIFIC:
        pks = subjects.get(name)
        if not pks:
            continue
        newest = Activity.objects.filter(**{f"{name}_id": OuterRef("pk")}, deleted_at__isnull=True).exclude(kind=Activity.Kind.CHANGE).order_by("-at", "-pk")
        if len(pks) > 1:
            list(locked(name, pks).values_list("pk"))
        subject_model(name)._base_manager.filter(pk__in=pks).update(last_activity_at=Subquery(newest.values("at")[:1]))
