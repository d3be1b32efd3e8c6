"""The public form under load: eight clients at once, and one client that does not stop."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.entries import addresses, assert_worked_in_once, send_all, wait_until_settled
from tests.e2e.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]

OWNERS = "SELECT owner.email, count(*) FROM leads_lead lead JOIN users_user owner ON owner.id = lead.owner_id WHERE lead.email_key = ANY (%s) GROUP BY 1"
PER_HOUR = 20  # what the demo's form takes from one sender: the default


@pytest.mark.parametrize("number", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_eight_clients_at_once(system: System, number: int) -> None:
    people = addresses(f"crowd{number}-", number)
    system.set_limits(per_address=100_000, per_form=100_000)
    try:
        sent = send_all(system, people, clients=8)
    finally:
        system.set_limits()
    assert Counter(sent.statuses.values()) == {201: number}
    wait_until_settled(system, 60 + number * 0.3)
    assert_worked_in_once(system, people)
    shares = dict(system.rows(OWNERS, people))
    assert set(shares) == {"rep@demo.example", "rep2@demo.example"}
    assert abs(shares["rep@demo.example"] - shares["rep2@demo.example"]) <= 1  # they took turns, however many wrote at once


@pytest.mark.parametrize("number", [400, pytest.param(10_000, marks=pytest.mark.long)])
def test_one_client_that_does_not_stop(system: System, number: int) -> None:
    people = addresses(f"flood{number}-", number)
    system.set_limits()
    hours = system.value("SELECT date_trunc('hour', now())")
    sent = send_all(system, people, clients=4)
    windows = 1 + int((system.value("SELECT date_trunc('hour', now())") - hours).total_seconds() // 3600)
    counts = Counter(sent.statuses.values())
    assert set(counts) == {201, 429}
    assert PER_HOUR <= counts[201] <= PER_HOUR * windows
    assert len(sent.retry_after) == counts[429]
    assert all(1 <= int(seconds) <= 3600 for seconds in sent.retry_after)
    wait_until_settled(system)
    assert_worked_in_once(system, sent.accepted())
    refused = [address for address, status in sent.statuses.items() if status == 429]
    assert system.value("SELECT count(*) FROM leads_submission WHERE data ->> 'email' = ANY (%s)", refused) == 0
    system.set_limits()
