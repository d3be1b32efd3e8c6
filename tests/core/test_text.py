"""Folding, search terms, highlights, phones, money: pure functions against tables and random input."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from crm.core.exports import plain_cell, safe_text
from crm.core.fields import MoneyField, TagsField, to_e164
from crm.core.search import highlight
from crm.core.text import digits, fold, search_terms, sort_key, unaccent


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Émile Straße", " emile strasse"),
        ("ØRSTED  łódź", " orsted lodz"),
        ("o'Neil, Ann", " o neil ann"),
        ("ann ann ANN", " ann"),
        ("", ""),
        ("\x00", ""),
        ("İstanbul", " istanbul"),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_folding_is_stable_and_bounded(text):
    once = fold(text)
    assert fold(once) == once
    assert len(once) <= 2000
    assert "\x00" not in once
    assert len(sort_key(text)) <= 80


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Ann Lee", ["ann", "lee"]),
        ("+43 (662) 123-45", ["4366212345"]),
        ("0662 123 45", ["66212345"]),
        ("  ", []),
        ("a b c d e f g h", ["a", "b", "c", "d", "e", "f"]),
        ("ann@lee.example", ["ann@lee.example"]),
    ],
)
def test_search_terms(query, terms):
    assert search_terms(query) == terms


@given(st.text(max_size=80), st.text(max_size=10))
def test_highlight_escapes_everything(text, term):
    html = str(highlight(text, search_terms(term)))
    bare = html.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in bare
    assert ">" not in bare
    assert html.count("<mark>") == html.count("</mark>")


def test_highlight_finds_accents():
    assert highlight("Émile Zola", ["emile"]) == "<mark>Émile</mark> Zola"


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", "＝1", " =1", '"=1', "'=cmd|' /C calc'!A0", "\n=1"])
def test_formulas_are_defused(text):
    assert safe_text(text).startswith("'")


@pytest.mark.parametrize("text", ["Acme", "+4366212345", "-12.5", "a=b", ""])
def test_harmless_text_stays(text):
    assert safe_text(text) == text


@given(st.text())
def test_no_cell_starts_a_formula(text):
    cell = str(plain_cell(text))
    assert not cell.lstrip(' "').startswith(("=", "@", "\t", "\r", "＝"))


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [("+43 662 12345", "", "+4366212345"), ("0662 12345", "AT", "+4366212345"), ("+1 212 555 0100 ext. 7", "", "+12125550100;ext=7"), ("", "", "")],
)
def test_phones(text, region, number):
    assert to_e164(text, region) == number


@pytest.mark.parametrize("text", ["abc", "1", "+", "+999999999999999999", "😀", "9" * 200])
def test_bad_phones(text):
    with pytest.raises(ValidationError):
        to_e164(text, "AT")


@pytest.mark.parametrize(
    ("language", "text", "amount"),
    [
        ("en", "1,234.50", "1234.50"),
        ("en", "1234.5", "1234.50"),
        ("de", "1.234,50", "1234.50"),
        ("de", "1234,5", "1234.50"),
        ("de", "1234.50", "1234.50"),
        ("en", "12", "12.00"),
    ],
)
def test_money(language, text, amount):
    with translation.override(language):
        assert MoneyField().clean(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["-5", "abc", "1e400", "nan", "Infinity", "9" * 30, "1,2,3,4", "😀"])
def test_bad_money(text):
    with pytest.raises(ValidationError):
        MoneyField().clean(text)


def test_tags():
    assert TagsField().clean("A, b ,a,, C ") == ["A", "b", "C"]
    with pytest.raises(ValidationError):
        TagsField().clean("x" * 41)


def test_digits_and_unaccent():
    assert digits("0043 (662) 12") == "4366212"
    assert unaccent("ÄÖÜß") == "aouss"
