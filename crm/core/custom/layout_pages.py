"""The settings page on which an admin arranges the fields of a record type. Every button stores; fields can be dragged as well."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.core.custom import layouts
from crm.core.custom.pages import record_type
from crm.core.custom.services import customised_types
from crm.core.records import RecordType
from crm.core.settings_pages import admin_only
from crm.core.writes import StaleRecord

Group = tuple[str, list[str]]


@admin_only
@require_http_methods(["GET", "POST"])
def layout(request: HttpRequest, slug: str) -> HttpResponse:
    """GET shows; POST with `order` (names, groups separated by |), `title` for each group, `version` and `do`: what the button does."""
    record = record_type(slug)
    if request.method == "POST":
        try:
            _change(record, request)
        except StaleRecord:
            messages.warning(request, _("Somebody else has arranged the fields meanwhile. This is how they stand now."))
        except ValidationError as error:
            messages.warning(request, " ".join(error.messages))
        return redirect("custom_fields:layout", slug)
    labels, types = layouts.labels_of(record), customised_types()
    context = {
        "title": _("Layout"),
        "record": record,
        "tabs": [(each.label_plural, reverse("custom_fields:layout", args=[each.slug]), each.slug == slug) for each in types],
        "arranged": [(title, [(name, labels[name]) for name in names]) for title, names in layouts.groups_of(record)],
        "order": "|".join(",".join(names) for _title, names in layouts.groups_of(record)),
        "version": layouts.version_of(record),
        "fields_url": reverse("custom_fields:type", args=[slug]),
        "longest": layouts.LONGEST_TITLE,
    }
    return render(request, "settings/layout.html", context)


def _change(record: RecordType, request: HttpRequest) -> None:
    do, _colon, what = request.POST.get("do", "").partition(":")
    if do == "usual":
        layouts.arrange_as_usual(record, actor=request.user)
        return
    rows = [[name for name in names.split(",") if name] for names in request.POST.get("order", "").split("|")]
    titles = request.POST.getlist("title")
    if len(titles) != len(rows):
        raise ValidationError(_("The fields have changed meanwhile. Try again."), code="fields")
    groups: list[Group] = list(zip(titles, rows, strict=True))
    version = request.POST.get("version", "")
    layouts.arrange(record, changed(groups, do, what, request.POST.get("new", "")), actor=request.user, version=int(version) if version.isdecimal() else 0)


def changed(groups: list[Group], do: str, what: str, title: str) -> list[Group]:
    """The groups after one step: up, down (a field, also into the next group), group-up, group-down, remove (its fields go to the neighbour), add."""
    place = int(what) if what.isdecimal() and int(what) < len(groups) else -1
    match do:
        case "add":
            return [*groups, (title, [])]
        case "up" | "down":
            return _moved(groups, what, -1 if do == "up" else 1)
        case "group-up" | "group-down" if place >= 0:
            other = place + (-1 if do == "group-up" else 1)
            if 0 <= other < len(groups):
                groups[place], groups[other] = groups[other], groups[place]
        case "remove" if place >= 0 and len(groups) > 1:
            _title, names = groups.pop(place)
            groups[max(0, place - 1)][1].extend(names)
    return groups


def _moved(groups: list[Group], name: str, step: int) -> list[Group]:
    """One place further; from the end of a group to the beginning of the next, and the other way round."""
    group = next((place for place, (_title, names) in enumerate(groups) if name in names), None)
    if group is None:
        return groups
    names = groups[group][1]
    at, other = names.index(name), group + step
    if 0 <= at + step < len(names):
        names[at], names[at + step] = names[at + step], names[at]
    elif 0 <= other < len(groups):
        names.remove(name)
        groups[other][1].insert(len(groups[other][1]) if step < 0 else 0, name)
    return groups
