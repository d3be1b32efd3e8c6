"""Writes to companies."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from contacts.models import Company
from contacts.services import rules
from contacts.services.rows import Values, check_links, each_row, tidy, usual_country
from crm.core.bin import delete_records
from crm.core.writes import change_record, change_records, create_records

DEEPEST = 20  # levels of parent companies


@transaction.atomic
def create_companies(rows: Sequence[Values], *, actor: Any) -> list[Company]:
    """Make companies, all or none. ValidationError by field for one row, RowErrors for many."""
    country = usual_country(rows)
    prepared = each_row(rows, lambda values: _prepared(values, country))
    check_links(Company, prepared, ["parent"], actor)
    return create_records(Company, prepared, actor=actor)


def create_company(values: Values, *, actor: Any) -> Company:
    return create_companies([values], actor=actor)[0]


@transaction.atomic
def update_company(company: Company, changes: Values, *, actor: Any, version: int | None = None) -> Company:
    """Change some fields. StaleRecord when `version` is old."""
    changes = _prepared(changes, company.country)
    if "parent" in changes and getattr(changes["parent"], "pk", None) != company.parent_id:
        check_links(Company, [changes], ["parent"], actor)
        _check_parent(company, changes["parent"])
    return change_record(company, changes, actor=actor, version=version)


@transaction.atomic
def change_companies(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Set `data["changes"]` (not the parent company, which has a rule of its own) on companies; returns how many differ."""
    return change_records(Company, ids, _prepared(data["changes"]), actor=actor)


def delete_companies(ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Into the bin; people and deals keep their link and show no company until it is restored."""
    return delete_records(Company, ids, actor=actor, group=group)


def _prepared(values: Values, country: str = "") -> Values:
    country = str(values.get("country") or country).strip().upper()
    return tidy(
        values,
        {
            "domain": rules.normal_domain,
            "email": rules.normal_email,
            "phone": lambda number: rules.normal_phone(number, country if len(country) == 2 else ""),
            "country": rules.check_country,
        },
    )


def _check_parent(company: Company, parent: Company | None) -> None:
    """No company may be above itself, also not when two people move two companies at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('contacts.company.parent'))")
    above, level = parent, 0
    while above is not None:
        level += 1
        if above.pk == company.pk or level > DEEPEST:
            raise ValidationError({"parent": [_("A company can't stand above itself. Choose another parent company.")]})
        above = Company.objects.filter(pk=above.pk).only("parent").get().parent
