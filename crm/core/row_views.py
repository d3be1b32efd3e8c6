"""What is asked of single rows of a list: a look, the rows beside, a change in place, what has changed (docs/decisions/rows.md)."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from crm.core.conflicts import Conflict
from crm.core.fields import MAX_ID
from crm.core.inline import rows_html
from crm.core.list_query import BadQuery, ListQuery
from crm.core.neighbours import beside, key_of, page_of, with_query
from crm.core.peek import peek_of
from crm.core.records import Column
from crm.core.stamps import asked_rows, current
from crm.core.views import RecordUpdateView, RecordView, bad_request


class RecordPeekView(RecordView):
    """The essentials of a record, for the side panel; whoever asks for them as a page gets the record's own."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect(obj.get_absolute_url())
        return self.show("peek", object=obj, peek=peek_of(self.record, request, obj))


class ListedView(RecordView):
    """Base: views about rows of the list whose query the address carries. 400 when there is no such list."""

    query: ListQuery
    beside_query: tuple[str, ...] = ()  # parameters that are not the list's

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        params = request.GET.copy()
        for name in self.beside_query:
            params.pop(name, None)
        try:
            self.query = ListQuery(self.record, request.user, params, request=request).insist()
            self.query.cursor()  # it comes from outside, too
        except BadQuery as error:
            return bad_request(request, str(error))
        return super().dispatch(request, *args, **kwargs)


class RecordNeighboursView(ListedView):
    """The links to the rows beside a record, as a piece of its page: one that leads nowhere is disabled."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require("view")
        key = key_of(self.query, min(pk, MAX_ID))
        found = [beside(self.query, pk, key, back=back) for back in (True, False)]
        previous_url, next_url = (page_of(self.record, each, self.query.params.urlencode()) if each else "" for each in found)
        return render(request, "records/beside.html", {"previous_url": previous_url, "next_url": next_url})


class RecordNextView(ListedView):
    """Leads to the next row of the list, or with `back` to the previous one; at the end of the list back to the record."""

    back = False

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require("view")
        found = beside(self.query, pk, key_of(self.query, min(pk, MAX_ID)), back=self.back)
        if found is None:
            messages.info(request, _("This is the first one in the list.") if self.back else _("This is the last one in the list."))
        return redirect(page_of(self.record, found or pk, self.query.params.urlencode()))


class RecordPreviousView(RecordNextView):
    back = True


class RecordCellView(ListedView, RecordUpdateView):
    """One or two fields of a row in their cell, saved by the record's own service: 422 with what was typed, 409 when somebody was faster.
    Without htmx the same as a page."""

    @property
    def column(self) -> Column:
        column = self.record.column(self.kwargs["column"])
        if column is None or not column.edit:
            raise Http404
        return column

    def get(self, request: HttpRequest, pk: int, column: str = "") -> HttpResponse:
        return super().get(request, pk)

    def post(self, request: HttpRequest, pk: int, column: str = "") -> HttpResponse:
        return super().post(request, pk)

    def build(self, data: Any = None, files: Any = None, obj: Any = None, initial: Any = None) -> Any:
        form = super().build(data, files, obj, initial)
        form.narrow(self.column.edit)
        form.auto_id = "cell_%s"  # the filters and the side panel have an owner and a status as well
        return form

    def page(self, obj: Any, form: Any, status: int = 200, conflict: Conflict | None = None) -> HttpResponse:
        title = _("Edit %(what)s of %(name)s") % {"what": self.column.label, "name": str(obj)}
        template = "records/cell.html#cell" if self.request.htmx else "records/cell.html"  # type: ignore[attr-defined]
        context = {"record": self.record, "object": obj, "form": form, "form_title": title, "conflict": conflict, "list_url": self.list_url}
        return render(self.request, template, context, status=status)

    @property
    def list_url(self) -> str:
        return with_query(self.record.list_url, self.query.params.urlencode())

    def done(self, url: str, text: str) -> HttpResponse:
        """The whole row as it stands in the list now, in its old place."""
        if not self.request.htmx:  # type: ignore[attr-defined]
            messages.success(self.request, text)
            return redirect(self.list_url)
        pk = self.kwargs["pk"]
        saved = json.dumps({"rowSaved": {"pk": pk, "column": self.column.name, "message": text}})
        headers = {"HX-Retarget": f'#rows tr[data-pk="{pk}"]', "HX-Reswap": "outerHTML", "HX-Trigger-After-Swap": saved}
        return HttpResponse(rows_html(self.query, [pk]), headers=headers)


class RecordFieldView(RecordUpdateView):
    """One value of a record's page, changed over it or in the side panel: 422 with what was typed, 409 when somebody was faster. Without htmx a page."""

    def get(self, request: HttpRequest, pk: int, name: str = "") -> HttpResponse:
        return super().get(request, pk)

    def post(self, request: HttpRequest, pk: int, name: str = "") -> HttpResponse:
        return super().post(request, pk)

    def build(self, data: Any = None, files: Any = None, obj: Any = None, initial: Any = None) -> Any:
        form, name = super().build(data, files, obj, initial), self.kwargs["name"]
        if name not in form.fields or form.fields[name].widget.is_hidden:
            raise Http404
        form.narrow(self.together(name))
        form.auto_id = "field_%s"
        return form

    def together(self, name: str) -> tuple[str, ...]:
        """The fields behind the value that this one stands for, such as the lines of an address."""
        return next((fact.fields for section in self.record.sections for fact in section.facts if fact.field == name and fact.fields), (name,))

    def page(self, obj: Any, form: Any, status: int = 200, conflict: Conflict | None = None) -> HttpResponse:
        htmx: Any = self.request.htmx  # type: ignore[attr-defined]
        name = self.kwargs["name"]
        said = _("Assign %(name)s") if name == "owner" else _("Edit %(what)s of %(name)s")
        title = said % {"what": form.fields[name].label or name, "name": str(obj)}
        context = {"object": obj, "form": form, "form_title": title, "submit_label": _("Save"), "cancel_url": obj.get_absolute_url(), "conflict": conflict}
        if htmx and htmx.target != "panel-body":
            return render(self.request, "records/cell.html#cell", {"record": self.record, "list_url": self.record.list_url, **context}, status=status)
        return self.show("form", status, duplicates=[], **context)

    def done(self, url: str, text: str) -> HttpResponse:
        messages.success(self.request, text)
        if self.request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=204, headers={"HX-Redirect": url} if url == self.record.list_url else {"HX-Refresh": "true"})
        return redirect(url)


class RecordRowsView(ListedView):
    """What has become of the rows in sight, `?rows=7.aB3_~8.cD4-`: those that differ as they stand in the list now, those that are gone by their
    ids. 204 when nothing is new."""

    beside_query = ("rows",)

    def get(self, request: HttpRequest) -> HttpResponse:
        self.require("view")
        asked = asked_rows(request.GET.get("rows", ""))
        if asked is None:
            return bad_request(request, _("Reload the page."))
        now = current(self.record, request.user, asked)
        changed, gone = [pk for pk in asked if now.get(pk, asked[pk]) != asked[pk]], [pk for pk in asked if pk not in now]
        if not (changed or gone):
            return HttpResponse(status=204)
        return HttpResponse(rows_html(self.query, changed) + "".join(f'<tr data-pk="{pk}" data-gone></tr>\n' for pk in gone))


ROW_VIEWS: dict[str, tuple[str, type[RecordView]]] = {
    "rows": ("rows/", RecordRowsView),
    "peek": ("<int:pk>/peek/", RecordPeekView),
    "previous": ("<int:pk>/previous/", RecordPreviousView),
    "next": ("<int:pk>/next/", RecordNextView),
    "neighbours": ("<int:pk>/neighbours/", RecordNeighboursView),
    "field": ("<int:pk>/field/<slug:name>/", RecordFieldView),
    "cell": ("<int:pk>/cell/<slug:column>/", RecordCellView),
}
