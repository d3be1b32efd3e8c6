"""What Celery is told: a lost or silent Redis holds nobody up, and every job of the schedule exists."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from crm.celery import SCHEDULE, app
from crm.core.tasks import sweep_outbox
from crm.local import servers
from crm.local.paths import Paths
from crm.local.prepare import restore_unacknowledged
from crm.local.process import Process


@pytest.fixture
def silent_redis(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accepts connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        address = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        app.pool.force_close_all()
        app._pool = None
        app.amqp._producer_pool = None
        monkeypatch.setattr(app.conf, "broker_url", address)
        yield
    app._pool = None
    app.amqp._producer_pool = None


def seconds_to_ring() -> float:
    started = time.monotonic()
    with pytest.raises(OperationalError):
        sweep_outbox.delay()
    return time.monotonic() - started


def test_a_refused_doorbell_returns_at_once():
    assert seconds_to_ring() < 0.5


def test_a_silent_redis_costs_a_second_each_time(silent_redis):
    for _ in range(2):
        assert 0.5 < seconds_to_ring() < 1.9


@pytest.fixture
def own_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    paths = Paths(tmp_path / "data")
    paths.make()
    process = servers.redis(paths)
    process.quiet = True
    process.start()
    servers.wait_ready(process)
    app._pool = app.amqp._producer_pool = None
    monkeypatch.setattr(app.conf, "broker_url", f"redis+socket://{paths.sockets}/redis.sock?virtual_host=0")
    yield process
    process.stop()
    app._pool = app.amqp._producer_pool = None


def test_what_a_killed_worker_had_taken_is_back_before_the_next_one_starts(own_redis, capsys):
    for _ in range(3):
        sweep_outbox.delay()
    with app.connection_for_read() as connection, connection.channel() as channel:
        taken = [channel.basic_get("default") for _ in range(3)]
        assert all(taken)
        assert channel.basic_get("default") is None
        channel._closed = True  # killed: nothing is given back at the end
        restore_unacknowledged()
        with app.connection_for_read() as other, other.channel() as fresh:
            assert [fresh.basic_get("default", no_ack=True) is not None for _ in range(4)] == [True, True, True, False]
        channel.qos._delivered.clear()
        channel._closed = False
    own_redis.stop()
    restore_unacknowledged()
    assert "wait for their time-out" in capsys.readouterr().out


def test_every_job_of_the_schedule_exists_and_goes_stale():
    app.loader.import_default_modules()
    for name, entry in SCHEDULE.items():
        assert entry["task"] in app.tasks, name
        assert entry["options"]["expires"] >= entry["schedule"], name


def test_tasks_are_acknowledged_late_and_bounded():
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.task_time_limit < conf.broker_transport_options["visibility_timeout"] / 2
    assert sweep_outbox.expires == 60
