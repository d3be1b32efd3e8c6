"""Making, changing and deleting deals. Stages are changed by moves.py alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.services.rows import Values, check_links, each_row, tidy
from crm.core.bin import delete_records
from crm.core.copying import insert_rows
from crm.core.writes import change_each, change_record, create_records, lock
from deals.models import Deal, Pipeline, Stage, StageChange
from deals.services.moves import enter, move_deal, tell_outcome
from users.selectors import organisation

MOVING = ("pipeline", "stage", "lost_reason", "lost_note")
LINKS = ("company", "contact")


@transaction.atomic
def create_deals(rows: Sequence[Values], *, actor: Any) -> list[Deal]:
    """Make deals, all or none. Without `stage`: the first open one of `pipeline`, without that of the first pipeline.

    A deal made in a lost stage needs `lost_reason`. Currency: the organisation's. ValidationError by field for one row, RowErrors for many.
    """
    currency = organisation().currency
    stages = list(
        Stage.objects.filter(pipeline__archived_at__isnull=True).select_related("pipeline").order_by("pipeline__position", "pipeline_id", "position", "pk")
    )
    prepared = each_row(rows, lambda row: _new_row(row, stages, currency))
    check_links(Deal, prepared, LINKS, actor)
    made = create_records(Deal, prepared, actor=actor)
    changes = [StageChange(deal=deal, old_stage=None, new_stage=deal.stage, amount_home=deal.amount_home, by=actor, at=deal.stage_since) for deal in made]
    insert_rows(changes)
    tell_outcome(made, actor)
    return made


def create_deal(values: Values, *, actor: Any) -> Deal:
    return create_deals([values], actor=actor)[0]


@transaction.atomic
def update_deal(deal: Deal, changes: Values, *, actor: Any, version: int | None = None) -> Deal:
    """Change fields; `stage` among them is a move (with `lost_reason`, `lost_note`). StaleRecord when `version` is old."""
    row = lock(deal) if changes.keys() & {"close_date", *MOVING} else deal
    changes = _checked(changes, {organisation().currency, row.currency} if "currency" in changes else set())
    moving = {name: changes.pop(name) for name in MOVING if name in changes}
    links = {name: changes.get(name) for name in LINKS if getattr(changes.get(name), "pk", None) != getattr(row, f"{name}_id")}
    check_links(Deal, [links], LINKS, actor)
    if changes.get("amount") is not None:
        changes["amount_home"] = changes["amount"]
    if _is_pushed(row.close_date, changes.get("close_date")):
        changes["close_date_pushes"] = row.close_date_pushes + 1
    row = change_record(row, changes, actor=actor, version=version)
    stage = _stage_of(moving, row)
    if stage is not None and stage.pk != row.stage_id:
        reason, note = moving.get("lost_reason"), moving.get("lost_note") or ""
        return move_deal(row, stage, actor=actor, lost_reason=reason, lost_note=note)
    return _correct_loss(row, moving, actor)


@transaction.atomic
def change_deals(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Set `data["changes"]` (not the stage: that is a move) on deals; returns how many differ. A close date that is put off counts as a push."""
    changes = _checked(data["changes"], set())
    check_links(Deal, [changes], LINKS, actor)
    if "amount" in changes:
        changes["amount_home"] = changes["amount"]
    rows = dict.fromkeys(ids, changes)
    new = changes.get("close_date")
    if new is not None:
        later = Deal.objects.filter(pk__in=list(rows), close_date__lt=new).select_for_update().order_by("pk")
        rows |= {pk: {**changes, "close_date_pushes": pushes + 1} for pk, pushes in later.values_list("pk", "close_date_pushes")}
    return change_each(Deal, rows, actor=actor)


def delete_deals(ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Into the bin, out of the board and of all sums until restored."""
    return delete_records(Deal, ids, actor=actor, group=group)


def _new_row(values: Values, stages: Sequence[Stage], currency: str) -> Values:
    values = _checked(values, {currency})
    reason, note = values.pop("lost_reason", None), values.pop("lost_note", "") or ""
    pipeline, stage = values.pop("pipeline", None), values.pop("stage", None)
    if stage is None:
        mine = [each for each in stages if pipeline is None or each.pipeline_id == pipeline.pk]
        stage = next((each for each in mine if each.kind == Stage.Kind.OPEN), None)
    else:
        stage = next((each for each in stages if each.pk == stage.pk), None)
    if stage is None or (pipeline is not None and stage.pipeline_id != pipeline.pk):
        raise ValidationError({"stage": [_("Choose a stage of this pipeline.")]})
    draft = Deal()
    enter(draft, stage, reason, note)
    closed_at = values.pop("closed_at", None)  # an import knows when the deal was closed, a form does not
    if closed_at is not None and draft.closed_at is not None:
        draft.closed_at = min(closed_at, timezone.now())
    entered = {name: getattr(draft, name) for name in ("stage", "status", "closed_at", "lost_reason", "lost_note")} | {"pipeline": stage.pipeline}
    amount = values.get("amount") or 0
    return {"stage_since": draft.closed_at or draft.stage_since, **values, **entered, "amount": amount, "amount_home": amount, "currency": currency}


def _checked(values: Values, currencies: set[str]) -> Values:
    """Tidy values; the only currency until exchange rates are known is the organisation's (and the one that a deal has already)."""
    values = tidy(values, {})
    if values.get("currency") and values["currency"] not in currencies:
        raise ValidationError(
            {"currency": [_("Only %(currency)s is possible: there are no exchange rates yet.") % {"currency": ", ".join(sorted(currencies))}]}
        )
    if "amount" in values:
        try:
            values["amount"] = Deal._meta.get_field("amount").clean(values["amount"] or 0, None)
        except ValidationError as error:
            raise ValidationError({"amount": error}) from None
    return values


def _is_pushed(old: Any, new: Any) -> bool:
    return old is not None and new is not None and new > old


def _stage_of(moving: Values, row: Deal) -> Stage | None:
    """The stage to move to; None: stay."""
    pipeline: Pipeline | None = moving.get("pipeline")
    stage: Stage | None = moving.get("stage")
    if stage is not None and pipeline is not None and stage.pipeline_id != pipeline.pk:
        raise ValidationError({"stage": [_("Choose a stage of this pipeline.")]})
    if stage is None and pipeline is not None and pipeline.pk != row.pipeline_id:
        raise ValidationError({"stage": [_("Choose a stage of this pipeline.")]})
    return stage


def _correct_loss(row: Deal, moving: Values, actor: Any) -> Deal:
    """A lost deal may get another reason or note; an open or won one has neither."""
    if row.status != Deal.Status.LOST:
        return row
    wanted = {name: moving[name] for name in ("lost_reason", "lost_note") if name in moving}
    if "lost_reason" in wanted and wanted["lost_reason"] is None:
        raise ValidationError({"lost_reason": [_("Say why the deal was lost.")]})
    return change_record(row, wanted, actor=actor) if wanted else row
