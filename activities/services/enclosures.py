"""Files that go with a mail: the record's own, chosen or added while writing. The ledger has them by reference and asks for them when it sends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import translation
from django.utils.translation import gettext as _

from activities.models import Activity, Attachment, MailFile
from activities.services.files import forget_files
from activities.services.subjects import subject_name
from mail.models import OutgoingMail
from mail.services.transport import Later, Refused
from users.selectors import organisation

MOST_FILES = 10
MOST_BYTES = 10 * 1024 * 1024  # together: a third more as it goes over the wire, which mail servers take


def chosen_files(record: Any, ids: Iterable[int], uploads: Sequence[UploadedFile], actor: Any) -> list[Attachment]:
    """The files on the record with these ids, locked so that nobody deletes them before the mail has them. ValidationError on `files`, also when they and
    the uploads are too many or too large together."""
    wanted = set(ids)
    seen = Attachment.objects.visible_to(actor).filter(pk__in=wanted, **{subject_name(record): record})
    rows = list(Attachment.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=seen.values("pk")).order_by("pk"))
    if len(rows) != len(wanted):
        raise ValidationError({"files": [_("One of these files is not there any more. Choose again.")]})
    if len(rows) + len(uploads) > MOST_FILES:
        raise ValidationError({"files": [_("At most %(n)s files go with a mail.") % {"n": MOST_FILES}]})
    if sum(row.size for row in rows) + sum(upload.size or 0 for upload in uploads) > MOST_BYTES:
        raise ValidationError({"files": [_("Together these files are larger than %(n)s MB: mail servers refuse that.") % {"n": MOST_BYTES >> 20}]})
    return rows


def enclose(line: Activity, chosen: Sequence[Attachment], added: Sequence[Attachment]) -> None:
    """Note which files go with the mail of a line."""
    rows = [MailFile(line=line, file=file, name=file.name, size=file.size, uploaded=file in added) for file in (*chosen, *added)]
    MailFile.objects.bulk_create(rows)


def forget_added(line: Activity) -> None:
    """The mail is taken back: files that came with it go, unless another mail has them too."""
    added = list(MailFile.objects.filter(line=line, uploaded=True, file__isnull=False).values_list("file", flat=True))
    list(Attachment.objects.select_for_update(of=("self",)).filter(pk__in=added).values_list("pk"))  # a mail that takes one of them right now counts too
    elsewhere = MailFile.objects.exclude(line=line).filter(line__deleted_at__isnull=True, file__isnull=False).values("file")
    forget_files(Attachment.objects.filter(pk__in=added).exclude(pk__in=elsewhere))


def enclosures(mail: OutgoingMail) -> list[tuple[str, str, bytes]]:
    """(name, kind of picture or "", content) of the files of a mail. Refused when one is gone, Later when the disk does not answer. (Hook "enclosures".)"""
    return [(row.name, row.file.picture if row.file else "", _content(row)) for row in MailFile.objects.filter(line__mail=mail).select_related("file")]


def _content(row: MailFile) -> bytes:
    try:
        if row.file is not None:
            with row.file.file.open("rb") as handle:
                content = handle.read()
            if len(content) == row.size:
                return content
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Later(str(error)) from error
    with translation.override(organisation().language):
        raise Refused(_("The file “%(name)s” is gone.") % {"name": row.name})
