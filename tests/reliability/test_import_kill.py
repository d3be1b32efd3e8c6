"""`kill -9` of the worker at random moments of an import and of its undo: no row lost, none doubled, errors complete."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from activities.models import Activity
from contacts.models import Company, Contact, ContactEmail
from crm.core.copying import CHUNK
from crm.core.imports import services, work
from crm.core.models import ImportJob, ImportMade
from crm.core.records import record_for
from tests.factories import make_user
from tests.imports.files import text_of
from tests.reliability.test_mail_kill import environment
from tests.reliability.workers import Workers, kill_until_done

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
BAD_EVERY = 50
MANY = int(os.environ.get("RAPPORT_IMPORT_ROWS", "200000"))
SECONDS = 75  # for 200,000, checked and written; 59 in a quiet hour, 67 in a slow one


@pytest.fixture
def workers(database_address: str, tmp_path: Path, settings: Any) -> Iterator[Callable[[int], Workers]]:
    settings.MEDIA_ROOT = tmp_path / "data" / "media"
    running: list[Workers] = []

    def begin(chunk: int) -> Workers:
        variables = environment(database_address, f"file://{tmp_path}/mail", tmp_path, TEST_LEASE="0.3", TEST_CHUNK=str(chunk))
        running.append(Workers(variables))
        return running[-1]

    yield begin
    for each in running:
        each.close()


def mark_of(job: ImportJob) -> int:
    return {"checking": lambda: job.rows, "running": lambda: sum(work.totals(job)), "undoing": lambda: job.made.filter(undone=True).count()}[job.state]()


def begun(rows: int) -> ImportJob:
    """An import of people, of whom each fiftieth has no real address, about to be checked."""
    user = make_user("importer@example.com", role="admin")
    lines = [[f"First{n}", f"Last{n}", "nothing" if n % BAD_EVERY == 0 else f"p{n}@example.com", f"Company {n % 37}"] for n in range(1, rows + 1)]
    upload = SimpleUploadedFile("people.csv", text_of([["First name", "Last name", "E-mail", "Company"], *lines]))
    job = services.begin(record_for("contacts"), upload, actor=user)
    services.choose(job, job.mapping, {"owner": user.pk, "tags": [], "same": "skip", "day_first": True}, actor=user)
    return job


def through(workers: Callable[[int], Workers], rows: int, chunk: int, kills: int) -> None:
    nursery, bad, job = workers(chunk), rows // BAD_EVERY, begun(rows)
    user = job.user
    kill_until_done(nursery, job, lambda: mark_of(job), kills // 2, rows, seed=3)
    assert (job.state, job.rows, job.good, job.bad, job.same) == ("checked", rows, rows - bad, bad, 0), job.error
    assert job.problems.count() == bad
    services.start(job)
    killed = kill_until_done(nursery, job, lambda: mark_of(job), kills, rows, seed=5)
    assert killed >= min(kills, 3)
    assert (job.state, job.rows, job.good, job.bad, job.same) == ("done", rows, rows - bad, bad, 0), job.error
    assert set(job.problems.values_list("row", flat=True)) == set(range(BAD_EVERY, rows + 1, BAD_EVERY))
    names = list(Contact.objects.values_list("last_name", flat=True))
    assert len(names) == len(set(names)) == rows - bad
    assert set(names) == {f"Last{n}" for n in range(1, rows + 1) if n % BAD_EVERY}
    assert ContactEmail.objects.count() == rows - bad
    assert Company.objects.count() == 37
    assert Activity.objects.filter(verb="created").count() == rows - bad + 37
    made = [pk for ids in ImportMade.objects.filter(record_slug="contacts").values_list("ids", flat=True) for pk in ids]
    assert sorted(made) == sorted(Contact.objects.values_list("pk", flat=True))
    job = services.undo(job, actor=user)
    kill_until_done(nursery, job, lambda: mark_of(job), kills // 2, ImportMade.objects.count(), seed=7)
    assert (job.state, job.undone, job.kept) == ("undone", rows - bad + 37, 0), job.error
    assert not Contact.objects.alive().exists() and not Company.objects.alive().exists()
    assert set(Contact.objects.values_list("deletion_group", flat=True)) == {job.deletion_group}


def test_an_import_survives_its_workers(workers: Callable[[int], Workers]) -> None:
    through(workers, rows=1000, chunk=100, kills=6)


@pytest.mark.long
@pytest.mark.parametrize(("rows", "chunk", "kills"), [(20_000, 1000, 20), (10_000, 150, 40), (MANY, CHUNK, 10)])
def test_an_import_survives_its_workers_long(workers: Callable[[int], Workers], rows: int, chunk: int, kills: int) -> None:
    through(workers, rows, chunk, kills)


@pytest.mark.long
def test_two_hundred_thousand_people_in_about_a_minute(workers: Callable[[int], Workers]) -> None:
    """Checking every row and writing, without kills: one worker, as one that waits for work would take a part of the processor here."""
    nursery, took = workers(CHUNK), {}
    job, worker = begun(MANY), nursery.start()
    for state, step in (("checked", lambda: None), ("done", lambda: services.start(job))):
        step()
        began = time.monotonic()
        job.refresh_from_db()
        while job.state in job.WORKING:
            time.sleep(0.2)
            job.refresh_from_db()
        took[state] = time.monotonic() - began
        assert (job.state, job.bad) == (state, MANY // BAD_EVERY), job.error
    print(f"{MANY} people checked in {took['checked']:.0f} s, written in {took['done']:.0f} s")
    nursery.kill(worker)
    assert Contact.objects.count() == MANY - MANY // BAD_EVERY
    assert sum(took.values()) < SECONDS * MANY / 200_000
