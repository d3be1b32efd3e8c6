"""Activity by rep: what people wrote on timelines and got done."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from activities.models import Activity, Task
from crm.core.arms import count_by, counted_conditions, parted
from reports.selectors.drill import records_url
from reports.selectors.results import Chart, Figure, Measure, Params, Records, ReportResult, Row

SLUG = "activity-by-rep"
KINDS = {"notes": Activity.Kind.NOTE, "calls": Activity.Kind.CALL, "meetings": Activity.Kind.MEETING, "mails": Activity.Kind.EMAIL}
MEASURES = (
    Measure("notes", _("Notes"), "count", _("Notes written on the timelines of records that you may see.")),
    Measure("calls", _("Calls"), "count", _("Calls logged there.")),
    Measure("meetings", _("Meetings"), "count", _("Meetings held with them.")),
    Measure("tasks", _("Tasks done"), "count", _("Tasks ticked off, with or without a record.")),
    Measure("mails", _("E-mails"), "count", _("E-mails sent by the person; automatic ones are not counted.")),
)


def lines_of(params: Params) -> QuerySet:
    """Timeline lines that a person wrote in the period, whoever may see them."""
    wanted = params.between("at") & _person("actor", params) & Q(kind__in=[kind.value for kind in KINDS.values()])
    if params.pipeline:
        wanted &= Q(deal__pipeline=params.pipeline)
    return Activity.objects.alive().filter(wanted)


def tasks_of(user: Any, params: Params) -> QuerySet:
    """Visible tasks that somebody ticked off in the period."""
    tasks = Task.objects.visible_to(user).filter(params.between("done_at"), _person("done_by", params), done_at__isnull=False)
    return tasks.filter(deal__pipeline=params.pipeline) if params.pipeline else tasks


def _person(name: str, params: Params) -> Q:
    """Who did it: the person asked for, members of the team asked for."""
    if params.owner == "none":
        return Q(pk__in=[])  # what nobody did is nobody's activity
    q = Q(**{f"{name}_id__isnull": False})
    if params.owner is not None:
        q &= Q(**{f"{name}_id": params.owner.pk})
    if params.team is not None:
        q &= Q(**{f"{name}__team_id__in": params.teams})
    return q


def activity_by_rep(user: Any, params: Params) -> ReportResult:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    measure_of = {kind.value: name for name, kind in KINDS.items()}
    for actor, kind, count in count_by(lines_of(params), ("actor_id", "kind"), counted_conditions(user, "view", Activity)):
        counts[actor][measure_of[kind]] = counts[actor].get(measure_of[kind], 0) + count
    for actor, count in tasks_of(user, params).order_by().values_list("done_by_id").annotate(count=Count("*")):
        counts[actor]["tasks"] = count
    people = get_user_model().objects.visible_to(user).filter(pk__in=counts).order_by("name", "pk")
    rows = [Row(str(person.pk), str(person), _figures(params, counts[person.pk], str(person.pk))) for person in people]
    sums = {measure.name: sum(row.get(measure.name, 0) for row in counts.values()) for measure in MEASURES}
    return ReportResult(
        _("Person"),
        MEASURES,
        tuple(rows),
        _figures(params, sums, ""),
        Chart(_("Activities by person"), "stacked", tuple(measure.name for measure in MEASURES)),
        tuple(measure.name for measure in MEASURES),
    )


def _figures(params: Params, counts: dict[str, int], key: str) -> tuple[Figure, ...]:
    return tuple(Figure(counts.get(measure.name, 0), drill(params, measure.name, key)) for measure in MEASURES)


def drill(params: Params, measure: str, key: str) -> str:
    return records_url(SLUG, params, measure, key)


def records(user: Any, params: Params, measure: str, key: str) -> Records | None:
    """The lines or tasks behind one figure of one person (key "": of all)."""
    name = next((str(each.label) for each in MEASURES if each.name == measure), "")
    person = None
    if key:
        person = get_user_model().objects.visible_to(user).filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    if not name or (key and person is None):
        return None
    label = f"{name}, {person}" if person else name
    if measure == "tasks":
        tasks = tasks_of(user, params)
        return Records((tasks.filter(done_by=person) if person else tasks,), Task, "done_at", "tasks", label)
    lines = lines_of(params).filter(kind=KINDS[measure].value, **({"actor": person} if person else {}))
    return Records(tuple(parted(lines, counted_conditions(user, "view", Activity))), Activity, "at", "lines", label)
