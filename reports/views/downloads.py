"""The figures of a report as CSV, XLSX and JSON: the same numbers as on the page, unformatted."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.cells import iso_utc
from crm.core.exports import safe_text
from reports.selectors.results import Figure, Params, Report, ReportResult, Row

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(name: str, report: Report, params: Params, result: ReportResult) -> HttpResponse:
    response = {"csv": _csv, "xlsx": _xlsx, "json": _json}[name](report, params, result)
    if name != "json":
        day = timezone.localdate(params.now, params.zone)
        response.headers["Content-Disposition"] = f'attachment; filename="{report.slug}-{day:%Y-%m-%d}.{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _heads(params: Params, result: ReportResult) -> list[str]:
    units = {"money": f" ({params.currency})", "percent": " (%)"}
    return [str(result.label), *(f"{measure.label}{units.get(measure.kind, '')}" for measure in result.measures)]


def _lines(result: ReportResult) -> list[tuple[str, tuple[Figure, ...]]]:
    found, above = [], ""
    for row in result.rows:
        above = above if row.level else row.label
        found.append((f"{above} / {row.label}" if row.level else row.label, row.figures))
    return [*found, (_("Total"), result.totals)]


def _csv(report: Report, params: Params, result: ReportResult) -> HttpResponse:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe_text(head) for head in _heads(params, result)])
    for label, figures in _lines(result):
        writer.writerow([safe_text(label), *("" if figure.value is None else figure.value for figure in figures)])
    # The mark tells Excel that the file is UTF-8.
    return HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")


def _xlsx(report: Report, params: Params, result: ReportResult) -> HttpResponse:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    sheet = book.add_worksheet("Report")
    bold = book.add_format({"bold": True})
    formats = {
        "money": book.add_format({"num_format": "#,##0.00"}),
        "percent": book.add_format({"num_format": "0.0"}),
        "count": book.add_format({"num_format": "0"}),
        "number": book.add_format({"num_format": "#,##0.##"}),
    }
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, len(result.measures), 18)
    for column, head in enumerate(_heads(params, result)):
        sheet.write_string(0, column, head, bold)
    for line, (label, figures) in enumerate(_lines(result), start=1):
        sheet.write_string(line, 0, label)
        for column, (measure, figure) in enumerate(zip(result.measures, figures, strict=True), start=1):
            if figure.value is not None:
                sheet.write_number(line, column, float(figure.value), formats[measure.kind])
    book.close()
    return HttpResponse(out.getvalue(), content_type=XLSX)


def _plain(value: Decimal | int | None) -> Any:
    """Counts as numbers, amounts and shares as text: a float would round them."""
    return str(value) if isinstance(value, Decimal) else value


def _json(report: Report, params: Params, result: ReportResult) -> HttpResponse:
    names = [measure.name for measure in result.measures]

    def figures(values: tuple[Figure, ...]) -> dict[str, Any]:
        return {name: _plain(figure.value) for name, figure in zip(names, values, strict=True)}

    def line(row: Row) -> dict[str, Any]:
        return {"key": row.key, "label": row.label, **({"level": row.level} if row.level else {}), **figures(row.figures)}

    return JsonResponse(
        {
            "report": report.slug,
            "title": str(report.title),
            "as_of": iso_utc(params.now),
            "time_zone": str(params.zone),
            "currency": params.currency,
            "from": params.start.isoformat() if params.start else None,
            "to": params.end.isoformat() if params.end else None,
            **{name: value or None for name, value in params.raw.items()},
            "columns": [{"name": measure.name, "label": str(measure.label), "kind": measure.kind} for measure in result.measures],
            "rows": [line(row) for row in result.rows],
            "totals": figures(result.totals),
        }
    )
