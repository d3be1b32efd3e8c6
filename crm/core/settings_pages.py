"""Settings pages made from a declaration: list, add, edit, delete and order of what admins set up.

An app declares `SettingsPage`s (in its `records.py`), `crm.wiring.SETTINGS` lists them, and `settings_urls()` serves each
under `/settings/<slug>/`. Only admins come in; everything works by plain links and forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core import cells
from crm.core.models import COLORS, Source, Tag
from crm.core.settings_services import add_errors, create_source, create_tag, delete_setting, move_setting, update_source, update_tag, used_text, uses
from crm.core.widgets import DateInput, DateTimeInput, TimeInput

GROUPS = {
    "people": gettext_lazy("Organisation and people"),
    "sales": gettext_lazy("Sales"),
    "leads": gettext_lazy("Leads and forms"),
    "mail": gettext_lazy("Mail"),
}


class SettingsForm(forms.ModelForm):
    """Base of the forms of settings: validates and hands over `values()`; services write."""

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(data, files, **kwargs)
        for each in self.fields.values():
            if isinstance(each, forms.DateField) and type(each.widget) is forms.DateInput:
                each.widget = DateInput()
            elif isinstance(each, forms.DateTimeField) and type(each.widget) is forms.DateTimeInput:
                each.widget = DateTimeInput()
            elif isinstance(each, forms.TimeField) and type(each.widget) is forms.TimeInput:
                each.widget = TimeInput()
            elif isinstance(each.widget, forms.Textarea):
                each.widget.attrs.setdefault("rows", 4)
            elif isinstance(each, forms.ModelChoiceField) and each.empty_label:
                each.empty_label = "–"
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has it

    def _post_clean(self) -> None:
        """Neither touch the instance nor ask the database: services validate the whole row."""

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


@dataclass(frozen=True)
class SettingsColumn:
    """One column of a settings list: `value(obj)` gives text (escaped later) or SafeString."""

    label: Any
    value: Callable[[Any], Any]
    css: str = ""


@dataclass(frozen=True, kw_only=True)
class SettingsPage:
    """One kind of setting.

    `create(values, *, actor)`, `update(obj, values, *, actor)` and `delete(obj, *, actor)` are services that raise ValidationError.
    `movable`: rows have `position` and can be moved; `within` names the foreign key that splits the list into one order per parent
    (a pipeline's stages). `relations` go into select_related. `links(obj)` are more buttons of a row: [(label, url)].
    `can_delete(obj)`: False takes the button away (the service must refuse as well).
    `rows(queryset)` may annotate or narrow the list.
    """

    slug: str
    model: type[models.Model]
    label: Any
    label_plural: Any
    label_new: Any
    icon: str
    form: type[SettingsForm]
    create: Callable[..., Any]
    update: Callable[..., Any]
    delete: Callable[..., Any] = delete_setting
    move: Callable[..., Any] = move_setting  # move(obj, direction, *, actor, within)
    columns: tuple[SettingsColumn, ...] = ()
    group: str = "sales"  # a key of GROUPS
    intro: Any = ""
    empty: Any = ""
    movable: bool = False
    within: str = ""
    relations: tuple[str, ...] = ()
    can_delete: Callable[[Any], bool] = field(default=lambda obj: True)
    links: Callable[[Any], list[tuple[Any, str]]] = field(default=lambda obj: [])
    rows: Callable[[Any], Any] = field(default=lambda queryset: queryset)
    consequences: Callable[[Any], list[str]] = field(default=lambda obj: [])

    def url(self, name: str = "list", *args: Any) -> str:
        return reverse(f"settings:{name}", args=[self.slug, *args])

    def queryset(self, user: Any) -> Any:
        """The rows that the admin may change, in their order."""
        rows = self.model.objects.visible_to(user, "change")  # type: ignore[attr-defined]
        relations = {*self.relations, *([self.within] if self.within else [])}
        return self.rows(rows.select_related(*relations) if relations else rows)


@dataclass(frozen=True)
class SettingsRow:
    """A row as the template shows it."""

    obj: Any
    label: str
    cells: list[tuple[Any, str]]
    links: list[tuple[Any, str]]
    edit_url: str
    delete_url: str
    move_url: str
    first: bool
    last: bool


@dataclass(frozen=True)
class SettingsTable:
    """Rows of one parent; `title` is empty when the list has only one table."""

    title: str
    rows: list[SettingsRow]
    new_url: str


@dataclass(frozen=True, kw_only=True)
class SettingsLink:
    """A card on the settings hub for pages that have views of their own. May stand in crm.wiring.SETTINGS."""

    label: Any
    icon: str
    url: str  # an address, not a name: it is read when the hub is shown
    text: Any = ""
    group: str = "sales"


@dataclass(frozen=True)
class CardGroup:
    """One titled block of the hub."""

    title: Any
    cards: list[SettingsLink]


def settings_entries() -> tuple[SettingsPage | SettingsLink, ...]:
    """All declared pages and links, as composed in crm.wiring; the kernel's own come first."""
    return (FIELDS, SOURCES, TAGS, *import_string("crm.wiring.SETTINGS"))


def settings_pages() -> tuple[SettingsPage, ...]:
    return tuple(each for each in settings_entries() if isinstance(each, SettingsPage))


def hub_groups(*own: SettingsLink) -> list[CardGroup]:
    """The cards of the hub: `own` (of the app that shows it), then what is declared, in the order of GROUPS."""
    cards = [*own]
    for each in settings_entries():
        if isinstance(each, SettingsPage):
            each = SettingsLink(label=each.label_plural, icon=each.icon, url=each.url(), text=each.intro, group=each.group)
        cards.append(each)
    return [CardGroup(title, found) for key, title in GROUPS.items() if (found := [card for card in cards if card.group == key])]


def find_page(slug: str) -> SettingsPage:
    for page in settings_pages():
        if page.slug == slug:
            return page
    raise Http404


def admin_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Settings are for roles with `is_admin`; everybody else gets 403, whatever the method."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_admin:  # type: ignore[union-attr]
            raise PermissionDenied(_("Only administrators may open the settings."))
        return view(request, *args, **kwargs)

    guarded.__name__ = getattr(view, "__name__", "view")
    guarded.__doc__ = view.__doc__
    return guarded


# ---- views ----


@admin_only
def list_page(request: HttpRequest, slug: str) -> HttpResponse:
    page = find_page(slug)
    return render(request, "settings/list.html", {"page": page, "tables": _tables(page, request.user)})


def _tables(page: SettingsPage, user: Any) -> list[SettingsTable]:
    objects = list(page.queryset(user))
    if not page.within:
        return [SettingsTable("", _rows(page, objects), page.url("new"))]
    groups: dict[Any, list[Any]] = {}
    for parent in page.model._meta.get_field(page.within).related_model.objects.visible_to(user):  # type: ignore[union-attr]
        groups[parent] = []
    for obj in objects:
        groups.setdefault(getattr(obj, page.within), []).append(obj)
    return [SettingsTable(str(parent), _rows(page, rows), f"{page.url('new')}?{page.within}={parent.pk}") for parent, rows in groups.items()]


def _rows(page: SettingsPage, objects: list[Any]) -> list[SettingsRow]:
    last = len(objects) - 1
    return [
        SettingsRow(
            obj=obj,
            label=str(obj),
            cells=[(column.value(obj), column.css) for column in page.columns],
            links=page.links(obj),
            edit_url=page.url("edit", obj.pk),
            delete_url=page.url("delete", obj.pk) if page.can_delete(obj) else "",
            move_url=page.url("move", obj.pk) if page.movable else "",
            first=index == 0,
            last=index == last,
        )
        for index, obj in enumerate(objects)
    ]


@admin_only
def new_page(request: HttpRequest, slug: str) -> HttpResponse:
    page = find_page(slug)
    initial = {page.within: request.GET.get(page.within, "")} if page.within else {}
    return _form_page(request, page, None, initial)


@admin_only
def edit_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    page = find_page(slug)
    return _form_page(request, page, get_object_or_404(page.queryset(request.user), pk=pk), {})


def _form_page(request: HttpRequest, page: SettingsPage, obj: Any, initial: dict[str, Any]) -> HttpResponse:
    posted = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form: Any = page.form(*posted, instance=obj, initial=initial, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            values = form.values()
            saved = page.create(values, actor=request.user) if obj is None else page.update(obj, values, actor=request.user)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved %(name)s.") % {"name": saved})
            return redirect(page.url())
    context = {
        "page": page,
        "object": obj,
        "form": form,
        "form_title": _("Edit %(name)s") % {"name": obj} if obj is not None else page.label_new,
        "submit_label": _("Save") if obj is not None else _("Add"),
        "cancel_url": page.url(),
    }
    return render(request, "settings/form.html", context, status=422 if form.errors else 200)


@admin_only
def delete_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """GET asks, POST deletes; what is still used stays, with the reason."""
    page = find_page(slug)
    obj = get_object_or_404(page.queryset(request.user), pk=pk)
    if not page.can_delete(obj):
        raise PermissionDenied(_("This one is needed and can't be deleted."))
    error = ""
    if request.method == "POST":
        label = str(obj)
        try:
            page.delete(obj, actor=request.user)
        except ValidationError as refused:
            error = " ".join(refused.messages)
        else:
            messages.success(request, _("Deleted %(name)s.") % {"name": label})
            return redirect(page.url())
    used = uses(obj)
    context = {
        "page": page,
        "object": obj,
        "title": _("Delete %(name)s?") % {"name": obj},
        "used": used_text(used),
        "consequences": page.consequences(obj),
        "error": error,
        "cancel_url": page.url(),
    }
    return render(request, "settings/confirm.html", context, status=422 if error else 200)


@admin_only
def move_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """POST with `direction` up or down."""
    page = find_page(slug)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not page.movable:
        raise Http404
    obj = get_object_or_404(page.queryset(request.user), pk=pk)
    try:
        page.move(obj, request.POST.get("direction", ""), actor=request.user, within=page.within)
    except ValidationError as error:
        return render(request, "settings/list.html", {"page": page, "tables": _tables(page, request.user), "error": " ".join(error.messages)}, status=422)
    return redirect(page.url())


def settings_urls() -> tuple[list[URLPattern], str]:
    """For `path("settings/", include(settings_urls()))`, after the addresses of the pages that are not declared (users, roles …)."""
    return (
        [
            path("<slug:slug>/", list_page, name="list"),
            path("<slug:slug>/new/", new_page, name="new"),
            path("<slug:slug>/<int:pk>/edit/", edit_page, name="edit"),
            path("<slug:slug>/<int:pk>/delete/", delete_page, name="delete"),
            path("<slug:slug>/<int:pk>/move/", move_page, name="move"),
        ],
        "settings",
    )


# ---- the kernel's own ----


class SourceForm(SettingsForm):
    class Meta:
        model = Source
        fields = ["name", "active"]
        help_texts = {"active": gettext_lazy("Old sources stay on old records; take the tick away to stop offering one.")}


class TagForm(SettingsForm):
    class Meta:
        model = Tag
        fields = ["name", "color"]


FIELDS = SettingsLink(
    label=gettext_lazy("Fields"),
    icon="forms",
    url="/settings/fields/",
    text=gettext_lazy("Fields of your own for companies, contacts, leads, deals, tasks and meetings."),
)
SOURCES = SettingsPage(
    slug="sources",
    model=Source,
    label=gettext_lazy("Source"),
    label_plural=gettext_lazy("Sources"),
    label_new=gettext_lazy("New source"),
    icon="target",
    group="leads",
    intro=gettext_lazy("Where leads and deals come from: the reports count by them."),
    form=SourceForm,
    create=create_source,
    update=update_source,
    movable=True,
    columns=(
        SettingsColumn(gettext_lazy("Name"), lambda obj: obj.name),
        SettingsColumn(gettext_lazy("Offered"), lambda obj: _("Yes") if obj.active else _("No")),
    ),
)
TAGS = SettingsPage(
    slug="tags",
    model=Tag,
    label=gettext_lazy("Tag"),
    label_plural=gettext_lazy("Tags"),
    label_new=gettext_lazy("New tag"),
    icon="tag",
    group="sales",
    intro=gettext_lazy("Words on companies, contacts, leads and deals. Everybody can add new ones while editing a record."),
    form=TagForm,
    create=create_tag,
    update=update_tag,
    columns=(
        SettingsColumn(gettext_lazy("Name"), lambda obj: cells.tag(obj.name, obj.color)),
        SettingsColumn(gettext_lazy("Colour"), lambda obj: dict(COLORS).get(obj.color, "")),
    ),
    consequences=lambda obj: [_("It is taken off all records that carry it.")],
)
