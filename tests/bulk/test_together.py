"""Bulk changes where they meet custom fields and a search that finds what is spelt alike."""

from __future__ import annotations

import pytest

from contacts.models import Contact
from contacts.services import create_contacts
from crm.core import words
from crm.core.custom import work as fields
from crm.core.models import BulkJob
from tests.bulk.helpers import change_all, undone, worked
from tests.core.custom.fields import make_field
from tests.factories import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_words_known(monkeypatch):
    monkeypatch.setattr(words, "_known", set())  # of a test whose rows are gone


def test_undo_leaves_a_custom_text_findable(people):
    wood = make_field()
    create_contacts([{"last_name": "Behrens", wood.name: "Larch"}], actor=people.owner)
    before = Contact.objects.get().search_text
    assert "larch" in before
    undone(change_all("contacts", "assign", people.owner, owner=people.teammate.pk), people.owner)
    assert (Contact.objects.get().owner, Contact.objects.get().search_text) == (people.owner, before)


@pytest.mark.parametrize("number", [3, 230], ids=["few", "many"])
def test_all_that_are_spelt_alike(people, number, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):  # the words are written down after the commit
        create_contacts([{"first_name": f"No {index}", "last_name": "Brandstätter"} for index in range(number)], actor=people.owner)
    client = signed_in(people.owner)
    shown = client.get("/contacts/?q=brandstater&size=25")
    assert shown.context["list"].alike and shown.context["list"].total_text == str(number)
    asked = client.post("/contacts/bulk/tag/", {"all": "1", "query": "q=brandstater"})
    assert (asked.status_code, asked.context["count"]) == (200, number)
    answers = {"confirmed": "1", "idempotency_key": str(asked.context["key"]), "tags": "Fair"}
    chosen = {"all": "1", "query": asked.context["query"]} if asked.context["all"] else {"ids": asked.context["ids"]}
    client.post("/contacts/bulk/tag/", answers | chosen)
    job = BulkJob.objects.get()
    job = worked(job) if job.large else job
    assert (job.rows, job.changed, job.skipped) == (number, number, 0)


@pytest.mark.django_db(transaction=True)  # an index is built beside the writers, outside any transaction
def test_a_value_given_away_meanwhile_keeps_its_row_in_the_bin_and_says_why(people):
    key = make_field("text", unique=True)
    fields.run()
    create_contacts([{"last_name": str(index), key.name: f"K{index}"} for index in range(3)], actor=people.owner)
    client = signed_in(people.admin)
    client.post("/contacts/bulk/delete/", {"confirmed": "1", "ids": [row.pk for row in Contact.objects.all()]})
    create_contacts([{"last_name": "New", key.name: "K1"}], actor=people.owner)
    job = BulkJob.objects.get()
    answer = client.post(f"/bulk/{job.pk}/undo/", follow=True)
    assert answer.status_code == 200
    job.refresh_from_db()
    assert (job.state, job.undone, job.kept) == ("undone", 2, 1)
    assert "Another record has this value already" in job.problems.get().reason
    assert sorted(Contact.objects.alive().values_list("last_name", flat=True)) == ["0", "2", "New"]


def test_ticked_rows_that_are_not_ones_own_to_change_are_counted(people):
    mine, theirs = create_contacts([{"last_name": "Mine"}], actor=people.owner) + create_contacts([{"last_name": "Theirs"}], actor=people.teammate)
    client = signed_in(people.owner)
    asked = client.post("/contacts/bulk/tag/", {"ids": [mine.pk, theirs.pk]})
    assert "1 of 2 selected records. You may not do this to the others." in asked.content.decode()
    client.post("/contacts/bulk/tag/", {"confirmed": "1", "idempotency_key": str(asked.context["key"]), "tags": "Fair", "ids": [mine.pk, theirs.pk]})
    job = BulkJob.objects.get()
    assert (job.rows, job.changed, job.skipped) == (2, 1, 1)


def test_the_history_says_what_was_done(people):
    create_contacts([{"last_name": "Behrens"}], actor=people.owner)
    client = signed_in(people.owner)
    client.post("/contacts/bulk/tag/", {"confirmed": "1", "tags": "Trade fair, Wood", "ids": [Contact.objects.get().pk]})
    client.post("/contacts/bulk/assign/", {"confirmed": "1", "owner": people.teammate.pk, "ids": [Contact.objects.get().pk]})
    page = client.get("/bulk/").content.decode()
    assert "Add tags: Trade fair, Wood" in page and f"New owner: {people.teammate}" in page
    job = BulkJob.objects.order_by("pk").first()
    assert "Add tags: Trade fair, Wood" in client.get(f"/bulk/{job.pk}/").content.decode()
