"""CSV files as other programs write them: which encoding, which delimiter, where the headings are; rows one by one. No database."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import charset_normalizer
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SAMPLE = 256 * 1024  # bytes by which a file is judged
LONGEST_CELL = 131_072  # characters; a longer one is a quote that nobody closed
MOST_COLUMNS = 500
DELIMITERS = ",;\t|"
EIGHT_BIT = ["cp1252", "cp1250", "cp1251"]  # UTF-8 and UTF-16 are recognised before
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Format:
    """How a file is to be read. `preamble`: records before the headings."""

    encoding: str
    delimiter: str
    preamble: int
    headings: list[str]
    samples: list[list[str]]


@dataclass(frozen=True)
class Line:
    """One row: its number below the headings (from 1), the line where it begins, its cells or why it can't be read."""

    row: int
    line: int
    cells: list[str]
    problem: str = ""


def look_at(file: BinaryIO) -> Format:
    """Judge an uploaded file by its beginning. ValidationError when it is empty, no text, or has nothing below its headings."""
    file.seek(0)
    head = file.read(SAMPLE)
    encoding = _encoding(head, file)
    text = head.decode(encoding, errors="ignore" if len(head) == SAMPLE else "replace")
    if text.count("\x00") > len(text) // 20:
        raise ValidationError(_("This file is no text that can be read. Save it as CSV in UTF-8."), code="binary")
    records, delimiter = _best_reading(text)
    preamble = _headings_at(records)
    if not records or not any(cell.strip() for cell in records[preamble]):
        raise ValidationError(_("This file is empty."), code="empty")
    headings = [cell.strip() for cell in records[preamble]]
    if len(headings) > MOST_COLUMNS:
        raise ValidationError(_("A file can have at most %(n)s columns.") % {"n": MOST_COLUMNS}, code="columns")
    found = Format(encoding, delimiter, preamble, [heading[:200] for heading in headings], [])
    for line in read(file, found):
        found.samples.append([cell.replace("\x00", "")[:200] for cell in line.cells[: len(headings)]])
        if len(found.samples) == 3:
            break
    if not found.samples:
        raise ValidationError(_("This file has no rows below its headings."), code="no_rows")
    return found


def _encoding(head: bytes, file: BinaryIO) -> str:
    """By the byte-order mark; else UTF-8 when all of the file is; else UTF-16 by its zero bytes; else the likeliest 8-bit code."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    if head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    if _is_utf8(file):
        return "utf-8"
    strange = b"\n".join(line for line in head.splitlines() if not line.isascii())  # plain lines tell nothing
    matches = charset_normalizer.from_bytes(strange[:20_000] or head, cp_isolation=EIGHT_BIT)
    best = matches.best()
    # A few umlauts fit several codes: then it is the one that nearly all programs write.
    if best is None or any("cp1252" in match.could_be_from_charset for match in matches):
        return "cp1252"
    return best.encoding


def _is_utf8(file: BinaryIO) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(1 << 20):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _best_reading(text: str) -> tuple[list[list[str]], str]:
    """The delimiter that gives the most alike records of more than one cell; ties go to more columns. One column: a comma."""
    best: tuple[float, int, list[list[str]], str] = (-1.0, 0, [], ",")
    for delimiter in DELIMITERS:
        records = _parsed(text, delimiter)
        widths = Counter(len(record) for record in records if any(cell.strip() for cell in record))
        if not widths:
            continue
        width, often = max(widths.items(), key=lambda pair: (pair[0] > 1, pair[1], pair[0]))
        score = often / sum(widths.values()) if width > 1 else 0.0
        if (round(score, 1), width) > (round(best[0], 1), best[1]):
            best = (score, width, records, delimiter)
    return best[2], best[3]


def _parsed(text: str, delimiter: str, most: int = 60) -> list[list[str]]:
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            records.append(record)
            if len(records) == most:
                break
    except csv.Error:
        pass
    return records


def _headings_at(records: list[list[str]]) -> int:
    """The first record as wide as most are: some exports begin with notes to the reader."""
    filled = [len(record) for record in records if any(cell.strip() for cell in record)]
    if not filled:
        return 0
    usual = Counter(filled).most_common(1)[0][0]
    wide = [index for index, record in enumerate(records[:10]) if len(record) >= usual and any(cell.strip() for cell in record)]
    return wide[0] if wide else 0


def read(file: BinaryIO, how: Any, after: int = 0) -> Iterator[Line]:
    """Rows below the headings, from the one after row number `after`. Empty rows are left out and not counted.

    `how` is a Format or an ImportJob. Memory: one row. The file stays open.
    """
    csv.field_size_limit(LONGEST_CELL)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=how.encoding, errors="replace", newline="")
    reader = csv.reader(text, delimiter=how.delimiter)
    width, number = len(how.headings), 0
    try:
        for _skipped in range(how.preamble + 1):
            next(reader, None)
        while True:
            begins, problem = reader.line_num + 1, ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cells, problem = [], _("A cell is too long to be read. Perhaps a quotation mark is not closed.")
            if not problem and not any(map(str.strip, cells)):
                continue
            number += 1
            if number > after:
                yield Line(number, begins, cells, problem or _too_wide(cells, width))
    finally:
        with suppress(ValueError):  # whoever read only the beginning has closed the file before
            text.detach()


def _too_wide(cells: list[str], width: int) -> str:
    if any(map(str.strip, cells[width:])):
        return _("This row has %(cells)s cells, but there are only %(width)s headings.") % {"cells": len(cells), "width": width}
    return ""
