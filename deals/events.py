"""What happens to deals besides the generic facts of every record. A move emits these instead of `deals.deal.changed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class DealMoved(Event):
    """Deals changed their stage, all of them between the same two."""

    name: ClassVar[str] = "deals.stage_changed"
    subject_type: ClassVar[str] = "deals.deal"
    old_stage_id: int
    old_stage: str
    old_kind: str
    new_stage_id: int
    new_stage: str
    new_kind: str


@dataclass(frozen=True, kw_only=True)
class DealWon(Event):
    """Deals were won; emitted beside `deals.stage_changed`, also when they were made as won. `amounts`: {id as text: amount in the home currency}."""

    name: ClassVar[str] = "deals.won"
    subject_type: ClassVar[str] = "deals.deal"
    amounts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class DealLost(Event):
    """Deals were lost; as DealWon, with the reason and what was noted."""

    name: ClassVar[str] = "deals.lost"
    subject_type: ClassVar[str] = "deals.deal"
    amounts: dict[str, str]
    reason: str
    note: str
