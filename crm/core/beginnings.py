"""Where in an index the texts stand that begin in a certain way, upper and lower case alike (docs/decisions/lists.md)."""

from __future__ import annotations

from functools import cache
from itertools import product

from django.db import connection

LETTERS = 2  # looked at: few enough for a handful of ranges, enough that a range holds little else
# Other letters whose upper case is a plain one: the Turkish i without a dot, the long s.
OTHERS = {"I": "ı", "S": "ſ"}


def ranges(beginning: str) -> list[tuple[str, str]]:
    """[from, to) in the order of code points: together they hold every text whose upper case begins as that of `beginning` does. Empty where
    nothing is known: the beginning is not of plain letters, or the database sorts texts in another way."""
    head = beginning[:LETTERS]
    head = head if head.isascii() else head[:1]
    if not (head and head.isascii() and by_code_points()):
        return []
    variants = sorted("".join(letters) for letters in product(*(sorted({sign.upper(), sign.lower()} | set(OTHERS.get(sign.upper(), ""))) for sign in head)))
    return [(variant, variant[:-1] + chr(ord(variant[-1]) + 1)) for variant in variants]


@cache
def by_code_points() -> bool:
    """Does the database sort by code points? Asked once: it is settled when a database is made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datcollate IN ('C', 'POSIX') OR datlocprovider = 'b' FROM pg_database WHERE datname = current_database()")
        return bool(cursor.fetchone()[0])
