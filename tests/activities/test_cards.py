"""Who a pasted signature is."""

from __future__ import annotations

import pytest

from activities.capture import read_card

SIGNATURES = {
    "english": (
        "Best regards\nAnn Lee\nHead of Purchasing\nAcme Ltd.\nT: +44 20 7946 0958 | M: +44 7700 900123\nann.lee@acme.example | www.acme.example\n1 High Street, London",
        ("Ann", "Lee", "Head of Purchasing", "Acme Ltd.", ("ann.lee@acme.example",), (("+44 20 7946 0958", "work"), ("+44 7700 900123", "mobile"))),
    ),
    "german": (
        "Mit freundlichen Grüßen\nDr. Jörg Weiß\nLeiter Einkauf\nMuster & Söhne GmbH\nHauptstraße 5, 80331 München\nTelefon: 089 / 1234 567-0\nFax: 089 / 1234 567-9\n"
        "Mobil 0171 1234567\njw@muster.example",
        ("Jörg", "Weiß", "Leiter Einkauf", "Muster & Söhne GmbH", ("jw@muster.example",), (("089 / 1234 567-0", "work"), ("0171 1234567", "mobile"))),
    ),
    "title at company": ("Jane Doe\nBuyer at Globex\njane@gmail.com", ("Jane", "Doe", "Buyer", "Globex", ("jane@gmail.com",), ())),
    "address alone": (
        "john.smith@initech.example\n+1 555 010 0199",
        ("John", "Smith", "", "", ("john.smith@initech.example",), (("+1 555 010 0199", "work"),)),
    ),
    "chinese": ("李小龙\nSales Manager\nDragon Inc.\nbruce@dragon.example", ("小龙", "李", "Sales Manager", "Dragon Inc.", ("bruce@dragon.example",), ())),
    "capitals": (
        "LUDWIG VAN BEETHOVEN\nComposer\nVienna Philharmonic\nludwig@vienna.example\nTel 01 234 5678",
        ("Ludwig", "van Beethoven", "Composer", "Vienna Philharmonic", ("ludwig@vienna.example",), (("01 234 5678", "work"),)),
    ),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name: str) -> None:
    text, expected = SIGNATURES[name]
    card = read_card(text)
    assert card is not None
    assert (card.first_name, card.last_name, card.job_title, card.company, card.emails, card.phones) == expected


@pytest.mark.parametrize(
    "text", ["Call Ann tomorrow\nand send the offer", "ann@acme.example", "Ann Lee", "a\nb\nc", "x\n" * 40 + "a@b.example", "Ann Lee\n" + "y" * 500]
)
def test_what_is_no_signature(text: str) -> None:
    assert read_card(text) is None
