"""A report that readers put together: the rows of any list, counted and added up by one or two of its properties.

Which rows count is the list's own question (crm.core.list_query), so that figures and lists agree, and each figure leads to exactly its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_skeleton
from django.db.models import Count, DateField, DateTimeField, F, Sum
from django.db.models.functions import Cast, Trunc
from django.utils import timezone
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Company
from crm.core import cells
from crm.core.custom.definitions import fields_of
from crm.core.custom.filters import EMPTY, AnyOfFilter
from crm.core.custom.keys import NUMERIC, sort_key_of, text_key
from crm.core.custom.models import CustomField
from crm.core.list_query import PAGING, ListQuery
from crm.core.records import RecordType
from deals.models import Deal
from leads.models import Lead
from reports.selectors.results import Chart, Figure, Measure, ReportResult, Row, cents

BUCKETS = {
    "year": gettext_lazy("by year"),
    "quarter": gettext_lazy("by quarter"),
    "month": gettext_lazy("by month"),
    "week": gettext_lazy("by week"),
    "day": gettext_lazy("by day"),
}
MOST_ROWS = 400  # lines of the table
MOST_STRETCHES = 120  # of time that are shown whether anything lies in them or not
Key = str  # as the list's filter knows it: an id, a choice, the first day of a stretch; "" for no value


@dataclass(frozen=True)
class Number:
    """Something that can be added up."""

    name: str
    label: Any
    expression: Any
    kind: str  # money | number


NUMBERS: Mapping[type, tuple[Number, ...]] = {
    Deal: (Number("amount", gettext_lazy("Amount"), F("amount_home"), "money"),),
    Lead: (Number("value", gettext_lazy("Estimated value"), F("value"), "money"), Number("score", gettext_lazy("Score"), F("score"), "number")),
    Company: (Number("employees", gettext_lazy("Employees"), F("employees"), "number"),),
}


@dataclass(frozen=True)
class Dimension:
    """One property by which rows are told apart: `expression` in SQL, what of it is the `key`, and which parameters of the list leave the rows of a key
    (none: no filter can say it)."""

    name: str
    label: Any
    expression: Any
    key: Callable[[Any], Key]
    narrow: Callable[[Key], Mapping[str, str] | None]
    names: Callable[[Sequence[Key]], dict[Key, str]]  # of these keys, in the order of the table
    dated: bool = False


def numbers_of(record: RecordType, user: Any, currency: str) -> list[Number]:
    """What of a record type can be added up; custom numbers and amounts as far as the reader sees them."""
    own = list(NUMBERS.get(record.model, ()))
    for each in fields_of(record.model, user):
        if each.kind in NUMERIC:
            kind = "money" if each.kind == CustomField.Kind.MONEY and each.currency == currency else "number"
            own.append(Number(each.name, each.label, sort_key_of(each), kind))
    return own


def dimensions_of(query: ListQuery) -> dict[str, Dimension]:
    """By what the rows of a list can be told apart: choices that its filters know, and stretches of time."""
    record, filters, found = query.record, query.filters, {}
    for name in record.filterset.groupable(filters):  # type: ignore[attr-defined]
        expression = _column(record, filters[name])
        if expression is not None:
            found[name] = _choice(query, name, filters[name], expression)
    for start, (field, label) in _days(record, query.user).items():
        for bucket, how in BUCKETS.items():
            found[f"{start}:{bucket}"] = _stretch(start, field, format_lazy("{field}, {how}", field=label, how=how), bucket)
    return found


def _column(record: RecordType, each: Any) -> Any:
    """What a filter with one choice per row looks at; None where it is no column."""
    if isinstance(each, AnyOfFilter):
        return text_key(each.definition)
    stored = {field.name: field for field in record.model._meta.concrete_fields} | {field.attname: field for field in record.model._meta.concrete_fields}
    return F(stored[each.field_name].attname) if each.field_name in stored else None


def _choice(query: ListQuery, name: str, each: Any, expression: Any) -> Dimension:
    custom, none = isinstance(each, AnyOfFilter), EMPTY if isinstance(each, AnyOfFilter) else "none"

    def names(keys: Sequence[Key]) -> dict[Key, str]:
        empty = query.record.model._default_manager.none()
        filterset: Any = query.record.filterset(query.data, queryset=empty, request=query.request, only=[name], every=query.filters)
        known = {raw: label for raw, label, _value in filterset.group_values(name)}
        given = {key: label for raw, label in known.items() if (key := "" if raw == none else raw) in keys}
        return given | {key: _("Others") if key else _("No value") for key in keys if key not in given}

    def narrow(key: Key) -> Mapping[str, str] | None:
        if key:
            return {name: key}
        return {name: none} if custom or name in ("owner", "about") or each.extra.get("null_value") == none else None

    return Dimension(name, each.label, expression, lambda value: "" if value in (None, "") else str(value), narrow, names)


def _days(record: RecordType, user: Any) -> dict[str, tuple[Any, Any]]:
    """Days and moments that the list can filter by from and to: the beginning of the filters' names, what they look at, and its name."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in record.filters:
        start = name.removesuffix("_from")
        if start != name and f"{start}_to" in record.filters:
            field = record.model._meta.get_field(record.filters[name].field_name)
            found[start] = (field, capfirst(field.verbose_name))
    for each in fields_of(record.model, user):
        if each.kind == CustomField.Kind.DATE:
            found[each.name] = (each, each.label)
    return found


def _stretch(start: str, field: Any, label: Any, bucket: str) -> Dimension:
    custom = isinstance(field, CustomField)
    ends = ("min", "max") if custom else ("from", "to")
    moment = isinstance(field, DateTimeField)
    column = Cast(text_key(field), DateField()) if custom else F(field.name)
    expression = Trunc(column, bucket, tzinfo=timezone.get_current_timezone()) if moment else Trunc(column, bucket, output_field=DateField())

    def key(value: date | datetime | None) -> Key:
        return "" if value is None else f"{value:%Y-%m-%d}"

    def narrow(key: Key) -> Mapping[str, str] | None:
        if key:
            first = date.fromisoformat(key)
            return {f"{start}_{ends[0]}": key, f"{start}_{ends[1]}": (following(first, bucket) - timedelta(days=1)).isoformat()}
        if custom:
            return {f"{start}_has": "no"}
        return {"close": "none"} if start == "close" else None

    def names(keys: Sequence[Key]) -> dict[Key, str]:
        locale = cells.current_locale()
        days = sorted(date.fromisoformat(key) for key in keys if key)
        every = _without_gaps(days, bucket)
        return {f"{day:%Y-%m-%d}": bucket_text(day, bucket, locale) for day in every} | ({"": _("No date")} if "" in keys else {})

    return Dimension(f"{start}:{bucket}", label, expression, key, narrow, names, dated=True)


def following(day: date, bucket: str) -> date:
    """The first day of the next stretch. `day` is the first of its own."""
    months = {"month": 1, "quarter": 3, "year": 12}.get(bucket)
    if months is None:
        return day + timedelta(days=7 if bucket == "week" else 1)
    later = day.year * 12 + day.month - 1 + months
    return date(later // 12, later % 12 + 1, 1)


def _without_gaps(days: list[date], bucket: str) -> list[date]:
    """With the stretches between that have no rows, unless they are too many."""
    found = days[:1]
    while found and found[-1] < days[-1]:
        if len(found) == MOST_STRETCHES:
            return days
        found.append(following(found[-1], bucket))
    return found


def bucket_text(day: date, bucket: str, locale: str) -> str:
    """The name of a stretch of time: 2026, Q4 2026, Nov 2026, 23 Nov 2026."""
    if bucket == "year":
        return format_skeleton("y", day, locale=locale)
    if bucket == "quarter":
        return format_skeleton("yQQQ", day, locale=locale)
    if bucket == "month":
        return format_skeleton("yMMM", day, locale=locale)
    return format_date(day, "medium", locale=locale)


# ---- figures


@dataclass
class _Sum:
    """What one line adds up to: how many rows, and of each number the sum and how many have one."""

    count: int = 0
    sums: tuple[Decimal, ...] = ()
    filled: tuple[int, ...] = ()

    def add(self, other: _Sum) -> None:
        self.count += other.count
        self.sums = tuple(map(sum, zip(self.sums, other.sums, strict=True))) if self.sums else other.sums
        self.filled = tuple(map(sum, zip(self.filled, other.filled, strict=True))) if self.filled else other.filled


@dataclass(frozen=True)
class GroupedResult(ReportResult):
    """`cut`: there were more lines than are shown."""

    cut: bool = False


def measures_of(record: RecordType, numbers: Sequence[Number]) -> tuple[Measure, ...]:
    """Rows, and of each number the sum and the average of those that have one."""
    found = [Measure("count", record.label_plural, "count", _("How many there are."))]
    for each in numbers:
        names = {"name": each.label}
        found.append(Measure(f"sum_{each.name}", _("%(name)s, sum") % names, each.kind, _("Of all that have a value.")))
        found.append(Measure(f"avg_{each.name}", _("%(name)s, average") % names, each.kind, _("The sum divided by how many have a value.")))
    return tuple(found)


def grouped(query: ListQuery, by: Dimension, then: Dimension | None, numbers: Sequence[Number]) -> GroupedResult:
    """The figures of the rows that the query asks for, as far as the reader may see them."""
    cells_of = _added_up(query, [each for each in (by, then) if each], numbers)
    lines: dict[Key, _Sum] = {}
    under: dict[Key, dict[Key, _Sum]] = {}
    whole = _Sum(0, (Decimal(0),) * len(numbers), (0,) * len(numbers))
    for keys, found in cells_of.items():
        lines.setdefault(keys[0], _Sum()).add(found)
        whole.add(found)
        if then:
            under.setdefault(keys[0], {})[keys[1]] = found
    measures, rows = measures_of(query.record, numbers), list[Row]()
    inner = then.names(sorted({key for found in under.values() for key in found})) if then else {}
    for key, label in by.names(sorted(lines)).items():
        rows.append(Row(key, label, _figures(query, numbers, lines.get(key), [(by, key)])))
        for second, name in inner.items():
            found = under.get(key, {}).get(second)
            if then and found:
                rows.append(Row(f"{key}/{second}", name, _figures(query, numbers, found, [(by, key), (then, second)]), level=1))
    shape = "columns" if by.dated else "bars"
    series = measures[1 if numbers else 0]
    return GroupedResult(
        by.label,
        measures,
        tuple(rows[:MOST_ROWS]),
        _figures(query, numbers, whole, []),
        Chart(series.label, shape, (series.name,)),
        tuple(measure.name for measure in measures[:4]),
        cut=len(rows) > MOST_ROWS,
    )


def _added_up(query: ListQuery, dimensions: Sequence[Dimension], numbers: Sequence[Number]) -> dict[tuple[Key, ...], _Sum]:
    """{keys: figures}, one statement for each part of the rows that the reader may see for a reason of its own."""
    names = [f"dimension_{place}" for place in range(len(dimensions))]
    figures: dict[str, Any] = {"rows_n": Count("pk")}
    for place, each in enumerate(numbers):
        figures |= {f"sum_{place}": Sum(each.expression), f"n_{place}": Count(each.expression)}
    found: dict[tuple[Key, ...], _Sum] = {}
    for rows in query.listing.arms():
        told = rows.order_by().annotate(**{name: each.expression for name, each in zip(names, dimensions, strict=True)}).values(*names)
        for line in told.annotate(**figures).values_list(*names, *figures):
            keys = tuple(each.key(value) for each, value in zip(dimensions, line, strict=False))
            count, *others = line[len(names) :]
            sums = tuple(Decimal(value or 0) for value in others[::2])
            found.setdefault(keys, _Sum()).add(_Sum(count, sums, tuple(others[1::2])))
    return found


def _figures(query: ListQuery, numbers: Sequence[Number], found: _Sum | None, keys: Sequence[tuple[Dimension, Key]]) -> tuple[Figure, ...]:
    url = _drill(query, keys) if found else ""
    values: list[int | Decimal | None] = [found.count if found else 0]
    for place, _each in enumerate(numbers):
        total, filled = (found.sums[place], found.filled[place]) if found and found.sums else (Decimal(0), 0)
        values += [cents(total), cents(total / filled) if filled else None]
    return tuple(Figure(value, url) for value in values)


def _drill(query: ListQuery, keys: Sequence[tuple[Dimension, Key]]) -> str:
    """The list of exactly these rows; "" where no filter can tell them."""
    params = query.data.copy()
    for name in (*PAGING, "alternatives", "group", "sort", "cols"):
        params.pop(name, None)
    for dimension, key in keys:
        narrowed = dimension.narrow(key)
        if narrowed is None:
            return ""
        for name, value in narrowed.items():
            old = params.get(name, "")
            if dimension.dated and key and old:  # the list is cut off within the stretch
                value = max(old, value) if name.endswith(("_from", "_min")) else min(old, value)
            for given in query.keys_of(name):
                params.pop(given, None)
            params[name] = value
    return f"{query.record.list_url}?{params.urlencode()}" if params else query.all_url
