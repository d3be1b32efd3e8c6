"""`kill -9` of the worker at random moments of a bulk change and of its undo: each row once, every value back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.models import Activity
from crm.core.bulk import services
from crm.core.models import BulkJob, OutboxEvent
from leads.models import Lead
from leads.services import create_leads
from tests.bulk.helpers import begin
from tests.factories import make_team, make_user
from tests.reliability.test_mail_kill import environment
from tests.reliability.workers import Workers, kill_until_done

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
BAD_EVERY = 50
KEPT = [field.attname for field in Lead._meta.concrete_fields if field.name not in ("version", "updated_at")]


@pytest.fixture
def workers(database_address: str, tmp_path: Path) -> Iterator[Callable[[int], Workers]]:
    running: list[Workers] = []

    def begin_with(chunk: int) -> Workers:
        variables = environment(database_address, f"file://{tmp_path}/mail", tmp_path, TEST_LEASE="0.3", TEST_CHUNK=str(chunk))
        running.append(Workers(variables))
        return running[-1]

    yield begin_with
    for each in running:
        each.close()


def rows() -> list[dict[str, Any]]:
    return list(Lead.objects.order_by("pk").values(*KEPT))


def through(workers: Callable[[int], Workers], number: int, chunk: int, kills: int) -> None:
    team = make_team()
    boss = make_user("boss@example.com", role="admin", team=team)
    reps = [make_user(f"rep{n}@example.com", team=team) for n in range(3)]
    create_leads([{"last_name": f"Lead {n}", "owner": reps[0]} for n in range(number)], actor=boss)
    bad = list(Lead.objects.order_by("pk").values_list("pk", flat=True)[::BAD_EVERY])
    Lead.objects.filter(pk__in=bad).update(email="nothing")
    before, nursery = rows(), workers(chunk)
    job = begin("leads", "assign", boss, f"owner={reps[0].pk}", people=",".join(rep.email for rep in reps[1:]))
    killed = kill_until_done(nursery, job, lambda: job.handled, kills, number, seed=3)
    assert killed >= min(kills, 3)
    assert (job.state, job.rows, job.changed, job.bad, job.skipped) == ("done", number, number - len(bad), len(bad), 0), job.error
    assert sorted(job.problems.values_list("subject_id", flat=True)) == bad
    # Each row once: one version more, one line on its timeline, one audit row, told of in one event.
    good = Lead.objects.exclude(pk__in=bad)
    assert set(good.values_list("version", flat=True)) == {2}
    assert (
        Activity.objects.filter(verb="changed").count() == number - len(bad) == len(set(Activity.objects.filter(verb="changed").values_list("lead", flat=True)))
    )
    audit: Any = Lead._meta.get_field("events").related_model
    assert audit.objects.filter(pgh_label="update").exclude(pgh_context=None).count() == number - len(bad)
    told = [pk for ids in OutboxEvent.objects.filter(name="leads.lead.assigned").values_list("subject_ids", flat=True) for pk in ids]
    assert sorted(told) == sorted(good.values_list("pk", flat=True))
    shares = [good.filter(owner=rep).count() for rep in reps[1:]]
    assert max(shares) - min(shares) <= 1, shares
    services.undo(job, actor=boss)
    kill_until_done(nursery, job, lambda: job.undone, kills // 2, number, seed=5)
    assert (job.state, job.undone, job.kept) == ("undone", number - len(bad), 0), job.error
    assert rows() == before
    assert BulkJob.objects.count() == 1


def test_a_bulk_change_survives_its_workers(workers: Callable[[int], Workers]) -> None:
    through(workers, number=3000, chunk=150, kills=6)


@pytest.mark.long
def test_a_bulk_change_survives_its_workers_long(workers: Callable[[int], Workers]) -> None:
    through(workers, number=20_000, chunk=250, kills=40)
