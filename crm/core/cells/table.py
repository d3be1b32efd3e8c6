"""The cells themselves, and the rows of a list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from html import escape as _escape
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from crm.core import dialing
from crm.core.cells.context import CellContext
from crm.core.cells.formats import escape, format_money, format_number, format_phone, said
from crm.core.cells.pieces import avatar, badge, date_html, icon, next_step, person, score_meter, time_html

DASH = '<span class="t3" aria-hidden="true">–</span>'


def td(inner: str, css: str = "") -> SafeString:
    """A cell around html that is already safe."""
    return SafeString(f"{_open_td(css)}{inner}</td>")


@lru_cache(256)
def _open_td(css: str) -> str:
    return f'<td class="{_escape(css)}">' if css else "<td>"


def link_cell(
    url: str,
    title: str,
    sub: str | None = None,
    avatar_of: int | None = None,
    *,
    square: bool = False,
    css: str = "",
    badge_html: str = "",
) -> SafeString:
    """The first column, `<th scope="row">`: the link to the record.

    `sub`: a second line on phones (the company). `avatar_of`: the record's id, which picks the avatar's colour; `square` for companies.
    `badge_html`: safe html after the title."""
    name = str(title) or gettext("No name")
    face = avatar(name, avatar_of, "av-sq" if square else "") if avatar_of is not None else ""
    second = f'<span class="d-lg-none d-block xs fw-normal t2">{escape(str(sub))}</span>' if sub else ""
    classes = f' class="{escape(css)}"' if css else ""
    return SafeString(
        f'<th scope="row"{classes}><span class="who">{face}<span><a href="{escape(url)}" data-rowlink>{escape(name)}</a>{badge_html}{second}</span></span></th>'
    )


def text_cell(value: Any, css: str = "", *, strong: bool = False, limit: int = 80) -> SafeString:
    """Plain text; `strong` in the main colour. Long text is cut with the whole of it on hover."""
    css = f"strong {css}".rstrip() if strong else css
    text = "" if value is None else str(value)
    if len(text) > limit:
        return td(f'<span title="{escape(text[:500])}">{escape(text[: limit - 1])}…</span>', css)
    return td(escape(text) or DASH, css)


def ref_cell(url: str, title: str | None, css: str = "") -> SafeString:
    """A link to another record, such as the company of a contact."""
    return td(f'<a href="{escape(url)}">{escape(str(title))}</a>' if title else DASH, css)


def badge_cell(label: str | None, color: str = "grey", css: str = "", icon_name: str = "") -> SafeString:
    """A status badge."""
    return td(badge(str(label), color, icon_name) if label else DASH, css)


def person_cell(user: Any | None, css: str = "") -> SafeString:
    """The owner: avatar and name, or "Unassigned"."""
    if user is None:
        return td(f'<span class="t3">{escape(gettext("Unassigned"))}</span>', css)
    return td(person(user.name, user.pk), css)


def date_cell(day: date | None, ctx: CellContext, css: str = "", *, late: bool = False) -> SafeString:
    """A day; `late` marks one that should have been met."""
    css = f"num {css}".rstrip()
    if day is None:
        return td(DASH, css)
    if isinstance(day, datetime):
        return datetime_cell(day, ctx, css)
    html = date_html(day, ctx)
    if late:
        html = SafeString(f'<span class="act act-late">{icon("alert-triangle", "i-sm")}{html}</span>')
    return td(html, css)


def datetime_cell(moment: datetime | None, ctx: CellContext, css: str = "", *, style: str = "relative", empty: str = "") -> SafeString:
    """A moment in the reader's zone; `empty` is what to say when there is none, marked with `gettext_noop` (Never)."""
    css = f"num {css}".rstrip()
    if moment is None:
        return td(f'<span class="t3">{escape(said(empty, ctx.locale))}</span>' if empty else DASH, css)
    return td(time_html(moment, ctx, style=style), css)


def money_cell(amount: Decimal | None, currency: str, ctx: CellContext, css: str = "") -> SafeString:
    """An amount, right-aligned."""
    css = f"r strong {css}".rstrip()
    return td(DASH if amount is None else escape(format_money(amount, currency, ctx.locale)), css)


def number_cell(value: Decimal | int | None, ctx: CellContext, css: str = "", *, digits: int = 0, suffix: str = "") -> SafeString:
    """A number, right-aligned; `suffix` such as ` %`."""
    css = f"r {css}".rstrip()
    return td(DASH if value is None else f"{format_number(value, ctx.locale, digits)}{escape(suffix)}", css)


def phone_link(number: str) -> SafeString:
    """A link that dials, in the reader's way (crm.core.dialing)."""
    return _dial_link(number, dialing.current())


@lru_cache(16384)
def _dial_link(number: str, way: str) -> SafeString:
    beside = ' target="_blank" rel="noopener noreferrer"' if dialing.is_page(way) else ""
    return SafeString(f'<a href="{escape(dialing.address(number, way))}"{beside}>{escape(format_phone(number))}</a>')


def phone_cell(number: str | None, css: str = "") -> SafeString:
    """A phone number (E.164) to call."""
    return td(phone_link(number) if number else DASH, f"num {css}".rstrip())


def email_link(address: str) -> SafeString:
    """A `mailto:` link."""
    safe = escape(address)
    return SafeString(f'<a href="mailto:{safe}">{safe}</a>')


def email_cell(address: str | None, css: str = "") -> SafeString:
    """An e-mail address to write to."""
    return td(email_link(address) if address else DASH, css)


def next_step_cell(
    kind: str | None,
    subject: str | None,
    due_at: datetime | None,
    ctx: CellContext,
    css: str = "",
    *,
    all_day: bool = False,
    phone_badge: tuple[str, str] | None = None,
) -> SafeString:
    """The next step; `phone_badge` (label, colour) stands under it on phones, where the status column is hidden."""
    inner: str = next_step(kind, subject, due_at, ctx, all_day=all_day)
    if phone_badge:
        inner = f'{inner}<span class="d-lg-none d-block mt-1">{badge(str(phone_badge[0]), phone_badge[1])}</span>'
    return td(inner, css)


def score_cell(score: int | None, css: str = "") -> SafeString:
    """A score of 0 to 100 as number and bar."""
    return td(DASH if score is None else score_meter(score), css)


@lru_cache(4096)
def tag(name: str, color: str = "") -> SafeString:
    """One tag."""
    tone = f" {color if color.startswith('k-') else f'k-{color}'}" if color else ""
    return SafeString(f'<span class="tag{escape(tone)}">{escape(name)}</span>')


def tags_html(tags: Iterable[Any], most: int | None = None) -> SafeString:
    """Tags: names, or objects with `name` and `color`; those beyond `most` as "+2". Nothing without tags."""
    pairs = [(item, "") if isinstance(item, str) else (item.name, getattr(item, "color", "")) for item in tags]
    html = "".join(tag(name, color) for name, color in pairs[:most])
    if rest := pairs[most:] if most is not None else []:
        names = ", ".join(name for name, _color in rest)
        words = ngettext("%(count)s more tag: %(names)s", "%(count)s more tags: %(names)s", len(rest)) % {"count": len(rest), "names": names}
        html += f'<span class="tag" title="{escape(words)}">+{len(rest)}</span>'
    return SafeString(f'<span class="tags">{html}</span>' if html else "")


def tags_cell(tags: Iterable[Any], css: str = "") -> SafeString:
    """The first three tags and how many more there are."""
    return td(tags_html(tags, 3) or DASH, css)


def bool_cell(value: bool | None, css: str = "") -> SafeString:
    """Yes with a tick, or No."""
    if value:
        return td(f'<span class="act">{icon("check", "i-sm")}{escape(gettext("Yes"))}</span>', css)
    return td(f'<span class="t3">{escape(gettext("No"))}</span>', css)


def body_rows(rows: Iterable[Any], selectable: bool) -> SafeString:
    """The `<tr>`s of a list: rows with `pk`, `cells` (finished html), `label` (what the tick box selects), `stamp` (crm.core.stamps) and
    `fixed` (not to be changed by the reader)."""
    parts: list[str] = []
    select = escape(gettext("Select %(label)s"))
    for row in rows:
        box = ""
        if selectable:
            label = select % {"label": escape(str(row.label))}
            box = (
                '<td class="c-sel"><label class="hit"><input class="form-check-input" type="checkbox" name="ids" form="bulkform" '
                f'value="{row.pk}" data-row aria-label="{label}"></label></td>'
            )
        parts.append(f'<tr data-pk="{row.pk}" data-v="{row.stamp}"{" data-fixed" if row.fixed else ""}>{box}{"".join(row.cells)}</tr>\n')
    return SafeString("".join(parts))
