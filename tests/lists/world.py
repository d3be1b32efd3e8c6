"""Rows to ask every filter of every list of."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from activities.models import Meeting, MeetingSeries, Task
from contacts.models import Company, Contact
from crm.core.models import Source, Tag
from deals.models import Deal, LostReason, Stage
from leads.models import Lead, LeadStatus

ZONE = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 10, 26, 9, 30, tzinfo=UTC)  # a Monday, the day after summer time has ended
TODAY = NOW.astimezone(ZONE).date()
CITIES, COUNTRIES, INDUSTRIES = ("Graz", "Gmunden", "Linz", "graz-West", ""), ("AT", "DE", ""), ("Wood", "Woodwork", "Glass", "")
STEPS = [(None, ""), (None, "call"), *((NOW + timedelta(hours=hours), "call") for hours in (-30, -1, 3, 14, 15, 40))]
ROWS = 90  # of each kind


def build(people: Any, seed: int = 7) -> SimpleNamespace:
    """ROWS rows of each record type, with every combination of filled and empty that chance brings."""
    world = SimpleNamespace(people=people, chance=random.Random(seed), rows={})
    pick = world.chance.choice
    world.owners = [people.owner, people.teammate, people.stranger, people.manager, None]
    world.teams = [people.owner.team, people.stranger.team, None]
    world.tags = [Tag.objects.create(name=name, key=name.lower(), color="red") for name in ("Fair", "VIP")]
    world.sources = [Source.objects.create(name=f"Source {number}", key=f"source {number}") for number in range(2)]
    world.stages, world.statuses = list(Stage.objects.select_related("pipeline")), list(LeadStatus.objects.all())
    world.reasons = [LostReason.objects.create(name=f"Reason {number}") for number in range(2)]
    make = lambda kind, some: kind.objects.bulk_create([some(index) for index in range(ROWS)])  # noqa: E731
    world.rows["companies"] = make(Company, lambda index: _placed(world, Company(name=f"Co {index % 17} {pick('aÄz')}", industry=pick(INDUSTRIES))))
    for row in world.rows["companies"][::5]:
        row.parent = world.rows["companies"][1]
        row.save(update_fields=["parent"])
    companies = world.rows["companies"]
    world.rows["contacts"] = make(
        Contact,
        lambda index: _placed(
            world,
            Contact(
                first_name=pick(("Ann", "Édith", "bob")),
                last_name=f"N{index % 13}",
                lifecycle=pick(Contact.Lifecycle.values),
                birthday=_birthday(index),
                company=pick([*companies[:4], None]),
            ),
        ),
    )
    contacts = world.rows["contacts"]
    world.rows["leads"] = make(
        Lead,
        lambda index: _placed(
            world,
            Lead(
                last_name=f"L{index % 11}",
                status=pick(world.statuses),
                source=pick([*world.sources, None]),
                score=pick((0, 10, 55, 100)),
                value=pick((None, Decimal(5), Decimal(7))),
                respond_by=pick((None, NOW - timedelta(hours=1), NOW + timedelta(hours=1))),
                first_response_at=pick((None, NOW - timedelta(hours=2))),
            ),
        ),
    )
    world.rows["deals"] = make(Deal, lambda index: _deal(world, index, companies, contacts))
    world.rows["tasks"] = make(Task, lambda index: _task(world, index, contacts))
    rule = {"frequency": "daily", "starts_on": TODAY, "made_until": TODAY, "at": time(10), "lasts": timedelta(hours=1), "zone": "UTC"}
    world.series = MeetingSeries.objects.create(title="M", owner=world.owners[0], **rule)
    world.rows["meetings"] = make(Meeting, lambda index: _meeting(world, index, contacts))
    for slug in ("companies", "contacts", "leads", "deals"):
        _tag(world, slug)
    return world


def _birthday(index: int) -> str:
    """About the days that are asked about, with and without a year; a third have none."""
    day = TODAY + timedelta(days=(0, 1, 6, 7, 29, 30, -1, -25, 5, 40)[index % 10])
    return "" if index % 3 == 0 else f"{'-' if index % 2 else '1979'}-{day:%m-%d}"


def _owned(world: Any, row: Any, *, owner: Any = ...) -> Any:
    pick = world.chance.choice
    row.owner = pick(world.owners) if owner is ... else owner
    row.team = pick(world.teams)
    row.created_at = _moment(world, (0, 1, 6, 7, 29, 30, 89, 90, 200, 400))
    row.deleted_at = NOW if world.chance.random() < 0.07 else None
    row.fold()
    return row


def _moment(world: Any, days: tuple[int, ...]) -> datetime:
    """About midnight of a local day so many days ago, where days of UTC and of the reader differ."""
    start = datetime.combine(TODAY - timedelta(days=world.chance.choice(days)), datetime.min.time(), ZONE)
    return start.astimezone(UTC) + timedelta(minutes=world.chance.choice((-30, 0, 30, 600)))


def _recorded(world: Any, row: Any) -> Any:
    pick = world.chance.choice
    row.next_step_at, row.next_step_kind = pick(STEPS)
    row.last_activity_at = pick((None, _moment(world, (0, 1, 7, 14, 15, 90, 91))))
    return _owned(world, row)


def _placed(world: Any, row: Any) -> Any:
    pick = world.chance.choice
    row.city, row.country = pick(CITIES), pick(COUNTRIES)
    row.email, row.phone = pick(("", "a@example.com")), pick(("", "+43662123456"))
    return _recorded(world, row)


def _deal(world: Any, index: int, companies: list[Any], contacts: list[Any]) -> Deal:
    pick, stage = world.chance.choice, world.chance.choice(world.stages)
    row = Deal(
        name=f"D{index % 19}",
        stage=stage,
        pipeline=stage.pipeline,
        status=stage.kind,
        company=pick([*companies[:3], None]),
        contact=pick([*contacts[:3], None]),
    )
    row.amount = row.amount_home = pick((Decimal(0), Decimal("99.90"), Decimal(1000)))
    row.close_date = pick((None, *(TODAY + timedelta(days=days) for days in (-40, -1, 0, 6, 7, 8, 29, 30, 31, 70))))
    row.closed_at = None if stage.kind == "open" else _moment(world, (0, 3, 40))
    row.lost_reason = pick([*world.reasons, None]) if stage.kind == "lost" else None
    row.stage_since = _moment(world, (0, 10, 20, 60))
    return _recorded(world, row)


def _about(world: Any, row: Any, contacts: list[Any]) -> Any:
    if world.chance.random() < 0.5:
        row.contact, row.subject_type = world.chance.choice(contacts[:5]), "contact"
    return row


def _task(world: Any, index: int, contacts: list[Any]) -> Task:
    pick = world.chance.choice
    row = Task(title=f"T{index % 23}", kind=pick(Task.Kind.values), priority=pick(Task.Priority.values), created_by=pick(world.owners))
    row.due_on = pick((None, *(TODAY + timedelta(days=days) for days in (-3, 0, 1, 2, 6, 7, 13, 14, 30))))
    row.due_at = row.due_on and datetime.combine(row.due_on, datetime.min.time(), ZONE).astimezone(UTC) + timedelta(hours=pick((0, 1, 12, 23)))
    row.done_at = pick((None, NOW))
    return _owned(world, _about(world, row, contacts), owner=pick(world.owners[:-1]))


def _meeting(world: Any, index: int, contacts: list[Any]) -> Meeting:
    pick = world.chance.choice
    row = Meeting(title=f"M{index % 23}")
    row.starts_at = datetime.combine(TODAY + timedelta(days=pick((-9, 0, 1, 3, 6, 7, 13, 14))), datetime.min.time(), ZONE).astimezone(UTC) + timedelta(
        hours=pick((0, 10, 23))
    )
    row.ends_at = row.starts_at + timedelta(hours=1)
    if not index % 3:
        row.series, row.recurrence_at = world.series, row.starts_at + timedelta(minutes=index)
    return _owned(world, _about(world, row, contacts), owner=pick(world.owners[:-1]))


def _tag(world: Any, slug: str) -> None:
    rows = world.rows[slug]
    through: Any = type(rows[0]).tags.through
    link = f"{type(rows[0])._meta.model_name}_id"
    world.__dict__.setdefault("tagged", {})[slug] = tagged = {(row.pk, tag.pk) for row in rows for tag in world.tags if world.chance.random() < 0.3}
    through.objects.bulk_create([through(**{link: pk, "tag_id": tag}) for pk, tag in tagged])
