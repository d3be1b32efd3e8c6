"""Every example number of the national plans becomes its E.164 form, written as at home and as from abroad."""

from __future__ import annotations

import csv
import os

import pytest
from django.core.exceptions import ValidationError

from contacts.services import normal_phone
from tests.imports.files import DATA

PATH = DATA / "phones" / "phone_examples.csv"


def test_every_example_number():
    if not PATH.exists():
        assert "RAPPORT_DATA_REQUIRED" not in os.environ, f"no numbers at {PATH}"
        pytest.skip(f"no numbers at {PATH}; set RAPPORT_SHARED_DATA")
    with PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 557
    wrong = []
    for row in rows:
        written = [(row["international_input"], ""), *([(row["national_input"], row["region"])] if row["national_roundtrips"] == "1" else [])]
        wrong += [(row, text, found) for text, region in written if (found := normalised(text, region)) != row["expected_e164"]]
    assert not wrong, wrong[:5]


def normalised(text: str, region: str) -> str:
    try:
        return normal_phone(text, region)
    except ValidationError as error:
        return str(error)
