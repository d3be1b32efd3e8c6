"""Meetings from a calendar's file: kept until it is looked at, then made once per UID."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import CalendarUpload, Meeting
from activities.services.calendar_files import Entry, Found, read
from activities.services.meetings import create_meetings

MOST_BYTES = 1_000_000
FORGOTTEN = timedelta(days=1)


def text_of(data: bytes) -> str:
    """UTF-8 as the standard wants it, UTF-16 with its mark, else what Windows wrote."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


@transaction.atomic
def keep_upload(name: str, data: bytes, *, actor: Any) -> CalendarUpload:
    """Keep a file until its meetings are made; the actor's earlier one goes, and so do forgotten ones. ValidationError at "file" for one that is
    too large or no calendar."""
    if len(data) > MOST_BYTES:
        raise ValidationError({"file": [_("This file is larger than 1 MB. Export a shorter span of time.")]})
    body = text_of(data).replace("\x00", "")
    try:
        read(body, zone=actor.zone, now=timezone.now())
    except ValidationError as error:
        raise ValidationError({"file": error.messages}) from None
    CalendarUpload.objects.filter(Q(user=actor) | Q(created_at__lt=timezone.now() - FORGOTTEN)).delete()
    return CalendarUpload.objects.create(user=actor, name=" ".join(name.replace("\x00", "").split())[-120:], body=body)


def found_in(upload: CalendarUpload, *, actor: Any, now: datetime) -> tuple[Found, set[str]]:
    """What the file holds, and the keys of what the actor has made of it already."""
    found = read(upload.body, zone=actor.zone, now=now)
    return found, _there(found.entries, actor)


def _there(entries: Sequence[Entry], actor: Any) -> set[str]:
    """Those in the bin count as well: who deleted a meeting does not want it again."""
    keys = [entry.key for entry in entries]
    return set(Meeting._base_manager.filter(created_by=actor, import_key__in=keys).values_list("import_key", flat=True))


@transaction.atomic
def import_upload(upload: CalendarUpload, *, actor: Any) -> list[Meeting]:
    """Make meetings of what is new in the file. A second time, also at the same time, makes nothing."""
    get_user_model()._base_manager.select_for_update(no_key=True).get(pk=actor.pk)
    found, there = found_in(upload, actor=actor, now=timezone.now())
    rows = [
        {
            "title": entry.title,
            "location": entry.location,
            "description": entry.description,
            "starts_at": entry.starts_at,
            "ends_at": entry.ends_at,
            "import_key": entry.key,
        }
        for entry in found.entries
        if entry.key not in there
    ]
    CalendarUpload.objects.filter(pk=upload.pk).delete()
    return create_meetings(rows, actor=actor) if rows else []
