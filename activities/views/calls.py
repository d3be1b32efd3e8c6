"""Working through a call list: who is next, what to say, how it went."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from activities import forms, selectors, services
from activities.views.entries import put_errors
from crm.core.records import record_for
from crm.core.search import subline
from crm.core.views import bad_request


class CallListsView(View):
    """GET: one's call lists."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "activities/call_lists.html", {"lists": selectors.call_lists(request.user)})


class CallListView(View):
    """GET: the next person on the list (`?after=` an entry). POST `do`: log (the form), skip, delete (the whole list)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = selectors.call_list_at(request.user, kwargs["pk"]) if request.user.is_authenticated else None
        if found is None:
            raise Http404
        self.list = found
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        text = request.GET.get("after", "0")
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            return bad_request(request, _("This place in the list is not there. Begin again."))
        found = selectors.next_call(request.user, self.list, int(text))
        return self.page(found.entry, found.person, forms.ListedCallForm(user=request.user) if found.entry else None, passed=bool(int(text)))

    def page(self, entry: Any, person: Any, form: Any, status: int = 200, *, passed: bool = False) -> HttpResponse:
        counted = selectors.next_call(self.request.user, self.list)
        record: Any = record_for(type(person)) if person is not None else None
        more = subline(record.slug, person) if record is not None else ""
        context = {
            "list": self.list,
            "entry": entry,
            "person": person,
            "more": more,
            "form": form,
            "done": counted.done,
            "total": counted.total,
            "passed": passed,
        }
        return render(self.request, "activities/call_list.html", context, status=status)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not selectors.may_capture(request.user):
            raise PermissionDenied
        if request.POST.get("do") == "delete":
            services.delete_call_list(self.list, actor=request.user)
            messages.success(request, _("The call list is deleted. What was logged stays."))
            return redirect("calls:lists")
        text = request.POST.get("entry", "")
        found = selectors.entry_of(request.user, self.list, int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else None
        if found is None:
            raise Http404
        entry, person = found
        if request.POST.get("do") == "skip":
            services.pass_over(entry, actor=request.user)
            return redirect(self.list)
        form = forms.ListedCallForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(entry, person, form, 422)
        try:
            fresh = services.log_listed_call(entry, person, actor=request.user, **form.values())
        except ValidationError as error:
            put_errors(form, error)
            return self.page(entry, person, form, 422)
        messages.success(request, _("Call logged.") if fresh else _("This was saved already."))
        return redirect(self.list)
