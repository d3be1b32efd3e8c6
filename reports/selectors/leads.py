"""Leads by source: what each source brought, how much of it was converted, and what that was worth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.models import Source
from deals.models import Deal
from leads.models import Lead, LeadStatus
from reports.selectors.drill import leads_url, records_url
from reports.selectors.results import ZERO, Chart, Figure, Measure, Params, Records, ReportResult, Row, cents, share

SLUG = "leads-by-source"
CONVERTED = LeadStatus.Kind.CONVERTED
MEASURES = (
    Measure("leads", _("Leads"), "count", _("Leads created in the period, whatever became of them.")),
    Measure("converted", _("Converted"), "count", _("Those of them that are converted by now.")),
    Measure("rate", _("Conversion"), "percent", _("Converted leads in per cent of all leads of the row.")),
    Measure(
        "revenue",
        _("Won revenue"),
        "money",
        _("Amounts of the won deals that came out of these leads, in the organisation's currency; a deal from several leads counts once, with the first."),
    ),
)


def leads_of(user: Any, params: Params) -> QuerySet:
    return Lead.objects.visible_to(user).filter(params.between("created_at"), params.owned())


def won_deals_of(user: Any, params: Params) -> QuerySet:
    """Visible won deals that came out of these leads, each with the `lead_source` of its first such lead."""
    deals = Deal.objects.visible_to(user).filter(status=Deal.Status.WON)
    if params.pipeline:
        deals = deals.filter(pipeline=params.pipeline)
    first = leads_of(user, params).filter(converted_deal=OuterRef("pk")).order_by("pk")
    return deals.filter(Exists(first)).annotate(lead_source=Subquery(first.values("source_id")[:1]))


def leads_by_source(user: Any, params: Params) -> ReportResult:
    # Statuses apart, and counted by a column that is never empty: then one index has all that is asked.
    converted_by = Q(status__in=LeadStatus.objects.filter(kind=CONVERTED).order_by().values("pk"))
    counts = leads_of(user, params).order_by().values("source_id").annotate(leads=Count("*"), converted=Count("created_at", filter=converted_by))
    found = {row["source_id"]: (row["leads"], row["converted"]) for row in counts}
    revenue = _revenue(user, params)
    names = dict(
        Source.objects.visible_to(user).filter(Q(active=True) | Q(pk__in=[pk for pk in found if pk])).order_by("position", "pk").values_list("pk", "name")
    )
    if None in found:
        names[None] = gettext("No source")
    rows = []
    for pk, name in names.items():
        leads, converted = found.get(pk, (0, 0))
        rows.append(Row(_key(pk), name, _figures(params, leads, converted, revenue.get(pk, ZERO), _key(pk))))
    totals = [sum(pair[position] for pair in found.values()) for position in (0, 1)]
    return ReportResult(
        _("Source"),
        MEASURES,
        tuple(rows),
        _figures(params, *totals, sum(revenue.values(), ZERO), ""),
        Chart(_("Leads and converted leads by source"), "bars", ("leads", "converted")),
        ("leads", "converted", "rate", "revenue"),
    )


def _revenue(user: Any, params: Params) -> dict[int | None, Decimal]:
    """Won amount by source, each deal with its first lead: two sets joined once, however many rows there are."""
    leads = leads_of(user, params).filter(converted_deal__isnull=False)
    earlier = leads.filter(converted_deal=OuterRef("converted_deal"), pk__lt=OuterRef("pk"))
    won = Deal.objects.visible_to(user).filter(status=Deal.Status.WON)
    if params.pipeline:
        won = won.filter(pipeline=params.pipeline)
    rows = leads.filter(~Exists(earlier), converted_deal__in=won.values("pk")).order_by()
    return {row["source_id"]: cents(row["amount"]) for row in rows.values("source_id").annotate(amount=Sum("converted_deal__amount_home"))}


def _key(pk: int | None) -> str:
    return "none" if pk is None else str(pk)


def _figures(params: Params, leads: int, converted: int, revenue: Decimal, key: str) -> tuple[Figure, ...]:
    values = (leads, converted, share(converted, leads), revenue)
    return tuple(Figure(value, drill(params, measure.name, key)) for measure, value in zip(MEASURES, values, strict=True))


def drill(params: Params, measure: str, key: str) -> str:
    if measure == "revenue":
        return records_url(SLUG, params, measure, key)
    return leads_url(params, source=key, state="" if measure == "leads" else CONVERTED.value)


def records(user: Any, params: Params, measure: str, key: str) -> Records | None:
    """The won deals behind the revenue of one source (key "": of all)."""
    if measure != "revenue":
        return None
    deals, label = won_deals_of(user, params), gettext("Won deals from leads")
    if key == "none":
        deals, label = deals.filter(lead_source__isnull=True), f"{label}, {gettext('No source')}"
    elif key:
        source = Source.objects.visible_to(user).filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
        if source is None:
            return None
        deals, label = deals.filter(lead_source=source.pk), f"{label}, {source}"
    return Records((deals,), Deal, "closed_at", "deals", label)
