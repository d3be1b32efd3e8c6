"""One person streams a large export: other people's pages at most twice as slow, the process no larger, the file quick all the same."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from bench import place
from bench.client import Browser
from bench.load import Load
from bench.pages import pages
from bench.people import address
from crm.core import courtesy, exports
from crm.core.lists import ListQuery
from crm.core.records import record_for
from crm.local.servers import wait_ready
from tests.bulk.visitors import p95
from tests.contract.samples import SAMPLES
from tests.factories import cast
from tests.local.conftest import children, until
from tests.reliability.test_mail_kill import environment

pytestmark = pytest.mark.django_db(transaction=True)
SLOWER = 2.0


def multiply(row: Any, times: int) -> None:
    """Copies of a row."""
    meta = row._meta
    columns = ", ".join(connection.ops.quote_name(field.column) for field in meta.concrete_fields if not field.primary_key)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {meta.db_table} ({columns}) SELECT {columns} FROM {meta.db_table}, generate_series(1, %s) WHERE id = %s", [times, row.pk])
        cursor.execute(f"ANALYZE {meta.db_table}")


class Exporter(threading.Thread):
    """Streams one export after the other, as a thread of a web process does, until it is told to stop."""

    def __init__(self, user: Any) -> None:
        super().__init__()
        self.user, self.done, self.ended = user, 0, threading.Event()

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                for _piece in exports.stream_csv(ListQuery(record_for("companies"), self.user, QueryDict(""), action="export")):
                    self.done += 1
                    if self.ended.is_set():
                        break
        finally:
            connections.close_all()

    def end(self) -> None:
        self.ended.set()
        self.join()


def times_of(client: Client, count: int) -> list[float]:
    found = []
    for number in range(count):
        began = time.perf_counter()
        assert client.get(f"/companies/?sort={'-' * (number % 2)}created").status_code == 200
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    return sorted(found)


@pytest.mark.long  # a comparison of times, which tests beside it would spoil; that an export waits is tested below
def test_pages_of_the_same_process_hardly_notice_an_export(monkeypatch: pytest.MonkeyPatch) -> None:
    people = cast()
    multiply(SAMPLES["companies"].make(people.owner, "Many"), 5000)
    client = Client()
    client.force_login(people.teammate)
    times_of(client, 10)
    alone, exporter = times_of(client, 60), Exporter(people.owner)
    exporter.start()
    try:
        assert until(lambda: exporter.done > 0)
        before, meanwhile = exporter.done, times_of(client, 60)
        assert exporter.done > before, "it gets on all the while"
    finally:
        exporter.end()
    print(f"median {alone[30]:.1f} -> {meanwhile[30]:.1f} ms, p95 {p95(alone):.1f} -> {p95(meanwhile):.1f} ms")
    assert meanwhile[30] <= SLOWER * alone[30]
    assert p95(meanwhile) <= SLOWER * p95(alone) + 5


def test_one_export_for_each_person_and_half_of_the_threads_for_all() -> None:
    people = cast()
    SAMPLES["companies"].make(people.owner, "Acme")
    clients = {user.pk: Client() for user in (people.owner, people.teammate, people.admin)}
    for user in (people.owner, people.teammate, people.admin):
        clients[user.pk].force_login(user)

    def export(user: Any) -> Any:
        return clients[user.pk].get("/companies/export/?format=csv")

    first = export(people.owner)
    next(iter(first.streaming_content))
    refused = export(people.owner)
    assert refused.status_code == 429 and "Another export is still running" in refused.content.decode()
    second = export(people.teammate)
    next(iter(second.streaming_content))
    assert export(people.admin).status_code == 429, "two of four threads"
    assert clients[people.owner.pk].get("/companies/").status_code == 200
    first.close()
    del first
    assert until(lambda: courtesy._streams == [people.teammate.pk], 5)
    again = export(people.owner)
    assert b"Acme" in b"".join(again.streaming_content)
    second.close()
    del second
    assert until(lambda: not courtesy._streams, 5)


def test_an_export_waits_for_others_and_not_for_ever() -> None:
    courtesy._at_work.add(-1)
    try:
        began = time.monotonic()
        courtesy.give_way()
        assert courtesy.LONGEST <= time.monotonic() - began < 5 * courtesy.LONGEST
        threading.Timer(0.01, courtesy._at_work.discard, [-1]).start()
        courtesy.give_way()
        assert not courtesy._at_work
    finally:
        courtesy._at_work.discard(-1)


# ---- the real thing ----

ROWS = int(os.environ.get("RAPPORT_EXPORT_ROWS", "100000"))
RATE = 1_000_000 / 60  # rows a second
MEMORY = 200  # megabytes of a web process
REQUESTS = 150


@pytest.fixture
def port(database_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[tuple[int, int]]:
    """The production web server, two processes of four threads, in front of a loaded database; and its process."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # the web server has no quick ones
    Load(ROWS).run()
    number = place.free_port()
    variables = environment(
        database_address, f"file://{tmp_path}/mail", tmp_path, DEBUG="0", DEMO="0", ALLOWED_HOSTS="127.0.0.1", BASE_URL=f"http://127.0.0.1:{number}"
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    place.manage("createcachetable", "--verbosity", "0")
    place.manage("collectstatic", "--noinput", "--verbosity", "0")
    web = place.web_server(number, 2)
    web.start()
    try:
        wait_ready(web)
        yield number, web.child.pid
    finally:
        web.stop()


def megabytes(pid: int) -> float:
    """The largest web process."""
    sizes = [Path(f"/proc/{child}/status").read_text() for child in children(pid)]
    return max(int(line.split()[1]) for text in sizes for line in text.splitlines() if line.startswith("VmRSS")) / 1024


class Download(threading.Thread):
    """One export over HTTP, read as fast as it comes."""

    def __init__(self, browser: Browser, port: int) -> None:
        super().__init__()
        self.browser, self.port, self.rows, self.seconds = browser, port, 0, 0.0

    def run(self) -> None:
        began, wire = time.monotonic(), HTTPConnection("127.0.0.1", self.port, timeout=300)
        wire.request("GET", "/contacts/export/?format=csv", headers={"Cookie": "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())})
        reply = wire.getresponse()
        assert reply.status == 200
        while piece := reply.read(1 << 16):
            self.rows += piece.count(b"\n")
        self.seconds = time.monotonic() - began


def visit(browser: Browser, until_over: threading.Thread | None = None) -> list[float]:
    times = []
    while len(times) < REQUESTS if until_over is None else until_over.is_alive():
        reply = browser.get(f"/contacts/?sort={'-' * (len(times) % 2)}name&size={(25, 50, 100)[len(times) % 3]}")
        assert reply.status == 200
        times.append(reply.ms)
        time.sleep(0.02)
    return sorted(times)


@pytest.mark.long
def test_a_large_export_beside_other_people(port: tuple[int, int]) -> None:
    number, pid = port
    admin, reader = Browser(number, "admin"), Browser(number, "manager")
    admin.sign_in()
    reader.sign_in()
    visit(reader)
    alone, quick = visit(reader), Download(admin, number)
    quick.start()
    quick.join()
    beside = Download(admin, number)
    beside.start()
    meanwhile = visit(reader, beside)
    print(
        f"{quick.rows - 1} rows in {quick.seconds:.1f} s ({quick.rows / quick.seconds:.0f}/s), beside a reader {beside.rows / beside.seconds:.0f}/s;"
        f" p95 of the reader {p95(alone):.1f} -> {p95(meanwhile):.1f} ms ({len(meanwhile)} pages), median {alone[len(alone) // 2]:.1f} ->"
        f" {meanwhile[len(meanwhile) // 2]:.1f}; {megabytes(pid):.0f} MB"
    )
    assert quick.rows == beside.rows == ROWS + 1
    assert quick.rows / quick.seconds >= RATE
    assert p95(meanwhile) <= SLOWER * p95(alone)
    assert megabytes(pid) < MEMORY


@pytest.mark.long
def test_a_thousand_mixed_pages_leave_the_processes_small(port: tuple[int, int]) -> None:
    """Every kind of page of the benchmark, forms not sent, as an admin and as a manager; then an export on top."""
    number, pid = port
    kinds = [page for page in pages() if page.budget != "post"]
    seen, sizes = 0, [megabytes(pid)]
    for role in ("admin", "manager"):
        browser = Browser(number, role)
        browser.sign_in()
        user = get_user_model().objects.select_related("role").get(email=address(role))
        with timezone.override(user.zone):
            for page in kinds:
                for step in page.steps(browser, user, 500 // len(kinds) + 1):
                    assert browser.get(step.path, step.accept).status == 200, step.path
                    seen += 1
        sizes.append(megabytes(pid))
    download = Download(browser, number)
    download.start()
    download.join()
    sizes.append(megabytes(pid))
    print(f"{seen} pages, {download.rows - 1} rows; the largest process in MB: {', '.join(f'{size:.0f}' for size in sizes)}")
    assert seen >= 1000
    assert max(sizes) < MEMORY
