"""Status and conversion of a lead; everything else about it is generic."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from contacts.views import ConsentView
from crm.core.access import can
from crm.core.settings_services import add_errors
from crm.core.views import RecordView, safe_next
from crm.core.writes import StaleRecord
from leads import selectors, services
from leads.forms.convert import ConvertForm
from leads.forms.leads import StatusForm
from leads.models import LeadStatus

Kind = LeadStatus.Kind


class StatusView(RecordView):
    """POST `status` (the path's buttons send `stage`) and `reason`. GET asks for both: that is how one disqualifies."""

    slug = "leads"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = self.load(pk, "change")
        kind = request.GET.get("kind", "")
        chosen = request.GET.get("status", "") or next((str(each.pk) for each in selectors.statuses() if each.kind == kind), "")
        known = {"reason": lead.disqualified_reason, "recycle_on": lead.recycle_on}
        return self.page(lead, StatusForm(user=request.user, initial={"status": chosen, "version": lead.version, **known}))

    def page(self, lead: Any, form: StatusForm, status: int = 200, conflict: str = "") -> HttpResponse:
        context = {"record": self.record, "object": lead, "form": form, "conflict": conflict, "cancel_url": lead.get_absolute_url()}
        return render(self.request, "leads/status.html", context, status=status)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = self.load(pk, "change")
        data = request.POST.copy()
        for name in request.GET:  # what a link to take it back says
            data.setdefault(name, request.GET[name])
        data.setdefault("status", data.get("stage", ""))
        wanted = next((each for each in selectors.statuses() if str(each.pk) == data["status"]), None)
        if wanted is not None and wanted.kind == Kind.CONVERTED and lead.converted_at is None:
            return redirect("leads:convert", pk=lead.pk)
        if wanted is not None and wanted.kind == Kind.DISQUALIFIED and not {"reason", "known_reason"} & data.keys():
            return redirect(f"{request.path}?status={wanted.pk}")  # the path's button knows no reason: ask for it
        form = StatusForm(data, user=request.user)
        if not form.is_valid():
            return self.page(lead, form, 422)
        return self.save(lead, form)

    def save(self, lead: Any, form: StatusForm) -> HttpResponse:
        cleaned = form.cleaned_data
        try:
            answers = {name: cleaned[name] for name in ("version", "reason", "recycle_on")}
            before = lead.status  # of the row as it was: the service changes its own
            saved = services.set_status(lead, cleaned["status"], actor=self.request.user, **answers)
        except StaleRecord as stale:
            form.data = {**form.data.dict(), "version": str(stale.current.version)}
            text = _("Somebody changed this lead meanwhile. It is now: %(status)s. Nothing was overwritten.") % {"status": stale.current.status}
            return self.page(stale.current, form, 409, text)
        except ValidationError as error:
            add_errors(form, error)
            return self.page(lead, form, 422)
        undo = (
            f"undo:{self.request.path}?status={before.pk}&version={saved.version}" if before.kind in (Kind.NEW, Kind.WORKING) and before != saved.status else ""
        )
        messages.success(self.request, _("Status: %(status)s") % {"status": saved.status}, extra_tags=undo)
        return redirect(safe_next(self.request, saved.get_absolute_url()))


class LeadConsentView(ConsentView):
    """The same for a lead; once it has become a contact, that is asked and heeded, and here it is only read."""

    slug = "leads"
    record_consent = staticmethod(services.record_lead_consent)

    def page(self, person: Any, form: Any, status: int = 200) -> HttpResponse:
        return super().page(person, form if person.converted_contact_id is None or status != 200 else None, status)

    def log(self, person: Any) -> Any:
        return selectors.consent_log(person)


class MatchesView(RecordView):
    """What the lead may already be, as a piece of its page; as a page of its own, converting asks for it."""

    slug = "leads"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = self.load(pk)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect("leads:convert", pk=lead.pk) if "change" in lead.may else redirect(lead.get_absolute_url())
        user: Any = request.user
        found = selectors.convert_matches(user, lead)
        return render(request, "leads/matches.html", {"companies": found.companies, "contacts": found.contacts})


class ConvertView(RecordView):
    """GET: what the lead may already be. POST: convert, once; whoever comes second is led to the result."""

    slug = "leads"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = self.load(pk, "change")
        return self.result(services.found_conversion(lead)) if lead.converted_at else self.page(lead, self.form(lead))

    def form(self, lead: Any, data: Any = None) -> ConvertForm:
        user: Any = self.request.user
        return ConvertForm(data, user=user, lead=lead, matches=selectors.convert_matches(user, lead), stages=selectors.open_stages())

    def page(self, lead: Any, form: ConvertForm, status: int = 200, ask: bool = False) -> HttpResponse:
        context = {"record": self.record, "object": lead, "form": form, "ask": ask, "cancel_url": lead.get_absolute_url()}
        return render(self.request, "leads/convert.html", context, status=status)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = self.load(pk, "change")
        if lead.converted_at:
            return self.result(services.found_conversion(lead))
        form = self.form(lead, request.POST)
        if not form.is_valid():
            form.ask()
            return self.page(lead, form, 422)
        if form.unasked():
            form.ask()
            return self.page(lead, form, ask=True)
        try:
            conversion = services.convert_lead(lead, actor=request.user, choices=form.choices())
        except ValidationError as error:
            add_errors(form, error)
            return self.page(lead, form, 422)
        return self.result(conversion)

    def result(self, conversion: services.Conversion) -> HttpResponse:
        """The deal, person or company that it became, whichever of them this user may see first; else the lead."""
        text = _("%(name)s is converted.") if conversion.now else _("%(name)s has been converted already. This is what it became.")
        undo = f"undo:{reverse('leads:unconvert', args=[conversion.lead.pk])}" if conversion.now else ""
        messages.success(self.request, text % {"name": conversion.lead}, extra_tags=undo)
        for target in (conversion.deal, conversion.contact, conversion.company):
            if target is not None and can(self.request.user, "view", target):
                return redirect(target.get_absolute_url())
        return redirect(conversion.lead.get_absolute_url())


class UnconvertView(RecordView):
    """POST: take the conversion back. What stands against it is told on the lead's page."""

    slug = "leads"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = self.load(pk, "change")
        try:
            lead = services.undo_conversion(lead, actor=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The conversion is taken back: the lead is open again."))
        return redirect(lead.get_absolute_url())
