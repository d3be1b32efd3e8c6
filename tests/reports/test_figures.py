"""Every figure equals an independent query, for each role; every figure's link leads to exactly so many records; all formats agree."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from deals.models import Deal, Pipeline, Stage
from leads.models import Lead
from tests.factories import Cast, cast
from tests.reports.data import fill, reader, rows, sees
from users.models import Team, User

ROLES = ("admin", "manager", "owner", "viewer", "stranger")
SLUGS = ("pipeline", "leads-by-source", "won-by-month", "activity-by-rep")
pytestmark = pytest.mark.django_db


@pytest.fixture
def crew() -> Cast:
    people = cast()
    User.objects.update(time_zone="America/New_York")
    fill(people)
    return Cast(*[User.objects.select_related("role", "team").get(pk=each.pk) if isinstance(each, User) else each for each in people])


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def figures(client: Client, slug: str, **query: Any) -> dict[str, Any]:
    response = client.get(f"/reports/{slug}/?{urlencode({**query, 'format': 'json'})}")
    assert response.status_code == 200, response.content[:500]
    return response.json()


def period(days: int) -> dict[str, str]:
    today = timezone.localdate(timezone=User.objects.first().zone)
    return {"from": (today - timedelta(days=days)).isoformat(), "to": today.isoformat()}


def queries(crew: Cast) -> list[dict[str, Any]]:
    """Parameters to try: none, a pipeline, a team with teams below it, owners, and together."""
    pipeline = Pipeline.objects.order_by("pk").last()
    return [
        {},
        {"pipeline": pipeline.pk},
        {"team": crew.team.pk},
        {"owner": crew.owner.pk},
        {"owner": "me"},
        {"owner": "none"},
        {"pipeline": pipeline.pk, "team": crew.team.pk, "owner": crew.teammate.pk},
    ]


def narrowed(alias: str, query: dict[str, Any], user: Any) -> str:
    """SQL of the filters; ids only, no text from outside."""
    parts = []
    if query.get("pipeline") and alias == "d":
        parts.append(f"{alias}.pipeline_id = {int(query['pipeline'])}")
    if query.get("team"):
        parts.append(f"{alias}.team_id IN ({', '.join(map(str, teams_below(query['team'])))})")
    if query.get("owner") == "none":
        parts.append(f"{alias}.owner_id IS NULL")
    elif query.get("owner"):
        parts.append(f"{alias}.owner_id = {user.pk if query['owner'] == 'me' else int(query['owner'])}")
    return " AND ".join(parts) or "true"


def teams_below(pk: int) -> list[int]:
    return [pk, *[found for child in Team.objects.filter(parent_id=pk) for found in teams_below(child.pk)]]


def allowed(user: Any, query: dict[str, Any]) -> bool:
    return "team" not in query or user.role.is_admin or query["team"] in user.team_scope


def test_pipeline_by_stage(crew: Cast) -> None:
    for role in ROLES:
        _pipeline_by_stage(crew, role)


def _pipeline_by_stage(crew: Cast, role: str) -> None:
    user = getattr(crew, role)
    client = client_of(user)
    for query in [*queries(crew), period(60)]:
        if not allowed(user, query):
            continue
        between = "AND d.close_date BETWEEN {start} AND {end}" if "from" in query else ""
        sql = "SELECT d.stage_id, count(*), sum(d.amount_home) FROM deals_deal d"
        sql += f" WHERE d.status = 'open' AND {sees('d')} AND {narrowed('d', query, user)} {between} GROUP BY 1"
        wanted = {str(stage): (count, amount) for stage, count, amount in rows(sql, **reader(user), start=query.get("from"), end=query.get("to"))}
        found = figures(client, "pipeline", **query)
        assert {row["key"]: (row["count"], Decimal(row["amount"])) for row in found["rows"] if row["count"]} == wanted
        chances = {str(pk): chance for pk, chance in Stage.objects.values_list("pk", "probability")}
        for row in found["rows"]:
            assert Decimal(row["weighted"]) == (Decimal(row["amount"]) * chances[row["key"]] / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert found["totals"]["count"] == sum(count for count, _amount in wanted.values())
        assert Decimal(found["totals"]["amount"]) == sum((amount for _count, amount in wanted.values()), Decimal(0))


def test_leads_by_source(crew: Cast) -> None:
    for role in ROLES:
        _leads_by_source(crew, role)


def _leads_by_source(crew: Cast, role: str) -> None:
    user = getattr(crew, role)
    client = client_of(user)
    for query in [*queries(crew), period(30)]:
        if not allowed(user, query):
            continue
        query = {**period(300), **query}
        zone = "::timestamp AT TIME ZONE 'America/New_York'"
        span = f"l.created_at >= ({{start}}::date){zone} AND l.created_at < ({{end}}::date + 1){zone}"
        mine = f"{sees('l')} AND {narrowed('l', {**query, 'pipeline': None}, user)} AND {span}"
        values = {**reader(user), "start": query["from"], "end": query["to"]}
        sql = "SELECT l.source_id, count(*), count(*) FILTER (WHERE s.kind = 'converted')"
        sql += f" FROM leads_lead l JOIN leads_leadstatus s ON s.id = l.status_id WHERE {mine} GROUP BY 1"
        wanted = {str(source or "none"): (leads, converted) for source, leads, converted in rows(sql, **values)}
        found = figures(client, "leads-by-source", **query)
        assert {row["key"]: (row["leads"], row["converted"]) for row in found["rows"] if row["leads"]} == wanted
        pipeline = f"AND d.pipeline_id = {query['pipeline']}" if query.get("pipeline") else ""
        sql = f"""SELECT source_id, sum(amount_home) FROM (SELECT DISTINCT ON (d.id) d.id, d.amount_home, l.source_id FROM leads_lead l
            JOIN deals_deal d ON d.id = l.converted_deal_id
            WHERE d.status = 'won' AND {sees("d")} {pipeline} AND {mine} ORDER BY d.id, l.id) AS once GROUP BY 1"""
        revenue = {str(source or "none"): amount for source, amount in rows(sql, **values)}
        assert {row["key"]: Decimal(row["revenue"]) for row in found["rows"] if Decimal(row["revenue"])} == {
            key: amount for key, amount in revenue.items() if amount
        }
        assert Decimal(found["totals"]["revenue"]) == sum(revenue.values(), Decimal(0))
        for row in [*found["rows"], found["totals"]]:
            assert row["rate"] == (str((Decimal(row["converted"]) * 100 / row["leads"]).quantize(Decimal("0.1"), "ROUND_HALF_UP")) if row["leads"] else None)


def test_won_by_month(crew: Cast) -> None:
    for role in ROLES:
        _won_by_month(crew, role)


def _won_by_month(crew: Cast, role: str) -> None:
    user = getattr(crew, role)
    client = client_of(user)
    for query in [*queries(crew), period(77)]:
        if not allowed(user, query):
            continue
        query = {**period(365), **query}
        sql = f"""SELECT to_char(d.closed_at AT TIME ZONE 'America/New_York', 'YYYY-MM'), count(*), sum(d.amount_home) FROM deals_deal d
            WHERE d.status = 'won' AND {sees("d")}
            AND {narrowed("d", query, user)} AND (d.closed_at AT TIME ZONE 'America/New_York')::date BETWEEN {{start}} AND {{end}} GROUP BY 1"""
        wanted = {month: (count, amount) for month, count, amount in rows(sql, **reader(user), start=query["from"], end=query["to"])}
        found = figures(client, "won-by-month", **query)
        assert {row["key"]: (row["count"], Decimal(row["amount"])) for row in found["rows"] if row["count"]} == wanted
        first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
        assert len(found["rows"]) == (last.year - first.year) * 12 + last.month - first.month + 1
        for row in [*found["rows"], found["totals"]]:
            assert row["average"] == (str((Decimal(row["amount"]) / row["count"]).quantize(Decimal("0.01"), "ROUND_HALF_UP")) if row["count"] else None)


def test_activity_by_rep(crew: Cast) -> None:
    for role in ROLES:
        _activity_by_rep(crew, role)


def _activity_by_rep(crew: Cast, role: str) -> None:
    user = getattr(crew, role)
    client = client_of(user)
    kinds = {"note": "notes", "call": "calls", "meeting": "meetings", "email": "mails"}
    for query in [*queries(crew), period(10)]:
        if not allowed(user, query):
            continue
        query = {**period(50), **query}
        pipeline = f"AND a.deal_id IN (SELECT id FROM deals_deal WHERE pipeline_id = {query['pipeline']})" if query.get("pipeline") else ""
        span = "(a.at AT TIME ZONE 'America/New_York')::date BETWEEN {start} AND {end}"
        who = [f"u.team_id IN ({', '.join(map(str, teams_below(query['team'])))})"] if query.get("team") else []
        if query.get("owner"):
            who.append("false" if query["owner"] == "none" else f"u.id = {user.pk if query['owner'] == 'me' else query['owner']}")
        person = " AND ".join(who) or "true"
        subject = " OR ".join(
            f"(a.subject_type = '{name}' AND EXISTS (SELECT 1 FROM {table} x WHERE x.id = a.{name}_id AND {sees('x')}))"
            for name, table in (("company", "contacts_company"), ("contact", "contacts_contact"), ("lead", "leads_lead"), ("deal", "deals_deal"))
        )
        values = {**reader(user), "start": query["from"], "end": query["to"]}
        sql = "SELECT a.actor_id, a.kind, count(*) FROM activities_activity a JOIN users_user u ON u.id = a.actor_id"
        sql += (
            f" WHERE a.deleted_at IS NULL AND a.kind IN ('note', 'call', 'meeting', 'email') AND ({subject}) AND {span} AND {person} {pipeline} GROUP BY 1, 2"
        )
        wanted = {(str(actor), kinds[kind]): count for actor, kind, count in rows(sql, **values)}
        sql = "SELECT a.done_by_id, count(*) FROM activities_task a JOIN users_user u ON u.id = a.done_by_id"
        sql += f" WHERE {sees('a')} AND {span.replace('a.at', 'a.done_at')} AND {person} {pipeline} GROUP BY 1"
        wanted |= {(str(actor), "tasks"): count for actor, count in rows(sql, **values)}
        found = figures(client, "activity-by-rep", **query)
        measures = [column["name"] for column in found["columns"]]
        assert {(row["key"], name): row[name] for row in found["rows"] for name in measures if row[name]} == wanted


def links(html: str) -> list[tuple[str, str, str]]:
    """(kind, address, text) of the figures in the table; totals too."""
    table = re.search(r"<tbody>.*</tfoot>", html, re.S).group()
    return [("td", address.replace("&amp;", "&"), text) for address, text in re.findall(r'<td class="r[^"]*"><a href="([^"]+)">([^<]+)</a>', table)]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_figure_leads_to_exactly_its_records(crew: Cast, slug: str) -> None:
    for role in ("admin", "manager", "owner"):
        _follow_all(crew, role, slug)


def _follow_all(crew: Cast, role: str, slug: str) -> None:
    user = getattr(crew, role)
    client = client_of(user)
    tried = 0
    for query in [{}, {**period(200), "owner": "me", "team": user.team_id}, {**period(90), "pipeline": Pipeline.objects.order_by("pk").last().pk}]:
        found = figures(client, slug, **query)
        page = client.get(f"/reports/{slug}/?{urlencode(query)}").content.decode()
        kinds = [column["kind"] for column in found["columns"]]
        names = [column["name"] for column in found["columns"]]
        addresses = links(page)
        table = [*found["rows"], found["totals"]]
        assert len(addresses) == len(table) * len(names)
        seen: dict[str, int] = {}
        for number, (_kind, address, _text) in enumerate(addresses):
            row, name = table[number // len(names)], names[number % len(names)]
            if kinds[number % len(names)] != "count":
                continue
            if address not in seen:
                seen[address] = count_behind(client, address)
                tried += 1
            assert seen[address] == row[name], (address, row)
    assert tried > 3


def count_behind(client: Client, address: str) -> int:
    """How many records a drill-down shows: those of a list by walking its pages, those of a report's own page too."""
    found = 0
    while address:
        response = client.get(address)
        assert response.status_code == 200, (address, response.content[:300])
        html = response.content.decode()
        found += len(re.findall(r'<tr[^>]* data-pk="', html))
        if "/records/" in address:
            match = re.search(r'class="btn btn-ghost" href="(\?[^"]+)"', html)
            address = address.split("?")[0] + match.group(1).replace("&amp;", "&") if match else ""
        else:
            address = response.context["list"].next_url
    return found


def test_revenue_leads_to_its_deals(crew: Cast) -> None:
    client = client_of(crew.admin)
    query = period(390)
    found = figures(client, "leads-by-source", **query)
    page = client.get(f"/reports/leads-by-source/?{urlencode(query)}").content.decode()
    for row in [*found["rows"], {"key": "", **found["totals"]}]:
        address = next(
            address
            for _kind, address, _text in links(page)
            if "measure=revenue" in address and (f"key={row['key']}" in address if row["key"] else "key=" not in address)
        )
        html = client.get(address).content.decode()
        ids = [int(pk) for pk in re.findall(r'<tr data-pk="(\d+)"', html)]
        assert sum(Deal.objects.filter(pk__in=ids).values_list("amount_home", flat=True), Decimal(0)) == Decimal(row["revenue"])


def test_formats_say_the_same(crew: Cast) -> None:
    for slug in SLUGS:
        _compare_formats(crew, slug)


def _compare_formats(crew: Cast, slug: str) -> None:
    Lead.objects.filter(source__isnull=False).first().source.__class__.objects.update(name="=1+1")
    client = client_of(crew.manager)
    query = {**period(365), "owner": crew.owner.pk}
    found = figures(client, slug, **query)
    names = [column["name"] for column in found["columns"]]
    wanted = [[row["label"], *[row[name] for name in names]] for row in found["rows"]] + [["Total", *[found["totals"][name] for name in names]]]
    text = client.get(f"/reports/{slug}/?{urlencode({**query, 'format': 'csv'})}")
    assert text["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert len(lines[0]) == len(names) + 1
    assert lines[1:] == [["'=1+1" if label == "=1+1" else label, *["" if value is None else str(value) for value in values]] for label, *values in wanted]
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/reports/{slug}/?{urlencode({**query, 'format': 'xlsx'})}").content))
    cells = list(book.active.iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in cells] == [row[0] for row in wanted]
    assert [[None if value is None else round(Decimal(str(value)), 2) for value in row[1:]] for row in cells] == [
        [None if value is None else round(Decimal(str(value)), 2) for value in row[1:]] for row in wanted
    ]
