"""Values of custom fields in SQL: one expression per field, spelt alike in filters, sorts and the indexes behind them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import DecimalField, F, Field, Func, TextField

from crm.core.custom.definitions import field_named
from crm.core.custom.models import CustomField
from crm.core.custom.values import FOLDED

Kind = CustomField.Kind
NUMERIC = (Kind.NUMBER, Kind.MONEY)
FOLDS = (Kind.TEXT, Kind.URL)
SORTED_LENGTH = 80  # characters of a text that decide its place, as for names


def text_sql(field: CustomField, column: str = "custom") -> str:
    """The value as text; of texts the folded form. `column` is quoted already; the key is a number of ours."""
    return f"({column} ->> '{field.pk}{FOLDED if field.kind in FOLDS else ''}')"


def sort_sql(field: CustomField, column: str = "custom") -> str:
    """What the field is sorted and compared by."""
    text = text_sql(field, column)
    if field.kind in NUMERIC:
        return f"({text}::numeric)"
    return f'("left"({text}, {SORTED_LENGTH}))' if field.kind in FOLDS else text


def _expression(sql: str, output: Field) -> Func:
    # No parameters: the list cuts the statement into parts, and an index knows its expression only when the key stands in it.
    return Func(F("custom"), template=sql, output_field=output)


def text_key(field: CustomField) -> Func:
    return _expression(text_sql(field, "%(expressions)s"), TextField())


def sort_key_of(field: CustomField) -> Func:
    return _expression(sort_sql(field, "%(expressions)s"), DecimalField(max_digits=24, decimal_places=6) if field.kind in NUMERIC else TextField())


class CustomKey:
    """Stands in for a model's field where a list is sorted: the keys of its cursor, and its expression."""

    null = True

    def __init__(self, field: CustomField) -> None:
        self.definition, self.expression = field, sort_key_of(field)

    def to_python(self, value: str) -> Any:
        if self.definition.kind not in NUMERIC:
            return value
        number = Decimal(value) if len(value) < 40 else None  # InvalidOperation is an ArithmeticError
        if number is None or not number.is_finite():
            raise ValidationError(value)
        return number

    def get_db_prep_value(self, value: Any, connection: Any = None) -> Any:
        return value

    def sql(self, table: str) -> str:
        return sort_sql(self.definition, f"{connection.ops.quote_name(table)}.{connection.ops.quote_name('custom')}")


def order_field(model: Any, column: str) -> Any:
    """The field behind a sort: the model's own, or a custom one by its name."""
    field = field_named(column)
    return CustomKey(field) if field is not None else model._meta.get_field(column)


def order_key(column: str) -> Any:
    """What the statement selects as sort key: a column's name, or the expression of a custom field."""
    field = field_named(column)
    return sort_key_of(field) if field is not None else column
