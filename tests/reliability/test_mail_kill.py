"""`kill -9` of the worker at random moments while mails go out: none lost, none doubled unseen."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from crm.celery import app
from crm.local import servers
from crm.local.paths import Paths
from mail import services
from mail.models import OutgoingMail
from tests.mail.sinks import Sink, SinkController

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = OutgoingMail.State
LEASE = 1.0
ROOT = Path(__file__).resolve().parents[2]


def environment(database: str, email_url: str, tmp_path: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "DATABASE_URL": database,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATA_DIR": str(tmp_path / "data"),
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": "localhost",
        "BASE_URL": "http://testserver",
        "EMAIL_URL": email_url,
        "LOG_LEVEL": "ERROR",
        "TEST_LEASE": str(LEASE),
        "PYTHONPATH": str(ROOT),
        **more,
    }


class Nursery:
    """Starts workers as children of one loaded process; each is killed by its id."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.mail_worker"], env=variables, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.alive: list[int] = []
        assert self._read() == "ready"

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def start(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write("start\n")
        self.process.stdin.flush()
        self.alive.append(int(self._read()))
        return self.alive[-1]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.alive.remove(pid)

    def close(self) -> None:
        for pid in list(self.alive):
            with suppress(ProcessLookupError):
                self.kill(pid)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def nursery(database_address: str, tmp_path: Path) -> Iterator[Callable[[str], Nursery]]:
    running: list[Nursery] = []

    def begin(email_url: str) -> Nursery:
        running.append(Nursery(environment(database_address, email_url, tmp_path)))
        return running[-1]

    yield begin
    for each in running:
        each.close()


def queue(number: int, first: int = 0) -> list[OutgoingMail]:
    row = {"purpose": "notice", "subject": "Hello", "text": "Text " * 50}
    with transaction.atomic():
        return services.queue_mails([{**row, "to_address": f"p{first + index}@example.com", "key": f"kill:{first + index}"} for index in range(number)])


def kill_at_random(nursery: Nursery, kills: int, mails: int, seed: int) -> list[OutgoingMail]:
    """Two workers at a time; mails come in while one after the other is killed and replaced."""
    chance = random.Random(seed)
    queued: list[OutgoingMail] = []
    workers = [nursery.start(), nursery.start()]
    for number in range(kills):
        wanted = mails * (number + 1) // kills - len(queued)
        queued += queue(wanted, len(queued))
        time.sleep(chance.uniform(0.005, 0.06))
        victim = chance.choice(workers)
        nursery.kill(victim)
        workers[workers.index(victim)] = nursery.start()
    return queued


def wait_until_settled(patience: float = 30) -> None:
    """Until nothing waits any more; fails when for `patience` seconds nothing has moved."""
    unsettled = OutgoingMail.objects.filter(state__in=[State.QUEUED, State.SENDING])
    left, end = unsettled.count(), time.monotonic() + patience
    while left:
        assert time.monotonic() < end, Counter(unsettled.values_list("state", flat=True))
        time.sleep(0.1)
        before, left = left, unsettled.count()
        if left < before:
            end = time.monotonic() + patience


def through_the_folder(nursery: Any, tmp_path: Path, kills: int, mails: int) -> None:
    folder = tmp_path / "mail"
    workers = nursery(f"file://{folder}")
    queued = kill_at_random(workers, kills, mails, seed=7)
    wait_until_settled()
    ids = {mail.message_id.strip("<>").partition("@")[0] for mail in queued}
    files = [path.stem for path in folder.glob("*.eml")]
    assert len(files) == len(set(files)) == mails
    assert set(files) == ids
    assert Counter(OutgoingMail.objects.values_list("state", "resends")) == {(State.SENT, 0): mails}


def through_smtp(nursery: Any, kills: int, mails: int) -> None:
    sink = Sink(delay=0.012, seed=3)
    controller = SinkController(sink)
    controller.start()
    try:
        workers = nursery(f"smtp://127.0.0.1:{controller.port}")
        queued = kill_at_random(workers, kills, mails, seed=11)
        wait_until_settled()
        parked = list(OutgoingMail.objects.filter(state=State.UNCERTAIN).values_list("pk", flat=True))
        services.retry(parked)  # what a person does with a mail that was killed twice
        wait_until_settled()
    finally:
        controller.stop()
    seen = Counter(message_id for message_id, _mark in sink.accepted)
    assert set(seen) == {mail.message_id for mail in queued}
    unmarked = Counter(message_id for message_id, mark in sink.accepted if not mark)
    assert max(unmarked.values()) == 1, "a mail went out twice without the mark"
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {State.SENT}


def test_with_an_accept_log_none_is_lost_and_none_doubled(nursery: Any, tmp_path: Path) -> None:
    through_the_folder(nursery, tmp_path, kills=25, mails=300)


def test_with_bare_smtp_none_is_lost_and_each_double_is_a_marked_resend(nursery: Any) -> None:
    through_smtp(nursery, kills=25, mails=300)


@pytest.mark.long
@pytest.mark.parametrize("kills", [100, 1000])
def test_with_an_accept_log_long(nursery: Any, tmp_path: Path, kills: int) -> None:
    through_the_folder(nursery, tmp_path, kills=kills, mails=3 * kills)


@pytest.mark.long
@pytest.mark.parametrize("kills", [100, 1000])
def test_with_bare_smtp_long(nursery: Any, kills: int) -> None:
    through_smtp(nursery, kills=kills, mails=3 * kills)


# ---- the real worker ----


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Redis of its own; this process rings through it too."""
    paths = Paths(tmp_path / "servers")
    paths.make()
    process = servers.redis(paths)
    process.quiet = True
    process.start()
    servers.wait_ready(process)
    app._pool = app.amqp._producer_pool = None
    monkeypatch.setattr(app.conf, "broker_url", f"redis+socket://{paths.sockets}/redis.sock?virtual_host=0")
    yield f"unix://{paths.sockets}/redis.sock"
    process.stop()
    app._pool = app.amqp._producer_pool = None


def celery_worker(variables: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "celery", "-A", "crm", "worker", "--concurrency", "1", "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    return subprocess.Popen(command, env=variables, cwd=ROOT, start_new_session=True)


def test_the_celery_worker_sends_when_it_is_rung_and_after_it_was_killed(database_address: str, broker: str, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    variables = environment(database_address, f"file://{folder}", tmp_path, REDIS_URL=broker)
    worker = celery_worker(variables)
    try:
        queue(10)
        wait_until_settled()
        queue(200, 10)
        time.sleep(0.15)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        worker = celery_worker(variables)
        OutgoingMail.objects.filter(state=State.SENDING).update(lease_until="2020-01-01T00:00Z")  # as if 45 s had gone by
        services.ledger._ring_now()
        wait_until_settled()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert len(list(folder.glob("*.eml"))) == 210
    assert set(OutgoingMail.objects.values_list("state", "resends")) == {(State.SENT, 0)}


@pytest.mark.parametrize("mails", [400])
def test_two_hundred_mails_a_second_into_the_folder(tmp_path: Path, mails: int) -> None:
    from mail.services.transport import FileTransport

    queue(mails)
    started = time.monotonic()
    assert services.send_due(30, transport=FileTransport(tmp_path / "mail")) == mails
    assert mails / (time.monotonic() - started) > 100  # alone on a machine it is above 200
