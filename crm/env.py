"""Values from the environment. A bad one raises `BadValue`: one line that names the variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


class BadValue(ImproperlyConfigured):
    """A variable is missing or makes no sense; the text is fit to be printed alone."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


def text(name: str, default: str | None = None) -> str:
    """The value, stripped; an empty one counts as not set. No default: required."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise BadValue(name, "is required, set it in the environment")
    return default


def flag(name: str, default: bool) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadValue(name, f"must be 1 or 0, not {value!r}")


def integer(name: str, default: int, *, low: int, high: int) -> int:
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise BadValue(name, f"must be a whole number, not {value!r}") from None
    if not low <= number <= high:
        raise BadValue(name, f"must be from {low} to {high}, not {number}")
    return number


def names(name: str, default: str | None = None) -> list[str]:
    """A list separated by commas."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def address(name: str, default: str | None, *, schemes: set[str]) -> SplitResult:
    """A URL with one of the schemes. The value is never repeated in the error: it may hold a password."""
    try:
        parts = urlsplit(text(name, default))
        parts.port  # noqa: B018  reading it raises on a bad port
    except ValueError:
        raise BadValue(name, "is not a valid URL") from None
    if parts.scheme not in schemes:
        raise BadValue(name, f"must start with one of {', '.join(sorted(scheme + '://' for scheme in schemes))}")
    return parts


def database(name: str, usual: Mapping[str, object] | None = None) -> dict[str, object]:
    """Django's connection settings from `postgres://user:pass@host:port/name` or `postgres://user@/name?host=/socket/dir`.

    `usual` are options of libpq for what the address leaves open."""
    parts = address(name, None, schemes={"postgres", "postgresql"})
    options = {**(usual or {}), **dict(parse_qsl(parts.query))}
    database_name = unquote(parts.path.lstrip("/"))
    if not database_name:
        raise BadValue(name, "names no database: postgres://user:password@host:5432/database")
    return {
        "ENGINE": "crm.core.postgres",
        "NAME": database_name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
    }


def time_limits(seconds: int) -> str:
    """What libpq sends with the connection, so that it costs no statement: how long one may take, wait for a lock, and leave a transaction idle."""
    limits = {"statement_timeout": seconds, "lock_timeout": seconds / 2, "idle_in_transaction_session_timeout": 6 * seconds}
    return " ".join(f"-c {name}={value * 1000:.0f}" for name, value in limits.items())


@dataclass(frozen=True)
class Sentinels:
    """The Redis of a group that moves from server to server; the sentinels know which one it is now."""

    hosts: tuple[tuple[str, int], ...]
    master: str
    database: int
    username: str = ""
    password: str = ""

    @classmethod
    def of(cls, url: str) -> Sentinels | None:
        """From `redis+sentinel://user:password@host:26379,other:26379/master/0`; None for an address of one server. ValueError for nonsense."""
        scheme, _sign, rest = url.partition("://")
        if scheme != "redis+sentinel":
            return None
        netloc, _slash, path = rest.partition("/")  # urlsplit knows one host, and today's takes no brackets among several
        login, _at, places = netloc.rpartition("@")
        username, _colon, password = login.partition(":")
        servers = [urlsplit(f"//{place}") for place in places.split(",")]
        master, _slash, number = path.strip("/").partition("/")
        if not master or not all(server.hostname for server in servers):
            raise ValueError(url)
        hosts = tuple((str(server.hostname), server.port or 26379) for server in servers)
        return cls(hosts, unquote(master), int(number or 0), unquote(username), unquote(password))


def redis(name: str, default: str | None = None) -> str:
    """The address of a Redis as redis-py reads it (`redis://`, `rediss://` or `unix://`), or of a group with sentinels (`Sentinels.of`)."""
    value = text(name, default)
    if value.startswith("redis+sentinel://"):
        try:
            Sentinels.of(value)
        except ValueError:
            raise BadValue(name, "must look like redis+sentinel://host:26379,other:26379/master/0") from None
        return value
    address(name, default, schemes={"redis", "rediss", "unix", "redis+socket"})
    return value.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)


def celery_broker(redis_url: str) -> tuple[str, dict[str, str]]:
    """The same address as Celery reads it, and what its transport must be told besides: sockets are `redis+socket://path?virtual_host=0`."""
    if group := Sentinels.of(redis_url):
        login = f"{quote(group.username, safe='')}:{quote(group.password, safe='')}@" if group.password else ""
        places = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in group.hosts)
        return ";".join(f"sentinel://{login}{place}/{group.database}" for place in places), {"master_name": group.master}
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url, {}
    number = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.path}?virtual_host={number}", {}


def mail(name: str, directory: str) -> dict[str, object]:
    """How mail leaves: files in a directory (default) or an SMTP server."""
    default = f"file://{directory}"
    parts = address(name, default, schemes={"file", "smtp", "smtp+tls", "smtp+ssl"})
    if parts.scheme == "file":
        return {"kind": "file", "directory": unquote(parts.path) or directory}
    if not parts.hostname:
        raise BadValue(name, "names no mail server: smtp://user:password@host:port")
    default_port = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}[parts.scheme]
    return {
        "kind": "smtp",
        "host": parts.hostname,
        "port": parts.port or default_port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "starttls": parts.scheme == "smtp+tls",
        "ssl": parts.scheme == "smtp+ssl",
        "timeout": 20,
    }
