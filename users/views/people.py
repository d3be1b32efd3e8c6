"""Settings: users and invitations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.core.settings_pages import admin_only
from crm.core.settings_services import add_errors
from crm.core.writes import StaleRecord
from users import selectors, services
from users.forms import DeactivationForm, InvitationForm, UserForm
from users.models import Invitation, User
from users.views.account import renew_version

STATES = {"": None, "active": True, "inactive": False}


@admin_only
def hub(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/hub.html", {"title": _("Settings")})


@admin_only
def user_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    query = request.GET.get("q", "")[:200]
    people = list(selectors.people(request.user, active=STATES.get(state), query=query)[:1000])
    tabs = [(label, f"?state={key}" if key else "?", key == state) for key, label in (("", _("All")), ("active", _("Active")), ("inactive", _("Deactivated")))]
    context = {"title": _("Users"), "people": people, "invitations": list(selectors.open_invitations(request.user)), "q": query, "state": state, "tabs": tabs}
    return render(request, "users/user_list.html", context)


def _page(request: HttpRequest, form: Any, title: str, submit: str, back: str, **extra: Any) -> HttpResponse:
    status = extra.pop("status", 422 if form.errors else 200)
    context = {"form": form, "form_title": title, "submit_label": submit, "cancel_url": back, "back_url": back, **extra}
    return render(request, extra.get("template", "settings/form.html"), context, status=status)


@admin_only
def invite(request: HttpRequest) -> HttpResponse:
    form = InvitationForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.invite_user(**form.values(), actor=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("An invitation is on its way to %(address)s.") % {"address": made.email})
            return redirect("settings-users")
    intro = _("They get a mail with a link that works once and for seven days.")
    return _page(request, form, _("Invite somebody"), _("Send invitation"), reverse("settings-users"), back_label=_("Users"), intro=intro)


@admin_only
@require_POST
def user_view_as(request: HttpRequest, pk: int) -> HttpResponse:
    """See Rapport as this person does, from Today on."""
    person = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    try:
        services.view_as(request.session, person, actor=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("settings-user-edit", pk=pk)
    return redirect("/")


@require_POST
def view_as_stop(request: HttpRequest) -> HttpResponse:
    """Back to oneself; without effect for who is that already."""
    services.stop_viewing(request.session)
    return redirect("settings-users" if request.user.is_admin else "/")  # type: ignore[union-attr]


@admin_only
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    form = UserForm(request.POST if request.method == "POST" else None, instance=person, user=request.user)
    options: dict[str, Any] = {"back_label": _("Users"), "template": "users/user_form.html", "person": person}
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.update_user(person, form.values(), actor=request.user, version=form.cleaned_data["version"])
        except ValidationError as error:
            add_errors(form, error)
        except StaleRecord as stale:
            options |= {"conflict": renew_version(form, stale), "status": 409}
        else:
            messages.success(request, _("Saved %(name)s.") % {"name": saved})
            return redirect("settings-users")
    return _page(request, form, _("Edit %(name)s") % {"name": person}, _("Save"), reverse("settings-users"), **options)


@admin_only
def user_deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks who takes over; POST ends all sessions and hands over."""
    person = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    owned = selectors.owns_what(person)
    form = DeactivationForm(request.POST if request.method == "POST" else None, user=request.user, leaving=person, must=bool(owned))
    if request.method == "POST" and form.is_valid():
        try:
            services.deactivate_user(person, form.cleaned_data["successor"], actor=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("%(name)s has been signed out everywhere and can't sign in any more.") % {"name": person})
            return redirect("settings-users")
    consequences = [_("All their sessions end at once."), *(f"{label}: {count}" for label, count in owned.items())]
    context = {
        "title": _("Deactivate %(name)s?") % {"name": person},
        "form": form,
        "consequences": consequences,
        "cancel_url": reverse("settings-user-edit", args=[person.pk]),
        "back_url": reverse("settings-users"),
        "back_label": _("Users"),
        "submit_label": _("Deactivate"),
        "submit_icon": "user-off",
    }
    return render(request, "settings/confirm.html", context, status=422 if form.errors else 200)


def _do(request: HttpRequest, run: Any, done: str) -> HttpResponse:
    """A button of one row: does it, says so, and goes back to the list."""
    try:
        run()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, done)
    return redirect("settings-users")


@admin_only
@require_POST
def user_reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    return _do(request, lambda: services.reactivate_user(person, actor=request.user), _("%(name)s can sign in again.") % {"name": person})


@admin_only
@require_POST
def user_end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign somebody out everywhere, for a lost phone."""
    person = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    return _do(request, lambda: services.end_sessions(person, actor=request.user), _("%(name)s has been signed out everywhere.") % {"name": person})


def _invitation(request: HttpRequest, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.visible_to(request.user), pk=pk)


@admin_only
@require_POST
def invitation_resend(request: HttpRequest, pk: int) -> HttpResponse:
    found = _invitation(request, pk)
    return _do(request, lambda: services.resend_invitation(found, actor=request.user), _("A new link is on its way to %(address)s.") % {"address": found.email})


@admin_only
@require_POST
def invitation_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    found = _invitation(request, pk)
    done = _("The invitation to %(address)s has been withdrawn.") % {"address": found.email}
    return _do(request, lambda: services.withdraw_invitation(found, actor=request.user), done)
