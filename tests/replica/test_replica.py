"""Lists and reports come from the replica; nobody misses what they wrote; a replica that fails is not noticed."""

from __future__ import annotations

import logging
import signal
import threading
import time

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from activities.models import Notification
from activities.services.notifications import notify
from contacts.models import Company
from crm.core import exports, health, replica
from crm.core.lists import ListQuery
from crm.core.postgres.watch import watch
from crm.core.records import record_for
from deals.services import create_deal
from tests.contract.samples import SAMPLES
from tests.local.conftest import until
from tests.replica.conftest import anew

pytestmark = pytest.mark.xdist_group("replica")  # two servers are enough


def company(actor, name):
    return SAMPLES["companies"].make(actor, name)


PLACES = ["/companies/?q=", "/companies/export/?format=csv&q=", "/search/?q=", "/pick/companies/?q="]


def test_lists_exports_search_and_pickers_are_read_at_the_replica(pair, people, visit):
    reader, stranger = visit(people.manager), visit(people.stranger)
    pair.pause()
    made = company(people.owner, "Quokka Works")
    assert "Quokka" in reader(f"/companies/{made.pk}/"), "a record's page comes from the primary"
    for place in PLACES:
        assert "Quokka Works" not in reader(f"{place}quokka"), place
    pair.resume()
    for place in PLACES:
        assert "Quokka Works" in reader(f"{place}quokka"), place
        assert "Quokka Works" not in stranger(f"{place}quokka"), f"who may not see it, at {place}"


def test_board_and_reports_are_read_at_the_replica(pair, people, visit):
    reader = visit(people.teammate)
    pair.pause()
    create_deal({"name": "Wallaby deal", "amount": 777_123}, actor=people.owner)
    assert "Wallaby" not in reader("/deals/board/")
    assert "777123" not in reader("/reports/pipeline/?format=json")
    pair.resume()
    assert "Wallaby" in reader("/deals/board/")
    assert "777123" in reader("/reports/pipeline/?format=json")


def test_own_writes_are_seen_at_once_and_others_may_come_late(pair, people, visit):
    writer, reader = visit(people.owner), visit(people.teammate)
    pair.pause()
    company(people.teammate, "Numbat before")
    answer = writer.client.post("/companies/new/", {"name": "Numbat mine"})
    assert answer.status_code == 302, answer.content
    assert "Numbat mine" in writer("/companies/?q=numbat") and "Numbat before" in writer("/companies/?q=numbat")
    assert "Numbat" not in reader("/companies/"), "whose list may lag"
    other = watch.seen
    anew()  # another web machine: it knows nothing but the cookie
    assert until(lambda: watch.usable(0), 5) and watch.seen.position == other.position
    assert "Numbat mine" in writer("/companies/?q=numbat")
    pair.resume()
    assert "Numbat mine" in reader("/companies/?q=numbat")
    pair.pause()
    company(people.teammate, "Numbat after")
    assert "Numbat after" not in writer("/companies/?q=numbat"), "the replica has caught up, so it answers again"
    pair.resume()


def test_what_a_worker_did_for_somebody_is_seen_by_them(pair, people, visit):
    reader = visit(people.teammate)
    pair.pause()
    company(people.owner, "Bilby Ltd")
    assert "Bilby" not in reader("/companies/?q=bilby")
    notify(people.teammate, Notification.Kind.ASSIGNED, "Bilby is yours now", "/companies/")
    assert "Bilby" in reader("/companies/?q=bilby")
    pair.resume()


def test_transactions_and_writes_are_the_primarys(pair, people):
    pair.pause()
    made = company(people.owner, "Potoroo Ltd")
    with replica.reading(people.teammate):
        assert not Company.objects.filter(pk=made.pk).exists()
        with transaction.atomic():
            assert Company.objects.filter(pk=made.pk).exists()
        with replica.primary():
            assert Company.objects.filter(pk=made.pk).exists()
        assert get_user_model().objects.filter(pk=people.viewer.pk).update(theme="dark") == 1, "refused there, done here"
        assert Company.objects.filter(pk=made.pk).exists(), "and the rest of the block stays here"
    pair.resume()


def test_a_query_that_the_replica_cancels_is_answered_by_the_primary(pair, people):
    """VACUUM removes rows that the query could still see: PostgreSQL cancels it ("conflict with recovery")."""
    pair.ask("CREATE TABLE IF NOT EXISTS gone AS SELECT generate_series(1, 1000) AS id", at=pair.first)
    pair.catch_up()
    found = []

    def ask():
        with replica.reading(people.teammate), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.8), pg_is_in_recovery(), count(*) FROM gone")
            found.append(cursor.fetchone()[1])
        connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    assert until(lambda: pair.ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.8)%' AND pid <> pg_backend_pid()"), 5)
    pair.ask("DELETE FROM gone", at=pair.first)
    pair.ask("VACUUM gone", at=pair.first)
    thread.join(10)
    assert found == [False]
    assert watch.seen.state == "ready", "it refused one statement and is well"


def test_a_killed_replica_is_not_noticed_and_comes_back(pair, people, visit, caplog):
    caplog.set_level(logging.INFO, logger="crm.core.postgres.watch")
    reader = visit(people.teammate)
    reader("/companies/")  # the connection that is about to die
    pair.kill()
    company(people.owner, "Quoll Ltd")
    for _time in range(5):
        assert "Quoll" in reader("/companies/?q=quoll")
    assert until(lambda: health.readiness()["replica"] == "away", 5)
    assert "Quoll" in reader("/companies/?q=quoll")
    assert [record.levelname for record in caplog.records if "not used" in record.message] == ["WARNING"]
    facts = health.readiness()
    well = {"database": True, "redis": True, "oldest_undelivered_event_seconds": 0.0, "worker_heartbeat_seconds": 0.0, "beat_heartbeat_seconds": 0.0}
    assert health.is_ready(facts | well), "a site without its replica works"
    pair.start()
    company(people.owner, "Quoll two")  # the clock of a replica that starts begins with what it replays
    pair.catch_up()
    assert health.readiness()["replica"] == "ready"
    assert [record.message for record in caplog.records][-1] == "the replica is in use"


def test_an_export_goes_on_when_the_replica_dies_in_the_middle(pair, people, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 2)
    names = {company(people.owner, f"Bandicoot {number}").name for number in range(7)}
    pair.catch_up()
    rows = exports.rows_of(ListQuery(record_for("companies"), people.owner, QueryDict("q=bandicoot"), action="export"))
    found = [next(rows)[0], next(rows)[0]]
    pair.kill()
    found += [row[0] for row in rows]
    assert len(found) == 8 and set(found[1:]) == names
    pair.start()
    company(people.owner, "Bandicoot after")
    pair.catch_up()


def test_what_it_costs(pair, people, visit, monkeypatch):
    """A list no statement more than without a replica, a write one: where the log is now."""
    reader = visit(people.owner)

    def statements(ask):
        with CaptureQueriesContext(connection) as queries:
            ask()
        return len(queries)

    def write():
        assert reader.client.post("/companies/new/", {"name": f"Bettong {time.monotonic()}"}).status_code == 302

    reader("/companies/")
    write()
    pair.catch_up()
    here, written = statements(lambda: reader("/companies/")), statements(write)
    monkeypatch.setattr(replica, "configured", lambda: False)
    monkeypatch.setattr(replica.ReplicaMiddleware, "_remember", lambda self, response: None)
    assert (here, written) == (statements(lambda: reader("/companies/")), statements(write) + 1)


def test_nobody_waits_for_a_replica_that_hangs(pair, people, visit):
    """Stopped, not killed: its machine still takes what is sent, and never answers."""
    reader = visit(people.teammate)
    reader("/companies/")
    pair.signal(signal.SIGSTOP)
    try:
        company(people.owner, "Kowari Ltd")
        began = time.monotonic()
        assert "Kowari" in reader("/companies/?q=kowari")
        assert time.monotonic() - began < 4, "one who was unlucky"
        began = time.monotonic()
        assert "Kowari" in reader("/companies/?q=kowari")
        assert time.monotonic() - began < 1, "everybody after"
    finally:
        pair.signal(signal.SIGCONT)
    pair.catch_up()


def test_a_replica_that_is_late_is_not_used(pair, people, visit, settings):
    settings.DATABASE_REPLICA_MAX_LAG = 1
    reader = visit(people.teammate)
    company(people.owner, "Pademelon one")  # sets its clock
    pair.pause()
    company(people.owner, "Pademelon two")
    assert until(lambda: replica.facts()["replica"] == "behind", 5)
    assert "Pademelon two" in reader("/companies/?q=pademelon")
    settings.DATABASE_REPLICA_MAX_LAG = 30
    pair.resume()


def test_a_primary_is_no_replica(pair, people, monkeypatch):
    """A replica that was promoted has a history of its own."""
    monkeypatch.setitem(connections.settings["replica"], "HOST", str(pair.first.sockets))
    anew()
    assert until(lambda: replica.facts()["replica"] == "no replica", 5)
    assert replica.decide(people.owner) is None
