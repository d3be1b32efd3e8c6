"""What every page shows around its content: navigation, palette, bell, banners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
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
class Banner:
    kind: str  # warning | danger
    text: str
    url: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Shell:
    organisation_name: str
    logo_url: str
    nav: list[Group]
    tabs: list[Item]
    palette: list[tuple[Any, list[Command]]]
    unread: int
    shortcuts: str
    theme: str
    banner: list[Banner]


def hooks(name: str) -> list[Callable[..., Any]]:
    """Functions of upper apps that crm.wiring hands down."""
    return [import_string(each) if isinstance(each, str) else each for each in import_string("crm.wiring.HOOKS").get(name, ())]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: lazy, so that fragments and files pay nothing."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def _shell(request: HttpRequest) -> Shell:
    user: Any = getattr(request, "user", None)
    organisation = hooks("organisation")[0]()
    signed_in = bool(user and user.is_authenticated)
    nav = _navigation(user, request.path) if signed_in else []
    return Shell(
        organisation_name=organisation.name,
        logo_url="/organisation/logo/" if organisation.logo else "",
        nav=nav,
        tabs=_tabs(user, request.path) if signed_in else [],
        palette=_palette(user, nav) if signed_in else [],
        unread=sum(hook(user) for hook in hooks("unread")) if signed_in else 0,
        shortcuts="on" if signed_in and user.shortcuts else "off",
        theme=user.theme if signed_in else "auto",
        banner=[banner for hook in hooks("banners") for banner in hook(user)] if signed_in and user.is_admin else [],
    )


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


def _palette(user: Any, nav: list[Group]) -> list[tuple[Any, list[Command]]]:
    actions = [Command("plus", record.label_new, record.url("new")) for record in record_types() if may_add(user, record.model)]
    places = [Command(item.icon, item.label, item.url, f"g {item.key}" if item.key else "") for group in nav for item in group.items]
    return [(_("Actions"), actions), (_("Go to"), places)]
