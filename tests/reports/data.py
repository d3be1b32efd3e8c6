"""Random rows that reports count, written straight into the tables; and what they should say, asked in plain SQL."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from activities.models import Activity, Task
from contacts.models import Company, Contact
from crm.core.models import Source
from deals.models import Deal, LostReason, Pipeline, Stage
from leads.models import Lead, LeadStatus
from tests.factories import Cast


def fill(cast: Cast, seed: int = 1, size: int = 160) -> None:
    """Rows of everybody, some of nobody, some deleted, over the last 400 days."""
    dice = random.Random(seed)
    people = [cast.owner, cast.teammate, cast.manager, cast.stranger, cast.admin, None]
    teams = [cast.team, cast.other_team, cast.manager.team]
    pipelines = [Pipeline.objects.order_by("pk")[0], Pipeline.objects.create(name=f"Renewals {seed}", position=5)]
    Stage.objects.bulk_create(
        [
            Stage(pipeline=pipelines[1], name=name, kind=kind, probability=chance, position=place)
            for place, (name, kind, chance) in enumerate((("Asked", "open", 33), ("Won", "won", 100), ("Lost", "lost", 0)))
        ]
    )
    stages = list(Stage.objects.all())
    reason = LostReason.objects.order_by("pk")[0]
    sources = [*[Source.objects.create(name=f"Source {number}", key=f"source {number} {seed}") for number in range(3)], None]
    statuses = list(LeadStatus.objects.all())

    def common() -> dict[str, Any]:
        owner = dice.choice(people)
        team = owner.team if owner and dice.random() < 0.8 else dice.choice(teams)
        at = timezone.now() - timedelta(seconds=dice.randint(60, 400 * 86_400))
        return {"owner": owner, "team": team, "created_at": at, "deleted_at": timezone.now() if dice.random() < 0.08 else None}

    companies = Company.objects.bulk_create([Company(name=f"C{number}", **common()) for number in range(20)])
    contacts = Contact.objects.bulk_create([Contact(last_name=f"P{number}", **common()) for number in range(20)])
    deals = []
    for number in range(size):
        stage = dice.choice(stages)
        row = common()
        amount = Decimal(dice.randint(0, 10_000_000)) / 100
        closed = None if stage.kind == "open" else min(timezone.now(), row["created_at"] + timedelta(days=dice.randint(0, 40)))
        day = row["created_at"].date() + timedelta(days=dice.randint(0, 60)) if dice.random() < 0.8 else None
        deals.append(
            Deal(
                name=f"D{number}",
                pipeline=stage.pipeline,
                stage=stage,
                status=stage.kind,
                amount=amount,
                amount_home=amount,
                closed_at=closed,
                close_date=day,
                lost_reason=reason if stage.kind == "lost" else None,
                **row,
            )
        )
    deals = Deal.objects.bulk_create(deals)
    leads = []
    for number in range(size):
        status = dice.choice(statuses)
        deal = dice.choice(deals) if status.kind == "converted" and dice.random() < 0.8 else None
        leads.append(
            Lead(
                last_name=f"L{number}",
                status=status,
                source=dice.choice(sources),
                converted_deal=deal,
                converted_at=timezone.now() if status.kind == "converted" else None,
                **common(),
            )
        )
    leads = Lead.objects.bulk_create(leads)
    subjects = {"company": companies, "contact": contacts, "lead": leads, "deal": deals}
    lines, tasks = [], []
    for _ in range(size * 2):
        name = dice.choice(list(subjects))
        at = timezone.now() - timedelta(seconds=dice.randint(60, 80 * 86_400))
        deleted = timezone.now() if dice.random() < 0.05 else None
        lines.append(
            Activity(
                kind=dice.choice(Activity.Kind.values),
                verb="x",
                actor=dice.choice(people),
                at=at,
                subject_type=name,
                deleted_at=deleted,
                **{name: dice.choice(subjects[name])},
            )
        )
        row = common() | {"owner": dice.choice(people[:-1])}
        if dice.random() < 0.6:
            row |= {"subject_type": name, name: dice.choice(subjects[name])}
        done = at if dice.random() < 0.6 else None
        tasks.append(Task(title="T", done_at=done, done_by=row["owner"] if done else None, **row))
    Activity.objects.bulk_create(lines)
    Task.objects.bulk_create(tasks)


def rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(re.sub(r"\{(\w+)\}", r"%(\1)s", sql), values)
        return cursor.fetchall()


def sees(alias: str) -> str:
    """Own and team visibility in SQL: `everything` for admins, else owner or team."""
    return f"{alias}.deleted_at IS NULL AND ({{everything}} OR {alias}.owner_id = {{me}} OR {alias}.team_id = ANY({{teams}}))"


def reader(user: Any) -> dict[str, Any]:
    return {"everything": user.role.is_admin, "me": user.pk, "teams": list(user.team_scope)}


def local(year: int, month: int, day: int, zone: Any) -> datetime:
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)
