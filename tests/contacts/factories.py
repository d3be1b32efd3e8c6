"""Companies and people for tests, made by the services."""

from __future__ import annotations

import itertools
from typing import Any

from contacts.models import Company, Contact
from contacts.services import create_company, create_contact

_numbers = itertools.count(1)


def make_company(actor: Any, **values: Any) -> Company:
    values.setdefault("name", f"Company {next(_numbers)}")
    return create_company(values, actor=actor)


def make_contact(actor: Any, **values: Any) -> Contact:
    if not values.keys() & {"first_name", "last_name", "email", "emails"}:
        values |= {"first_name": "Pat", "last_name": f"Person {next(_numbers)}"}
    return create_contact(values, actor=actor)
