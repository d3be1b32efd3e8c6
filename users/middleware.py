"""What every request needs to know of the person: language, time zone, and whether Rapport has been set up at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from crm.core import dialing
from users import selectors
from users.backends import person_of
from users.models import User

GetResponse = Callable[[HttpRequest], HttpResponse]
OPEN_BEFORE_SETUP = ("/static/", "/healthz", "/readyz", "/favicon")


class PersonMiddleware(AuthenticationMiddleware):
    """`request.user`, which the session has brought along."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _seen_as(request))


def _seen_as(request: Any) -> Any:
    """The session's user, or the colleague as whom an admin looks; then the admin is `request.viewer`."""
    person = person_of(request)
    seen = selectors.viewed_person(request.session, person)
    if seen is None:
        return person
    request.viewer, request._cached_user = person, seen
    return seen


class ViewAsMiddleware:
    """Whoever looks as a colleague changes nothing: no form is taken but the one that ends it, and nothing is given out that leaves a trace or
    belongs to the person alone (files of exports, sign-in and sessions, the admin)."""

    closed = ("/accounts/", "/admin/", "/profile/", "/exports/", "/invitation/")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.stop = reverse("view-as-stop")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        viewer: Any = getattr(request, "viewer", None)
        if viewer is None:
            return self.get_response(request)
        if request.path == self.stop:
            request.user = viewer
            return self.get_response(request)
        if request.method not in ("GET", "HEAD", "OPTIONS") or request.path.startswith(self.closed) or request.path.endswith("/export/"):
            text = gettext("You see Rapport as a colleague does. To do something, go back to yourself first.")
            if "fetch" in request.headers.get("X-Requested-With", "") or request.get_preferred_type(["text/html", "application/json"]) == "application/json":
                return JsonResponse({"error": text, "message": text}, status=403)
            return render(request, "403.html", {"denied": text}, status=403)
        return self.get_response(request)


class UserLocaleMiddleware:
    """Activates the user's language and time zone; the organisation's for visitors who have not signed in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        box = selectors.request_box.set({})
        try:
            if request.user.is_authenticated:
                request.user = getattr(request, "_cached_user", request.user)  # type: ignore[assignment]  # not lazy any more: a page asks it a few hundred things
            person: Any = request.user if request.user.is_authenticated else selectors.organisation()
            language, zone = supported_language(person.language), known_zone(person.time_zone)
            with translation.override(language), timezone.override(zone), _dialing(person):
                response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
            if response.streaming and not isinstance(response, FileResponse):
                response.streaming_content = _localised(response.streaming_content, language, zone)  # type: ignore[attr-defined]
            return response
        finally:
            selectors.request_box.reset(box)


def _dialing(person: Any) -> AbstractContextManager[None]:
    """Numbers are dialled as the user wishes; visitors see none."""
    return dialing.override(partial(selectors.dialing_of, person)) if isinstance(person, User) else nullcontext()


def _localised(chunks: Iterable[bytes], language: str, zone: ZoneInfo) -> Iterator[bytes]:
    """An export is written after the middleware has returned: each piece in the reader's language and zone all the same."""
    source = iter(chunks)
    while True:
        with translation.override(language), timezone.override(zone):
            chunk = next(source, None)
        if chunk is None:
            return
        yield chunk


def supported_language(code: str) -> str:
    return code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def known_zone(name: str) -> ZoneInfo:
    """A zone that the system's tables no longer know must not take the page away."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


class SignInMiddleware(LoginRequiredMiddleware):
    """Leads to the sign-in and from there back to a page. An address that only takes a form or gives a piece of a page is none."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponseBase:
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            # A script would follow a redirect, and allauth answers it with a JSON of its own that reads like success.
            return JsonResponse({"message": gettext("You have been signed out. Sign in again, then repeat it.")}, status=401)
        url = redirect_to_login(_page_of(request), self.get_login_url(view_func), self.get_redirect_field_name(view_func)).url
        # htmx would follow a redirect and show the sign-in inside a list or a panel.
        return HttpResponse(status=204, headers={"HX-Redirect": url}) if "HX-Request" in request.headers else HttpResponseRedirect(url)


def _page_of(request: HttpRequest) -> str:
    """Where the visitor was when the session ended; the side panel's forms are pages as well."""
    page = ""
    if "HX-Request" in request.headers:
        page = request.headers.get("HX-Current-URL", "") if request.headers.get("HX-Target") != "panel-body" else ""
    elif request.method not in ("GET", "HEAD"):
        page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}):
        return request.get_full_path()
    return urlsplit(page)._replace(scheme="", netloc="", fragment="").geturl()


class SetUpMiddleware:
    """Before the first admin exists every page leads to the set-up page. Afterwards it costs nothing: the answer can't change back."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.done = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self.done and not request.path.startswith(OPEN_BEFORE_SETUP):
            self.done = selectors.is_set_up()
            target = reverse("setup")
            if not self.done and request.path != target:
                return HttpResponseRedirect(target)
        return self.get_response(request)
