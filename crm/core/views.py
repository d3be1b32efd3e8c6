"""List, page, create, edit, delete, export and bin of every record type; search."""

from __future__ import annotations

import json
import tempfile
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View

from crm.core import exports, pages, replica, search, writes
from crm.core.access import arms_for, may_add, reaches
from crm.core.cells import count_text
from crm.core.conflicts import Conflict, conflict_of
from crm.core.courtesy import may_stream
from crm.core.custom.definitions import fields_of
from crm.core.custom.showing import shaped
from crm.core.idempotency import result_of, run_once
from crm.core.list_query import BadQuery, ListQuery
from crm.core.lists import list_page
from crm.core.models import ExportJob
from crm.core.records import RecordType, record_for
from crm.core.saved.looks import look_of, saved_view

FORM_KEYS = {"csrfmiddlewaretoken", "version", "idempotency_key", "save_anyway", "next"}


def safe_next(request: HttpRequest, fallback: str) -> str:
    """Where to go back to: the posted `next`, or that of the page's address, when it is an address of ours."""
    target = request.POST.get("next") or request.GET.get("next", "")
    return target if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None) else fallback


def bad_request(request: HttpRequest, text: str) -> HttpResponse:
    return render(request, "400.html", {"message": text}, status=400)


class RecordView(View):
    """Base: finds the record type by the slug that `record_urls` gave, as the user sees it."""

    slug = ""

    @property
    def record(self) -> RecordType:
        record = record_for(self.slug)
        if record is None:
            raise Http404
        return shaped(record, self.request.user)

    def load(self, pk: int, action: str = "view") -> Any:
        """404 when the user may not see the row; 403 when they see it but may not do this."""
        if pk > 2**63 - 1:
            raise Http404
        obj = pages.load(self.record, self.request.user, pk)
        if action not in obj.may:
            raise PermissionDenied
        return obj

    def require(self, action: str) -> None:
        """403 when the user has no grant at all for this on the record type."""
        if not arms_for(self.request.user, action, self.record.model):
            raise PermissionDenied

    def show(self, name: str, status: int = 200, **context: Any) -> HttpResponse:
        template = self.record.template(name)
        htmx: Any = self.request.htmx  # type: ignore[attr-defined]
        if htmx and name == "form" and htmx.target == "panel-body":
            template += "#form"
        elif htmx and name == "list" and not htmx.boosted and not htmx.history_restore_request:
            template += "#table"
        return render(self.request, template, {"record": self.record, **context}, status=status)


class RecordListView(RecordView):
    """GET: the list, or with htmx its table alone. A wrong filter answers 400 with the message at the field."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.require("view")
        if not request.GET and (view := self.opening()):
            return redirect(f"{self.record.list_url}?view={view}")
        try:
            with replica.reading(request.user):
                query = ListQuery(self.record, request.user, request.GET, request=request)
                if query.exact and not query.errors and request.htmx and request.htmx.target == "count":  # type: ignore[attr-defined]
                    return self.count(query)
                page = list_page(query, request)
        except BadQuery as error:
            return bad_request(request, str(error))
        response = self.show("list", status=400 if query.errors else 200, list=page)
        response["Vary"] = "HX-Request, Cookie"
        return response

    def opening(self) -> str:
        """The view that the user wants the list to open with, if it is still there."""
        user: Any = self.request.user
        name = look_of(user, self.slug).default
        known = name and (any(view.name == name for view in self.record.views) or saved_view(user, self.slug, name))
        return name if known else ""

    @staticmethod
    def count(query: ListQuery) -> HttpResponse:
        """The number alone, for a page that is already there."""
        count, capped = query.listing.count()
        return HttpResponse(f'<span id="count">{count_text(count, capped=capped)}</span>', headers={"Vary": "HX-Request, Cookie"})


class RecordDetailView(RecordView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk)
        return self.show("detail", object=obj, page=pages.detail_page(self.record, request, obj))


class RecordViewersView(RecordView):
    """Who can see this record, and what else they may do with it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk)
        return self.show("viewers", object=obj, viewers=pages.viewers(obj), back_url=obj.get_absolute_url())


class RecordFormView(RecordView):
    """Shared by create and edit: 422 with what was typed, 409 when somebody was faster."""

    def build(self, data: Any = None, files: Any = None, obj: Any = None, initial: Any = None) -> Any:
        extra = {"instance": obj} if obj is not None else {}
        return self.record.form(data, files, user=self.request.user, initial=initial, **extra)

    def unknown_fields(self, form: Any) -> list[str]:
        """Posted names that no field of the form reads."""
        known = FORM_KEYS | set(form.fields) | set(getattr(getattr(form, "_meta", None), "fields", None) or ()) | set(getattr(form, "extra_keys", ()))
        # Widgets of our own post more than one name: a picker its text, addresses their rows.
        prefixes = tuple(f"{name}_" for name, field in form.fields.items() if not type(field.widget).__module__.startswith("django."))
        return sorted(name for name in self.request.POST if name not in known and not name.startswith(prefixes))

    def check(self, form: Any) -> bool:
        unknown = self.unknown_fields(form)
        valid = form.is_valid()
        if unknown:
            form.add_error(None, _("This form has no field “%(name)s”.") % {"name": unknown[0][:60]})
        return valid and not unknown

    def fail(self, form: Any, error: ValidationError) -> None:
        """Put a service's errors at their fields, those of hidden fields above the form."""
        if hasattr(error, "error_dict"):
            for name, texts in error.message_dict.items():
                form.add_error(name if name in form.fields else None, texts)
        else:
            form.add_error(None, error.messages)

    def done(self, url: str, text: str) -> HttpResponse:
        """Lead to the record; with `?stay=1` a form in the side panel closes, and the list below takes up what is new; with `?here=1` the page below,
        which is the record's own, is shown anew where it stands, unless the user sees it no longer."""
        if self.request.htmx and "stay" in self.request.GET:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"saved": {"message": text}})})
        messages.success(self.request, text)
        if self.request.htmx and "here" in self.request.GET and url != self.record.list_url:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        if self.request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return redirect(url)


class RecordCreateView(RecordFormView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not may_add(request.user, self.record.model):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = self._initial(request.GET)
        return self.page(self.build(initial=initial))

    def _initial(self, params: QueryDict) -> dict[str, Any]:
        initial: dict[str, Any] = {name: value for name, value in params.items() if "\x00" not in value}
        initial |= self._copied(initial.pop("copy")) if "copy" in initial else {}
        initial.setdefault("owner", self.request.user)
        return initial

    def _copied(self, pk: str) -> dict[str, Any]:
        """What another record like this one starts with: all that the reader sees of it but what is its own. 404 when there is none to see."""
        if self.record.duplicate is None or not (pk.isascii() and pk.isdecimal()):
            raise Http404
        obj = self.load(int(pk))
        form, own = self.build(obj=obj), {"owner", *(each.name for each in fields_of(self.record.model) if each.unique)}
        values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items() if name not in own and not field.widget.is_hidden}
        return {name: value for name, value in (values | self.record.duplicate(obj)).items() if value is not None}

    def page(self, form: Any, status: int = 200, duplicates: Any = ()) -> HttpResponse:
        looks = [(str(obj), obj.get_absolute_url()) for obj in duplicates]
        return self.show(
            "form",
            status,
            object=None,
            form=form,
            form_title=self.record.label_new,
            submit_label=_("Create"),
            cancel_url=self.record.url("list"),
            conflict=None,
            duplicates=looks,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.build(request.POST, request.FILES)
        if not self.check(form):
            return self.page(form, 422)
        done = result_of(request.user, form.cleaned_data["idempotency_key"])
        if done:  # before the look for duplicates, which would find what the first click made
            return self.done(done, _("Saved."))
        if self.record.duplicates and not request.POST.get("save_anyway"):
            looks = self.record.duplicates(request.user, form.values())
            if looks:
                return self.page(form, 422, looks)
        try:
            url, _first = run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self._create(form))
        except ValidationError as error:
            self.fail(form, error)
            return self.page(form, 422)
        return self.done(url, _("Saved."))

    def _create(self, form: Any) -> str:
        return self.record.create(form.values(), actor=self.request.user).get_absolute_url()


class RecordUpdateView(RecordFormView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk, "change")
        form = self.build(obj=obj)
        if field := form.fields.get(request.GET.get("field", "")):
            field.widget.attrs["autofocus"] = True
        return self.page(obj, form)

    def page(self, obj: Any, form: Any, status: int = 200, conflict: Conflict | None = None) -> HttpResponse:
        title = _("Edit %(name)s") % {"name": str(obj)}
        return self.show(
            "form", status, object=obj, form=form, form_title=title, submit_label=_("Save"), cancel_url=obj.get_absolute_url(), conflict=conflict, duplicates=[]
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk, "change")
        form = self.build(request.POST, request.FILES, obj)
        if not self.check(form):
            return self.page(obj, form, 422)
        version = form.cleaned_data["version"]
        if version is None:
            form.add_error(None, _("Open the form again: it does not say which version you edited."))
            return self.page(obj, form, 422)
        try:
            if version != obj.version:
                raise writes.StaleRecord(obj)
            saved = self.record.update(obj, form.changed_values(), actor=request.user, version=version)
        except writes.StaleRecord as stale:
            return self.conflict(form, stale.current)
        except ValidationError as error:
            self.fail(form, error)
            return self.page(obj, form, 422)
        # Who gives a private record away sees it no longer.
        return self.done(saved.get_absolute_url() if reaches(request.user, "view", saved) else self.record.list_url, _("Saved."))

    def conflict(self, form: Any, current: Any) -> HttpResponse:
        """Show both versions; what was typed stays, and saving again means: now I know."""
        found = conflict_of(form, self.build(obj=current), current)
        data = form.data.copy()
        data["version"] = str(current.version)
        again = self.build(data, self.request.FILES, current)
        return self.page(current, again, 409, found)


class RecordDeleteView(RecordView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk, "delete")
        return self.show("confirm_delete", object=obj, cancel_url=obj.get_absolute_url(), consequences=self.record.consequences(obj))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk, "delete")
        group = self.record.delete([obj.pk], actor=request.user)
        text = _("%(name)s is in the bin.") % {"name": str(obj)[:80]}
        messages.success(request, text, extra_tags=f"undo:/bin/{group}/restore/")
        return redirect(self.record.url("list"))


class RecordExportView(RecordView):
    """The list as a file: CSV streamed, small workbooks at once, large ones by the worker."""

    def get(self, request: HttpRequest) -> Any:
        self.require("export")
        kind = request.GET.get("format", "csv")
        if kind not in ("csv", "xlsx"):
            return bad_request(request, _("Choose csv or xlsx."))
        try:
            query = ListQuery(self.record, request.user, request.GET, action="export", request=request).insist()
            query.cursor()  # a file starts at the first row; a wrong page mark is refused all the same
        except BadQuery as error:
            return bad_request(request, str(error))
        name = f"{self.record.slug}-{timezone.localdate():%Y-%m-%d}.{kind}"
        if kind == "csv":
            return self.stream(query, name)
        if query.listing.count()[1]:
            exports.request_export(query, kind, actor=request.user)
            messages.success(request, _("The file is being made. You find it here and in the bell when it is ready."))
            return redirect("exports")
        target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
        exports.write_xlsx(exports.rows_of(query), target, str(self.record.label_plural))
        target.seek(0)
        return FileResponse(target, as_attachment=True, filename=name)

    def stream(self, query: ListQuery, name: str) -> Any:
        if not may_stream(query.user.pk):
            return render(self.request, "429.html", {"message": _("Another export is still running. Start this one when it has ended.")}, status=429)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(exports.stream_csv(query), content_type="text/csv; charset=utf-8", headers=headers)


class ExportsView(View):
    """One's own large exports."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "exports.html", {"jobs": ExportJob.objects.visible_to(request.user)[:50]})


class ExportFileView(View):
    def get(self, request: HttpRequest, pk: int) -> Any:
        job = ExportJob.objects.visible_to(request.user).filter(pk=pk, state="done").first()
        if job is None or not job.file:
            raise Http404
        return FileResponse(job.file.open("rb"), as_attachment=True, filename=f"{job.record_slug}-{job.created_at:%Y-%m-%d}.{job.format}")


class SearchView(View):
    """Everything the user may see, by type; for the palette its options alone, for programs JSON."""

    def get(self, request: HttpRequest) -> HttpResponse:
        query = request.GET.get("q", "").strip()
        if "\x00" in query or len(query) > 1000:
            return bad_request(request, _("Search for something shorter."))
        with replica.reading(request.user):
            results = search.search_all(request.user, query)
        if request.headers.get("Accept", "").startswith("application/json"):
            return JsonResponse({"q": query, "alike": results.alike, "results": _as_json(results)})
        htmx: Any = request.htmx  # type: ignore[attr-defined]
        part = "#options" if htmx and not htmx.boosted and not htmx.history_restore_request else ""
        response = render(request, f"search.html{part}", {"q": query, "results": results})
        response["Vary"] = "HX-Request, Accept, Cookie"
        return response


def _as_json(results: search.Results) -> list[dict[str, Any]]:
    return [
        {"type": group.slug, "label": str(group.label), "id": hit.pk, "title": hit.label, "sub": hit.sub, "url": hit.url}
        for group in results.groups
        for hit in group.hits
    ]


def record_urls(slug: str, **overrides: type[View]) -> list[Any]:
    """The addresses of one record type: list, new, import, detail, viewers, edit, delete, bulk, export, saved views, menus of the list, and those of
    single rows (crm.core.row_views). An override replaces one view."""
    from crm.core.bulk.views import RecordBulkView  # they build on this module
    from crm.core.imports.views import ImportStartView
    from crm.core.list_menus import ListMenuView
    from crm.core.row_views import ROW_VIEWS
    from crm.core.saved.views import LookView, SavedViewsView, SavedViewView

    views: dict[str, tuple[str, type[View]]] = {
        "list": ("", RecordListView),
        "new": ("new/", RecordCreateView),
        "import": ("import/", ImportStartView),
        "export": ("export/", RecordExportView),
        "bulk": ("bulk/<slug:action>/", RecordBulkView),
        "views": ("views/", SavedViewsView),
        "view": ("views/<int:pk>/", SavedViewView),
        "look": ("views/look/", LookView),
        "menu": ("menu/<slug:name>/", ListMenuView),
        "detail": ("<int:pk>/", RecordDetailView),
        "viewers": ("<int:pk>/viewers/", RecordViewersView),
        "edit": ("<int:pk>/edit/", RecordUpdateView),
        "delete": ("<int:pk>/delete/", RecordDeleteView),
        **ROW_VIEWS,
    }
    patterns = []
    for name, (address, usual) in views.items():
        view = overrides.get(name, usual)
        options = {"slug": slug} if issubclass(view, RecordView) else {}
        patterns.append(path(address, view.as_view(**options), name=name))
    return patterns
