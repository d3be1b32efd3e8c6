"""Starts the real thing: `python -m crm.local` in a process of its own, with its own DATA_DIR and port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm.local.process import die_with_parent

BASE = Path(__file__).resolve().parent.parent.parent
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "BASE_URL", "DATA_DIR", "LOG_LEVEL", "DJANGO_SETTINGS_MODULE")


def clean_environment(**values: str) -> dict[str, str]:
    """The environment of a user's shell: nothing of the test run's own settings in it."""
    return {key: value for key, value in os.environ.items() if key not in OURS} | values


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what: Callable[[], bool], seconds: float = 30) -> bool:
    """Ask again and again; False when the time is up."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Running:
    """One `python -m crm.local` and what it prints."""

    def __init__(self, data: Path, port: int, **values: str) -> None:
        self.data, self.port = data, port
        self.output = data.parent / f"{data.name}-{port}.out"
        # Its output goes to a file: a pipe that nobody empties would stop it.
        with self.output.open("w") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "crm.local"],
                cwd=BASE,
                env=clean_environment(**{"DATA_DIR": str(data), "PORT": str(port), "DEMO": "0", "WEB_WORKERS": "1", **values}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # a killed test run leaves nothing behind
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_ready(self, seconds: float = 300) -> None:
        until(lambda: self.is_ready() or self.child.poll() is not None, seconds)
        assert self.is_ready(), self.text

    def is_ready(self) -> bool:
        return f"ready: http://127.0.0.1:{self.port}\n" in self.text

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def pid_of(self, name: str) -> int:
        """The child called web, worker, beat, redis or postgres; 0 when there is none."""
        # The servers write their state over their environment, so that only their command line names them.
        program = {"redis": b"valkey-server", "postgres": b"/bin/postgres"}.get(name)
        for pid in children(self.child.pid):
            try:
                if program and program in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
                if f"CRM_PROCESS={name}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    return pid
            except OSError:
                continue
        return 0

    def everything(self) -> set[int]:
        """All processes that it started, grandchildren included."""
        found, new = set(), set(children(self.child.pid))
        while new:
            found |= new
            new = {child for pid in new for child in children(pid)} - found
        return found

    def stop(self) -> int:
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(60)


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Starts one; all are stopped at the end of the module, by force if need be."""
    started: list[Running] = []

    def begin(data: Path | None = None, port: int = 0, **values: str) -> Running:
        running = Running(data or tmp_path_factory.mktemp("rapport") / "data", port or free_port(), **values)
        started.append(running)
        return running

    yield begin
    for running in started:
        if running.child.poll() is None:
            pids = running.everything()
            running.child.terminate()
            try:
                running.child.wait(60)
            except subprocess.TimeoutExpired:
                running.child.kill()
            for pid in pids:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
