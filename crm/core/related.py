"""Linked records as far as a user may see them: one query per foreign key, never one per row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.core.cache import caches
from django.db.models import Value

from crm.core.access import GrantPolicy, RecordQuerySet, Scope
from crm.core.compiled import NUMBER, Compiled, all_rows, maker
from crm.core.custom.definitions import field_named, target_model

KEEP_SECONDS = 5
MOST_NAMES = 5  # columns that are read to name a record and to reach it (`brief_fields`, texts all)


def see(user: Any, rows: Sequence[Any], fields: Iterable[str], *, whole: bool = False) -> dict[str, dict[int, Any]]:
    """{field: {id: object}} for the foreign keys of `rows`; objects that the user may not view are missing.

    Of a model with `brief_fields` only these are read, enough to name the object, unless `whole`."""
    found: dict[str, dict[int, Any]] = {}
    named: dict[str, tuple[Any, set[int]]] = {}
    people: dict[str, set[int]] = {}
    for name in dict.fromkeys(fields):
        related, ids = _targets(rows, name)
        if not ids:
            found[name] = {}
            continue
        if isinstance(user, related):  # colleagues' names are open to all who are signed in
            people[name] = ids
            continue
        if is_public(related) and not (whole and hasattr(related, "brief_fields")):
            found[name] = _kept(related, ids)
            continue
        if not whole and getattr(related, "brief_fields", None):
            named[name] = (related, ids)
            continue
        queryset = related._base_manager.filter(pk__in=ids)
        if issubclass(getattr(related._default_manager, "_queryset_class", type(None)), RecordQuerySet):
            queryset = related._default_manager.visible_to(user).filter(pk__in=ids)
        if any(field.name == "search_text" for field in related._meta.concrete_fields):
            queryset = queryset.defer("search_text")
        found[name] = {obj.pk: obj for obj in queryset}
    return found | _people(user, rows, people) | visible_names(user, named)


def _people(user: Any, rows: Sequence[Any], wanted: Mapping[str, set[int]]) -> dict[str, dict[int, Any]]:
    """The colleagues behind several fields, read together."""
    if not wanted:
        return {}
    held = [row._state.fields_cache.get(name) for row in rows for name in wanted]
    known = {user.pk: user} | {person.pk: person for person in held if person is not None}
    known |= _kept(user.__class__, set().union(*wanted.values()) - known.keys())
    return {name: {pk: known[pk] for pk in ids if pk in known} for name, ids in wanted.items()}


def _targets(rows: Sequence[Any], name: str) -> tuple[Any, set[int]]:
    """The model that a foreign key or custom field of the rows points to, and the ids."""
    custom = field_named(name)
    if custom is not None:
        return target_model(custom), {row.custom.get(custom.key) for row in rows} - {None}
    return rows[0]._meta.get_field(name).related_model, {getattr(row, f"{name}_id") for row in rows} - {None}


def visible_names(user: Any, wanted: Mapping[str, tuple[Any, Collection[int]]]) -> dict[str, dict[int, Any]]:
    """{key: {id: object}} for {key: (model, ids)}: records of several types with their `brief_fields` alone, as far as visible, in one statement."""
    found: dict[str, dict[int, Any]] = {key: {} for key in wanted}
    parts, makers = [], {}
    for key, (model, ids) in wanted.items():
        scope, *rights = model.access_policy.key(user, "view", model)
        if ids and scope != Scope.NONE:  # as for whoever is not active any more
            makers[key] = maker(model, ("id", *model.brief_fields))
            parts.append(_by_ids(key, model, (scope, *rights)).filled(tuple(ids)))
    for key, pk, *names in all_rows(parts) if parts else ():
        found[key][pk] = makers[key]((pk, *names))
    return found


@lru_cache(1024)
def _by_ids(key: str, model: Any, rights: tuple[Any, ...]) -> Compiled:
    """The visible rows with certain ids: `key`, id, names. Kept per reader and right."""
    blanks = [Value("")] * (MOST_NAMES - len(model.brief_fields))
    q = model.access_policy.q_of(*rights)
    return Compiled(lambda: model.objects.alive().filter(q, pk__in=[NUMBER]).values_list(Value(key), "id", *model.brief_fields, *blanks))


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
