"""What a record type looks like to one user: its own columns, facts and filters, and those of the custom fields that the user may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString

from crm.core import cells
from crm.core.custom.definitions import definitions, fields_of, grouped, remembered
from crm.core.custom.filters import filters_of
from crm.core.custom.forms import MORE
from crm.core.custom.keys import NUMERIC
from crm.core.custom.layouts import profile
from crm.core.custom.models import CustomField
from crm.core.custom.values import plain_text, python_value
from crm.core.postgres.estimates import table_size
from crm.core.records import Column, Fact, RecordType, Section

Kind = CustomField.Kind
WIDE = "d-none d-lg-table-cell"
TARGETS = (Kind.USER, Kind.LINK)
SORTED = set(Kind) - {Kind.LONG_TEXT, Kind.CHOICES, *TARGETS}
SORTED_UNINDEXED = 50_000  # rows of a table that are sorted by a field without an index; more would take too long


def shaped(record: RecordType, user: Any) -> RecordType:
    """The record type as this user sees it; itself where it has neither custom fields nor a layout. Worked out once per role and version of the
    definitions."""
    known = definitions()
    if not user.is_authenticated or (record.model_label not in known.used and record.model_label not in known.layouts):
        return record
    quick = table_size(record.model) < SORTED_UNINDEXED
    found = remembered((record.slug, user.role_id, user.is_admin, quick), lambda: _shape(record, fields_of(record.model, user), known.stamp, quick))
    # The record type itself may have been put together anew since (by a test, or by an app): only what is added is kept.
    sections = profile(record, (*record.sections, *found[1]))
    return replace(record, columns=(*record.columns, *found[0]), sections=sections, more_filters=found[2], stamp=found[3])


def _shape(record: RecordType, fields: tuple[CustomField, ...], stamp: str, quick: bool) -> tuple[Any, ...]:
    columns = tuple(_column(each, quick) for each in fields)
    sections = tuple(
        Section(title or MORE, tuple(Fact(each.label, partial(_fact, each), each.name) for each in group)) for title, group in grouped(fields).items()
    )
    filters = {name: made for each in fields for name, made in filters_of(each).items()}
    return columns, sections, filters, f"{stamp}.{'.'.join(each.key for each in fields)}"


def _column(each: CustomField, quick: bool) -> Column:
    sort = each.name if each.kind in SORTED and (each.is_fast or quick) else ""
    links = (each.name,) if each.kind in TARGETS else ()
    css = f"r {WIDE}" if each.kind in NUMERIC else WIDE
    return Column(
        name=each.name,
        label=each.label,
        cell=partial(_cell, each),
        export=partial(_export, each),
        sort=sort,
        css=css,
        links=links,
        shown=each.in_list,
        edit=(each.name,),
    )


def target_of(each: CustomField, obj: Any, ctx: Any) -> Any:
    """The colleague or record that the value points to; None when there is none or the reader may not see it."""
    return ctx.seen.get(each.name, {}).get(obj.custom.get(each.key))


def _cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    return CELLS.get(each.kind, _text_cell)(each, obj, ctx)


def _text_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    return cells.text_cell(plain_text(each, obj.custom.get(each.key), ctx.locale), WIDE, limit=60)


def _number_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    return cells.td(cells.escape(plain_text(each, obj.custom.get(each.key), ctx.locale)) or cells.DASH, f"r {WIDE}")


def _date_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    return cells.date_cell(python_value(each, obj.custom.get(each.key)), ctx, WIDE)


def _url_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    return cells.td(_url_link(obj.custom[each.key], 40) if obj.custom.get(each.key) else cells.DASH, WIDE)


def _url_link(url: str, longest: int = 80) -> SafeString:
    text = url.partition("://")[2].rstrip("/")
    return format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', url, text if len(text) <= longest else f"{text[: longest - 1]}…")


def _yes_no_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    value = obj.custom.get(each.key)
    return cells.td(cells.DASH, WIDE) if value is None else cells.bool_cell(value, WIDE)


def _user_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    person = target_of(each, obj, ctx)
    return cells.td(cells.person(person.name, person.pk) if person is not None else cells.DASH, WIDE)


def _link_cell(each: CustomField, obj: Any, ctx: Any) -> SafeString:
    target = target_of(each, obj, ctx)
    return cells.ref_cell(ctx.url_of(target), str(target), WIDE) if target is not None else cells.td(cells.DASH, WIDE)


CELLS: dict[str, Callable[[CustomField, Any, Any], SafeString]] = {
    Kind.NUMBER: _number_cell,
    Kind.MONEY: _number_cell,
    Kind.DATE: _date_cell,
    Kind.URL: _url_cell,
    Kind.YES_NO: _yes_no_cell,
    Kind.USER: _user_cell,
    Kind.LINK: _link_cell,
}


def _fact(each: CustomField, obj: Any, ctx: Any) -> SafeString | str:
    """The value in a record's profile; "" hides it."""
    value = obj.custom.get(each.key)
    if value is None:
        return ""
    if each.kind in TARGETS:
        target = target_of(each, obj, ctx)
        if target is None:
            return ""
        return cells.person(target.name, target.pk) if each.kind == Kind.USER else format_html('<a href="{}">{}</a>', ctx.url_of(target), str(target))
    if each.kind == Kind.URL:
        return _url_link(value)
    text = plain_text(each, value, ctx.locale)
    if each.kind == Kind.LONG_TEXT:
        return format_html('<div class="prose">{}</div>', SafeString(linebreaks(text, autoescape=True)))
    return format_html("{}", text)


def _export(each: CustomField, obj: Any, ctx: Any) -> Any:
    """A plain value: numbers and days as such, choices by their labels, names as far as visible."""
    value = obj.custom.get(each.key)
    if value is None:
        return None
    if each.kind in TARGETS:
        return str(target_of(each, obj, ctx) or "")
    if each.kind in (Kind.CHOICE, Kind.CHOICES):
        return plain_text(each, value, ctx.locale)
    found: Any = value if each.kind == Kind.TIME else python_value(each, value)
    return found


def history_text(each: CustomField, values: Mapping[str, Any], ctx: Any) -> str:
    """`old → new` of a changed value in the reader's language; "" for links, whose names depend on the reader."""
    if each.kind == Kind.LINK:
        return ""
    if each.kind == Kind.USER:
        return f"{values.get('old_text') or '–'} → {values.get('new_text') or '–'}"
    old, new = (plain_text(each, values.get(key), ctx.locale)[:200] for key in ("old", "new"))
    return f"{old or '–'} → {new or '–'}"
