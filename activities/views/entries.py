"""Entries on a record's page: the timeline's next part, new notes, calls, tasks and meetings, corrections."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from activities import forms, panels, services
from activities.models import SUBJECTS, Activity, Task
from crm.core import pages
from crm.core.access import may_add
from crm.core.idempotency import run_once
from crm.core.records import record_for
from crm.core.views import safe_next
from crm.core.writes import StaleRecord

FORMS = {kind: form for kind, _label, _icon, _submit, _key, form in panels.COMPOSER}
SAVED = {
    "note": gettext_lazy("Note saved."),
    "call": gettext_lazy("Call logged."),
    "task": gettext_lazy("Task added."),
    "meeting": gettext_lazy("Meeting added."),
}


def load_subject(user: Any, slug: str, pk: int) -> Any:
    """A visible company, contact, lead or deal; 404 otherwise."""
    record = record_for(slug)
    if record is None or record.model._meta.model_name not in SUBJECTS or pk > 2**63 - 1:
        raise Http404
    return pages.load(record, user, pk)


class TimelineView(View):
    """GET: the timeline as a fragment, or the record's page at the same place. 422 for a wrong filter, with the message at the field."""

    def get(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        obj = load_subject(request.user, slug, pk)
        asked = panels.asked_of(request)
        if asked.form is not None and not asked.form.is_valid():
            return filter_page(request, obj, asked, 422)
        url = panels.timeline_url(obj, asked, before=asked.before)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect(url)
        response = render(request, "activities/timeline.html", panels.timeline_context(request, obj, fragment=bool(request.GET.get("before"))))
        if not request.GET.get("before"):
            response["HX-Push-Url"] = url.partition("#")[0]
        return response


class TimelineFilterView(View):
    """GET: the form of a timeline's filter, for the menu or as a page."""

    def get(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        return filter_page(request, load_subject(request.user, slug, pk), panels.asked_of(request))


def filter_page(request: HttpRequest, obj: Any, asked: panels.Asked, status: int = 200) -> HttpResponse:
    context = {
        "object": obj,
        "form": asked.form or forms.TimelineForm(None, user=request.user),
        "action": reverse("activities:timeline", args=[panels.slug_of(obj), obj.pk]),
        "origin": asked.origin,
        "clear_url": f"{obj.get_absolute_url()}#timeline",
    }
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "activities/timeline_filter.html", context, status=status)
    response = render(request, "activities/timeline_filter.html#form", context, status=status)
    response["HX-Retarget"] = "#timeline-sheet"
    return response


class ComposeView(View):
    """POST an entry; GET shows its form on a page of its own. 422 keeps what was typed."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.obj = load_subject(request.user, kwargs["slug"], kwargs["pk"])
        if kwargs["kind"] not in FORMS:
            raise Http404
        if not may_add(request.user, Task):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, slug: str, pk: int, kind: str) -> HttpResponse:
        return self.page(FORMS[kind](user=request.user))

    def post(self, request: HttpRequest, slug: str, pk: int, kind: str) -> HttpResponse:
        form = FORMS[kind](request.POST, user=request.user)
        if not form.is_valid():
            return self.page(form, 422)
        try:
            _url, fresh = run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self.make(kind, form))
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, 422)
        return self.done(str(SAVED[kind]) if fresh else _("This was saved already."))

    def make(self, kind: str, form: forms.EntryForm) -> str:
        values, actor, obj = form.values(), self.request.user, self.obj
        link = {obj._meta.model_name: obj}
        match kind:
            case "note":
                services.add_note(obj, actor=actor, **values)
            case "call":
                services.log_call(obj, actor=actor, **values)
            case "task":
                services.create_task({**values, **link}, actor=actor)
            case "meeting":
                services.create_meeting({**values, **link}, actor=actor)
        return obj.get_absolute_url()

    def page(self, form: forms.EntryForm, status: int = 200) -> HttpResponse:
        """The form, in the side panel by itself; with htmx on a record's page the composer alone takes the place of the one there."""
        if self.in_panel:
            return render(self.request, "activities/entry.html", {"form": form, "object": self.obj, "submit": self.submit()}, status=status)
        context = {"tabs": panels.composer_tabs(self.request, self.obj, form), "oob": False, "object": self.obj}
        if self.request.htmx:  # type: ignore[attr-defined]
            response = render(self.request, "activities/composer.html", context, status=status)
            response["HX-Retarget"], response["HX-Reswap"] = "#composer", "outerHTML"
            return response
        return render(self.request, "activities/compose.html", context, status=status)

    def submit(self) -> Any:
        return next(submit for kind, _label, _icon, submit, *_rest in panels.COMPOSER if kind == self.kwargs["kind"])

    @property
    def in_panel(self) -> bool:
        htmx = self.request.htmx  # type: ignore[attr-defined]
        return bool(htmx and htmx.target == "panel-body")

    def done(self, text: str) -> HttpResponse:
        if self.in_panel:  # over a list, whose row takes up what is new
            return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"saved": {"message": text}})})
        if not self.request.htmx:  # type: ignore[attr-defined]
            messages.success(self.request, text)
            return redirect(f"{self.obj.get_absolute_url()}#timeline")
        shown, origin = self.came_from()
        self.request.GET = QueryDict(urlencode({"from": origin}))  # the new entry stands first, whatever filter was on
        context = panels.timeline_context(self.request, self.obj) | {"composer_tabs": panels.composer_tabs(self.request, self.obj)}
        response = render(self.request, "activities/timeline.html", context)
        response["HX-Trigger"] = json.dumps({"toast": {"message": text}})
        if shown:
            response["HX-Replace-Url"] = panels.timeline_url(self.obj, panels.asked_of(self.request)).partition("#")[0]
        return response

    def came_from(self) -> tuple[bool, str]:
        """Is it the record's page that is open, and the list that it belongs to, by the address that htmx tells."""
        try:
            address = urlsplit(self.request.htmx.current_url or "")  # type: ignore[attr-defined]
        except ValueError:
            return False, ""
        return address.path == self.obj.get_absolute_url(), QueryDict(address.query).get("from", "")


def put_errors(form: Any, error: ValidationError) -> None:
    """A service's errors at their fields, those of fields that the form lacks above it."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error.messages)
        return
    for name, texts in error.message_dict.items():
        form.add_error(name if name in form.fields else None, texts)


class LineView(View):
    """Base: one's own note or call. 404 for lines that are not visible, 403 for others' lines."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        pk = kwargs["pk"]
        self.line = Activity.objects.visible_to(request.user).filter(pk=pk).first() if pk <= 2**63 - 1 else None
        if self.line is None:
            raise Http404
        if not services.may_correct(self.line, request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def back(self) -> str:
        assert self.line is not None
        subject: Any = self.line.subject
        return f"{subject.get_absolute_url()}#timeline"


class LineEditView(LineView):
    def form(self, data: Any = None) -> Any:
        line = self.line
        assert line is not None
        form = forms.CallLineForm if line.kind == Activity.Kind.CALL else forms.LineForm
        return form(data, user=self.request.user, initial={"body": line.body, "version": line.version, **line.data})

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(self.form())

    def page(self, form: Any, status: int = 200) -> HttpResponse:
        context = {"form": form, "line": self.line, "back": self.back()}
        return render(self.request, "activities/line_form.html", context, status=status)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.page(form, 422)
        data = form.cleaned_data
        details = {"outcome": data["outcome"], "minutes": data["minutes"]} if "outcome" in data else None
        try:
            services.correct_line(self.line, actor=request.user, body=data["body"], data=details, version=data["version"])
        except StaleRecord:
            form.add_error(None, _("This was changed in another window. Open it again."))
            return self.page(form, 409)
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, 422)
        messages.success(request, _("Saved."))
        return redirect(self.back())


class LineDeleteView(LineView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        services.delete_line(self.line, actor=request.user)
        messages.success(request, _("The entry is deleted."), extra_tags=f"undo:/activities/{pk}/restore/")
        return redirect(safe_next(request, self.back()))


class LineRestoreView(View):
    """Undo: the author takes a deleted entry back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if pk > 2**63 - 1 or not services.restore_line(pk, actor=request.user):
            raise Http404
        messages.success(request, _("The entry is back."))
        return redirect(safe_next(request, "/"))
