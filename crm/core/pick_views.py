"""The searching picker's address: what it offers, and what it makes on the spot."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import View

from crm.core import replica, search
from crm.core.access import may_add
from crm.core.records import record_for
from crm.core.text import sort_key


class PickView(View):
    """What a searching picker offers: `{"results": [{"id", "label", "sub"}]}`."""

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        query = request.GET.get("q", "")
        if slug != "users" and record_for(slug) is None:
            raise Http404
        if "\x00" in query or len(query) > 1000:
            return JsonResponse({"error": _("Search for something shorter.")}, status=400)
        with replica.reading(request.user):
            found = search.pick(slug, request.user, query, near=True)
        record = record_for(slug)
        rows = [{"id": obj.pk, "label": str(obj), "sub": search.subline(slug, obj)} for obj in found]
        return JsonResponse({"results": rows, "create": bool(record and record.quick and may_add(request.user, record.model) and query.strip())})

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Make the record that `name` names; one that is called so and visible is taken instead, so that a second click makes no second one."""
        record, name = record_for(slug), " ".join(request.POST.get("name", "").split())
        if record is None or record.quick is None:
            raise Http404
        if not may_add(request.user, record.model):
            raise PermissionDenied
        if not name or "\x00" in name or len(name) > 200:
            return JsonResponse({"error": _("Enter a name of at most 200 characters.")}, status=422)
        values = {**record.quick(name), "owner": request.user}
        obj = next((each for each in search.pick(slug, request.user, name) if sort_key(str(each)) == sort_key(name)), None)
        try:
            obj = obj or record.create(values, actor=request.user)
        except ValidationError as error:
            return JsonResponse({"error": " ".join(error.messages)}, status=422)
        return JsonResponse({"id": obj.pk, "label": str(obj)}, status=201)
