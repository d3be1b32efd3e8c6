"""Settings: how mail leaves, and what has left."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.core.settings_pages import admin_only
from crm.core.settings_services import add_errors
from crm.core.writes import StaleRecord
from mail import selectors
from mail.forms import SenderForm, TestMailForm
from mail.models import OutgoingMail
from mail.services import retry
from users.models import Organisation
from users.services import queue_test_mail, update_mail_sender

AGAIN = (OutgoingMail.State.FAILED, OutgoingMail.State.UNCERTAIN, OutgoingMail.State.HELD)


def _page(request: HttpRequest, form: Any = None, test_form: Any = None, *, status: int = 200, conflict: str = "") -> HttpResponse:
    user: Any = request.user
    organisation = Organisation.objects.visible_to(user).get(pk=1)
    state = request.GET.get("state", "")
    tabs = [(_("All"), "?", not state), *((label, f"?state={value}", value == state) for value, label in OutgoingMail.State.choices)]
    context = {
        "title": _("Mail"),
        "form": form or SenderForm(instance=organisation, user=user),
        "test_form": test_form or TestMailForm(initial={"address": user.email}),
        "transport": selectors.transport_text(),
        "rows": [(mail, mail.state in AGAIN) for mail in selectors.newest(user, state)],
        "tabs": tabs,
        "conflict": conflict,
    }
    return render(request, "settings/mail.html", context, status=status)


@admin_only
def mail_settings(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    form = SenderForm(request.POST, instance=Organisation.objects.visible_to(request.user).get(pk=1), user=request.user)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        update_mail_sender(form.values(), actor=request.user, version=form.cleaned_data["version"])
    except ValidationError as error:
        add_errors(form, error)
        return _page(request, form, status=422)
    except StaleRecord as stale:
        form.data = form.data.copy()
        form.data["version"] = str(stale.current.version)
        return _page(request, form, status=409, conflict=_("Somebody changed this while you were editing. Check what is below, then save again."))
    messages.success(request, _("The sender has been saved."))
    return redirect("settings-mail")


@admin_only
@require_POST
def test_mail(request: HttpRequest) -> HttpResponse:
    """Queue a mail like any other: its row below tells what became of it."""
    form = TestMailForm(request.POST)
    if not form.is_valid():
        return _page(request, test_form=form, status=422)
    queue_test_mail(form.cleaned_data["address"], actor=request.user)
    words = {"address": form.cleaned_data["address"], "transport": selectors.transport_text()}
    messages.success(request, _("A test mail to %(address)s is queued. %(transport)s Its state is in the list below.") % words)
    return redirect("settings-mail")


test_mail.__test__ = False  # type: ignore[attr-defined]


@admin_only
@require_POST
def retry_mail(request: HttpRequest, pk: int) -> HttpResponse:
    mail = get_object_or_404(OutgoingMail.objects.visible_to(request.user, "change"), pk=pk)
    done = retry([mail.pk])
    messages.success(request, _("The mail is queued again.") if done else _("There is nothing to retry: the mail is not waiting for a person."))
    return redirect("settings-mail")
