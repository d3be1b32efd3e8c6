"""The budgets (docs/benchmark.md) and what misses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.measure import Row

MILLION = 1_000_000
GROWTH = 1.5  # p95 at a million against the small database


@dataclass(frozen=True)
class Budget:
    """Upper bounds: p95 at a million contacts and at a hundred thousand, median, statements, kB gzipped, time besides SQL."""

    p95_million: float
    p95: float
    median: float
    queries: int | None
    kilobytes: float | None
    rest: float = 20


BUDGETS = {
    "list": Budget(40, 30, 15, 12, 15, rest=12),
    "filters": Budget(500, 500, 500, 12, 15, rest=12),
    "long list": Budget(60, 50, 25, 12, 25, rest=20),  # twice the rows of a list's budget
    "search": Budget(60, 40, 40, 10, 15),
    "detail": Budget(60, 50, 25, 15, 20),
    "board": Budget(80, 60, 50, 12, 25),
    "today": Budget(60, 50, 25, 15, 15),
    "report": Budget(250, 150, 60, None, 20),
    "post": Budget(40, 40, 20, 20, None),
}
REQUESTS_PER_SECOND = 120
WORKER_MEGABYTES = 200


def compare(rows: list[Row], small: list[dict[str, Any]]) -> None:
    """Note at each row what the same page and role took in the small database."""
    known = {(row["page"], row["role"]): row for row in small if row["status"] < 400}
    for row in rows:
        if other := known.get((row.page, row.role)):
            row.small_p50_ms, row.small_p95_ms = other["p50_ms"], other["p95_ms"]


def judge(rows: list[Row], extra: dict[str, float], contacts: int) -> list[str]:
    """Note at each row what it misses; returns all misses as lines."""
    for row in rows:
        budget = BUDGETS[row.budget]
        bounds = [
            ("p95", row.p95_ms, budget.p95_million if contacts >= MILLION else budget.p95, "ms"),
            ("median", row.p50_ms, budget.median, "ms"),
            ("statements", row.queries, budget.queries, ""),
            ("size", row.bytes_gz / 1000, budget.kilobytes, "kB"),
            ("besides SQL", row.p50_ms - row.sql_ms, budget.rest, "ms"),
            ("growth of p95", row.p95_ms / row.small_p95_ms if row.small_p95_ms else 0, GROWTH, "times"),
        ]
        row.missed = [f"{name} {value:g} > {bound:g} {unit}".rstrip() for name, value, bound, unit in _rounded(bounds) if bound is not None and value > bound]
        if row.status >= 400:
            row.missed = [f"status {row.status}"]
    lines = [f"{row.page} as {row.role}: {', '.join(row.missed)}" for row in rows if row.missed]
    if extra.get("list_requests_per_second", REQUESTS_PER_SECOND) < REQUESTS_PER_SECOND:
        lines.append(f"list with 8 clients: {extra['list_requests_per_second']:g} < {REQUESTS_PER_SECOND} requests a second")
    if extra.get("worker_megabytes", 0) > WORKER_MEGABYTES:
        lines.append(f"web worker: {extra['worker_megabytes']:g} > {WORKER_MEGABYTES} MB")
    return lines


def _rounded(bounds: list[tuple[str, float, float | None, str]]) -> list[tuple[str, float, float | None, str]]:
    return [(name, round(value, 1), bound, unit) for name, value, bound, unit in bounds]


def show(rows: list[Row], extra: dict[str, float], missed: list[str]) -> None:
    """One table on the terminal, the misses under it."""
    print(
        f"\n{'page':<36}{'role':<9}{'n':>3}{'p50':>8}{'p95':>8}{'SQL':>8}{'rest':>7}{'cpu':>7}{'queries':>9}{'kB gz':>7}{'at 10,000: p50':>16}{'p95':>7}  status"
    )
    for row in rows:
        mark = " !" if row.missed else ""
        print(
            f"{row.page:<36}{row.role:<9}{row.n:>3}{row.p50_ms:>8.1f}{row.p95_ms:>8.1f}{row.sql_ms:>8.1f}{row.p50_ms - row.sql_ms:>7.1f}{row.cpu_ms:>7.1f}{row.queries:>9}"
            f"{row.bytes_gz / 1000:>7.1f}{row.small_p50_ms or '–':>16}{row.small_p95_ms or '–':>7}  {row.status}{mark}"
        )
    floors = {row.role: row.empty_page_ms for row in rows}
    print("\nempty signed-in page, ms: " + ", ".join(f"{role} {ms:g}" for role, ms in floors.items()))
    for name, value in extra.items():
        print(f"{name.replace('_', ' ')}: {value:g}")
    repeated = [row for row in rows if row.before]
    if repeated:
        print(f"\n{len(repeated)} pages were measured again because they had missed a budget; median and p95 each time:")
    for row in repeated:
        pairs = zip(row.before[::2], row.before[1::2], strict=True)
        print(f"  {row.page} as {row.role}: {', '.join(f'{median:g} / {p95:g}' for median, p95 in pairs)}, then {row.p50_ms:g} / {row.p95_ms:g} ms")
    print(f"\n{len(missed)} budgets missed" if missed else "\nall budgets held")
    for line in missed:
        print(f"  {line}")
    for row in rows:
        if row.missed:
            print(f"  slowest of {row.page} as {row.role}: {row.slowest}")
