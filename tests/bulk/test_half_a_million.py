"""Half a million rows: within a quarter of an hour, the worker killed on the way, other people's pages at most twice as slow, every value back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.db import connection

from bench import place
from bench.load import Load
from contacts.models import Contact
from crm.core.bulk import services
from crm.core.models import BulkJob
from crm.local.servers import wait_ready
from tests.bulk.helpers import begin
from tests.bulk.visitors import Visitors, p95
from tests.reliability.test_mail_kill import environment
from tests.reliability.workers import Workers
from users.models import User

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
ROWS = int(os.environ.get("RAPPORT_BULK_ROWS", "500000"))
SECONDS, SLOWER = 15 * 60, 2.0
NAMES = ("manager", "rep25", "rep1")
VALUES = "SELECT sum(hashtextextended(ROW(id, owner_id, team_id, city, company_id, email, deleted_at, next_step_at)::text, 0)::numeric) FROM {}"
# What services derive (search texts) is left out: the loader writes it by its own hand.
TABLES = {"contacts_contact": VALUES, "activities_task": "SELECT sum(hashtextextended(ROW(id, owner_id, team_id, due_at, done_at)::text, 0)::numeric) FROM {}"}


def sums() -> list[Any]:
    found = []
    with connection.cursor() as cursor:
        for table, sql in TABLES.items():
            cursor.execute(sql.format(table))
            found += cursor.fetchone()
    return found


@pytest.fixture
def house(database_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[tuple[int, dict[str, str]]]:
    """The loaded database, the production web server in front of it."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # the web server has no quick ones
    Load(ROWS).run()
    port = place.free_port()
    variables = environment(
        database_address, f"file://{tmp_path}/mail", tmp_path, TEST_LEASE="3", TEST_CHUNK="500", DEBUG="0", DEMO="0", ALLOWED_HOSTS="127.0.0.1", BASE_URL=f"http://127.0.0.1:{port}"
    )  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    place.manage("createcachetable", "--verbosity", "0")
    place.manage("collectstatic", "--noinput", "--verbosity", "0")
    web = place.web_server(port, 2)
    web.start()
    try:
        wait_ready(web)
        yield port, variables
    finally:
        web.stop()


def watch(job: BulkJob, visitors: Visitors, workers: Workers) -> tuple[float, list[float]]:
    """Until the job is done, the worker killed once after a third of the rows; seconds, and what the visitors waited."""
    began, times, pid, killed = time.monotonic(), list[float](), workers.start(), False
    while job.state in BulkJob.WORKING:
        assert time.monotonic() - began < SECONDS, (job.state, job.handled, job.undone)
        times += visitors.read(5)
        job.refresh_from_db()
        if not killed and (job.undone if job.state == "undoing" else job.handled) > ROWS // 3:
            workers.kill(pid)
            pid, killed = workers.start(), True
    workers.kill(pid)
    assert killed
    return time.monotonic() - began, sorted(times)


def test_half_a_million_rows(house: tuple[int, dict[str, str]]) -> None:
    port, variables = house
    admin = User.objects.select_related("role", "team").get(email="admin@bench.example")
    team = User.objects.get(email="rep25@bench.example").team_id
    before, visitors, workers = sums(), Visitors(port, NAMES), Workers(variables)
    try:
        visitors.read(5)
        alone = visitors.read(30)
        job = begin("contacts", "assign", admin, team=team)
        spent, meanwhile = watch(job, visitors, workers)
        print(f"{job.changed} rows in {spent:.0f} s; p95 of others {p95(alone):.0f} -> {p95(meanwhile):.0f} ms")
        assert (job.state, job.changed + job.same, job.bad, job.skipped) == ("done", ROWS, 0, 0), job.error
        assert Contact.objects.filter(version__gt=2).count() == 0
        assert p95(meanwhile) <= SLOWER * p95(alone)
        services.undo(job, actor=admin)
        job.refresh_from_db()
        spent, meanwhile = watch(job, visitors, workers)
        print(f"undone in {spent:.0f} s; p95 of others {p95(meanwhile):.0f} ms")
        assert (job.state, job.undone, job.kept) == ("undone", job.changed, 0), job.error
        assert p95(meanwhile) <= SLOWER * p95(alone)
        assert sums() == before
        assert not visitors.wrong
    finally:
        workers.close()
