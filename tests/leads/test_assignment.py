"""Assignment rules: conditions, turns, away users, fallback."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from leads import services
from leads.models import AssignmentRule, Lead
from tests.factories import make_team, make_user
from tests.leads.factories import enter, make_form, make_lead, make_rule, make_team_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("country", "is", "de", True),
        ("country", "is", "AT", False),
        ("country", "is_not", "AT", True),
        ("city", "is", "munchen", True),
        ("company_name", "contains", "straße", True),
        ("company_name", "contains", "gmbh", False),
        ("email_domain", "in", "a.example, firm.example", True),
        ("email_domain", "in", "example", False),
        ("utm_source", "is", "", True),
        ("message", "contains", "PRICE", True),
        ("source", "is", "trade fair", True),
        ("form", "is", "contact", True),
        ("country", "matches", "de", False),
    ],
)
def test_conditions(field, op, value, expected):
    lead = {"country": "DE", "city": "München", "company_name": "Strasse & Co", "email": "a@firm.example", "description": "What is the price?"}
    facts = services.facts_of(lead, source="Trade Fair", form="Contact")
    assert services.matches([{"field": field, "op": op, "value": value}], facts) is expected


def test_all_conditions_must_hold_and_none_is_always():
    facts = services.facts_of({"country": "DE"})
    assert services.matches([], facts)
    assert not services.matches([{"field": "country", "op": "is", "value": "DE"}, {"field": "city", "op": "is", "value": "Wien"}], facts)


@pytest.mark.django_db
class TestChoice:
    def choose(self, at=NOON, **lead):
        return services.choose_owner(services.facts_of(lead), at=at)

    def test_the_first_rule_that_fits_decides(self):
        austria, rest = make_user(), make_user()
        make_rule(mode="user", user=austria, conditions=[{"field": "country", "op": "is", "value": "AT"}])
        make_rule(mode="user", user=rest)
        assert self.choose(country="AT") == austria
        assert self.choose(country="DE") == rest

    def test_in_turn(self):
        team, people = make_team_of(3)
        make_rule(team=team)
        assert [self.choose() for _ in range(7)] == [*people, *people, people[0]]

    def test_a_new_colleague_and_one_who_left_do_not_upset_the_turn(self):
        team, (first, second, third) = make_team_of(3)
        make_rule(team=team)
        assert self.choose() == first
        type(second).objects.filter(pk=second.pk).update(is_active=False)
        assert self.choose() == third
        fourth = make_user(team=team)
        assert [self.choose(), self.choose()] == [fourth, first]

    def test_least_busy_and_turn_among_equals(self):
        team, (first, second, third) = make_team_of(3)
        make_rule(team=team, mode="least_busy")
        make_lead(first), make_lead(first), make_lead(second)
        make_lead(third, status="Disqualified", disqualified_reason="x")  # closed leads are no work
        chosen = []
        for _ in range(4):
            owner = self.choose()
            chosen.append(owner)
            make_lead(owner)
        assert Counter(chosen) == {third: 2, second: 1, first: 1} or Counter(chosen) == {third: 2, second: 2}
        assert chosen[0] == third

    def test_who_is_away_on_their_own_day_is_left_out(self):
        team, (here, away) = make_team_of(2)
        type(away).objects.filter(pk=away.pk).update(away_from=date(2026, 11, 24), away_to=date(2026, 11, 24), time_zone="Pacific/Auckland")
        make_rule(team=team)
        # 12:00 UTC on the 23rd is the 24th in Auckland
        assert [self.choose(), self.choose()] == [here, here]
        tomorrow = datetime(2026, 11, 24, 12, tzinfo=UTC)
        assert {self.choose(at=tomorrow), self.choose(at=tomorrow)} == {here, away}

    def test_a_rule_that_finds_nobody_is_passed_over(self):
        away, rest = make_user(away_from=date(2026, 11, 1)), make_user()
        make_rule(mode="user", user=away)
        make_rule(team=make_team("Empty"))
        make_rule(mode="user", user=rest)
        assert self.choose() == rest

    def test_the_fallback_is_last_and_takes_somebody_away_if_need_be(self):
        team, people = make_team_of(2)
        type(people[0]).objects.update(away_from=date(2026, 11, 1))
        make_rule(team=team, is_fallback=True, conditions=[{"field": "country", "op": "is", "value": "AT"}])
        make_rule(team=team)
        assert AssignmentRule.objects.get(is_fallback=True).conditions == []
        assert [self.choose(country="DE") for _ in range(2)] == people

    def test_nobody_gets_leads_who_may_not_work_on_them(self):
        team = make_team()
        make_user(team=team, role="viewer"), make_user(team=team, role="agent")
        rep = make_user(team=team)
        make_rule(team=team)
        assert [self.choose(), self.choose()] == [rep, rep]

    def test_inactive_rules_and_none_at_all(self):
        team, _people = make_team_of(1)
        make_rule(team=team, active=False)
        assert self.choose() is None

    def test_rules_see_the_form_and_what_was_typed(self):
        words, others = make_user(), make_user()
        make_rule(
            mode="user", user=words, conditions=[{"field": "message", "op": "contains", "value": "urgent"}, {"field": "form", "op": "is", "value": "Contact"}]
        )
        make_rule(mode="user", user=others)
        form = make_form()
        assert enter(form, message="This is URGENT").lead.owner == words
        assert enter(form, message="No hurry").lead.owner == others
        assert Lead.objects.count() == 2
