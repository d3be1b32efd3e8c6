"""What is done with a task: tick off, reopen, put off, repeat, skip; its checklist."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, selectors, services
from activities.models import ChecklistItem, Task
from activities.views.entries import put_errors
from crm.core import cells, pages
from crm.core.fields import MAX_ID
from crm.core.idempotency import run_once
from crm.core.lists import row_context
from crm.core.records import record_for
from crm.core.views import safe_next
from crm.core.writes import StaleRecord


class TaskView(View):
    """Base: a visible task (404) that the user may change (403)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        record: Any = record_for(Task)
        self.pk = min(kwargs["pk"], MAX_ID)
        self.task = pages.load(record, request.user, self.pk)
        if "change" not in self.task.may:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def version(self) -> int | None:
        """The version that the page showed, when it says so."""
        text = self.request.POST.get("version") or self.request.GET.get("version", "")
        return int(text) if text.isdecimal() and len(text) < 10 else None

    def stale(self) -> HttpResponse:
        return render(self.request, "409.html", {"message": _("Somebody changed this task meanwhile. Reload the page and look again.")}, status=409)

    def stale_page(self, form: Any, template: str) -> HttpResponse:
        """What was typed, and how the task stands now: to be sent again on top of that."""
        record: Any = record_for(Task)
        self.task = pages.load(record, self.request.user, self.pk)
        when = cells.date_html(self.task.due_on, row_context(self.request.user)) if self.task.due_on else _("No date")
        form.add_error(
            None,
            format_html(
                _("Somebody changed this task meanwhile. It is now: {title}, {owner}, {when}. Save again if that is right."),
                title=self.task.title,
                owner=self.task.owner,
                when=when,
            ),
        )
        return self.page(form, template, 409)

    def page(self, form: Any, template: str, status: int = 200) -> HttpResponse:
        part = "#form" if self.in_panel else ""
        return render(self.request, template + part, {"form": form, "task": self.task, "next": safe_next(self.request, "")}, status=status)

    @property
    def in_panel(self) -> bool:
        htmx = self.request.htmx  # type: ignore[attr-defined]
        return bool(htmx and htmx.target == "panel-body")

    def done(self, default: str) -> HttpResponse:
        """On to where one came from; out of the side panel the whole page goes there."""
        url = safe_next(self.request, default)
        return HttpResponse(status=204, headers={"HX-Redirect": url}) if self.in_panel else redirect(url)


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
            return self.stale_page(form, "activities/complete.html")
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, "activities/complete.html", 422)
        text = _("Done: %(title)s") % {"title": self.task.title[:80]}
        told = form.cleaned_data["outcome"] or form.cleaned_data["next_title"]
        plan = "" if told else f" plan:/tasks/{self.task.pk}/complete/"
        messages.success(request, text, extra_tags=f"undo:/tasks/{self.task.pk}/reopen/{plan}")
        return self.done(self.task.get_absolute_url())

    def _complete(self, form: forms.CompleteForm) -> str:
        outcome, following = form.cleaned_data["outcome"], form.next_values()
        services.complete_task(self.task, actor=self.request.user, outcome=outcome, next_values=following, version=self.version())
        return self.task.get_absolute_url()


class RepeatView(TaskView):
    """How the task repeats. POST `do=stop`: no longer."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.rule_page(self.form())

    def form(self, data: Any = None) -> forms.RepeatForm:
        return forms.RepeatForm(data, day=self.task.due_on or timezone.localdate(), initial=forms.RepeatForm.initial_of(self.task.series))

    def rule_page(self, form: Any, status: int = 200) -> HttpResponse:
        repeats = selectors.rule_text(self.task.series) if self.task.series else ""
        return render(self.request, "activities/repeat.html", {"form": form, "task": self.task, "repeats": repeats}, status=status)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form, stop = self.form(request.POST), request.POST.get("do") == "stop"
        if not stop and not form.is_valid():
            return self.rule_page(form, 422)
        try:
            row = services.set_repeat(self.task, None if stop else form.rule(), actor=request.user, version=self.version())
        except StaleRecord:
            return self.stale()
        except ValidationError as error:
            form.is_valid()
            put_errors(form, error)
            return self.rule_page(form, 422)
        text = selectors.rule_text(row.series) if row.series else _("The task does not repeat any longer.")
        messages.success(request, text)
        return redirect(self.task.get_absolute_url())


class SkipView(TaskView):
    """POST leaves out this one task of a series; the next one takes its place."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if "delete" not in self.task.may:
            raise PermissionDenied
        try:
            group, following = services.skip_task(self.task, actor=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect(self.task.get_absolute_url())
        text = _("Skipped: %(title)s") % {"title": self.task.title[:80]}
        messages.success(request, text, extra_tags=f"undo:/bin/{group}/restore/")
        return redirect(following.get_absolute_url() if following else "/tasks/?view=mine")


class ItemsView(TaskView):
    """POST `text`: one more step on the task's checklist."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = forms.ItemForm(request.POST)
        if form.is_valid():
            data = form.cleaned_data
            try:
                run_once(request.user, data["idempotency_key"], request.path, lambda: self.add(data["text"]))
                return redirect(self.back())
            except ValidationError as error:
                put_errors(form, error)
        return render(request, "activities/item.html", {"form": form, "task": self.task, "action": request.path}, status=422)

    def add(self, text: str) -> str:
        services.add_item(self.task, text=text, actor=self.request.user)
        return self.back()

    def back(self) -> str:
        return f"{self.task.get_absolute_url()}#checklist"


class ItemView(TaskView):
    """One step. GET: to rename it; POST `do`: tick, untick, up, down, remove, or rename with `text`."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.item = ChecklistItem.objects.visible_to(request.user).filter(task_id=min(kwargs["pk"], MAX_ID), pk=min(kwargs["item"], MAX_ID)).first()
        if self.item is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: int, item: int) -> HttpResponse:
        return self.item_page(forms.ItemForm(initial={"text": self.item.text}))

    def item_page(self, form: forms.ItemForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "task": self.task, "item": self.item, "action": self.request.path}
        return render(self.request, "activities/item.html", context, status=status)

    def post(self, request: HttpRequest, pk: int, item: int) -> HttpResponse:
        form, choice, user = forms.ItemForm(request.POST), request.POST.get("do", "rename"), request.user
        try:
            match choice:
                case "tick" | "untick":
                    services.change_item(self.item, done=choice == "tick", actor=user)
                case "up" | "down":
                    services.move_item(self.item, -1 if choice == "up" else 1, actor=user)
                case "remove":
                    services.remove_item(self.item, actor=user)
                case "rename" if form.is_valid():
                    services.change_item(self.item, text=form.cleaned_data["text"], actor=user)
                case _:
                    return self.item_page(form, 422)
        except ValidationError as error:
            form.is_valid()
            put_errors(form, error)
            return self.item_page(form, 422)
        return redirect(f"{self.task.get_absolute_url()}#checklist")


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
        asked = request.GET.copy()  # what a link to take it back says
        asked.update(request.POST)
        form = forms.SnoozeForm(asked, user=request.user)
        if not form.is_valid():
            return self.page(form, "activities/snooze.html", 422)
        data, before = form.cleaned_data, self.task
        try:
            moved = services.snooze_task(self.task, data["choice"], actor=request.user, day=data["due_on"], at=data["due_time"], version=self.version())
        except StaleRecord:
            return self.stale_page(form, "activities/snooze.html")
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, "activities/snooze.html", 422)
        if "choice" in request.GET:
            messages.success(request, _("Due as before: %(title)s") % {"title": before.title[:80]})
        else:
            messages.success(request, _("Put off: %(title)s") % {"title": before.title[:80]}, extra_tags=_undo_of(before, moved))
        return self.done(before.get_absolute_url())


def _undo_of(before: Task, moved: Task) -> str:
    """How the message takes a task back to its day; "" for one that had none."""
    if before.due_on is None:
        return ""
    at = f"{before.due_time:%H:%M}" if before.due_time else ""
    back = {"choice": "custom", "due_on": before.due_on.isoformat(), "due_time": at, "version": moved.version}
    return f"undo:/tasks/{before.pk}/snooze/?{urlencode(back)}"
