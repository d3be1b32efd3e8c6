"""Custom fields for tests, made by the service that the settings use."""

from __future__ import annotations

from crm.core.custom.services import create_field
from crm.core.records import record_for

CHOICES = ["Gold", "Silver", "Bronze"]
# kind -> (what a form posts, what is stored, how a page shows it)
SAMPLES = {
    "text": ("Étude  No 4", "Étude No 4", "Étude No 4"),
    "long_text": ("One\ntwo", "One\ntwo", "two"),
    "number": ("1234.5", "1234.5", "1,234.5"),
    "money": ("99.9", "99.90", "€99.90"),
    "date": ("2026-05-31", "2026-05-31", "31 May"),
    "time": ("14:30", "14:30", "14:30"),
    "choice": ("002", "002", "Silver"),
    "choices": (["001", "003"], ["001", "003"], "Gold, Bronze"),
    "yes_no": ("yes", True, "Yes"),
    "url": ("example.com/a", "https://example.com/a", "example.com/a"),
}


def make_field(kind="text", slug="contacts", label="", **values):
    if kind in ("choice", "choices"):
        values.setdefault("choices", CHOICES)
    return create_field(record_for(slug), kind, {"label": label or f"My {kind}", **values}, actor=None)
