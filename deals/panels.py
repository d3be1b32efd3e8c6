"""Cards and figures with deals on other records' pages, and the history on their own."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core import cells
from crm.core.access import may_add
from crm.core.records import Action, Panel, PanelContent
from crm.core.related import linked
from deals import selectors
from deals.models import Deal, Stage
from users.selectors import organisation


def _deals(request: Any, obj: Any, query: str, **subject: Any) -> PanelContent:
    count, catalog = _sums(request.user, obj, **subject).count, selectors.catalog()
    found = selectors.deals_of(request.user, **subject) if count else []
    stages = {pipeline.pk: [stage for stage in catalog.stages_of(pipeline.pk) if stage.kind != Stage.Kind.LOST] for pipeline in catalog.pipelines}
    rows = [{"deal": deal, "stage": catalog.stage(deal.stage_id), **_progress(deal, stages.get(deal.pipeline_id, []))} for deal in found]
    context = {"rows": rows, "more_url": f"{reverse('deals:list')}?{query}" if count > len(rows) else ""}
    new_url = f"{reverse('deals:new')}?{query}" if may_add(request.user, Deal) else ""
    return PanelContent(render_to_string("deals/panel.html", context, request=request), count, new_url)


def _sums(user: Any, obj: Any, **subject: Any) -> selectors.Money:
    """The sums over the record's deals, once per page: for its strip, and to know whether there are any."""
    if not hasattr(obj, "deal_sums"):
        obj.deal_sums = selectors.money_of(user, **subject)
    return obj.deal_sums


def _progress(deal: Deal, stages: list[Stage]) -> dict[str, Any]:
    """The bar of small steps: which are behind the deal, and the words for it."""
    position = next((index for index, stage in enumerate(stages) if stage.pk == deal.stage_id), -1) + 1
    text = gettext("Step %(step)s of %(all)s") % {"step": position, "all": len(stages)} if position else str(deal.get_status_display())
    return {"steps": [index < position for index in range(len(stages))], "steps_text": text}


def deals_of_company(request: Any, company: Any) -> PanelContent:
    return _deals(request, company, f"company={company.pk}", company=company)


def deals_of_contact(request: Any, contact: Any) -> PanelContent:
    return _deals(request, contact, f"contact={contact.pk}", contact=contact)


def who(request: Any, deal: Deal) -> PanelContent | None:
    """Company and contact of the deal, as far as the reader may see them."""
    company, contact = linked(request.user, deal, "company"), linked(request.user, deal, "contact")
    if company is None and contact is None:
        return None
    return PanelContent(render_to_string("deals/who.html", {"company": company, "contact": contact}, request=request))


def stage_history(request: Any, deal: Deal) -> PanelContent:
    """How the deal moved."""
    changes = selectors.history(request.user, deal)
    return PanelContent(render_to_string("deals/history.html", {"changes": changes}, request=request), len(changes))


COMPANY_DEALS = Panel("deals", _("Deals"), "layout-kanban", deals_of_company)
CONTACT_DEALS = Panel("deals", _("Deals"), "layout-kanban", deals_of_contact)
WHO = Panel("who", _("Company and contact"), "building", who)
HISTORY = Panel("history", _("Stage history"), "history", stage_history)


def _money_strip(user: Any, ctx: Any, obj: Any, **subject: Any) -> list[tuple[Any, Any]]:
    if not user.scope_for("deals.deal", "view") or user.scope_for("deals.deal", "view") == "none":
        return []
    money, currency = _sums(user, obj, **subject), organisation().currency
    parts = ((_("Open deals"), money.open_sum, money.open_count), (_("Won in all"), money.won_sum, money.won_count))
    return [(label, format_html("{} <small>{}</small>", cells.format_money(amount, currency, ctx.locale), count)) for label, amount, count in parts]


def company_money(company: Any, ctx: Any) -> list[tuple[Any, Any]]:
    """For the company's summary strip: sums over the deals that the reader may see."""
    return _money_strip(ctx.user, ctx, company, company=company)


def contact_money(contact: Any, ctx: Any) -> list[tuple[Any, Any]]:
    """For the contact's summary strip."""
    return _money_strip(ctx.user, ctx, contact, contact=contact)


def company_actions(company: Any, ctx: Any) -> list[Action]:
    """The button "New deal" on a company's page."""
    return [Action(_("New deal"), "plus", f"{reverse('deals:new')}?company={company.pk}")] if may_add(ctx.user, Deal) else []


def contact_actions(contact: Any, ctx: Any) -> list[Action]:
    """The button "New deal" on a contact's page; the company comes along when the reader sees it."""
    if not may_add(ctx.user, Deal):
        return []
    company = ctx.linked(contact, "company")
    more = f"&company={company.pk}" if company else ""
    return [Action(_("New deal"), "plus", f"{reverse('deals:new')}?contact={contact.pk}{more}")]
