"""Pages of people besides list, page, create, edit and delete."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from contacts import selectors
from contacts.forms import ConsentForm
from contacts.services import record_consent
from crm.core.views import RecordFormView


class ConsentView(RecordFormView):
    """What a person allowed: the log, and a form to note more."""

    slug = "contacts"

    def page(self, contact: Any, form: ConsentForm, status: int = 200) -> HttpResponse:
        context = {"record": self.record, "contact": contact, "form": form, "log": selectors.consent_log(self.request.user, contact)}
        return render(self.request, "contacts/consent.html", context, status=status)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(self.load(pk, "change"), ConsentForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contact = self.load(pk, "change")
        form = ConsentForm(request.POST)
        if not self.check(form):
            return self.page(contact, form, 422)
        given = form.cleaned_data
        try:
            record_consent(contact, given["channel"], given["given"] == "yes", given["source"], actor=request.user, text=given["text"])
        except ValidationError as error:
            self.fail(form, error)
            return self.page(contact, form, 422)
        messages.success(request, _("Saved."))
        return redirect(contact.get_absolute_url())
