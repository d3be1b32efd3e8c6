"""Files on records: kept under random names, gone from the disk when their row goes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from activities.models import SUBJECTS, Activity, Attachment
from activities.services.lines import check_may_write, write_line
from activities.services.subjects import fill_parents, ids_of, locked, subject_name

MAX_BYTES = 20 * 1024 * 1024
MOST_AT_ONCE, MOST_OF_A_RECORD = 10, 100
MAX_NAME, MAX_ENDING = 200, 20
# What a browser may show within our own pages, known by its first bytes and never by its name: no HTML, no SVG.
PICTURES = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))


def clean_name(name: str) -> str:
    """The last part of a path as one line of at most 200 characters that keeps its ending: nothing invisible, nothing that turns the text around."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter if letter.isprintable() else " " for letter in last)
    plain = " ".join(seen.split()).strip(". ") or _("File")
    stem, dot, ending = plain.rpartition(".")
    if len(plain) <= MAX_NAME or not dot or len(ending) > MAX_ENDING:
        return plain[:MAX_NAME].strip()
    return f"{stem[: MAX_NAME - len(ending) - 1].strip()}.{ending}"


def picture_kind(head: bytes) -> str:
    """png, jpeg, gif or webp by the first bytes of a file; "" for all else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in PICTURES if head.startswith(start)), "")


@transaction.atomic
def add_files(record: Any, uploads: Sequence[UploadedFile], *, actor: Any) -> list[Attachment]:
    """Keep the files on a company, contact, lead or deal, all or none, with one line on its timeline.

    ValidationError on `files` for none, for more than 10 at once or 100 on the record, and for one that is empty or larger than 20 MB.
    """
    rows = keep_files(record, uploads, actor=actor)
    with gone_if_it_fails(rows):
        names = [row.name for row in rows]
        write_line(kind=Activity.Kind.CHANGE, verb="filed", actor=actor, data={"files": names}, **{subject_name(record): record})
    return rows


@transaction.atomic
def keep_files(record: Any, uploads: Sequence[UploadedFile], *, actor: Any) -> list[Attachment]:
    """The same without the line: for what has a line of its own, such as a mail."""
    check_may_write(record, actor)
    name = subject_name(record)
    list(locked(name, [record.pk]).values_list("pk"))  # two people who add at once both count
    _check(uploads, Attachment.objects.filter(**{name: record}, subject_type=name).count())
    links = ids_of({name: record})
    fill_parents([links])
    values = {**{f"{link}_id": pk for link, pk in links.items() if pk}, "subject_type": name, "created_by": actor}
    rows: list[Attachment] = []
    with gone_if_it_fails(rows):
        for upload in uploads:
            rows.append(_kept(upload, values))
    return rows


@contextmanager
def gone_if_it_fails(rows: Sequence[Attachment]) -> Iterator[None]:
    """Files that were just kept go from the disk when what they are kept for fails."""
    try:
        yield
    except BaseException:
        _drop_from_disk(row.file.name for row in rows)
        raise


def _check(uploads: Sequence[UploadedFile], there: int) -> None:
    if not uploads:
        raise ValidationError({"files": [_("Choose a file first.")]})
    if len(uploads) > MOST_AT_ONCE:
        raise ValidationError({"files": [_("At most %(n)s files at once.") % {"n": MOST_AT_ONCE}]})
    if there + len(uploads) > MOST_OF_A_RECORD:
        raise ValidationError({"files": [_("A record holds at most %(n)s files. Delete some that are not needed any more.") % {"n": MOST_OF_A_RECORD}]})
    for upload in uploads:
        name = clean_name(upload.name or "")
        if not upload.size:
            raise ValidationError({"files": [_("“%(name)s” is empty.") % {"name": name}]})
        if upload.size > MAX_BYTES:
            raise ValidationError({"files": [_("“%(name)s” is larger than %(n)s MB.") % {"name": name, "n": MAX_BYTES >> 20}]})


def _kept(upload: UploadedFile, values: dict[str, Any]) -> Attachment:
    upload.seek(0)
    kind = picture_kind(upload.read(16))
    upload.seek(0)
    row = Attachment(name=clean_name(upload.name or ""), size=upload.size, picture=kind, **values)
    token = get_random_string(32).lower()
    row.file.save(f"{token[:2]}/{token}", upload, save=False)
    try:
        row.save(force_insert=True)
    except BaseException:
        _drop_from_disk([row.file.name])
        raise
    return row


def may_remove_file(row: Attachment, user: Any) -> bool:
    """Who added it and still sees it, and whoever may change the record."""
    action = "view" if row.created_by_id == user.pk else "change"
    return Attachment.objects.visible_to(user, action).filter(pk=row.pk).exists()


@transaction.atomic
def remove_file(row: Attachment, *, actor: Any) -> None:
    """Delete the row, and the file with it; the timeline says so. ValidationError when the actor may not; nothing happens when it is gone already."""
    found = Attachment.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
    if found is None:
        return
    if actor is not None and not may_remove_file(found, actor):
        raise ValidationError(_("You may not delete this file."), code="forbidden")
    links = {f"{name}_id": getattr(found, f"{name}_id") for name in SUBJECTS}
    write_line(kind=Activity.Kind.CHANGE, verb="unfiled", actor=actor, data={"files": [found.name]}, subject_type=found.subject_type, **links)
    forget_files(Attachment.objects.filter(pk=found.pk))


@transaction.atomic
def records_erased(model: Any, pks: Iterable[int]) -> None:
    """Hook "erase": before records leave the bin for good. Their own files go from the disk too; those of other records only lose the link."""
    name = model._meta.model_name
    if name in SUBJECTS:
        rows = Attachment.objects.filter(**{f"{name}_id__in": list(pks)})
        for heir in ("deal", "contact", "company") if name == "lead" else ():  # what a converted lead has handed on
            rows.filter(subject_type="lead", **{f"{heir}__isnull": False}).update(subject_type=heir, lead=None)
        forget_files(rows.filter(subject_type=name))
        rows.update(**{name: None})


@transaction.atomic
def repoint_files(lead: Any, links: dict[str, Any]) -> None:
    """A converted lead's files also belong to what became of it."""
    for name, obj in links.items():
        if obj is not None:
            Attachment.objects.filter(lead=lead, **{f"{name}__isnull": True}).update(**{name: obj})


def forget_files(rows: Any) -> None:
    """Rows of Attachment (a queryset) go now, their files with the commit. The caller has asked who may."""
    names = list(rows.values_list("file", flat=True))
    rows.delete()
    transaction.on_commit(lambda: _drop_from_disk(names), robust=True)


def _drop_from_disk(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
