"""Rules of the score: what holds, what is refused, and all leads scored anew when they change."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from crm.core.models import Source
from leads import services
from leads.models import Lead, ScoreRule, ScoreRun
from leads.services import rescoring as runs
from tests.factories import make_user, signed_in
from tests.leads.factories import make_lead

pytestmark = pytest.mark.django_db
EMPTY = dict.fromkeys(["email", "phone", "company_name", "job_title", "first_name", "last_name", "website", "city", "country", "description"], "")


def a_lead(**values):
    return SimpleNamespace(**{**EMPTY, **dict.fromkeys(services.scoring.UTM, ""), "source_id": None, "form_id": None, "value": None, **values})


def only(**values):
    ScoreRule.objects.all().delete()
    return services.create_score_rule({"op": "filled", "points": 20, "active": True, **values}, actor=None)


@pytest.mark.parametrize(
    ("rule", "lead", "holds"),
    [
        ({"field": "city"}, {"city": "Wien"}, True),
        ({"field": "city"}, {}, False),
        ({"field": "phone", "op": "empty"}, {}, True),
        ({"field": "city", "op": "is", "value": "ZÜRICH"}, {"city": " zurich "}, True),
        ({"field": "city", "op": "is_not", "value": "Wien"}, {"city": "Graz"}, True),
        ({"field": "job_title", "op": "contains", "value": "chief"}, {"job_title": "Chief of Staff"}, True),
        ({"field": "country", "op": "in", "value": "AT, DE ,CH"}, {"country": "DE"}, True),
        ({"field": "country", "op": "in", "value": "AT, DE"}, {"country": "D"}, False),
        ({"field": "value", "op": "at_least", "value": "1000,5"}, {"value": 1001}, True),
        ({"field": "value", "op": "at_least", "value": "1000"}, {}, False),
        ({"field": "message_length", "op": "at_least", "value": "3"}, {"description": " ab "}, False),
        ({"field": "business_email"}, {"email": "a@gmail.com"}, False),
        ({"field": "email_domain", "op": "is", "value": "gmail.com"}, {"email": "a@gmail.com"}, True),
        ({"field": "campaign"}, {"utm_term": "x"}, True),
    ],
)
def test_conditions(rule, lead, holds):
    only(**rule)
    assert (services.score_of(a_lead(**lead)) == 20) is holds


def test_a_source_is_known_by_its_name():
    source = Source.objects.create(name="Trade fair", key="trade fair")
    only(field="source", op="is", value="trade fair")
    assert (services.score_of(a_lead(source_id=source.pk)), services.score_of(a_lead(source_id=source.pk + 1))) == (20, 0)


def test_the_score_stays_within_0_and_100_and_tells_its_reasons():
    only(field="city", points=-30, label="Too far")
    assert services.score_of(a_lead(city="Wien")) == 0
    for _each in range(3):
        services.create_score_rule({"field": "phone", "op": "is", "value": "1", "points": 50, "active": True}, actor=None)
    lead = a_lead(city="Wien", phone="1")
    assert services.score_of(lead) == 100
    assert [str(reason) for reason in services.reasons_for(lead)] == ["+50 phone number is 1"] * 3 + ["-30 Too far"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"field": "password"}, "field"),
        ({"op": "is"}, "value"),
        ({"op": "at_least", "value": "3"}, "op"),
        ({"field": "value", "op": "at_least", "value": "many"}, "value"),
        ({"field": "value", "op": "at_least", "value": "NaN"}, "value"),
        ({"points": 0}, "points"),
        ({"points": 101}, "points"),
        ({"op": "like", "value": "x"}, "op"),
    ],
)
def test_bad_rules_are_refused(values, field):
    with pytest.raises(ValidationError) as caught:
        services.create_score_rule({"field": "city", "op": "filled", "points": 5, "active": True, **values}, actor=None)
    assert field in caught.value.message_dict
    with pytest.raises(PermissionDenied):
        services.create_score_rule({"field": "city", "op": "filled", "points": 5}, actor=make_user())


def test_a_change_scores_all_leads_anew_in_chunks_that_go_on(monkeypatch):
    leads = [make_lead(city="Wien" if number % 2 else "", email="", last_name="X", first_name="") for number in range(5)]
    version = leads[0].version
    services.delete_leads([leads[1].pk], actor=None)
    only(field="city")
    monkeypatch.setattr(runs, "CHUNK", 2)
    assert services.score_on(0) == 1  # the first two, of which one is in the bin
    cursor = ScoreRun.objects.get().cursor
    assert cursor == leads[1].pk
    assert services.score_on() == 1
    assert services.score_on() == 0
    assert list(Lead._base_manager.order_by("pk").values_list("score", flat=True)) == [0, 20, 0, 20, 0]
    assert (ScoreRun.objects.get().cursor, Lead.objects.get(pk=leads[0].pk).version) == (None, version)
    services.update_score_rule(ScoreRule.objects.get(), {"field": "city", "op": "filled", "points": 7, "active": True}, actor=None)
    services.score_on()
    assert Lead.objects.get(pk=leads[3].pk).score == 7
    services.delete_score_rule(ScoreRule.objects.get(), actor=None)
    services.score_on()
    assert set(Lead._base_manager.values_list("score", flat=True)) == {0}


def test_pages(people):
    client = signed_in(people.admin)
    assert "business e-mail address" in client.get("/settings/score-rules/").content.decode()
    data = {"field": "country", "op": "is", "value": "AT", "points": "12", "label": "Neighbour", "active": "on"}
    assert client.post("/settings/score-rules/new/", data).status_code == 302
    assert client.post("/settings/score-rules/new/", {**data, "value": ""}).status_code == 422
    lead = make_lead(people.owner, country="AT")
    assert "+12 Neighbour" in signed_in(people.owner).get(f"/leads/{lead.pk}/").content.decode()
    assert "+12 Neighbour" in signed_in(people.owner).get("/leads/").content.decode()
    assert signed_in(people.owner).get("/settings/score-rules/").status_code == 403
