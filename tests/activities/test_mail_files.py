"""Files that go with a mail: chosen or added, checked, sent byte for byte, gone with the undo, never missing in silence."""

from __future__ import annotations

import email
import email.policy
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from activities.models import Activity, Attachment, MailFile, Notification
from activities.services import add_files, remove_file, send_mail, unsend
from activities.services.enclosures import MOST_BYTES
from contacts.services import create_company, create_contact
from crm.core import outbox
from deals.services import create_deal
from mail.models import OutgoingMail
from mail.services import claim, ledger, send_due
from mail.services.transport import FileTransport
from tests.factories import Cast, cast, signed_in

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
State = OutgoingMail.State


@pytest.fixture(autouse=True)
def disk(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def folder(tmp_path: Path) -> FileTransport:
    return FileTransport(tmp_path / "mail")


@pytest.fixture
def people() -> Cast:
    return cast()


@pytest.fixture
def ann(people: Cast) -> Any:
    return create_contact({"first_name": "Ann", "last_name": "Lee", "email": "ann@lee.example"}, actor=people.owner)


def upload(name: str = "offer.pdf", content: bytes = b"%PDF-1.7") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def stored(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


def post(client: Any, obj: Any, **values: Any) -> Any:
    asked = {"to": "ann@lee.example", "subject": "Hello", "text": "A text", "idempotency_key": uuid.uuid4()}
    return client.post(f"/activities/{obj._meta.model_name}s/{obj.pk}/mail/", asked | values)


def write(obj: Any, actor: Any, **values: Any) -> Activity:
    return send_mail(obj, **{"to": "ann@lee.example", "subject": "Hello", "text": "A text", "actor": actor, **values})


def leave(folder: FileTransport) -> Any:
    """What arrives of the one mail that waits."""
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    assert send_due(transport=folder) == 1
    (path,) = folder.directory.glob("*.eml")
    assert max(map(len, path.read_bytes().splitlines())) <= 998
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def test_chosen_and_added_files_arrive_and_stay_readable(people: Cast, ann: Any, folder: FileTransport) -> None:
    (plan,) = add_files(ann, [upload("plan.png", PNG)], actor=people.owner)
    client = signed_in(people.owner)
    form = client.get(f"/activities/contacts/{ann.pk}/mail/").content.decode()
    assert "plan.png" in form and 'enctype="multipart/form-data"' in form
    assert post(client, ann, kept=[plan.pk], files=[upload("Angebot für Ännchen.pdf", b"%PDF\r\n\0\xff")]).status_code == 302
    line, mail = Activity.objects.get(kind="email"), OutgoingMail.objects.get()
    assert line.data["files"] == ["plan.png", "Angebot für Ännchen.pdf"] and mail.weight == len(PNG) + 8
    assert not Activity.objects.filter(verb="filed", data__files=["Angebot für Ännchen.pdf"]).exists()  # the mail's own line tells it
    added = Attachment.objects.get(name="Angebot für Ännchen.pdf")
    assert added.contact_id == ann.pk
    parts = list(leave(folder).iter_attachments())
    assert [(part.get_filename(), part.get_content_type(), part.get_content_disposition(), part.get_content()) for part in parts] == [
        ("plan.png", "image/png", "attachment", PNG),
        ("Angebot für Ännchen.pdf", "application/pdf", "attachment", b"%PDF\r\n\0\xff"),
    ]
    assert "plan.png, Angebot für Ännchen.pdf" in client.get(ann.get_absolute_url()).content.decode()
    page = client.get(f"/activities/mails/{line.pk}/").content.decode()
    assert f'href="/activities/files/{plan.pk}/"' in page and f'href="/activities/files/{added.pk}/"' in page
    remove_file(plan, actor=people.owner)
    page = client.get(f"/activities/mails/{line.pk}/").content.decode()
    assert f'href="/activities/files/{plan.pk}/"' not in page and "plan.png" in page and "deleted" in page


def test_links_are_for_those_who_may_open_the_file(people: Cast, ann: Any) -> None:
    (plan,) = add_files(ann, [upload("plan.png", PNG)], actor=people.owner)
    line = write(ann, people.owner, files=[plan.pk])
    hidden = create_company({"name": "Hidden"}, actor=people.stranger)
    Attachment.objects.filter(pk=plan.pk).update(contact=None, company=hidden, subject_type="company")
    page = signed_in(people.owner).get(f"/activities/mails/{line.pk}/").content.decode()
    assert "plan.png" in page and f"/activities/files/{plan.pk}/" not in page
    assert signed_in(people.stranger).get(f"/activities/mails/{line.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("a.svg", b"<svg/>", "application/octet-stream"),
        ("a.xhtml", b"<html/>", "application/octet-stream"),
        ("a.js", b"alert(1)", "application/octet-stream"),
        ("a.eml", b"From: x\n\ny", "application/octet-stream"),
        ("a.png", b"<svg/>", "application/octet-stream"),
        ("a.html", PNG, "image/png"),
        ("a.csv", b"a;b\n1;2\n", "text/csv"),
        ("a.tar.gz", b"\x1f\x8b", "application/octet-stream"),
        ("noending", b"x", "application/octet-stream"),
    ],
)
def test_what_kind_a_file_is_sent_as(people: Cast, ann: Any, folder: FileTransport, name: str, content: bytes, kind: str) -> None:
    write(ann, people.owner, uploads=[upload(name, content)])
    (part,) = leave(folder).iter_attachments()
    assert (part.get_content_type(), part.get_content_disposition(), part.get_payload(decode=True)) == (kind, "attachment", content)


@pytest.mark.parametrize(
    ("name", "start", "ending"),
    [("../../etc/passwd", "passwd", ""), ('a"; filename="b.exe', 'a"; filename="b', ".exe"), ("x\r\nBcc: y@z.example", "x Bcc: y@z", ".example"),
     ("界" * 190 + ".pdf", "界" * 90, ".pdf"), ("😀" * 190, "😀" * 70, ""), ("x" * 196 + ".pdf", "x" * 196, ".pdf")],
)  # fmt: skip
def test_hostile_names_stay_names(people: Cast, ann: Any, folder: FileTransport, name: str, start: str, ending: str) -> None:
    file = upload()
    file._name = name  # as a request could bring it: the class itself would clean it
    write(ann, people.owner, uploads=[file])
    message = leave(folder)
    (part,) = message.iter_attachments()
    assert part.get_filename().startswith(start) and part.get_filename().endswith(ending)
    assert message["Bcc"] is None and part["Bcc"] is None


def test_limits_are_told_at_the_field_and_nothing_is_kept(people: Cast, ann: Any, disk: Path) -> None:
    client = signed_in(people.owner)
    large = upload("film.mp4")
    large.size = MOST_BYTES + 1
    with pytest.raises(ValidationError, match="larger than 10 MB"):
        write(ann, people.owner, uploads=[large])
    for given, text in (
        ({"files": [upload() for _each in range(11)]}, "At most 10 files"),
        ({"files": upload("a.txt", b"")}, "is empty"),
        ({"kept": ["999999"]}, "not there any more"),
        ({"kept": ["x"]}, "not there any more"),
        ({"files": upload("again.pdf"), "subject": ""}, "Add these files again: again.pdf"),
    ):
        response = post(client, ann, **given)
        assert response.status_code == 422 and text in response.content.decode(), text
    assert (stored(disk), Attachment.objects.count(), OutgoingMail.objects.count()) == ([], 0, 0)


def test_files_of_other_records_do_not_go_along(people: Cast, ann: Any) -> None:
    other = create_contact({"last_name": "Other"}, actor=people.owner)
    (mine,), hidden = add_files(other, [upload()], actor=people.owner), create_contact({"last_name": "Hidden"}, actor=people.stranger)
    (theirs,) = add_files(hidden, [upload()], actor=people.stranger)
    Attachment.objects.filter(pk=theirs.pk).update(contact=hidden)
    for file in (mine, theirs):
        with pytest.raises(ValidationError, match="not there any more"):
            write(ann, people.owner, files=[file.pk])
        assert post(signed_in(people.owner), ann, kept=[file.pk]).status_code == 422
    deal = create_deal({"name": "Roof", "contact": ann}, actor=people.owner)
    (plan,) = add_files(deal, [upload("plan.pdf")], actor=people.owner)
    assert write(ann, people.owner, files=[plan.pk]).data["files"] == ["plan.pdf"]  # a deal's file is on its contact's page too


def test_taken_back_nothing_stays_behind(people: Cast, ann: Any, disk: Path, django_capture_on_commit_callbacks: Any) -> None:
    (plan,) = add_files(ann, [upload("plan.pdf")], actor=people.owner)
    client = signed_in(people.owner)
    assert post(client, ann, kept=[plan.pk], files=upload("new.pdf")).status_code == 302
    line = Activity.objects.get(kind="email")
    assert len(stored(disk)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(f"/activities/mails/{line.pk}/take-back/", follow=True).content.decode()
    assert [path.name for path in stored(disk)] == [Path(plan.file.name).name]
    assert list(Attachment.objects.all()) == [plan]
    assert "Add these files again: new.pdf" in page and "checked" in page[page.index(f'value="{plan.pk}"') :][:200]
    assert "new.pdf" not in client.get(ann.get_absolute_url()).content.decode()


def test_a_file_that_another_mail_has_too_stays(people: Cast, ann: Any, disk: Path, django_capture_on_commit_callbacks: Any) -> None:
    first = write(ann, people.owner, uploads=[upload()])
    file = Attachment.objects.get()
    write(ann, people.owner, files=[file.pk])
    with django_capture_on_commit_callbacks(execute=True):
        unsend(first, actor=people.owner)
    assert len(stored(disk)) == 1 and Attachment.objects.get() == file


def test_a_write_that_fails_leaves_nothing_on_the_disk(people: Cast, ann: Any, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_all: Any, **_row: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("activities.services.mails.enclose", broken)
    with pytest.raises(RuntimeError):
        write(ann, people.owner, uploads=[upload(), upload("b.txt", b"b")])
    assert (stored(disk), Attachment.objects.count(), OutgoingMail.objects.count()) == ([], 0, 0)


def test_the_same_form_twice_sends_and_keeps_once(people: Cast, ann: Any, disk: Path) -> None:
    client, key = signed_in(people.owner), uuid.uuid4()
    for _time in range(2):
        assert post(client, ann, files=upload(), idempotency_key=key).status_code == 302
    assert (OutgoingMail.objects.count(), len(stored(disk)), MailFile.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("how", ["deleted", "off the disk", "cut", "with its line"])
def test_a_file_that_is_gone_stops_the_mail_and_its_writer_hears_of_it(
    people: Cast, ann: Any, disk: Path, folder: FileTransport, how: str, django_capture_on_commit_callbacks: Any
) -> None:
    line = write(ann, people.owner, uploads=[upload("offer.pdf")], at=timezone.now() + timedelta(days=1))
    (path,) = stored(disk)
    client = signed_in(people.owner)
    if how == "deleted":
        file = Attachment.objects.get()
        assert "that mail will not be sent" in client.get(f"/activities/files/{file.pk}/delete/").content.decode()
        with django_capture_on_commit_callbacks(execute=True):
            remove_file(file, actor=people.owner)
    elif how == "off the disk":
        path.unlink()
    elif how == "cut":
        path.write_bytes(b"%PDF")
    else:
        MailFile.objects.all().delete()
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    assert send_due(transport=folder) == 0
    mail = OutgoingMail.objects.get()
    assert mail.state == State.FAILED and "gone" in mail.error and not list(folder.directory.glob("*.eml"))
    page = client.get(f"/activities/mails/{line.pk}/").content.decode()
    assert mail.error.replace("“", "“") in page and "Failed" in page
    outbox.drain()
    assert Notification.objects.get(user=people.owner).url == f"/activities/mails/{line.pk}/"


def test_after_a_kill_exactly_the_same_files_go(people: Cast, ann: Any, folder: FileTransport) -> None:
    (plan,) = add_files(ann, [upload("plan.png", PNG)], actor=people.owner)
    write(ann, people.owner, files=[plan.pk], uploads=[upload()])
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    assert len(claim(10)) == 1  # and here the process dies
    add_files(ann, [upload("later.txt", b"x")], actor=people.owner)
    OutgoingMail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    names = [part.get_filename() for part in leave(folder).iter_attachments()]
    assert names == ["plan.png", "offer.pdf"] and OutgoingMail.objects.get().attempts == 2


def test_mails_with_files_are_sent_one_by_one(people: Cast, ann: Any) -> None:
    for uploads in ([], [], [upload()], [upload()], []):
        write(ann, people.owner, uploads=uploads)
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    assert [len(claim(50)) for _round in range(5)] == [2, 1, 1, 1, 0]


def test_a_disk_that_does_not_answer_is_waited_for(people: Cast, ann: Any, folder: FileTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ann, people.owner, uploads=[upload()])
    OutgoingMail.objects.update(next_attempt_at=timezone.now())

    def broken(*_all: Any) -> Any:
        raise PermissionError(13, "no")

    monkeypatch.setattr("django.db.models.fields.files.FieldFile.open", broken)
    assert send_due(transport=folder) == 0
    mail = OutgoingMail.objects.get()
    assert mail.state == State.QUEUED and mail.next_attempt_at > timezone.now()
    assert ledger.waiting() is False
