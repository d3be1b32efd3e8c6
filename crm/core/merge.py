"""Texts with gaps that a record fills, for mails to many: {{first_name|there}}. The fields are the columns of the record's list, custom ones
too, as far as the sender sees them; a text after the stroke stands in for an empty value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import prefetch_related_objects
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core import cells
from crm.core.context import hooks
from crm.core.custom.showing import shaped
from crm.core.lists import row_context
from crm.core.records import RecordType, record_types
from crm.core.related import see

GAP = re.compile(r"\{\{\s*([a-z0-9_]{1,60})\s*(?:\|([^{}\n]{0,200}))?\}\}")
OPEN = re.compile(r"\{\{|\}\}")
PERSON = ("first_name", "last_name", "job_title")  # fields that greet better than the column "name"


@dataclass(frozen=True)
class MergeField:
    """`value(obj, ctx)` is plain (a text, number, day, or None); `links` and `many` as of a Column."""

    label: Any
    value: Callable[[Any, Any], Any]
    links: tuple[str, ...] = ()
    many: tuple[str, ...] = ()


def mailable() -> list[RecordType]:
    """The record types that can be written to."""
    return [record for record in record_types() if record.mail_to is not None]


def fields_of(record: RecordType, user: Any) -> dict[str, MergeField]:
    """{name: field} of a record type for one sender."""
    found = {column.name: MergeField(column.label, column.export, column.links, column.many) for column in shaped(record, user).columns if column.label}
    stored = {field.name: field for field in record.model._meta.concrete_fields}
    for name in PERSON:
        if name in stored:
            found[name] = MergeField(stored[name].verbose_name, lambda obj, ctx, name=name: getattr(obj, name))
    return found | {
        "my_name": MergeField(gettext_lazy("Your name"), lambda obj, ctx: user.name),
        "my_email": MergeField(gettext_lazy("Your e-mail address"), lambda obj, ctx: user.email),
        "organisation": MergeField(gettext_lazy("Your organisation"), lambda obj, ctx: hooks("organisation")[0]().name),
    }


def names_in(*texts: str) -> list[str]:
    """The fields that texts ask for. ValidationError when there is a bracket too many or too few."""
    for text in texts:
        if OPEN.search(GAP.sub("", text)):
            raise ValidationError(_("Write gaps as {{first_name}} or {{first_name|there}}."), code="gap")
    return list(dict.fromkeys(match[1] for text in texts for match in GAP.finditer(text)))


def check(texts: Sequence[str], fields: Mapping[str, MergeField]) -> list[str]:
    """The fields that texts ask for. ValidationError for those that there are not."""
    names = names_in(*texts)
    unknown = [name for name in names if name not in fields]
    if unknown:
        raise ValidationError(_("There is no field “%(name)s” here.") % {"name": unknown[0]}, code="field")
    return names


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its gaps filled."""
    return GAP.sub(lambda match: _filling(match, values), text)


def unfilled(texts: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The gaps that nothing fills: no value, and no text that stands in for it."""
    return list(dict.fromkeys(match[0] for text in texts for match in GAP.finditer(text) if not _filling(match, values)))


def marked(text: str, values: Mapping[str, str]) -> SafeString:
    """The filled text as html in which the gaps that nothing fills stand, marked."""
    parts, end = [], 0
    for match in GAP.finditer(text):
        filling = _filling(match, values)
        parts += [format_html("{}", text[end : match.start()]), format_html("{}", filling) if filling else format_html("<mark>{}</mark>", match[0])]
        end = match.end()
    return SafeString("".join([*parts, format_html("{}", text[end:])]))


def _filling(match: re.Match[str], values: Mapping[str, str]) -> str:
    return values.get(match[1], "") or (match[2] or "").strip()


def values_of(record: RecordType, rows: Sequence[Any], user: Any, names: Sequence[str]) -> list[dict[str, str]]:
    """What the fields say of each row, in the sender's language: one statement per linked field, whatever the number of rows."""
    fields = fields_of(record, user)
    used = [fields[name] for name in names]
    prefetch_related_objects(list(rows), *dict.fromkeys(name for each in used for name in each.many))
    context = row_context(user, see(user, rows, [name for each in used for name in each.links]) if rows else {})
    return [{name: _text(fields[name].value(row, context), context.locale) for name in names} for row in rows]


def _text(value: Any, locale: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("Yes") if value else _("No")
        case datetime():
            return cells.format_short(value.astimezone(cells.current_context().zone).date(), locale)
        case date():
            return cells.format_short(value, locale)
        case Decimal() | int():
            return cells.format_number(value, locale, 0 if value == int(value) else 2)
    return " ".join(str(value).split())
