"""What everybody in one's teams has to do: each figure is the list's own question, told apart by owner, so that it leads to exactly its rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from crm.core.access import Scope
from crm.core.list_query import ListQuery
from crm.core.records import RecordType, record_for
from users.models import User

LABEL = "activities.task"  # whose tasks one sees are the people of the page
MOST = 300  # people that are shown


@dataclass(frozen=True)
class Load:
    """One figure of everybody: the rows of the list `slug` that fit `question`. `late`: it should be none."""

    name: str
    label: Any
    slug: str
    question: str
    late: bool = False

    @property
    def record(self) -> RecordType:
        found = record_for(self.slug)
        assert found is not None
        return found

    def url(self, person: User) -> str:
        return f"{self.record.list_url}?{self.question_of(person)}"

    def question_of(self, person: User) -> str:
        return f"{self.question}&owner={person.pk}"


LOADS = (
    Load("overdue", _("Overdue"), "tasks", "state=open&due=overdue", late=True),
    Load("today", _("Due today"), "tasks", "state=open&due=today"),
    Load("week", _("Due this week"), "tasks", "state=open&due=week"),
    Load("waiting", _("Leads without a reply"), "leads", "response=waiting", late=True),
    Load("deals", _("Open deals"), "deals", "status=open"),
    Load("stuck", _("Without a next step"), "deals", "status=open&next=none", late=True),
)


@dataclass(frozen=True)
class PersonLoad:
    """A colleague, when they are away (None: neither now nor planned), and how many rows of each figure are theirs."""

    person: User
    away: tuple[date | None, date | None] | None
    counts: dict[str, int]


def sees_a_team(user: Any) -> bool:
    """Does the user see what colleagues have to do?"""
    return user.scope_for(LABEL, "view") in (Scope.TEAM, Scope.ALL)


def loads_of(user: Any) -> list[Load]:
    """The figures that the user's role shows."""
    return [load for load in LOADS if user.scope_for(load.record.model_label, "view") != Scope.NONE]


def workload(user: Any, today: date) -> list[PersonLoad]:
    """Everybody who is active in the user's teams (whom the user sees all of: in all teams), by name. A statement for the people and one per figure."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for load in loads_of(user):
        query = ListQuery.stored(load.record, user, load.question)
        rows = query.filterset.filter_queryset(load.record.visible(user))
        for owner, number in rows.order_by().values_list("owner_id").annotate(number=Count("pk")):
            counts[owner][load.name] = number
    people = User.objects.visible_to(user).filter(_whom(user), is_active=True).order_by("name", "pk")
    return [PersonLoad(person, _away(person, today), counts.get(person.pk, {})) for person in people.only("name", "photo", "away_from", "away_to")]


def _whom(user: Any) -> Q:
    match user.scope_for(LABEL, "view"):
        case Scope.ALL:
            return Q()
        case Scope.TEAM:
            return Q(team_id__in=user.team_scope) | Q(pk=user.pk)
    return Q(pk=user.pk)


def _away(person: User, today: date) -> tuple[date | None, date | None] | None:
    start, end = person.away_from, person.away_to
    return (start, end) if (start or end) and (end is None or end >= today) else None
