"""Pages about a part of a record (a file, where a person works): a plain form in the side panel or on a page of its own, and the question before deleting."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.idempotency import run_once
from crm.core.views import RecordFormView
from crm.core.writes import StaleRecord


class PartFormView(RecordFormView):
    """Base. The address names the record (`pk`, and `slug` unless the view does) and, for a change, the part: `find(**kwargs)` loads that or raises Http404.

    Subclasses give `form(data, files)`, `save(form)` (calls the service), the texts and, in `needs`, what the user must be allowed to do with the record.
    """

    needs = "change"
    title: Any = ""
    submit: Any = gettext_lazy("Save")
    obj: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.slug = kwargs.pop("slug", self.slug)
        self.obj = self.load(kwargs.pop("pk"), self.needs)
        self.find(**kwargs)
        return super().dispatch(request)

    def find(self, **kwargs: Any) -> None:
        """Load the part that the address names."""

    def form(self, data: Any = None, files: Any = None) -> Any:
        raise NotImplementedError

    def save(self, form: Any) -> Any:
        raise NotImplementedError

    def page(self, form: Any, status: int = 200) -> HttpResponse:
        context = {"object": self.obj, "form": form, "form_title": self.title, "submit_label": self.submit, "cancel_url": self.obj.get_absolute_url()}
        return self.show("form", status, conflict=None, duplicates=[], **context)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request.POST, request.FILES)
        if not self.check(form):
            return self.page(form, 422)
        try:
            run_once(request.user, form.cleaned_data["idempotency_key"], request.path, lambda: self._saved(form))
        except StaleRecord:
            form.add_error(None, _("This was changed in another window. Open it again."))
            return self.page(form, 409)
        except ValidationError as error:
            self.fail(form, error)
            return self.page(form, 422)
        return self.done(self.obj.get_absolute_url(), _("Saved."))

    def _saved(self, form: Any) -> str:
        self.save(form)
        return self.obj.get_absolute_url()


class PartRemoveView(PartFormView):
    """Base: asks, then deletes a part for good. `title` is the question, `text` what becomes of it; `remove()` calls the service."""

    text: Any = ""
    done_text: Any = ""

    def remove(self) -> None:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "records/remove.html", {"record": self.record, "object": self.obj, "title": self.title, "text": self.text})

    def post(self, request: HttpRequest) -> HttpResponse:
        self.remove()
        messages.success(request, self.done_text)
        return redirect(self.obj.get_absolute_url())
