"""Cards with companies and people on other records' pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import selectors
from contacts.models import Company, Consent, Contact
from crm.core import cells
from crm.core.access import arms_for, may_add, reaches
from crm.core.records import Panel, PanelContent
from crm.core.related import linked


def refusals(channels: Iterable[str]) -> list[SafeString]:
    """Badges for a head: what somebody does not want, in one order."""
    found = set(channels)
    return [cells.badge(str(channel.refusal), "red", "ban") for channel in Consent.Channel if channel in found]


def consent_badge(given: bool | None, at: datetime | None, ctx: Any) -> SafeString:
    """What was last said about one channel, and when; None: nobody asked."""
    if given is None or at is None:
        return cells.badge(gettext("Not asked"), "grey", "help-circle")
    day = cells.format_short(at.astimezone(ctx.zone).date(), ctx.locale)
    if given:
        return cells.badge(gettext("Given %(day)s") % {"day": day}, "green", "check")
    return cells.badge(gettext("Withdrawn %(day)s") % {"day": day}, "grey", "x")


def _content(
    request: Any, related: selectors.Related, *, more_url: str, new_url: str, empty: Any, square: bool = False, count: int | None = None, **more: Any
) -> PanelContent:
    context = {"rows": related.rows, "more_url": more_url if related.count > len(related.rows) else "", "empty": empty, "square": square, **more}
    return PanelContent(render_to_string("contacts/panel.html", context, request=request), related.count if count is None else count, new_url)


def people(request: Any, company: Company) -> PanelContent:
    """Who works at the company, by the company on their row or by another role, and who did."""
    new = f"{reverse('contacts:new')}?company={company.pk}" if may_add(request.user, Contact) else ""
    more = f"{reverse('contacts:list')}?company={company.pk}"
    related, others = selectors.people_at(request.user, company), selectors.roles_at(request.user, company)
    also, earlier = [tie for tie in others if not tie.past], [tie for tie in others if tie.past]
    context = {
        "known_url": reverse("companies:person_new", args=[company.pk]) if arms_for(request.user, "change", Contact) else "",
        "also": also,
        "earlier": earlier,
    }
    count = related.count + len(also)
    return _content(request, related, more_url=more, new_url=new, empty=_("Nobody from this company yet."), count=count, **context)


def subsidiaries(request: Any, company: Company) -> PanelContent | None:
    """The companies directly below."""
    related = selectors.subsidiaries(request.user, company)
    if not related.count:
        return None
    new = f"{reverse('companies:new')}?parent={company.pk}" if may_add(request.user, Company) else ""
    return _content(request, related, more_url=f"{reverse('companies:list')}?parent={company.pk}", new_url=new, empty="", square=True)


def colleagues(request: Any, contact: Contact) -> PanelContent | None:
    """Other people at the same company, if the reader may see the company."""
    company = linked(request.user, contact, "company")
    if company is None:
        return None
    new = f"{reverse('contacts:new')}?company={company.pk}" if may_add(request.user, Contact) else ""
    related = selectors.people_at(request.user, company, but=contact)
    return _content(request, related, more_url=f"{reverse('contacts:list')}?company={company.pk}", new_url=new, empty=_("No colleagues yet."))


def companies(request: Any, contact: Contact) -> PanelContent:
    """Where the person works, the company on the row first, and where they did."""
    main, roles, may = linked(request.user, contact, "company"), selectors.ties_of(request.user, contact).roles, _may_change(request.user, contact)
    roles = [tie for tie in roles if tie.past or main is None or tie.target.pk != main.pk]
    context = {"contact": contact, "main": main, "now": [tie for tie in roles if not tie.past], "earlier": [tie for tie in roles if tie.past], "may": may}
    new_url = reverse("contacts:role_new", args=[contact.pk]) if may else ""
    return PanelContent(render_to_string("contacts/companies.html", context, request=request), len(roles) + (main is not None), new_url)


def relationships(request: Any, contact: Contact) -> PanelContent:
    """How the person relates to others."""
    ties, may = selectors.ties_of(request.user, contact).relationships, _may_change(request.user, contact)
    new_url = reverse("contacts:relationship_new", args=[contact.pk]) if may else ""
    context = {"contact": contact, "ties": ties, "may": may}
    return PanelContent(render_to_string("contacts/relationships.html", context, request=request), len(ties), new_url)


def _may_change(user: Any, contact: Contact) -> bool:
    """What buttons to show. The views ask the database again."""
    return reaches(user, "change", contact)


PEOPLE = Panel("people", _("People"), "users", people)
SUBSIDIARIES = Panel("subsidiaries", _("Subsidiaries"), "building", subsidiaries)
COMPANIES = Panel("companies", _("Companies"), "building", companies)
RELATIONSHIPS = Panel("relationships", _("Relationships"), "arrows-exchange", relationships)
COLLEAGUES = Panel("colleagues", _("Colleagues"), "users", colleagues)
