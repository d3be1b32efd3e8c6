"""The rows that were left out, as a file to correct and import again: the columns of the original, then line, column and reason."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from crm.core.exports import csv_chunks, safe_text
from crm.core.imports.reading import read
from crm.core.models import ImportJob

SHOWN = 100


def problem_rows(job: ImportJob) -> Iterator[list[Any]]:
    """Head, then each row that was left out, once, with all its reasons. The file and the reasons are read side by side."""
    yield [*(safe_text(heading) for heading in job.headings), _("Line"), _("Column"), _("Reason")]
    problems = job.problems.order_by("row", "pk").values_list("row", "line", "column", "reason").iterator(chunk_size=2000)
    with job.file.open("rb") as file:
        lines = read(file.file, job)
        for (number, line_number), group in groupby(problems, key=lambda row: row[:2]):
            reasons = list(group)
            line = next(line for line in lines if line.row == number)
            cells = [safe_text(cell.replace("\x00", "")) for cell in line.cells[: len(job.headings)]]
            cells += [""] * (len(job.headings) - len(cells))
            columns = ", ".join(dict.fromkeys(column for _r, _l, column, _reason in reasons if column))
            yield [*cells, line_number, safe_text(columns), safe_text(" ".join(reason for _r, _l, _c, reason in reasons))]


def problem_file(job: ImportJob) -> Iterator[bytes]:
    return csv_chunks(problem_rows(job))
