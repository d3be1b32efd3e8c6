"""Lead services: keys, score, status rules, assignment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from crm.core.models import OutboxEvent
from crm.core.tagging import tags_named
from crm.core.writes import RowErrors, StaleRecord, add_tags, change_records
from leads import services
from leads.models import Lead
from tests.factories import make_team, make_user
from tests.leads.factories import make_lead, status

pytestmark = pytest.mark.django_db


def names(kind="leads."):
    return list(OutboxEvent.objects.filter(name__startswith=kind).order_by("pk").values_list("name", flat=True))


def test_a_new_lead_gets_status_keys_score_and_owner():
    team = make_team()
    rep = make_user(team=team)
    lead = make_lead(rep, first_name="Ada", last_name="Lovelace", email=" Ada@Engine.Example ", phone="0662 123456", country="at", company_name="Engine Ltd")
    assert (lead.status.kind, lead.owner, lead.team) == ("new", rep, team)
    assert (lead.email, lead.email_key, lead.phone, lead.phone_key) == ("Ada@Engine.Example", "ada@engine.example", "+43662123456", "43662123456")
    assert lead.score == services.score_of(lead) == 25 + 15 + 15 + 5
    assert names() == ["leads.lead.created"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"first_name": ""}, "last_name"),
        ({"email": "nonsense"}, "email"),
        ({"last_name": "x", "phone": "abc"}, "phone"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"last_name": "x", "country": "ZZ"}, "country"),
        ({"last_name": "x", "value": -1}, "value"),
        ({"last_name": "x", "status": "Converted"}, "status"),
        ({"last_name": "x", "status": "Disqualified"}, "disqualified_reason"),
    ],
)
def test_bad_values_are_told_at_their_field(values, field):
    with pytest.raises(ValidationError) as caught:
        make_lead(make_user(), **({"company_name": ""} | values))
    assert field in caught.value.message_dict
    assert not Lead.objects.exists()


def test_many_rows_are_all_or_none():
    services.ensure_defaults()
    with pytest.raises(RowErrors) as caught:
        services.create_leads([{"last_name": "One"}, {"email": "bad"}, {"last_name": "Three", "phone": "x"}], actor=None)
    assert [index for index, _ in caught.value.errors] == [1, 2]
    assert not Lead.objects.exists()


def test_many_rows_take_few_queries(django_assert_max_num_queries):
    services.ensure_defaults()
    with django_assert_max_num_queries(20):
        services.create_leads([{"last_name": f"Row {number}"} for number in range(200)], actor=None)
    assert Lead.objects.count() == 200


def test_changing_the_address_changes_key_and_score_but_not_more():
    lead = make_lead(make_user(), last_name="Plain", email="")
    assert lead.score == 0
    changed = services.update_lead(lead, {"email": "Info@Firm.example", "company_name": "Firm"}, actor=lead.owner, version=lead.version)
    stored = Lead.objects.get(pk=lead.pk)
    assert (stored.email_key, stored.score, stored.version) == ("info@firm.example", 40, lead.version + 1)
    assert changed.score == 40
    with pytest.raises(StaleRecord):
        services.update_lead(lead, {"company_name": "Other"}, actor=lead.owner, version=lead.version)


def test_status_rules():
    rep = make_user()
    lead = make_lead(rep)
    lead = services.set_status(lead, status("Contacted"), actor=rep)
    with pytest.raises(ValidationError, match="Convert"):
        services.set_status(lead, status("Converted"), actor=rep)
    with pytest.raises(ValidationError, match="Say why"):
        services.set_status(lead, status("Disqualified"), actor=rep)
    lead = services.set_status(lead, status("Disqualified"), actor=rep, reason="No budget")
    assert lead.disqualified_reason == "No budget"
    lead = services.set_status(lead, status("New"), actor=rep)
    assert (lead.status.kind, lead.disqualified_reason) == ("new", "")
    assert names("leads.status") == ["leads.status_changed"] * 3


def test_status_of_many_skips_converted_and_foreign_ones():
    team, other = make_team(), make_team()
    rep, stranger = make_user(team=team), make_user(team=other)
    mine = [make_lead(rep) for _ in range(3)]
    foreign = make_lead(stranger)
    services.convert_lead(mine[0], actor=rep)
    changed = services.set_status_many([lead.pk for lead in [*mine, foreign]], actor=rep, data={"status": status("Nurturing")})
    assert changed == 2
    assert Lead.objects.filter(status__name="Nurturing").count() == 2
    with pytest.raises(ValidationError):
        services.set_status_many([mine[1].pk], actor=rep, data={"status": status("Disqualified"), "reason": " "})


def test_many_are_assigned_tagged_and_deleted():
    team = make_team()
    boss, rep = make_user(role="manager", team=team), make_user(team=team)
    boss = type(boss).objects.select_related("role", "team").get(pk=boss.pk)
    leads = [make_lead(boss) for _ in range(3)]
    ids = [lead.pk for lead in leads]
    assert change_records(Lead, ids, {"owner": rep}, actor=boss) == 3
    assert add_tags(Lead, ids, tags_named(["Hot"]), actor=boss) == 3
    assert {lead.deletion_group for lead in Lead.objects.filter(deletion_group=services.delete_leads(ids, actor=boss))} != {None}
    assert not Lead.objects.alive().exists()


@pytest.mark.parametrize(
    ("fields", "points"),
    [
        ({}, 0),
        ({"email": "a@gmail.com"}, 10),
        ({"email": "a@firm.example"}, 25),
        ({"phone": "+43662123456", "company_name": "Firm"}, 30),
        ({"first_name": "A", "last_name": "B"}, 5),
        ({"description": "x" * 40}, 10),
        ({"description": "x" * 200, "source_id": 1, "utm_campaign": "spring"}, 25),
        (
            {
                "email": "a@firm.example",
                "phone": "1",
                "company_name": "F",
                "job_title": "CEO",
                "first_name": "A",
                "last_name": "B",
                "website": "f.example",
                "description": "x" * 300,
                "source_id": 1,
                "utm_term": "t",
            },
            100,
        ),
    ],
)
def test_score_is_the_sum_of_its_reasons(fields, points):
    empty = dict.fromkeys(["email", "phone", "company_name", "job_title", "first_name", "last_name", "website", "description", *services.scoring.UTM], "")
    lead = SimpleNamespace(**(empty | {"source_id": None} | fields))
    assert services.score_of(lead) == points
    assert min(100, sum(reason.points for reason in services.reasons_for(lead))) == points
