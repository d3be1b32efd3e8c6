"""How promising a lead is, 0 to 100, by the admins' rules, which can be read out (docs/decisions/scoring.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from contacts.services import company_domain
from crm.core import replica
from crm.core.models import Source
from leads.models import ScoreRule, WebForm
from leads.services.assignment import compare
from users.selectors import request_box

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
HIGHEST = 100
KEEP_SECONDS = 5.0
Op = ScoreRule.Operation
Names = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Fact:
    """Something that a condition can ask of a lead. `value(lead, names)` gives text ("" when there is none) or, if `number`, a number or None."""

    label: Any
    value: Callable[[Any, Names], Any]
    number: bool = False


def _column(name: str) -> Callable[[Any, Names], str]:
    return lambda lead, names: getattr(lead, name)


def _linked(name: str) -> Callable[[Any, Names], str]:
    """The name behind a foreign key; something even when the names were not read, for conditions that ask only whether it is filled."""

    def value(lead: Any, names: Names) -> str:
        pk = getattr(lead, f"{name}_id")
        return "" if pk is None else names.get(name, {}).get(pk, str(pk))

    return value


FACTS: dict[str, Fact] = {
    "email": Fact(_("e-mail address"), _column("email")),
    "business_email": Fact(_("business e-mail address"), lambda lead, names: company_domain(lead.email) if lead.email else ""),
    "email_domain": Fact(_("domain of the e-mail"), lambda lead, names: lead.email.rpartition("@")[2]),
    "phone": Fact(_("phone number"), _column("phone")),
    "company_name": Fact(_("company"), _column("company_name")),
    "job_title": Fact(_("job title"), _column("job_title")),
    "full_name": Fact(_("full name"), lambda lead, names: f"{lead.first_name} {lead.last_name}" if lead.first_name and lead.last_name else ""),
    "website": Fact(_("website"), _column("website")),
    "city": Fact(_("city"), _column("city")),
    "country": Fact(_("country"), _column("country")),
    "message": Fact(_("message"), _column("description")),
    "message_length": Fact(_("characters of the message"), lambda lead, names: len(lead.description.strip()), number=True),
    "value": Fact(_("estimated value"), lambda lead, names: lead.value, number=True),
    "source": Fact(_("source"), _linked("source")),
    "form": Fact(_("web form"), _linked("form")),
    "campaign": Fact(_("campaign parameters"), lambda lead, names: next((text for name in UTM if (text := getattr(lead, name))), "")),
    **{name: Fact(name, _column(name)) for name in UTM},
}


@dataclass(frozen=True)
class Reason:
    """Points and what they are for; equal ones are one, so that what is made of them can be remembered."""

    points: int
    label: str
    field: str
    op: str
    value: str

    def __str__(self) -> str:
        return f"{self.points:+d} {self.text}"

    @property
    def text(self) -> str:
        """The rule's name, else its condition in words."""
        if self.label:
            return self.label
        fact = str(FACTS[self.field].label) if self.field in FACTS else self.field
        return fact if self.op == Op.FILLED else " ".join(filter(None, (fact, str(Op(self.op).label).partition(" (")[0], self.value)))

    def holds(self, lead: Any, names: Names) -> bool:
        if self.field not in FACTS:  # of a newer version
            return False
        fact = FACTS[self.field]
        found = fact.value(lead, names)
        if self.op in (Op.FILLED, Op.EMPTY):
            return (found in (None, "", 0)) == (self.op == Op.EMPTY)
        if self.op == Op.AT_LEAST:
            return _at_least(found, self.value)
        return found is not None and compare(self.op, str(found), self.value)


def _at_least(found: Any, wanted: str) -> bool:
    number, limit = number_of(found), number_of(wanted)
    return number is not None and limit is not None and number >= limit


def number_of(value: Any) -> Decimal | None:
    """A finite number, or None for what is none."""
    try:
        number = Decimal(str(value).replace(",", ".")) if value not in (None, "") else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


@dataclass(frozen=True)
class RuleSet:
    """The active rules, and the names behind the links that they ask for."""

    reasons: tuple[Reason, ...]
    names: Names = field(default_factory=dict)


_kept: tuple[float, RuleSet] | None = None


def score_rules() -> RuleSet:
    """The active rules. Read once per request; on pages that only show scores at most five seconds old."""
    global _kept
    box = request_box.get()
    if box and "score_rules" in box:
        return box["score_rules"]
    if _kept and time.monotonic() - _kept[0] < KEEP_SECONDS and not connection.in_atomic_block:
        found = _kept[1]
    else:
        found = _read_rules()
        if not connection.in_atomic_block:  # what an open transaction sees may never come true for others
            _kept = (time.monotonic(), found)
    if box is not None:
        box["score_rules"] = found
    return found


@replica.primary()
def _read_rules() -> RuleSet:
    rows = ScoreRule.objects.filter(active=True).order_by("position", "pk").values_list("points", "label", "field", "op", "value")
    reasons = tuple(Reason(*row) for row in rows)
    asked = {each.field for each in reasons if each.op not in (Op.FILLED, Op.EMPTY)}
    models: dict[str, Any] = {"source": Source, "form": WebForm}
    return RuleSet(reasons, {name: dict(model.objects.values_list("pk", "name")) for name, model in models.items() if name in asked})


def forget_rules() -> None:
    """After a change: the next reading asks the database."""
    global _kept
    _kept = None
    box = request_box.get()
    if box:
        box.pop("score_rules", None)


def reasons_for(lead: Any, rules: RuleSet | None = None) -> list[Reason]:
    """Why a lead (or anything with its fields) has its score, most points first."""
    rules = rules or score_rules()
    return sorted((each for each in rules.reasons if each.holds(lead, rules.names)), key=lambda reason: -reason.points)


def score_of(lead: Any, rules: RuleSet | None = None) -> int:
    """The sum of the reasons, at least 0 and at most 100."""
    return max(0, min(HIGHEST, sum(reason.points for reason in reasons_for(lead, rules))))
