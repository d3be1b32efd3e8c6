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
from crm.core.idempotency import run_once
from crm.core.related import linked
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
        entry, person = selectors.next_call(request.user, self.list, int(text))
        return self.page(entry, person, forms.ListedCallForm(user=request.user) if entry else None, passed=bool(int(text)))

    def page(self, entry: Any, person: Any, form: Any, status: int = 200, *, passed: bool = False) -> HttpResponse:
        context = {
            "list": self.list,
            "entry": entry,
            "person": person,
            "more": self.told(person) if person is not None else "",
            "form": form,
            "done": self.list.total - self.list.open,
            "total": self.list.total,
            "passed": passed,
        }
        return render(self.request, "activities/call_list.html", context, status=status)

    def told(self, person: Any) -> str:
        """Who they are, at which company, as far as the reader sees it, and where."""
        company = linked(self.request.user, person, "company") if hasattr(person, "company_id") else person.company_name
        return ", ".join(str(part) for part in (person.job_title, company, person.city) if part)

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
        if person is None:
            messages.warning(request, _("This person is not for you to see any more. Nothing was logged; here is who comes next."))
            return redirect(f"{self.list.get_absolute_url()}?after={entry.pk}")
        if request.POST.get("do") == "skip":
            services.pass_over(entry, actor=request.user)
            return redirect(self.list)
        form = forms.ListedCallForm(request.POST, user=request.user)
        if not form.is_valid():
            return self.page(entry, person, form, 422)
        try:
            _url, fresh = run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self.log(entry, person, form))
        except ValidationError as error:
            put_errors(form, error)
            return self.page(entry, person, form, 422)
        messages.success(request, _("Call logged.") if fresh else _("This was saved already."))
        return redirect(self.list)

    def log(self, entry: Any, person: Any, form: Any) -> str:
        services.log_listed_call(entry, person, actor=self.request.user, **form.values())
        return self.list.get_absolute_url()
