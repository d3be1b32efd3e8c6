"""Making, changing and moving deals: rules that no door may go around."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.core.models import OutboxEvent
from crm.core.writes import StaleRecord
from deals import services
from deals.models import Deal, LostReason, Pipeline, Stage, StageChange
from deals.services import create_deals, delete_deals, move_deal, move_deals, update_deal
from tests.contacts.factories import make_company
from tests.deals.factories import make_deal, stage
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


@pytest.fixture
def reason() -> LostReason:
    return LostReason.objects.get(name="Price")


def errors_of(call: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        call()
    return caught.value.message_dict


def events(name: str) -> list[OutboxEvent]:
    return list(OutboxEvent.objects.filter(name=name).order_by("pk"))


def history(deal: Deal) -> list[tuple[str, str]]:
    return [
        (change.old_stage.name if change.old_stage else "", change.new_stage.name) for change in deal.stage_changes.select_related("old_stage", "new_stage")
    ]


def test_a_new_installation_has_a_pipeline_and_reasons() -> None:
    pipeline = Pipeline.objects.get()
    rows = [(each.name, each.probability, each.kind) for each in pipeline.stages.all()]
    assert rows == [
        ("Qualified", 20, "open"),
        ("Discovery", 35, "open"),
        ("Proposal", 55, "open"),
        ("Negotiation", 75, "open"),
        ("Won", 100, "won"),
        ("Lost", 0, "lost"),
    ]
    assert [each.name for each in LostReason.objects.all()] == ["Price", "Competitor", "No budget", "No decision", "Bad timing", "Other"]


def test_a_new_deal_starts_at_the_first_open_stage(people: Cast) -> None:
    deal = make_deal(people.owner, name="Spindle retrofit", amount=Decimal("64000.00"))
    deal.refresh_from_db()
    assert (deal.stage.name, deal.status, deal.amount_home, deal.currency, deal.closed_at) == ("Qualified", "open", Decimal("64000.00"), "EUR", None)
    assert (deal.owner, deal.team) == (people.owner, people.team)
    assert history(deal) == [("", "Qualified")]
    assert len(events("deals.deal.created")) == 1 and not events("deals.won")


def test_made_as_won_or_lost(people: Cast, reason: LostReason) -> None:
    won = make_deal(people.owner, stage="Won", amount=5)
    assert won.status == "won" and won.closed_at and events("deals.won")[0].payload["amounts"] == {str(won.pk): "5"}
    assert list(errors_of(lambda: make_deal(people.owner, stage="Lost"))) == ["lost_reason"]
    lost = make_deal(people.owner, stage="Lost", lost_reason=reason, lost_note="too dear")
    assert (lost.status, lost.lost_note) == ("lost", "too dear") and events("deals.lost")[0].payload["reason"] == "Price"
    # A reason on a deal that is not lost is dropped: the constraint would refuse it.
    assert make_deal(people.owner, lost_reason=reason).lost_reason is None


def test_bad_values(people: Cast) -> None:
    other = services.create_pipeline({"name": "Renewals"}, actor=None)
    foreign = make_company(people.stranger)
    assert list(errors_of(lambda: make_deal(people.owner, name=" "))) == ["name"]
    assert list(errors_of(lambda: make_deal(people.owner, amount=Decimal(-1)))) == ["amount"]
    assert list(errors_of(lambda: make_deal(people.owner, amount=Decimal(10) ** 17))) == ["amount"]
    assert list(errors_of(lambda: make_deal(people.owner, currency="USD"))) == ["currency"]
    assert list(errors_of(lambda: make_deal(people.owner, pipeline=other, stage="Qualified"))) == ["stage"]
    assert list(errors_of(lambda: make_deal(people.owner, company=foreign))) == ["company"]
    assert list(errors_of(lambda: make_deal(people.owner, owner=people.stranger))) == ["owner"]
    assert not Deal.objects.exists() and not StageChange.objects.exists()


def test_moving_writes_history_and_tells(people: Cast) -> None:
    deal = make_deal(people.owner, amount=100)
    moved = move_deal(deal, stage("Proposal"), actor=people.owner)
    assert moved.stage.name == "Proposal" and moved.version == 2 and moved.stage_since > deal.stage_since
    assert history(deal) == [("", "Qualified"), ("Qualified", "Proposal")]
    payload = events("deals.stage_changed")[0].payload
    assert (payload["old_stage"], payload["new_stage"], payload["new_kind"]) == ("Qualified", "Proposal", "open")


def test_winning_losing_and_reopening(people: Cast, reason: LostReason) -> None:
    deal = move_deal(make_deal(people.owner), stage("Won"), actor=people.owner)
    assert deal.status == "won" and deal.closed_at == deal.stage_since and len(events("deals.won")) == 1
    assert list(errors_of(lambda: move_deal(deal, stage("Lost"), actor=people.owner))) == ["lost_reason"]
    deal = move_deal(deal, stage("Lost"), actor=people.owner, lost_reason=reason, lost_note=" dear ")
    assert (deal.status, deal.lost_reason, deal.lost_note) == ("lost", reason, "dear") and len(events("deals.lost")) == 1
    assert list(errors_of(lambda: update_deal(deal, {"lost_reason": None}, actor=people.owner))) == ["lost_reason"]
    deal = update_deal(deal, {"lost_note": "much too dear"}, actor=people.owner)
    assert deal.lost_note == "much too dear"
    deal = move_deal(deal, stage("Discovery"), actor=people.owner)
    deal.refresh_from_db()
    assert (deal.status, deal.closed_at, deal.lost_reason, deal.lost_note) == ("open", None, None, "")
    assert "lost_note" in errors_of(lambda: move_deal(deal, stage("Lost"), actor=people.owner, lost_reason=reason, lost_note="x" * 501))


def test_a_double_post_is_one_move(people: Cast) -> None:
    deal = make_deal(people.owner)
    moved = move_deal(deal, stage("Won"), actor=people.owner, version=1)
    again = move_deal(deal, stage("Won"), actor=people.owner, version=1)
    assert again.version == moved.version == 2 and len(history(deal)) == 2 and len(events("deals.won")) == 1


def test_a_stale_move_is_refused(people: Cast) -> None:
    deal = make_deal(people.owner)
    seen = Deal.objects.get(pk=deal.pk)
    move_deal(deal, stage("Proposal"), actor=people.teammate)
    with pytest.raises(StaleRecord) as caught:
        move_deal(seen, stage("Won"), actor=people.owner)
    assert caught.value.current.stage.name == "Proposal"
    fresh = Deal.objects.get(pk=deal.pk)
    update_deal(fresh, {"amount": 7}, actor=people.teammate)
    with pytest.raises(StaleRecord):
        move_deal(fresh, stage("Won"), actor=people.owner, version=fresh.version)
    assert Deal.objects.get(pk=deal.pk).status == "open"


def test_deleted_deals_do_not_move(people: Cast) -> None:
    deal = make_deal(people.owner)
    delete_deals([deal.pk], actor=people.admin)
    with pytest.raises(ValidationError):
        move_deal(deal, stage("Won"), actor=people.owner)
    with pytest.raises(ValidationError):
        update_deal(deal, {"amount": 7}, actor=people.owner)


def test_editing_the_stage_is_a_move(people: Cast, reason: LostReason) -> None:
    deal = make_deal(people.owner, amount=100)
    deal = update_deal(deal, {"name": "Renamed", "amount": Decimal("250.50"), "stage": stage("Won")}, actor=people.owner, version=1)
    assert (deal.status, deal.amount_home, deal.name) == ("won", Decimal("250.50"), "Renamed")
    assert StageChange.objects.filter(deal=deal).last().amount_home == Decimal("250.50") and len(events("deals.stage_changed")) == 1
    with pytest.raises(ValidationError):
        update_deal(deal, {"name": "No", "stage": stage("Lost")}, actor=people.owner)
    deal.refresh_from_db()
    assert deal.name == "Renamed"  # the whole edit is undone


def test_other_pipelines(people: Cast) -> None:
    other = services.create_pipeline({"name": "Renewals"}, actor=people.admin)
    deal = make_deal(people.owner)
    assert list(errors_of(lambda: update_deal(deal, {"pipeline": other}, actor=people.owner))) == ["stage"]
    moved = update_deal(deal, {"pipeline": other, "stage": stage("Proposal", other)}, actor=people.owner)
    assert moved.pipeline == other
    services.archive_pipeline(other, actor=people.admin)
    assert move_deal(moved, stage("Won", other), actor=people.owner).status == "won"
    assert list(errors_of(lambda: move_deal(make_deal(people.owner), stage("Won", other), actor=people.owner))) == ["stage"]
    assert list(errors_of(lambda: make_deal(people.owner, stage=stage("Won", other)))) == ["stage"]


def test_pushes_of_the_close_date_are_counted(people: Cast) -> None:
    day = date(2026, 11, 1)
    deal = make_deal(people.owner, close_date=day)
    for change, pushes in (
        (day + timedelta(days=7), 1),
        (day + timedelta(days=3), 1),
        (day + timedelta(days=3), 1),
        (day + timedelta(days=30), 2),
        (None, 2),
        (day, 2),
    ):
        deal = update_deal(deal, {"close_date": change}, actor=people.owner)
        assert deal.close_date_pushes == pushes


def test_many_deals_at_once(people: Cast) -> None:
    past = timezone.now() - timedelta(days=40)

    def cost(call: Any) -> tuple[int, Any]:
        with CaptureQueriesContext(connection) as queries:
            result = call()
        return len(queries), result

    def rows(count: int) -> list[dict[str, Any]]:
        return [
            {"name": f"D{number}", "amount": number, "stage": stage("Won") if number % 2 else stage("Discovery"), "closed_at": past} for number in range(count)
        ]

    few, many = rows(4), rows(100)
    (cost_of_few, some), (cost_of_many, made) = cost(lambda: create_deals(few, actor=people.owner)), cost(lambda: create_deals(many, actor=people.owner))
    assert cost_of_few == cost_of_many
    assert {deal.closed_at for deal in made} == {past, None} and len(events("deals.won")) == 2
    proposal = stage("Proposal")
    (cost_of_few, _count), (cost_of_many, count) = [
        cost(lambda deals=deals: move_deals([deal.pk for deal in deals], proposal, actor=people.owner)) for deals in (some, made)
    ]
    assert cost_of_few == cost_of_many and count == 100
    assert not Deal.objects.exclude(status="open").exists() and StageChange.objects.count() == 208 and len(events("deals.stage_changed")) == 4
    assert move_deals([deal.pk for deal in made], stage("Won"), actor=people.stranger) == 0


def test_only_admins_set_up_pipelines(people: Cast) -> None:
    pipeline, first, reason = Pipeline.objects.get(), stage("Qualified"), LostReason.objects.all()[0]
    for call in (
        lambda: services.create_pipeline({"name": "X"}, actor=people.manager),
        lambda: services.update_pipeline(pipeline, {"name": "X"}, actor=people.manager),
        lambda: services.archive_pipeline(pipeline, actor=people.manager),
        lambda: services.delete_pipeline(pipeline, actor=people.manager),
        lambda: services.create_stage({"pipeline": pipeline, "name": "X"}, actor=people.manager),
        lambda: services.update_stage(first, {"name": "X"}, actor=people.manager),
        lambda: services.delete_stage(first, actor=people.manager),
        lambda: services.create_lost_reason({"name": "X"}, actor=people.manager),
        lambda: services.update_lost_reason(reason, {"name": "X"}, actor=people.manager),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_stages_can_be_changed_within_the_rules(people: Cast) -> None:
    pipeline, admin = Pipeline.objects.get(), people.admin
    demo = services.create_stage({"pipeline": pipeline, "name": " Demo ", "probability": 40, "kind": "open"}, actor=admin)
    assert [each.name for each in pipeline.stages.all()] == ["Qualified", "Discovery", "Proposal", "Negotiation", "Demo", "Won", "Lost"]
    assert demo.name == "Demo"
    assert list(errors_of(lambda: services.create_stage({"pipeline": pipeline, "name": "DEMO"}, actor=admin))) == ["name"]
    assert list(errors_of(lambda: services.create_stage({"pipeline": pipeline, "name": "Also won", "kind": "won"}, actor=admin))) == ["kind"]
    assert list(errors_of(lambda: services.update_stage(demo, {"probability": 101}, actor=admin))) == ["probability"]
    make_deal(people.owner, stage=demo)
    assert list(errors_of(lambda: services.update_stage(demo, {"kind": "lost"}, actor=admin))) == ["kind"]
    assert services.update_stage(stage("Won"), {"probability": 3, "name": "Signed"}, actor=admin).probability == 100


def test_deleting_a_stage_asks_where_its_deals_go(people: Cast) -> None:
    admin, proposal = people.admin, stage("Proposal")
    here = make_deal(people.owner, stage=proposal)
    passed = move_deal(make_deal(people.owner, stage=proposal), stage("Negotiation"), actor=people.owner)
    binned = make_deal(people.owner, stage=proposal)
    delete_deals([binned.pk], actor=admin)
    assert list(errors_of(lambda: services.delete_stage(proposal, actor=admin))) == ["move_to"]
    assert list(errors_of(lambda: services.delete_stage(proposal, actor=admin, move_to=proposal))) == ["move_to"]
    services.delete_stage(proposal, actor=admin, move_to=stage("Negotiation"))
    assert set(Deal.objects.values_list("stage__name", flat=True)) == {"Negotiation"}
    assert history(here) == [("", "Negotiation")] == history(passed)
    assert not Stage.objects.filter(name="Proposal").exists()


def test_the_last_open_stage_and_the_last_pipeline_stay(people: Cast) -> None:
    admin, pipeline = people.admin, Pipeline.objects.get()
    for name in ("Discovery", "Proposal", "Negotiation"):
        services.delete_stage(stage(name), actor=admin)
    assert "kind" in errors_of(lambda: services.delete_stage(stage("Qualified"), actor=admin))
    with pytest.raises(ValidationError):
        services.archive_pipeline(pipeline, actor=admin)
    with pytest.raises(ValidationError):
        services.delete_pipeline(pipeline, actor=admin)
    services.create_pipeline({"name": "Second"}, actor=admin)
    services.delete_pipeline(pipeline, actor=admin)
    assert Pipeline.objects.get().name == "Second"
