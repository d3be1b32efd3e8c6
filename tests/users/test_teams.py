"""The team tree and what managers see through it."""

from __future__ import annotations

import random

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from tests.factories import cast, make_team, make_user
from users import services
from users.models import Team, User
from users.selectors import scope_of, subtree

pytestmark = pytest.mark.django_db


def slow_scope(home: int | None, managed: set[int], parents: dict[int, int | None]) -> list[int]:
    """The definition, spelt out: a team is in scope when it is home, or it or one of its ancestors is managed."""

    def ancestors(team: int) -> list[int]:
        found = []
        at: int | None = team
        while at is not None and at not in found:
            found.append(at)
            at = parents[at]
        return found

    return sorted(team for team in parents if team == home or managed & set(ancestors(team)))


@pytest.mark.parametrize("seed", range(60))
def test_scope_against_its_definition(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(1, 25)
    parents: dict[int, int | None] = {team: chance.choice([None, *range(team)]) for team in range(size)}
    names = list(range(100, 100 + size))
    chance.shuffle(names)  # children may have smaller ids than their parents
    parents = {names[team]: names[parent] if parent is not None else None for team, parent in parents.items()}
    home = chance.choice([None, *names])
    managed = set(chance.sample(names, chance.randint(0, min(4, size))))
    assert scope_of(home, managed, parents) == slow_scope(home, managed, parents)


def test_a_circle_does_not_hang() -> None:
    assert subtree([1], {1: 2, 2: 1}) == {1, 2}


def scopes() -> dict[str, set[str]]:
    names = dict(Team.objects.values_list("pk", "name"))
    return {user.name: {names[team] for team in user.team_scope} for user in User.objects.all()}


def test_scopes_follow_every_change_of_the_tree() -> None:
    people = cast()
    assert scopes()["Olivia Owner"] == {"North"} and scopes()["Mona Manager"] == {"Head office", "North"}
    head = Team.objects.get(name="Head office")
    sub = make_team("North West", people.team)
    assert scopes()["Mona Manager"] == {"Head office", "North", "North West"}
    services.update_team(head, {"manager": people.viewer}, actor=people.admin)
    assert scopes()["Vera Viewer"] == {"Head office", "North", "North West", "South"}
    services.update_team(sub, {"parent": people.other_team}, actor=people.admin)
    assert scopes()["Mona Manager"] == {"Head office", "North"}
    services.update_user(people.owner, {"team": people.other_team}, actor=people.admin)
    assert scopes()["Olivia Owner"] == {"South"}
    services.delete_team(sub, actor=people.admin)
    assert scopes()["Vera Viewer"] == {"Head office", "North", "South"}


def test_no_circles() -> None:
    people = cast()
    head = Team.objects.get(name="Head office")
    for team, parent in ((head, people.team), (head, head)):
        with pytest.raises(ValidationError) as error:
            services.update_team(team, {"parent": parent}, actor=people.admin)
        assert "parent" in error.value.message_dict
    head.refresh_from_db()
    assert head.parent is None


def test_a_team_in_use_stays_and_says_why() -> None:
    people = cast()
    with pytest.raises(ValidationError, match="still used"):
        services.delete_team(people.team, actor=people.admin)


def test_twin_names_and_strangers() -> None:
    people = cast()
    with pytest.raises(ValidationError):
        services.create_team({"name": "NORTH"}, actor=people.admin)
    with pytest.raises(PermissionDenied):
        services.create_team({"name": "Mine"}, actor=people.manager)


def test_present_members_are_active_and_here() -> None:
    from datetime import date

    from users.selectors import present_members

    people = cast()
    away = make_user(team=people.team, away_from=date(2026, 3, 2), away_to=date(2026, 3, 4))
    names = lambda day: {user.pk for user in present_members(people.team, day)}  # noqa: E731
    assert away.pk in names(date(2026, 3, 1)) and away.pk not in names(date(2026, 3, 2)) and away.pk not in names(date(2026, 3, 4))
    assert away.pk in names(date(2026, 3, 5))
    services.deactivate_user(people.owner, None, actor=people.admin)
    assert people.owner.pk not in names(date(2026, 3, 1))
