"""One page of a list, as ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crm.core.cursors import Cursor

CAP = 10_000  # counts stop here; longer lists walk the index of their sort key
Pair = tuple[int, Any]


@dataclass(frozen=True)
class Slice:
    """One page: ids with their keys in order, the count of all matches, and whether more lie on either side.

    `capped`: there are more than `count`; it is CAP, or FEW where nobody has counted further (`rough`)."""

    pairs: list[Pair]
    count: int
    capped: bool
    before: bool
    after: bool
    offset: int

    @property
    def rough(self) -> bool:
        return self.capped and self.count < CAP

    @classmethod
    def of(cls, matches: list[Pair], size: int, cursor: Cursor | None, count: int, *, capped: bool) -> Slice:
        """The page from its rows in the order of reading, with one more if there is one."""
        more, pairs = len(matches) > size, matches[:size]
        if cursor and cursor.back:
            pairs.reverse()
            return cls(pairs, count, capped, more, True, max(0, cursor.offset - len(pairs)) if more else 0)
        return cls(pairs, count, capped, cursor is not None, more, cursor.offset if cursor else 0)
