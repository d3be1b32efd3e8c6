"""Starts everything in order, restarts what crashes, stops everything in order."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from crm import env
from crm.local import prepare, servers
from crm.local.paths import BASE, CannotStart, Paths
from crm.local.process import Process, die_with_parent, say

FREE_MEGABYTES = 300  # less, and the database would stop half-way
MAX_FAILURES = 8
LONGEST_PAUSE = 30
CALM_SECONDS = 60  # running so long clears the count of failures

DEMO_PEOPLE = (
    ("admin@demo.example", "admin"),
    ("manager@demo.example", "manager"),
    ("rep@demo.example", "sales rep"),
    ("rep2@demo.example", "sales rep, same team"),
    ("other@demo.example", "sales rep, other team"),
    ("agent@demo.example", "support agent"),
)


def main() -> int:
    if os.environ.pop("CRM_DIE_WITH_PARENT", ""):  # set by the Makefile: without make nobody could stop us
        die_with_parent(signal.SIGTERM)()
    try:
        return Supervisor().run()
    except (CannotStart, env.BadValue) as error:
        print(f"cannot start: {error}", file=sys.stderr, flush=True)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        print(f"cannot start: {error.strerror or error}{place}", file=sys.stderr, flush=True)
    return 1


class Supervisor:
    """One `make run`: the values of its environment, its processes, and the wish to stop."""

    def __init__(self) -> None:
        self.paths = Paths.from_environment()
        self.port = env.integer("PORT", 8000, low=1, high=65535)
        self.web_workers = env.integer("WEB_WORKERS", 2, low=1, high=64)
        self.web_threads = env.integer("WEB_THREADS", 4, low=1, high=64)
        self.worker_concurrency = env.integer("WORKER_CONCURRENCY", 2, low=1, high=64)
        self.stopping = threading.Event()
        self.processes: list[Process] = []  # in the order of their start
        self.embedded_database = not os.environ.get("DATABASE_URL", "").strip()
        self.embedded_redis = not os.environ.get("REDIS_URL", "").strip()

    def run(self) -> int:
        self._make_directories()
        lock = servers.take_lock(self.paths)
        if lock is None:
            raise CannotStart(f"process {servers.lock_holder(self.paths)} already works on {self.paths.data}: stop it or set another DATA_DIR")
        with lock:
            self._check_port()
            servers.set_environment(self.paths)
            self._check_settings()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._on_signal)
            try:
                self._start()
                return self._watch()
            except prepare.Interrupted:
                return 0
            finally:
                self._stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()

    # --- before anything runs ---------------------------------------------------------------------------------------

    def _make_directories(self) -> None:
        self.paths.make()
        free = shutil.disk_usage(self.paths.data).free // 2**20
        if free < FREE_MEGABYTES:
            raise CannotStart(f"the disk of {self.paths.data} is full: {free} MB free, at least {FREE_MEGABYTES} MB are needed")
        if not os.access(self.paths.data, os.R_OK | os.W_OK | os.X_OK):
            raise CannotStart(f"{self.paths.data} can't be read and written by this user")

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                other = self.port + 1 if 1024 <= self.port < 65535 else 8001
                raise CannotStart(f"PORT: {self.port} can't be used ({error.strerror}): set another one, for example PORT={other}") from error

    @staticmethod
    def _check_settings() -> None:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
        from django.conf import settings

        settings.DATABASES  # noqa: B018  reading them raises BadValue, here in one line and not in five processes

    # --- start ------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._start_servers():
            servers.demo_mark(self.paths).touch()
        with ThreadPoolExecutor(1) as beside:  # neither needs the other
            static_files = beside.submit(prepare.static_files, self.stopping)
            prepare.tables(self.paths, self.stopping, embedded=self.embedded_database)
        static_files.result()
        prepare.demo_data(self.paths, self.stopping, wanted=env.flag("DEMO", True))
        programs = [self._web(), self._worker(), self._beat()]
        for process in programs:
            self._begin(process)
        for process in programs:
            self._wait(process)
        if not self.stopping.is_set():
            self._announce()

    def _start_servers(self) -> bool:
        """Start the embedded servers; True when the database was made just now."""
        wanted: list[Process] = []
        if self.embedded_database:
            servers.initialise_postgres(self.paths.postgres)
            connections = max(60, self.web_workers * self.web_threads + self.worker_concurrency + 30)
            wanted.append(servers.postgres(self.paths, connections=connections))
        if self.embedded_redis:
            wanted.append(servers.redis(self.paths))
        for process in wanted:
            self._begin(process)
        for process in wanted:
            self._wait(process)
        if self.stopping.is_set():
            raise prepare.Interrupted
        return self.embedded_database and servers.create_database(self.paths)

    def _begin(self, process: Process) -> None:
        self.processes.append(process)
        process.start()

    def _wait(self, process: Process) -> None:
        end = time.monotonic() + process.ready_within
        while not self.stopping.is_set() and not process.ready():
            if not process.is_alive():
                raise CannotStart(f"{process.name} did not start: {process.complaint()}")
            if time.monotonic() > end:
                raise CannotStart(f"{process.name} does not answer after {process.ready_within:.0f} s")
            self.stopping.wait(0.05)

    def _announce(self) -> None:
        if env.flag("DEMO", True):
            say("demo sign-ins, password rapport-demo:")
            for address, role in DEMO_PEOPLE:
                say(f"  {address:<22} {role}")
        # The line that people and scripts wait for stands alone, without a prefix.
        print(f"ready: http://127.0.0.1:{self.port}", flush=True)

    # --- the programs -----------------------------------------------------------------------------------------------

    def _web(self) -> Process:
        command = [sys.executable, "-m", "gunicorn", "crm.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--worker-class", "gthread", "--workers", str(self.web_workers), "--threads", str(self.web_threads)]
        command += [
            "--graceful-timeout",
            "10",
            "--timeout",
            "60",
            "--max-requests",
            "2000",
            "--max-requests-jitter",
            "200",
        ]
        command += ["--no-control-socket", "--log-level", "warning", "--chdir", str(BASE)]
        memory = Path("/dev/shm")  # noqa: S108
        if memory.is_dir():
            command += ["--worker-tmp-dir", str(memory)]  # a slow disk must not look like a hung worker
        return Process("web", command, servers.child_environment(), ready=self._page_answers, stops=((signal.SIGTERM, 15),))

    def _worker(self) -> Process:
        command = [
            *self._celery(),
            "worker",
            "--loglevel",
            "INFO",
            "--concurrency",
            str(self.worker_concurrency),
            "--hostname",
            "rapport@%h",
        ]
        command += ["--without-mingle", "--without-gossip", "--max-tasks-per-child", "500"]
        process = Process(
            "worker",
            command,
            # `make run` may be root's (a container, a fresh machine): say nothing of it at each start.
            servers.child_environment(PYTHONWARNINGS="ignore:You're running the worker"),
            ready=lambda: True,
            # A warm shutdown waits for running tasks for ever, so a cold one follows.
            stops=((signal.SIGTERM, 15), (signal.SIGQUIT, 8)),
            # Without the supervisor Redis goes too, and a worker that shuts down gently would wait for it for ever. Nothing is lost: the
            # database holds what is to be done.
            death_signal=signal.SIGKILL,
            before_start=prepare.restore_unacknowledged,
        )
        process.ready = self._heartbeat_since_start(process)
        return process

    def _beat(self) -> Process:
        command = [
            *self._celery(),
            "beat",
            "--loglevel",
            "INFO",
            "--pidfile=",
            "--schedule",
            str(self.paths.beat / "schedule"),
        ]
        process = Process("beat", command, servers.child_environment(), ready=lambda: True, stops=((signal.SIGTERM, 5),))
        process.ready = self._heartbeat_since_start(process)
        return process

    @staticmethod
    def _celery() -> list[str]:
        return [sys.executable, "-m", "celery", "--workdir", str(BASE), "--app", "crm", "--quiet"]

    def _page_answers(self) -> bool:
        """Does the first page that a visitor sees come, whatever names ALLOWED_HOSTS holds?"""
        host = next((name for name in env.names("ALLOWED_HOSTS") if name != "*"), "localhost").lstrip(".")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/accounts/login/", headers={"Host": host})
            return connection.getresponse().status < 500  # a redirect to https or to the first set-up is fine
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @staticmethod
    def _heartbeat_since_start(process: Process) -> Callable[[], bool]:
        def check() -> bool:
            import psycopg2

            try:
                connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=2)
            except psycopg2.OperationalError:
                return False
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT extract(epoch FROM at) FROM core_heartbeat WHERE name = %s", [process.name])
                    row = cursor.fetchone()
            finally:
                connection.close()
            return row is not None and float(row[0]) >= process.started_at

        return check

    # --- life and end -----------------------------------------------------------------------------------------------

    def _watch(self) -> int:
        while not self.stopping.wait(0.25):
            for process in self.processes:
                if process.is_alive():
                    if process.failures and time.monotonic() - process.started > CALM_SECONDS:
                        process.failures = 0
                elif not self._revive(process):
                    return 1
        return 0

    def _revive(self, process: Process) -> bool:
        """Restart a crashed process when its pause is over; False when it has crashed too often."""
        now = time.monotonic()
        if process.restart_at is None:
            process.kill_group()
            process.failures += 1
            if process.failures > MAX_FAILURES:
                say(f"{process.name} crashed {process.failures} times in a row: giving up. Its last words: {process.complaint()}")
                return False
            pause = min(LONGEST_PAUSE, 2 ** (process.failures - 1))
            process.restart_at = now + pause
            say(f"{process.name} ended unexpectedly (code {process.code}): starting it again in {pause} s")
        elif now >= process.restart_at:
            process.start()
        return True

    def _stop(self) -> None:
        self.stopping.set()
        if self.processes:
            say("stopping")
        order = {"beat": 0, "web": 1, "worker": 2, "redis": 3, "postgres": 4}
        for process in sorted(self.processes, key=lambda process: order[process.name]):
            process.stop()
        if self.processes:
            say("stopped")
