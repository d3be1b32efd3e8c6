"""The public web form: our own page (to link or embed) and a door for other sites and programs (docs/decisions/public-form.md).

Signed out, without cookie and without CSRF token on purpose: it changes nothing for the one who sends, and any site may send.
The answer is the same for known and unknown senders, and so is its time: the entry is stored before the answer and worked in after it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from crm.core.custom.models import CustomField
from leads import selectors, services
from leads.forms.bodies import JSON_TYPE, BadBody, plain_text, read_body
from leads.models import FormField, WebForm
from leads.services.entries import LENGTHS, LONGEST, SHOWN, STAMP, TRACKING, TRAP
from leads.services.questions import INPUTS, choices_of, field_behind, kind_of
from users.selectors import organisation

METHODS = "GET, HEAD, OPTIONS, POST"
MAX_TRACKING = 500
AUTOCOMPLETE = {
    "name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "email": "email",
    "phone": "tel",
    "company_name": "organization",
    "job_title": "organization-title",
    "website": "url",
    "city": "address-level2",
}
INPUT_TYPES = {"email": "email", "phone": "tel", "date": "date"}


@dataclass(frozen=True)
class Question:
    """A field as the template shows it."""

    key: str
    label: str
    kind: str
    type: str
    required: bool
    help: str
    choices: list[str]
    value: str
    errors: list[str]
    autocomplete: str
    longest: int
    chosen: list[str]  # of several choices
    consent: str
    version: int  # of the consent's text
    version_name: str


@dataclass
class Shown:
    """What the page shows besides the form itself."""

    data: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    tracking: dict[str, str] = field(default_factory=dict)
    stamp: str = ""
    status: int = 200


class WorkedInLater:
    """An answer after which the stored entry is worked in: the server calls close() when the last byte is sent.

    What fails there, or never runs because the process is killed, is taken up by the sweep.
    """

    submission_id: int | None = None

    def close(self) -> None:
        if self.submission_id is not None:
            services.process_submission(self.submission_id)
            self.submission_id = None
        super().close()  # type: ignore[misc]


class JsonAnswer(WorkedInLater, JsonResponse):
    pass


class RedirectAnswer(WorkedInLater, HttpResponse):
    """303: the browser fetches the thank-you page with GET, also from elsewhere."""

    def __init__(self, url: str) -> None:
        super().__init__(status=303, headers={"Location": url})


def any_origin(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Scripts of any site may read the answer: it is the same for everybody and carries no cookie."""

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "Retry-After"
        response["Cache-Control"] = "no-store"
        return response

    return answering


@csrf_exempt
@login_not_required
@any_origin
def web_form(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the form. POST: an entry, from our page, from another site or as JSON. OPTIONS: what other sites' scripts may do."""
    form = selectors.form_by_slug(slug)
    with translation.override(form.language if form else translation.get_language()):
        if request.method == "OPTIONS":
            return _preflight()
        if form is None:
            return _refuse(request, None, 404, _("There is no such form."))
        if not form.active:
            return _refuse(request, form, 410, _("This form is closed."))
        if request.method in ("GET", "HEAD"):
            return _page(request, form, Shown(tracking=_tracking(request, {}), stamp=services.make_stamp(form)))
        if request.method == "POST":
            return _receive(request, form)
        response = _refuse(request, form, 405, _("Send the form with POST."))
        response["Allow"] = METHODS
        return response


@csrf_exempt
@login_not_required
@any_origin
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the browser lands after a POST."""
    form = selectors.form_by_slug(slug)
    with translation.override(form.language if form else translation.get_language()):
        if form is None:
            return _refuse(request, None, 404, _("There is no such form."))
        if request.method not in ("GET", "HEAD"):
            response = _refuse(request, form, 405, _("Send the form itself."))
            response["Allow"] = "GET, HEAD"
            return response
        return _framed(request, form, render(request, "forms/thanks.html", _frame(request, form)))


def _preflight() -> HttpResponse:
    headers = {
        "Allow": METHODS,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": "Accept, Content-Type",
        "Access-Control-Max-Age": "86400",
    }
    return HttpResponse(status=204, headers=headers)


# ---- an entry ----


def _receive(request: HttpRequest, form: WebForm) -> HttpResponse:
    fields = selectors.form_fields(form)
    try:
        data = read_body(request, {each.key for each in fields if kind_of(each) == FormField.Kind.SEVERAL})
    except BadBody as bad:
        return _refuse(request, form, bad.status, bad.text, bad.errors)
    tracking = _tracking(request, data)
    entry = services.check_entry(fields, data)
    if entry.errors:
        return _again(request, form, data, entry.errors, 422)
    token, spam = services.judge(form, data)
    try:
        submission = services.receive_submission(
            form,
            data={name: value for name, value in data.items() if name != STAMP},
            utm={name: value for name, value in tracking.items() if name != "referrer"},
            consents=services.consents_of(fields, data),
            address=client_address(request),
            user_agent=plain_text(request.headers.get("User-Agent", "")),
            referrer=tracking.get("referrer", ""),
            spam_reason=spam,
            token=token,
        )
    except services.TooMany as limit:
        response = _again(request, form, data, {NON_FIELD_ERRORS: [_("Too many entries at the moment. Please try again later.")]}, 429)
        response["Retry-After"] = str(limit.seconds)
        return response
    answer = JsonAnswer({"status": "received"}, status=201) if _wants_json(request) else RedirectAnswer(_next_url(request, form))
    answer.submission_id = submission.pk
    return answer


def _again(request: HttpRequest, form: WebForm, data: dict[str, Any], errors: dict[str, list[str]], status: int) -> HttpResponse:
    """What is wrong, at its field, with all that was typed."""
    if _wants_json(request):
        return JsonResponse({"errors": errors}, status=status)
    return _page(request, form, Shown(data, errors, _tracking(request, data), str(data.get(STAMP, ""))[:200], status))


def _refuse(request: HttpRequest, form: WebForm | None, status: int, text: str, errors: dict[str, list[str]] | None = None) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"errors": errors or {NON_FIELD_ERRORS: [text]}}, status=status)
    response = render(request, "forms/message.html", {**_frame(request, form), "text": text}, status=status)
    return _framed(request, form, response)


def _wants_json(request: HttpRequest) -> bool:
    accepted = request.headers.get("Accept", "")
    return request.content_type == JSON_TYPE or (JSON_TYPE in accepted and "text/html" not in accepted)


def _next_url(request: HttpRequest, form: WebForm) -> str:
    if form.redirect_url:
        return form.redirect_url
    return reverse("forms:thanks", args=[form.slug]) + ("?embed=1" if "embed" in request.GET else "")


def _tracking(request: HttpRequest, data: dict[str, Any]) -> dict[str, str]:
    """Campaign parameters and referrer: from what was sent, else from the address, else (referrer) from the header."""
    found = {}
    for name in TRACKING:
        value = data.get(name) or request.GET.get(name) or ""
        if isinstance(value, str) and value.strip():
            found[name] = plain_text(value).strip()[:MAX_TRACKING]
    if "referrer" not in found and request.headers.get("Referer"):
        found["referrer"] = plain_text(request.headers["Referer"])[:300]
    return found


def client_address(request: HttpRequest) -> str | None:
    """The sender's address as the outermost of our own proxies saw it; what stands further left in X-Forwarded-For, anybody can write."""
    text = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXY_COUNT:
        passed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
        text = passed[-min(settings.TRUSTED_PROXY_COUNT, len(passed))] if passed else text
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


# ---- pages ----


def _page(request: HttpRequest, form: WebForm, shown: Shown) -> HttpResponse:
    context = {
        **_frame(request, form),
        "questions": questions_of(form, request, shown),
        "form_errors": shown.errors.get(NON_FIELD_ERRORS, []),
        "wrong": bool(shown.errors),
        "tracking": shown.tracking.items(),
        "stamp": shown.stamp,
        "stamp_name": STAMP,
        "trap": TRAP,
        "action": request.path + ("?embed=1" if "embed" in request.GET else ""),
    }
    return _framed(request, form, render(request, "forms/page.html", context, status=shown.status))


def questions_of(form: WebForm, request: HttpRequest, shown: Shown | None = None) -> list[Question]:
    """The form's fields as `forms/questions.html` shows them."""
    return shown_questions(selectors.form_fields(form), request, shown)


def shown_questions(fields: Iterable[FormField], request: HttpRequest, shown: Shown | None = None) -> list[Question]:
    """The same for fields that need not be stored."""
    shown = shown or Shown()
    return [_question(each, shown, request) for each in fields]


def _question(each: FormField, shown: Shown, request: HttpRequest) -> Question:
    value = shown.data.get(each.key, "")
    kind, custom = kind_of(each), field_behind(each)
    if kind == FormField.Kind.HIDDEN and not value:  # a link may carry it (?product=...), or the form has one value of its own
        value = request.GET.get(each.key, "")[:LONGEST] or (each.choices[0] if each.choices else "")
    return Question(
        key=each.key,
        label=each.label,
        kind=kind,
        type=INPUTS.get(CustomField.Kind(custom.kind), "text") if custom else INPUT_TYPES.get(each.kind, INPUT_TYPES.get(each.target, "text")),
        required=each.required,
        help=each.help_text,
        choices=choices_of(each),
        value=value if isinstance(value, str) else "",
        errors=shown.errors.get(each.key, []),
        autocomplete=AUTOCOMPLETE.get(each.target, ""),
        longest=LENGTHS.get(each.target, LONGEST),  # type: ignore[call-overload]
        chosen=[text for text in value if isinstance(text, str)] if isinstance(value, list) else [str(value)] if value else [],
        consent=each.consent_text if kind == FormField.Kind.CONSENT else "",
        version=each.consent_version,
        version_name=f"{SHOWN}{each.key}",
    )


def _frame(request: HttpRequest, form: WebForm | None) -> dict[str, Any]:
    return {"web_form": form, "embed": "embed" in request.GET, "organisation_name": organisation().name}


def _framed(request: HttpRequest, form: WebForm | None, response: HttpResponse) -> HttpResponse:
    """Only the form's own sites may show it in a frame; after sending, the browser may go to its thank-you page elsewhere."""
    response["Content-Language"] = translation.get_language() or "en"
    if form is None:
        return response
    replaced: dict[str, list[str]] = {}
    if form.allowed_origins:
        replaced["frame-ancestors"] = ["'self'", *form.allowed_origins]
        response.xframe_options_exempt = True  # type: ignore[attr-defined]
    if form.redirect_url:
        target = urlsplit(form.redirect_url)
        replaced["form-action"] = ["'self'", f"{target.scheme}://{target.netloc}"]
    return csp_replace(replaced)(lambda _request: response)(request) if replaced else response
