"""Sends the requests, one after the other, and keeps what each took."""

from __future__ import annotations

import argparse
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from bench.client import Browser, Reply
from bench.pages import Page, Step, pages, turn
from bench.people import ROLES, address

WARM_UP = 2
REMEMBERED = 61  # seconds; listing.KEEP_SECONDS and what the bar keeps
FLOOR = "/reports/"  # signed in, whole shell, next to nothing in it
QUIET = 1.2  # times what the empty page took at its best in this run: the machine is then taken to be undisturbed
PATIENCE = 300.0  # seconds that a run waits for that, all in all


@dataclass
class Row:
    """One page as one role saw it."""

    page: str
    budget: str
    role: str
    n: int
    p50_ms: float
    p95_ms: float
    queries: int
    sql_ms: float
    cpu_ms: float  # of the web worker, besides SQL: hardly touched by what else the machine does
    bytes_gz: int
    status: int
    empty_page_ms: float = 0.0
    small_p50_ms: float = 0.0  # the same page and role in the small database, 0: not compared
    small_p95_ms: float = 0.0
    slowest: str = ""
    missed: list[str] = field(default_factory=list)
    before: list[float] = field(default_factory=list)  # median and p95 of each time it was measured before

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


class Bench:
    """All roles and pages of one run."""

    def __init__(self, port: int, wanted: argparse.Namespace) -> None:
        self.port, self.count = port, wanted.requests
        self.roles = [role for role in ROLES if not wanted.roles or role in wanted.roles.split(",")]
        words = [word for word in wanted.only.split(",") if word]
        self.pages = [page for page in pages() if not words or any(word in page.name for word in words)]
        self.floors: dict[str, float] = {}  # by role: the empty page at its quickest
        self.waited = 0.0

    def run(self) -> list[Row]:
        rows = []
        for role in self.roles:
            browser = Browser(self.port, role)
            browser.sign_in()
            user = get_user_model().objects.select_related("role").get(email=address(role))
            floor = self.floors[role] = self._empty(browser)
            with timezone.override(user.zone):
                for page in self.pages:
                    row = self._measure(page, role, browser, user)
                    if row:
                        row.empty_page_ms = floor
                        rows.append(row)
        return rows

    def again(self, rows: list[Row]) -> list[Row]:
        """Measure pages that missed a budget once more: on a shared machine a disturbance hits some pages, a slow page is slow twice.

        With other values, not before what the web processes remember for up to a minute is forgotten, and each in a quiet moment if one comes."""
        time.sleep(REMEMBERED)
        turn[0] += "again"
        fresh = []
        for role in dict.fromkeys(row.role for row in rows):
            browser = Browser(self.port, role)
            browser.sign_in()
            user = get_user_model().objects.select_related("role").get(email=address(role))
            with timezone.override(user.zone):
                for row in rows:
                    page = next((page for page in self.pages if page.name == row.page), None)
                    if page is None or row.role != role:
                        continue
                    self._wait_for_quiet(role, browser)
                    found = self._measure(page, role, browser, user)
                    if found:
                        found.empty_page_ms, found.before = row.empty_page_ms, [*row.before, row.p50_ms, row.p95_ms]
                        fresh.append(found)
        return fresh

    def _empty(self, browser: Browser) -> float:
        for _ in range(WARM_UP * 2):
            browser.get(FLOOR)
        return round(median(browser.get(FLOOR).ms for _ in range(self.count)), 1)

    def _wait_for_quiet(self, role: str, browser: Browser) -> None:
        """Until the empty page is about as quick as it was at its best: what else runs on the machine slows it as it slows every page."""
        while (now := self._empty(browser)) > QUIET * self.floors.get(role, now) and self.waited < PATIENCE:
            time.sleep(5)
            self.waited += 5
        self.floors[role] = min(now, self.floors.get(role, now))

    def _measure(self, page: Page, role: str, browser: Browser, user: Any) -> Row | None:
        warm = WARM_UP if page.budget != "post" else 1
        try:
            steps = page.steps(browser, user, self.count + warm)
            taken = [(step, self._send(browser, step)) for step in steps]
        except LookupError as error:
            print(f"  {page.name} as {role}: {error}", flush=True)
            return Row(page.name, page.budget, role, 0, 0, 0, 0, 0, 0, 0, 599, slowest=str(error))
        taken = taken[warm:] if len(taken) > warm else taken
        if not taken:
            return None  # a rep without rows has no page to open
        times = [reply.ms for _step, reply in taken]
        slow_step, slow = max(taken, key=lambda pair: pair[1].ms)
        status = max((reply.status for _step, reply in taken), key=lambda each: (each >= 400, each))
        bad = next((step.path for step, reply in taken if reply.status == status), "")
        return Row(
            page.name,
            page.budget,
            role,
            len(taken),
            round(median(times), 1),
            round(percentile(times, 0.95), 1),
            max(reply.queries for _step, reply in taken),
            round(median(reply.sql_ms for _step, reply in taken), 1),
            round(median(reply.cpu_ms for _step, reply in taken), 1),
            max(reply.bytes_gz for _step, reply in taken),
            status,
            slowest=f"{slow.ms:.0f} ms, SQL {slow.sql_ms:.0f} ms: {slow_step.path}" if status < 400 else f"{status}: {bad}",
        )

    @staticmethod
    def _send(browser: Browser, step: Step) -> Reply:
        return browser.post(step.path, step.fields) if step.fields is not None else browser.get(step.path, step.accept)

    def throughput(self, master: int, clients: int = 8, seconds: float = 6) -> dict[str, float]:
        """Requests a second on a list page with eight clients, and the memory of the largest web worker."""
        counts = [0] * clients
        browsers = [Browser(self.port, self.roles[number % len(self.roles)]) for number in range(clients)]
        for browser in browsers:
            browser.sign_in()
            browser.get("/contacts/")
        end = time.monotonic() + seconds

        def work(number: int) -> None:
            while time.monotonic() < end:
                counts[number] += browsers[number].get("/contacts/").status == 200

        threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"list_requests_per_second": round(sum(counts) / (time.monotonic() - began), 1), "worker_megabytes": largest_child(master)}


def largest_child(master: int) -> float:
    """Resident memory of the largest child of a process, in MB."""
    most = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if lines.get("PPid", "").strip() == str(master):
            most = max(most, int(lines.get("VmRSS", "0 kB").split()[0]))
    return round(most / 1024, 1)
