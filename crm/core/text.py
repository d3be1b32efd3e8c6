"""Pure text functions: folding for search and sort."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

# Letters that NFKD leaves whole, spelt as people type them.
SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})
WORD_BREAK = re.compile(r"[\s,;:/\\|()\[\]{}<>\"'`]+")
LETTERS = re.compile(r"[^\W_]+")
ADDRESS = re.compile(r"\bhttps?://(?:www\.)?")
NUMBER = re.compile(r"(?<![^\s,;:])(?:\+ ?)?\(?\d[\d ()./\-]{3,}\d(?: ?(?:ext|x|dw)\.? ?\d+)?(?![^\s,;])")  # may be a phone number
EXTENSION = re.compile(r" ?(?:ext|x|dw)\.? ?\d+$")
TRUNK = re.compile(r"(?:\+ ?|00 ?)(\d{1,3})[ ./\-]+0(\d.*)")
MAX_SEARCH = 2000
MAX_QUERY = 200
MAX_TERMS = 6


def unaccent(value: str) -> str:
    """Lower case without accents: "Émile Straße" -> "emile strasse"."""
    if value.isascii():  # most of what is stored: ten times cheaper
        return value.lower()
    decomposed = unicodedata.normalize("NFKD", value.casefold().translate(SPECIAL))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold().translate(SPECIAL)


def fold(value: str, limit: int = MAX_SEARCH) -> str:
    """Text as it is stored and asked for in `search_text`: folded words, each led by one space so that " ab" is a word's beginning."""
    words = [word for word in WORD_BREAK.split(unaccent(value.replace("\x00", " "))) if word]
    return (" " + " ".join(dict.fromkeys(words)))[:limit] if words else ""


def sort_key(value: str) -> str:
    """Stored order of names: folded, single spaces, at most 80 characters; the same on every server."""
    return " ".join(unaccent(value.replace("\x00", " ")).split())[:80]


def digits(value: str) -> str:
    """The digits of a phone number, without a leading international prefix 00."""
    found = "".join(char for char in value if char.isdigit())
    return found.removeprefix("00")


Row = TypeVar("Row", bound=tuple[Any, ...])


@dataclass(frozen=True)
class Term:
    """One word of a search: it fits a folded text that holds all of any of `ways`. A way that begins with a space must begin a word."""

    ways: tuple[tuple[str, ...], ...]

    def fits(self, text: str) -> bool:
        return any(all(each in text for each in way) for way in self.ways)


@dataclass(frozen=True)
class Question:
    """What somebody searches for: terms that must all fit, and the whole as a name would be stored (`sort_key`)."""

    terms: tuple[Term, ...]
    name: str

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.name.split())[:MAX_TERMS]

    @property
    def texts(self) -> list[str]:
        """What to mark in a result."""
        return [each.strip() for term in self.terms for way in term.ways for each in way]

    def fits(self, text: str) -> bool:
        return bool(self.fitting([(text,)]))

    def within(self, texts: str) -> Question | None:
        """What is left to look for in rows whose texts, one after the other, are `texts`; None when no row can fit. One look at the whole is far
        less than one at each row, and of words that are only spelt alike most are nowhere."""
        left = [tuple(way for way in term.ways if all(each in texts for each in way)) for term in self.terms]
        return Question(tuple(map(Term, left)), self.name) if all(left) else None

    def fitting(self, rows: Iterable[Row]) -> list[Row]:
        """The rows whose first value, a folded text, fits all terms."""
        rows = list(rows)
        for term in self.terms:
            if len(term.ways) > 1:
                rows = [row for row in rows if term.fits(row[0])]
            else:
                for each in term.ways[0]:
                    rows = [row for row in rows if each in row[0]]
        return rows


def ask(query: str) -> Question | None:
    """The terms of a search, at most MAX_TERMS; None when there is no letter and no digit in it. A phone number is one term, however it is typed."""
    text = ADDRESS.sub("", " ".join(unaccent(query[:MAX_QUERY].replace("\x00", " ")).split()))
    terms, rest, at = [], [], 0
    for found in NUMBER.finditer(text):
        if sum(char.isdigit() for char in found.group()) >= 5:
            rest.append(text[at : found.start()])
            terms.append(Term(_ways_of_number(found.group())))
            at = found.end()
    words = [word for word in WORD_BREAK.split(" ".join([*rest, text[at:]])) if any(char.isalnum() for char in word)]
    terms += [Term(((_pattern(word),),)) for word in words]
    return Question(tuple(dict.fromkeys(terms))[:MAX_TERMS], sort_key(re.sub("[,;]", " ", text))) if terms else None


def _pattern(word: str) -> str:
    """A trigram index can't look for less than three letters, but for the beginning of a word it can. Chinese names have no more than that."""
    whole = any(len(run) >= 3 or (not run.isascii() and run >= "\u2e80") for run in LETTERS.findall(word))
    return word if whole else f" {word}"


def _ways_of_number(text: str) -> tuple[tuple[str, ...], ...]:
    """Digits as they may stand in an E.164 number: without prefixes for calls abroad and within the country. Else it is a date or a code: its words."""
    abroad = text.startswith(("+", "00"))
    number = EXTENSION.sub("", text).replace("(0)", "")
    found = digits(number)
    if not abroad:
        found = found.lstrip("0") or found
        if len(found) > 9 and found[0] == "8":  # the prefix of Russia and its neighbours
            found = found[1:]
    ways: set[tuple[str, ...]] = {(found,)}
    if inner := TRUNK.match(number):  # "+49 030 …": the zero is of the country, but Italy's is of the number
        ways.add((digits(inner[1] + inner[2]),))
    if not abroad and not text.startswith(("0", "(")) and not text.isdigit():
        ways.add(tuple(_pattern(word) for word in WORD_BREAK.split(text) if any(char.isalnum() for char in word)))
    return tuple(sorted(ways))
