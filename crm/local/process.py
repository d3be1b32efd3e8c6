"""One child process: started in a session of its own, tied to our life, its output read line by line."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1
_print_lock = threading.Lock()


def say(text: str, name: str = "run") -> None:
    """A line in the one terminal, with the name of its process."""
    with _print_lock, suppress(OSError):  # the terminal may be gone; the work goes on
        print(f"{name:<8}| {text}", flush=True)


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """For preexec_fn: the kernel sends this signal when our main thread ends, even by kill -9."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(signal_number))
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    return tie


@dataclass
class Process:
    """A child that is to stay alive. `stops` are the signals of an orderly end, each with seconds to wait; then SIGKILL."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    ready: Callable[[], bool]
    stops: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10),)
    death_signal: signal.Signals = signal.SIGTERM
    before_start: Callable[[], None] = lambda: None
    ready_within: float = 60
    quiet: bool = False
    child: subprocess.Popen[bytes] | None = None
    failures: int = 0
    restart_at: float | None = None
    started: float = 0.0  # monotonic
    started_at: float = 0.0  # wall clock, to compare with heartbeats
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=30))
    reader: threading.Thread | None = None

    def start(self) -> None:
        self.before_start()
        self.started, self.started_at, self.restart_at = time.monotonic(), time.time(), None
        self.child = subprocess.Popen(
            list(self.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self.environment, "CRM_PROCESS": self.name},
            start_new_session=True,  # Ctrl-C is for the supervisor alone: it stops the others in order
            preexec_fn=die_with_parent(self.death_signal),
        )
        self.reader = threading.Thread(target=self._read, args=(self.child,), daemon=True)
        self.reader.start()

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        for raw in child.stdout or ():
            line = raw.decode("utf-8", "replace").rstrip()
            self.last_lines.append(line)
            if not self.quiet:
                say(line, self.name)

    def is_alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    @property
    def code(self) -> int | None:
        return self.child.returncode if self.child else None

    def complaint(self) -> str:
        """The last thing it said, for the one line that tells why it did not start."""
        if self.reader is not None:
            self.reader.join(1)
        lines = [line for line in self.last_lines if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "Error" in line]
        return (telling or lines or [f"exit code {self.code}"])[-1]

    def stop(self) -> None:
        """End it in order, then by force; it and all that it started are gone afterwards."""
        if self.child is None:
            return
        for signal_number, seconds in self.stops:
            if not self.is_alive():
                break
            self.child.send_signal(signal_number)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                say(f"{self.name} still runs {seconds:.0f} s after {signal_number.name}")
        self.kill_group()

    def kill_group(self) -> None:
        """SIGKILL to what is left of its session: it, or children that outlived it."""
        if self.child is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
