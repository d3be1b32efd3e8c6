"""Settings of web forms that need more than a declared page: their fields, how to embed them, and the entries that came."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.core.settings_pages import admin_only
from crm.core.writes import StaleRecord
from leads import selectors, services
from leads.forms.setup import FieldRow, FieldRows
from leads.models import FormField, Submission, WebForm
from leads.services.entries import TRAP
from leads.views.public import questions_of, shown_questions

PAGE = 50
MOST_ROWS = 60  # more than a form takes: what was typed too much is refused, not lost
State = Submission.State


def _form(request: HttpRequest, pk: int) -> WebForm:
    return get_object_or_404(WebForm.objects.visible_to(request.user, "change"), pk=pk)


# ---- the fields of a form ----


@admin_only
def form_fields(request: HttpRequest, pk: int) -> HttpResponse:
    """All fields as plain rows, with some empty ones at the end; saving sets all of them. `do`: preview, add (more empty rows), up-N, down-N, of which
    none saves anything."""
    form = _form(request, pk)
    if request.method != "POST":
        names = ("key", "label", "kind", "target", "required", "choices", "help_text", "consent_text")
        initial = [{name: getattr(each, name) for name in names} for each in selectors.form_fields(form)]
        return _fields_page(request, form, FieldRows(initial=initial, prefix="f"), questions_of(form, request))
    rows = FieldRows(request.POST, prefix="f")
    if request.POST.get("do"):
        return _rearranged(request, form, rows)
    return _save_fields(request, form, rows)


def _fields_page(request: HttpRequest, form: WebForm, rows: Any, questions: list[Any], status: int = 200, conflict: str = "") -> HttpResponse:
    context = {"title": _("Fields of %(name)s") % {"name": form}, "web_form": form, "rows": rows, "questions": questions, "conflict": conflict}
    return render(request, "leads/form_fields.html", {**context, "version": request.POST.get("version", form.version)}, status=status)


def _typed_rows(rows: Any) -> list[dict[str, Any]]:
    return [typed for row in rows.forms[:MOST_ROWS] if (typed := row.typed())["key"] or typed["label"]]


def _rearranged(request: HttpRequest, form: WebForm, rows: Any) -> HttpResponse:
    """The page anew with what was typed, in another order or with more empty rows."""
    typed = _typed_rows(rows)
    verb, _dash, number = request.POST["do"][:12].partition("-")
    there = {"up": -1, "down": 1}.get(verb, 0)
    if there and number.isdecimal() and 0 <= (here := int(number)) < len(typed) and 0 <= here + there < len(typed):
        typed[here], typed[here + there] = typed[here + there], typed[here]
    return _fields_page(request, form, FieldRows(initial=typed, prefix="f"), _drafts(typed, request))


def _drafts(typed: list[dict[str, Any]], request: HttpRequest) -> list[Any]:
    """The questions that these rows would make; what can't be shown yet is left out."""
    rows = [FieldRow(each) for each in typed if not each["remove"]]
    return shown_questions([FormField(**row.values()) for row in rows if row.is_valid() and row.is_field], request)


@admin_only
@require_POST
def form_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The form as it would be with the rows as they stand on the page at the moment; nothing is saved."""
    form = _form(request, pk)
    rows = FieldRows(request.POST, prefix="f")
    return render(request, "leads/form_preview.html", {"web_form": form, "questions": _drafts(_typed_rows(rows), request)})


def _save_fields(request: HttpRequest, form: WebForm, rows: Any) -> HttpResponse:
    """Hand the rows over in their order; what the service refuses stands at the row it is about."""
    if not rows.is_valid():
        return _fields_page(request, form, rows, questions_of(form, request), 422)
    version = request.POST.get("version", "")
    kept = [row for row in rows.forms if row.is_field]
    try:
        known = int(version) if version.isdecimal() and len(version) < 10 else None
        services.replace_fields(form, [row.values() for row in kept], actor=request.user, version=known)
    except StaleRecord as stale:
        text = _("Somebody changed this form meanwhile. Nothing was overwritten. Open it anew to see what it is now.")
        return _fields_page(request, stale.current, rows, questions_of(form, request), 409, text)
    except ValidationError as error:
        _mark(rows, kept, error)
        return _fields_page(request, form, rows, questions_of(form, request), 422)
    messages.success(request, _("The fields of %(name)s have been saved.") % {"name": form})
    return redirect("lead_settings:form-fields", pk=form.pk)


def _mark(rows: Any, kept: list[Any], error: ValidationError) -> None:
    if not hasattr(error, "error_dict"):
        rows.problems = error.messages
        return
    for name, texts in error.message_dict.items():
        number, _dash, field = name.partition("-")
        kept[int(number)].add_error(field if field in kept[int(number)].fields else None, texts)


# ---- embedding ----


@admin_only
@require_GET
def form_embed(request: HttpRequest, pk: int) -> HttpResponse:
    """The form's address, and code to paste into other sites."""
    form = _form(request, pk)
    fields = selectors.form_fields(form)
    url = f"{settings.BASE_URL}{reverse('forms:form', args=[form.slug])}"
    context = {
        "title": _("Embed %(name)s") % {"name": form},
        "web_form": form,
        "url": url,
        "questions": questions_of(form, request),
        "iframe": f'<iframe src="{url}?embed=1" title="{form.title or form.name}" width="100%" height="640" loading="lazy"></iframe>',
        "html": render(
            request, "leads/embed_form.txt", {"url": url, "questions": questions_of(form, request), "trap": TRAP, "web_form": form}
        ).content.decode(),
        "curl": _curl(url, fields),
    }
    return render(request, "leads/form_embed.html", context)


def _curl(url: str, fields: list[Any]) -> str:
    pairs = ", ".join(f'"{each.key}": "…"' for each in fields)
    return f"curl -X POST {url} \\\n  -H 'Content-Type: application/json' \\\n  -d '{{{pairs}}}'"


# ---- entries ----


@admin_only
@require_GET
def submission_list(request: HttpRequest) -> HttpResponse:
    """All entries, by form and state."""
    state, form_text, page_text = (request.GET.get(name, "") for name in ("state", "form", "page"))
    forms = list(WebForm.objects.visible_to(request.user))
    chosen = next((each for each in forms if str(each.pk) == form_text), None)
    if (state and state not in State.values) or (form_text and chosen is None):
        return render(request, "400.html", {"message": _("There are no such entries.")}, status=400)
    rows = selectors.submissions(request.user, state=state, form_id=chosen.pk if chosen else None)
    counts = selectors.waiting_submissions(request.user)
    page = Paginator(rows, PAGE).get_page(page_text if page_text.isdecimal() and len(page_text) < 9 else 1)
    context = {
        "title": _("Form entries"),
        "page": page,
        "entries": [(each, selectors.summary_of(each)) for each in page],
        "forms": forms,
        "chosen": chosen,
        "state": state,
        "tabs": [(label, _address(form_text, value), state == value, counts.get(value, 0)) for value, label in [("", _("All")), *State.choices]],
        "previous_url": _address(form_text, state, page.previous_page_number()) if page.has_previous() else "",
        "next_url": _address(form_text, state, page.next_page_number()) if page.has_next() else "",
    }
    return render(request, "leads/submissions.html", context)


def _address(form: str, state: str, page: int = 0) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in (("form", form), ("state", state), ("page", page)) if value})
    return f"{reverse('lead_settings:submissions')}?{query.urlencode()}" if query else reverse("lead_settings:submissions")


def _submission(request: HttpRequest, pk: int) -> Submission:
    if pk > 2**63 - 1:
        raise Http404
    return get_object_or_404(selectors.submissions(request.user), pk=pk)


@admin_only
@require_GET
def submission_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what was sent, raw, and what can be done with it."""
    entry = _submission(request, pk)
    context = {
        "title": _("Entry of %(form)s") % {"form": entry.form},
        "entry": entry,
        "rows": [(name, selectors.answer_text(value)) for name, value in entry.data.items()],
        "utm": entry.utm.items(),
        "may_retry": entry.state in (State.FAILED, State.STORED),
        "is_spam": entry.state == State.SPAM,
    }
    return render(request, "leads/submission.html", context)


@admin_only
@require_POST
def submission_not_spam(request: HttpRequest, pk: int) -> HttpResponse:
    """Out of the spam queue, and worked in like any other."""
    return _after(request, _submission(request, pk), services.not_spam)


@admin_only
@require_POST
def submission_retry(request: HttpRequest, pk: int) -> HttpResponse:
    return _after(request, _submission(request, pk), services.retry_submission)


def _after(request: HttpRequest, entry: Submission, work: Any) -> HttpResponse:
    if work(entry, actor=request.user):
        messages.success(request, _("The entry has been worked in."))
    else:
        messages.warning(request, _("The entry could not be worked in. It says why below, if it failed."))
    return redirect("lead_settings:submission", pk=entry.pk)


@admin_only
@require_POST
def submission_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Spam only: other entries are part of a record's history."""
    if services.delete_submission(_submission(request, pk), actor=request.user):
        messages.success(request, _("The entry has been deleted."))
        return redirect(f"{reverse('lead_settings:submissions')}?state=spam")
    messages.warning(request, _("Only spam can be deleted."))
    return redirect("lead_settings:submission", pk=pk)
