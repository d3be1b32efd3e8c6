"""Rows for tests, made by the same services that the product uses."""

from __future__ import annotations

import itertools
from copy import deepcopy
from typing import Any, NamedTuple

from allauth.account.models import EmailAddress
from django.test import Client

from crm.core.custom import definitions
from users import services
from users.models import Role, Team, User

PASSWORD = "rapport-demo"
_numbers = itertools.count(1)


def make_team(name: str = "", parent: Team | None = None, manager: User | None = None) -> Team:
    return services.create_team({"name": name or f"Team {next(_numbers)}", "parent": parent, "manager": manager}, actor=None)


def make_role(name: str = "", grants: dict[str, dict[str, str]] | None = None) -> Role:
    role = services.create_role(name=name or f"Role {next(_numbers)}", actor=None)
    return services.update_role(role, grants=grants, actor=None) if grants else role


def make_user(email: str = "", *, role: Role | str = "rep", team: Team | None = None, password: str | None = None, **values: Any) -> User:
    """Somebody who can sign in (password PASSWORD unless another is given), with role and team loaded."""
    services.ensure_defaults()
    number = next(_numbers)
    email = email or f"person{number}@example.com"
    name = values.pop("name", f"Person {number}")
    return services.create_user(email=email, name=name, role=role, team=team, password=password or PASSWORD, **values)


class Cast(NamedTuple):
    """The fixed cast of the access tests. `owner` owns the rows of the test; `stranger` is in another team."""

    owner: User
    teammate: User
    manager: User
    stranger: User
    viewer: User
    agent: User
    admin: User
    team: Team
    other_team: Team


_kept: list[Any] = []  # what the services made of the cast, to be copied: 900 tests want the same people


def cast() -> Cast:
    """Two teams below one head office: owner and teammate in North under a manager, stranger in South; viewer and agent in North.

    Made through the services once per process, then copied: the same rows with new ids. What a test does to the objects it gets is gone with it.
    """
    services.ensure_defaults()
    definitions.definitions()  # read now, so that no test counts it among its statements
    if not _kept:
        people = _cast_by_services()
        teams = {team.pk: team for team in Team.objects.all()}
        _kept.append((deepcopy(people), teams, {role.pk: role.slug for role in Role.objects.all()}))
        return people
    people, teams, roles = _kept[0]
    return _copied(people, teams, roles)


def _copied(people: Cast, teams: dict[int, Team], roles: dict[int, str]) -> Cast:
    role_of = {role.slug: role for role in Role.objects.all()}
    new = {pk: Team(name=team.name) for pk, team in teams.items()}
    Team.objects.bulk_create(new.values())
    users = []
    for old in people[:7]:
        values = {field.attname: getattr(old, field.attname) for field in User._meta.concrete_fields if not field.primary_key}
        values |= {"role_id": role_of[roles[old.role_id]].pk, "team_id": new[old.team_id].pk if old.team_id else None}
        users.append(User(**values | {"team_scope": sorted(new[pk].pk for pk in old.team_scope)}))
    User.objects.bulk_create(users)
    EmailAddress.objects.bulk_create([EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users])
    by_old = {old.pk: user for old, user in zip(people[:7], users, strict=True)}
    for pk, team in teams.items():
        new[pk].parent = new.get(team.parent_id)
        new[pk].manager = by_old.get(team.manager_id)
    Team.objects.bulk_update(new.values(), ["parent", "manager"])
    loaded = User.objects.select_related("role", "team").in_bulk([user.pk for user in users])
    return Cast(*(loaded[user.pk] for user in users), new[people.team.pk], new[people.other_team.pk])


def _cast_by_services() -> Cast:
    """Two teams below one head office: owner and teammate in North under a manager, stranger in South; viewer and agent in North."""
    services.ensure_defaults()
    head = make_team("Head office")
    north, south = make_team("North", head), make_team("South", head)
    owner = make_user("owner@example.com", name="Olivia Owner", team=north)
    teammate = make_user("teammate@example.com", name="Tom Teammate", team=north)
    manager = make_user("manager@example.com", name="Mona Manager", role="manager", team=head)
    services.update_team(north, {"manager": manager}, actor=None)
    stranger = make_user("stranger@example.com", name="Sven Stranger", team=south)
    viewer = make_user("viewer@example.com", name="Vera Viewer", role="viewer", team=north)
    agent = make_user("agent@example.com", name="Ada Agent", role="agent", team=north)
    admin = make_user("admin@example.com", name="Anna Admin", role="admin", team=head)
    people = [User.objects.select_related("role", "team").get(pk=user.pk) for user in (owner, teammate, manager, stranger, viewer, agent, admin)]
    return Cast(*people, north, south)


def signed_in(user: User) -> Client:
    """A browser of one person's own."""
    client = Client()
    client.force_login(user)
    return client
