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
from crm.core.text import ask, digits, fold, sort_key, unaccent


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
        ("+49 (0)30 1234567", ["49301234567"]),
        ("0049 30 1234567", ["49301234567"]),
        ("030-1234567", ["301234567"]),
        ("+1 212 555-0100 ext. 7", ["12125550100"]),
        ("Müller 0662 12345", ["66212345", "muller"]),
        ("a b c d e f g h", [" a", " b", " c", " d", " e", " f"]),
        ("ann@lee.example", ["ann@lee.example"]),
        ("https://www.acme.example/", ["acme.example"]),
        ("c++ & 50%", [" c++", " 50%"]),
        ("李明", ["李明"]),
    ],
)
def test_terms_of_a_search(query, terms):
    assert [term.ways for term in ask(query).terms] == [((term,),) for term in terms]


@pytest.mark.parametrize("query", ["", "  ", "%", "_", "!!!", "\\", "\x00", "😀", "…"])
def test_nothing_to_ask_for(query):
    assert ask(query) is None


@pytest.mark.parametrize(
    ("query", "ways"),
    [
        ("2024-05-06", (("2024-05-06",), ("20240506",))),
        ("1234 56", (("1234", " 56"), ("123456",))),
        ("+49 030 123456", (("4930123456",), ("49030123456",))),
        ("8 (495) 123-45-67", ((" 8", "495", "123-45-67"), ("4951234567",))),
    ],
)
def test_what_may_be_a_number_or_not(query, ways):
    assert set(ask(query).terms[0].ways) == set(ways)


@given(st.text(max_size=300))
def test_any_query_can_be_asked(query):
    question = ask(query)
    assert question is None or (1 <= len(question.terms) <= 6 and all(text for term in question.terms for way in term.ways for text in way))


@given(st.text(max_size=80), st.text(max_size=10))
def test_highlight_escapes_everything(text, term):
    question = ask(term)
    html = str(highlight(text, question.texts if question else []))
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
