"""What every page shows around its content: navigation, palette, bell, banners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.core.access import may_add
from crm.core.records import record_types


@dataclass(frozen=True)
class NavEntry:
    """One entry of crm.wiring.NAVIGATION. `label_of` names the grant that must allow viewing; "admin": admins only; "": everybody."""

    icon: str
    label: Any
    url: str
    key: str = ""
    grant: str = ""
    tab: bool = False  # also in the phone's tab bar


@dataclass(frozen=True)
class Item:
    icon: str
    label: Any
    url: str
    key: str
    active: bool
    count: str = ""
    hot: bool = False


@dataclass(frozen=True)
class Group:
    title: Any
    items: list[Item]


@dataclass(frozen=True)
class Command:
    icon: str
    label: Any
    url: str
    hint: str = ""


@dataclass(frozen=True)
class CommandGroup:
    """`quiet`: only shown for what is typed, being long."""

    title: Any
    commands: list[Command]
    quiet: bool = False


@dataclass(frozen=True)
class Banner:
    kind: str  # warning | danger
    text: str
    url: str = ""
    label: str = ""


class Shell:
    """What stands around a page's content. Each part is worked out when a template first asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.path = request.path
        self.user: Any = getattr(request, "user", None)
        self.signed_in = bool(self.user and self.user.is_authenticated)
        self.viewer: Any = getattr(request, "viewer", None)  # the admin who sees all this as somebody else
        self.organisation = hooks("organisation")[0]()

    @property
    def organisation_name(self) -> str:
        return self.organisation.name

    @property
    def logo_url(self) -> str:
        return "/organisation/logo/" if self.organisation.logo else ""

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """All that the palette and the account menu depend on, and the navigation but for its figure: the key under which templates remember them."""
        place = self.path.split("/", 2)[1]
        mine = (self.user.pk, self.user.name, self.user.photo_url, self.user.shortcuts, self.user.is_admin, self.user.role.grants) if self.signed_in else ()
        return (get_language(), place, self.organisation_name, self.logo_url, mine)

    @property
    def nav_key(self) -> tuple[Any, ...]:
        """With the figure of the navigation."""
        return (*self.key, *((self.waiting.figure, self.waiting.late) if self.signed_in else ()))

    @cached_property
    def nav(self) -> list[Group]:
        return [replace(group, items=[self._counted(item) for item in group.items]) for group in _navigation(self.user, self.path)] if self.signed_in else []

    @property
    def tabs(self) -> list[Item]:
        return [self._counted(item) for item in _tabs(self.user, self.path)] if self.signed_in else []

    @property
    def palette(self) -> list[CommandGroup]:
        return _palette(self.user, self.nav, self.captures) if self.signed_in else []

    @property
    def new_commands(self) -> list[Command]:
        """The forms for new records that the user may open."""
        return _new_commands(self.user) if self.signed_in else []

    @property
    def remembers(self) -> int | None:
        """For whom the browser remembers what was opened; not for somebody as whom an admin looks."""
        return self.user.pk if self.signed_in and self.viewer is None else None

    @property
    def captures(self) -> bool:
        """May the user write notes and tasks at all? Then the capture box is offered."""
        return self.signed_in and all(hook(self.user) for hook in hooks("capture"))

    @property
    def helpers(self) -> list[str]:
        """Names of colleagues who can give one more rights; asked for by the page that says that one has too few."""
        return [name for hook in hooks("helpers") for name in hook(self.user)] if self.signed_in else []

    @cached_property
    def waiting(self) -> Any:
        """What waits for the user (activities.selectors.BellState: unread, figure, late); None for visitors."""
        return hooks("waiting")[0](self.user) if self.signed_in else None

    @property
    def unread(self) -> int:
        return self.waiting.unread if self.signed_in else 0

    def _counted(self, item: Item) -> Item:
        """Today with the number of tasks that are due."""
        return replace(item, count=self.waiting.figure, hot=self.waiting.late) if item.url == "/" else item

    @property
    def shortcuts(self) -> str:
        return "on" if self.signed_in and self.user.shortcuts else "off"

    @property
    def theme(self) -> str:
        return self.user.theme if self.signed_in else "auto"

    @property
    def banner(self) -> list[Banner]:
        return [banner for hook in hooks("banners") for banner in hook(self.user)] if self.signed_in and self.user.is_admin else []


@cache
def hooks(name: str) -> list[Callable[..., Any]]:
    """Functions of upper apps that crm.wiring hands down."""
    return [import_string(each) if isinstance(each, str) else each for each in import_string("crm.wiring.HOOKS").get(name, ())]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: lazy, so that fragments and files pay nothing."""
    return {"shell": SimpleLazyObject(lambda: Shell(request))}


def _allowed(user: Any, entry: NavEntry) -> bool:
    if entry.grant == "admin":
        return user.is_admin
    return not entry.grant or user.scope_for(entry.grant, "view") != "none"


def _item(entry: NavEntry, path: str) -> Item:
    base = entry.url.split("?")[0]
    active = path == "/" if base == "/" else path.startswith("/deals/" if base == "/deals/board/" else base)
    return Item(entry.icon, entry.label, entry.url, entry.key, active)


def _navigation(user: Any, path: str) -> list[Group]:
    groups = []
    for title, entries in import_string(settings.NAVIGATION):
        items = [_item(entry, path) for entry in entries if _allowed(user, entry)]
        if items:
            groups.append(Group(title, items))
    return groups


def _tabs(user: Any, path: str) -> list[Item]:
    entries = [entry for _title, group in import_string(settings.NAVIGATION) for entry in group]
    return [_item(entry, path) for entry in entries if entry.tab and _allowed(user, entry)][:4]


def _new_commands(user: Any) -> list[Command]:
    return [Command("plus", record.label_new, record.url("new")) for record in record_types() if may_add(user, record.model)]


def _palette(user: Any, nav: list[Group], captures: bool) -> list[CommandGroup]:
    actions = [*([Command("circle-plus", _("Capture"), "/capture/", "c")] if captures else []), *_new_commands(user)]
    entries = [*(item for group in nav for item in group.items), *(entry for entry in import_string("crm.wiring.PLACES") if _allowed(user, entry))]
    places = [Command(entry.icon, entry.label, entry.url, f"g {entry.key}" if entry.key else "") for entry in entries]
    cards = [card for group in import_string("crm.core.settings_pages.hub_groups")() for card in group.cards] if user.is_admin else []
    settings = [Command(card.icon, card.label, card.url) for card in cards]
    groups = [CommandGroup(_("Actions"), actions), CommandGroup(_("Go to"), places), CommandGroup(_("Settings"), settings, quiet=True)]
    return [group for group in groups if group.commands]
