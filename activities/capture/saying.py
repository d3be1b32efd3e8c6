"""What a rule that reads days and times gets and gives. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time

MORNING, NOON, AFTERNOON, EVENING = time(9), time(12), time(14), time(18)
SEPARATED = r"(?<![\w.,:/+-])"
ENDS = r"(?![\w:]|[.,]\d|-\d)"


@dataclass
class When:
    """What a text says about time. `minutes`: how long; `spans`: the places in the text that said so."""

    day: date | None = None
    at: time | None = None
    minutes: int | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Clock:
    """The moment from which one speaks, on the speaker's clock. `day_first`: how 3/4 is meant."""

    now: datetime
    day_first: bool = True

    @property
    def today(self) -> date:
        return self.now.date()


Rule = tuple[str, Callable[[re.Match[str], Clock, bool], "When | None"]]
