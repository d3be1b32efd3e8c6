"""The set-up of pipelines: stages and why deals are lost. Only for admins."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.settings_services import locked, next_position, renumber, require_admin
from deals.models import Deal, LostReason, Pipeline, Stage, StageChange
from deals.selectors.catalog import forget_catalog
from deals.services.defaults import STAGES
from deals.services.moves import move_deals

Values = dict[str, Any]


@transaction.atomic
def create_pipeline(values: Values, *, actor: Any) -> Pipeline:
    """A pipeline with the usual stages, last in the order. ValidationError when the name is taken."""
    require_admin(actor)
    forget_catalog()
    pipeline = _save(Pipeline(position=next_position(Pipeline)), {"name": values.get("name")})
    for position, (name, probability, kind, color, days) in enumerate(STAGES):
        Stage.objects.create(pipeline=pipeline, name=name, position=position, probability=probability, kind=kind, color=color, stalled_after_days=days)
    return pipeline


@transaction.atomic
def update_pipeline(pipeline: Pipeline, values: Values, *, actor: Any) -> Pipeline:
    require_admin(actor)
    forget_catalog()
    return _save(locked(pipeline), {"name": values.get("name")})


@transaction.atomic
def archive_pipeline(pipeline: Pipeline, *, actor: Any) -> Pipeline:
    """No longer offered; its deals stay and can still be worked. The last one can't be archived."""
    require_admin(actor)
    forget_catalog()
    active = list(Pipeline.objects.select_for_update().filter(archived_at__isnull=True).order_by("pk"))
    if pipeline.pk not in [each.pk for each in active]:
        return pipeline
    if len(active) == 1:
        raise ValidationError(_("At least one pipeline must stay. Add another one first."))
    return _save(locked(pipeline), {"archived_at": timezone.now()})


@transaction.atomic
def reopen_pipeline(pipeline: Pipeline, *, actor: Any) -> Pipeline:
    require_admin(actor)
    forget_catalog()
    return _save(locked(pipeline), {"archived_at": None})


@transaction.atomic
def delete_pipeline(pipeline: Pipeline, *, actor: Any) -> None:
    """Only one that never held a deal, and not the last one; others are archived."""
    require_admin(actor)
    forget_catalog()
    active = list(Pipeline.objects.select_for_update().filter(archived_at__isnull=True).order_by("pk"))
    if Deal.objects.filter(pipeline=pipeline).exists() or _in_history(Stage.objects.filter(pipeline=pipeline)):
        raise ValidationError(_("Deals are or were in this pipeline. Archive it instead."))
    if [each.pk for each in active] == [pipeline.pk]:
        raise ValidationError(_("At least one pipeline must stay. Add another one first."))
    locked(pipeline).delete()


@transaction.atomic
def create_stage(values: Values, *, actor: Any) -> Stage:
    """A stage of `pipeline`; an open one comes before the closing ones."""
    require_admin(actor)
    forget_catalog()
    if values.get("pipeline") is None:
        raise ValidationError({"pipeline": [_("Choose one.")]})
    pipeline = locked(values["pipeline"])
    stage = _save(Stage(pipeline=pipeline, position=next_position(Stage)), _stage_values(values, Stage.Kind.OPEN))
    closing = lambda each: each.kind != Stage.Kind.OPEN  # noqa: E731
    renumber(sorted(pipeline.stages.all(), key=lambda each: (closing(each), each.position, each.pk)))
    return stage


@transaction.atomic
def update_stage(stage: Stage, values: Values, *, actor: Any) -> Stage:
    """Name, probability, kind, colour, stalled days. The kind of a stage that holds deals stays: their status hangs on it."""
    require_admin(actor)
    forget_catalog()
    stage = locked(stage)
    kind = values.get("kind") or stage.kind
    if kind != stage.kind and Deal.objects.filter(stage=stage).exists():
        raise ValidationError({"kind": [_("Deals are in this stage. Move them to another stage first.")]})
    if stage.kind == Stage.Kind.OPEN and kind != Stage.Kind.OPEN:
        _keep_one_open(stage)
    return _save(stage, _stage_values(values, stage.kind))


@transaction.atomic
def delete_stage(stage: Stage, *, actor: Any, move_to: Stage | None = None, lost_reason: LostReason | None = None) -> None:
    """Remove a stage. Its deals and their history go to `move_to`; ValidationError at `move_to` when it has some and none is named."""
    require_admin(actor)
    forget_catalog()
    stage = locked(stage)
    if stage.kind == Stage.Kind.OPEN:
        _keep_one_open(stage)
    if move_to is not None and (move_to.pk == stage.pk or move_to.pipeline_id != stage.pipeline_id):
        raise ValidationError({"move_to": [_("Choose another stage of this pipeline.")]})
    if move_to is None and is_used(stage):
        raise ValidationError({"move_to": [_("Choose the stage that takes over the deals and their history.")]})
    if move_to is not None:
        ids = Deal.objects.alive().filter(stage=stage).values_list("pk", flat=True)
        move_deals(list(ids), move_to, actor=actor, lost_reason=lost_reason)
        _move_deleted(stage, move_to, lost_reason)
        _rewrite_history(stage, move_to)
    stage.delete()


def is_used(stage: Stage) -> bool:
    """Deals are in the stage, in the bin too, or have passed through it."""
    return Deal.objects.filter(stage=stage).exists() or _in_history(Stage.objects.filter(pk=stage.pk))


def _in_history(stages: Any) -> bool:
    return StageChange.objects.filter(new_stage__in=stages).exists() or StageChange.objects.filter(old_stage__in=stages).exists()


def _move_deleted(stage: Stage, move_to: Stage, lost_reason: LostReason | None) -> None:
    """Deals in the bin go along quietly, so that they can be restored."""
    rows = Deal.objects.filter(stage=stage, deleted_at__isnull=False)
    if move_to.kind == Stage.Kind.OPEN:
        rows.update(stage=move_to, status=move_to.kind, closed_at=None, lost_reason=None, lost_note="")
    else:
        reason = lost_reason if move_to.kind == Stage.Kind.LOST else None
        rows.update(stage=move_to, status=move_to.kind, closed_at=timezone.now(), lost_reason=reason)


def _rewrite_history(stage: Stage, move_to: Stage) -> None:
    """Past moves name the stage that took over; moves that would then lead from it to itself are dropped."""
    StageChange.objects.filter(old_stage=stage, new_stage=move_to).delete()
    StageChange.objects.filter(old_stage=move_to, new_stage=stage).delete()
    StageChange.objects.filter(old_stage=stage).update(old_stage=move_to)
    StageChange.objects.filter(new_stage=stage).update(new_stage=move_to)


@transaction.atomic
def create_lost_reason(values: Values, *, actor: Any) -> LostReason:
    require_admin(actor)
    forget_catalog()
    return _save(LostReason(position=next_position(LostReason)), {"name": values.get("name"), "active": values.get("active", True)})


@transaction.atomic
def update_lost_reason(reason: LostReason, values: Values, *, actor: Any) -> LostReason:
    require_admin(actor)
    forget_catalog()
    return _save(locked(reason), {name: values[name] for name in ("name", "active") if name in values})


def _stage_values(values: Values, kind: str) -> Values:
    found = {name: values[name] for name in ("name", "kind", "probability", "stalled_after_days", "color") if name in values}
    kind = found.get("kind") or kind
    if kind != Stage.Kind.OPEN:  # certain either way, and never stalled
        found |= {"probability": 100 if kind == Stage.Kind.WON else 0, "stalled_after_days": None}
    elif found.get("probability", 0) is None:
        found["probability"] = 0
    return found


def _keep_one_open(stage: Stage) -> None:
    if not Stage.objects.filter(pipeline=stage.pipeline_id, kind=Stage.Kind.OPEN).exclude(pk=stage.pk).exists():
        raise ValidationError({"kind": [_("A pipeline needs at least one open stage.")]})


def _save(row: Any, values: Values) -> Any:
    """Set, validate, save. What two people do at the same moment is caught by the constraints and told like any other mistake."""
    for name, value in values.items():
        setattr(row, name, " ".join(str(value or "").split()) if name == "name" else value)
    row.full_clean(validate_constraints=False)
    _check_unique(row)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise ValidationError({"name": [_("Somebody has just made the same. Look at the list again.")]}) from None
    return row


def _check_unique(row: Any) -> None:
    others: Any = type(row).objects.exclude(pk=row.pk)
    if isinstance(row, Stage):
        others = others.filter(pipeline=row.pipeline_id)
        if row.kind != Stage.Kind.OPEN and others.filter(kind=row.kind).exists():
            raise ValidationError({"kind": [_("The pipeline has such a stage already.")]})
    if others.filter(name__iexact=row.name).exists():
        raise ValidationError({"name": [_("This name is taken. Choose another one.")]})
