"""The pages of an import: by form alone, with htmx, twice, and in German."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.models import Contact
from crm.core.imports import services, work
from crm.core.models import ImportJob
from tests.imports.files import bring_in, check, upload

pytestmark = pytest.mark.django_db
ROWS = [["First name", "Last name", "E-mail"], ["Anna", "Berg", "anna@example.com"], ["Ben", "Tal", "nothing"], ["<script>", "&amp;", ""]]


@pytest.fixture
def client(people):
    client = Client()
    client.force_login(people.owner)
    return client


def send(client, data, url="/contacts/import/", **more):
    return client.post(url, {"file": SimpleUploadedFile("people.csv", data), **more})


def text(response):
    return response.content.decode()


def form_data(page):
    return {
        name: value for field in page.context["form"] if (name := field.html_name) and (value := field.value()) is not None and name not in ("owner", "tags")
    }


def test_all_the_way_by_form(client):
    page = client.get("/contacts/")
    assert 'href="/contacts/import/"' in text(page)
    assert text(page).count("/contacts/import/") == 2, "in the tools and in the empty list"
    answer = send(client, b"Vorname;Nachname;E-Mail\nAnna;Berg;anna@example.com\nBen;Tal;nothing\n")
    job = ImportJob.objects.get()
    assert answer["Location"] == f"/imports/{job.pk}/"
    page = client.get(answer["Location"])
    assert [key for key in form_data(page).values() if key in ("first_name", "last_name", "email")] == ["first_name", "last_name", "email"]
    answer = client.post(answer["Location"], {**form_data(page), "do": "check", "tags": "Fair"})
    assert answer.status_code == 302, answer.context["form"].errors
    assert "See how far it is" in text(client.get(answer["Location"]))
    work.run(job.pk)
    page = client.get(answer["Location"])
    assert "Enter an e-mail address" in text(page)
    assert not Contact.objects.exists()
    client.post(answer["Location"], {"do": "run"})
    client.post(answer["Location"], {"do": "run"})
    work.run(job.pk)
    page = client.get(answer["Location"])
    contact = Contact.objects.get()
    assert contact.get_absolute_url() in text(page)
    assert {tag.name for tag in contact.tags.all()} == {"Fair"}
    file = b"".join(client.get(f"/imports/{job.pk}/problems/").streaming_content).decode("utf-8-sig")
    assert file.splitlines()[1] == 'Ben,Tal,nothing,3,E-Mail,"Enter an e-mail address, such as name@example.com."'
    client.post(answer["Location"], {"do": "undo"})
    work.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.undone, job.kept, job.error) == ("undone", 1, 0, "")
    assert not Contact.objects.alive().exists()
    assert "In the bin" in text(client.get(answer["Location"]))
    assert "people.csv" in text(client.get("/imports/"))


def test_progress_with_htmx(client, people):
    job = services.choose(upload("contacts", ROWS, people.owner), {"1": "last_name"}, {"owner": people.owner.pk}, actor=people.owner)
    asked = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "import-state"}
    part = client.get(f"/imports/{job.pk}/", **asked)
    assert "<progress" in text(part) and "<html" not in text(part)
    work.run(job.pk)
    assert client.get(f"/imports/{job.pk}/", **asked)["HX-Refresh"] == "true"


def test_cells_and_headings_are_escaped(client, people):
    rows = [["<b>Last</b> name", "Last name"], ["<i>x</i>", "<u>Berg</u>"], ["", "<img src=x>" * 20]]
    job = upload("contacts", rows, people.owner)
    page = text(client.get(f"/imports/{job.pk}/"))
    assert "&lt;b&gt;Last" in page and "<b>Last" not in page and "<i>x" not in page
    check(job, people.owner, {"0": "last_name", "1": "first_name"})
    page = text(client.get(f"/imports/{job.pk}/"))
    assert "<img" not in page


@pytest.mark.parametrize(
    ("choices", "word"),
    [
        ({}, "at least one column"),
        ({"c0": "city"}, "every record needs it"),
        ({"c0": "name", "c1": "name"}, "Several columns become"),
        ({"c0": "nonsense"}, "Select a valid choice"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_answered_at_once(client, people, choices, word):
    job = upload("companies", [["A", "B"], ["x", "y"]], people.owner)
    answer = client.post(f"/imports/{job.pk}/", {"do": "check", "same": "skip", "dates": "day", **choices})
    assert answer.status_code == 422
    assert word in text(answer)
    job.refresh_from_db()
    assert job.state == "mapping"


@pytest.mark.parametrize("data", [b"", b"\n", b"Name\n", b"\x89PNG" + b"\x00" * 90])
def test_a_file_that_cannot_be_read_is_answered_at_its_field(client, data):
    answer = send(client, data)
    assert answer.status_code == 422
    assert answer.context["form"].errors["file"]
    assert not ImportJob.objects.exists()


def test_sent_twice_it_is_one_import(client):
    key = client.get("/contacts/import/").context["form"].initial["idempotency_key"]
    places = {send(client, b"Name\nAnna\n", idempotency_key=str(key))["Location"] for _twice in range(2)}
    assert len(places) == 1 == ImportJob.objects.count()


def test_admins_may_look_and_undo_but_not_run_in_anothers_name(people):
    admin = Client()
    admin.force_login(people.admin)
    job = check(upload("contacts", ROWS, people.owner), people.owner)
    assert admin.get(f"/imports/{job.pk}/").status_code == 200
    assert admin.post(f"/imports/{job.pk}/", {"do": "run"}).status_code == 403
    assert admin.post(f"/imports/{job.pk}/", {"do": "nonsense"}).status_code == 400
    done = bring_in("contacts", [["Last name"], ["Berg"]], people.owner)
    admin.post(f"/imports/{done.pk}/", {"do": "undo"})
    work.run(done.pk)
    assert Contact.objects.get(last_name="Berg").deleted_by == people.admin


def test_change_the_columns_and_check_again(client, people):
    job = check(upload("contacts", ROWS, people.owner), people.owner, {"0": "last_name"})
    page = client.post(f"/imports/{job.pk}/", {"do": "change"})
    assert page.context["form"]["c0"].value() == "last_name"
    client.post(f"/imports/{job.pk}/", {**form_data(page), "c1": "first_name", "do": "check"})
    job.refresh_from_db()
    assert (job.state, job.rows, job.mapping) == ("checking", 0, {"0": "last_name", "1": "first_name"})


def test_in_german(client, people):
    people.owner.language = "de"
    people.owner.save(update_fields=["language"])
    assert "Kontakte importieren" in text(client.get("/contacts/import/"))
    job = check(upload("contacts", ROWS, people.owner), people.owner)
    assert "E-Mail-Adresse" in job.problems.get().reason
