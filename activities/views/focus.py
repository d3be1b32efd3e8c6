"""Focus: one task after the other, the longest overdue first, until today is done."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View

from activities import panels, selectors
from activities.models import Task
from crm.core import pages
from crm.core.access import Scope
from crm.core.lists import row_context
from crm.core.records import record_for
from crm.core.views import bad_request


class FocusView(View):
    """GET: the first of one's open tasks that are due by the end of today, or the one after `?after=`. What is done with it posts to the task's own pages."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if user.scope_for(Task._meta.label_lower, "view") == Scope.NONE:
            raise PermissionDenied
        try:
            after = selectors.FocusMark.read(request.GET.get("after", ""))
        except ValueError:
            return bad_request(request, _("This place in the work of today is not there. Begin again."))
        found = selectors.focus(user, timezone.now(), timezone.get_current_timezone(), after)
        context: dict[str, Any] = {"left": found.left, "begun": after is not None}
        if found.task is not None:
            record: Any = record_for(Task)
            task = pages.load(record, user, found.task.pk)
            context |= panels.focus_context(request, task, row_context(user, found.seen), selectors.FocusMark.of(found.task))
        return render(request, "activities/focus.html", context)
