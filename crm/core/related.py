"""Linked records as far as a user may see them: one query per foreign key, never one per row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db.models import Model

from crm.core.access import RecordQuerySet


def named(rows: Any) -> Any:
    """Rows with the columns alone that their names are made of (the model's `named_by`): a third of the time for a page that shows no more."""
    return rows.only("pk", *rows.model.named_by)


@lru_cache(64)
def maker(model: type[Model], columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """Makes records of `values_list(*columns)`, for pages that look at many rows and show few. What else they are asked for is read then."""
    order = [field.attname for field in model._meta.concrete_fields if field.attname in columns]  # as `from_db` wants them
    places = [columns.index(name) for name in order]
    return lambda row: model.from_db(None, order, [row[place] for place in places])


def see(user: Any, rows: Sequence[Any], fields: Iterable[str], *, names: bool = False) -> dict[str, dict[int, Any]]:
    """{field: {id: object}} for the foreign keys of `rows`; objects that the user may not view are missing.

    `names`: the objects are read for their names and addresses only."""
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
        queryset = related._base_manager.filter(pk__in=ids)
        if issubclass(getattr(related._default_manager, "_queryset_class", type(None)), RecordQuerySet):
            queryset = related._default_manager.visible_to(user).filter(pk__in=ids)
        if names and hasattr(related, "named_by"):
            queryset = named(queryset)
        elif any(field.name == "search_text" for field in related._meta.concrete_fields):
            queryset = queryset.defer("search_text")
        found[name] = {obj.pk: obj for obj in queryset}
    return found


def linked(user: Any, obj: Any, field: str) -> Any:
    """The visible object behind one foreign key of the record whose page is shown, or None; asks only what the page has not asked yet."""
    seen = getattr(obj, "seen_links", {})
    found = seen if field in seen else see(user, [obj], [field])
    return found[field].get(getattr(obj, f"{field}_id"))
