"""The timeline is written here, and only here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from activities.models import Activity
from activities.services.follows import tell_followers
from activities.services.responses import answered_by, refresh_responses
from activities.services.subjects import Touched, fill_parents, ids_of, most_specific, refresh_last_activity, subject_name, touched
from crm.core.access import can, may_add
from crm.core.copying import Blank, insert_rows
from crm.core.words import remember
from crm.core.writes import StaleRecord, lock

MAX_BODY, MAX_OUTCOME, MAX_MINUTES = 20_000, 200, 24 * 60


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def write_lines(rows: Sequence[dict[str, Any]]) -> list[Activity]:
    """Write what happened. Keys: kind, verb, the subjects (company, contact, lead, deal or ..._id), actor or actor_id, at, body, data,
    task, meeting, mail, submission. Parents are filled in. Rows without a subject are left out: they have no timeline."""
    links = [ids_of(row) for row in rows]
    kinds = [row.get("subject_type") or most_specific(ids) for row, ids in zip(rows, links, strict=True)]
    fill_parents(links)
    blank = Blank(Activity)
    lines = [blank(_line(row, ids, kind)) for row, ids, kind in zip(rows, links, kinds, strict=True) if kind]
    _fold([line for line in lines if line.body])
    written = insert_rows(lines)
    refresh_last_activity(touched(line for line in written if line.kind != Activity.Kind.CHANGE))
    refresh_responses(answered_by(written))
    tell_followers(written)
    return written


def _fold(lines: list[Activity]) -> None:
    for line in lines:
        line.fold()
    remember(lines)


def write_line(**row: Any) -> Activity | None:
    """One line; see write_lines."""
    written = write_lines([row])
    return written[0] if written else None


def _line(row: dict[str, Any], ids: dict[str, Any], subject_type: str) -> dict[str, Any]:
    actor, at = row.get("actor"), row.get("at")
    values = {
        "kind": row["kind"],
        "verb": row["verb"],
        "body": row.get("body", "").replace("\x00", "")[:MAX_BODY],
        "data": row.get("data") or {},
        "actor_id": actor.pk if actor is not None else row.get("actor_id"),
        "at": at if isinstance(at, datetime) else timezone.now(),
        "subject_type": subject_type,
    }
    values |= {f"{name}_id": pk for name, pk in ids.items() if pk}
    return values | {name: row[name] for name in ("task", "meeting", "mail", "submission") if row.get(name) is not None}


def check_may_write(record: Any, actor: Any) -> None:
    """People write on records that they see, if their role lets them make entries at all."""
    from activities.models import Task

    if actor is not None and not (may_add(actor, Task) and can(actor, "view", record)):
        raise ValidationError(_("You may not add entries here."), code="forbidden")


@transaction.atomic
def add_note(record: Any, *, body: str, actor: Any) -> Activity:
    """A note on a company, contact, lead or deal; `body` is Markdown."""
    check_may_write(record, actor)
    line = write_line(kind=Activity.Kind.NOTE, verb="added", actor=actor, body=_filled(body), **{subject_name(record): record})
    assert line is not None
    return line


@transaction.atomic
def log_call(record: Any, *, actor: Any, outcome: str = "", minutes: int | None = None, body: str = "", at: datetime | None = None) -> Activity:
    """A call that was made. `outcome` is one of CALL_OUTCOMES or free text."""
    check_may_write(record, actor)
    data = call_data(outcome, minutes)
    line = write_line(kind=Activity.Kind.CALL, verb="called", actor=actor, at=at, body=body, data=data, **{subject_name(record): record})
    assert line is not None
    return line


def call_data(outcome: str, minutes: int | None) -> dict[str, Any]:
    if minutes is not None and not 0 <= minutes <= MAX_MINUTES:
        raise ValidationError({"minutes": [_("Enter minutes from 0 to 1440.")]})
    return {"outcome": outcome.replace("\x00", "")[:MAX_OUTCOME], **({"minutes": minutes} if minutes else {})}


def _filled(body: str) -> str:
    body = body.strip()
    if not body:
        raise ValidationError({"body": [_("Write something first.")]})
    if len(body) > MAX_BODY:
        raise ValidationError({"body": [_("This is too long: at most 20,000 characters.")]})
    return body


def may_correct(line: Activity, user: Any) -> bool:
    """Notes and calls are corrected by who wrote them."""
    return line.kind in (Activity.Kind.NOTE, Activity.Kind.CALL) and line.actor_id == user.pk and line.deleted_at is None


@transaction.atomic
def correct_line(line: Activity, *, actor: Any, body: str, data: dict[str, Any] | None = None, version: int | None = None) -> Activity:
    """The author rewrites a note or a call. StaleRecord when it has been rewritten since `version`."""
    row = _own(line, actor)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    row.body = _filled(body) if row.kind == Activity.Kind.NOTE else body.strip()[:MAX_BODY]
    row.data = {**row.data, **(data or {})}
    row.edited_at, row.version = timezone.now(), row.version + 1
    _fold([row])
    row.save(update_fields=["body", "search_text", "data", "edited_at", "version"])
    return row


@transaction.atomic
def delete_line(line: Activity, *, actor: Any) -> None:
    """The author takes back a note or a call."""
    row = _own(line, actor)
    row.deleted_at = timezone.now()
    row.save(update_fields=["deleted_at"])
    refresh_last_activity(touched([row]))
    refresh_responses(answered_by([row]))


@transaction.atomic
def restore_line(pk: int, *, actor: Any) -> bool:
    """Undo of delete_line: only who deleted it, that is its author. False when there is nothing to take back."""
    kinds = (Activity.Kind.NOTE, Activity.Kind.CALL)
    row = Activity._base_manager.select_for_update().filter(pk=pk, actor=actor, kind__in=kinds, deleted_at__isnull=False).first()
    if row is None:
        return False
    row.deleted_at = None
    row.save(update_fields=["deleted_at"])
    refresh_last_activity(touched([row]))
    refresh_responses(answered_by([row]))
    return True


def _own(line: Activity, actor: Any) -> Activity:
    row = lock(line)
    if actor is not None and not may_correct(row, actor):
        raise ValidationError(_("Only who wrote this can change it."), code="forbidden")
    return row


@transaction.atomic
def repoint_lines(lead: Any, links: dict[str, Any]) -> Touched:
    """A converted lead's lines also belong to what became of it (those that name another contact or deal keep it)."""
    subjects: Touched = {"lead": {lead.pk}}
    for name, obj in links.items():
        if obj is not None:
            Activity.objects.filter(lead=lead, **{f"{name}__isnull": True}).update(**{name: obj})
            subjects[name] = {obj.pk}
    refresh_last_activity(subjects)
    return subjects
