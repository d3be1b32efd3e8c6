"""What every filter of every list means, in plain Python. On purpose apart from the code under test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from leads.models import LeadStatus
from tests.lists.world import NOW, TODAY, ZONE
from users.models import Team

# ---- who may see what


def sees(user: Any, row: Any) -> bool:
    if row.deleted_at is not None:
        return False
    scope = user.role.grants[row._meta.label_lower.replace(".", "_")]["view"]
    mine = row.owner_id == user.pk
    return {"all": True, "team": mine or (row.team_id is not None and row.team_id in user.team_scope), "own": mine, "none": False}[scope]


# ---- what filters mean: (values to choose from, does the row fit the value?)

Fits = Callable[[Any, Any], bool]


def _day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def _range(field: str, *, never: bool = False) -> tuple[list[str], Fits]:
    def fits(row: Any, value: str) -> bool:
        moment = getattr(row, field)
        if value == "never" or moment is None:
            return value in ("never", "idle14d") and moment is None
        age = (TODAY - _day(moment)).days
        return {
            "today": age <= 0,
            "yesterday": age == 1,
            "7d": age < 7,
            "30d": age < 30,
            "90d": age < 90,
            "this_month": _day(moment) >= TODAY.replace(day=1),
            "this_year": _day(moment) >= TODAY.replace(month=1, day=1),
            "over14d": age > 14,
            "idle14d": age > 14,
            "over90d": age > 90,
        }[value]

    return ["today", "yesterday", "7d", "30d", "90d", "this_month", "this_year", "over14d", "over90d", *(["idle14d", "never"] if never else [])], fits


def _next(row: Any, value: str) -> bool:
    at = row.next_step_at
    if at is None:
        return value == "none" and row.next_step_kind == ""
    return {"late": at < NOW, "today": at >= NOW and _day(at - timedelta(seconds=1)) <= TODAY, "planned": at >= NOW, "none": False}[value]


def _due(row: Any, value: str) -> bool:
    if row.due_at is None:
        return value == "none"
    day = _day(row.due_at)
    monday = TODAY - timedelta(days=TODAY.weekday())
    return {
        "overdue": row.due_at < NOW,
        "today": day == TODAY,
        "tomorrow": day == TODAY + timedelta(days=1),
        "week": monday <= day < monday + timedelta(days=7),
        "next_week": monday + timedelta(days=7) <= day < monday + timedelta(days=14),
        "later": day >= monday + timedelta(days=14),
        "past": day < TODAY,
        "days7": TODAY + timedelta(days=2) <= day <= TODAY + timedelta(days=7),
        "beyond": day > TODAY + timedelta(days=7),
        "none": False,
    }[value]


def _starts(row: Any, value: str) -> bool:
    if value in ("past", "coming"):
        return (row.ends_at < NOW) == (value == "past")
    return _due(SimpleNamespace(due_at=row.starts_at), value)


def _closing(row: Any, value: str) -> bool:
    day = row.close_date
    if day is None:
        return value == "none"
    if value == "past":
        return day < TODAY and row.status == "open"
    month = TODAY.replace(day=1)
    following = date(2026, 11, 1)
    return {
        "7d": TODAY <= day < TODAY + timedelta(days=7),
        "30d": TODAY <= day < TODAY + timedelta(days=30),
        "this_month": month <= day < following,
        "next_month": following <= day < date(2026, 12, 1),
        "this_quarter": date(2026, 10, 1) <= day < date(2027, 1, 1),
        "none": False,
    }[value]


def _birthdays(row: Any, value: str) -> bool:
    if value in ("known", "none"):
        return (row.birthday != "") == (value == "known")
    if not row.birthday:
        return False
    month, day = int(row.birthday[-5:-3]), int(row.birthday[-2:])
    ahead = next(number for number in range(366) if ((TODAY + timedelta(days=number)).month, (TODAY + timedelta(days=number)).day) == (month, day))
    return {"today": ahead == 0, "next7d": ahead < 7, "next30d": ahead < 30, "this_month": month == 10, "next_month": month == 11}[value]


def _stalled(row: Any) -> bool:
    limit = row.stage.stalled_after_days
    return row.stage.kind == "open" and limit is not None and row.stage_since < NOW - timedelta(days=limit)


def _filled(field: str) -> tuple[list[str], Fits]:
    return ["true", "false"], lambda row, value: bool(getattr(row, field)) == (value == "true")


def _starting(field: str, values: list[str]) -> tuple[list[str], Fits]:
    return values, lambda row, value: getattr(row, field).upper().startswith(value.upper())


def _linked(field: str, ids: list[int]) -> tuple[list[str], Fits]:
    return [str(pk) for pk in ids], lambda row, value: getattr(row, f"{field}_id") == int(value)


def _days(field: str, *, up_to: bool, moment: bool) -> tuple[list[str], Fits]:
    values = [(TODAY + timedelta(days=days)).isoformat() for days in (-90, -30, -1, 0, 7, 40)]

    def fits(row: Any, value: str) -> bool:
        found = getattr(row, field)
        day = _day(found) if moment and found is not None else found
        return day is not None and (day <= date.fromisoformat(value) if up_to else day >= date.fromisoformat(value))

    return values, fits


def meanings(world: Any, slug: str, user: Any) -> dict[str, tuple[list[Any], Fits]]:
    """{filter: (values, fits)}; a value that is a list is sent several times."""
    teams = {team.pk: team.parent_id for team in Team.objects.all()}

    def within(row: Any, value: str) -> bool:
        team = row.team_id
        while team is not None and team != int(value):
            team = teams[team]
        return team is not None

    def owned(row: Any, value: str) -> bool:
        return row.owner_id == {"me": user.pk, "none": None}.get(value, int(value) if value.isdecimal() else 0)

    found: dict[str, tuple[list[Any], Fits]] = {
        "owner": (["me", "none", str(world.people.stranger.pk)], owned),
        "created": _range("created_at"),
        "created_from": _days("created_at", up_to=False, moment=True),
        "created_to": _days("created_at", up_to=True, moment=True),
        "team": ([str(pk) for pk in teams], within),
    }
    if slug in ("tasks", "meetings"):
        del found["team"]
        found["about"] = (["contact", "deal", "none"], lambda row, value: row.subject_type == ("" if value == "none" else value))
    else:
        found["tag"] = (
            ["Fair", "vip", "Nothing"],
            lambda row, value: any(tag.name.lower() == value.lower() and (row.pk, tag.pk) in world.tagged[slug] for tag in world.tags),
        )
        found["next"] = (["late", "today", "planned", "none"], _next)
        found["active"] = _range("last_activity_at", never=True)
    return found | _own(world, slug, user)


def _own(world: Any, slug: str, user: Any) -> dict[str, tuple[list[Any], Fits]]:
    seen = {kind: [row.pk for row in world.rows[kind][:4] if sees(user, row)] for kind in ("companies", "contacts")}
    reach = {"has_email": _filled("email"), "has_phone": _filled("phone")}
    place = {
        "city": _starting("city", ["g", "Graz", "LINZ"]),
        "country": (["AT", "Germany"], lambda row, value: row.country == {"AT": "AT", "Germany": "DE"}[value]),
        **reach,
    }
    match slug:
        case "companies":
            parents = [row.pk for row in world.rows["companies"][1:2] if sees(user, row)]
            return {**place, "industry": _starting("industry", ["wood", "Glass"]), "parent": _linked("parent", parents)}
        case "contacts":
            lives = [["customer"], ["prospect", "partner"]]
            born = (["today", "next7d", "next30d", "this_month", "next_month", "known", "none"], _birthdays)
            return {
                **place,
                "lifecycle": (lives, lambda row, value: row.lifecycle in value),
                "company": _linked("company", seen["companies"]),
                "birthday": born,
            }
        case "leads":
            return {**reach, **_of_leads(world)}
        case "deals":
            return _of_deals(world, seen)
        case "tasks":
            return {
                "state": (["open", "done"], lambda row, value: (row.done_at is None) == (value == "open")),
                "due": (["overdue", "today", "tomorrow", "week", "next_week", "later", "past", "days7", "beyond", "none"], _due),
                "kind": ([["call"], ["todo", "email"]], lambda row, value: row.kind in value),
                "priority": ([["1"], ["2", "3"]], lambda row, value: str(row.priority) in value),
                "delegated": (["me"], lambda row, value: row.created_by_id == user.pk != row.owner_id),
            }
    return {
        "starts": (["coming", "today", "tomorrow", "week", "next_week", "past"], _starts),
        "repeats": (["yes", "no"], lambda row, value: (row.series_id is not None) == (value == "yes")),
    }


def _of_leads(world: Any) -> dict[str, tuple[list[Any], Fits]]:
    kinds = ["open", *LeadStatus.Kind.values]
    statuses = [[str(world.statuses[0].pk)], [str(status.pk) for status in world.statuses[1:3]]]
    sources = [["none"], [str(world.sources[0].pk), "none"], [str(world.sources[1].pk)]]
    return {
        "state": (kinds, lambda row, value: row.status.kind in (("new", "working") if value == "open" else (value,))),
        "status": (statuses, lambda row, value: str(row.status_id) in value),
        "source": (sources, lambda row, value: (str(row.source_id) if row.source_id else "none") in value),
        "response": (["waiting", "late", "answered"], _responded),
        "score_min": (["10", "56"], lambda row, value: row.score >= int(value)),
        "score_max": (["9", "55"], lambda row, value: row.score <= int(value)),
    }


def _responded(row: Any, value: str) -> bool:
    if value == "answered":
        return row.first_response_at is not None
    waiting = row.respond_by is not None and row.first_response_at is None and row.status.kind in ("new", "working")
    return waiting and (value == "waiting" or row.respond_by <= NOW)


def _of_deals(world: Any, seen: dict[str, list[int]]) -> dict[str, tuple[list[Any], Fits]]:
    return {
        "close": (["past", "7d", "30d", "this_month", "next_month", "this_quarter", "none"], _closing),
        "amount_min": (["99.90", "100"], lambda row, value: row.amount_home >= Decimal(value)),
        "amount_max": (["0", "99.90"], lambda row, value: row.amount_home <= Decimal(value)),
        "stalled": (["yes", "no"], lambda row, value: _stalled(row) == (value == "yes")),
        "status": ([["open"], ["won", "lost"]], lambda row, value: row.status in value),
        "pipeline": _linked("pipeline", sorted({stage.pipeline_id for stage in world.stages})),
        "stage": _linked("stage", [stage.pk for stage in world.stages]),
        "company": _linked("company", seen["companies"][:3]),
        "contact": _linked("contact", seen["contacts"][:3]),
        "lost_reason": _linked("lost_reason", [reason.pk for reason in world.reasons]),
        "close_from": _days("close_date", up_to=False, moment=False),
        "close_to": _days("close_date", up_to=True, moment=False),
        "closed_from": _days("closed_at", up_to=False, moment=True),
        "closed_to": _days("closed_at", up_to=True, moment=True),
    }


def ordered(rows: list[Any], column: str, *, descending: bool) -> list[int]:
    """Ids in the order of the column: empty ones last both ways, ties by id in the same direction."""
    value = lambda row: getattr(row, column)  # noqa: E731
    filled = sorted((row for row in rows if value(row) is not None), key=lambda row: (value(row), row.pk), reverse=descending)
    empty = sorted((row for row in rows if value(row) is None), key=lambda row: row.pk, reverse=descending)
    return [row.pk for row in (*filled, *empty)]
