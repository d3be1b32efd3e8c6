"""Pages of meetings: those that repeat say by which rule, and ask what of them is deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from activities import forms, selectors, services
from activities.models import Meeting
from activities.views.entries import put_errors
from crm.core.views import RecordCreateView, RecordDeleteView
from crm.core.writes import StaleRecord


class MeetingCreateView(RecordCreateView):
    """Says what was understood of a repetition."""

    made: Meeting | None = None

    def _create(self, form: Any) -> str:
        self.made = self.record.create(form.values(), actor=self.request.user)
        return self.made.get_absolute_url()

    def done(self, url: str, text: str) -> HttpResponse:
        repeats = self.made is not None and self.made.series is not None
        return super().done(url, _("Saved. %(rule)s.") % {"rule": selectors.rule_text(self.made.series)} if repeats else text)  # type: ignore[union-attr,arg-type]


class MeetingDeleteView(RecordDeleteView):
    """GET asks; of a series, what of it. POST `scope`: one, following or all."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        meeting = self.load(pk, "delete")
        return self.page(meeting, forms.ScopeForm() if meeting.series_id else None)

    def page(self, meeting: Meeting, form: Any, status: int = 200) -> HttpResponse:
        context = {"object": meeting, "cancel_url": meeting.get_absolute_url(), "consequences": self.record.consequences(meeting), "form": form}
        return self.show("confirm_delete", status, **context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        meeting = self.load(pk, "delete")
        form, version = forms.ScopeForm(request.POST), request.POST.get("version", "")
        if not form.is_valid():
            return self.page(meeting, form, 422)
        scope = form.cleaned_data["scope"]
        known = int(version) if version.isdecimal() and len(version) < 10 else None
        try:
            group = services.delete_meeting(meeting, scope, actor=request.user, version=known)
        except StaleRecord:
            return render(request, "409.html", {"message": _("Somebody changed this meeting meanwhile. Look at it again before you delete it.")}, status=409)
        except ValidationError as error:
            put_errors(form, error)
            return self.page(meeting, form, 422)
        text = _("%(name)s is in the bin.") if scope == "one" else _("In the bin, with those after it: %(name)s")
        messages.success(request, text % {"name": str(meeting)[:80]}, extra_tags=f"undo:/bin/{group}/restore/")
        return redirect(self.record.url("list"))
