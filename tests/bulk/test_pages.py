"""The pages of bulk changes: by form alone, twice, with nonsense, for others, in German."""

from __future__ import annotations

import csv
import io
import uuid

import pytest

from contacts.models import Contact
from contacts.services import create_contacts
from crm.core.bulk import models as bulk_models
from crm.core.bulk import views
from crm.core.models import BulkJob
from leads.models import Lead
from leads.services import create_leads, update_lead
from tests.bulk.helpers import begin, change_all, undone, worked
from tests.factories import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(people):
    return signed_in(people.owner)


@pytest.fixture
def many(people, monkeypatch):
    """More leads than are changed within a request, and more than a page shows."""
    monkeypatch.setattr(bulk_models, "SMALL", 10)
    monkeypatch.setattr(views, "SMALL", 10)
    return create_leads([{"last_name": f"Lead {n}", "city": "Linz" if n % 3 else "Graz"} for n in range(30)], actor=people.owner)


def text(response):
    return response.content.decode()


def hidden(page):
    """What the question's form sends besides the answers."""
    data = {"confirmed": "1", "idempotency_key": str(page.context["key"])}
    return data | ({"all": "1", "query": page.context["query"]} if page.context["all"] else {"ids": page.context["ids"]})


def test_the_list_offers_all_that_match_when_there_is_more_than_a_page(client, many):
    page = text(client.get("/leads/?size=25&q=lead"))
    assert 'name="all"' in page and "All 30 that match" in page
    assert 'name="query" value="size=25&amp;q=lead"' in page
    assert 'name="all"' not in text(client.get("/leads/?size=50"))


def test_all_that_match_by_form_alone(client, many, people):
    asked = client.post("/leads/bulk/fields/", {"all": "1", "query": "q=lead&size=25&sort=name", "next": "/leads/?q=lead"})
    assert (asked.status_code, asked.context["count"], asked.context["ids"]) == (200, 30, [])
    assert "All 30 records that match" in text(asked)
    answer = client.post("/leads/bulk/fields/", {**hidden(asked), "city": "Wien"})
    job = BulkJob.objects.get()
    assert (answer.status_code, answer["Location"], job.query) == (302, f"/bulk/{job.pk}/", "q=lead&sort=name")
    page = text(client.get(answer["Location"]))
    assert "<progress" in page and "Stop" in page and "See how far it is" in page
    part = client.get(answer["Location"], HTTP_HX_REQUEST="true", HTTP_HX_TARGET="bulk-state")
    assert "<progress" in text(part) and "<html" not in text(part)
    worked(job)
    assert client.get(answer["Location"], HTTP_HX_REQUEST="true", HTTP_HX_TARGET="bulk-state")["HX-Refresh"] == "true"
    assert Lead.objects.filter(city="Wien").count() == 30
    assert "Undo this change" in text(client.get(answer["Location"]))
    client.post(answer["Location"], {"do": "undo"})
    worked(job)
    assert (Lead.objects.filter(city="Graz").count(), Lead.objects.filter(city="Linz").count()) == (10, 20)
    assert "As before" in text(client.get(answer["Location"]))
    assert "Change fields: Leads" in text(client.get("/bulk/"))


def test_a_double_click_is_one_job_and_so_are_two_tabs(client, many):
    asked = client.post("/leads/bulk/tag/", {"all": "1", "query": ""})
    places = {client.post("/leads/bulk/tag/", {**hidden(asked), "tags": "Fair"})["Location"] for _twice in range(2)}
    other_tab = client.post("/leads/bulk/tag/", {"all": "1", "query": ""})
    places.add(client.post("/leads/bulk/tag/", {**hidden(other_tab), "tags": "Fair"})["Location"])
    assert len(places) == 1 == BulkJob.objects.count()


def test_few_are_changed_at_once_and_the_toast_undoes_it(client, people):
    rows = create_leads([{"last_name": f"Lead {n}"} for n in range(3)], actor=people.owner)
    ids = [row.pk for row in rows]
    asked = client.post("/leads/bulk/assign/", {"ids": ids, "next": "/leads/?q=lead"})
    data = {**hidden(asked), "owner": people.teammate.pk, "next": "/leads/?q=lead"}
    answer = client.post("/leads/bulk/assign/", data)
    job = BulkJob.objects.get()
    assert (answer["Location"], job.state, job.changed) == ("/leads/?q=lead", "done", 3)
    assert client.post("/leads/bulk/assign/", data)["Location"] == f"/bulk/{job.pk}/"  # the second click
    assert BulkJob.objects.count() == 1
    page = text(client.get("/leads/?q=lead"))
    assert "3 records changed." in page and f'action="/bulk/{job.pk}/undo/"' in page
    update_lead(Lead.objects.get(pk=ids[0]), {"job_title": "CEO"}, actor=people.teammate)
    assert client.post(f"/bulk/{job.pk}/undo/", {"next": "/leads/?q=lead"})["Location"] == "/leads/?q=lead"
    assert "2 records are as they were. 1 was changed since and stays." in text(client.get("/leads/"))
    assert list(Lead.objects.order_by("pk").values_list("owner", flat=True)) == [people.teammate.pk, people.owner.pk, people.owner.pk]
    assert client.post(f"/bulk/{job.pk}/undo/")["Location"] == f"/bulk/{job.pk}/"  # nothing is left to undo


def test_when_every_row_is_refused_the_question_comes_back_and_nothing_is_written(client, people):
    rows = create_leads([{"last_name": f"Lead {n}"} for n in range(3)], actor=people.owner)
    data = {"ids": [row.pk for row in rows], "confirmed": "1", "owner": people.stranger.pk, "idempotency_key": str(uuid.uuid4())}
    answer = client.post("/leads/bulk/assign/", data)
    assert answer.status_code == 422
    assert "You would no longer see this record" in text(answer)
    assert not BulkJob.objects.exists()
    assert client.post("/leads/bulk/assign/", {**data, "owner": people.teammate.pk}).status_code == 302  # the key was not used up
    assert BulkJob.objects.get().changed == 3


def test_one_refused_row_is_reported_and_the_others_are_changed(client, people):
    rows = create_leads([{"last_name": f"=Lead {n}"} for n in range(3)], actor=people.owner)
    Lead.objects.filter(pk=rows[1].pk).update(email="nothing")
    client.post("/leads/bulk/fields/", {"ids": [row.pk for row in rows], "confirmed": "1", "city": "Wien"})
    job = BulkJob.objects.get()
    assert (job.changed, job.bad) == (2, 1)
    assert "1 was refused" in text(client.get("/leads/"))
    assert "Enter a valid email address" in text(client.get(f"/bulk/{job.pk}/"))
    lines = list(csv.reader(io.StringIO(b"".join(client.get(f"/bulk/{job.pk}/problems/").streaming_content).decode("utf-8-sig"))))
    assert lines[1] == [str(rows[1].pk), "'=Lead 1", "Change", "E-mail: Enter a valid email address."]
    # Whoever may not see the row (any more) reads the reason, not the name.
    Lead.objects.filter(pk=rows[1].pk).update(owner=people.stranger, team=people.other_team)
    lines = list(csv.reader(io.StringIO(b"".join(client.get(f"/bulk/{job.pk}/problems/").streaming_content).decode("utf-8-sig"))))
    assert lines[1][1] == ""
    assert "=Lead 1" not in text(client.get(f"/bulk/{job.pk}/"))


@pytest.mark.parametrize(
    "query",
    ["owner__password=x", "sort=nope", "view=nope", "status=99999999", "q=%00", "x" * 10_000, "owner=" + "9" * 5000, "&".join(["q=a"] * 2000)],
    ids=lambda query: query[:20],
)
def test_a_query_that_the_list_does_not_know_is_refused(client, many, query):
    answer = client.post("/leads/bulk/tag/", {"all": "1", "query": query, "confirmed": "1", "tags": "Fair"})
    assert answer.status_code == 400, query[:40]
    assert not BulkJob.objects.exists()


@pytest.mark.parametrize("query", ["q=🦊", "cursor=xxxx", "size=7", "format=xlsx", ""])
def test_paging_does_not_matter(client, many, query):
    assert client.post("/leads/bulk/tag/", {"all": "1", "query": query}).status_code == 200


@pytest.mark.parametrize("key", ["nothing", "\x00", "9" * 10_000], ids=["word", "nul", "long"])
def test_a_key_that_is_none_is_ignored(client, people, key):
    row = create_leads([{"last_name": "Lead"}], actor=people.owner)[0]
    assert client.post("/leads/bulk/tag/", {"ids": [row.pk], "confirmed": "1", "tags": "Fair", "idempotency_key": key}).status_code == 302


@pytest.mark.parametrize(
    ("action", "data", "field"),
    [
        ("assign", {"owner": "99999999"}, "owner"),
        ("assign", {"owner": "x" * 10_000}, "owner"),
        ("assign", {"owner": "1", "people": "Tom Teammate"}, None),
        ("assign", {"people": "Nobody At All"}, "people"),
        ("assign", {"people": "a\x00b"}, "people"),
        ("assign", {"people": ", ;\n"}, "owner"),
        ("assign", {"people": ",".join(f"p{n}" for n in range(60))}, "people"),
        ("assign", {"team": "abc"}, "team"),
        ("tag", {}, "tags"),
        ("tag", {"remove": "x" * 41}, "remove"),
        ("fields", {}, "__all__"),
        ("fields", {"city": "Wien", "empty": "city"}, "city"),
        ("fields", {"empty": "owner"}, "empty"),
        ("fields", {"value": "-5"}, "value"),
        ("fields", {"city": "a\x00b"}, "city"),
        ("fields", {"city": "x" * 10_000}, "city"),
        ("fields", {"source": "nope"}, "source"),
        ("task", {"kind": "call"}, "title"),
        ("task", {"title": "x", "due_time": "10:00"}, "due_on"),
        ("task", {"title": "a\x00b"}, "title"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_answers_are_said_at_their_field(client, people, action, data, field):
    row = create_leads([{"last_name": "Lead"}], actor=people.owner)[0]
    answer = client.post(f"/leads/bulk/{action}/", {"ids": [row.pk], "confirmed": "1", **data})
    assert answer.status_code == 422
    assert field is None or field in answer.context["form"].errors, answer.context["form"].errors
    assert not BulkJob.objects.exists()


def test_others_see_nothing_of_it_and_admins_may_undo(people):
    create_leads([{"last_name": f"Lead {n}"} for n in range(9)], actor=people.owner)
    job = change_all("leads", "tag", people.owner, tags="Fair")
    other = signed_in(people.teammate)
    for url in (f"/bulk/{job.pk}/", f"/bulk/{job.pk}/problems/", f"/bulk/{2**70}/", "/bulk/0/"):
        assert other.get(url).status_code == 404
    assert other.post(f"/bulk/{job.pk}/", {"do": "undo"}).status_code == 404
    assert other.post(f"/bulk/{job.pk}/undo/").status_code == 404
    assert other.get("/bulk/").context["rows"] == []
    admin = signed_in(people.admin)
    assert "Tags: Leads" in text(admin.get("/bulk/"))
    assert admin.post(f"/bulk/{job.pk}/", {"do": "nonsense"}).status_code == 400
    admin.post(f"/bulk/{job.pk}/", {"do": "undo"})
    assert worked(job).undone == 9
    assert BulkJob.objects.get().undone_by == people.admin


def test_cancel(client, people):
    create_leads([{"last_name": f"Lead {n}"} for n in range(9)], actor=people.owner)
    job = begin("leads", "tag", people.owner, tags="Fair")
    client.post(f"/bulk/{job.pk}/", {"do": "cancel"})
    job = worked(job)
    assert (job.state, job.changed) == ("cancelled", 0)
    assert "Cancelled" in text(client.get(f"/bulk/{job.pk}/"))


def test_the_bin_gives_a_large_deletion_back_to_the_worker(people):
    create_contacts([{"last_name": f"Person {n}"} for n in range(9)], actor=people.owner)
    job = change_all("contacts", "delete", people.owner)
    client = signed_in(people.owner)
    answer = client.post(f"/bin/{job.deletion_group}/restore/")
    assert answer["Location"] == f"/bulk/{job.pk}/"
    assert (worked(job).undone, Contact.objects.alive().count()) == (9, 9)


def test_ticked_rows_as_a_file_and_all_that_match_by_the_lists_own_export(client, people, many):
    ids = [many[1].pk, many[2].pk]
    asked = client.post("/leads/bulk/export/", {"ids": ids})
    assert asked.status_code == 200
    body = b"".join(client.post("/leads/bulk/export/", {**hidden(asked), "format": "csv"}).streaming_content).decode("utf-8-sig")
    assert sorted(row[0] for row in list(csv.reader(io.StringIO(body)))[1:]) == ["Lead 1", "Lead 2"]
    book = client.post("/leads/bulk/export/", {**hidden(asked), "format": "xlsx"})
    assert b"".join(book.streaming_content)[:2] == b"PK"
    asked = client.post("/leads/bulk/export/", {"all": "1", "query": "q=lead&size=25"})
    answer = client.post("/leads/bulk/export/", {**hidden(asked), "format": "csv"})
    assert answer["Location"] == "/leads/export/?q=lead&format=csv"
    assert not BulkJob.objects.exists()


def test_who_may_not_add_tasks_is_not_offered_a_task_for_each(people):
    row = create_leads([{"last_name": "Lead"}], actor=people.owner)[0]
    viewer = signed_in(people.viewer)
    assert "bulk/task" not in text(viewer.get("/leads/"))
    assert viewer.post("/leads/bulk/task/", {"ids": [row.pk], "confirmed": "1", "title": "Call"}).status_code == 403
    assert "bulk/task" in text(signed_in(people.owner).get("/leads/"))


def test_in_german(client, people):
    people.owner.language = "de"
    people.owner.save(update_fields=["language"])
    create_leads([{"last_name": f"Lead {n}"} for n in range(9)], actor=people.owner)
    job = undone(change_all("leads", "tag", people.owner, tags="Fair"), people.owner)
    assert "Wie zuvor" in text(client.get(f"/bulk/{job.pk}/"))
    assert "Sammeländerungen" in text(client.get("/bulk/"))
