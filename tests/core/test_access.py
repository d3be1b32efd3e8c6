"""One condition instead of disjoint arms: the same rows."""

from __future__ import annotations

import itertools

import pytest

from contacts.models import Company
from contacts.services import create_company
from crm.core.access import any_of, arms_for, q_for
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
