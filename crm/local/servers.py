"""The embedded PostgreSQL and Redis of one DATA_DIR: first set-up, start, and lending them to `manage.py`."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from crm.local.paths import PG_MAJOR, CannotStart, Paths, postgres_program, redis_program
from crm.local.process import Process, say

DATABASE = USER = "crm"
INITDB_OPTIONS = (
    *("-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),  # the same on every machine
    *("-U", USER, "--auth-local=trust", "--auth-host=reject", "--no-instructions"),
)
# Commands that need no data: they must not wait for, or start, a server.
WITHOUT_SERVERS = frozenset({"help", "version", "check", "check_templates", "collectstatic", "makemessages", "compilemessages", "diffsettings", "findstatic"})


def child_environment(**extra: str) -> dict[str, str]:
    """Our environment without what would make PostgreSQL behave differently from machine to machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_")) and key not in ("LANG", "LANGUAGE")}
    return kept | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"} | extra


@cache
def _not_as_root() -> tuple[str, ...]:
    """PostgreSQL refuses to run as root: map root to nobody in a user namespace; the files stay root's."""
    if os.geteuid() != 0:
        return ()
    command = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
        return command
    raise CannotStart("PostgreSQL does not run as root and user namespaces are off here: run this as an ordinary user, or set DATABASE_URL")


def _as_server(*command: str) -> list[str]:
    prefix = _not_as_root()
    # The tie to our life is lost when unshare changes the credentials, so it is made again behind it.
    return [*prefix, *(("setpriv", "--pdeathsig", "INT") if prefix else ()), *command]


def initialise_postgres(directory: Path, *options: str) -> None:
    """Make the database cluster, once; a run that died half-way leaves only a directory that the next one throws away."""
    version_file = directory / "PG_VERSION"
    if version_file.exists():
        major = version_file.read_text().strip()
        if major != PG_MAJOR:
            raise CannotStart(f"{directory} belongs to PostgreSQL {major}, this is {PG_MAJOR}: restore a backup into a new DATA_DIR")
        return
    if directory.exists() and any(directory.iterdir()):
        raise CannotStart(f"{directory} is not a database of ours (no PG_VERSION): move it away or choose another DATA_DIR")
    unfinished = directory.with_name(directory.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    done = subprocess.run(
        [*_not_as_root(), postgres_program("initdb"), "-D", str(unfinished), *INITDB_OPTIONS, *options],
        env=child_environment(),
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"the database could not be set up: {(done.stderr.strip().splitlines() or ['initdb failed'])[-1]}")
    if directory.exists():
        directory.rmdir()
    unfinished.rename(directory)


def stop_leftover_postgres(directory: Path) -> None:
    """Stop a server that outlived its supervisor; drop a pid file that names another process."""
    pid_file = directory / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc/self").exists() else os.fsencode(directory)
    except FileNotFoundError:
        return
    except (ValueError, IndexError, OSError):
        command = b""
    if os.fsencode(directory) not in command:
        pid_file.unlink(missing_ok=True)
        return
    say("stopping a PostgreSQL that was left over")
    subprocess.run(
        [*_not_as_root(), postgres_program("pg_ctl"), "-D", str(directory), "-m", "fast", "-w", "-t", "60", "stop"],
        env=child_environment(),
        capture_output=True,
        check=False,
    )


def postgres_answers(sockets: Path) -> bool:
    command = [postgres_program("pg_isready"), "-q", "-h", str(sockets), "-U", USER, "-d", "postgres"]
    return subprocess.run(command, env=child_environment(), check=False).returncode == 0


def redis_answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(5) == b"+PONG"
    except OSError:
        return False


def page_cache_megabytes() -> int:
    """How much PostgreSQL keeps of the tables itself: a quarter of the memory, from 128 MB to 2 GB. A page that is there costs a tenth of one that is
    asked of the system each time, which lists of a million rows feel. It is taken only as far as there are data to fill it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # a container's limit; "max" when there is none
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return max(128, min(2048, memory // 4 // 2**20))


def postgres(paths: Paths, *, connections: int = 60, options: tuple[str, ...] = ()) -> Process:
    """The database server, reachable only by its socket."""
    settings = {
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "shared_buffers": f"{page_cache_megabytes()}MB",
        "work_mem": "16MB",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than it gains on queries of milliseconds
        "max_connections": str(connections),
        "log_line_prefix": "[%p] %a ",
        "log_checkpoints": "off",
    }
    pairs = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    command = _as_server(
        postgres_program("postgres"),
        "-D",
        str(paths.postgres),
        "-k",
        str(paths.sockets),
        "-h",
        "",
        "-p",
        "5432",
        *pairs,
        *options,
    )
    return Process(
        "postgres",
        command,
        child_environment(),
        ready=lambda: postgres_answers(paths.sockets),
        stops=((signal.SIGINT, 30),),  # fast shutdown: ends the sessions, writes a checkpoint
        death_signal=signal.SIGINT,
        before_start=lambda: stop_leftover_postgres(paths.postgres),
        ready_within=300,  # recovery after a crash may take its time
    )


def redis(paths: Paths) -> Process:
    """The Redis-compatible server, reachable only by its socket, with its append-only file on."""
    path = paths.sockets / "redis.sock"
    command = [
        redis_program(),
        "--port",
        "0",
        "--unixsocket",
        str(path),
        "--unixsocketperm",
        "700",
        "--dir",
        str(paths.redis),
    ]
    command += [
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
        "--daemonize",
        "no",
    ]
    return Process(
        "redis",
        [*command, "--loglevel", "warning"],
        child_environment(),
        ready=lambda: redis_answers(path),
        stops=((signal.SIGTERM, 15),),
    )


def create_database(paths: Paths) -> bool:
    """Make the application's database if it is missing; True when it was just made."""
    where = ("-h", str(paths.sockets), "-U", USER)
    ask = [postgres_program("psql"), *where, "-d", "postgres", "-Atqc", "SELECT datname FROM pg_database"]
    if DATABASE in subprocess.run(ask, env=child_environment(), capture_output=True, text=True, check=True).stdout.split():
        return False
    subprocess.run([postgres_program("createdb"), *where, DATABASE], env=child_environment(), check=True)
    return True


def demo_mark(paths: Paths) -> Path:
    """Stands while a new database still waits for the demo data, whoever made the database."""
    return paths.run / "demo.pending"


def database_url(sockets: Path, name: str = DATABASE) -> str:
    return f"postgres://{USER}@/{name}?host={sockets}"


def set_environment(paths: Paths) -> None:
    """Fill in what the environment leaves open: the embedded servers' addresses, and a secret that is made once and kept."""
    defaults = {
        "DATABASE_URL": database_url(paths.sockets),
        "REDIS_URL": f"unix://{paths.sockets}/redis.sock?db=0",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "BASE_URL": f"http://127.0.0.1:{os.environ.get('PORT', '').strip() or '8000'}",
        "DEMO": "1",
    }
    for name, value in defaults.items():
        if not os.environ.get(name, "").strip():
            os.environ[name] = value
    os.environ["DATA_DIR"] = str(paths.data)
    if not os.environ.get("SECRET_KEY", "").strip():
        os.environ["SECRET_KEY"] = _kept_secret(paths.data / "secret_key")


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            os.link(unfinished, path)  # the first of two that start at once wins, both then read the same
        unfinished.unlink()
    return path.read_text().strip()


def take_lock(paths: Paths) -> IO[str] | None:
    """The right to run the servers of this DATA_DIR; None when another process has it. Freed by the kernel at our end."""
    lock = (paths.run / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def lock_holder(paths: Paths) -> str:
    try:
        return (paths.run / "lock").read_text().strip() or "?"
    except OSError:
        return "?"


def wait_ready(process: Process) -> None:
    """Block until it answers; CannotStart tells what it said when it does not."""
    end = time.monotonic() + process.ready_within
    while not process.ready():
        if not process.is_alive():
            raise CannotStart(f"{process.name} did not start: {process.complaint()}")
        if time.monotonic() > end:
            raise CannotStart(f"{process.name} does not answer after {process.ready_within:.0f} s")
        time.sleep(0.05)


@contextmanager
def borrowed_servers(command: str) -> Iterator[None]:
    """For `manage.py`: without DATABASE_URL, the embedded servers run while the block does.

    Those of a running `make run` are used as they are. Else the first command starts them and, at its end, waits
    for others that came meanwhile (they hold a shared lock) before it stops them.
    """
    if os.environ.get("DATABASE_URL", "").strip():
        yield
        return
    paths = Paths.from_environment()
    set_environment(paths)
    if command in WITHOUT_SERVERS:
        yield
        return
    paths.make()
    started: list[Process] = []
    with (paths.run / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        lock = take_lock(paths)
        try:
            if lock is not None:
                started = _start_quietly(paths)
            else:
                _wait_for_the_other(paths)
            yield
        finally:
            if started and not _alone(users):
                say("another command still uses the database: waiting for it", "manage")
                fcntl.flock(users, fcntl.LOCK_EX)
            for process in reversed(started):
                process.stop()
            if lock is not None:
                lock.close()


def _start_quietly(paths: Paths) -> list[Process]:
    initialise_postgres(paths.postgres)
    started = [postgres(paths), redis(paths)]
    try:
        for process in started:
            process.quiet = True
            process.start()
        for process in started:
            wait_ready(process)
        if create_database(paths):
            demo_mark(paths).touch()
    except BaseException:
        for process in reversed(started):
            process.stop()
        raise
    return started


def _wait_for_the_other(paths: Paths) -> None:
    end = time.monotonic() + 60
    while not (postgres_answers(paths.sockets) and redis_answers(paths.sockets / "redis.sock")):
        if time.monotonic() > end:
            raise CannotStart(f"process {lock_holder(paths)} holds {paths.data} but its database does not answer")
        time.sleep(0.1)


def _alone(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
