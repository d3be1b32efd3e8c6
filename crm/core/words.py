"""The distinct words of all records, for searches that found nothing as they were typed (docs/decisions/search.md).

Words alone are never shown to anybody: a search goes on with those that are spelt alike, and again finds only rows that the reader may see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

SHORTEST, LONGEST = 4, 40  # of the words kept; a typed word may be one letter longer
WORD = re.compile(rf"[^\W\d_]{{{SHORTEST},{LONGEST}}}")
SQL_WORD = rf"[[:alpha:]]{{{SHORTEST},}}"
ALIKE = 20  # words that go on in place of one
LOOKED_AT = 200  # words whose edits are counted exactly
REFRESH_DAYS = 7
KNOWN = 50_000
_known: set[str] = set()  # in the table already: most names are


class Word(models.Model):
    """A word of letters that stands in the `search_text` of a row. `seen_on`: when it was last certain that it does."""

    word = models.CharField(max_length=LONGEST, primary_key=True)
    seen_on = models.DateField(default=timezone.localdate)

    class Meta:
        app_label = "core"
        indexes = [GinIndex(OpClass(F("word"), name="gin_trgm_ops"), name="word_trigrams")]

    def __str__(self) -> str:
        return self.word


def remember(rows: Iterable[Any]) -> None:
    """Write down the words of new or changed rows once they are committed.

    Not in the transaction: two imports with the same new name would wait for each other. What is lost when a process dies in between, `refresh` finds."""
    found = {word for row in rows for word in WORD.findall(row.search_text)} - _known
    if found:
        transaction.on_commit(lambda: _add(found))


def _add(words: set[str]) -> None:
    with connection.cursor() as cursor:
        # In one order everywhere: two that add the same words must not wait for each other in a circle.
        cursor.execute("INSERT INTO core_word (word, seen_on) SELECT unnest(%s::text[]), current_date ON CONFLICT DO NOTHING", [sorted(words)])
    if len(_known) > KNOWN:
        _known.clear()
    _known.update(words)


def alike(terms: Sequence[str]) -> dict[str, dict[str, int]]:
    """{term: {word: edits}} for words that differ from a term by one edit (5 to 7 letters) or at most two (8 and more), the closest ones.
    Four letters may be five of which one was left out.

    An edit is a letter more, less or other, or two that changed places. One that is not in the first part of a word leaves that part as it is, and
    so on: the index finds every word that shares the beginning, the end, or (of the long ones) the middle.
    """
    asked = [term for term in dict.fromkeys(terms) if SHORTEST <= len(term) <= LONGEST + 1 and WORD.fullmatch(term[:LONGEST])]
    if not asked:
        return {}
    parts, params = [], list[Any]()
    for term in asked:
        most = edits_in(term)
        third = len(term) // 3 if most == 2 else max(2, (len(term) - 1) // 2)
        shapes = [f"{term[:third]}%", f"%{term[-third:]}", *([f"%{term[third:-third]}%"] if most == 2 else [])]
        # A change of places counts as two edits here; the exact count follows in Python.
        parts.append(
            f"(SELECT %s, word FROM core_word WHERE ({' OR '.join(['word LIKE %s'] * len(shapes))}) AND char_length(word) BETWEEN %s AND %s"
            f" AND levenshtein_less_equal(word, %s, %s) <= %s ORDER BY levenshtein_less_equal(word, %s, %s), word LIMIT {LOOKED_AT})"
        )
        shortest = len(term) - most if len(term) > SHORTEST else len(term) + 1
        params += [term, *shapes, shortest, len(term) + most, term, most + 1, most + 1, term, most + 1]
    found: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        for term, word in cursor.fetchall():
            count = edits(term, word)
            if 0 < count <= edits_in(term):
                found.setdefault(term, {})[word] = count
    # Few people mistype the first letter.
    return {term: dict(sorted(found[term].items(), key=lambda pair: (pair[1], pair[0][0] != term[0]))[:ALIKE]) for term in found}


def edits_in(term: str) -> int:
    """How many a term of this length may have."""
    return 1 if len(term) < 8 else 2


def edits(left: str, right: str) -> int:
    """Letters to add, to leave out or to change, and neighbours to swap, to make one word the other (optimal string alignment)."""
    before, above = list[int](), list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        row = [i]
        for j, other in enumerate(right, 1):
            least = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before, above = above, row
    return above[-1]


def tables() -> list[str]:
    """Of all models whose rows are found by a folded text."""
    return [model._meta.db_table for model in apps.get_models() if any(field.name == "search_text" for field in model._meta.concrete_fields)]


def refresh() -> int:
    """Make the table agree with the rows: words of none go, missing ones come. Returns how many there are.

    Rows in the bin keep their words: they may come back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("CREATE TEMP TABLE words_now (word text)")
        for table in tables():
            name = connection.ops.quote_name(table)
            cursor.execute(
                f"INSERT INTO words_now SELECT DISTINCT found[1] FROM {name}, regexp_matches(search_text, %s, 'g') AS found WHERE length(found[1]) <= %s",
                [SQL_WORD, LONGEST],
            )
        cursor.execute("ANALYZE words_now")
        cursor.execute("DELETE FROM core_word AS word WHERE NOT EXISTS (SELECT 1 FROM words_now AS now WHERE now.word = word.word)")
        cursor.execute(
            "INSERT INTO core_word (word, seen_on) SELECT DISTINCT word, current_date FROM words_now"
            " ON CONFLICT (word) DO UPDATE SET seen_on = excluded.seen_on WHERE core_word.seen_on < excluded.seen_on"
        )
        cursor.execute("DROP TABLE words_now")
    _known.clear()
    return Word.objects.count()


def refresh_if_old() -> bool:
    """Once a week, by the oldest mark in the table."""
    oldest = Word.objects.aggregate(oldest=models.Min("seen_on"))["oldest"]
    if oldest is None or oldest > timezone.localdate() - timedelta(days=REFRESH_DAYS):
        return False
    refresh()
    return True
