"""What a rule that reads days and times gets and gives. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time

MORNING, NOON, AFTER_LUNCH, AFTERNOON, EVENING = time(9), time(12), time(13), time(14), time(18)
SEPARATED = r"(?<![\w.,:/+-])"
ENDS = r"(?![\w:]|[.,]\d|-\d)"
OWNED = r"(?!['’]s\b)"  # "Tuesday's demo" is a demo


@dataclass
class When:
    """What a text says about time. `minutes`: how long; `repeat`: how often, as series.PRESETS has it; `spans`: the places in the text that said so."""

    day: date | None = None
    at: time | None = None
    minutes: int | None = None
    repeat: str = ""
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
