"""A change of one field: as stored, and as people read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models


@dataclass(frozen=True)
class Difference:
    """One changed field, as stored and as people read it."""

    old: Any
    new: Any
    old_text: str
    new_text: str

    def as_json(self) -> dict[str, Any]:
        return {"old": plain(self.old), "new": plain(self.new), "old_text": self.old_text, "new_text": self.new_text}


def plain(value: Any) -> Any:
    """A value as JSON can hold it: ids for rows, ISO text for times, text for decimals."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def readable(field: Any, value: Any) -> str:
    if value is None or value == "":
        return ""
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return str(value)[:200]
