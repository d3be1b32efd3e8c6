"""Leads as the generic machinery sees them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Consent
from contacts.panels import consent_badge, refusals
from contacts.services import country_name
from crm.core import cells, dialing, steps
from crm.core.bulk.actions import EXPORT, assign_action, delete_action, fields_action, tag_action
from crm.core.columns import created_html
from crm.core.records import Action, BulkAction, Fact, Panel, RecordType, Section, Step
from leads import imports, panels, selectors, services
from leads.filters import LeadFilterSet
from leads.forms.leads import BulkStatusForm, LeadForm
from leads.models import Lead, LeadStatus
from leads.records.columns import COLUMNS, VIEWS, linked_name, response_html, score_html
from leads.services.scoring import UTM

Kind = LeadStatus.Kind


def _subtitle(lead: Lead, ctx: Any) -> Any:
    role, clock = ", ".join(part for part in (lead.job_title, lead.company_name) if part), cells.clock_there(ctx, phone=lead.phone)
    return format_html_join(SafeString(' <span class="t3">·</span> '), "{}", ((part,) for part in (role, clock) if part))


def _badges(lead: Lead, ctx: Any) -> list[Any]:
    status = ctx.linked(lead, "status")
    found = [cells.badge(status.name, status.color)] if status else []
    found += refusals(lead.refused)
    if status and status.kind == Kind.DISQUALIFIED and lead.disqualified_reason:
        found.append(cells.badge(lead.disqualified_reason, "grey", "info-circle"))
        if lead.recycle_on:
            found.append(cells.badge(_("Back on %(day)s") % {"day": cells.format_short(lead.recycle_on, ctx.locale)}, "blue", "calendar"))
    return [*found, *(cells.tag(tag.name, tag.color) for tag in lead.tags.all())]


def _actions(lead: Lead, ctx: Any) -> list[Action]:
    status = ctx.linked(lead, "status")
    kind = status.kind if status else ""
    found = []
    if ctx.can("change", lead) and kind in (Kind.NEW, Kind.WORKING):
        found.append(Action(_("Convert"), "arrows-exchange", reverse("leads:convert", args=[lead.pk]), primary=True, key="v"))
    if lead.phone:
        found.append(dialing.call_action(lead.phone, wanted=lead.may_call))
    label = _("Record consent") if ctx.can("change", lead) and lead.converted_contact_id is None else _("Consent log")
    found.append(Action(label, "shield-check", reverse("leads:consent", args=[lead.pk]), menu=True))
    return [*found, *_ends(lead, kind, reverse("leads:status", args=[lead.pk]))] if ctx.can("change", lead) else found


def _ends(lead: Lead, kind: str, address: str) -> list[Action]:
    """Out of the path and back onto it."""
    if lead.converted_at is not None:
        undo = reverse("leads:unconvert", args=[lead.pk])
        return [Action(_("Undo the conversion"), "restore", undo, method="post", menu=True)] if services.open_conversion(lead) else []
    if kind in (Kind.NEW, Kind.WORKING):
        return [Action(_("Disqualify"), "ban", f"{address}?kind=disqualified", menu=True)]
    return [
        Action(_("Reopen"), "restore", f"{address}?kind=new", primary=True),
        Action(_("Change reason or day"), "pencil", f"{address}?status={lead.status_id}", menu=True),
    ]


def _path(lead: Lead, ctx: Any) -> list[Step]:
    """All statuses; those before the current one are done. A converted lead stays where it is."""
    statuses = selectors.statuses()
    here = next((index for index, each in enumerate(statuses) if each.pk == lead.status_id), 0)
    may = ctx.can("change", lead) and lead.converted_at is None
    url = reverse("leads:status", args=[lead.pk]) if may else ""
    return [Step(each.name, "current" if index == here else "done" if index < here else "next", str(each.pk), url) for index, each in enumerate(statuses)]


def _strip(lead: Lead, ctx: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = [
        (_("Score"), score_html(lead)),
        (_("Age"), cells.time_html(lead.created_at, ctx, style="age")),
        *([(_("First response"), response)] if (response := response_html(lead, ctx)) else []),
        (_("Next step"), steps.step_html(lead, ctx)),
        (_("Owner"), _owner(lead, ctx)),
    ]
    if lead.value is not None:
        found.append((_("Estimated value"), cells.format_money(lead.value, lead.currency, ctx.locale)))
    return found


def _owner(lead: Lead, ctx: Any) -> Any:
    owner = ctx.linked(lead, "owner")
    return cells.person(owner.name, owner.pk) if owner else _("Unassigned")


def _converted_to(name: str) -> Any:
    def value(lead: Lead, ctx: Any) -> Any:
        found = ctx.linked(lead, name)
        return format_html('<a href="{}">{}</a>', found.get_absolute_url(), found) if found is not None else ""

    return value


def _reasons(lead: Lead, ctx: Any) -> Any:
    return format_html_join(SafeString("<br>"), "{}", ((str(reason),) for reason in services.reasons_for(lead)))


def _created(lead: Lead, ctx: Any) -> Any:
    """When it came, and by whom or through which form."""
    form = ctx.linked(lead, "form")
    if form is None:
        return created_html(lead, ctx)
    return format_html(_("{time} by the form {name}"), time=cells.time_html(lead.created_at, ctx, style="ago"), name=str(form))


def _website(lead: Lead, ctx: Any) -> Any:
    address = lead.website if "://" in lead.website else f"https://{lead.website}"
    if not lead.website or not address.startswith(("http://", "https://")):
        return lead.website
    return format_html('<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>', address, lead.website)


def _consent(channel: str, lead: Lead, ctx: Any) -> Any:
    said = lead.current_consents.get(channel)
    return consent_badge(said["given"], datetime.fromisoformat(said["at"]), ctx) if said is not None else consent_badge(None, None, ctx)


SECTIONS = (
    Section(
        gettext_lazy("Converted to"),
        (
            Fact(gettext_lazy("Contact"), _converted_to("converted_contact")),
            Fact(gettext_lazy("Company"), _converted_to("converted_company")),
            Fact(gettext_lazy("Deal"), _converted_to("converted_deal")),
            Fact(gettext_lazy("When"), lambda lead, ctx: cells.time_html(lead.converted_at, ctx) if lead.converted_at else ""),
        ),
    ),
    Section(
        gettext_lazy("Contact"),
        (
            Fact(gettext_lazy("E-mail"), lambda lead, ctx: cells.email_link(lead.email) if lead.email else "", "email"),
            Fact(gettext_lazy("Phone"), lambda lead, ctx: cells.phone_link(lead.phone) if lead.phone else "", "phone"),
            Fact(gettext_lazy("Job title"), lambda lead, ctx: lead.job_title, "job_title"),
        ),
    ),
    Section(
        gettext_lazy("Company"),
        (
            Fact(gettext_lazy("Company"), lambda lead, ctx: lead.company_name, "company_name"),
            Fact(gettext_lazy("Website"), _website, "website"),
            Fact(gettext_lazy("City"), lambda lead, ctx: lead.city, "city"),
            Fact(gettext_lazy("Country"), lambda lead, ctx: country_name(lead.country) if lead.country else "", "country"),
        ),
    ),
    Section(
        gettext_lazy("Source"),
        (
            Fact(gettext_lazy("Source"), lambda lead, ctx: linked_name(lead, ctx, "source"), "source"),
            Fact(gettext_lazy("Web form"), lambda lead, ctx: linked_name(lead, ctx, "form")),
            *(Fact(name, lambda lead, ctx, name=name: getattr(lead, name)) for name in UTM),
        ),
    ),
    Section(gettext_lazy("Consent"), tuple(Fact(channel.label, partial(_consent, channel.value)) for channel in Consent.Channel)),
    Section(
        gettext_lazy("About"),
        (
            Fact(
                gettext_lazy("Description"),
                lambda lead, ctx: format_html('<span class="text-break">{}</span>', lead.description) if lead.description else "",
                "description",
            ),
            Fact(gettext_lazy("Score"), _reasons),
            Fact(gettext_lazy("Comes back on"), lambda lead, ctx: cells.date_html(lead.recycle_on, ctx) if lead.recycle_on else ""),
            Fact(gettext_lazy("Created"), _created),
        ),
    ),
)


def _addresses(user: Any, lead: Lead) -> list[tuple[str, str]]:
    return [(lead.email, str(lead))] if lead.email else []


LEAD = RecordType(
    slug="leads",
    model=Lead,
    icon="target-arrow",
    label=gettext_lazy("Lead"),
    label_plural=gettext_lazy("Leads"),
    label_new=gettext_lazy("New lead"),
    columns=COLUMNS,
    filterset=LeadFilterSet,
    form=LeadForm,
    create=services.create_lead,
    update=services.update_lead,
    delete=services.delete_leads,
    importing=imports.LEAD,
    views=VIEWS,
    search_placeholder=gettext_lazy("Name, company, e-mail"),
    subtitle=_subtitle,
    hit=lambda lead: lead.company_name or lead.email or cells.format_phone(lead.phone),
    badges=_badges,
    actions=_actions,
    path=_path,
    strip=_strip,
    mail_to=_addresses,
    sections=SECTIONS,
    panels=(
        Panel("answers", gettext_lazy("Form entry"), "forms", panels.answers),
        Panel("matches", gettext_lazy("Company match"), "building", panels.matches),
        Panel("look-alikes", gettext_lazy("Looks like"), "copy", panels.look_alikes),
    ),
    begin=lambda user: [(gettext_lazy("Web form"), reverse("settings:new", args=["forms"]))] if user.is_admin else [],
    duplicates=selectors.look_alikes,
    duplicate=lambda lead: {"email": None, "phone": None, "status": None},
    bulk_actions=(
        assign_action(Lead),
        BulkAction(name="status", label=gettext_lazy("Status"), icon="circle-dashed", run=services.set_status_many, form=BulkStatusForm),
        fields_action(LeadForm, ("source", "value", "job_title", "website", "city", "country"), services.change_leads),
        tag_action(Lead),
        EXPORT,
        delete_action(Lead, services.delete_leads),
    ),
    consequences=lambda lead: [_("Its timeline and tasks go into the bin with it and come back when it is restored.")],
)
