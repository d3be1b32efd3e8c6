"""What reports do with empty periods, midnights, bad parameters and readers without rights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Company
from deals.models import Deal, Stage
from reports.selectors.results import last_twelve_months, midnight
from tests.factories import Cast, cast, make_role, make_user
from users.models import User

SLUGS = ("pipeline", "leads-by-source", "won-by-month", "activity-by-rep")
pytestmark = pytest.mark.django_db


@pytest.fixture
def crew() -> Cast:
    return cast()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def won(crew: Cast, closed: datetime, amount: int = 100) -> Deal:
    stage = Stage.objects.get(kind="won")
    return Deal.objects.create(
        name="D", pipeline=stage.pipeline, stage=stage, status="won", closed_at=closed, amount=amount, amount_home=amount, owner=crew.owner, team=crew.team
    )


def test_empty(crew: Cast) -> None:
    client = client_of(crew.owner)
    for slug in SLUGS:
        page = client.get(f"/reports/{slug}/")
        assert page.status_code == 200
        assert b"Nothing counts here" in page.content
        assert b"<svg role" not in page.content
        body = client.get(f"/reports/{slug}/?from=1999-01-01&to=1999-12-31&format=json").json()
        assert all(value in (0, "0.00", None) for value in body["totals"].values())


BAD = (
    ("from=yesterday", "from"),
    ("from=2026-02-30", "from"),
    ("from=0001-01-01", "from"),
    ("to=9999-12-31", "to"),
    ("from=2026-02-02&to=2026-02-01", "to"),
    ("from=1990-01-01&to=2026-02-01", "from"),
    ("pipeline=99999", "pipeline"),
    ("pipeline=x", "pipeline"),
    ("pipeline=" + "9" * 5000, "pipeline"),
    ("team=99999", "team"),
    ("team=%00", "team"),
    ("owner=99999", "owner"),
    ("owner=%00", "owner"),
    ("owner=" + "7" * 10_000, "owner"),
    ("owner=%F0%9F%98%80", "owner"),
    ("format=pdf", "format"),
    ("stage=3", "stage"),
)


def test_bad_parameters(crew: Cast) -> None:
    client = client_of(crew.owner)
    for number, (query, field) in enumerate(BAD):
        slug = SLUGS[number % len(SLUGS)]
        page = client.get(f"/reports/{slug}/?{query}")
        assert page.status_code == 400, query
        assert b"invalid-feedback" in page.content or b'role="alert"' in page.content
        if field != "format":
            assert field in client.get(f"/reports/{slug}/?{query}&format=json").json()["errors"]
            assert client.get(f"/reports/{slug}/?{query}&format=csv").status_code == 400


def test_what_was_typed_stays(crew: Cast) -> None:
    page = client_of(crew.owner).get("/reports/pipeline/?from=2026-03-01&team=99999").content.decode()
    assert 'value="2026-03-01"' in page


def test_another_teams_id_is_no_choice(crew: Cast) -> None:
    """A rep may not ask for a team whose rows they can't see; a manager for those below, an admin for all."""
    client = client_of(crew.owner)
    assert client.get(f"/reports/pipeline/?team={crew.other_team.pk}").status_code == 400
    assert client.get(f"/reports/pipeline/?team={crew.team.pk}").status_code == 200
    assert client_of(crew.manager).get(f"/reports/pipeline/?team={crew.team.pk}").status_code == 200
    assert client_of(crew.admin).get(f"/reports/pipeline/?team={crew.other_team.pk}").status_code == 200


def test_unknown_report(crew: Cast) -> None:
    assert client_of(crew.owner).get("/reports/nonsense/").status_code == 404
    assert client_of(crew.owner).post("/reports/pipeline/").status_code == 405
    assert Client().get("/reports/pipeline/").status_code == 302


def test_without_rights(crew: Cast) -> None:
    """Support agents see no deals and no leads: neither on the list of reports nor by address."""
    client = client_of(crew.agent)
    index = client.get("/reports/").content.decode()
    assert "/reports/pipeline/" not in index
    assert "/reports/activity-by-rep/" in index
    assert client.get("/reports/pipeline/").status_code == 403
    assert client.get("/reports/leads-by-source/records/?measure=revenue").status_code == 403
    nobody = make_user(role=make_role("Nothing"), team=crew.team)
    assert client_of(nobody).get("/reports/").status_code == 200


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York", "Europe/Vienna", "America/Havana"])
def test_midnight_is_the_readers(crew: Cast, zone: str) -> None:
    """A deal won a second before midnight of the month counts in the old one, at midnight in the new one, in the reader's zone."""
    User.objects.update(time_zone=zone)
    user = User.objects.select_related("role", "team").get(pk=crew.owner.pk)
    begins = midnight(datetime(2026, 4, 1).date(), user.zone)
    won(crew, begins - timedelta(seconds=1), 10)
    won(crew, begins, 200)
    won(crew, midnight(datetime(2026, 5, 1).date(), user.zone) - timedelta(microseconds=1), 3000)
    client = client_of(user)
    body = client.get("/reports/won-by-month/?from=2026-03-01&to=2026-05-31&format=json").json()
    assert {row["key"]: row["amount"] for row in body["rows"]} == {"2026-03": "10.00", "2026-04": "3200.00", "2026-05": "0.00"}
    assert body["time_zone"] == zone
    body = client.get("/reports/won-by-month/?from=2026-04-01&to=2026-04-30&format=json").json()
    assert body["totals"] == {"count": 2, "amount": "3200.00", "average": "1600.00"}


def test_midnight_where_the_clock_jumps_over_it() -> None:
    """In Havana summer time begins at midnight: the day begins at one o'clock, which is five in the morning UTC."""
    import zoneinfo

    zone = zoneinfo.ZoneInfo("America/Havana")
    assert midnight(datetime(2026, 3, 8).date(), zone) == datetime(2026, 3, 8, 5, tzinfo=UTC)


def test_usual_periods() -> None:
    assert last_twelve_months(datetime(2026, 1, 15).date()) == (datetime(2025, 2, 1).date(), datetime(2026, 1, 15).date())
    assert last_twelve_months(datetime(2026, 12, 31).date())[0] == datetime(2026, 1, 1).date()


def test_a_hidden_won_deal_adds_no_revenue(crew: Cast) -> None:
    """A visible lead whose deal belongs to another team: the amount appears nowhere."""
    from leads.models import Lead, LeadStatus

    deal = won(crew, timezone.now(), 777)
    Deal.objects.filter(pk=deal.pk).update(owner=crew.stranger, team=crew.other_team)
    Lead.objects.create(
        last_name="L", status=LeadStatus.objects.get(kind="converted"), converted_at=timezone.now(), converted_deal=deal, owner=crew.owner, team=crew.team
    )
    body = client_of(crew.owner).get("/reports/leads-by-source/?format=json").json()
    assert (body["totals"]["converted"], Decimal(body["totals"]["revenue"])) == (1, 0)
    assert Decimal(client_of(crew.admin).get("/reports/leads-by-source/?format=json").json()["totals"]["revenue"]) == 777


def test_records_page_refuses_what_it_does_not_know(crew: Cast) -> None:
    client = client_of(crew.owner)
    for query in ("measure=nonsense", "measure=notes&key=x", "measure=notes&key=" + "9" * 40, "measure=notes&cursor=zzz", ""):
        assert client.get(f"/reports/activity-by-rep/records/?{query}").status_code == 404
    assert client.get("/reports/pipeline/records/?measure=count").status_code == 404
    assert client.get("/reports/activity-by-rep/records/?measure=notes&from=x").status_code == 400


def test_company_names_are_escaped(crew: Cast) -> None:
    Stage.objects.filter(kind="open").update(probability=10)
    stage = Stage.objects.filter(kind="open").first()
    Stage.objects.filter(pk=stage.pk).update(name="<script>alert(1)</script>")
    Deal.objects.create(
        name="D", pipeline=stage.pipeline, stage=stage, company=Company.objects.create(name="C"), amount=5, amount_home=5, owner=crew.owner, team=crew.team
    )
    page = client_of(crew.owner).get("/reports/pipeline/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_number_of_statements(crew: Cast, django_assert_max_num_queries) -> None:
    client = client_of(crew.manager)
    for slug in SLUGS:
        client.get(f"/reports/{slug}/")
        with django_assert_max_num_queries(14):
            client.get(f"/reports/{slug}/")
