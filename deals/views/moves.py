"""Moving a deal: one address for the board's drag, the card's menu, the page's path and plain forms."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from crm.core.views import RecordView, safe_next
from crm.core.writes import StaleRecord
from deals import selectors
from deals.forms import LostForm, MoveForm
from deals.models import Deal, Stage
from deals.services import move_deal
from deals.views.board import BadBoard, BoardQuery, lanes_json


def wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


class MoveView(RecordView):
    """POST `stage` (in the body or, for buttons, in the address), with `version`, `lost_reason`, `lost_note` as far as known.

    Answers JSON when asked for it: the new sums of the lanes, what would undo it, a message. Else redirects to `next`.
    """

    slug = "deals"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(self.load(pk).get_absolute_url())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        deal = self.load(pk, "change")
        data = request.POST.copy()
        data.setdefault("stage", request.GET.get("stage", ""))
        form = MoveForm(data, user=request.user)
        if not form.is_valid():
            return self.refuse(" ".join(text for texts in form.errors.values() for text in texts), 422)
        given, old = form.cleaned_data, selectors.catalog().stage(deal.stage_id)
        try:
            moved = move_deal(
                deal, given["stage"], actor=request.user, version=given["version"], lost_reason=given["lost_reason"], lost_note=given["lost_note"]
            )
        except StaleRecord as stale:
            return self.refuse(stale_text(stale.current), 409)
        except ValidationError as error:
            if hasattr(error, "error_dict") and "lost_reason" in error.error_dict:
                return self.ask_reason(deal)
            return self.refuse(" ".join(error.messages), 422)
        return self.answer(moved, old)

    def refuse(self, text: str, status: int) -> HttpResponse:
        if wants_json(self.request):
            return JsonResponse({"message": text}, status=status)
        return render(self.request, "409.html" if status == 409 else "400.html", {"message": text}, status=status)

    def ask_reason(self, deal: Deal) -> HttpResponse:
        url = reverse("deals:lost", args=[deal.pk])
        if wants_json(self.request):
            return JsonResponse({"message": _("Say why the deal was lost."), "form_url": f"{url}?next=board"}, status=422)
        return lost_page(self.request, deal, LostForm(user=self.request.user, initial={"version": deal.version}), 422, safe_next(self.request, ""))

    def answer(self, deal: Deal, old: Stage | None) -> HttpResponse:
        stage = selectors.catalog().stage(deal.stage_id)
        text = moved_text(deal, stage)
        undo = {"url": self.request.get_full_path(), "stage": old.pk} if old is not None and old.pk != deal.stage_id else None
        if not wants_json(self.request):
            tags = f"undo:{reverse('deals:move', args=[deal.pk])}?stage={undo['stage']}" if undo else ""
            messages.success(self.request, text, extra_tags=tags)
            return redirect(safe_next(self.request, deal.get_absolute_url()))
        try:
            sums = lanes_json(BoardQuery(self.request))
        except (BadBoard, Http404):  # moved from elsewhere than a board
            sums = {}
        return JsonResponse({"message": text, "version": deal.version, "undo": undo, **sums})


def moved_text(deal: Deal, stage: Any) -> str:
    name = deal.name[:80]
    if deal.status == Deal.Status.WON:
        return _("%(name)s is won. Well done!") % {"name": name}
    if deal.status == Deal.Status.LOST:
        return _("%(name)s is lost.") % {"name": name}
    return _("%(name)s is now in %(stage)s.") % {"name": name, "stage": stage}


def stale_text(current: Deal) -> str:
    stage = selectors.catalog().stage(current.stage_id)
    return _("Somebody changed %(name)s meanwhile; it is in %(stage)s. Reload and look again.") % {"name": current.name[:80], "stage": stage}


class LostView(RecordView):
    """Asks why a deal is lost."""

    slug = "deals"

    def lost_stage(self, deal: Deal) -> Stage:
        stage = selectors.catalog().closing(deal.pipeline_id, Stage.Kind.LOST)
        if stage is None:
            raise Http404
        return stage

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        deal = self.load(pk, "change")
        self.lost_stage(deal)
        return lost_page(request, deal, LostForm(user=request.user, initial={"version": deal.version}), 200, asked_next(request))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        deal = self.load(pk, "change")
        stage = self.lost_stage(deal)
        form, back = LostForm(request.POST, user=request.user), safe_next(request, "")
        if not form.is_valid():
            return lost_page(request, deal, form, 422, back)
        given = form.cleaned_data
        try:
            moved = move_deal(deal, stage, actor=request.user, version=given["version"], lost_reason=given["lost_reason"], lost_note=given["lost_note"])
        except StaleRecord as stale:
            return render(request, "409.html", {"message": stale_text(stale.current)}, status=409)
        except ValidationError as error:
            form.add_error(None, error.messages)
            return lost_page(request, deal, form, 422, back)
        undo = f"undo:{reverse('deals:move', args=[deal.pk])}?stage={deal.stage_id}" if deal.stage_id != moved.stage_id else ""
        messages.success(request, moved_text(moved, stage), extra_tags=undo)
        return redirect(back or moved.get_absolute_url())


def asked_next(request: HttpRequest) -> str:
    """`?next=board` or an address of ours."""
    target = request.GET.get("next", "")
    if target == "board":
        return reverse("deals:board")
    return target if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None) else ""


def lost_page(request: HttpRequest, deal: Deal, form: LostForm, status: int, back: str) -> HttpResponse:
    context = {"deal": deal, "form": form, "next": back, "cancel_url": back or deal.get_absolute_url(), "action": reverse("deals:lost", args=[deal.pk])}
    return render(request, "deals/lost.html", context, status=status)
