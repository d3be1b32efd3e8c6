"""Days that come back every year: how people write them, how they are stored, when they come."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from crm.core.yearly import YearlyDay, keys_on, read_day, text_of

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1986-05-03", "1986-05-03"),
        ("1986-05-03T00:00:00", "1986-05-03"),
        ("--05-03", "--05-03"),
        ("--0503", "--05-03"),
        ("19860503", "1986-05-03"),
        ("3.5.1986", "1986-05-03"),
        ("03. 05. 1986", "1986-05-03"),
        ("3.5.", "--05-03"),
        ("3.5", "--05-03"),
        ("3/5/1986", "1986-05-03"),
        ("3/5/86", "1986-05-03"),
        ("3/5/26", "2026-05-03"),
        ("3 May 1986", "1986-05-03"),
        ("3. Mai 1986", "1986-05-03"),
        ("May 3, 1986", "1986-05-03"),
        ("3 may", "--05-03"),
        ("12. März", "--03-12"),
        ("12 Sept 1990", "1990-09-12"),
        ("29 Feb", "--02-29"),
        ("29.2.1988", "1988-02-29"),
        ("1604-05-03", "--05-03"),  # an address book's way to say that it does not know the year
        ("", ""),
        ("0/0/00", ""),
    ],
)
def test_how_people_write_it(text: str, stored: str) -> None:
    assert read_day(text, today=TODAY) == stored


def test_the_month_first() -> None:
    assert read_day("5/3/1986", today=TODAY, day_first=False) == "1986-05-03"
    assert read_day("5.3.1986", today=TODAY, day_first=False) == "1986-03-05", "with points the day comes first everywhere"


@pytest.mark.parametrize(
    "text", ["x", "1986", "31.4.1986", "29.2.1987", "30 Feb", "3 Quintember", "2026-11-28", "1799-12-31", "13/13/1990", "\u0663/5/1986x", "9" * 40]
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(ValidationError):
        read_day(text, today=TODAY)


def test_when_it_comes() -> None:
    leap = YearlyDay.read("1988-02-29")
    assert leap is not None
    assert (leap.in_year(2027), leap.in_year(2028)) == (date(2027, 2, 28), date(2028, 2, 29))
    assert YearlyDay.read("tomorrow") is None
    assert keys_on([date(2027, 2, 28)]) == ["02-28", "02-29"]
    assert keys_on([date(2028, 2, 28)]) == ["02-28"]
    assert keys_on([date(2027, 12, 31), date(2028, 1, 1)]) == ["01-01", "12-31"]


def test_how_it_reads() -> None:
    assert (text_of("1986-05-03", "en_GB"), text_of("--05-03", "en_GB"), text_of("--02-29", "de")) == ("3 May 1986", "3 May", "29. Feb.")
    assert text_of("", "en_GB") == ""
    for locale in ("en_GB", "de"):
        for stored in ("1986-05-03", "--12-24", "2000-02-29"):
            assert read_day(text_of(stored, locale), today=TODAY) == stored, "what is shown can be sent again"
