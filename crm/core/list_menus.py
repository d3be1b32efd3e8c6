"""The menus of a list's bar, asked for when they are opened; whoever has no JavaScript gets each as a page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from crm.core.list_bar import MENUS
from crm.core.row_views import ListedView


class ListMenuView(ListedView):
    """`name`: of list_bar.MENUS. The address carries the query of the list that the menu is about; 400 when there is no such list."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require("view")
        if name not in MENUS:
            raise Http404
        (title, menu), part = MENUS[name], f"records/menus/{name}.html"
        context = {"record": self.record, "menu": menu(self.query), "title": title, "part": part, "back_url": self.query.url({})}
        response = render(request, part if request.htmx else "records/menu.html", context)  # type: ignore[attr-defined]
        response["Vary"] = "HX-Request, Cookie"
        return response
