"""Who was faster, and with what: shown beside a form that somebody overtook (docs/decisions/writes.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crm.core import writes


@dataclass(frozen=True)
class Conflict:
    """Somebody else's change, shown above a stale form."""

    who: str
    when: Any
    rows: list[tuple[Any, str, str]]  # label, theirs, yours


def conflict_of(form: Any, theirs: Any, current: Any) -> Conflict:
    """`form` as it was sent, `theirs` a form of the row as it is now: what differs, field by field."""
    names = [name for name in form.fields if name not in ("version", "idempotency_key") and name in form.changed_data]
    who, when = _last_change(current)
    return Conflict(who, when, [(form.fields[name].label or name, _shown(theirs, name), _shown(form, name)) for name in names])


def _shown(form: Any, name: str) -> str:
    """The value of a bound or unbound field as text."""
    bound = form[name]
    value = bound.field.prepare_value(form.cleaned_data.get(name) if form.is_bound else bound.initial)
    choices = getattr(bound.field, "choices", None)
    if choices and not isinstance(value, (list, tuple)) and not hasattr(bound.field, "queryset"):
        return str({str(key): label for key, label in choices}.get(str(value), value))
    if hasattr(bound.field, "queryset") and value not in (None, "") and not hasattr(value, "pk"):
        value = bound.field.queryset.filter(pk=value).first()
    if isinstance(value, (list, tuple)):
        labels = {} if hasattr(bound.field, "queryset") else {str(key): label for key, label in choices or ()}
        return ", ".join(str(labels.get(str(each), each)) for each in value)
    return "" if value is None else str(value)


def _last_change(obj: Any) -> tuple[str, Any]:
    """Who changed the record last, and when, from the audit trail."""
    event = obj.events.select_related("pgh_context").order_by("-pgh_id").first()
    user = writes.user_or_none((event.pgh_context.metadata or {}).get("user")) if event and event.pgh_context else None
    return (str(user) if user else _("Somebody")), (event.pgh_created_at if event else obj.updated_at)
