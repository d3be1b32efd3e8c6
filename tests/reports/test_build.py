"""Reports that readers put together: every figure against plain Python, and against the list that it leads to."""

from __future__ import annotations

import csv
import io
import random
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from contacts.services import create_contacts
from deals.models import Deal
from leads.models import Lead
from reports.selectors.grouped import BUCKETS, _without_gaps, bucket_text, following
from tests.core.custom.fields import make_field
from tests.factories import Cast, cast, make_role, make_user
from tests.reports.data import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew() -> Cast:
    people = cast()
    fill(people)
    return people


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def first_of(bucket: str) -> Callable[[date | None], str]:
    """The first day of the stretch that a day lies in."""

    def of(day: date | None) -> str:
        if day is None:
            return ""
        starts = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
        return str(starts.get(bucket) or day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1))

    return of


def local(user: Any, moment: Any) -> date | None:
    return timezone.localtime(moment, user.zone).date() if moment else None


# slug, dimension -> what of a row it is, in plain Python
PLAIN: dict[tuple[str, str], Callable[[Any, Any], str]] = {
    ("deals", "owner"): lambda user, row: str(row.owner_id or ""),
    ("deals", "status"): lambda user, row: row.status,
    ("deals", "stage"): lambda user, row: str(row.stage_id),
    ("deals", "pipeline"): lambda user, row: str(row.pipeline_id),
    ("leads", "source"): lambda user, row: str(row.source_id or ""),
    ("leads", "status"): lambda user, row: str(row.status_id),
    **{("leads", f"created:{bucket}"): lambda user, row, of=first_of(bucket): of(local(user, row.created_at)) for bucket in BUCKETS},
    **{("deals", f"close:{bucket}"): lambda user, row, of=first_of(bucket): of(row.close_date) for bucket in BUCKETS},
    **{("deals", f"closed:{bucket}"): lambda user, row, of=first_of(bucket): of(local(user, row.closed_at)) for bucket in BUCKETS},
}
CASES = [
    ("deals", "owner", "", ""),
    ("deals", "owner", "status", ""),
    ("deals", "status", "close:month", ""),
    ("deals", "stage", "", "status=open"),
    ("deals", "pipeline", "stage", "amount_min=20000&amount_max=70000"),
    ("deals", "close:quarter", "owner", "status=open&status=won"),
    ("deals", "closed:month", "status", "owner=me"),
    ("deals", "close:week", "", "close_from={month}"),
    ("leads", "source", "status", ""),
    ("leads", "status", "", "owner=none"),
    ("leads", "created:day", "", "created=90d"),
    ("leads", "created:month", "source", "created_from={half}&created_to={month}"),
    ("leads", "created:year", "created:month", ""),
]


def fits(row: Any, user: Any, question: str, days: dict[str, str]) -> bool:
    """What the filters of CASES mean."""
    match question:
        case "":
            return True
        case "status=open":
            return row.status == "open"
        case "amount_min=20000&amount_max=70000":
            return 20000 <= row.amount_home <= 70000
        case "status=open&status=won":
            return row.status in ("open", "won")
        case "owner=me":
            return row.owner_id == user.pk
        case "owner=none":
            return row.owner_id is None
        case "close_from={month}":
            return row.close_date is not None and str(row.close_date) >= days["month"]
        case "created=90d":
            return (local(user, row.created_at) or date.min) > timezone.localdate(timezone=user.zone) - timedelta(days=90)
        case "created_from={half}&created_to={month}":
            return days["half"] <= str(local(user, row.created_at)) <= days["month"]
    raise AssertionError(question)


@pytest.mark.parametrize("who", ["admin", "manager", "owner", "viewer"])
@pytest.mark.parametrize(("slug", "by", "then", "question"), CASES)
def test_figures_are_those_of_the_rows(crew: Cast, who: str, slug: str, by: str, then: str, question: str) -> None:
    user, today = getattr(crew, who), timezone.localdate()
    days = {"month": str(today - timedelta(days=33)), "half": str(today - timedelta(days=171))}
    model, number, column = {"deals": (Deal, "amount", "amount_home"), "leads": (Lead, "value", "value")}[slug]
    expected: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0), 0])
    for row in model.objects.visible_to(user):
        if fits(row, user, question, days):
            keys = [PLAIN[slug, by](user, row), *([f"{PLAIN[slug, by](user, row)}/{PLAIN[slug, then](user, row)}"] if then else []), "total"]
            for key in keys:
                entry, value = expected[key], getattr(row, column)
                entry[0] += 1
                entry[1], entry[2] = entry[1] + (value or 0), entry[2] + (value is not None)
    client, address = client_of(user), f"/reports/build/{slug}/?by={by}&then={then}&of={number}&{question.format(**days)}"
    body = client.get(f"{address}&format=json").json()
    found = {line["key"]: line for line in body["rows"]} | {"total": body["totals"]}
    assert {key for key, line in found.items() if line["count"]} == {key for key, entry in expected.items() if entry[0]}
    for key, (count, total, filled) in expected.items():
        line = found[key]
        assert (line["count"], Decimal(line[f"sum_{number}"])) == (count, total)
        average = line[f"avg_{number}"]
        assert (average is None) == (not filled) and (not filled or abs(Decimal(average) - total / filled) <= Decimal("0.005"))
    _follow(client, address, expected)


def _follow(client: Client, address: str, expected: dict[str, list[Any]]) -> None:
    """Some of the links lead to lists of as many rows as they say."""
    page = client.get(address).content.decode()
    links = {
        unescape(key): unescape(url) for key, url in re.findall(r'<tr data-key="([^"]*)"><th scope="row"[^>]*>[^<]*</th><td class="r"><a href="([^"]*)">', page)
    }
    for key in random.Random(7).sample(sorted(links), min(8, len(links))):
        told = client.get(links[key], headers={"HX-Request": "true", "HX-Target": "table"})
        assert told.status_code == 200, links[key]
        assert re.search(r'data-total="([\d,]+)"', told.content.decode())[1].replace(",", "") == str(expected[key][0]), (key, links[key])  # type: ignore[index]


def test_custom_fields(crew: Cast) -> None:
    tier, spend, since = make_field("choice", label="Tier"), make_field("number", label="Spend"), make_field("date", label="Customer since")
    fee = make_field("money", label="Fee")
    rows = [("001", "10.5", "2026-01-31", "3"), ("001", "1", "2026-02-01", None), ("002", None, None, "4.10"), (None, "7", "2025-12-31", None)]
    values = [{"last_name": f"N{n}", tier.name: a, spend.name: b, since.name: c, fee.name: d} for n, (a, b, c, d) in enumerate(rows)]
    create_contacts([{name: value for name, value in each.items() if value is not None} for each in values], actor=crew.admin)
    client = client_of(crew.admin)
    url = f"/reports/build/contacts/?by={tier.name}&of={spend.name}&of={fee.name}&q=N"
    body = client.get(f"{url}&format=json").json()
    told = {line["label"]: (line["count"], line[f"sum_{spend.name}"], line[f"avg_{spend.name}"], line[f"sum_{fee.name}"]) for line in body["rows"]}
    assert told == {"Gold": (2, "11.50", "5.75", "3.00"), "Silver": (1, "0.00", None, "4.10"), "No value": (1, "7.00", "7.00", "0.00")}
    assert {each["name"]: each["kind"] for each in body["columns"]}[f"sum_{fee.name}"] == "money"
    page = client.get(url).content.decode()
    assert "Gold" in page and "11.5" in page
    for key, count in (("001", 2), ("none", 1)):
        link = unescape(re.search(rf'href="(/contacts/\?[^"]*{tier.name}={key}[^"]*)"', page)[1])  # type: ignore[index]
        assert len(re.findall(r'<tr data-pk="', client.get(link).content.decode())) == count
    months = client.get(f"/reports/build/contacts/?by={since.name}:month&q=N&format=json").json()["rows"]
    assert [(line["label"], line["count"]) for line in months] == [("Dec 2025", 1), ("Jan 2026", 1), ("Feb 2026", 1), ("No date", 1)]
    page = client.get(f"/reports/build/contacts/?by={since.name}:quarter&then={tier.name}&q=N").content.decode()
    for link in re.findall(r'<td class="r"><a href="([^"]*)">', page):
        assert client.get(unescape(link)).status_code == 200


def test_a_field_that_the_reader_does_not_see_is_none(crew: Cast) -> None:
    secret = make_field("choice", label="Secret tier", roles=[crew.viewer.role_id])
    money = make_field("money", label="Secret fee", roles=[crew.viewer.role_id])
    client = client_of(crew.owner)
    assert "Secret" not in client.get("/reports/build/contacts/").content.decode()
    assert client.get(f"/reports/build/contacts/?by={secret.name}").status_code == 400
    assert client.get(f"/reports/build/contacts/?of={money.name}").status_code == 400
    assert "Secret" in client_of(crew.admin).get("/reports/build/contacts/").content.decode()


@pytest.mark.parametrize("question", ["by=nothing", "then=x", "of=password", "by=owner&then=owner", "format=pdf", "status=nothing", "no_such=1", "by=created:hour", "by=owner_id", "sort=x", "q=%00",
    "by=" + "x" * 5000, "then=" + "%F0%9F%98%80" * 50, "created_from=yesterday", "view=none", "group=nothing"])  # fmt: skip
def test_nonsense_is_refused(crew: Cast, question: str) -> None:
    response = client_of(crew.owner).get(f"/reports/build/deals/?{question}")
    assert response.status_code == 400
    assert b"<h1" in response.content


def test_who_may(crew: Cast) -> None:
    blind = make_user("blind@example.com", role=make_role("Blind", {"contacts_contact": {"view": "all"}}))
    client = client_of(blind)
    assert client.get("/reports/build/deals/").status_code == 403
    assert client.get("/reports/build/contacts/").status_code == 200
    page = client.get("/reports/").content.decode()
    assert "/reports/build/contacts/" in page and "/reports/build/deals/" not in page
    assert client.get("/reports/build/users/").status_code == client.get("/reports/build/x/").status_code == 404
    assert Client().get("/reports/build/deals/").status_code == 302
    assert client_of(crew.admin).post("/reports/build/deals/").status_code == 405


@pytest.mark.parametrize("slug", ["contacts", "companies", "leads", "deals", "tasks", "meetings"])
def test_every_dimension_of_every_type(crew: Cast, slug: str) -> None:
    client = client_of(crew.admin)
    page = client.get(f"/reports/build/{slug}/").content.decode()
    names = re.findall(r'<option value="([^"]+)"', page.partition('name="then"')[0])
    assert "owner" in names and "created:month" in names
    numbers = re.findall(r'name="of" value="([^"]+)"', page)
    for name in names:
        response = client.get(
            f"/reports/build/{slug}/?by={name}&then={next(other for other in names if other != name)}&" + "&".join(f"of={each}" for each in numbers)
        )
        assert response.status_code == 200, name
        for link in re.findall(r'<tr data-key="[^"]*"><th scope="row"[^>]*>[^<]*</th><td class="r"><a href="([^"]*)">', response.content.decode())[:3]:
            assert client.get(unescape(link)).status_code == 200, link


def test_files_say_what_the_page_says(crew: Cast) -> None:
    client, url = client_of(crew.admin), "/reports/build/deals/?by=status&then=pipeline&of=amount"
    text = client.get(f"{url}&format=csv").content.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    body = client.get(f"{url}&format=json").json()
    assert lines[0][1:] == ["Deals", "Amount, sum (EUR)", "Amount, average (EUR)"]
    assert [int(line[1]) for line in lines[1:-1]] == [line["count"] for line in body["rows"]]
    assert any(" / " in line[0] for line in lines)
    assert lines[-1][0] == "Total" and int(lines[-1][1]) == Deal.objects.alive().count()
    sheet = client.get(f"{url}&format=xlsx")
    assert sheet.content[:2] == b"PK" and "deals-report-" in sheet["Content-Disposition"]


def test_from_a_list_to_its_report_and_back(crew: Cast) -> None:
    client = client_of(crew.admin)
    page = client.get("/deals/?status=open&group=stage&sort=-amount").content.decode()
    link = unescape(re.search(r'href="(/reports/build/deals/[^"]*)"', page)[1])  # type: ignore[index]
    assert "by=stage" in link and "status=open" in link
    page = client.get(link).content.decode()
    assert 'value="stage" selected' in page and "Remove filter Status" in page
    without = unescape(re.search(r'class="x" href="([^"]*)"', page)[1])  # type: ignore[index]
    assert without.startswith("/reports/build/deals/?") and "status" not in without and "by=stage" in without
    assert client.get(without).status_code == 200


def test_nothing_to_count(crew: Cast) -> None:
    Contact.objects.all().delete()
    page = client_of(crew.admin).get("/reports/build/contacts/?by=created:month&then=owner").content.decode()
    assert "Nothing counts here" in page and "<svg role" not in page


def test_hostile_names_are_escaped(crew: Cast) -> None:
    crew.owner.name = "<script>alert(1)</script>"
    crew.owner.save()
    page = client_of(crew.admin).get("/reports/build/deals/?by=owner&then=owner_x").content.decode()
    page += client_of(crew.admin).get("/reports/build/deals/?by=owner&q=%3Cscript%3Ealert(2)").content.decode()
    page += client_of(crew.admin).get("/reports/build/deals/?by=owner").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_number_of_statements(crew: Cast, django_assert_max_num_queries: Any) -> None:
    client = client_of(crew.manager)
    url = "/reports/build/deals/?by=owner&then=close:month&of=amount"
    client.get(url)
    with django_assert_max_num_queries(12):
        client.get(url)


def test_stretches() -> None:
    assert [following(date(2026, 12, 1), bucket) for bucket in ("month", "year", "quarter")][0] == date(2027, 1, 1)
    assert following(date(2026, 10, 1), "quarter") == date(2027, 1, 1) and following(date(2026, 1, 1), "year") == date(2027, 1, 1)
    assert following(date(2026, 11, 23), "week") == date(2026, 11, 30) and following(date(2028, 2, 28), "day") == date(2028, 2, 29)
    assert _without_gaps([date(2026, 1, 1), date(2026, 4, 1)], "month") == [date(2026, month, 1) for month in (1, 2, 3, 4)]
    far = [date(1900, 1, 1), date(2026, 1, 1)]
    assert _without_gaps(far, "day") == far and _without_gaps([], "day") == []
    assert [bucket_text(date(2026, 10, 1), bucket, "en_GB") for bucket in ("year", "quarter", "month", "day")] == ["2026", "Q4 2026", "Oct 2026", "1 Oct 2026"]
