"""Files on records: who may add, open and delete them, what browsers are told, and that nothing stays on the disk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from activities.models import Activity, Attachment
from activities.services import add_files, lead_converted, remove_file
from activities.services.carrying import conversion_undone
from activities.services.files import MAX_BYTES, clean_name
from contacts.services import create_company, create_contact, delete_companies, delete_contacts
from crm.core.housekeeping import empty_bin
from deals.services import create_deal
from leads.services import create_lead, delete_leads
from tests.factories import Cast, cast, signed_in

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def disk(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def people() -> Cast:
    return cast()


def upload(name: str = "offer.pdf", content: bytes = b"%PDF-1.7") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def stored(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


def test_files_are_added_listed_and_told(people: Cast, disk: Path) -> None:
    company = create_company({"name": "Alpenwerk"}, actor=people.owner)
    deal = create_deal({"name": "Roof", "company": company}, actor=people.owner)
    client = signed_in(people.owner)
    response = client.post(f"/activities/deals/{deal.pk}/files/new/", {"files": [upload(), upload("plan.png", PNG)]})
    assert (response.status_code, response["Location"]) == (302, deal.get_absolute_url())
    rows = Attachment.objects.order_by("pk")
    assert [(row.name, row.size, row.picture, row.subject_type, row.company_id) for row in rows] == [
        ("offer.pdf", 8, "", "deal", company.pk),
        ("plan.png", 28, "png", "deal", company.pk),
    ]
    assert {path.name for path in stored(disk)}.isdisjoint({"offer.pdf", "plan.png"})
    line = Activity.objects.get(verb="filed")
    assert (line.kind, line.data, line.subject_type, line.company_id) == ("change", {"files": ["offer.pdf", "plan.png"]}, "deal", company.pk)
    for record in (deal, company):
        page = client.get(record.get_absolute_url()).content.decode()
        assert f'href="/activities/files/{rows[0].pk}/"' in page
        assert "added files:" in page
    listed = client.get(f"/activities/deals/{deal.pk}/files/").content.decode()
    assert listed.count("<img ") == 1
    assert listed.count("/delete/") == 2


def test_the_same_form_twice_adds_once(people: Cast) -> None:
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)
    key = "3f0f5a36-5f0c-4f6e-9a53-0d2a3f3e9f11"
    for _attempt in range(2):
        signed_in(people.owner).post(f"/activities/leads/{lead.pk}/files/new/", {"files": upload(), "idempotency_key": key})
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "content", "kind"), [("a.html", b"<script>alert(1)</script>", ""), ("a.svg", SVG, ""), ("a.png", SVG, ""), ("a.html", PNG, "png")]
)
def test_nothing_is_ever_a_page_of_ours(people: Cast, name: str, content: bytes, kind: str) -> None:
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)
    row = add_files(lead, [upload(name, content)], actor=people.owner)[0]
    client = signed_in(people.owner)
    sent = client.get(f"/activities/files/{row.pk}/")
    assert b"".join(sent) == content
    assert (sent["Content-Type"], sent["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert sent["Content-Disposition"] == f'attachment; filename="{name}"'
    assert sent["Content-Security-Policy"] == "default-src 'none'; sandbox"
    shown = client.get(f"/activities/files/{row.pk}/picture/")
    assert (shown.status_code, shown["Content-Type"]) == ((200, "image/png") if kind else (404, shown["Content-Type"]))
    assert not kind or shown["X-Content-Type-Options"] == "nosniff"


def test_bad_uploads_change_nothing(people: Cast, disk: Path) -> None:
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)
    client, url = signed_in(people.owner), f"/activities/leads/{lead.pk}/files/new/"
    large = upload("film.mp4")
    large.size = MAX_BYTES + 1
    for given, text in (
        ({}, "required"),
        ({"files": upload("a.txt", b"")}, "is empty"),
        ({"files": [upload() for _each in range(11)]}, "At most 10"),
        ({"files": "text"}, "required"),
    ):
        response = client.post(url, given)
        assert response.status_code == 422
        assert text in response.content.decode()
    with pytest.raises(ValidationError, match="larger than 20 MB"):
        add_files(lead, [upload(), large], actor=people.owner)
    add_files(lead, [upload()], actor=people.owner)
    Attachment.objects.bulk_create([Attachment(name="x", size=1, lead=lead, subject_type="lead", file="attachments/x") for _each in range(99)])
    with pytest.raises(ValidationError, match="at most 100"):
        add_files(lead, [upload()], actor=people.owner)
    assert len(stored(disk)) == 1


def test_a_write_that_fails_leaves_nothing_on_the_disk(people: Cast, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)

    def broken(**_row: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("activities.services.files.write_line", broken)
    with pytest.raises(RuntimeError):
        add_files(lead, [upload(), upload("b.txt", b"b")], actor=people.owner)
    assert (stored(disk), Attachment.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\Angebot 3.pdf", "Angebot 3.pdf"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("a\x00b\r\nc.txt", "a b c.txt"),
        ("..", "File"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("Öl\u200b.txt", "Öl .txt"),
    ],
)
def test_names_are_cleaned(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_who_may_add_open_and_delete(people: Cast, django_capture_on_commit_callbacks: Any, disk: Path) -> None:
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)
    row = add_files(lead, [upload()], actor=people.owner)[0]
    addresses = (
        f"/activities/files/{row.pk}/",
        f"/activities/files/{row.pk}/delete/",
        f"/activities/leads/{lead.pk}/files/",
        f"/activities/leads/{lead.pk}/files/new/",
    )
    expected = {
        "owner": (200, 200, 200, 200),
        "teammate": (200, 403, 200, 200),
        "manager": (200, 200, 200, 200),
        "stranger": (404,) * 4,
        "viewer": (200, 403, 200, 403),
    }
    for who, codes in expected.items():
        client = signed_in(getattr(people, who))
        assert tuple(client.get(url).status_code for url in addresses) == codes, who
        if codes[1] != 200:
            assert client.post(addresses[1]).status_code == codes[1]
        if codes[3] != 200:
            assert client.post(addresses[3], {"files": upload()}).status_code == codes[3]
    assert signed_in(people.owner).get(f"/activities/files/{2**63}/").status_code == 404
    assert signed_in(people.owner).get(f"/activities/tasks/{lead.pk}/files/new/").status_code == 404
    theirs = add_files(lead, [upload("own.txt")], actor=people.teammate)[0]
    with pytest.raises(ValidationError):
        remove_file(row, actor=people.teammate)
    with django_capture_on_commit_callbacks(execute=True):
        assert signed_in(people.teammate).post(f"/activities/files/{theirs.pk}/delete/").status_code == 302
    assert list(Attachment.objects.all()) == [row]
    assert [path.name for path in stored(disk)] == [Path(row.file.name).name]
    assert Activity.objects.get(verb="unfiled").data == {"files": ["own.txt"]}


def test_a_converted_leads_files_go_along_and_come_back(people: Cast) -> None:
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)
    contact = create_contact({"last_name": "Berger"}, actor=people.owner)
    row = add_files(lead, [upload()], actor=people.owner)[0]
    carried = lead_converted(lead, None, contact, None, people.owner)
    row.refresh_from_db()
    assert (row.lead_id, row.contact_id, row.subject_type) == (lead.pk, contact.pk, "lead")
    later = add_files(contact, [upload("later.txt")], actor=people.owner)[0]
    conversion_undone(lead, {"contacts.contact": contact.pk}, carried, people.owner)
    for each in (row, later):
        each.refresh_from_db()
        assert (each.lead_id, each.contact_id, each.subject_type) == (lead.pk, None, "lead")


def test_files_go_with_their_record_and_with_no_other(people: Cast, django_capture_on_commit_callbacks: Any, disk: Path) -> None:
    company = create_company({"name": "Alpenwerk"}, actor=people.owner)
    contact = create_contact({"last_name": "Berger", "company": company}, actor=people.owner)
    lead = create_lead({"last_name": "Berger"}, actor=people.owner)
    for record in (company, contact, lead):
        add_files(record, [upload(f"{record._meta.model_name}.txt")], actor=people.owner)
    lead_converted(lead, None, contact, None, people.owner)
    delete_companies([company.pk], actor=people.owner)
    delete_leads([lead.pk], actor=people.owner)
    assert signed_in(people.owner).get(f"/activities/files/{Attachment.objects.get(subject_type='company').pk}/").status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        empty_bin(timezone.now() + timedelta(days=31))
    assert sorted(Attachment.objects.values_list("name", "subject_type", "contact", "company", "lead")) == [
        ("contact.txt", "contact", contact.pk, None, None),
        ("lead.txt", "contact", contact.pk, None, None),
    ]
    assert len(stored(disk)) == 2
    delete_contacts([contact.pk], actor=people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        empty_bin(timezone.now() + timedelta(days=31))
    assert (Attachment.objects.count(), stored(disk)) == (0, [])
