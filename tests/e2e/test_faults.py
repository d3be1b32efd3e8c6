"""Killed workers, an emptied Redis, a crashed database: what was accepted is worked in, and once."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress

import pytest

from tests.e2e.entries import Sent, addresses, assert_worked_in_once, entry, send_all, wait_until_settled
from tests.e2e.system import System, wait_for
from tests.local.conftest import children

pytestmark = [pytest.mark.e2e, pytest.mark.fault, pytest.mark.xdist_group("system")]

# What a request leaves that died after it had stored the entry: counted as tried, and not heard of again.
CRASHED = """
INSERT INTO leads_submission (uuid, form_id, data, utm, consents, user_agent, referrer, state, spam_reason, attempts, next_attempt_at, error, received_at)
SELECT gen_random_uuid(), id, %s, '{}', '[]', '', '', 'stored', '', 1, now() + interval '5 seconds', '', now() FROM leads_webform WHERE slug = 'contact'
"""
STORED = "SELECT data ->> 'email' FROM leads_submission WHERE data ->> 'email' = ANY (%s)"


@pytest.fixture
def no_limits(system: System):
    wait_until_settled(system)
    system.set_limits(per_address=100_000, per_form=100_000)
    yield
    system.set_limits()


def family(system: System, name: str) -> list[int]:
    """A process of the product and its children."""
    pid = system.running.pid_of(name)
    assert pid  # 0 would be our own process group
    return [pid, *children(pid)]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def test_a_killed_worker_and_an_emptied_redis_lose_nothing(system: System, no_limits: None) -> None:
    people, crashed = addresses("killed", 5), addresses("crashed", 2)
    worker = family(system, "worker")
    signal_all(worker, signal.SIGSTOP)  # nothing is taken out of Redis from here on
    try:
        sent = send_all(system, people, clients=2)
        for address in crashed:
            system.rows(CRASHED, json.dumps(entry(address)))
        system.redis().flushall()
    finally:
        signal_all(worker, signal.SIGKILL)
    assert set(sent.statuses.values()) == {201}
    assert system.value("SELECT count(*) FROM mail_outgoingmail WHERE state = 'queued'") >= len(people)  # the worker did not see them
    wait_until_settled(system)
    assert_worked_in_once(system, [*people, *crashed])
    wait_for(system.is_ready, 60)


def post_until_told(system: System, people: list[str], clients: int, stop: threading.Event) -> tuple[threading.Thread, Sent]:
    """Clients that write in the background, each entry with a pause, so that the fault falls between them."""
    found = Sent()

    def work() -> None:
        for start in range(0, len(people), clients):
            if stop.is_set():
                break
            found.statuses |= send_all(system, people[start : start + clients], clients).statuses
            time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, found


def crash_while_posting(system: System, prefix: str, crash: list[int], number: signal.Signals) -> None:
    """Kills these processes while four clients write; they go on until some were accepted after it."""
    people, stop = addresses(prefix, 4000), threading.Event()
    thread, found = post_until_told(system, people, 4, stop)
    try:
        wait_for(lambda: len(found.accepted()) >= 8, 60)
        signal_all(crash, number)
        wait_for(lambda: any(status != 201 for status in found.statuses.values()), 60)
        before = len(found.accepted())
        wait_for(lambda: len(found.accepted()) >= before + 8, 90)
    finally:
        stop.set()
        thread.join()
    wait_for(system.is_ready, 90)
    # A mail that was on its way in the crash is claimed by nobody now: its lease of 45 seconds need not be sat out here.
    system.rows("UPDATE mail_outgoingmail SET lease_until = now() WHERE state = 'sending'")
    wait_until_settled(system)
    accepted = found.accepted()
    assert_worked_in_once(system, accepted, resends=True)
    # One that was stored although its answer never came is worked in as well.
    rest = [address for (address,) in system.rows(STORED, list(found.statuses)) if address not in set(accepted)]
    assert_worked_in_once(system, rest, resends=True)


def test_a_database_that_crashes_while_they_write(system: System, no_limits: None) -> None:
    crash_while_posting(system, "database", [system.running.pid_of("postgres")], signal.SIGQUIT)  # an immediate shutdown: no checkpoint


def test_a_web_server_that_is_killed_while_they_write(system: System, no_limits: None) -> None:
    crash_while_posting(system, "web", family(system, "web"), signal.SIGKILL)
