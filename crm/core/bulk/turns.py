"""Who gets which of many rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def in_turn(ids: Iterable[int], data: dict[str, Any]) -> dict[int, Any]:
    """{row id: its new owner}: one for all, or one after the other."""
    owners, turn = data["owners"], data.get("turn", 0)
    return {pk: owners[(turn + place) % len(owners)] for place, pk in enumerate(ids)}
