"""The home page and the bell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, panels, selectors, services
from activities.models import Notification, Task
from activities.selectors.timeline import address_of_line
from activities.selectors.work import CAP, NEEDS
from activities.views.entries import put_errors
from crm.core import cells
from crm.core.access import Scope, may_add
from crm.core.idempotency import run_once
from crm.core.lists import row_context
from crm.core.views import safe_next
from users.selectors import organisation

CALL_LISTS = 3  # that are shown


@dataclass(frozen=True)
class Section:
    """A part of Today: its rows as html; `url` leads to all of them where that is not all."""

    id: str
    title: str
    html: SafeString
    count: str
    late: bool = False
    url: str = ""


@dataclass(frozen=True)
class Need:
    """Something that waits without a task: why, the first few, and all of them."""

    id: str
    title: str
    icon: str
    count: str
    rows: list[tuple[str, str, SafeString, str]]  # (name, address, reason, address of a new task for it)
    url: str
    more: bool


class TodayView(View):
    """GET: what is due, and what needs the user. POST adds a task."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page()

    def post(self, request: HttpRequest) -> HttpResponse:
        if not may_add(request.user, Task):
            raise PermissionDenied
        form = forms.TodayTaskForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(form, 422)
        try:
            run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self.make(form))
        except ValidationError as error:
            put_errors(form, error)
            return self.page(form, 422)
        messages.success(request, _("Task added."))
        return redirect("/")

    def make(self, form: Any) -> str:
        values = form.values()
        values |= panels.said_of_task(self.request.user, values["title"])
        return services.create_task(values, actor=self.request.user).get_absolute_url()

    def page(self, form: Any = None, status: int = 200) -> HttpResponse:
        user: Any = self.request.user
        zone = timezone.get_current_timezone()
        found = selectors.today_page(user, timezone.now(), zone, organisation().first_weekday)
        ctx = row_context(user, found.seen)
        waiting = needs(found, ctx)
        context = {
            "date": cells.format_long(ctx.today, ctx.locale),
            "sections": sections(found, ctx, user),
            "mentions": mentions(found, ctx),
            "urgent": [need for need in waiting if need.id == "leads"],  # the first answer decides more than what is planned
            "needs": [need for need in waiting if need.id != "leads"],
            "clear": found.is_clear,
            "more": found.more,
            "team": user.scope_for(Task._meta.label_lower, "view") in (Scope.TEAM, Scope.ALL),
            "call_lists": selectors.call_lists(user, unfinished=True, most=CALL_LISTS),
            "quick_add": panels.quick_add(self.request, form),
        }
        return render(self.request, "activities/today.html", context, status=status)


def sections(found: Any, ctx: Any, user: Any) -> list[Section]:
    """The parts that have something to show."""
    parts = [
        ("overdue", _("Overdue"), found.overdue),
        ("today", _("Today"), found.today),
        ("tomorrow", _("Tomorrow"), found.tomorrow),
        ("week", _("This week"), found.week),
        ("later", _("Later"), found.later),
        ("undated", _("No date"), found.undated),
    ]
    maker = panels.WorkRows(ctx, user, unwanted=found.unwanted)
    shown = [Section(id_, title, maker.html(rows), str(len(rows)), id_ == "overdue") for id_, title, rows in parts if rows]
    if found.more_overdue:
        shown[0] = replace(shown[0], count=f"{shown[0].count}+", url="/tasks/?view=overdue")
    return shown


def mentions(found: Any, ctx: Any) -> list[dict[str, Any]]:
    """Comments that wait for the reader's answer."""
    rows = []
    for each in found.mentions:
        record = selectors.subject_of(each.line, found.seen)
        reason = format_html(_("{name} mentioned you, {age}"), name=each.author or _("A colleague"), age=cells.time_html(each.at, ctx, style="age"))
        rows.append({"pk": each.pk, "line": each.line, "record": record, "url": address_of_line(each.line, record), "reason": reason, "body": each.body})
    return rows


def needs(found: Any, ctx: Any) -> list[Need]:
    """Leads nobody has answered, deals with nothing planned."""
    parts = [
        ("leads", _("New leads without an answer"), "target-arrow", found.leads, "lead", "/leads/?owner=me&response=waiting&sort=created"),
        ("deals", _("Deals without a next step"), "layout-kanban", found.deals, "deal", "/deals/?owner=me&status=open&next=none"),
    ]
    return [
        Need(
            id_,
            title,
            icon,
            f"{CAP}+" if waiting.count > CAP else str(waiting.count),
            [_need_row(row, link, ctx) for row in waiting.rows],
            url,
            waiting.count > NEEDS,
        )
        for id_, title, icon, waiting, link, url in parts
        if waiting.count
    ]


def _need_row(row: Any, link: str, ctx: Any) -> tuple[str, str, SafeString, str]:
    age = cells.time_html(row.created_at, ctx, style="age")
    if link == "deal":
        reason = format_html(_("no next step, open for {age}"), age=age)
    elif row.respond_by <= ctx.now:
        late = cells.icon("alert-triangle", "i-sm")
        reason = format_html('<span class="act act-late">{}<span>{}</span></span>', late, format_html(_("new lead, {age}: an answer is overdue"), age=age))
    else:
        reason = format_html(_("new lead, {age}"), age=age)
    return str(row), ctx.url_of(row), reason, f"/tasks/new/?{link}={row.pk}"


# ---- bell ----


class NotificationsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("before", "")
        before = int(text) if text.isdecimal() and len(text) < 19 else None
        rows, older = selectors.notifications_page(request.user, before)
        ctx = row_context(request.user)
        shown = [(row, cells.time_html(row.created_at, ctx), ICONS.get(row.kind, "bell")) for row in rows]
        context = {"rows": shown, "older": older, "newest": before is not None, "unread": any(row.read_at is None for row in rows)}
        return render(request, "activities/notifications.html", context)


ICONS = {
    "reminder": "alarm",
    "date": "calendar-event",
    "assigned": "user-share",
    "done": "circle-check",
    "mentioned": "at",
    "followed": "eye",
    "export": "file-export",
    "system": "info-circle",
}


class NotificationOpenView(View):
    """POST: read, and on to what it is about."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = Notification.objects.visible_to(request.user).filter(pk=min(pk, 2**63 - 1)).first()
        if row is None:
            raise Http404
        services.mark_read([row.pk], user=request.user)
        return redirect(services.safe_path(row.url) or "/notifications/")


class NotificationReadView(View):
    """POST: one is read, without opening what it is about."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = Notification.objects.visible_to(request.user).filter(pk=min(pk, 2**63 - 1)).first()
        if row is None:
            raise Http404
        services.mark_read([row.pk], user=request.user)
        return redirect(safe_next(request, "/notifications/"))


class NotificationSettingsView(View):
    """How one hears of what."""

    def get(self, request: HttpRequest) -> HttpResponse:
        found = selectors.settings_of(request.user)
        return self.page(forms.NotificationForm(initial={kind: found.channel_of(kind) for kind in Notification.Kind.values} | {"digest": found.digest}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = forms.NotificationForm(request.POST)
        if not form.is_valid():
            return self.page(form, 422)
        services.set_channels(request.user, form.channels(), digest=form.cleaned_data["digest"], actor=request.user)
        messages.success(request, _("Saved."))
        return redirect("notifications:settings")

    def page(self, form: Any, status: int = 200) -> HttpResponse:
        return render(self.request, "activities/notification_settings.html", {"form": form}, status=status)


class NotificationsReadView(View):
    """POST: all are read."""

    def post(self, request: HttpRequest) -> HttpResponse:
        services.mark_all_read(user=request.user)
        return redirect("/notifications/")


class PollView(View):
    """What the bell asks every half minute: 204 while nothing is new."""

    def get(self, request: HttpRequest) -> HttpResponse:
        state = selectors.bell_state(request.user)
        if request.GET.get("v", "") == state.v:
            return HttpResponse(status=204)
        return JsonResponse({"v": state.v, "unread": state.unread, "due": state.figure, "late": state.late}, headers={"Cache-Control": "no-store"})
