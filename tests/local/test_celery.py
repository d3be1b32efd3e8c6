"""What Celery is told: a lost or silent Redis holds nobody up, and every job of the schedule exists."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from kombu.exceptions import OperationalError

from crm.celery import SCHEDULE, app
from crm.core.tasks import sweep_outbox


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
