"""The one way a deal changes its stage and with it its status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.copying import CHUNK, insert_rows, update_rows
from crm.core.custom.writing import check_stage
from crm.core.events import emit
from crm.core.ledger import remember
from crm.core.writes import StaleRecord, lock, user_or_none
from deals.events import DealLost, DealMoved, DealWon
from deals.models import Deal, LostReason, Stage, StageChange

MOVED = ("pipeline", "stage", "status", "stage_since", "closed_at", "lost_reason", "lost_note", "version", "updated_at")
NOTE_LENGTH = Deal._meta.get_field("lost_note").max_length


@transaction.atomic
def move_deal(
    deal: Deal, stage: Stage, *, actor: Any, version: int | None = None, lost_reason: LostReason | None = None, lost_note: str = "", at: datetime | None = None
) -> Deal:
    """Put the deal into a stage, of another pipeline too: writes the history, closes or reopens it, tells others.

    A deal that is there already stays as it is, so that a double post does no harm. StaleRecord when somebody else moved it since
    `deal` was read, or when `version` is old. ValidationError: `lost_reason` is missing for a lost stage; the deal is in the bin.
    `at` is for imports, which know when it happened.
    """
    row = lock(deal)
    if row.deleted_at is not None:
        raise ValidationError(_("This is in the bin. Restore it first."), code="deleted")
    if row.stage_id == stage.pk:
        return row
    if row.stage_id != deal.stage_id or (version is not None and version != row.version):
        raise StaleRecord(row)
    _move([row], stage, actor, lost_reason, lost_note, at)
    return row


@transaction.atomic
def move_deals(ids: Iterable[int], stage: Stage, *, actor: Any, lost_reason: LostReason | None = None, lost_note: str = "") -> int:
    """Move those of the deals that the actor may change (all, for the system); returns how many were elsewhere before."""
    rows = Deal.objects.alive() if actor is None else Deal.objects.visible_to(actor, "change")
    rows = rows.filter(pk__in=list(ids)).exclude(stage=stage).select_for_update(of=("self",)).order_by("pk")
    found = list(rows)
    if found:
        _move(found, stage, actor, lost_reason, lost_note)
    return len(found)


def enter(row: Deal, stage: Stage, lost_reason: LostReason | None, lost_note: str, at: datetime | None = None) -> None:
    """Set everything that depends on the stage. ValidationError when a lost stage is entered without a reason."""
    now = min(at or timezone.now(), timezone.now())
    note = lost_note.replace("\x00", "").strip()
    if stage.kind == Stage.Kind.LOST and lost_reason is None:
        raise ValidationError({"lost_reason": [_("Say why the deal was lost.")]}, code="lost_reason")
    if len(note) > NOTE_LENGTH:
        raise ValidationError({"lost_note": [_("At most %(count)s characters.") % {"count": NOTE_LENGTH}]})
    # From won to lost the deal closes anew; reopening forgets when and why it was closed.
    row.closed_at = None if stage.kind == Stage.Kind.OPEN else now
    row.lost_reason, row.lost_note = (lost_reason, note) if stage.kind == Stage.Kind.LOST else (None, "")
    row.pipeline_id, row.stage, row.status, row.stage_since = stage.pipeline_id, stage, stage.kind, now


def _move(rows: Sequence[Deal], stage: Stage, actor: Any, lost_reason: LostReason | None, lost_note: str, at: datetime | None = None) -> None:
    """Locked rows, none of which is in the stage yet."""
    stage = Stage.objects.select_related("pipeline").get(pk=stage.pk)
    if stage.pipeline.archived_at is not None and any(row.pipeline_id != stage.pipeline_id for row in rows):
        raise ValidationError({"stage": [_("This pipeline is archived. Choose another one.")]})
    check_stage(rows, stage.pk, actor)
    old = Stage.objects.in_bulk({row.stage_id for row in rows})
    changes = []
    remember(rows, MOVED)
    for row in rows:
        before = old[row.stage_id]
        enter(row, stage, lost_reason, lost_note, at)
        row.version += 1
        row.updated_at = row.stage_since
        changes.append(StageChange(deal=row, old_stage=before, new_stage=stage, amount_home=row.amount_home, by=actor, at=row.stage_since))
    if len(rows) == 1:
        rows[0].save(update_fields=MOVED)
    else:
        update_rows(rows, MOVED)
    insert_rows(changes)
    for pk, before in old.items():
        _tell_move([change.deal for change in changes if change.old_stage_id == pk], before, stage, actor)
    tell_outcome(rows, actor)


@transaction.atomic
def moves_reverted(changes: dict[str, dict[str, Any]], actor_id: int | None) -> None:
    """A bulk change was undone ({deal id: {field: {"old", "new"}}}): the way back is part of the history, and told like the way there."""
    back = {int(pk): change["stage"]["old"] for pk, change in changes.items() if "stage" in change}
    rows = list(Deal.objects.filter(pk__in=back).select_related("stage", "lost_reason").order_by("pk"))
    stages, actor, at = Stage.objects.in_bulk({*back.values(), *(row.stage_id for row in rows)}), user_or_none(actor_id), timezone.now()
    insert_rows([StageChange(deal=row, old_stage_id=back[row.pk], new_stage=row.stage, amount_home=row.amount_home, by=actor, at=at) for row in rows])
    for was, now in {(back[row.pk], row.stage_id) for row in rows}:
        _tell_move([row for row in rows if (back[row.pk], row.stage_id) == (was, now)], stages[was], stages[now], actor)
    tell_outcome(rows, actor)


def _tell_move(rows: Sequence[Deal], old: Stage, new: Stage, actor: Any) -> None:
    about = {"old_stage_id": old.pk, "old_stage": old.name, "old_kind": old.kind, "new_stage_id": new.pk, "new_stage": new.name, "new_kind": new.kind}
    for start in range(0, len(rows), CHUNK):
        ids = tuple(row.pk for row in rows[start : start + CHUNK])
        emit(DealMoved(subject_ids=ids, actor_id=getattr(actor, "pk", None), **about))


def tell_outcome(rows: Sequence[Deal], actor: Any) -> None:
    """`deals.won` and `deals.lost` for those that are."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        won = [row for row in part if row.status == Deal.Status.WON]
        if won:
            emit(DealWon(**_about(won, actor)))
        for reason in {row.lost_reason for row in part if row.status == Deal.Status.LOST}:
            lost = [row for row in part if row.status == Deal.Status.LOST and row.lost_reason == reason]
            emit(DealLost(**_about(lost, actor), reason=reason.name if reason else "", note=lost[0].lost_note if len(lost) == 1 else ""))


def _about(rows: Sequence[Deal], actor: Any) -> dict[str, Any]:
    return {
        "subject_ids": tuple(row.pk for row in rows),
        "actor_id": getattr(actor, "pk", None),
        "amounts": {str(row.pk): str(row.amount_home) for row in rows},
    }
