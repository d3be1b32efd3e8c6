"""The list of leads: its columns and views."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext_lazy, gettext_noop, ngettext
from django.utils.translation import gettext as _

from crm.core import cells
from crm.core.columns import TAGS, text_column
from crm.core.records import Column, View
from leads import services
from leads.models import Lead, LeadStatus
from leads.services.scoring import Reason

WIDE, WIDER = "d-none d-lg-table-cell", "d-none d-xxl-table-cell"
Kind = LeadStatus.Kind


def _name_cell(lead: Lead, ctx: Any) -> Any:
    return cells.link_cell(cells.address_of(lead), str(lead), lead.company_name, lead.pk)


def _status_cell(lead: Lead, ctx: Any) -> Any:
    status = ctx.linked(lead, "status")
    return cells.badge_cell(status.name, status.color, WIDE) if status else cells.text_cell("", WIDE)


def _response_cell(lead: Lead, ctx: Any) -> Any:
    return cells.td(response_html(lead, ctx) or cells.DASH, WIDE)


def response_html(lead: Lead, ctx: Any) -> Any:
    """How long the first response took; while somebody waits for it, until when it is due. Nothing where nobody waits."""
    if lead.respond_by is None:
        return ""
    if lead.first_response_at is not None:
        late = lead.first_response_at > lead.respond_by
        return cells.badge(_minutes(lead.response_minutes or 0), "red" if late else "green", "clock")
    status = ctx.linked(lead, "status")
    if status is None or status.kind not in (Kind.NEW, Kind.WORKING):
        return ""
    late = lead.respond_by <= ctx.now
    due = cells.time_html(lead.respond_by, ctx)
    return format_html("{} {}", cells.badge(_("No reply yet"), "red" if late else "amber", "alert-triangle" if late else "clock"), due)


def _minutes(minutes: int) -> str:
    """Working time as people say it."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return ngettext("%(n)s minute", "%(n)s minutes", rest) % {"n": rest}
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest}


def _score_cell(lead: Lead, ctx: Any) -> Any:
    return cells.td(score_html(lead), WIDE)


def score_html(lead: Lead) -> Any:
    """The meter, which opens to tell the reasons."""
    return _meter(lead.score, tuple(services.reasons_for(lead)), get_language())


@lru_cache(1024)
def _meter(score: int, reasons: tuple[Reason, ...], language: str | None) -> Any:
    why = format_html_join("", "<li>{}</li>", ((str(reason),) for reason in reasons)) or format_html("<li>{}</li>", _("Nothing known yet"))
    said = format_html('<span class="visually-hidden">{}</span>', _("Why?"))
    return format_html('<details class="dd why"><summary>{}{}</summary><ul class="dropdown-menu">{}</ul></details>', cells.score_meter(score), said, why)


def _next_cell(lead: Lead, ctx: Any) -> Any:
    status = ctx.linked(lead, "status")
    phone_badge = (status.name, status.color) if status else None
    return cells.next_step_cell(lead.next_step_kind, lead.next_step, lead.next_step_at, ctx, "c-last", all_day=lead.next_step_all_day, phone_badge=phone_badge)


def _owner_cell(lead: Lead, ctx: Any) -> Any:
    return cells.person_cell(ctx.linked(lead, "owner"), WIDE)


def linked_name(lead: Lead, ctx: Any, name: str) -> str:
    found = ctx.linked(lead, name)
    return str(found) if found is not None else ""


COLUMNS = (
    Column(name="name", label=gettext_lazy("Name"), cell=_name_cell, export=lambda lead, ctx: str(lead), sort="sort_name", edit=("first_name", "last_name")),
    text_column("company", gettext_lazy("Company"), field="company_name", strong=True, sort="company_name"),
    Column(
        name="status",
        label=gettext_lazy("Status"),
        cell=_status_cell,
        export=lambda lead, ctx: linked_name(lead, ctx, "status"),
        css=WIDE,
        links=("status",),
        edit=("status",),
    ),
    Column(name="score", label=gettext_lazy("Score"), cell=_score_cell, export=lambda lead, ctx: lead.score, sort="score", css=WIDE),
    Column(
        name="response",
        label=gettext_lazy("First response"),
        cell=_response_cell,
        export=lambda lead, ctx: lead.response_minutes,
        css=WIDE,
        links=("status",),
        shown=False,
    ),
    Column(
        name="next",
        label=gettext_lazy("Next step"),
        cell=_next_cell,
        export=lambda lead, ctx: lead.next_step_at,
        sort="next_step_at",
        css="c-last",
        links=("status",),
    ),
    Column(
        name="email",
        label=gettext_lazy("E-mail"),
        cell=lambda lead, ctx: cells.email_cell(lead.email, WIDER),
        export=lambda lead, ctx: lead.email,
        css=WIDER,
        shown=False,
        edit=("email",),
    ),
    Column(
        name="phone",
        label=gettext_lazy("Phone"),
        cell=lambda lead, ctx: cells.phone_cell(lead.phone, WIDER),
        export=lambda lead, ctx: lead.phone,
        css=WIDER,
        shown=False,
        edit=("phone",),
    ),
    Column(
        name="owner",
        label=gettext_lazy("Owner"),
        cell=_owner_cell,
        export=lambda lead, ctx: linked_name(lead, ctx, "owner"),
        css=WIDE,
        links=("owner",),
        edit=("owner",),
    ),
    Column(
        name="source",
        label=gettext_lazy("Source"),
        cell=lambda lead, ctx: cells.text_cell(linked_name(lead, ctx, "source"), WIDER),
        export=lambda lead, ctx: linked_name(lead, ctx, "source"),
        css=WIDER,
        links=("source",),
        edit=("source",),
    ),
    Column(
        name="active",
        label=gettext_lazy("Last activity"),
        cell=lambda lead, ctx: cells.datetime_cell(lead.last_activity_at, ctx, WIDE, empty=gettext_noop("Never")),
        export=lambda lead, ctx: lead.last_activity_at,
        sort="last_activity_at",
        css=WIDE,
    ),
    Column(
        name="age",
        label=gettext_lazy("Age"),
        cell=lambda lead, ctx: cells.datetime_cell(lead.created_at, ctx, WIDE, style="age"),
        export=lambda lead, ctx: (ctx.now - lead.created_at).days,
        css=WIDE,
        shown=False,
    ),
    Column(
        name="value",
        label=gettext_lazy("Est. value"),
        cell=lambda lead, ctx: cells.money_cell(lead.value, lead.currency, ctx, WIDE),
        export=lambda lead, ctx: lead.value,
        sort="value",
        css=f"r {WIDE}",
        edit=("value",),
    ),
    Column(
        name="created",
        label=gettext_lazy("Created"),
        cell=lambda lead, ctx: cells.datetime_cell(lead.created_at, ctx, WIDE),
        export=lambda lead, ctx: lead.created_at,
        sort="created_at",
        css=WIDE,
        shown=False,
    ),
    TAGS,
)
VIEWS = (
    View("all", gettext_lazy("All")),
    View("open", gettext_lazy("Open"), (("state", "open"),)),
    View("mine", gettext_lazy("Mine"), (("state", "open"), ("owner", "me"))),
    View("unassigned", gettext_lazy("Unassigned"), (("state", "open"), ("owner", "none"))),
    View("new", gettext_lazy("New this week"), (("created", "7d"),)),
    View("unanswered", gettext_lazy("No reply yet"), (("response", "waiting"),)),
    View("stale", gettext_lazy("Stale"), (("state", "open"), ("active", "idle14d"))),
    View("idle", gettext_lazy("No next step"), (("state", "open"), ("next", "none"))),
    View("converted", gettext_lazy("Converted"), (("state", "converted"),)),
)
