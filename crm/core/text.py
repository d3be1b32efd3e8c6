"""Pure text functions: folding for search and sort."""

from __future__ import annotations

import re
import unicodedata

# Letters that NFKD leaves whole, spelt as people type them.
SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})
WORD_BREAK = re.compile(r"[\s,;:/\\|()\[\]{}<>\"'`]+")
MAX_SEARCH = 2000


def unaccent(value: str) -> str:
    """Lower case without accents: "Émile Straße" -> "emile strasse"."""
    if value.isascii():  # most of what is stored: ten times cheaper
        return value.lower()
    decomposed = unicodedata.normalize("NFKD", value.casefold().translate(SPECIAL))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold().translate(SPECIAL)


def fold(value: str) -> str:
    """Text as it is stored and asked for in `search_text`: folded words, each led by one space so that " ab" is a word's beginning."""
    words = [word for word in WORD_BREAK.split(unaccent(value.replace("\x00", " "))) if word]
    return (" " + " ".join(dict.fromkeys(words)))[:MAX_SEARCH] if words else ""


def sort_key(value: str) -> str:
    """Stored order of names: folded, single spaces, at most 80 characters; the same on every server."""
    return " ".join(unaccent(value.replace("\x00", " ")).split())[:80]


def digits(value: str) -> str:
    """The digits of a phone number, without a leading international prefix 00."""
    found = "".join(char for char in value if char.isdigit())
    return found.removeprefix("00")


def search_terms(query: str, limit: int = 6) -> list[str]:
    """Folded words of a search, at most `limit`; a phone number typed with spaces or signs is one term of digits."""
    compact = re.sub(r"[\s().\-/]", "", query)
    if re.fullmatch(r"\+?\d{5,}", compact):
        return [digits(compact).lstrip("0")]
    return [word for word in WORD_BREAK.split(unaccent(query.replace("\x00", " "))) if word][:limit]
