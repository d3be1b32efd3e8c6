"""The ledger of imports: once, one at a time, found again, given up, told."""

from __future__ import annotations

import pytest
from django.utils import timezone

from activities.models import Notification
from contacts.models import Contact
from crm.core import housekeeping, jobs, outbox
from crm.core.imports import services, work
from crm.core.models import ImportJob, ImportMade
from tests.imports.files import bring_in, check, text_of, upload, worked

pytestmark = pytest.mark.django_db


HEAD = ["First name", "Last name", "E-mail"]


def test_pressed_twice_and_rung_twice_it_runs_once(people):
    job = check(upload("contacts", [HEAD, ["A", "B", "a@example.com"]], people.owner), people.owner)
    services.start(job)
    services.start(job)
    work.run(job.pk)
    work.run(job.pk)
    services.start(job)
    services.choose(job, job.mapping, {}, actor=people.owner)
    job.refresh_from_db()
    assert (job.state, Contact.objects.count(), ImportMade.objects.count()) == ("done", 1, 1)


def claimed(job):
    return jobs.claim(ImportJob, job.pk, work._fail)


def test_the_sweep_finds_what_nobody_rang_for(people, monkeypatch):
    from crm.core import tasks

    rung = []
    monkeypatch.setattr(tasks.run_import, "delay", rung.append)
    job = upload("contacts", [["Last name"], ["Berg"]], people.owner)
    jobs.sweep()
    assert rung == []  # nothing is chosen yet
    services.choose(job, job.mapping, {"owner": people.owner.pk}, actor=people.owner)
    jobs.sweep()
    assert rung == [job.pk]
    ImportJob.objects.update(lease_until=timezone.now() + jobs.LEASE)
    jobs.sweep()
    assert rung == [job.pk]


def test_one_import_at_a_time(people):
    both = [upload("contacts", [["Last name"], [name]], people.owner) for name in ("Berg", "Tal")]
    for job in both:
        services.choose(job, {"0": "last_name"}, {"owner": people.owner.pk}, actor=people.owner)
    assert claimed(both[0]) is not None
    assert claimed(both[1]) is None
    ImportJob.objects.filter(pk=both[0].pk).update(lease_until=timezone.now())
    assert claimed(both[1]) is not None


def test_what_does_not_get_on_is_given_up_and_says_so(people):
    job = services.choose(upload("contacts", [["Last name"], ["Berg"]], people.owner), {"0": "last_name"}, {"owner": people.owner.pk}, actor=people.owner)
    for _killed in range(jobs.ATTEMPTS):
        assert claimed(job) is not None
        ImportJob.objects.update(lease_until=timezone.now())
    assert claimed(job) is None
    job.refresh_from_db()
    assert (job.state, bool(job.error)) == ("failed", True)


def test_another_file_in_its_place_is_not_imported(people, monkeypatch):
    """What was written before stays, is counted and can be undone."""
    monkeypatch.setattr(work, "CHUNK", 2)
    rows = [HEAD, ["A", "B", "a@example.com"], ["C", "D", "c@example.com"], ["E", "F", "e@example.com"], ["G", "H", "h@example.com"]]
    job = check(upload("contacts", rows, people.owner), people.owner)
    with job.file.storage.open(job.file.name, "wb") as file:
        file.write(text_of(rows[:4]))
    job = worked(services.start(job))
    assert (job.state, job.good, job.error) == ("failed", 2, "The file is another one than was checked. Upload it again.")
    assert worked(services.undo(job, actor=people.owner)).undone == 2


def test_a_lost_file_is_told(people):
    job = services.choose(upload("contacts", [["Last name"], ["Berg"]], people.owner), {"0": "last_name"}, {"owner": people.owner.pk}, actor=people.owner)
    job.file.storage.delete(job.file.name)
    assert worked(job).error == "The file is no longer there. Upload it again."


def test_who_asked_hears_of_it(people):
    job = bring_in("contacts", [["Last name"], ["Berg"]], people.owner)
    outbox.drain()
    assert set(Notification.objects.filter(user=people.owner).values_list("url", flat=True)) == {f"/imports/{job.pk}/"}


def test_discarding_forgets_the_file(people, django_capture_on_commit_callbacks):
    job = upload("contacts", [["Last name"], ["Berg"]], people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.discard(job)
    assert not ImportJob.objects.exists()
    assert not job.file.storage.exists(job.file.name)
    done = bring_in("contacts", [["Last name"], ["Berg"]], people.owner)
    assert not services.discard(done)


def test_old_files_go_and_the_history_stays(people):
    job = bring_in("contacts", [["Last name", "E-mail"], ["Berg", ""], ["Tal", "x"]], people.owner)
    ImportJob.objects.update(created_at=timezone.now() - timezone.timedelta(days=31))
    housekeeping.run()
    job.refresh_from_db()
    assert (job.state, job.good, job.bad, bool(job.file)) == ("done", 1, 1, False)
    assert not job.problems.exists()
    assert not services.can_undo(job, people.owner)
