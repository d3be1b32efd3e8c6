"""What is done with a task: tick off, reopen, put off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, services
from activities.models import Task
from activities.views.entries import put_errors
from crm.core import pages
from crm.core.idempotency import run_once
from crm.core.records import record_for
from crm.core.views import safe_next
from crm.core.writes import StaleRecord


class TaskView(View):
    """Base: a visible task (404) that the user may change (403)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        record: Any = record_for(Task)
        self.pk = min(kwargs["pk"], 2**63 - 1)
        self.task = pages.load(record, request.user, self.pk)
        if "change" not in self.task.may:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def version(self) -> int | None:
        """The version that the page showed, when it says so."""
        text = self.request.POST.get("version", "")
        return int(text) if text.isdecimal() and len(text) < 10 else None

    def stale(self) -> HttpResponse:
        return render(self.request, "409.html", {"message": _("Somebody changed this task meanwhile. Reload the page and look again.")}, status=409)

    def page(self, form: Any, template: str, status: int = 200) -> HttpResponse:
        return render(self.request, template, {"form": form, "task": self.task, "next": safe_next(self.request, "")}, status=status)


class CompleteView(TaskView):
    """POST ticks the task off at once, with an outcome and a next step if they are given; GET asks for them."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(forms.CompleteForm(user=request.user), "activities/complete.html")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = forms.CompleteForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(form, "activities/complete.html", 422)
        try:
            run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self._complete(form))
        except StaleRecord:
            return self.stale()
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, "activities/complete.html", 422)
        text = _("Done: %(title)s") % {"title": self.task.title[:80]}
        messages.success(request, text, extra_tags=f"undo:/tasks/{self.task.pk}/reopen/")
        return redirect(safe_next(request, self.task.get_absolute_url()))

    def _complete(self, form: forms.CompleteForm) -> str:
        outcome, following = form.cleaned_data["outcome"], form.next_values()
        services.complete_task(self.task, actor=self.request.user, outcome=outcome, next_values=following, version=self.version())
        return self.task.get_absolute_url()


class ReopenView(TaskView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        services.reopen_task(self.task, actor=request.user)
        messages.success(request, _("Open again: %(title)s") % {"title": self.task.title[:80]})
        return redirect(safe_next(request, self.task.get_absolute_url()))


class SnoozeView(TaskView):
    """POST `choice`: hour, tomorrow, monday or custom with a day; GET asks for the day."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(forms.SnoozeForm(user=request.user, initial={"choice": "custom"}), "activities/snooze.html")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = forms.SnoozeForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(form, "activities/snooze.html", 422)
        data = form.cleaned_data
        try:
            services.snooze_task(self.task, data["choice"], actor=request.user, day=data["due_on"], at=data["due_time"], version=self.version())
        except StaleRecord:
            return self.stale()
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, "activities/snooze.html", 422)
        messages.success(request, _("Put off: %(title)s") % {"title": self.task.title[:80]})
        return redirect(safe_next(request, self.task.get_absolute_url()))
