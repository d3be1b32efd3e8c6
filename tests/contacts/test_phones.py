"""Numbers as people write them in 245 regions."""

from __future__ import annotations

import csv

import pytest
from django.core.exceptions import ValidationError

from contacts.services import normal_phone, phone_key
from tests.shared_data import shared

pytestmark = pytest.mark.django_db  # the default country is that of the organisation


def test_every_example_number() -> None:
    rows = list(csv.DictReader(shared("phones/phone_examples.csv").open(encoding="utf-8")))
    wrong = [row for row in rows if {normal_phone(row["national_input"], row["region"]), normal_phone(row["international_input"])} != {row["expected_e164"]}]
    assert len(rows) == 557 and not wrong


@pytest.mark.parametrize(
    ("text", "country", "stored", "key"),
    [
        ("+43 (0)662 123-45", "", "+4366212345", "4366212345"),
        ("0043 662 12345", "DE", "+4366212345", "4366212345"),
        ("0662/12345 ext. 12", "AT", "+4366212345;ext=12", "4366212345"),
        ("tel:+1-201-555-0123", "", "+12015550123", "12015550123"),
        ("", "DE", "", ""),
    ],
)
def test_written_in_many_ways(text: str, country: str, stored: str, key: str) -> None:
    assert normal_phone(text, country) == stored
    assert phone_key(stored) == key


@pytest.mark.parametrize("text", ["12", "112", "call me", "+99 123", "٠", "1" * 60, "+", ";ext=1"])
def test_not_a_number(text: str) -> None:
    with pytest.raises(ValidationError):
        normal_phone(text, "DE")
