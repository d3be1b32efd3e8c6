"""One condition instead of disjoint arms: the same rows."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from activities.models import Activity
from contacts.models import Company
from contacts.services import create_company
from crm.core.access import any_of, arms_for, q_for
from crm.core.arms import count_by, counted_conditions, parted
from crm.core.postgres.estimates import shares_of
from tests.factories import cast


@pytest.mark.django_db
def test_one_condition_holds_the_rows_of_all_arms():
    people = cast()
    owners = (people.owner, people.teammate, people.stranger, people.manager, None)
    teams = (people.team, people.other_team, None)
    for owner, team in itertools.product(owners, teams):
        company = create_company({"name": "Firm"}, actor=people.admin)
        Company.objects.filter(pk=company.pk).update(owner=owner, team=team)
    seen = {}
    for person in (people.owner, people.manager, people.admin):
        for scope, teams_below in itertools.product(("none", "own", "team", "all"), ([], [people.team.pk], [people.team.pk, people.other_team.pk])):
            person.role.grants = {**person.role.grants, "contacts_company": {"view": scope}}
            person.team_scope = teams_below
            rows = {pk for arm in arms_for(person, "view", Company) for pk in Company.objects.filter(arm).values_list("pk", flat=True)}
            assert rows == set(Company.objects.filter(q_for(person, "view", Company)).values_list("pk", flat=True))
            assert rows == set(Company.objects.filter(any_of(arms_for(person, "view", Company))).values_list("pk", flat=True))
            assert rows == set(Company.objects.visible_to(person).values_list("pk", flat=True))
            seen[person.pk, scope, len(teams_below)] = len(rows)
        person.is_active = False
        assert not Company.objects.filter(q_for(person, "view", Company)).exists()
    assert len(set(seen.values())) > 4


@pytest.mark.django_db
@pytest.mark.parametrize("share", [0.9, 0.1])
def test_what_reports_count_are_the_rows_that_are_seen(monkeypatch, share):
    """Lines of records of every owner and team, some in the bin: the same for everybody, however much the planner believes they see."""
    monkeypatch.setattr("crm.core.access.shares_of", lambda models, column, values: dict.fromkeys(models, share))
    people = cast()
    owners = (people.owner, people.teammate, people.stranger, people.manager, None)
    for owner, team, gone in itertools.product(owners, (people.team, people.other_team, None), (None, timezone.now())):
        company = create_company({"name": "Firm"}, actor=people.admin)
        Company.objects.filter(pk=company.pk).update(owner=owner, team=team, deleted_at=gone)
        Activity.objects.create(company=company, subject_type="company", kind="note", actor=people.admin, at=timezone.now())
    # Half a line: it says that a contact decides, and names none.
    Activity.objects.create(company=company, subject_type="contact", kind="note", actor=people.admin, at=timezone.now())
    seen = {}
    for person in (people.owner, people.manager, people.admin):
        for scope, teams_below in itertools.product(("none", "own", "team", "all"), ([], [people.team.pk], [people.team.pk, people.other_team.pk])):
            person.role.grants = {**person.role.grants, "contacts_company": {"view": scope}}
            person.team_scope = teams_below
            parts = counted_conditions(person, "view", Activity)
            alive = Activity.objects.alive()
            rows = sorted(pk for rows in parted(alive, parts) for pk in rows.values_list("pk", flat=True))
            assert rows == sorted(Activity.objects.visible_to(person).values_list("pk", flat=True))
            counted = Counter()
            for kind, actor, count in count_by(alive, ("kind", "actor_id"), parts):
                counted[kind, actor] += count
            assert counted == Counter(Activity.objects.visible_to(person).values_list("kind", "actor_id"))
            seen[person.pk, scope, len(teams_below)] = len(rows)
        person.is_active = False
        assert counted_conditions(person, "view", Activity) == []
    assert len(set(seen.values())) > 4


@pytest.mark.django_db
def test_the_planner_knows_what_part_a_team_has():
    people = cast()
    for number in range(200):
        Company.objects.create(name=f"Firm {number}", owner=people.owner, team=people.team if number % 4 else people.other_team)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_company")
    assert shares_of([Company], "team_id", [people.team.pk]) == {Company: pytest.approx(0.75)}
    assert shares_of([Company, Activity], "team_id", []) == {Company: 0, Activity: 0}
