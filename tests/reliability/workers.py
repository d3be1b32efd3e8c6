"""Workers of long jobs that a test kills whenever they have got on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.reliability.test_mail_kill import ROOT, Nursery


class Workers(Nursery):
    """Two at a time: the second one must find nothing to do."""

    def __init__(self, variables: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.reliability.job_worker"]
        self.process = subprocess.Popen(command, env=variables, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.alive: list[int] = []
        assert self._read() == "ready"


def kill_until_done(nursery: Workers, job: Any, mark: Callable[[], int], kills: int, steps: int, seed: int) -> int:
    """Kill whenever the mark has moved on by a part, at a random moment after it; how often that was."""
    chance, alive, killed, last = random.Random(seed), [nursery.start(), nursery.start()], 0, -1
    end = time.monotonic() + 240
    while True:
        assert time.monotonic() < end, (job.state, job.rows)
        job.refresh_from_db()
        if job.state not in job.WORKING:
            break
        if killed < kills and mark() * kills // steps > last:
            last = mark() * kills // steps
            time.sleep(chance.uniform(0, 0.15))
            for pid in alive:
                nursery.kill(pid)
            alive, killed = [nursery.start(), nursery.start()], killed + 1
        time.sleep(0.005)
    for pid in alive:
        nursery.kill(pid)
    return killed
