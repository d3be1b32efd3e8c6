"""How a row in sight is known to have changed since: a mark of its version and of what is derived beside it (docs/decisions/rows.md)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from zlib import crc32

from crm.core.records import RecordType

MOST = 100  # rows of the longest page
UNSEEN = ("search_text", "sort_name", "updated_at")  # no cell shows them, or the version tells of them
_asked = re.compile(r"([0-9]{1,18})\.([A-Za-z0-9_-]{0,4})").fullmatch


@cache
def stamped(model: Any) -> tuple[str, ...]:
    """What changes when a row looks different: the version, and what never bumps it."""
    return ("version", *(name for name in getattr(model, "DERIVED", ()) if name not in UNSEEN))


def stamp(values: Iterable[Any]) -> str:
    """Four letters. One change in 16 million goes unnoticed until the next one."""
    return urlsafe_b64encode(crc32("|".join(map(str, values)).encode()).to_bytes(4, "big")[1:]).decode()


def stamp_of(obj: Any) -> str:
    model: Any = type(obj)
    return stamp([getattr(obj, name) for name in stamped(model)])


def asked_rows(text: str) -> dict[int, str] | None:
    """{id: stamp} of `7.aB3_~8.cD4-`, what a page shows; None when it is something else."""
    found = [_asked(part) for part in text.split("~", MOST)]
    return {int(each[1]): each[2] for each in found if each} if all(found) and len(found) <= MOST else None


def current(record: RecordType, user: Any, asked: Mapping[int, str]) -> dict[int, str]:
    """{id: stamp} of those of the rows that the reader still sees: one statement by their keys."""
    rows = record.visible(user).filter(pk__in=asked).order_by().values_list("pk", *stamped(record.model))
    return {pk: stamp(values) for pk, *values in rows}
