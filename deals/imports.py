"""What an import knows of deals beyond their form: stages by name, won and lost by state, when they were closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.imports.parsers import parse_moment
from crm.core.imports.targets import compact
from crm.core.records import ImportColumn, Importing, Same
from crm.core.text import sort_key
from deals.models import Stage
from deals.selectors import catalog
from deals.services import create_deals

Values = dict[str, Any]
# How other programs call the two ends.
ENDS = {"won": Stage.Kind.WON, "closedwon": Stage.Kind.WON, "gewonnen": Stage.Kind.WON, "lost": Stage.Kind.LOST, "closedlost": Stage.Kind.LOST}
ENDS |= {"verloren": Stage.Kind.LOST}


def finish(user: Any) -> Callable[[Values], Values]:
    """Names of pipeline, stage, state and lost reason become rows; the catalogue is read once per chunk."""
    found = catalog()
    reasons = {compact(reason.name): reason for reason in found.reasons}

    def values_of(values: Values) -> Values:
        stage, state, reason = (values.pop(name, "") for name in ("stage", "status", "lost_reason"))
        pipelines = _pipelines(found, values.pop("pipeline", ""))
        chosen = _stage(found, pipelines, stage, state)
        if chosen is not None:
            values["stage"] = chosen
        elif pipelines:
            values["pipeline"] = pipelines[0]
        if chosen is not None and chosen.kind == Stage.Kind.LOST:
            values["lost_reason"] = reasons.get(compact(reason)) if reason else None
            if reason and values["lost_reason"] is None:
                raise ValidationError({"lost_reason": [gettext("“%(text)s” is none of the lost reasons.") % {"text": reason[:60]}]})
        else:
            values.pop("lost_note", None)
        return values

    return values_of


def _pipelines(found: Any, name: str) -> list[Any]:
    """The one that is named, else all that are offered."""
    offered = found.active()
    if not name:
        return offered
    named = [each for each in offered if compact(each.name) == compact(name)]
    if not named:
        raise ValidationError({"pipeline": [gettext("No pipeline is called “%(text)s”.") % {"text": name[:60]}]})
    return named[:1]


def _stage(found: Any, pipelines: list[Any], name: str, state: str) -> Stage | None:
    """By its name, else as one of the two ends, else (None) the first one of the pipeline. A state of won or lost beats an open stage."""
    stages = [stage for pipeline in pipelines for stage in found.stages_of(pipeline.pk)]
    chosen = next((stage for stage in stages if compact(stage.name) == compact(name)), None) if name else None
    end = ENDS.get(compact(state)) or (ENDS.get(compact(name)) if chosen is None else None)
    if end is not None and (chosen is None or chosen.kind == Stage.Kind.OPEN):
        home = chosen.pipeline_id if chosen is not None else pipelines[0].pk if pipelines else None
        return found.closing(home, end)
    if name and chosen is None:
        names = ", ".join(dict.fromkeys(stage.name for stage in stages))
        raise ValidationError({"stage": [gettext("“%(text)s” is no stage here. Possible: %(choices)s.") % {"text": name[:60], "choices": names[:300]}]})
    return chosen


def _same_deal(values: Values) -> tuple[str, int] | None:
    """The same name at the same company; a name alone ("Renewal") says nothing."""
    company = values.get("company")
    return (sort_key(values.get("name") or ""), company.pk) if company is not None else None


DEAL = Importing(
    create=create_deals,
    columns=(
        ImportColumn(key="pipeline", label=_("Pipeline")),
        ImportColumn(key="stage", label=_("Stage")),
        ImportColumn(key="status", label=_("State (open, won, lost)")),
        ImportColumn(key="currency", label=_("Currency"), parse=lambda text: text.strip().upper()),
        ImportColumn(key="closed_at", label=_("Closed"), parse=parse_moment),
        ImportColumn(key="lost_reason", label=_("Lost reason")),
        ImportColumn(key="lost_note", label=_("Note on the loss")),
        ImportColumn(key="description", label=_("Description"), many=True),
    ),
    synonyms={
        "name": "deal name, opportunity name, title, potential name, name, bezeichnung, titel",
        "company": "company, organization, account name, account, firma, unternehmen, associated company",
        "contact": "contact, contact person, contact name, kontakt, ansprechpartner, associated contact",
        "amount": "amount, value, deal value, betrag, wert, summe",
        "currency": "currency, currency of value, currency iso code, wahrung",
        "close_date": "expected close date, close date, closing date, closedate, abschlussdatum",
        "closed_at": "closed, won time, lost time, closed at, abgeschlossen am",
        "stage": "deal stage, stage, stage name, stagename, phase, stufe",
        "status": "status, state",
        "source": "lead source, source, leadsource, quelle",
        "lost_reason": "lost reason, closed lost reason, verlustgrund",
        "owner": "deal owner, opportunity owner",
        "description": "notes, description, notizen, bemerkung",
    },
    prefixes=("deal", "opportunity", "potential"),
    finish=finish,
    same=(Same(fields=("sort_name", "company_id"), key=_same_deal),),
    makes={"company": "name"},
)
