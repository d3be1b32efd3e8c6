"""The calendar: month, week, day and agenda, one's own or the team's; and moving what stands on it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from activities import forms, panels, selectors, services
from activities.models import Meeting, Task
from activities.selectors.wording import month_text, weekday_text
from activities.services.moves import clock_of, end_of, span_of
from activities.views.entries import put_errors
from activities.views.look import EARLIEST, LAST_PAGE, LATEST, SHOWS, Look, look_of, next_month
from crm.core import cells, pages
from crm.core.access import Scope, may_add
from crm.core.lists import RowContext, row_context
from crm.core.records import record_for
from crm.core.views import bad_request
from crm.core.writes import StaleRecord
from users.selectors import organisation

PER_DAY = {"month": 4, "week": 60, "day": 500, "agenda": 100}
MODELS: dict[str, Any] = {"task": Task, "meeting": Meeting}
LAYER_NAMES = {
    "meetings": (gettext_lazy("Meetings"), "k-teal"),
    "tasks": (gettext_lazy("Tasks"), "k-amber"),
    "calls": (gettext_lazy("Calls"), "k-green"),
    "dates": (gettext_lazy("Birthdays and other dates"), "k-pink"),
}


class CalendarView(View):
    """`?show=month|week|day|agenda&day=2026-11-19&who=me|team&layer=meetings&layer=tasks&color=type|person`: tasks and meetings of one's own, or of
    everybody whose work one sees; with the dates of one's records as a layer."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        views = {user.scope_for(model._meta.label_lower, "view") for model in MODELS.values()}
        if views == {Scope.NONE}:
            raise PermissionDenied
        self.may_team = bool(views & {Scope.TEAM, Scope.ALL})
        look = look_of(request.GET, timezone.localdate(), may_team=self.may_team)
        return bad_request(request, look) if isinstance(look, str) else self.page(look)

    def page(self, look: Look) -> HttpResponse:
        user: Any = self.request.user
        days, zone = look.days(organisation().first_weekday), timezone.get_current_timezone()
        if look.people:
            span: Any = selectors.team_day(user, look.day, zone, layers=look.layers, page=look.page)
        else:
            span = selectors.calendar_days(user, days, zone, team=look.team, per_day=PER_DAY[look.show], layers=look.layers)
        ctx = row_context(user, span.seen)
        marked = selectors.dates_on(user, days) if "dates" in look.layers else {}
        context = {
            "look": look,
            "title": title_of(look, days, ctx),
            "weekdays": [weekday_text(day, ctx) for day in days[:7]] if look.show == "month" else [],
            "empty": not any(day.rows or marked.get(day.day) for day in span.days if look.show != "month" or day.day.month == look.day.month),
            "may_team": self.may_team,
            "new_meeting": may_add(user, Meeting),
            "new_task": may_add(user, Task),
            "mini": self.mini(look, days, ctx) if look.show != "month" else "",
            **days_html(look, span, ctx, marked),
        }
        return render(self.request, "activities/calendar.html", context | links_of(look, ctx.today) | menu_of(look) | pages_of(look, span))

    def mini(self, look: Look, days: list[date], ctx: RowContext) -> Any:
        """The month beside the days. Where all of a team's work is shown, hardly a day is without a dot: it has none."""
        first = look.mini or look.day.replace(day=1)
        shown = selectors.month_days(first, organisation().first_weekday)
        busy = set() if look.team else selectors.busy_days(self.request.user, shown, timezone.get_current_timezone(), look.layers)
        month = panels.MiniMonth(ctx, first, chosen=set(days), day=look.day, busy=busy)
        inside = {day: look.url(day=day) for day in shown if EARLIEST <= day <= LATEST}
        return month.html(shown, inside, look.mini_url(first - timedelta(days=1)), look.mini_url(next_month(first)))


def title_of(look: Look, days: list[date], ctx: RowContext) -> str:
    if look.show == "month":
        return month_text(look.day.replace(day=1), ctx)
    if look.show == "day":
        holiday = organisation().holiday_names.get(look.day) if look.people else ""
        return cells.format_long(look.day, ctx.locale) + (f" · {holiday}" if holiday else "")
    return f"{cells.format_short(days[0], ctx.locale, days[0].year != days[-1].year)} – {cells.format_short(days[-1], ctx.locale)}"


def links_of(look: Look, today: date) -> dict[str, Any]:
    return {
        "previous_url": look.step(forward=False),
        "next_url": look.step(forward=True),
        "today_url": look.url(day=today),
        "shows": [(name, label, key, look.url(show=name)) for name, label, key in SHOWS],
        "mine_url": look.url(team=False),
        "team_url": look.url(team=True),
        "kept": look.kept,
        "first": EARLIEST,
        "last": LATEST,
    }


def menu_of(look: Look) -> dict[str, Any]:
    """The layers as (name, label, colour, is it shown?), and what their form keeps."""
    return {
        "layers": [(name, label, color, name in look.layers) for name, (label, color) in LAYER_NAMES.items()],
        "base": [*look.base, ("day", look.day.isoformat()), *([("color", "person")] if look.by_person and not look.coloured else [])],
    }


def pages_of(look: Look, span: Any) -> dict[str, str]:
    """Where the people are that have no column here."""
    if not look.people:
        return {}
    return {
        "earlier_people_url": look.url(page=look.page - 1) if look.page > 1 else "",
        "later_people_url": look.url(page=look.page + 1) if span.more and look.page < LAST_PAGE else "",
    }


def days_html(look: Look, span: Any, ctx: RowContext, marked: dict[date, list[Any]]) -> dict[str, Any]:
    """`days` as html, of an agenda [(day, name, rows, url)] for the template; `legend`: what their colours mean."""
    house = organisation()
    options: dict[str, Any] = {
        "team": look.team,
        "by_person": look.by_person and look.coloured,
        "house": house,
        "adds": adds_of(ctx.user),
        "marked": marked,
        "agenda": lambda day: look.url(show="agenda", day=day),
    }
    if look.show == "agenda":
        rows, dates = panels.WorkRows(ctx, ctx.user, team=look.team, back=look.url()), panels.AgendaDates(ctx, **options)
        held = [day for day in span.days if day.rows or marked.get(day.day)]
        return {"days": [(day.day, dates.heading(day.day), dates.html(day.day) + rows.html(day.rows), look.url(show="day", day=day.day)) for day in held]}
    if look.show == "month":
        month = panels.MonthDays(ctx, look.day, **options)
        return {"days": month.html(span.days), "legend": month.legend()}
    grid = panels.TimeGrid(ctx, **options)
    return {"days": grid.html(span.days, span.people if look.people else ()), "legend": grid.legend()}


def adds_of(user: Any) -> str:
    """Whose meetings the user may plan: nobody's, their own, or a colleague's."""
    return {Scope.NONE: "", Scope.OWN: "own"}.get(user.scope_for(Meeting._meta.label_lower, "add"), "all")


# ---- moving ----


class MoveView(View):
    """GET asks for the day and the time; POST moves or resizes a task or a meeting. A drop on the calendar is a POST that wants JSON and sends the day
    alone; a drag of the lower edge sends `until` as well."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.record: Any = record_for(MODELS[kwargs["kind"]])
        self.row = pages.load(self.record, request.user, min(kwargs["pk"], 2**63 - 1))
        if "change" not in self.row.may:
            raise PermissionDenied
        self.zone = ZoneInfo(timezone.get_current_timezone_name())
        self.drop = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, kind: str, pk: int) -> HttpResponse:
        day, at = span_of(self.row, self.zone)
        until = forms.parse_clock(request.GET.get("until")) or end_of(self.row, self.zone)
        given = {"day": forms.parse_day(request.GET.get("day")) or day, "time": at, "until": until}
        initial = given | {"version": self.row.version, "next": calendar_of(request)}
        return self.page(forms.MoveForm(user=request.user, row=self.row, initial=initial))

    def post(self, request: HttpRequest, kind: str, pk: int) -> HttpResponse:
        data = request.GET.copy()  # what a link to take a move back says
        data.update(request.POST)
        form = forms.MoveForm(data, user=request.user, row=self.row)
        if not form.is_valid():
            return self.refuse(form, 422)
        if self.drop and form.asks:
            asked = {"day": form.cleaned_data["day"], **({"until": f"{form.cleaned_data['until']:%H:%M}"} if form.cleaned_data.get("until") else {})}
            return JsonResponse({"form_url": f"{request.path}?{urlencode(asked)}"}, status=409)
        before = (*span_of(self.row, self.zone), end_of(self.row, self.zone))
        try:
            moved = self.move(form)
        except StaleRecord:
            form.add_error(None, _("Somebody changed this meanwhile. Reload the page and look again."))
            return self.refuse(form, 409)
        except ValidationError as error:
            put_errors(form, error)
            return self.refuse(form, 422)
        return self.done(form, moved, before)

    def move(self, form: forms.MoveForm) -> Any:
        data = form.cleaned_data
        at = data["time"] if "time" in form.data else clock_of(self.row, self.zone)
        until = data.get("until") if data.get("until") != end_of(self.row, self.zone) else None
        asked = {"day": data["day"], "at": at, "until": until, "tell": bool(data.get("tell")), "scope": data.get("scope", "one"), "version": data["version"]}
        return services.move_entry(self.row, zone=self.zone, actor=self.request.user, **asked)

    def refuse(self, form: forms.MoveForm, status: int) -> HttpResponse:
        if self.drop:
            return JsonResponse({"message": " ".join(text for texts in form.errors.values() for text in texts)}, status=status)
        return self.page(form, status)

    def done(self, form: forms.MoveForm, moved: Any, before: Any) -> HttpResponse:
        ctx = row_context(self.request.user)
        day, at, until = before
        shown, end = span_of(moved, self.zone), end_of(moved, self.zone)
        if end is not None and shown == (day, at):
            clock = cells.format_clock(moved.ends_at.astimezone(self.zone), ctx.locale)
            text = _("%(name)s lasts until %(time)s") % {"name": str(moved)[:80], "time": clock}
        else:
            text = _("%(name)s moved to %(day)s") % {"name": str(moved)[:80], "day": cells.format_short(shown[0], ctx.locale)}
        back = {"day": day.isoformat() if day else "", "time": f"{at:%H:%M}" if at else "", "version": moved.version}
        back |= {"until": f"{until:%H:%M}"} if until is not None else {}
        if self.drop:
            return JsonResponse({"message": text, "version": moved.version, "undo": back if day else None})
        undo = f"undo:{self.request.path}?{urlencode(back)}" if day and not form.asks and form.cleaned_data.get("scope", "one") == "one" else ""
        messages.success(self.request, text, extra_tags=undo)
        url = safe_calendar(self.request.POST.get("next", "")) or f"/calendar/?show=day&day={form.cleaned_data['day']}"
        if self.request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return redirect(url)

    def page(self, form: forms.MoveForm, status: int = 200) -> HttpResponse:
        context = {
            "record": self.record,
            "object": self.row,
            "form": form,
            "form_title": (_("Move or resize: %(name)s") if "until" in form.fields else _("Move: %(name)s")) % {"name": str(self.row)[:120]},
            "submit_label": _("Save") if "until" in form.fields else _("Move"),
            "cancel_url": self.row.get_absolute_url(),
        }
        part = "#form" if self.request.htmx and self.request.htmx.target == "panel-body" else ""  # type: ignore[attr-defined]
        return render(self.request, f"records/form.html{part}", context, status=status)


def calendar_of(request: HttpRequest) -> str:
    """The page of the calendar that a form was opened from, to go back there."""
    came = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    return safe_calendar(f"{came.path}?{came.query}") if came.netloc == request.get_host() else ""


def safe_calendar(path: str) -> str:
    return path[:200] if path.startswith("/calendar/?") and path.isprintable() else ""
