"""Figures and records as they are shown: words, numbers in the reader's way, links, charts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_compact_decimal, format_decimal
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.core import cells, charts
from crm.core.cursors import BadCursor, Cursor
from crm.core.related import see
from reports.selectors.results import Figure, Params, Records, ReportResult

PAGE = 50
LEVELS = ("", ' class="ps-5 fw-normal"')  # of lines: their heads' attributes
SUBJECTS = ("company", "contact", "lead", "deal")


def figure_text(value: Decimal | int | None, kind: str, currency: str) -> str:
    """One figure in the reader's way; a dash where there is nothing to divide by."""
    locale = cells.current_locale()
    if value is None:
        return "–"
    if kind == "money":
        return cells.format_money(value, currency, locale)
    if kind == "percent":
        return f"{cells.format_number(value, locale, 1)}{_percent_sign(locale)}"
    return cells.format_number(value, locale, 2 if kind == "number" and value != int(value) else 0)


def _percent_sign(locale: str) -> str:
    return Locale.parse(locale).percent_formats[None].pattern.rpartition("0")[2] or "%"


def figure_html(figure: Figure, kind: str, currency: str) -> SafeString:
    text = cells.escape(figure_text(figure.value, kind, currency))
    return SafeString(f'<a href="{cells.escape(figure.url)}">{text}</a>' if figure.url else text)


def table_rows(result: ReportResult, params: Params) -> SafeString:
    """The `<tr>`s of the table."""
    heads = (f'<tr data-key="{cells.escape(row.key)}"><th scope="row"{LEVELS[row.level]}>{cells.escape(str(row.label))}</th>' for row in result.rows)
    rows = (f"{head}{_cells(row.figures, result, params)}</tr>\n" for head, row in zip(heads, result.rows, strict=True))
    return SafeString("".join(rows))


def total_cells(result: ReportResult, params: Params) -> SafeString:
    return SafeString(_cells(result.totals, result, params, " strong"))


def _cells(figures: tuple[Figure, ...], result: ReportResult, params: Params, css: str = "") -> str:
    pairs = zip(result.measures, figures, strict=True)
    return "".join(f'<td class="r{css}">{figure_html(figure, measure.kind, params.currency)}</td>' for measure, figure in pairs)


def highlights(result: ReportResult, params: Params) -> list[tuple[Any, SafeString]]:
    """The totals that stand on top."""
    chosen = [(result.measures[at], result.totals[at]) for at in (result.index(name) for name in result.highlights)]
    return [(measure.label, figure_html(figure, measure.kind, params.currency)) for measure, figure in chosen]


def chart_html(result: ReportResult, params: Params) -> SafeString | str:
    """The picture above the table; nothing where all figures are zero."""
    at = [result.index(name) for name in result.chart.series]
    lines = [row for row in result.rows if not row.level]
    if not any(row.figures[position].value for row in lines for position in at):
        return ""
    kind = result.measures[at[0]].kind
    labels = [str(result.measures[position].label) for position in at]
    rows = [charts.Bar(row.label, tuple(row.figures[position].value for position in at)) for row in lines]

    def show(value: Decimal | int | None) -> str:
        return figure_text(value, kind, params.currency)

    if result.chart.shape == "columns":
        return charts.columns(result.chart.title, labels[0], rows, show, _brief)
    return charts.bars(result.chart.title, labels, rows, show, stacked=result.chart.shape == "stacked")


def _brief(value: Decimal | int | None) -> str:
    """12K, 1.2M. German has no short form of thousands, and written out they do not fit over the columns of a phone."""
    number, locale = Decimal(value or 0), cells.current_locale()
    digits = 1 if Decimal(1000) <= number < Decimal(10_000) else 0
    text = format_compact_decimal(number, locale=locale, fraction_digits=digits)
    return format_decimal(number / 1000, "0.#k" if digits else "0k", locale=locale) if number >= 1000 and text.isdecimal() else text


@dataclass(frozen=True)
class RecordsPage:
    """Some of the records behind a figure: heads, complete table rows, and where the next page begins ("" at the end)."""

    title: str
    total: int
    heads: tuple[tuple[Any, str], ...]  # name and class
    rows: list[tuple[int, SafeString]]
    next_cursor: str
    offset: int

    @property
    def first_shown(self) -> int:
        return self.offset + 1

    @property
    def last_shown(self) -> int:
        return self.offset + len(self.rows)

    @classmethod
    def read(cls, user: Any, records: Records, cursor: str, params: Params) -> RecordsPage:
        """BadCursor when the page mark is not ours."""
        start = None
        if cursor:
            start = Cursor.decode(cursor, records.model._meta.get_field(records.order))
            if start.key is None or start.back:
                raise BadCursor(cursor)
        found = records.page(start.key if start else None, start.pk if start else 0, PAGE + 1)
        offset = start.offset if start else 0
        more = ""
        if len(found) > PAGE:
            last = found[PAGE - 1]
            more = Cursor(getattr(last, records.order).isoformat(), last.pk, offset + PAGE).encode()
        heads, render = {"lines": (LINES, _line), "tasks": (TASKS, _task), "deals": (DEALS, _deal)}[records.kind]
        shown = found[:PAGE]
        links = [name for name in (*SUBJECTS, "actor", "done_by") if any(field.name == name for field in records.model._meta.concrete_fields)]
        seen = see(user, shown, links) if shown else {}
        context = cells.current_context(user)
        return cls(records.label, records.count(), heads, [(each.pk, render(each, seen, context, params)) for each in shown], more, offset)


WIDE = "d-none d-lg-table-cell"
LINES = ((_("When"), ""), (_("Person"), WIDE), (_("Record"), "c-last"), (_("Text"), WIDE))
TASKS = ((_("Task"), ""), (_("Done"), "c-last"), (_("Person"), WIDE), (_("Record"), WIDE))
DEALS = ((_("Deal"), ""), (_("Company"), WIDE), (_("Closed"), WIDE), (_("Amount"), "r c-last"))


def _linked(obj: Any, name: str, seen: dict[str, dict[int, Any]]) -> Any:
    return seen.get(name, {}).get(getattr(obj, f"{name}_id"))


def _subject_cell(obj: Any, seen: dict[str, dict[int, Any]], css: str = "") -> SafeString:
    subject = _linked(obj, obj.subject_type, seen) if obj.subject_type else None
    return cells.ref_cell(subject.get_absolute_url(), str(subject), css) if subject else cells.text_cell("", css)


def _line(line: Any, seen: dict[str, dict[int, Any]], context: Any, params: Params) -> SafeString:
    subject = _linked(line, line.subject_type, seen)
    head = format_html('<th scope="row">{}</th>', cells.time_html(line.at, context, style="datetime"))
    parts = [
        head,
        cells.person_cell(_linked(line, "actor", seen), WIDE),
        cells.ref_cell(subject.get_absolute_url(), str(subject), "c-last") if subject else cells.text_cell("", "c-last"),
        cells.text_cell(line.body, WIDE, limit=120),
    ]
    return SafeString("".join(parts))


def _task(task: Any, seen: dict[str, dict[int, Any]], context: Any, params: Params) -> SafeString:
    parts = [
        cells.link_cell(task.get_absolute_url(), task.title),
        cells.datetime_cell(task.done_at, context, "c-last", style="datetime"),
        cells.person_cell(_linked(task, "done_by", seen), WIDE),
        _subject_cell(task, seen, WIDE),
    ]
    return SafeString("".join(parts))


def _deal(deal: Any, seen: dict[str, dict[int, Any]], context: Any, params: Params) -> SafeString:
    company = _linked(deal, "company", seen)
    parts = [
        cells.link_cell(deal.get_absolute_url(), deal.name, str(company) if company else None),
        cells.ref_cell(company.get_absolute_url(), str(company), WIDE) if company else cells.text_cell("", WIDE),
        cells.datetime_cell(deal.closed_at, context, WIDE, style="date"),
        cells.money_cell(deal.amount_home, params.currency, context, "c-last"),
    ]
    return SafeString("".join(parts))
