"""The capture box: a sentence becomes notes, tasks and meetings, a signature becomes a contact."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, panels, selectors, services
from activities.services.capture import StepError
from activities.views.entries import put_errors
from crm.core.idempotency import run_once
from crm.core.views import safe_next


class CaptureView(View):
    """GET: the box (`?text=` fills it). POST writes what is shown; with `show`, or when the text has changed since, it shows what is understood.
    422 keeps all that was typed."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not selectors.may_capture(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("text", "").replace("\x00", "")[: forms.LONGEST]
        origin = self._came_from()
        initial = {"text": text, "origin": selectors.reference(origin) if origin is not None else ""}
        return self._shown(initial, text, origin)

    def post(self, request: HttpRequest) -> HttpResponse:
        looking = "show" in request.POST
        if looking and not request.POST.get("text", "").strip():
            return self._shown({"origin": request.POST.get("origin", "")[:40]}, "", None)
        form = forms.CaptureForm(request.POST, user=request.user)
        if not form.is_valid():
            return self._page(form, self._posted(form), 422)
        if looking or form.is_fresh:
            origin = selectors.referenced(request.user, form.cleaned_data["origin"])
            text = form.cleaned_data["text"]
            return self._shown({"text": text, "origin": form.cleaned_data["origin"]}, text, origin)
        return self._save_card(form) if "card-email" in request.POST else self._save(form)

    def _came_from(self) -> Any:
        """The record on whose page the box was opened."""
        headers = self.request.headers
        return selectors.page_record(self.request.user, urlsplit(headers.get("HX-Current-URL") or headers.get("Referer", "")).path)

    def _shown(self, initial: dict[str, Any], text: str, origin: Any) -> HttpResponse:
        """What is understood of a text, unsaved."""
        shown = panels.understood(self.request.user, text, origin) if text.strip() else {"steps": []}
        initial |= {"seen": text, "steps": len(shown.get("steps", ())), "tags": shown.get("tags", "")}
        initial |= {"owner": shown["owner"]} if shown.get("owner") else {}
        return self._page(forms.CaptureForm(user=self.request.user, initial=initial), shown)

    def _posted(self, form: forms.CaptureForm) -> dict[str, Any]:
        """The forms below the text as they were posted."""
        if "card-email" in self.request.POST:
            return {"card": forms.CardForm(self.request.POST), "may_add": True}
        count = form.data.get("steps", "0")
        places = range(min(int(count), forms.MOST) if count.isdecimal() and len(count) < 3 else 0)
        return {"steps": [self._step(place) for place in places]}

    def _step(self, place: int) -> forms.StepForm:
        chosen = self.request.POST.get(f"s{place}-about", "")
        record = selectors.referenced(self.request.user, chosen)
        label = str(record) if record is not None else chosen.removeprefix(forms.NEW)
        return forms.StepForm(self.request.POST, prefix=f"s{place}", user=self.request.user, abouts=[(chosen, label)] if chosen else [])

    def _save(self, form: forms.CaptureForm) -> HttpResponse:
        shown = self._posted(form)
        steps = shown["steps"]
        if not steps:
            form.add_error("text", _("Write what happened or what is next."))
        wrong = [step for step in steps if not step.is_valid()]  # all of them are asked, so that each shows its errors
        if wrong or form.errors:
            return self._page(form, shown, 422)
        data = form.cleaned_data
        values = [step.cleaned_data for step in steps]
        try:
            url, _fresh = run_once(self.request.user, data["idempotency_key"], self.request.path, lambda: self._write(values, data))
        except StepError as error:
            put_errors(steps[error.place], error)
            return self._page(form, shown, 422)
        except ValidationError as error:
            put_errors(form, error)
            return self._page(form, shown, 422)
        return self._done(url, _("Saved."))

    def _write(self, steps: list[dict[str, Any]], data: dict[str, Any]) -> str:
        about = services.write_captured(steps, actor=self.request.user, tags=data["tags"], owner=data["owner"])
        return f"{about.get_absolute_url()}#timeline" if about is not None else "/"

    def _save_card(self, form: forms.CaptureForm) -> HttpResponse:
        card = forms.CardForm(self.request.POST)
        shown = {"card": card, "may_add": True}
        if not card.is_valid():
            return self._page(form, shown, 422)
        try:
            url, _fresh = run_once(
                self.request.user,
                form.cleaned_data["idempotency_key"],
                self.request.path,
                lambda: services.add_person(card.values(), actor=self.request.user).get_absolute_url(),
            )
        except ValidationError as error:
            put_errors(card, error)
            return self._page(form, shown, 422)
        return self._done(url, _("Contact added."))

    def _page(self, form: forms.CaptureForm, shown: dict[str, Any], status: int = 200) -> HttpResponse:
        target = self.request.htmx.target if self.request.htmx else ""  # type: ignore[attr-defined]
        part = {"panel-body": "#form", "capture-shown": "#shown"}.get(target, "")
        context = {"form": form, "back": safe_next(self.request, "/"), "entered": bool(shown.get("steps") or shown.get("card")), **shown}
        return render(self.request, f"activities/capture.html{part}", context, status=status)

    def _done(self, url: str, text: str) -> HttpResponse:
        messages.success(self.request, text)
        if self.request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return redirect(url)
