"""The list, page and form of deals, and the settings of pipelines."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deals import services
from deals.models import Deal, LostReason, Pipeline, Stage
from deals.services import move_deal, update_deal
from tests.contacts.factories import make_company, make_contact
from tests.deals.factories import make_deal, stage
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


@pytest.fixture
def client(people: Cast) -> Client:
    client = Client()
    client.force_login(people.owner)
    return client


@pytest.fixture
def boss(people: Cast) -> Client:
    client = Client()
    client.force_login(people.admin)
    return client


def test_the_form_opens_with_what_the_link_says(people: Cast, client: Client) -> None:
    company = make_company(people.owner, name="Alpenwerk")
    contact = make_contact(people.owner, first_name="Johanna", last_name="Berger", company=company)
    page = client.get(f"/deals/new/?company={company.pk}&contact={contact.pk}&stage={stage('Proposal').pk}").content.decode()
    assert "Alpenwerk" in page and "Johanna Berger" in page and f'<option value="{stage("Proposal").pk}" selected' in page
    assert "lost_reason" not in page
    other = services.create_pipeline({"name": "Renewals"}, actor=people.admin)
    page = client.get(f"/deals/new/?pipeline={other.pk}").content.decode()
    assert f'<option value="{stage("Qualified", other).pk}" selected' in page and '<optgroup label="Renewals">' in page
    for query in ("?pipeline=x", "?stage=x", "?stage=99999999999999999999999", "?company=x", "?company=999999", "?contact=%00"):
        assert client.get(f"/deals/new/{query}").status_code == 200, query


def test_making_and_editing_by_form(people: Cast, client: Client) -> None:
    typed = {"name": "Spindle", "amount": "64,000.50", "stage": stage("Proposal").pk, "close_date": "2026-12-12"}
    reply = client.post("/deals/new/", typed)
    deal = Deal.objects.get()
    assert reply.status_code == 302 and (deal.amount, deal.stage.name, deal.owner) == (Decimal("64000.50"), "Proposal", people.owner)
    url = f"{deal.get_absolute_url()}edit/"
    lost = client.post(url, {**typed, "version": 1, "stage": stage("Lost").pk})
    assert lost.status_code == 422 and list(lost.context["form"].errors) == ["lost_reason"] and b'name="lost_reason"' in lost.content
    reason = LostReason.objects.get(name="Price")
    assert client.post(url, {**typed, "version": 1, "stage": stage("Lost").pk, "lost_reason": reason.pk, "lost_note": "dear"}).status_code == 302
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason, deal.lost_note, deal.owner) == ("lost", reason, "dear", people.owner)
    page = client.get(deal.get_absolute_url()).content.decode()
    assert "Price" in page and "dear" in page and "Reopen" in page
    again = {**typed, "version": deal.version, "stage": stage("Lost").pk, "lost_reason": reason.pk, "lost_note": "far too dear"}
    assert client.post(url, again).status_code == 302
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason, deal.lost_note) == ("lost", reason, "far too dear")


def test_two_tabs_compare_only_what_differs(people: Cast, client: Client) -> None:
    deal = make_deal(people.owner, name="Spindle")
    typed = {"name": "Spindle", "stage": deal.stage_id, "version": deal.version}
    url = f"{deal.get_absolute_url()}edit/"
    assert client.post(url, {**typed, "description": "first"}).status_code == 302
    reply = client.post(url, {**typed, "description": "second"})
    assert reply.status_code == 409
    compared = {str(label): (theirs, mine) for label, theirs, mine in reply.context["conflict"].rows}
    assert compared["Description"] == ("first", "second")
    assert "Stage" not in compared


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"amount": "much"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "9" * 30}, "amount"),
        ({"close_date": "31.31.2026"}, "close_date"),
        ({"stage": ""}, "stage"),
        ({"stage": "999999"}, "stage"),
        ({"stage": "x" * 1000}, "stage"),
        ({"pipeline": "999999"}, "stage"),
        ({"company": "999999"}, "company"),
        ({"source": "999999"}, "source"),
        ({"description": "a\x00b"}, "description"),
        ({"nonsense": "1"}, "__all__"),
    ],
)
def test_bad_input(people: Cast, client: Client, typed: dict[str, Any], field: str) -> None:
    reply = client.post("/deals/new/", {"name": "Zoé 🦊", "amount": "1", "stage": stage("Proposal").pk, **typed})
    assert reply.status_code == 422 and list(reply.context["form"].errors) == [field]
    assert not Deal.objects.exists()


def test_the_page_of_an_open_deal(people: Cast, client: Client) -> None:
    company = make_company(people.owner, name="Alpenwerk", phone="+4366212345")
    day = timezone.localdate() - timedelta(days=3)
    deal = make_deal(people.owner, name="Spindle", company=company, amount=1000, stage="Proposal", close_date=day - timedelta(days=9))
    update_deal(deal, {"close_date": day}, actor=people.owner)
    Deal.objects.filter(pk=deal.pk).update(stage_since=timezone.now() - timedelta(days=30))
    page = client.get(deal.get_absolute_url()).content.decode()
    for text in ("€1,000", "€550", "moved 1 time", "30 days", "Stalled", "Close date is over", "Alpenwerk", "Won", "Lost"):
        assert text in page, text
    assert f'formaction="/deals/{deal.pk}/move/?stage={stage("Won").pk}"' in page and 'data-key="w"' in page
    viewer = Client()
    viewer.force_login(people.viewer)
    seen = viewer.get(deal.get_absolute_url()).content.decode()
    assert "/move/" not in seen and f"/deals/{deal.pk}/edit/" not in seen


def test_reopen_goes_where_the_deal_came_from(people: Cast, client: Client) -> None:
    deal = make_deal(people.owner, stage="Negotiation")
    move_deal(deal, stage("Won"), actor=people.owner)
    page = client.get(deal.get_absolute_url()).content.decode()
    url = f"/deals/{deal.pk}/move/?stage={stage('Negotiation').pk}"
    assert url in page
    assert client.post(url, {"version": "2", "next": deal.get_absolute_url()}).status_code == 302
    assert Deal.objects.get().status == "open"


def test_deals_stand_on_company_and_contact(people: Cast, client: Client) -> None:
    company = make_company(people.owner)
    contact = make_contact(people.owner, company=company)
    make_deal(people.owner, name="Open one", company=company, contact=contact, amount=100)
    make_deal(people.owner, name="Won one", company=company, contact=contact, amount=30, stage="Won")
    make_deal(None, name="Hidden one", company=company, contact=contact, amount=7, owner=people.stranger, team=people.other_team)
    for obj, link in ((company, f"company={company.pk}"), (contact, f"contact={contact.pk}&amp;company={company.pk}")):
        page = client.get(obj.get_absolute_url()).content.decode()
        assert "Open one" in page and "Won one" in page and "Hidden one" not in page
        assert "€100" in page and "€30" in page and "€107" not in page
        assert f"/deals/new/?{link}" in page


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?view=open", 200),
        ("?view=closing&sort=-amount", 200),
        ("?view=stalled&sort=days", 200),
        ("?view=lost", 200),
        ("?status=won&status=lost&close=this_quarter&stalled=no", 200),
        ("?close=past&amount_min=1&amount_max=1,000.50", 200),
        ("?closed_from=2026-01-01&closed_to=9999-12-31", 200),
        ("?close_from=0001-01-01&close_to=2026-12-31", 200),
        ("?stage=999999", 400),
        ("?pipeline=x", 400),
        ("?lost_reason=999999", 400),
        ("?status=evil", 400),
        ("?close=soon", 400),
        ("?closed_from=yesterday", 400),
        ("?amount_min=x", 400),
        ("?stalled=maybe", 400),
        ("?contact=999999", 400),
    ],
)
def test_list_addresses(people: Cast, client: Client, query: str, status: int) -> None:
    make_deal(people.owner, stage="Won")
    assert client.get(f"/deals/{query}").status_code == status


def test_filters_find_the_right_deals(people: Cast, client: Client) -> None:
    today = timezone.localdate()
    make_deal(people.owner, name="late", close_date=today - timedelta(days=1), amount=5)
    make_deal(people.owner, name="soon", close_date=today + timedelta(days=2), amount=50)
    make_deal(people.owner, name="won", stage="Won", amount=500)
    stuck = make_deal(people.owner, name="stuck", amount=5000)
    Deal.objects.filter(pk=stuck.pk).update(stage_since=timezone.now() - timedelta(days=15))

    def names(query: str) -> set[str]:
        return {row.label for row in client.get(f"/deals/?{query}").context["list"].rows}

    assert names("close=past") == {"late"}
    assert names("close=7d") == {"soon"}
    assert names("status=won") == {"won"} == names(f"closed_from={today}&closed_to={today}")
    assert names("stalled=yes") == {"stuck"} == names("amount_min=501")
    assert names(f"close_from={today}") == {"soon"}
    assert names(f"stage={stage('Won').pk}") == {"won"}


def test_bulk_move(people: Cast, client: Client) -> None:
    mine, foreign = make_deal(people.owner), make_deal(people.stranger)
    form = {"ids": [mine.pk, foreign.pk], "confirmed": "1", "stage": stage("Lost").pk}
    assert client.post("/deals/bulk/move/", form).status_code == 422
    assert client.post("/deals/bulk/move/", {**form, "lost_reason": LostReason.objects.all()[0].pk}).status_code == 302
    assert list(Deal.objects.order_by("pk").values_list("status", flat=True)) == ["lost", "open"]


def test_settings_of_pipelines(people: Cast, boss: Client, client: Client) -> None:
    pipeline, proposal = Pipeline.objects.get(), stage("Proposal")
    for url in (
        "/settings/pipelines/",
        "/settings/stages/",
        "/settings/lost-reasons/",
        f"/settings/stages/{proposal.pk}/edit/",
        f"/settings/stages/new/?pipeline={pipeline.pk}",
        f"/settings/stages/{proposal.pk}/remove/",
        f"/settings/pipelines/{pipeline.pk}/archive/",
    ):
        assert boss.get(url).status_code == 200, url
        assert client.get(url).status_code == 403, url
    assert boss.post("/settings/pipelines/new/", {"name": "Renewals"}).status_code == 302
    assert boss.post("/settings/pipelines/new/", {"name": "renewals"}).status_code == 422
    assert (
        boss.post(
            "/settings/stages/new/", {"pipeline": pipeline.pk, "name": "Demo", "kind": "open", "probability": "40", "stalled_after_days": "", "color": "pink"}
        ).status_code
        == 302
    )
    assert (
        boss.post("/settings/stages/new/", {"pipeline": pipeline.pk, "name": "Bad", "kind": "open", "probability": "101", "color": "pink"}).status_code == 422
    )
    assert boss.post(f"/settings/stages/{proposal.pk}/edit/", {"name": "Offer", "kind": "open", "probability": "60", "color": "teal"}).status_code == 302
    assert boss.post(f"/settings/stages/{stage('Demo').pk}/move/", {"direction": "up"}).status_code == 302
    assert [each.name for each in pipeline.stages.all()] == ["Qualified", "Discovery", "Offer", "Demo", "Negotiation", "Won", "Lost"]
    deal = make_deal(people.owner, stage="Offer")
    assert boss.post(f"/settings/stages/{proposal.pk}/remove/", {}).status_code == 422
    assert client.post(f"/settings/stages/{proposal.pk}/remove/", {"move_to": stage("Demo").pk}).status_code == 403
    assert boss.post(f"/settings/stages/{proposal.pk}/remove/", {"move_to": stage("Lost").pk}).status_code == 422
    assert boss.post(f"/settings/stages/{proposal.pk}/remove/", {"move_to": stage("Demo").pk}).status_code == 302
    deal.refresh_from_db()
    assert deal.stage.name == "Demo" and not Stage.objects.filter(pk=proposal.pk).exists()
    assert boss.post(f"/settings/stages/{stage('Discovery').pk}/remove/", {}).status_code == 302
    assert boss.post(f"/settings/pipelines/{pipeline.pk}/archive/").status_code == 302
    renewals = Pipeline.objects.get(name="Renewals")
    assert boss.post(f"/settings/pipelines/{renewals.pk}/archive/").status_code == 422
    assert boss.post(f"/settings/pipelines/{pipeline.pk}/archive/").status_code == 302  # offered again
    assert boss.post("/settings/lost-reasons/new/", {"name": "Timing", "active": "on"}).status_code == 302
    reason = LostReason.objects.get(name="Timing")
    assert boss.post(f"/settings/lost-reasons/{reason.pk}/edit/", {"name": "Timing"}).status_code == 302
    assert not LostReason.objects.get(pk=reason.pk).active
    assert boss.post(f"/settings/lost-reasons/{reason.pk}/delete/").status_code == 302
