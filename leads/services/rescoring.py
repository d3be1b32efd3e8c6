"""The rules of the score, and the run that scores all leads anew when they change: in the worker, chunk by chunk, going on where it was interrupted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm.core.settings_services import delete_setting, save_setting
from leads.models import Lead, ScoreRule, ScoreRun
from leads.services.leads import rescore_rows
from leads.services.scoring import FACTS, Op, forget_rules, number_of

Values = Mapping[str, Any]
CHUNK = 1000
SECONDS = 8.0  # per call; the next beat goes on
DEFAULTS = (
    ("email", "filled", "", 10),
    ("business_email", "filled", "", 15),
    ("phone", "filled", "", 15),
    ("company_name", "filled", "", 15),
    ("job_title", "filled", "", 10),
    ("full_name", "filled", "", 5),
    ("website", "filled", "", 5),
    ("message_length", "at_least", "40", 10),
    ("message_length", "at_least", "200", 5),
    ("source", "filled", "", 5),
    ("campaign", "filled", "", 5),
)


def default_rules(model: Any) -> list[Any]:
    """What a new installation starts with, as unsaved rows of `model`."""
    return [model(field=field, op=op, value=value, points=points, position=place) for place, (field, op, value, points) in enumerate(DEFAULTS)]


@transaction.atomic
def create_score_rule(values: Values, *, actor: Any) -> ScoreRule:
    """A new rule; all leads are scored anew in the background."""
    rule = save_setting(ScoreRule, _checked(values), actor=actor)
    start_scoring()
    return rule


@transaction.atomic
def update_score_rule(rule: ScoreRule, values: Values, *, actor: Any) -> ScoreRule:
    changed = save_setting(ScoreRule, _checked(values), actor=actor, obj=rule)
    start_scoring()
    return changed


@transaction.atomic
def delete_score_rule(rule: ScoreRule, *, actor: Any) -> None:
    delete_setting(rule, actor=actor)
    start_scoring()


def _checked(values: Values) -> dict[str, Any]:
    clean = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    field, op, value = clean.get("field"), clean.get("op"), clean.get("value", "")
    if field not in FACTS:
        raise ValidationError({"field": [_("Choose a field.")]})
    if op in (Op.FILLED, Op.EMPTY):
        clean["value"] = ""
    elif not value:
        raise ValidationError({"value": [_("Enter a value to compare with.")]})
    elif op == Op.AT_LEAST and not FACTS[field].number:
        raise ValidationError({"op": [_("This field is no number. Choose another comparison.")]})
    elif op == Op.AT_LEAST and number_of(value) is None:
        raise ValidationError({"value": [_("Enter a number.")]})
    if clean.get("points") == 0:
        raise ValidationError({"points": [_("Enter points from -100 to 100, not 0.")]})
    return clean


def start_scoring() -> None:
    """Score all leads anew, from the first; a run on its way starts over."""
    ScoreRun.objects.update_or_create(pk=1, defaults={"cursor": 0})
    forget_rules()
    transaction.on_commit(forget_rules)


def score_on(seconds: float = SECONDS) -> int:
    """Go on with the run, if there is one, for some seconds; how many scores differed."""
    end, changed = time.monotonic() + seconds, 0
    while (found := _score_chunk()) is not None:
        changed += found
        if time.monotonic() >= end:
            break
    return changed


@transaction.atomic
def _score_chunk() -> int | None:
    """One chunk and the new cursor in one transaction: a killed worker loses nothing, a second one finds the row taken. None: nothing to do."""
    run = ScoreRun.objects.select_for_update(skip_locked=True).filter(pk=1, cursor__isnull=False).first()
    if run is None:
        return None
    forget_rules()
    rows = list(Lead._base_manager.filter(pk__gt=run.cursor).order_by("pk").select_for_update(no_key=True)[:CHUNK])
    changed = rescore_rows(rows)
    run.cursor = rows[-1].pk if len(rows) == CHUNK else None
    run.save(update_fields=["cursor"])
    return changed
