"""People who go on reading while a bulk change runs: how long their pages take."""

from __future__ import annotations

import itertools
import threading
import time

from bench.client import Browser

# A different page, term and record at each request, as in the benchmark.
PAGES = (
    "/",
    "/contacts/?sort=name",
    "/contacts/?q={letters}",
    "/contacts/{number}/",
    "/leads/?view=mine",
    "/leads/?sort=-score",
    "/deals/board/",
    "/companies/?city=Wien",
)
LETTERS = ("mar", "hof", "sch", "ber", "ann", "ste", "lin", "mai")
PAUSE = 0.05  # seconds between two requests of one person


class Visitors:
    """One thread per name; `times` are the milliseconds of each answer. What is no answer is an error."""

    def __init__(self, port: int, names: tuple[str, ...]) -> None:
        self.browsers = [Browser(port, name) for name in names]
        for browser in self.browsers:
            browser.sign_in()
        self.times: list[float] = []
        self.wrong: list[tuple[str, int]] = []

    def read(self, seconds: float) -> list[float]:
        """Let them read for so long; their times in order of size."""
        self.times, end = [], time.monotonic() + seconds
        threads = [threading.Thread(target=self._one, args=(browser, end, 7 * place)) for place, browser in enumerate(self.browsers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(self.times)

    def _one(self, browser: Browser, end: float, start: int) -> None:
        for turn in itertools.count(start):
            if time.monotonic() > end:
                return
            path = PAGES[turn % len(PAGES)].format(letters=LETTERS[turn % len(LETTERS)], number=turn * 37 % 9000 + 1)
            reply = browser.get(path)
            self.times.append(reply.ms)
            if reply.status not in (200, 404):
                self.wrong.append((path, reply.status))
            time.sleep(PAUSE)


def p95(times: list[float]) -> float:
    return times[int(len(times) * 0.95)]
