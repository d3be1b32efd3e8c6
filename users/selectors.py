"""Reads about people, teams, roles and the organisation."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import date
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from crm.core import dialing, replica
from users.models import Holiday, Invitation, Organisation, Role, Team, User

KEEP_SECONDS = 5.0

# One reading per request (the middleware opens the box) and one per process that is trusted for a few seconds.
request_box: ContextVar[dict[str, Any] | None] = ContextVar("request_box", default=None)
_kept: tuple[float, Organisation] | None = None
VIEW_AS = "view_as"  # in the session: (id of the colleague, until when, in seconds since 1970)


def organisation() -> Organisation:
    """The one organisation with its `holiday_dates` and `holiday_names` (by day). At most five seconds old, and up to date in the request that changes it."""
    global _kept
    box = request_box.get()
    if box and "organisation" in box:
        return box["organisation"]
    if _kept and time.monotonic() - _kept[0] < KEEP_SECONDS and not connection.in_atomic_block:
        found = _kept[1]
    else:
        found = _read_organisation()
        if not connection.in_atomic_block:  # what an open transaction sees may never come true for others
            _kept = (time.monotonic(), found)
    if box is not None:
        box["organisation"] = found
    return found


@replica.primary()
def _read_organisation() -> Organisation:
    found = Organisation.objects.filter(pk=1).first() or Organisation(pk=1)
    found.holiday_names = dict(Holiday.objects.values_list("day", "name"))  # type: ignore[attr-defined]
    found.holiday_dates = frozenset(found.holiday_names)  # type: ignore[attr-defined]
    return found


def forget_organisation() -> None:
    """After a change: the next reading asks the database."""
    global _kept
    _kept = None
    box = request_box.get()
    if box:
        box.clear()


def dialing_of(user: User) -> str:
    """How a click on a phone number dials for this user (crm.core.dialing)."""
    chosen: User | Organisation = user if user.dial_with else organisation()
    return dialing.way_of(chosen.dial_with, chosen.dial_target)


def phone_region() -> str:
    """ISO country in which a phone number without country code is read: that of the organisation's time zone."""
    return zone_country(organisation().time_zone)


def zone_country(zone: str) -> str:
    """`Europe/Vienna` -> `AT`; `DE` when the zone belongs to no single country."""
    from babel.core import get_global

    territory = get_global("zone_territories").get(zone)
    return territory if territory and len(territory) == 2 and territory != "ZZ" else "DE"


def is_set_up() -> bool:
    """Has the first admin been made? Once true, true for ever."""
    return Organisation.objects.filter(pk=1, set_up_at__isnull=False).exists() or User.objects.exists()


def helpers_of(user: User) -> list[str]:
    """Names of those whom the user can ask for more rights: the manager of their team, else up to three administrators."""
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    manager = others.filter(managed_teams=user.team_id) if user.team_id else others.none()
    return list(manager.values_list("name", flat=True)) or list(others.filter(role__is_admin=True).order_by("name", "pk").values_list("name", flat=True)[:3])


# ---- teams ----


class TeamNode(NamedTuple):
    """A team in the order of the tree, `depth` levels below the top."""

    team: Team
    depth: int
    members: int

    @property
    def indent(self) -> range:
        return range(self.depth)


def children_of(parents: Mapping[int, int | None]) -> dict[int | None, list[int]]:
    """{team: parent} turned around: {parent: [teams]}."""
    below: dict[int | None, list[int]] = defaultdict(list)
    for team, parent in parents.items():
        below[parent].append(team)
    return below


def subtree(roots: Iterable[int], parents: Mapping[int, int | None]) -> set[int]:
    """The teams `roots` and all below them; pure. A cycle, which services forbid, ends the walk instead of hanging it."""
    below = children_of(parents)
    found: set[int] = set()
    waiting = [root for root in roots if root in parents]
    while waiting:
        team = waiting.pop()
        if team not in found:
            found.add(team)
            waiting.extend(below[team])
    return found


def team_parents() -> dict[int, int | None]:
    return dict(Team.objects.values_list("pk", "parent_id"))


def scope_of(home: int | None, managed: Iterable[int], parents: Mapping[int, int | None]) -> list[int]:
    """A user's `team_scope`: the home team and the subtree of every managed team, sorted; pure."""
    return sorted(subtree(managed, parents) | ({home} if home in parents else set()))  # type: ignore[arg-type]


def team_tree(user: User) -> list[TeamNode]:
    """All teams that the user may see, parents before children, siblings by name."""
    teams = list(Team.objects.visible_to(user).select_related("manager").annotate(size=Count("members", filter=Q(members__is_active=True))))
    by_parent: dict[int | None, list[Team]] = defaultdict(list)
    for team in sorted(teams, key=lambda each: each.name.casefold()):
        by_parent[team.parent_id].append(team)
    nodes: list[TeamNode] = []

    def walk(parent: int | None, depth: int) -> None:
        for team in by_parent[parent]:
            nodes.append(TeamNode(team, depth, team.size))  # type: ignore[attr-defined]
            walk(team.pk, depth + 1)

    walk(None, 0)
    return nodes


def members_of(team: Team, *, below: bool = False) -> QuerySet[User]:
    """Active users whose home is the team (or one below it)."""
    teams = subtree([team.pk], team_parents()) if below else {team.pk}
    return User.objects.filter(team_id__in=teams, is_active=True)


def present_members(team: Team, day: date) -> list[User]:
    """Active users at home in the team who are not away on `day`, in a fixed order (for turns)."""
    members = User.objects.filter(team=team, is_active=True).select_related("role", "team").order_by("pk")
    return [user for user in members if not user.is_away(day)]


# ---- people ----


def people(user: User, *, active: bool | None = None, query: str = "") -> QuerySet[User]:
    """Colleagues for the settings list, with role, team and `two_factor` (bool), in one query."""
    rows = User.objects.visible_to(user).select_related("role", "team")
    if active is not None:
        rows = rows.filter(is_active=active)
    for word in query.replace("\x00", " ").split()[:6]:
        rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
    with_key = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return rows.annotate(two_factor=Exists(with_key)).order_by("-is_active", "name", "pk")


def successors(user: User, leaving: User) -> QuerySet[User]:
    """Who may take over what `leaving` owns."""
    return User.objects.visible_to(user).filter(is_active=True).exclude(pk=leaving.pk)


def active_admins() -> QuerySet[User]:
    return User.objects.filter(is_active=True, role__is_admin=True)


def open_invitations(user: User) -> QuerySet[Invitation]:
    """Neither accepted nor withdrawn, the expired ones included (they can be sent again)."""
    return Invitation.objects.visible_to(user).filter(accepted_at=None, withdrawn_at=None).select_related("role", "team", "invited_by")


def roles(user: User) -> QuerySet[Role]:
    """Roles with `holders`: how many users have them."""
    return Role.objects.visible_to(user).annotate(holders=Count("users")).order_by("pk")  # a grouped query forgets Meta.ordering


def upcoming_holidays(user: User) -> QuerySet[Holiday]:
    """Holidays from the first of January of this year on."""
    return Holiday.objects.visible_to(user).filter(day__gte=timezone.localdate().replace(month=1, day=1))


def viewed_person(session: Any, actor: Any) -> User | None:
    """As whom a session sees Rapport (users.services.viewing); None: as its own user, whose right to look is asked each time."""
    wanted = session.get(VIEW_AS)
    if not wanted or not actor.is_authenticated or not actor.is_admin or wanted[1] < time.time():
        return None
    seen = User.objects.select_related("role", "team").filter(pk=wanted[0], is_active=True).first()
    if seen is not None:
        seen.is_viewed = True
    return seen


def by_email(address: str) -> User | None:
    """The user who signs in with this address, whatever its case."""
    return User.objects.filter(email=address.strip().lower()).select_related("role", "team").first()


def owns_what(user: User) -> dict[str, int]:
    """How many open rows each kind of record has with this owner: {plural name: count}, for the question who takes over."""
    from crm.core.records import record_types

    counts: dict[str, Any] = {}
    for record in record_types():
        names = {field.name for field in record.model._meta.concrete_fields}
        if "owner" not in names:
            continue
        rows: Any = record.model._base_manager.filter(owner=user)
        if "deleted_at" in names:
            rows = rows.filter(deleted_at=None)
        if "done_at" in names:
            rows = rows.filter(done_at=None)
        counts[str(record.label_plural)] = rows.count()
    return {label: count for label, count in counts.items() if count}
