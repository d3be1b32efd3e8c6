"""Leads, forms and rules for tests, made by the services."""

from __future__ import annotations

import itertools
from typing import Any

from leads import services
from leads.models import AssignmentRule, Lead, LeadStatus, Submission, WebForm
from tests.factories import make_team, make_user

_numbers = itertools.count(1)
FIELDS = (
    {"key": "name", "label": "Name", "kind": "text", "target": "name", "required": True},
    {"key": "email", "label": "E-mail", "kind": "email", "target": "email", "required": True},
    {"key": "company", "label": "Company", "kind": "text", "target": "company_name"},
    {"key": "phone", "label": "Phone", "kind": "phone", "target": "phone"},
    {"key": "message", "label": "Message", "kind": "long_text", "target": "message"},
)


def make_lead(actor: Any = None, **values: Any) -> Lead:
    """`status` may be the name of a status."""
    services.ensure_defaults()  # tests with real transactions empty the tables, the migration's rows included
    number = next(_numbers)
    if not {"first_name", "last_name", "company_name", "email"} & set(values):
        values |= {"first_name": "Lena", "last_name": f"Lead {number}", "email": f"lead{number}@company{number}.example"}
    if isinstance(values.get("status"), str):
        values["status"] = status(values["status"])
    return services.create_lead(values, actor=actor)


def status(name: str) -> LeadStatus:
    services.ensure_defaults()
    return LeadStatus.objects.get(name=name)


def make_form(slug: str = "contact", fields: Any = FIELDS, **values: Any) -> WebForm:
    """The form of the demo, with limits that no test reaches by accident."""
    services.ensure_defaults()
    values = {"name": slug.title(), "slug": slug, "per_address_per_hour": 1_000_000, "per_form_per_minute": 1_000_000, **values}
    return services.create_form(values, [dict(field) for field in fields], actor=None)


def make_rule(**values: Any) -> AssignmentRule:
    values.setdefault("name", f"Rule {next(_numbers)}")
    return services.create_rule(values, actor=None)


def make_team_of(size: int, name: str = "Sales") -> tuple[Any, list[Any]]:
    """A team of reps that gets leads in turn."""
    team = make_team(name)
    return team, [make_user(team=team) for _ in range(size)]


def store(form: WebForm, **data: Any) -> Submission:
    """An entry that is stored and not yet worked in."""
    data = {"name": "Ada Lovelace", "email": f"ada{next(_numbers)}@engine.example", **data}
    return services.receive_submission(form, data=data, address="203.0.113.7")


def enter(form: WebForm, **data: Any) -> Submission:
    """An entry, worked in."""
    submission = store(form, **data)
    services.process_submission(submission.pk)
    submission.refresh_from_db()
    return submission
