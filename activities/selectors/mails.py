"""Mails that the reader wrote."""

from __future__ import annotations

from typing import Any

from activities.models import Activity, Attachment, MailFile
from mail.models import OutgoingMail

OFFERED = 50  # files on a record that a mail can take along


def own_mail(user: Any, number: str) -> OutgoingMail | None:
    """A mail that the user has taken back, by its id; None for any other."""
    if not number.isdecimal() or len(number) > 18:
        return None
    return OutgoingMail.objects.filter(pk=int(number), user=user, state=OutgoingMail.State.CANCELLED).first()


def files_to_send(user: Any, record: Any) -> list[Attachment]:
    """The newest files on a record, for the reader to choose from."""
    rows = Attachment.objects.visible_to(user).filter(**{record._meta.model_name: record})
    return list(rows.only("name", "size", "created_at")[:OFFERED])


def files_of_mail(line: Activity) -> list[MailFile]:
    """What goes with the mail of a line that the reader sees; `file_id` is None for what is deleted."""
    return list(MailFile.objects.filter(line=line))


def files_of_draft(mail: OutgoingMail) -> list[MailFile]:
    """What would have gone with a mail that was taken back."""
    return list(MailFile.objects.filter(line__mail=mail))


def openable(user: Any, files: list[MailFile]) -> set[int]:
    """The ids of the files that the user may open."""
    ids = [each.file_id for each in files if each.file_id]
    return set(Attachment.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()


def mails_that_wait(file: Attachment) -> bool:
    """Would a mail that has not left yet lack this file?"""
    waiting = (OutgoingMail.State.QUEUED, OutgoingMail.State.SENDING, OutgoingMail.State.HELD)
    return MailFile.objects.filter(file=file, line__mail__state__in=waiting).exists()
