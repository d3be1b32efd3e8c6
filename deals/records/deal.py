"""Deals as a record type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from crm.core import cells
from crm.core.bars import Tab
from crm.core.bulk.actions import EXPORT, assign_action, delete_action, fields_action, tag_action
from crm.core.columns import TAGS, created_html
from crm.core.records import Action, BulkAction, Column, Fact, RecordType, Section, Step, View
from crm.core.related import linked
from crm.core.steps import step_cell, step_html, step_text
from deals import imports, panels, selectors
from deals.filters import DealFilterSet, flat_stage_choices
from deals.forms import BulkMoveForm, DealForm
from deals.models import Deal, Stage
from deals.selectors.board import cents
from deals.services import (
    change_deals,
    create_deal,
    delete_deals,
    move_deals,
    update_deal,
)
from deals.views.cards import days_in_stage, is_stalled

WIDE = "d-none d-lg-table-cell"
WIDER = "d-none d-xl-table-cell"
STATUS_COLORS = {"open": "blue", "won": "green", "lost": "red"}


# ---- the page ----


def link(obj: Any) -> SafeString | str:
    return format_html('<a href="{}">{}</a>', obj.get_absolute_url(), str(obj)) if obj else ""


def subtitle(deal: Deal, ctx: Any) -> SafeString | str:
    parts = [part for part in (link(ctx.linked(deal, "company")), link(ctx.linked(deal, "contact"))) if part]
    return format_html_join(", ", "{}", ((part,) for part in parts))


def badges(deal: Deal, ctx: Any) -> list[Any]:
    """Status, and what is unhealthy about an open deal."""
    if deal.status != Deal.Status.OPEN:
        return [cells.badge(str(deal.get_status_display()), STATUS_COLORS[deal.status])]
    found = [cells.badge(str(deal.get_status_display()), STATUS_COLORS[deal.status])]
    if is_stalled(deal, ctx.linked(deal, "stage"), ctx):
        found.append(cells.badge(gettext("Stalled"), "amber", "history"))
    if deal.close_date and deal.close_date < ctx.today:
        found.append(cells.badge(gettext("Close date is over"), "red", "alert-triangle"))
    if deal.close_date_pushes >= 3:
        found.append(cells.badge(gettext("Close date moved %(count)s times") % {"count": deal.close_date_pushes}, "amber", "calendar-time"))
    return found


def actions(deal: Deal, ctx: Any) -> list[Action]:
    if not ctx.can("change", deal):
        return []
    catalog, move = selectors.catalog(), reverse("deals:move", args=[deal.pk])
    found = []
    won, lost = catalog.closing(deal.pipeline_id, Stage.Kind.WON), catalog.closing(deal.pipeline_id, Stage.Kind.LOST)
    if deal.status != Deal.Status.OPEN:
        if stage := selectors.previous_open_stage(deal):
            found.append(Action(_("Reopen"), "refresh", f"{move}?stage={stage.pk}", method="post"))
        return found
    if won:
        found.append(Action(_("Won"), "trophy", f"{move}?stage={won.pk}", primary=True, method="post", key="w"))
    if lost:
        found.append(Action(_("Lost"), "thumb-down", reverse("deals:lost", args=[deal.pk])))
    return found


def path(deal: Deal, ctx: Any) -> list[Step]:
    """The stages of the pipeline; the lost one only when the deal is there."""
    stages = [stage for stage in selectors.catalog().stages_of(deal.pipeline_id) if stage.kind != Stage.Kind.LOST or stage.pk == deal.stage_id]
    url = reverse("deals:move", args=[deal.pk]) if ctx.can("change", deal) else ""
    here = next((index for index, stage in enumerate(stages) if stage.pk == deal.stage_id), -1)
    steps = []
    for index, stage in enumerate(stages):
        before = index < here and deal.status != Deal.Status.LOST
        state = "current" if index == here else "done" if before else "next"
        steps.append(Step(stage.name, state, str(stage.pk), url))
    return steps


def strip(deal: Deal, ctx: Any) -> list[tuple[Any, Any]]:
    stage = selectors.catalog().stage(deal.stage_id)
    probability = stage.probability if stage else 0
    weighted = cents(deal.amount * Decimal(probability) / 100)
    parts: list[tuple[Any, Any]] = [(_("Amount"), money_html(deal.amount, deal, ctx))]
    if deal.status == Deal.Status.OPEN:
        days = days_in_stage(deal, ctx)
        parts += [
            (_("Weighted"), format_html("{} <small>{}%</small>", money_html(weighted, deal, ctx), probability)),
            (_("Expected close date"), close_html(deal, ctx)),
            (_("In this stage"), ngettext("%(days)s day", "%(days)s days", days) % {"days": days}),
            (_("Next step"), step_html(deal, ctx)),
        ]
    else:
        parts.append((_("Closed"), cells.time_html(deal.closed_at, ctx, style="date")))
    return parts


def money_html(amount: Any, deal: Deal, ctx: Any) -> str:
    return cells.format_money(amount, deal.currency, ctx.locale)


def close_html(deal: Deal, ctx: Any) -> SafeString | str:
    if deal.close_date is None:
        return format_html('<span class="t3">{}</span>', gettext("Not set"))
    pushed = ""
    if deal.close_date_pushes:
        text = ngettext("moved %(count)s time", "moved %(count)s times", deal.close_date_pushes) % {"count": deal.close_date_pushes}
        pushed = format_html(" <small>{}</small>", text)
    return format_html("{}{}", cells.date_html(deal.close_date, ctx, relative=False), pushed)


def owner_html(deal: Deal, ctx: Any) -> SafeString:
    owner = ctx.linked(deal, "owner")
    return cells.person(owner.name, owner.pk) if owner else format_html('<span class="t3">{}</span>', gettext("Unassigned"))


def tags_html(deal: Deal, ctx: Any) -> SafeString | str:
    return cells.tags_html(deal.tags.all())


def pipeline_html(deal: Deal, ctx: Any) -> SafeString | str:
    pipeline = selectors.catalog().pipeline(deal.pipeline_id)
    return format_html("{}", pipeline.name) if pipeline else ""


def loss_html(deal: Deal, ctx: Any) -> SafeString | str:
    reason = ctx.linked(deal, "lost_reason")
    return format_html("{}", reason.name) if reason else ""


# ---- the list ----


def stage_cell(deal: Deal, ctx: Any) -> SafeString:
    stage = ctx.linked(deal, "stage")
    return cells.badge_cell(stage.name, stage.color, WIDE) if stage else cells.td(cells.DASH, WIDE)


def name_cell(deal: Deal, ctx: Any) -> SafeString:
    company = ctx.linked(deal, "company")
    return cells.link_cell(ctx.url_of(deal), deal.name, str(company) if company else cells.format_money(deal.amount, deal.currency, ctx.locale))


def company_cell(deal: Deal, ctx: Any) -> SafeString:
    company = ctx.linked(deal, "company")
    return cells.ref_cell(ctx.url_of(company), str(company), WIDE) if company else cells.td(cells.DASH, WIDE)


def close_cell(deal: Deal, ctx: Any) -> SafeString:
    late = deal.status == Deal.Status.OPEN and deal.close_date is not None and deal.close_date < ctx.today
    return cells.date_cell(deal.close_date, ctx, WIDE, late=late)


def age_cell(deal: Deal, ctx: Any) -> SafeString:
    if deal.status != Deal.Status.OPEN:
        return cells.td(cells.DASH, f"r {WIDER}")
    days = days_in_stage(deal, ctx)
    if is_stalled(deal, ctx.linked(deal, "stage"), ctx):
        return cells.td(cells.badge(cells.said(gettext_noop("Stalled, %(days)s d"), ctx.locale) % {"days": days}, "amber", "history"), f"r {WIDER}")
    return cells.number_cell(days, ctx, WIDER)


def consequences(deal: Deal) -> list[str]:
    return [gettext("It disappears from the board and from all sums until you restore it.")]


def switch(request: Any) -> list[Tab]:
    return [Tab(_("Board"), reverse("deals:board"), False, "layout-kanban"), Tab(_("List"), reverse("deals:list"), True, "list")]


def move_rows(ids: Any, *, actor: Any, data: dict[str, Any]) -> int:
    return move_deals(ids, data["stage"], actor=actor, lost_reason=data["lost_reason"], lost_note=data["lost_note"])


MOVE = BulkAction(name="move", label=_("Move to stage"), icon="layout-kanban", run=move_rows, form=BulkMoveForm)


def _addresses(user: Any, deal: Deal) -> list[tuple[str, str]]:
    """Those of the deal's contact, if the reader may see them."""
    contact = linked(user, deal, "contact")
    return [(each.address, str(contact)) for each in contact.emails.all()] if contact is not None else []


DEAL = RecordType(
    slug="deals",
    model=Deal,
    icon="layout-kanban",
    label=_("Deal"),
    label_plural=_("Deals"),
    label_new=_("New deal"),
    avatar=False,
    form=DealForm,
    filterset=DealFilterSet,
    create=create_deal,
    update=update_deal,
    delete=delete_deals,
    mail_to=_addresses,
    importing=imports.DEAL,
    stage_choices=flat_stage_choices,
    search_placeholder=_("Deal, company, contact"),
    search_links=("company", "contact"),
    columns=(
        Column(name="name", label=_("Deal"), cell=name_cell, export=lambda deal, ctx: deal.name, sort="sort_name", links=("company",), edit=("name",)),
        Column(
            name="company",
            label=_("Company"),
            cell=company_cell,
            export=lambda deal, ctx: str(ctx.linked(deal, "company") or ""),
            css=WIDE,
            links=("company",),
            edit=("company",),
        ),
        Column(
            name="stage",
            label=_("Stage"),
            cell=stage_cell,
            export=lambda deal, ctx: stage.name if (stage := ctx.linked(deal, "stage")) else "",
            css=WIDE,
            links=("stage",),
            edit=("stage", "lost_reason", "lost_note"),
        ),
        Column(
            name="amount",
            label=_("Amount"),
            cell=lambda deal, ctx: cells.money_cell(deal.amount, deal.currency, ctx, WIDE),
            export=lambda deal, ctx: deal.amount,
            sort="amount_home",
            css=f"r {WIDE}",
            edit=("amount",),
        ),
        Column(
            name="close",
            label=_("Close date"),
            cell=close_cell,
            export=lambda deal, ctx: deal.close_date,
            sort="close_date",
            css=WIDE,
            edit=("close_date",),
        ),
        Column(name="next", label=_("Next step"), cell=step_cell, export=lambda deal, ctx: step_text(deal), sort="next_step_at", css="c-last"),
        Column(
            name="owner",
            label=_("Owner"),
            cell=lambda deal, ctx: cells.person_cell(ctx.linked(deal, "owner"), WIDE),
            export=lambda deal, ctx: str(ctx.linked(deal, "owner") or ""),
            css=WIDE,
            links=("owner",),
            edit=("owner",),
        ),
        Column(
            name="days",
            label=_("Days in stage"),
            cell=age_cell,
            export=lambda deal, ctx: days_in_stage(deal, ctx) if deal.status == Deal.Status.OPEN else "",
            sort="stage_since",
            css=f"r {WIDER}",
        ),
        Column(
            name="created",
            label=_("Created"),
            cell=lambda deal, ctx: cells.datetime_cell(deal.created_at, ctx, WIDE),
            export=lambda deal, ctx: deal.created_at,
            sort="created_at",
            css=WIDE,
            shown=False,
        ),
        TAGS,
    ),
    views=(
        View("all", _("All")),
        View("open", _("Open"), (("status", "open"),)),
        View("mine", _("Mine"), (("status", "open"), ("owner", "me"))),
        View("closing", _("Closing this month"), (("status", "open"), ("close", "this_month"))),
        View("no_step", _("No next step"), (("status", "open"), ("next", "none"))),
        View("stalled", _("Stalled"), (("stalled", "yes"),)),
        View("won", _("Won"), (("status", "won"),)),
        View("lost", _("Lost"), (("status", "lost"),)),
    ),
    bulk_actions=(
        MOVE,
        assign_action(Deal),
        fields_action(DealForm, ("close_date", "amount", "source", "company", "contact"), change_deals),
        tag_action(Deal),
        EXPORT,
        delete_action(Deal, delete_deals),
    ),
    hit=lambda deal: cells.format_money(deal.amount, deal.currency, cells.current_locale()),
    hit_columns=("amount", "currency"),
    subtitle=subtitle,
    badges=badges,
    actions=actions,
    path=path,
    strip=strip,
    switch=switch,
    duplicate=lambda deal: {"stage": None, "pipeline": deal.pipeline_id, "lost_reason": None, "lost_note": None},
    consequences=consequences,
    panels=(panels.WHO, panels.HISTORY),
    sections=(
        Section(
            _("Deal"),
            (
                Fact(_("Amount"), lambda deal, ctx: format_html('<span class="num">{}</span>', money_html(deal.amount, deal, ctx)), "amount"),
                Fact(_("Expected close date"), close_html, "close_date"),
                Fact(_("Pipeline"), pipeline_html),
                Fact(_("Source"), lambda deal, ctx: format_html("{}", str(source)) if (source := ctx.linked(deal, "source")) else "", "source"),
                Fact(_("Lost reason"), loss_html),
                Fact(_("Note on the loss"), lambda deal, ctx: format_html("{}", deal.lost_note)),
                Fact(_("Owner"), owner_html, "owner"),
                Fact(_("Tags"), tags_html, "tags"),
            ),
        ),
        Section(
            _("About"),
            (
                Fact(
                    _("Description"),
                    lambda deal, ctx: (
                        format_html('<div class="prose">{}</div>', SafeString(linebreaks(deal.description, autoescape=True))) if deal.description else ""
                    ),
                    "description",
                ),
                Fact(_("Created"), created_html),
                Fact(_("Last changed"), lambda deal, ctx: cells.time_html(deal.updated_at, ctx)),
            ),
        ),
    ),
)
