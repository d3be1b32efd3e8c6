"""What must be done between the start of the servers and that of the programs: tables, static files, demo data, lost messages.

Each step is skipped when a stamp shows that nothing it depends on has changed: that is what makes a second start fast.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from crm.local.paths import BASE, CannotStart, Paths
from crm.local.process import die_with_parent, say
from crm.local.servers import child_environment, demo_mark


class Interrupted(Exception):
    """A signal came while a step ran."""


def manage(stop: threading.Event, *arguments: str) -> None:
    """Run one `manage.py` command; ended when we are told to stop."""
    child = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE,
        env=child_environment(CRM_PROCESS=arguments[0], LOG_LEVEL="WARNING"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    lines: list[str] = []

    def read() -> None:
        for raw in child.stdout or ():
            lines.append(raw.decode("utf-8", "replace").rstrip())
            say(lines[-1], arguments[0])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while child.poll() is None:
        if stop.wait(0.05):
            child.terminate()
            child.wait()
            raise Interrupted
    reader.join(2)
    if child.returncode:
        raise CannotStart(f"manage.py {arguments[0]} failed: {next((line for line in reversed(lines) if line.strip()), child.returncode)}")


def _digest(files: Iterable[Path], *, contents: bool) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(os.fsencode(path.relative_to(BASE)))
        if contents:
            total.update(path.read_bytes())
        else:
            facts = path.stat()
            total.update(f"{facts.st_size} {facts.st_mtime_ns}".encode())
    return total.hexdigest()


def _is_stamped(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text() == digest


def tables(paths: Paths, stop: threading.Event, *, embedded: bool) -> None:
    """Bring the tables up to date. A server that is not ours may have changed behind our back: there always."""
    files = [*BASE.glob("*/migrations/*.py"), *BASE.glob("crm/*/migrations/*.py"), BASE / "requirements.txt"]
    stamp, digest = paths.run / "tables.stamp", _digest(files, contents=True)
    if embedded and _is_stamped(stamp, digest):
        return
    say("setting up the tables")
    manage(stop, "migrate", "--noinput", "--verbosity", "0")
    manage(stop, "createcachetable", "--verbosity", "0")
    stamp.write_text(digest)


def static_files(stop: threading.Event) -> None:
    """Collect and compress the static files; they belong to the clone, so two that start at once take turns."""
    target = BASE / "staticfiles"
    target.mkdir(exist_ok=True)
    files = [path for path in (BASE / "static").rglob("*") if path.is_file()]
    digest = _digest([*files, BASE / "requirements.txt"], contents=False)
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = target / ".stamp"
        if _is_stamped(stamp, digest):
            return
        say("collecting static files")
        manage(stop, "collectstatic", "--noinput", "--verbosity", "0")
        stamp.write_text(digest)


def demo_data(paths: Paths, stop: threading.Event, *, wanted: bool) -> None:
    """Load the demo into a new database. The mark is taken away only afterwards, so that a start that dies here is repeated."""
    mark = demo_mark(paths)
    if wanted and mark.exists():
        say("loading the demo data")
        try:
            manage(stop, "demo")
        except CannotStart as error:
            if "There is data already" not in str(error):  # somebody was quicker, by another manage.py command
                raise
    mark.unlink(missing_ok=True)  # with DEMO=0 as well: what is empty by choice stays so


def restore_unacknowledged() -> None:
    """Put messages that a killed worker had taken back into their queues, now and not after the visibility time-out.

    Right only because no worker runs: the supervisor calls it before it starts the one there is.
    """
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    from crm.celery import app

    try:
        with app.connection_for_write() as connection:
            channel = connection.default_channel
            channel.visibility_timeout = 0
            channel.qos.restore_visible(num=1_000_000, interval=1)
    except (OSError, OperationalError, RedisError) as error:
        say(f"messages of the last worker wait for their time-out: {error}")
