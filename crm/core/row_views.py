"""What is asked of a single row of a list: a look at it, and the rows beside it (docs/decisions/rows.md)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from crm.core.lists import BadQuery, ListQuery
from crm.core.neighbours import beside, key_of, page_of
from crm.core.peek import peek_of
from crm.core.views import RecordView, bad_request


class RecordPeekView(RecordView):
    """The essentials of a record, for the side panel; whoever asks for them as a page gets the record's own."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = self.load(pk)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect(obj.get_absolute_url())
        return self.show("peek", object=obj, peek=peek_of(self.record, request, obj))


class BesideView(RecordView):
    """Base: the list whose query the address carries. 400 when there is no such list."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require("view")
        try:
            query = ListQuery(self.record, request.user, request.GET, request=request)
            query.cursor()  # it comes from outside, too
        except BadQuery as error:
            return bad_request(request, str(error))
        if query.errors:
            return bad_request(request, "; ".join(text for texts in query.errors.values() for text in texts))
        return self.answer(query, min(pk, 2**63 - 1))

    def answer(self, query: ListQuery, pk: int) -> HttpResponse:
        raise NotImplementedError


class RecordBesideView(BesideView):
    """Leads to the next row of the list, or with `back` to the previous one; at the end of the list back to the record."""

    back = False

    def answer(self, query: ListQuery, pk: int) -> HttpResponse:
        found = beside(query, pk, key_of(query, pk), back=self.back)
        if found is None:
            messages.info(self.request, _("This is the first one in the list.") if self.back else _("This is the last one in the list."))
        return redirect(page_of(self.record, found or pk, query.params.urlencode()))


class RecordPreviousView(RecordBesideView):
    back = True


class RecordNeighboursView(BesideView):
    """The links to both of them, as a piece of the record's page: one that leads nowhere is disabled."""

    def answer(self, query: ListQuery, pk: int) -> HttpResponse:
        origin = query.params.urlencode()
        key = key_of(query, pk)
        found = [beside(query, pk, key, back=back) for back in (True, False)]
        previous_url, next_url = (page_of(self.record, each, origin) if each else "" for each in found)
        return render(self.request, "records/beside.html", {"previous_url": previous_url, "next_url": next_url})


ROW_VIEWS: dict[str, tuple[str, type[RecordView]]] = {
    "peek": ("<int:pk>/peek/", RecordPeekView),
    "previous": ("<int:pk>/previous/", RecordPreviousView),
    "next": ("<int:pk>/next/", RecordBesideView),
    "neighbours": ("<int:pk>/neighbours/", RecordNeighboursView),
}
