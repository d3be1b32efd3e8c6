"""What the generic machinery needs to know about one kind of record. Plain references, nothing discovered.

A record type is declared in its app's `records.py`, completed with other apps' panels in `crm.wiring`, and from then on has
a list, filters, search, export, import, bulk actions, pages, forms, a bin and an entry in the access matrix of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils.module_loading import import_string

Html = Any  # SafeString


def everybody(_user: Any) -> bool:
    return True


@dataclass(frozen=True)
class Opening:
    """What a cell's pencil opens in the side panel: an address with {pk}, and to whom it is offered."""

    address: str
    offered: Callable[[Any], bool] = everybody


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a list and of the export.

    `cell(obj, ctx)` gives the complete, escaped `<td>`/`<th scope="row">` (crm.core.cells). `sort` is the model column behind
    `?sort=<name>`, which must have an index. `links` are foreign keys whose objects the cell shows: fetched in one query each,
    only as far as the user may see them, and read with `ctx.linked(obj, "company")`; `many` are relations that the cell walks through, one more
    query each. `export(obj, ctx)` gives a plain value.
    Not `shown`: no room beside the rest, so in the list only while it is sorted by this column; always in the export.
    `edit` names the fields of the record's form that are changed in the cell; `opens` is for what another form changes.
    """

    name: str
    label: Any
    cell: Callable[[Any, Any], Html]
    export: Callable[[Any, Any], Any]
    sort: str = ""
    css: str = ""
    links: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    shown: bool = True
    edit: tuple[str, ...] = ()
    opens: Opening | None = None


@dataclass(frozen=True)
class View:
    """A tab above a list: a name for `?view=` and the filter parameters it stands for."""

    name: str
    label: Any
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Action:
    """A button on a record's page. `menu`: inside the "more" menu; `roomy`: there too, but where the window is narrow. `key`: its one-letter shortcut.
    `new_tab`: a page that is none of ours. `panel`: what it leads to opens in the side panel. `hint`: what to know before one presses it."""

    label: Any
    icon: str
    url: str
    primary: bool = False
    method: str = "get"
    key: str = ""
    danger: bool = False
    menu: bool = False
    new_tab: bool = False
    roomy: bool = False
    panel: bool = False
    hint: Any = ""


@dataclass(frozen=True)
class Fact:
    """One labelled value of a record's profile; `value(obj, ctx)` is escaped html, "" hides the fact. `field` of the form, where it shows one: the
    layout of the record type then says where it stands. `fields`: all of them, where it shows several."""

    label: Any
    value: Callable[[Any, Any], Html]
    field: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A titled group of facts."""

    title: Any
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Panel:
    """A card on another record's page: `render(request, obj)` gives PanelContent, or None when it is not for this user."""

    id: str
    title: Any
    icon: str
    render: Callable[[Any, Any], PanelContent | None]


@dataclass(frozen=True)
class PanelContent:
    """Escaped html, how many there are in all (None: not counted) and where one more is made ("": not allowed)."""

    html: Html
    count: int | None = None
    new_url: str = ""


@dataclass(frozen=True)
class Step:
    """One step of the status path in a record's head."""

    label: Any
    state: str  # done | current | next
    value: str  # posted as `stage`
    url: str = ""  # where the POST goes; "" when the user may not


@dataclass(frozen=True, kw_only=True)
class BulkAction:
    """Something done to many rows (docs/decisions/bulk.md): by `run` or by `respond`.

    `run(ids, *, actor, data)` is a set-based service that re-checks visibility and returns how many changed. It may be called again with a part of
    the ids when it raised; `data` is the form's cleaned data and `turn`, how many rows came before these. What it writes through crm.core.writes can be
    undone; what it writes by other means it names to `ledger.remember` first.
    `respond(request, record, chosen, data)` answers at once and changes nothing (a download).
    `form(data=None, user=...)` asks for what is needed (None skips the question); `permission` is the grant that each row needs, `offered(user)` what else.
    `preview(request, ids, form, *, more)` is html that shows, of the first rows (`more`: there are others), what would be done; asked until `form.settled`.
    """

    name: str
    label: Any
    icon: str
    run: Callable[..., int] | None = None
    respond: Callable[..., Any] | None = None
    form: Callable[..., Any] | None = None
    preview: Callable[..., Any] | None = None
    permission: str = "change"
    offered: Callable[[Any], bool] = everybody
    danger: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportColumn:
    """Something that a file may say of a record beyond the fields of its form; with a field's key it replaces that field.

    `parse(text)` gives the value or raises ValidationError. `many`: several columns of the file may go here; lists are joined, texts put below each other.
    """

    key: str
    label: Any
    parse: Callable[[str], Any] = str.strip
    many: bool = False


@dataclass(frozen=True, kw_only=True)
class Same:
    """By what a row is known to be there already: `key(values)` gives what the model's `fields` hold then, or None when the row does not say."""

    fields: tuple[str, ...]
    key: Callable[[dict[str, Any]], tuple[Any, ...] | None]


@dataclass(frozen=True, kw_only=True)
class Importing:
    """What an import knows of a record type beyond its form (docs/decisions/imports.md). All of it is optional.

    `create(rows, *, actor)` is the set-based service; without it rows are made one by one. `synonyms` maps a target to headings of other
    programs, separated by commas, the surest first. `finish(user)` is asked once per chunk and gives a function that puts the parsed values of
    one row together for the service. `makes` names links whose unknown names become records: {"company": "name"}.
    """

    create: Callable[..., list[Any]] | None = None
    columns: tuple[ImportColumn, ...] = ()
    leave_out: tuple[str, ...] = ()
    synonyms: dict[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()  # other programs' names of the record: "Deal - Title"
    finish: Callable[[Any], Callable[[dict[str, Any]], dict[str, Any]]] = lambda user: lambda values: values
    same: tuple[Same, ...] = ()
    makes: dict[str, str] = field(default_factory=dict)


def no_extra(*_args: Any) -> list[Any]:
    return []


@dataclass(frozen=True, kw_only=True)
class RecordType:
    """Everything that the generic views, exports, search, bin and tests ask about one kind of record."""

    slug: str  # first part of the address and url namespace: "contacts"
    model: type[Model]
    icon: str
    label: Any
    label_plural: Any
    label_new: Any
    columns: tuple[Column, ...]
    filterset: type
    form: type
    create: Callable[..., Any]  # create(values: dict, *, actor) -> obj
    update: Callable[..., Any]  # update(obj, changes: dict, *, actor, version=None) -> obj; StaleRecord when version is old
    delete: Callable[..., Any]  # delete(ids, *, actor, group=None) -> deletion group (UUID)
    importing: Importing = field(default_factory=Importing)
    default_sort: str = "-created"  # a column name; each record type has "created" or names its own
    views: tuple[View, ...] = ()
    begin: Callable[[Any], list[tuple[Any, str]]] = no_extra  # begin(user) -> (label, address): other ways to the first ones, for a list without any
    bulk_actions: tuple[BulkAction, ...] = ()
    search_placeholder: Any = ""
    search_links: tuple[str, ...] = ()  # foreign keys to records by whose name this one is found too, as far as visible
    searchable: bool = True  # part of the global search and pickable
    avatar: bool = True
    square: bool = False  # square avatar
    subtitle: Callable[[Any, Any], Html] = field(default=lambda obj, ctx: "")
    hit: Callable[[Any], str] = field(default=lambda obj: "")  # second line in search results and pickers; plain text, own fields only
    quick: Callable[[str], dict[str, Any]] | None = None  # the values of a new one that is known by its name alone: pickers make it on the spot
    hit_columns: tuple[str, ...] = ()  # what `hit` reads, and str() beyond the model's `brief_fields`; anything else would be read row by row
    badges: Callable[[Any, Any], list[Html]] = no_extra
    actions: Callable[[Any, Any], list[Action]] = no_extra  # actions(obj, ctx); edit and delete come by themselves
    path: Callable[[Any, Any], list[Step]] = no_extra  # steps(obj, ctx)
    strip: Callable[[Any, Any], list[tuple[Any, Html]]] = no_extra  # summary strip
    sections: tuple[Section, ...] = ()
    panels: tuple[Panel, ...] = ()
    timeline: Callable[[Any, Any], Html] | None = None  # timeline(request, obj)
    recent: Callable[[Any, Any], Html] | None = None  # recent(request, obj): the last lines of the timeline, for a look at a row
    composer: Callable[[Any, Any], Html] | None = None  # composer(request, obj)
    mail_to: Callable[[Any, Any], list[tuple[str, str]]] | None = None  # mail_to(user, obj) -> (address, name), the best first; None: it has no addresses
    duplicates: Callable[[Any, dict[str, Any]], Sequence[Any]] | None = None  # duplicates(user, values) -> visible look-alikes
    duplicate: Callable[[Any], dict[str, Any]] | None = None  # duplicate(obj) -> what another one like it has instead (None: nothing); None: no such offer
    consequences: Callable[[Any], list[str]] = no_extra  # what a delete takes along
    entries: Callable[[Any, Any], list[Action]] = no_extra  # of a look at the record: forms in the same panel; entries(obj, ctx)
    switch: Callable[[Any], list[Any]] = no_extra  # other shapes of the list (Board); switch(request)
    stage_choices: Callable[[], list[Any]] = no_extra  # (id, label) of the stages that can ask for custom fields (`custom_stage` of the model)
    more_filters: Mapping[str, Any] = field(default_factory=dict)  # of custom fields, as crm.core.custom.showing adds them for one user
    stamp: str = ""  # names the custom fields that this user sees, for the keys of what is remembered of pages
    templates: dict[str, str] = field(default_factory=dict)

    @property
    def model_label(self) -> str:
        """The grant's name, such as "contacts.contact"."""
        return self.model._meta.label_lower

    def url(self, name: str, *args: Any) -> str:
        return _address(f"{self.slug}:{name}", args)

    @property
    def list_url(self) -> str:
        """For the breadcrumbs of templates, which can't pass arguments."""
        return self.url("list")

    @property
    def import_url(self) -> str:
        return self.url("import")

    @property
    def views_url(self) -> str:
        return self.url("views")

    @property
    def look_url(self) -> str:
        return self.url("look")

    @property
    def rows_url(self) -> str:
        return self.url("rows")

    @property
    def filters(self) -> Mapping[str, Any]:
        """The filters of its list by name: the filterset's own, then those of custom fields."""
        own = self.filterset.base_filters  # type: ignore[attr-defined]
        return {**own, **self.more_filters} if self.more_filters else own

    def template(self, name: str) -> str:
        return self.templates.get(name, f"records/{name}.html")

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def bulk_action(self, name: str) -> BulkAction | None:
        return next((action for action in self.bulk_actions if action.name == name), None)

    def visible(self, user: Any, action: str = "view") -> Any:
        return self.model.objects.visible_to(user, action)  # type: ignore[attr-defined]


@lru_cache(4096)
def _address(name: str, args: tuple[Any, ...]) -> str:
    """A page asks for some thirty addresses; asking the address book each time took a millisecond."""
    return reverse(name, args=args)


def record_types() -> tuple[RecordType, ...]:
    """All record types, as composed in crm.wiring."""
    return import_string(settings.RECORDS)


def record_for(model: type[Model] | str) -> RecordType | None:
    """The record type of a model class, of its label ("contacts.contact"), or of a slug."""
    for record in record_types():
        if model in (record.model, record.slug, record.model_label):
            return record
    return None
