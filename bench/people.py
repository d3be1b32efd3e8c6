"""Who signs in: twenty users in four teams, among them reps who see nothing, 50 rows, 1 % and 25 % of everything."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from users.models import Role, Team, User

PASSWORD = "only-for-the-bench"
FEW = 50
ROLES = ("admin", "manager", "rep25", "rep1", "rep50", "rep0")
MEMBERS = {"A": ("rep25", "a1", "a2", "a3", "a4"), "B": ("b1", "b2", "b3", "b4", "b5", "b6"), "C": ("rep1", "c1", "c2"), "D": ("rep50", "d1", "d2")}


def address(name: str) -> str:
    return f"{name}@bench.example"


@dataclass(frozen=True)
class Crew:
    """User and team ids by name, and who owns how much."""

    users: dict[str, int]
    teams: dict[str, int]

    def shares(self, size: int, dice: random.Random) -> list[tuple[str, str]]:
        """(owner id, team id) as text for each of `size` rows, the first 50 of them rep50's; empty owner: unassigned."""
        choices: list[tuple[str, str]] = []
        weights: list[float] = []
        for team, share in (("A", 0.25), ("B", 0.74), ("C", 0.01)):
            names: list[str | None] = [*MEMBERS[team], None]
            parts = {"A": [8, 4, 4, 4, 4, 1], "B": [20, 15, 12, 10, 8, 6, 3], "C": [5, 3, 2, 0]}[team]
            for name, part in zip(names, parts, strict=True):
                choices.append((str(self.users[name]) if name else "\\N", str(self.teams[team])))
                weights.append(share * part / sum(parts))
        few = [(str(self.users["rep50"]), str(self.teams["D"]))] * min(FEW, size)
        return few + dice.choices(choices, cum_weights=list(itertools.accumulate(weights)), k=size - len(few))


def make_crew() -> Crew:
    roles = {role.slug: role for role in Role.objects.all()}
    teams = {"A": Team.objects.create(name="Team A")}
    teams |= {name: Team.objects.create(name=f"Team {name}", parent=teams["A"] if name == "B" else None) for name in ("B", "C", "D")}
    password = make_password(PASSWORD)
    home = {member: team for team, members in MEMBERS.items() for member in members} | {"manager": "A"}
    names = ["admin", "manager", "rep0", *[member for members in MEMBERS.values() for member in members]]
    users = {}
    for name in names:
        role = roles["admin" if name == "admin" else "manager" if name == "manager" else "rep"]
        team = teams.get(home.get(name, ""))
        scope = [teams["A"].pk, teams["B"].pk] if name == "manager" else [team.pk] if team else []
        user = User(
            email=address(name), name=f"{name.capitalize()} Bench", role=role, team=team, team_scope=scope, password=password, time_zone="Europe/Vienna"
        )
        user.is_staff = name == "admin"
        user.save()
        users[name] = user.pk
    Team.objects.filter(pk=teams["A"].pk).update(manager=users["manager"])
    return Crew(users, {name: team.pk for name, team in teams.items()})
