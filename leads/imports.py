"""What an import knows of leads beyond their form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contacts.imports import ADDRESS, COMPANY_NAMES, COUNTRY, DESCRIPTION, EMAILS, FULL_NAME, NAMES, NOTES, PHONES, split_name
from contacts.services import email_key
from crm.core.records import Importing, Same
from crm.core.text import sort_key
from leads.models import Lead
from leads.services import create_leads

Values = dict[str, Any]


def _address_of(values: Values) -> tuple[str] | None:
    return (email_key(values["email"]),) if values.get("email") else None


def _name_of(values: Values) -> tuple[str, str] | None:
    first, last, company = values.get("first_name"), values.get("last_name"), values.get("company_name")
    return (sort_key(f"{first} {last}"), company) if first and last and company else None


def _create(rows: Sequence[Values], *, actor: Any) -> list[Lead]:
    """Imported leads did not arrive just now: nobody waits for an answer."""
    return create_leads(rows, actor=actor, timed=False)


LEAD = Importing(
    create=_create,
    columns=(FULL_NAME, COUNTRY, DESCRIPTION),
    synonyms={
        **NAMES,
        **{name: ADDRESS[name] for name in ("city", "country")},
        "email": EMAILS,
        "phone": f"{PHONES}, mobile, mobile phone, handy, mobil",
        "company_name": COMPANY_NAMES,
        "website": "website, web site, website url, url, webseite, homepage",
        "status": "lead status, status",
        "source": "lead source, source, quelle, herkunft, original source",
        "value": "estimated value, value, wert, expected revenue, amount",
        "owner": "lead owner",
        "description": NOTES,
    },
    prefixes=("lead", "person"),
    finish=lambda user: split_name,
    same=(
        Same(fields=("email_key",), key=lambda values: (email_key(values["email"]),) if values.get("email") else None),
        Same(fields=("sort_name", "company_name"), key=_name_of),
    ),
)
