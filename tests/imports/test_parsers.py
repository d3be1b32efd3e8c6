"""Cells become values: dates, money, numbers, choices, in the user's language and in the machine's."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation

from contacts.imports import parse_country, parse_entries, split_name
from crm.core.fields import MoneyField, TagsField
from crm.core.imports import parsers


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("2026-05-03", True, date(2026, 5, 3)),
        ("2026-05-03 09:30", True, date(2026, 5, 3)),
        ("2026-05-03T09:30:00Z", True, date(2026, 5, 3)),
        ("2026/5/3", True, date(2026, 5, 3)),
        ("3.5.2026", False, date(2026, 5, 3)),
        ("03. 05. 2026", False, date(2026, 5, 3)),
        ("3.5.26", True, date(2026, 5, 3)),
        ("1.2.71", True, date(1971, 2, 1)),
        ("03/05/2026", True, date(2026, 5, 3)),
        ("03/05/2026", False, date(2026, 3, 5)),
        ("3-5-2026", True, date(2026, 5, 3)),
    ],
)
def test_dates(text, day_first, expected):
    assert parsers.parse_date(text, day_first) == expected


@pytest.mark.parametrize("text", ["tomorrow", "31.02.2026", "13/13/2026", "2026", "0000-00-00", "", "3.5.2026x"])
def test_no_dates(text):
    with pytest.raises(ValidationError):
        parsers.parse_date(text, True)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["1/2/2026", "25/12/2026"], True), (["1/2/2026", "12/25/2026"], False), (["1/2/2026"], True), (["25.12.2026"], True), ([], True)],
)
def test_day_or_month_first_is_told_by_a_day_above_twelve(texts, expected):
    assert parsers.day_first_of(texts, True) is expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("1234.50", "de", "1234.50"),
        ("1.234,50", "de", "1234.50"),
        ("1.234,50 €", "en", "1234.50"),
        ("$1,234.50", "de", "1234.50"),
        ("1,234,567.8", "de", "1234567.80"),
        ("1.234.567,8", "en", "1234567.80"),
        ("EUR 12", "en", "12.00"),
        ("1'234.50", "en", "1234.50"),
        ("1234,5", "de", "1234.50"),
    ],
)
def test_money(text, language, expected):
    with translation.override(language):
        assert parsers.parse_money(text, MoneyField()) == Decimal(expected)


@pytest.mark.parametrize("text", ["lots", "-5", "1e400", "12,34,56.7.8"])
def test_no_money(text):
    with pytest.raises(ValidationError):
        parsers.parse_money(text, MoneyField())


@pytest.mark.parametrize(("text", "expected"), [("1200", 1200), ("1.200", 1200), ("1,200", 1200), ("1 200 000", 1200000), ("42.0", 42), ("42,00", 42)])
def test_numbers(text, expected):
    assert parsers.parse_number(text, forms.IntegerField()) == expected


@pytest.mark.parametrize(("text", "expected"), [("14:30", time(14, 30)), ("2:30 pm", time(14, 30)), ("12:00 AM", time(0)), ("9:05:30", time(9, 5, 30))])
def test_clock(text, expected):
    assert parsers.parse_clock(text) == expected


def test_yes_and_no():
    assert [parsers.parse_yes(text) for text in ("Ja", "yes", "1", "no", "FALSE")] == [True, True, True, False, False]
    with pytest.raises(ValidationError):
        parsers.parse_yes("perhaps")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("VIP, Fair", ["VIP", "Fair"]), ("* coworkers ::: * myContacts", ["coworkers", "myContacts"]), ("a;b", ["a", "b"])],
)
def test_tags(text, expected):
    assert parsers.parse_tags(text, TagsField()) == expected


def test_choices_by_value_and_by_label_of_any_language():
    one, other = (forms.ChoiceField(choices=[("", "–"), ("c", name), ("p", "Partner")]) for name in ("Customer", "Kunde"))
    parse = parsers.ChoiceParser(one, parsers.spellings([one, other]))
    assert [parse(text) for text in ("c", "CUSTOMER", "kunde", "Partner")] == ["c", "c", "c", "p"]
    with pytest.raises(ValidationError, match="Possible: Customer, Partner"):
        parse("friend")


def test_a_label_that_means_two_things_means_neither():
    field = forms.ChoiceField(choices=[("1", "Open"), ("2", "Open")])
    with pytest.raises(ValidationError):
        parsers.ChoiceParser(field, parsers.spellings([field]))("Open")


@pytest.mark.parametrize(("text", "code"), [("Germany", "DE"), ("Österreich", "AT"), ("at", "AT"), ("USA", "US"), ("Vereinigte Staaten", "US")])
def test_countries(text, code):
    assert parse_country(text) == code


@pytest.mark.parametrize(
    ("full", "first", "last"), [("Anna Maria Berg", "Anna Maria", "Berg"), ("Berg, Anna", "Anna", "Berg"), ("Anna", "", "Anna"), ("", None, None)]
)
def test_full_names(full, first, last):
    values = split_name({"full_name": full})
    assert (values.get("first_name"), values.get("last_name")) == (first, last)


def test_several_addresses_in_a_cell():
    assert [entry["address"] for entry in parse_entries("address", "work", "a@x.com ::: b@x.com;c@x.com\nd@x.com")] == [
        "a@x.com",
        "b@x.com",
        "c@x.com",
        "d@x.com",
    ]
    assert [entry["number"] for entry in parse_entries("number", "work", "+4366212345;ext=12")] == ["+4366212345;ext=12"]
