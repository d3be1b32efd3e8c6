"""The bench's own servers and database: a cluster under DATA_DIR/bench, one database per size, kept for the next run."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.local import servers
from crm.local.paths import BASE, CannotStart, Paths, postgres_program
from crm.local.process import Process


def own_paths() -> Paths:
    return Paths(Paths.from_environment().data / "bench")


def digest() -> str:
    """Changes when tables or generated data would."""
    total = hashlib.sha256()
    for path in sorted([*BASE.glob("*/migrations/*.py"), *BASE.glob("crm/*/migrations/*.py"), *(BASE / "bench").glob("*.py")]):
        if path.name in ("load.py", "names.py", "people.py", "copy.py") or "migrations" in path.parts:
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


@contextmanager
def running_servers(paths: Paths) -> Iterator[None]:
    paths.make()
    lock = servers.take_lock(paths)
    if lock is None:
        raise CannotStart(f"process {servers.lock_holder(paths)} already runs a bench on {paths.data}")
    servers.initialise_postgres(paths.postgres, "--no-sync")
    options = ("-c", "max_wal_size=8GB", "-c", "checkpoint_timeout=30min", "-c", "log_min_messages=warning")
    started = [servers.postgres(paths, options=options), servers.redis(paths)]
    try:
        for process in started:
            process.quiet = True
            process.start()
        for process in started:
            servers.wait_ready(process)
        yield
    finally:
        for process in reversed(started):
            process.stop()
        lock.close()


def environment(paths: Paths, database: str, port: int) -> dict[str, str]:
    """Production settings: no debug, no demo."""
    return {
        "DATABASE_URL": servers.database_url(paths.sockets, database),
        "REDIS_URL": f"unix://{paths.sockets}/redis.sock?db=0",
        "DATA_DIR": str(paths.data),
        "DEBUG": "0",
        "DEMO": "0",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "127.0.0.1",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "WARNING",
        "RAPPORT_BENCH": "1",
    }


def make_database(paths: Paths, name: str) -> None:
    """An empty, migrated database, in place of an older one of that name."""
    tool = ["-h", str(paths.sockets), "-U", servers.USER]
    subprocess.run([postgres_program("dropdb"), *tool, "--if-exists", "--force", name], env=servers.child_environment(), check=True)
    subprocess.run([postgres_program("createdb"), *tool, name], env=servers.child_environment(), check=True)
    manage("migrate", "--noinput", "--verbosity", "0")
    manage("createcachetable", "--verbosity", "0")


def manage(*arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=BASE, env=servers.child_environment(), check=True)


def is_loaded(paths: Paths, name: str) -> bool:
    stamp = stamp_of(paths, name)
    return stamp.exists() and json.loads(stamp.read_text()).get("digest") == digest()


def stamp_of(paths: Paths, name: str) -> Path:
    return paths.data / f"{name}.json"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def web_server(port: int, workers: int) -> Process:
    """gunicorn as `make run` starts it."""
    command = [sys.executable, "-m", "gunicorn", "crm.wsgi:application", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", str(workers)]
    command += ["--threads", "4", "--timeout", "120", "--log-level", "warning", "--chdir", str(BASE), "--no-control-socket"]
    if Path("/dev/shm").is_dir():
        command += ["--worker-tmp-dir", "/dev/shm"]
    process = Process("web", command, servers.child_environment(), ready=lambda: _answers(port))
    process.quiet = not os.environ.get("BENCH_LOG")
    return process


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.settimeout(10)
            client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
    except OSError:
        return False
