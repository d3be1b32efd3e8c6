"""Settings: organisation, teams and roles."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.core.settings_pages import admin_only
from crm.core.settings_services import add_errors, used_text, uses
from crm.core.writes import StaleRecord
from users import selectors, services
from users.forms import HolidayForm, NewRoleForm, OrganisationForm, RoleForm, TeamForm
from users.models import Holiday, Organisation, Role, Team
from users.services.roles import BUILT_IN
from users.views.account import renew_version

# ---- organisation ----


@admin_only
def organisation(request: HttpRequest) -> HttpResponse:
    found = Organisation.objects.visible_to(request.user).get(pk=1)
    form = OrganisationForm(*((request.POST, request.FILES) if request.method == "POST" else ()), instance=found, user=request.user)
    status, conflict = 200, ""
    if request.method == "POST":
        status, conflict = _save_organisation(request.user, form)
        if status == 200:
            messages.success(request, _("The organisation has been saved."))
            return redirect("settings-organisation")
    return _organisation_page(request, form, HolidayForm(user=request.user), status, conflict)


def _organisation_page(request: HttpRequest, form: Any, holiday_form: Any, status: int, conflict: str = "") -> HttpResponse:
    context = {
        "title": _("Organisation"),
        "form": form,
        "conflict": conflict,
        "holiday_form": holiday_form,
        "holidays": list(selectors.upcoming_holidays(request.user)),
        "organisation": form.instance,
    }
    return render(request, "users/organisation.html", context, status=status)


def _save_organisation(user: Any, form: OrganisationForm) -> tuple[int, str]:
    if not form.is_valid():
        return 422, ""
    try:
        services.update_organisation(form.values(), actor=user, version=form.cleaned_data["version"])
        if form.cleaned_data["logo"]:
            services.set_logo(form.cleaned_data["logo"], actor=user)
        elif form.cleaned_data.get("remove_logo"):
            services.set_logo(None, actor=user)
    except ValidationError as error:
        add_errors(form, error if hasattr(error, "error_dict") else ValidationError({"logo": error.messages}))
        return 422, ""
    except StaleRecord as stale:
        return 409, renew_version(form, stale)
    return 200, ""


@admin_only
@require_POST
def holiday_add(request: HttpRequest) -> HttpResponse:
    form = HolidayForm(request.POST, user=request.user)
    if form.is_valid():
        try:
            services.add_holiday(form.cleaned_data["day"], form.cleaned_data["name"], actor=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            return redirect(reverse("settings-organisation") + "#holidays")
    found = Organisation.objects.visible_to(request.user).get(pk=1)
    return _organisation_page(request, OrganisationForm(instance=found, user=request.user), form, 422)


@admin_only
@require_POST
def holiday_remove(request: HttpRequest, pk: int) -> HttpResponse:
    services.remove_holiday(get_object_or_404(Holiday.objects.visible_to(request.user), pk=pk), actor=request.user)
    return redirect(reverse("settings-organisation") + "#holidays")


# ---- teams ----


@admin_only
def team_list(request: HttpRequest) -> HttpResponse:
    return render(request, "users/team_list.html", {"title": _("Teams"), "nodes": selectors.team_tree(request.user)})


@admin_only
def team_new(request: HttpRequest) -> HttpResponse:
    return _team_form(request, None)


@admin_only
def team_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _team_form(request, get_object_or_404(Team.objects.visible_to(request.user), pk=pk))


def _team_form(request: HttpRequest, team: Team | None) -> HttpResponse:
    form = TeamForm(request.POST if request.method == "POST" else None, instance=team, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.create_team(form.values(), actor=request.user) if team is None else services.update_team(team, form.values(), actor=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved %(name)s.") % {"name": saved})
            return redirect("settings-teams")
    title = _("Edit %(name)s") % {"name": team} if team else _("New team")
    context = {"form": form, "form_title": title, "submit_label": _("Save") if team else _("Add"), "back_label": _("Teams")}
    return render(request, "settings/form.html", context | _back("settings-teams"), status=422 if form.errors else 200)


def _back(name: str) -> dict[str, str]:
    return {"cancel_url": reverse(name), "back_url": reverse(name)}


@admin_only
def team_delete(request: HttpRequest, pk: int) -> HttpResponse:
    team = get_object_or_404(Team.objects.visible_to(request.user), pk=pk)
    context = {"title": _("Delete %(name)s?") % {"name": team}, "used": used_text(uses(team)), "back_label": _("Teams")}
    return _delete(request, lambda: services.delete_team(team, actor=request.user), "settings-teams", context)


def _delete(request: HttpRequest, run: Any, back: str, context: dict[str, Any]) -> HttpResponse:
    error = ""
    if request.method == "POST":
        try:
            run()
        except ValidationError as refused:
            error = " ".join(refused.messages)
        else:
            messages.success(request, _("Deleted."))
            return redirect(back)
    return render(request, "settings/confirm.html", context | _back(back) | {"error": error}, status=422 if error else 200)


# ---- roles ----


@admin_only
def role_list(request: HttpRequest) -> HttpResponse:
    rows = [(role, role.slug not in BUILT_IN and not role.is_admin) for role in selectors.roles(request.user)]
    return render(request, "users/role_list.html", {"title": _("Roles"), "rows": rows})


@admin_only
def role_new(request: HttpRequest) -> HttpResponse:
    form = NewRoleForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            role = services.create_role(name=form.cleaned_data["name"], like=form.cleaned_data["like"], actor=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            return redirect("settings-role-edit", role.pk)
    intro = _("You set its rights on the next page.")
    context = {"form": form, "form_title": _("New role"), "submit_label": _("Add"), "back_label": _("Roles"), "intro": intro}
    return render(request, "settings/form.html", context | _back("settings-roles"), status=422 if form.errors else 200)


@admin_only
def role_edit(request: HttpRequest, pk: int) -> HttpResponse:
    role = get_object_or_404(Role.objects.visible_to(request.user), pk=pk)
    form = RoleForm(request.POST if request.method == "POST" else None, instance=role, user=request.user)
    status, conflict = 200, ""
    if request.method == "POST" and form.is_valid():
        try:
            grants = None if role.is_admin else form.grants()
            services.update_role(role, name=form.cleaned_data["name"], grants=grants, actor=request.user, version=form.cleaned_data["version"])
        except ValidationError as error:
            add_errors(form, error)
        except StaleRecord as stale:
            status, conflict = 409, renew_version(form, stale)
        else:
            messages.success(request, _("Saved %(name)s.") % {"name": role})
            return redirect("settings-roles")
    context = {"title": role.name, "form": form, "role": role, "conflict": conflict}
    return render(request, "users/role_form.html", context, status=422 if form.errors else status)


@admin_only
def role_delete(request: HttpRequest, pk: int) -> HttpResponse:
    role = get_object_or_404(Role.objects.visible_to(request.user), pk=pk)
    if role.slug in BUILT_IN or role.is_admin:
        raise PermissionDenied(_("This role came with Rapport and stays."))
    context = {"title": _("Delete %(name)s?") % {"name": role}, "used": used_text(uses(role)), "back_label": _("Roles")}
    return _delete(request, lambda: services.delete_role(role, actor=request.user), "settings-roles", context)
