"""Who gets a new lead: ordered rules, turns that hold under parallel entries, nobody who is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from crm.core.access import Scope
from crm.core.text import unaccent
from leads.models import AssignmentRule, Lead, LeadStatus
from users.models import User

FIELDS = ("country", "city", "source", "company_name", "email_domain", "form", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "message")
OPERATIONS = ("is", "is_not", "contains", "in")
OPEN_KINDS = (LeadStatus.Kind.NEW, LeadStatus.Kind.WORKING)
Condition = Mapping[str, Any]


def matches(conditions: Sequence[Condition], facts: Mapping[str, str]) -> bool:
    """Do all conditions hold? Case and accents do not count; no condition is always true. Pure."""
    return all(_holds(condition, facts) for condition in conditions)


def _holds(condition: Condition, facts: Mapping[str, str]) -> bool:
    return compare(condition["op"], facts.get(condition["field"], ""), str(condition["value"]))


def compare(op: str, fact: str, wanted: str) -> bool:
    """One comparison of texts; case, accents and blanks around do not count. False for an operation that is none. Pure."""
    fact, wanted = _plain(fact), _plain(wanted)
    match op:
        case "is":
            return fact == wanted
        case "is_not":
            return fact != wanted
        case "contains":
            return wanted in fact
        case "in":
            return fact in {part.strip() for part in wanted.split(",")}
    return False  # an operation that a newer version knew: better no match than the wrong person


def _plain(text: str) -> str:
    return " ".join(unaccent(text).split())


def facts_of(lead: Lead | Mapping[str, Any], *, source: str = "", form: str = "") -> dict[str, str]:
    """What conditions look at, from the values of a lead to be."""
    value = lead.get if isinstance(lead, Mapping) else lambda name, default="": getattr(lead, name, default)
    plain = {name: str(value(name, "") or "") for name in FIELDS if name not in ("source", "form", "email_domain", "message")}
    return {
        **plain,
        "email_domain": str(value("email", "") or "").rpartition("@")[2],
        "message": str(value("description", "") or ""),
        "source": source,
        "form": form,
    }


def choose_owner(facts: Mapping[str, str], *, at: datetime | None = None) -> User | None:
    """The user that the rules name for these facts, or None. Takes the turn of the rule that decides: call it in the transaction that assigns."""
    at = at or timezone.now()
    rules = list(AssignmentRule.objects.filter(active=True).select_related("user__role").order_by("is_fallback", "position", "pk"))
    for rule in rules:
        if rule.is_fallback or matches(rule.conditions, facts):
            user = _ask(rule, at)
            if user is not None:
                return user
    return None


def _ask(rule: AssignmentRule, at: datetime) -> User | None:
    if rule.mode == AssignmentRule.Mode.USER:
        candidates = _present([rule.user], at, rule.is_fallback) if _may_work(rule.user) else []
        return candidates[0] if candidates else None
    # The row lock makes parallel entries take turns; everything below it sees what the one before has committed.
    locked = AssignmentRule.objects.select_for_update().get(pk=rule.pk)
    members = User.objects.filter(team_id=locked.team_id).select_related("role", "team").order_by("pk")
    candidates = _present([user for user in members if _may_work(user)], at, rule.is_fallback)
    if not candidates:
        return None
    turn = _turn(candidates, locked.last_user_id)
    if locked.mode == AssignmentRule.Mode.LEAST_BUSY:
        turn = _least_busy(turn)
    locked.last_user_id = turn[0].pk
    locked.save(update_fields=["last_user_id"])
    return turn[0]


def _may_work(user: User | None) -> bool:
    return user is not None and user.is_active and user.scope_for("leads.lead", "change") != Scope.NONE


def _present(users: Sequence[User], at: datetime, even_away: bool) -> list[User]:
    """Those who are not away on their own calendar day; for the fallback all of them when nobody is present."""
    present = [user for user in users if not user.is_away(at.astimezone(user.zone).date())]
    return present or (list(users) if even_away else [])


def _turn(users: Sequence[User], last_id: int | None) -> list[User]:
    """The users (ordered by id) from the one after `last_id` on, once around. Pure."""
    after = [user for user in users if last_id is not None and user.pk > last_id]
    return after + [user for user in users if user not in after]


def _least_busy(users: Sequence[User]) -> list[User]:
    """By number of open leads; those with equally many stay in their order."""
    rows = Lead.objects.alive().filter(owner__in=users, status__kind__in=OPEN_KINDS).order_by().values_list("owner").annotate(number=Count("pk"))
    busy = dict(rows)
    return sorted(users, key=lambda user: busy.get(user.pk, 0))
