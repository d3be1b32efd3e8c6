"""The page behind the link in a marketing mail. Nobody signs in here: the link says who wants no mails (activities/services/marketing.py)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from activities import services
from leads.services import TooMany, count_miss
from leads.views.public import client_address
from users.selectors import organisation


@csrf_exempt  # the link itself is the proof; mail programs send the POST, without a cookie (RFC 8058)
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str = "") -> HttpResponse:
    """GET asks and changes nothing, because mail programs look at links too. POST, whatever is in it, withdraws the consent and leads nowhere else."""
    with translation.override(organisation().language):
        person = services.recipient_behind(token)
        if person is None:
            return _nowhere(request)
        if request.method == "POST":
            services.withdraw(person)
        return _page(request, person=person, done=request.method == "POST")


def _nowhere(request: HttpRequest) -> HttpResponse:
    """The link is forged or cut, or the person is not known any more."""
    try:
        count_miss(client_address(request))
    except TooMany as limit:
        response = _page(request, 429, too_many=True)
        response["Retry-After"] = str(limit.seconds)
        return response
    return _page(request, 404)


def _page(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    response = render(request, "activities/unsubscribe.html", {"organisation_name": organisation().name, **context}, status=status)
    response["Content-Language"] = translation.get_language() or "en"
    return response
