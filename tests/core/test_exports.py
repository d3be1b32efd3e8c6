"""Large workbooks are made by the worker under the asker's rights; who asked hears of it; a killed worker's job is taken up again."""

from __future__ import annotations

import io

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from activities.models import Notification
from crm.core import exports, listing, outbox
from crm.core.list_query import ListQuery
from crm.core.models import ExportJob, Heartbeat
from crm.core.records import record_for
from tests.contract.samples import SAMPLES
from tests.factories import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    people = cast()
    SAMPLES["companies"].make(people.owner, "=HYPERLINK(1)")
    SAMPLES["companies"].make(people.stranger, "Hidden Ltd")
    return people


def names(data):
    sheet = load_workbook(io.BytesIO(data)).active
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]


def test_small_workbooks_come_at_once(people):
    client = Client()
    client.force_login(people.owner)
    response = client.get("/companies/export/?format=xlsx")
    assert names(b"".join(response.streaming_content)) == ["'=HYPERLINK(1)"]


def test_large_workbooks_are_left_to_the_worker(people, monkeypatch):
    monkeypatch.setattr(listing, "CAP", 0)
    monkeypatch.setattr("crm.core.slices.CAP", 0)
    client = Client()
    client.force_login(people.owner)
    assert client.get("/companies/export/?format=xlsx")["Location"] == "/exports/"
    job = ExportJob.objects.get()
    exports.run_job(job.pk)
    exports.run_job(job.pk)  # twice does no harm
    job.refresh_from_db()
    assert (job.state, job.rows) == ("done", 1)
    outbox.drain()
    assert Notification.objects.get(user=people.owner).url == "/exports/"
    page = client.get("/exports/")
    assert f"/exports/{job.pk}/" in page.content.decode()
    assert names(b"".join(client.get(f"/exports/{job.pk}/").streaming_content)) == ["'=HYPERLINK(1)"]
    other = Client()
    other.force_login(people.admin)
    assert other.get(f"/exports/{job.pk}/").status_code == 404


def test_rights_are_those_of_the_moment(people):
    query = ListQuery(record_for("companies"), people.owner, QueryDict(""), action="export")
    job = exports.request_export(query, "xlsx", actor=people.owner)
    people.owner.role.grants["contacts_company"]["export"] = "none"
    people.owner.role.save(update_fields=["grants"])
    exports.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, bool(job.file)) == ("failed", False)


def test_a_killed_workers_job_is_taken_up_three_times_at_most(people):
    query = ListQuery(record_for("companies"), people.owner, QueryDict(""), action="export")
    job = exports.request_export(query, "xlsx", actor=people.owner)
    assert exports._claim(job.pk) is not None
    exports.sweep()
    job.refresh_from_db()
    assert job.state == "running"  # its lease still runs
    for _attempt in range(3):
        ExportJob.objects.update(lease_until=timezone.now(), state="running")
        exports._claim(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"


def test_admins_are_told_when_nobody_works(people):
    client, rep = Client(), Client()
    client.force_login(people.admin)
    rep.force_login(people.owner)
    assert "the worker" in client.get("/bin/").content.decode()
    assert "the worker" not in rep.get("/bin/").content.decode()
    for name in ("worker", "beat"):
        Heartbeat.objects.create(name=name)
    assert "the worker" not in client.get("/bin/").content.decode()
