"""The page behind the links of a reminder's mail. Nobody signs in here: the link says who answers (activities/services/links.py)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from activities import selectors, services
from activities.services.reminders import ANSWERS


@method_decorator([login_not_required, never_cache], name="dispatch")
class ReminderLinkView(View):
    """GET shows the task and the answers, `?do=` the chosen one first; mail programs that open links change nothing. POST `do` answers."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.reminder = services.reminder_behind(kwargs["token"])
        if self.reminder is None:
            return render(request, "activities/link_gone.html", status=410)
        person: Any = self.reminder.user
        with translation.override(person.language), timezone.override(ZoneInfo(person.time_zone)):
            return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.page(request.GET.get("do", ""), answered="answered" in request.GET)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            services.answer_reminder(self.reminder, request.POST.get("do", ""))
        except ValidationError as error:
            return self.page(request.POST.get("do", ""), " ".join(error.messages), 422)
        return redirect(f"{request.path}?answered=1")

    def page(self, chosen: str, error: str = "", status: int = 200, answered: bool = False) -> HttpResponse:
        task: Any = self.reminder.task
        context = {
            "task": task,
            "when": selectors.due_words(task, self.reminder.user),
            "answers": [] if task.done_at else sorted(ANSWERS, key=lambda answer: answer[0] != chosen),
            "chosen": chosen,
            "error": error,
            "answered": answered,
        }
        return render(self.request, "activities/link.html", context, status=status)
