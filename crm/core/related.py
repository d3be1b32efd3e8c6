"""Linked records as far as a user may see them: one query per foreign key, never one per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.cache import caches

from crm.core.access import GrantPolicy, RecordQuerySet

KEEP_SECONDS = 5


def see(user: Any, rows: Sequence[Any], fields: Iterable[str], *, whole: bool = False) -> dict[str, dict[int, Any]]:
    """{field: {id: object}} for the foreign keys of `rows`; objects that the user may not view are missing.

    Of a model with `brief_fields` only these are read, enough to name the object, unless `whole`."""
    found: dict[str, dict[int, Any]] = {}
    for name in dict.fromkeys(fields):
        ids = {getattr(row, f"{name}_id") for row in rows} - {None}
        if not ids:
            found[name] = {}
            continue
        related: Any = rows[0]._meta.get_field(name).related_model
        if isinstance(user, related):  # colleagues' names are open to all who are signed in
            known = {user.pk: user} | {row._state.fields_cache[name].pk: row._state.fields_cache[name] for row in rows if row._state.fields_cache.get(name)}
            if ids <= known.keys():
                found[name] = known
                continue
        if is_public(related) and not (whole and hasattr(related, "brief_fields")):
            found[name] = _kept(related, ids)
            continue
        queryset = related._base_manager.filter(pk__in=ids)
        if issubclass(getattr(related._default_manager, "_queryset_class", type(None)), RecordQuerySet):
            queryset = related._default_manager.visible_to(user).filter(pk__in=ids)
        if not whole and getattr(related, "brief_fields", None):
            queryset = queryset.only("pk", *related.brief_fields)
        elif any(field.name == "search_text" for field in related._meta.concrete_fields):
            queryset = queryset.defer("search_text")
        found[name] = {obj.pk: obj for obj in queryset}
    return found


def is_public(model: Any) -> bool:
    """Do all who are signed in see the same rows of this model? Colleagues, stages, statuses and sources are such."""
    policy = getattr(model, "access_policy", None)
    return isinstance(policy, GrantPolicy) and policy.public


def _kept(model: Any, ids: Iterable[int]) -> dict[int, Any]:
    """Rows of a public model, at most KEEP_SECONDS old: each list shows the same dozen of them on every row."""
    keys = {f"row.{model._meta.label_lower}.{pk}": pk for pk in ids}
    found = {keys[key]: row for key, row in caches["fragments"].get_many(keys).items()}
    missing = [pk for pk in keys.values() if pk not in found]
    if missing:
        rows = model._base_manager.filter(pk__in=missing)
        fresh = rows.only("pk", *model.brief_fields).in_bulk() if getattr(model, "brief_fields", ()) else rows.in_bulk()
        caches["fragments"].set_many({f"row.{model._meta.label_lower}.{pk}": row for pk, row in fresh.items()}, KEEP_SECONDS)
        found |= fresh
    return found


def linked(user: Any, obj: Any, field: str) -> Any:
    """The visible object behind one foreign key of the record whose page is shown, or None; asks only what the page has not asked yet."""
    seen = getattr(obj, "seen_links", {})
    found = seen if field in seen else see(user, [obj], [field], whole=True)
    return found[field].get(getattr(obj, f"{field}_id"))
