"""Meetings beyond their pages as records: who is free."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from activities import panels, selectors
from activities.forms.free import question_of, with_time
from activities.models import Meeting
from crm.core.access import may_add
from crm.core.lists import row_context
from crm.core.views import RecordFormView


class FreeView(RecordFormView):
    """The form of a meeting as it was typed, with who is free at that time below the guests; htmx gets that part alone. Nothing is saved. `at`: a time
    that is filled in. 422 when it can't be said, for a wrong time."""

    slug = "meetings"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        pk = kwargs.get("pk")
        self.obj = self.load(pk, "change") if pk is not None else None
        if self.obj is None and not may_add(request.user, Meeting):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Whoever comes back to the address finds the form."""
        return self.page(self.build(obj=self.obj))

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        form = self.build(request.POST, obj=self.obj)
        form = self.build(with_time(request.POST, form), obj=self.obj)
        question = question_of(form)
        if question is None:
            html = panels.problem_html([str(text) for texts in form.errors.values() for text in texts])
        else:
            found = selectors.who_is_free(request.user, *question, now=timezone.now(), but=pk)
            html = panels.free_html(found, row_context(request.user), form.fields["starts_at"].clock, form.fields["guests"].widget.url)
        if request.htmx and request.htmx.target == "free":  # type: ignore[attr-defined]
            return HttpResponse(html)  # what is wrong stands in it; htmx shows no answer that is an error
        form.fields["guests"].widget.panel = html
        return self.page(form, 422 if question is None else 200)

    def page(self, form: Any, status: int = 200) -> HttpResponse:
        new = self.obj is None
        return self.show(
            "form",
            status,
            object=self.obj,
            form=form,
            form_title=self.record.label_new if new else _("Edit %(name)s") % {"name": str(self.obj)},
            submit_label=_("Create") if new else _("Save"),
            cancel_url=self.record.list_url if self.obj is None else self.obj.get_absolute_url(),
            form_action=reverse("meetings:new") if self.obj is None else reverse("meetings:edit", args=[self.obj.pk]),
            conflict=None,
            duplicates=[],
        )
