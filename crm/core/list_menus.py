"""The menus of a list's bar, asked for when they are opened; whoever has no JavaScript gets each as a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from crm.core.list_bar import columns_menu, filter_menu
from crm.core.list_query import ListQuery
from crm.core.row_views import ListedView
from crm.core.saved.tabs import saved_bar

MENUS: dict[str, tuple[Any, Callable[[ListQuery], Any]]] = {
    "filter": (_("Filter"), filter_menu),
    "save": (_("Save view"), saved_bar),
    "columns": (_("Columns"), columns_menu),
}


class ListMenuView(ListedView):
    """`name`: of MENUS. The address carries the query of the list that the menu is about; 400 when there is no such list."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require("view")
        if name not in MENUS:
            raise Http404
        title, menu = MENUS[name]
        page = f"records/menus/{name}.html" if request.htmx else "records/menu.html"  # type: ignore[attr-defined]
        context = {"record": self.record, "menu": menu(self.query), "title": title, "name": name, "back_url": self.query.url({})}
        response = render(request, page, context)
        response["Vary"] = "HX-Request, Cookie"
        return response
