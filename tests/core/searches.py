"""Searches with a known target, as people type them: with a typo, the other way round, a part only, a number in another format, without accents."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bench import names
from contacts.services import create_contacts
from crm.core.text import unaccent
from tests.shared_data import shared

LETTERS = "abcdefghijklmnoprstuvwz"


class Person(NamedTuple):
    first: str
    last: str
    email: str
    phone: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


class Search(NamedTuple):
    kind: str
    query: str
    target: str


def real_names() -> tuple[list[str], list[str]]:
    """First and last names of all countries, as they are written there or in Latin letters."""
    folder = shared("names/popular_by_country")
    found = []
    for file in ("common-forenames-by-country.csv", "common-surnames-by-country.csv"):
        with (folder / file).open(encoding="utf-8-sig") as lines:
            rows = [row["Localized Name"] or row["Romanized Name"] for row in csv.DictReader(lines)]
        found.append(sorted({row.strip() for row in rows if 2 < len(row.strip()) < 40}))
    return found[0], found[1]


def people(dice: random.Random, firsts: Sequence[str], lasts: Sequence[str], size: int) -> list[Person]:
    """People with different names."""
    made: dict[str, Person] = {}
    while len(made) < size:
        first, last = dice.choice(firsts), dice.choice(lasts)
        local = "".join(char for char in unaccent(f"{first}.{last}") if char.isascii() and (char.isalnum() or char == "."))
        phone = f"+49{dice.choice(('30', '89', '221', '40'))}{dice.randint(10**6, 10**7 - 1)}"
        made.setdefault(unaccent(f"{first} {last}"), Person(first, last, f"{local.strip('.') or 'x'}{len(made)}@mail{len(made) % 97}.example", phone))
    return list(made.values())


def store(rows: Sequence[Person], actor: Any) -> None:
    for start in range(0, len(rows), 1000):
        part = rows[start : start + 1000]
        create_contacts([{"first_name": row.first, "last_name": row.last, "email": row.email, "phone": row.phone} for row in part], actor=actor)


def searches(dice: random.Random, rows: Sequence[Person], size: int) -> Iterator[Search]:
    kinds = (typo, swapped, parts, other_phone, last_digits, no_accents, of_email)
    made = 0
    while made < size:
        row, kind = dice.choice(rows), kinds[made % len(kinds)]
        query = kind(dice, row)
        if query:
            made += 1
            yield Search(kind.__name__, query, row.name)


def typo(dice: random.Random, row: Person) -> str:
    """One edit in a word of five letters or more, sometimes a second one in a word of eight or more."""
    words = row.name.split()
    long = [index for index, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return ""
    at = dice.choice(long)
    words[at] = _edited(dice, words[at])
    if len(words[at]) >= 9 and dice.random() < 0.3:
        words[at] = _edited(dice, words[at])
    return " ".join(words)


def _edited(dice: random.Random, word: str) -> str:
    at = dice.randrange(len(word) - 1)
    match dice.randrange(4):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + dice.choice(LETTERS) + word[at:]
        case 2:
            return word[:at] + dice.choice(LETTERS) + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def swapped(dice: random.Random, row: Person) -> str:
    return dice.choice((f"{row.last} {row.first}", f"{row.last}, {row.first}", f"{row.last.upper()} {row.first.lower()}"))


def parts(dice: random.Random, row: Person) -> str:
    """Beginnings of both names, or the beginning of one and a piece from inside the other."""
    first, last = row.first[: dice.randint(3, 5)], row.last[: dice.randint(4, 6)]
    if len(row.last) >= 7 and dice.random() < 0.3:
        last = row.last[2:7]
    return f"{first} {last}".strip()


def other_phone(dice: random.Random, row: Person) -> str:
    rest = row.phone.removeprefix("+49")
    area = next(code for code in ("30", "89", "221", "40") if rest.startswith(code))
    number = rest.removeprefix(area)
    spaced = " ".join(number[at : at + 2] for at in range(0, len(number), 2))
    return dice.choice(
        (
            f"0{area} {spaced}",
            f"0{area}/{number}",
            f"+49 (0){area} {spaced}",
            f"+49 (0) {area}-{number}",
            f"0049 {area} {number}",
            f"(0{area}) {number[:3]}-{number[3:]}",
            f"+49.{area}.{number}",
            f"0049(0){area}/{spaced}",
        )
    )


def last_digits(dice: random.Random, row: Person) -> str:
    digits = row.phone[-7:]
    return dice.choice((digits, f"{digits[:3]} {digits[3:]}", f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"))


def no_accents(dice: random.Random, row: Person) -> str:
    return unaccent(row.name) if unaccent(row.name) != row.name.lower() else ""


def of_email(dice: random.Random, row: Person) -> str:
    return dice.choice((row.email, row.email.upper(), row.email.partition("@")[0]))


FIRST, LAST = names.FIRST, names.LAST
