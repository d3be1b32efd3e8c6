"""Cards on the lead's own page."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from crm.core import cells
from crm.core.access import reaches
from crm.core.records import PanelContent
from crm.core.related import linked
from leads import selectors
from leads.models import Lead, LeadStatus


def look_alikes(request: Any, lead: Lead) -> PanelContent | None:
    """Leads and contacts with the same address or number; nothing when there are none."""
    found = selectors.twins(request.user, lead)
    if not found:
        return None
    rows = [
        (cells.icon("target-arrow" if isinstance(each, Lead) else "user", "i-sm"), each.get_absolute_url(), str(each), each.email or each.phone)
        for each in found
    ]
    items = format_html_join("", '<li class="row2">{}<span><a href="{}">{}</a> <span class="t3 d-block xs">{}</span></span></li>', rows)
    return PanelContent(format_html("<ul>{}</ul>", items), len(found))


def matches(request: Any, lead: Lead) -> PanelContent | None:
    """What the lead may already be, asked for once the page is there: similar names take longer to find than all the rest of it."""
    status = linked(request.user, lead, "status")
    if status is None or status.kind not in (LeadStatus.Kind.NEW, LeadStatus.Kind.WORKING) or not reaches(request.user, "change", lead):
        return None
    return PanelContent(render_to_string("leads/matches.html", {"ask_url": reverse("leads:matches", args=[lead.pk])}))


def answers(request: Any, lead: Lead) -> PanelContent | None:
    """What was typed into the form that brought the lead."""
    submission = selectors.first_submission(lead) if lead.form_id else None
    if submission is None:
        return None
    rows = selectors.answers_of(submission)
    facts = format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows)
    when = cells.time_html(submission.received_at, cells.current_context(request.user), style="datetime")
    head = format_html('<p class="t3 xs mb-2">{}, {}</p>', submission.form.name, when)
    body = format_html('<dl class="facts">{}</dl>', facts) if rows else format_html('<p class="t3 m-0">{}</p>', _("Nothing was filled in."))
    return PanelContent(format_html('<div class="panel-body">{}{}</div>', head, body), None)
