"""Saved views of one list, and how the user wants the list to look."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from crm.core.access import can
from crm.core.list_query import BadQuery, ListQuery
from crm.core.saved import services
from crm.core.saved.forms import ColumnsForm, NewViewForm, ViewForm
from crm.core.saved.looks import is_tab, look_of, saved_view, saved_views
from crm.core.saved.models import PREFIX, SavedView
from crm.core.views import RecordView, bad_request, safe_next


class SavedViewsView(RecordView):
    """GET: all views of this list that the user may see. POST: one more."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.require("view")
        return self.page(request)

    def page(self, request: HttpRequest, status: int = 200, form: Any = None, wrong: int = 0) -> HttpResponse:
        user: Any = request.user
        look = look_of(user, self.record.slug)
        own = [{"key": view.name, "label": view.label, "default": look.default == view.name} for view in self.record.views if view.params]
        saved = [
            {
                "view": view,
                "key": view.key,
                "default": look.default == view.key,
                "tab": is_tab(view, user, look),
                "may_change": view.is_changed_by(user),
                "mine": view.owner_id == user.pk,
                "form": form if wrong == view.pk else ViewForm({"name": view.name, "shared": view.shared}, auto_id=f"id_{view.pk}_%s"),
            }
            for view in saved_views(user, self.record.slug)
        ]
        return self.show("views", status, own=own, saved=saved, look=look)

    def post(self, request: HttpRequest) -> HttpResponse:
        self.require("view")
        form = NewViewForm(request.POST)
        if not form.is_valid():
            return bad_request(request, " ".join(f"{form.fields[name].label}: {texts[0]}" for name, texts in form.errors.items()))
        slug, data = self.record.slug, form.cleaned_data
        try:
            view = services.save_view(slug, actor=request.user, name=data["name"], query=self.question(data["query"]), shared=data["shared"])
        except (BadQuery, ValidationError) as error:
            return bad_request(request, text_of(error))
        if data["default"]:
            services.change_look(slug, actor=request.user, default=view.key)
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
        return redirect(f"{self.record.list_url}?view={view.key}")

    def question(self, text: str) -> str:
        """A list's query string as it can be kept. BadQuery when the list would refuse it."""
        return ListQuery.stored(self.record, self.request.user, text, request=self.request).question


class SavedViewView(SavedViewsView):
    """POST `do`: `query` keeps the list as it stands, `change` name and circle, `delete` takes the view away for all who see it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:  # type: ignore[override]
        return redirect(f"{self.record.list_url}?view={self.find(pk).key}")

    def find(self, pk: int) -> SavedView:
        self.require("view")
        view = saved_view(self.request.user, self.record.slug, f"{PREFIX}{pk}")
        if view is None:
            raise Http404
        return view

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:  # type: ignore[override]
        view, user, do = self.find(pk), request.user, request.POST.get("do")
        if not can(user, "change", view):
            raise PermissionDenied
        if do == "delete":
            services.delete_view(view, actor=user)
            messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
            return redirect(self.record.url("views"))
        if do not in ("query", "change"):
            return bad_request(request, _("Choose what to do with the view."))
        form = ViewForm(request.POST, auto_id=f"id_{view.pk}_%s")
        try:
            if do == "query":
                services.change_view(view, actor=user, query=self.question(request.POST.get("query", "")))
            elif form.is_valid():
                services.change_view(view, actor=user, **form.cleaned_data)
            else:
                return self.page(request, 422, form, view.pk)
        except BadQuery as error:
            return bad_request(request, str(error))
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self.page(request, 422, form, view.pk)
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
        return redirect(f"{self.record.list_url}?view={view.key}" if do == "query" else self.record.url("views"))


class LookView(RecordView):
    """POST `do`: `columns` shows other columns, for good (`keep`) or in this address; `widths` and `usual` (forget both) are kept;
    `default` makes a view the one that the list opens with, `tab` and `menu` say where a saved view stands."""

    def post(self, request: HttpRequest) -> HttpResponse:
        self.require("view")
        slug, do, view = self.record.slug, request.POST.get("do", "columns"), request.POST.get("view", "")
        target = safe_next(request, self.record.list_url)
        if do in ("columns", "widths"):
            form = ColumnsForm(request.POST, self.record)
            if not form.is_valid():
                return bad_request(request, " ".join(map(str, form.non_field_errors())))
            target = self.columns(form.cleaned_data, target) if do == "columns" else self.widths(form.cleaned_data, target)
        elif do == "usual":
            services.change_look(slug, actor=request.user, columns=[], widths={})
        elif do == "default" and (not view or view in self.names()):
            services.change_look(slug, actor=request.user, default=view)
        elif do in ("tab", "menu") and view in self.names():
            services.change_look(slug, actor=request.user, tabs={view: do == "tab"})
        else:
            return bad_request(request, _("This list has no such setting."))
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=204)
        return redirect(target)

    def columns(self, wanted: dict[str, Any], target: str) -> str:
        """Where the list stands with these columns."""
        names = moved_up(wanted["columns"], self.request.POST.get("up", ""))
        kept = {"columns": names} if self.request.POST.get("keep") else {}
        services.change_look(self.record.slug, actor=self.request.user, widths=wanted["widths"], **kept)
        services.change_density(self.request.POST.get("compact") == "1", actor=self.request.user)
        return target if kept else f"{target}{'&' if '?' in target else '?'}{urlencode({'cols': ','.join(names)})}"

    def widths(self, wanted: dict[str, Any], target: str) -> str:
        services.change_look(self.record.slug, actor=self.request.user, widths=wanted["widths"])
        return target

    def names(self) -> set[str]:
        return {view.name for view in self.record.views} | {view.key for view in saved_views(self.request.user, self.record.slug)}


def moved_up(names: list[str], name: str) -> list[str]:
    """Without JavaScript a column moves by a button of its own."""
    if name not in names or names[0] == name:
        return names
    place = names.index(name)
    return [*names[: place - 1], name, names[place - 1], *names[place + 1 :]]


def text_of(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
