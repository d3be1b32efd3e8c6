"""Cards with companies and people on other records' pages."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from contacts import selectors
from contacts.models import Company, Contact
from crm.core.access import may_add
from crm.core.records import Panel, PanelContent
from crm.core.related import linked


def _content(request: Any, related: selectors.Related, *, more_url: str, new_url: str, empty: Any, square: bool = False) -> PanelContent:
    context = {"rows": related.rows, "more_url": more_url if related.count > len(related.rows) else "", "empty": empty, "square": square}
    return PanelContent(render_to_string("contacts/panel.html", context, request=request), related.count, new_url)


def people(request: Any, company: Company) -> PanelContent:
    """Who works at the company."""
    new = f"{reverse('contacts:new')}?company={company.pk}" if may_add(request.user, Contact) else ""
    more = f"{reverse('contacts:list')}?company={company.pk}"
    return _content(request, selectors.people_at(request.user, company), more_url=more, new_url=new, empty=_("Nobody from this company yet."))


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


PEOPLE = Panel("people", _("People"), "users", people)
SUBSIDIARIES = Panel("subsidiaries", _("Subsidiaries"), "building", subsidiaries)
COLLEAGUES = Panel("colleagues", _("Colleagues"), "users", colleagues)
