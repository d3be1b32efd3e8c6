"""Charts as SVG made on the server: they print, mail and work without scripts; the table under them holds the same figures.

No inline style (the content security policy forbids it): lengths are attributes in per cent, so that bars fit every width while
texts keep their size; colours are the classes `ch-1` … `ch-5` of crm.css.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from crm.core.cells import escape

Number = Decimal | int | None
Format = Callable[[Number], str]
COLORS = 5


@dataclass(frozen=True)
class Bar:
    """One row or column: its name and one value per series."""

    label: str
    values: tuple[Number, ...]


def bars(title: Any, series: Sequence[Any], rows: Sequence[Bar], show: Format, *, stacked: bool = False) -> SafeString:
    """Lying bars, one group per row: name and value in a line, the bars under it. `stacked`: the series add up to one bar."""
    most = max((_length(row, stacked) for row in rows), default=Decimal(0)) or Decimal(1)
    height = 26 + (12 if stacked else 9 * len(series)) + 8
    parts: list[str] = []
    for number, row in enumerate(rows):
        top = number * height
        total = sum((Decimal(value or 0) for value in row.values), Decimal(0))
        text = show(total) if stacked else " · ".join(show(value) for value in row.values)
        parts.append(f'<text class="ch-t" x="0" y="{top + 18}">{escape(row.label)}</text>')
        parts.append(f'<text class="ch-v" x="100%" y="{top + 18}" text-anchor="end">{escape(text)}</text>')
        parts.append(f'<rect class="ch-bg" x="0" y="{top + 25}" width="100%" height="{height - 35}" rx="2"/>')
        parts.append(_stack(row, series, top, most, show) if stacked else _group(row, series, top, most, show))
    return _frame(title, series, rows, show, mark_safe("".join(parts)), len(rows) * height)


def _length(row: Bar, stacked: bool) -> Decimal:
    values = [Decimal(value or 0) for value in row.values]
    return sum(values, Decimal(0)) if stacked else max(values, default=Decimal(0))


def _percent(value: Decimal) -> str:
    return f"{value:.2f}%"


def _rect(color: int, place: tuple[Any, Any, Any, Any], hint: str) -> str:
    """Built directly, as there may be hundreds; `place` holds numbers only."""
    x, y, width, height = place
    return f'<rect class="ch-{color % COLORS + 1}" x="{x}" y="{y}" width="{width}" height="{height}" rx="2"><title>{escape(hint)}</title></rect>'


def _group(row: Bar, series: Sequence[Any], top: int, most: Decimal, show: Format) -> SafeString:
    parts = []
    for number, value in enumerate(row.values):
        if value:
            place = (0, top + 25 + 9 * number, _percent(Decimal(value) * 100 / most), 8)
            parts.append(_rect(number, place, f"{row.label}, {series[number]}: {show(value)}"))
    return mark_safe("".join(parts))


def _stack(row: Bar, series: Sequence[Any], top: int, most: Decimal, show: Format) -> SafeString:
    parts, left = [], Decimal(0)
    for number, value in enumerate(row.values):
        if value:
            width = Decimal(value) * 100 / most
            parts.append(_rect(number, (_percent(left), top + 25, _percent(width), 11), f"{row.label}, {series[number]}: {show(value)}"))
            left += width
    return mark_safe("".join(parts))


def columns(title: Any, name: Any, rows: Sequence[Bar], show: Format, brief: Format) -> SafeString:
    """Standing columns over time, with a line at the top value. `brief` writes the value in a few letters."""
    most = max((_length(row, True) for row in rows), default=Decimal(0)) or Decimal(1)
    every = max(1, -(-len(rows) // 12))  # at most twelve names fit under the columns of a phone
    step = Decimal(100) / max(1, len(rows))
    parts: list[str] = [mark_safe('<line class="ch-l" x1="0" x2="100%" y1="20" y2="20"/><line class="ch-l" x1="0" x2="100%" y1="170" y2="170"/>')]
    for number, row in enumerate(rows):
        value = Decimal(row.values[0] or 0)
        left, middle = step * number, step * number + step / 2
        if value:
            high = max(Decimal(1), value * 150 / most)
            place = (_percent(left + step * Decimal("0.15")), f"{170 - high:.1f}", _percent(step * Decimal("0.7")), f"{high:.1f}")
            parts.append(_rect(0, place, f"{row.label}: {show(value)}"))
            if len(rows) <= 12:
                parts.append(
                    format_html('<text class="ch-s" x="{}" y="{}" text-anchor="middle">{}</text>', _percent(middle), f"{165 - high:.1f}", brief(value))
                )
        if number % every == 0:
            parts.append(
                format_html(
                    '<text class="ch-s" x="{}" y="186" text-anchor="middle">{}</text>',
                    _percent(middle),
                    row.label.split(" ")[0] if len(rows) > 3 else row.label,
                )
            )
    return _frame(title, (name,), rows, show, mark_safe("".join(parts)), 194)


def _frame(title: Any, series: Sequence[Any], rows: Sequence[Bar], show: Format, content: SafeString, height: int) -> SafeString:
    """The picture with its name and a text that tells the same; a legend where there are several series."""
    spoken = "; ".join(f"{row.label}: {', '.join(show(value) for value in row.values)}" for row in rows[:24])
    legend: Any = ""
    if len(series) > 1:
        items = format_html_join(
            "",
            '<li><svg class="ch-k" aria-hidden="true"><rect class="ch-{}" width="10" height="10" rx="2"/></svg>{}</li>',
            ((number % COLORS + 1, label) for number, label in enumerate(series)),
        )
        legend = format_html('<ul class="ch-legend" aria-label="{}">{}</ul>', gettext("Legend"), items)
    return format_html(
        '<figure class="chart"><figcaption>{}</figcaption>{}<svg role="img" aria-label="{}" width="100%" height="{}">{}</svg></figure>',
        title,
        legend,
        f"{title}. {spoken}",
        height,
        content,
    )
