"""Redis with a sentinel: when the master dies, cache, doorbells and the health answer go on with the other one."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from crm import env
from crm.celery import PUBLISH_TRANSPORT, app
from crm.core import health
from crm.core.caches import SoftRedisCache
from crm.core.tasks import sweep_outbox
from crm.local.paths import redis_program
from crm.local.process import Process
from crm.local.servers import child_environment, wait_ready
from tests.local.conftest import free_port, until

QUICK = "sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 1000\n"


def _answers(port: int) -> Callable[[], bool]:
    def ping() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(5) == b"+PONG"
        except OSError:
            return False

    return ping


@pytest.fixture
def group(tmp_path: Path) -> Iterator[tuple[str, Process]]:
    """The address of the group, and its master."""
    master, other, sentinel = free_port(), free_port(), free_port()
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(f"port {sentinel}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master} 1\n{QUICK}")
    plain = ["--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path), "--repl-diskless-sync-delay", "0"]
    commands = {
        master: [*plain, "--port", str(master)],
        other: [*plain, "--port", str(other), "--replicaof", "127.0.0.1", str(master)],
        sentinel: [str(configuration), "--sentinel", "--dir", str(tmp_path)],
    }
    started = []
    for port, arguments in commands.items():
        started.append(Process("redis", [redis_program(), *arguments], child_environment(), ready=_answers(port), stops=((signal.SIGTERM, 5),), quiet=True))
        started[-1].start()
        wait_ready(started[-1])
    yield f"redis+sentinel://127.0.0.1:{sentinel}/main/0", started[0]
    for process in reversed(started):
        process.stop()


def test_after_the_death_of_the_master(group, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    address, master = group
    settings.REDIS_URL = address
    broker, options = env.celery_broker(address)
    app._pool = app.amqp._producer_pool = None
    monkeypatch.setattr(app.conf, "broker_url", broker)
    monkeypatch.setattr(app.conf, "broker_transport_options", {**PUBLISH_TRANSPORT, **options})
    cache = SoftRedisCache([address], {"OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "pool_class": "crm.core.caches.Pool"}})

    def works(value: int) -> bool:
        cache.set("key", value)
        try:
            sweep_outbox.delay()
        except (OSError, OperationalError, RedisError):
            return False
        return cache.get("key") == value and health._redis_answers()

    assert until(lambda: works(1), 10)
    master.child.kill()
    assert cache.get("key") in (None, 1), "soft all the while"
    assert until(lambda: works(2), 20)
    app._pool = app.amqp._producer_pool = None
