"""The calendar beyond Rapport: the private feed, files to import, and the page behind a guest's link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from activities import forms, selectors, services
from activities.models import Guest, Meeting, MeetingGuest, Task
from crm.core import cells
from crm.core.access import may_add
from crm.core.lists import row_context

SHOWN = 200

# ---- the feed ----


class FeedView(View):
    """GET: what the feed is, and whether there is one. POST `do`: new (shows the address, this once) or stop."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page()

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("do") == "stop":
            services.stop_feed(actor=request.user)
            messages.success(request, _("Your calendar has no address any more."))
            return redirect("calendar:feed_page")
        if request.POST.get("do") != "new":
            return self.page(422)
        secret = services.make_feed(actor=request.user)
        return self.page(address=f"{settings.BASE_URL}{reverse('calendar:feed', args=[secret])}")

    def page(self, status: int = 200, address: str = "") -> HttpResponse:
        context = {"made_at": selectors.feed_made_at(self.request.user), "address": address}
        response = render(self.request, "activities/feed.html", context, status=status)
        response["Cache-Control"] = "no-store"
        return response


@login_not_required
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The feed itself, for programs: whoever has the secret sees what its user may see of their own calendar."""
    user = services.feed_user(secret)
    if user is None:
        return HttpResponse(_("There is no such calendar."), status=404, content_type="text/plain; charset=utf-8")
    rows = selectors.feed_rows(user, timezone.now())
    changed = int(rows.changed_at.timestamp()) if rows.changed_at else None
    response = get_conditional_response(request, etag=rows.etag)
    if response is None:
        with translation.override(user.language):
            body = services.feed(user.name, rows.meetings, rows.tasks, base_url=settings.BASE_URL)
        response = HttpResponse(body, content_type="text/calendar; charset=utf-8", headers={"Content-Disposition": 'inline; filename="calendar.ics"'})
    response["ETag"], response["Cache-Control"] = rows.etag, "private, no-cache"
    if changed:
        response["Last-Modified"] = http_date(changed)
    return response


# ---- import ----


class MayPlanView(View):
    """Base: people who may make meetings or tasks."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not may_add(request.user, Meeting) and not may_add(request.user, Task):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)


class ImportFileView(MayPlanView):
    """GET: the form. POST keeps the file and leads to what is in it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(forms.CalendarFileForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = forms.CalendarFileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(form, 422)
        file = form.cleaned_data["file"]
        try:
            kept = services.keep_upload(file.name, file.read(services.MOST_BYTES + 1), actor=request.user)
        except ValidationError as error:
            form.add_error("file", error.message_dict["file"])
            return self.page(form, 422)
        return redirect("calendar:import_preview", pk=kept.pk)

    def page(self, form: forms.CalendarFileForm, status: int = 200) -> HttpResponse:
        return render(self.request, "activities/calendar_import.html", {"form": form}, status=status)


class ImportPreviewView(MayPlanView):
    """GET: what the file holds. POST makes meetings and tasks of what is new."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        upload = selectors.own_upload(request.user, kwargs["pk"]) if request.user.is_authenticated else None
        if upload is None:
            raise Http404
        self.upload = upload
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        found, there = services.found_in(self.upload, actor=request.user, now=timezone.now())
        ctx = row_context(request.user)
        groups = [
            (_("Meetings"), [(row.title, cells.time_html(row.starts_at, ctx, style="datetime"), "", row.key in there) for row in found.entries]),
            (_("Tasks"), [(row.title, *due_of(row, ctx), row.key in there) for row in found.todos]),
        ]
        context = {
            "upload": self.upload,
            "groups": [(title, rows[:SHOWN], max(0, len(rows) - SHOWN)) for title, rows in groups if rows],
            "fresh": made_text(*(sum(row.key not in there for row in rows) for rows in (found.entries, found.todos))),
            "problems": found.problems,
            "notes": found.notes,
            "held": ", ".join(name for name in found.held if name != "VCALENDAR"),
        }
        return render(request, "activities/calendar_preview.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        meetings, tasks = services.import_upload(self.upload, actor=request.user)
        messages.success(request, _("Added: %(what)s.") % {"what": made_text(len(meetings), len(tasks)) or _("nothing new")})
        if tasks and not meetings:
            return redirect("/tasks/?view=mine")
        day = min(meeting.starts_at for meeting in meetings).astimezone(timezone.get_current_timezone()).date() if meetings else timezone.localdate()
        return redirect(f"/calendar/?show=agenda&day={day}")


def made_text(meetings: int, tasks: int) -> str:
    """`2 meetings, 1 task`; "" for none."""
    parts = [ngettext("%(n)s meeting", "%(n)s meetings", meetings) % {"n": meetings}] if meetings else []
    return ", ".join([*parts, ngettext("%(n)s task", "%(n)s tasks", tasks) % {"n": tasks}] if tasks else parts)


def due_of(todo: Any, ctx: Any) -> tuple[Any, str]:
    """When a to-do is due, and what else becomes of it."""
    day = cells.format_short(todo.due_on, ctx.locale) if todo.due_on else _("No date")
    at = f" {cells.format_clock(datetime.combine(todo.due_on, todo.due_time), ctx.locale)}" if todo.due_on and todo.due_time else ""
    told = [_("done")] if todo.done_at else []
    told += [_("repeats")] if todo.rule else []
    told += [ngettext("%(n)s reminder", "%(n)s reminders", len(todo.reminders)) % {"n": len(todo.reminders)}] if todo.reminders else []
    return f"{day}{at}", ", ".join(told)


# ---- guests ----


def of_a_guest(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For the guest whose link it is, in the organiser's language. A dead link gets a page that says so, and nothing else."""

    @wraps(view)
    def answering(request: HttpRequest, token: str) -> HttpResponse:
        found = services.guest_of(token)
        if found is None:
            return render(request, "activities/guest_gone.html", status=410)
        with translation.override(found.meeting.owner.language):
            return view(request, token, found)

    return answering


@csrf_exempt  # the link itself is the proof, and there is no session that another site could use
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_a_guest
def guest(request: HttpRequest, token: str, found: Guest) -> HttpResponse:
    """GET shows the meeting and the answers; nothing is answered by it, because mail programs look at links too. POST `answer`."""
    status, problem = 200, ""
    if request.method == "POST":
        try:
            answered = services.answer(token, request.POST.get("answer", ""))
        except ValidationError as error:
            status, problem = 422, " ".join(error.messages)
        else:
            return redirect("guest", token=token) if answered else render(request, "activities/guest_gone.html", status=410)
    answers = [(state.value, str(label), state.value == found.state) for state, label in answers_of()]
    context = {"guest": found, "meeting": found.meeting, "when": services.when_of(found), "answers": answers, "problem": problem}
    return render(request, "activities/guest.html", context, status=status)


def answers_of() -> list[tuple[MeetingGuest.State, str]]:
    return [(MeetingGuest.State.ACCEPTED, _("Accept")), (MeetingGuest.State.TENTATIVE, _("Perhaps")), (MeetingGuest.State.DECLINED, _("Decline"))]
