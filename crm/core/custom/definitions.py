"""The definitions of all custom fields, kept in the process.

They are read again two seconds after the last reading, so that every process sees a change within that time and no page waits for a
query of its own. What is cached of pages carries `stamp` in its key.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from crm.core import replica
from crm.core.custom.models import PREFIX, CustomField, RecordLayout
from crm.core.records import record_for

KEEP_SECONDS = 2.0
Groups = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Definitions:
    """All fields by record type (label of the model), in their order: `every` has archived ones too, `used` has those that take values.

    `layouts` has the groups of those record types that are arranged otherwise than they came: [(title, names of fields)]."""

    every: dict[str, tuple[CustomField, ...]]
    used: dict[str, tuple[CustomField, ...]]
    by_name: dict[str, CustomField]
    layouts: dict[str, Groups]
    stamp: str = ""  # changes with any definition
    made: dict[Any, Any] = field(default_factory=dict)  # what was worked out from them (`remembered`)


_kept: tuple[float, Definitions] | None = None


def definitions() -> Definitions:
    """At most KEEP_SECONDS old; in the process that changes them exact (`forget`)."""
    global _kept
    if _kept is not None and time.monotonic() - _kept[0] < KEEP_SECONDS:
        return _kept[1]
    found = _read()
    if _kept is not None and _kept[1].stamp == found.stamp:
        found = _kept[1]  # with what was worked out from them
    _kept = (time.monotonic(), found)
    return found


def forget() -> None:
    """After a change: the next reading asks the database, within this transaction and again once it is committed."""
    _forget()
    transaction.on_commit(_forget)


def _forget() -> None:
    global _kept
    _kept = None


@replica.primary()
def _read() -> Definitions:
    every: dict[str, list[CustomField]] = {}
    rows = list(CustomField.objects.order_by("record", "position", "pk"))
    for row in rows:
        every.setdefault(row.record, []).append(row)
    used = {label: tuple(row for row in found if row.archived_at is None and row.job != CustomField.Job.DELETE) for label, found in every.items()}
    arranged = list(RecordLayout.objects.order_by("record"))
    layouts = {row.record: tuple((group["title"], tuple(group["fields"])) for group in row.groups) for row in arranged}
    told = ([(row.pk, row.version, row.position, row.index_state, row.job) for row in rows], [(row.pk, row.version) for row in arranged])
    stamp = hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()
    return Definitions(
        {label: tuple(found) for label, found in every.items()},
        {label: found for label, found in used.items() if found},
        {row.name: row for row in rows},
        layouts,
        stamp,
    )


def fields_of(model: Any, user: Any = None) -> tuple[CustomField, ...]:
    """The fields of a model that the user may see and set, in their order; all of them for the system (None)."""
    found = definitions().used.get(model._meta.label_lower, ())
    return tuple(each for each in found if each.seen_by(user)) if found else ()


def grouped(fields: Iterable[CustomField]) -> dict[str, list[CustomField]]:
    """The fields by the title of their group, in the order in which the groups first come up."""
    found: dict[str, list[CustomField]] = {}
    for each in fields:
        found.setdefault(each.group, []).append(each)
    return found


def field_named(name: str) -> CustomField | None:
    """The field behind `custom_12`, archived or not."""
    return definitions().by_name.get(name) if name.startswith(PREFIX) else None


def remembered(key: Any, make: Callable[[], Any]) -> Any:
    """What `make` gives, worked out once for these definitions. The key must tell everything else that it depends on."""
    made = definitions().made
    if key not in made:
        made[key] = make()
    return made[key]


def target_model(field: CustomField) -> Any:
    """The model whose ids a colleague or link field holds."""
    record = record_for(field.link_to) if field.kind == CustomField.Kind.LINK else None
    return record.model if record is not None else get_user_model()
