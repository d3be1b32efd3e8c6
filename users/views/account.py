"""Set-up, invitation, profile, photo and logo."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from crm.core.settings_services import add_errors
from crm.core.writes import StaleRecord
from users import selectors, services
from users.forms import AcceptInvitationForm, ProfileForm, SetUpForm
from users.models import User
from users.services.invitations import invitation_for
from users.services.organisation import AlreadySetUp

WEEK = 7 * 24 * 3600


@login_not_required
@never_cache
@sensitive_post_parameters("password")
def set_up(request: HttpRequest) -> HttpResponse:
    """The first visit makes the organisation and its first admin. Afterwards there is no such page."""
    if selectors.is_set_up():
        raise Http404
    form = SetUpForm(request.POST or None, initial={"language": settings.LANGUAGE_CODE, "time_zone": "Europe/Berlin"})
    if request.method == "POST" and form.is_valid():
        try:
            user = services.set_up(**form.cleaned_data)
        except AlreadySetUp:
            raise Http404 from None
        except ValidationError as error:
            add_errors(form, error)
        else:
            return perform_login(request, user, email_verification="none")
    return render(request, "users/set_up.html", {"form": form}, status=422 if form.errors else 200)


@login_not_required
@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a name and a password with the link of the mail, once."""
    if request.user.is_authenticated:
        return render(request, "users/invitation_gone.html", {"signed_in": True}, status=409)
    found = invitation_for(token)
    if found is None:
        return render(request, "users/invitation_gone.html", status=410)
    form = AcceptInvitationForm(request.POST or None, email=found.email, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            user = services.accept_invitation(token, name=form.cleaned_data["name"], password=form.cleaned_data["password"])
        except ValidationError as error:
            add_errors(form, error)
        else:
            return perform_login(request, user, email_verification="none") if user else render(request, "users/invitation_gone.html", status=410)
    return render(request, "users/invitation.html", {"form": form, "invitation": found}, status=422 if form.errors else 200)


def profile(request: HttpRequest) -> HttpResponse:
    """One's own name, photo, language, zone, signature and absence."""
    person: Any = request.user
    form = ProfileForm(*((request.POST, request.FILES) if request.method == "POST" else ()), instance=person, user=person)
    status, conflict = 200, ""
    if request.method == "POST":
        status, conflict = _save_profile(person, form)
        if status == 200:
            with override(form.cleaned_data["language"]):  # in the language that was just chosen
                messages.success(request, _("Your profile has been saved."))
            return redirect("profile")
    return render(request, "users/profile.html", {"form": form, "conflict": conflict, "title": _("Profile")}, status=status)


def _save_profile(person: User, form: ProfileForm) -> tuple[int, str]:
    if not form.is_valid():
        return 422, ""
    upload, version = form.cleaned_data["photo"], form.cleaned_data["version"]
    try:
        services.update_profile(person, form.values(), actor=person, version=version)
        if upload:
            _at_field("photo", lambda: services.set_photo(person, upload, actor=person))
        elif form.cleaned_data.get("remove_photo"):
            services.set_photo(person, None, actor=person)
    except ValidationError as error:
        add_errors(form, error)
        return 422, ""
    except StaleRecord as stale:
        return 409, renew_version(form, stale)
    return 200, ""


def _at_field(name: str, run: Any) -> None:
    """What is wrong with a file belongs to the field it came from."""
    try:
        run()
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None


def renew_version(form: Any, stale: StaleRecord) -> str:
    """After a conflict: nothing was written; saving again, having seen this, goes through."""
    form.data = form.data.copy()
    form.data["version"] = str(stale.current.version)
    return _("Somebody changed this while you were editing. Nothing was overwritten: check what is below, then save again.")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """The switch in the top bar; answers nothing."""
    try:
        services.set_theme(request.user, request.POST.get("theme", ""), actor=request.user)
    except ValidationError as error:
        return HttpResponse(" ".join(error.messages), status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


def _picture(file: Any, cache: str) -> HttpResponse:
    if not file:
        raise Http404
    try:
        handle = file.open("rb")
    except OSError:
        raise Http404 from None
    name = PurePosixPath(file.name)
    response = FileResponse(handle, content_type="image/webp", filename=f"picture{name.suffix}")
    response["Cache-Control"] = cache
    return response


def photo(request: HttpRequest, pk: int) -> HttpResponse:
    """A colleague's picture. Its address changes with the picture, so browsers may keep it."""
    person = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    return _picture(person.photo, f"private, max-age={WEEK}")


@login_not_required
def logo(request: HttpRequest) -> HttpResponse:
    """The organisation's logo, on the sign-in page too."""
    return _picture(selectors.organisation().logo, "public, max-age=300")
