"""Following a record."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from activities import panels, selectors, services
from activities.views.entries import load_subject


class FollowView(View):
    """GET says whether one follows a record, and what that means. POST `follow=1|0`."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.obj = load_subject(request.user, kwargs["slug"], kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        return self.page()

    def page(self, status: int = 200) -> HttpResponse:
        context = {"object": self.obj, "slug": panels.slug_of(self.obj), "follows": selectors.follows(self.request.user, self.obj)}
        return render(self.request, "activities/follow.html", context, status=status)

    def post(self, request: HttpRequest, slug: str, pk: int) -> HttpResponse:
        wanted = request.POST.get("follow")
        if wanted not in ("0", "1"):
            return self.page(422)
        try:
            (services.follow if wanted == "1" else services.unfollow)(self.obj, user=request.user)
        except ValidationError:  # somebody took it away meanwhile
            raise Http404
        text = _("You follow %(name)s.") if wanted == "1" else _("You no longer follow %(name)s.")
        messages.success(request, text % {"name": str(self.obj)[:80]})
        return redirect(self.obj.get_absolute_url())
