"""Table cells: small functions that return one complete, escaped `<td>` or `<th scope="row">`.

A list page calls about 450 of them, so they build strings directly and remember what repeats (badges, people, days);
through the template engine the same cells take nine times as long. Every function escapes what it is given.

`css` takes classes such as `d-none d-lg-table-cell`; under 992 px a list shows its first column and the one with `c-last`.
A column names a function of the object and the `CellContext`:
`Column("amount", _("Amount"), cell=lambda deal, ctx: money_cell(deal.amount, deal.currency, ctx))`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from html import escape as _escape
from typing import Any

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, get_currency_precision
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_noop, ngettext

COLORS = ("k-violet", "k-teal", "k-blue", "k-amber", "k-pink", "k-green", "k-grey")
DASH = '<span class="t3" aria-hidden="true">–</span>'


@dataclass(frozen=True, slots=True)
class CellContext:
    """What cells need to know about the reader; made once per page."""

    user: Any
    now: datetime  # aware
    zone: tzinfo
    locale: str  # a Babel identifier: `en_GB`, `de`
    today: date  # in `zone`
    url_of: Callable[[Any], str]  # the page of a record


def current_context(user: Any = None, url_of: Callable[[Any], str] | None = None) -> CellContext:
    """The context of the active language and time zone."""
    now, zone = timezone.now(), timezone.get_current_timezone()
    return CellContext(user, now, zone, current_locale(), now.astimezone(zone).date(), url_of or address_of)


@lru_cache(64)
def _address_frame(model: type) -> tuple[str, str] | None:
    """What stands before and after the id in the addresses of a model's pages; None where more than the id makes the address."""
    before, found, after = model(pk=987654321).get_absolute_url().partition("987654321")
    return (before, after) if found else None


def address_of(obj: Any) -> str:
    """`obj.get_absolute_url()` without asking the address book of all pages for each of a hundred rows."""
    frame = _address_frame(type(obj))  # type: ignore[arg-type]
    return f"{frame[0]}{obj.pk}{frame[1]}" if frame else obj.get_absolute_url()


@lru_cache(1024)
def _choice(field: Any, value: Any, language: str | None) -> str:
    return str(dict(field.flatchoices).get(value, value))


def choice_label(obj: Any, name: str) -> str:
    """`obj.get_<name>_display()`, which translates all choices of the field each time, remembered."""
    return _choice(obj._meta.get_field(name), getattr(obj, name), get_language())


@lru_cache(64)
def locale_of(language: str | None) -> str:
    """The Babel identifier for a Django language code; plain `en` is written the international way (19 Nov, 14:30)."""
    if not language or language == "en":
        return "en_GB"
    try:
        return str(Locale.parse(language, sep="-"))
    except (ValueError, UnknownLocaleError):
        return "en_GB"


def current_locale() -> str:
    return locale_of(get_language())


_special = re.compile("[&<>\"']").search
_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch


def escape(text: str) -> str:
    """Like `html.escape`; most texts hold nothing to escape, and looking first is four times faster than replacing."""
    return _escape(text) if _special(text) else text


@lru_cache(1024)
def said(message: str, locale: str) -> str:
    """`gettext(message)`, remembered: for words that a cell says on every row. Mark the message with `gettext_noop`."""
    return gettext(message)


# ---- icons ----


@lru_cache(1)
def _sprite_url() -> str:
    return staticfiles_storage.url("vendor/tabler-icons/icons.svg")


@lru_cache(1024)
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite (`frontend/icons.txt`), hidden from assistive technology: put the word beside it."""
    css = f"i {css}".rstrip()
    return SafeString(f'<svg class="{escape(css)}" aria-hidden="true" focusable="false"><use href="{escape(_sprite_url())}#{escape(name)}"/></svg>')


# ---- people ----


def color_of(pk: int | None) -> str:
    """The colour class of an avatar."""
    return COLORS[pk % 7] if pk is not None else "k-grey"


@lru_cache(8192)
def initials(name: str) -> str:
    """`Ludwig van Beethoven` -> `LB`."""
    words = [word for word in re.split(r"[\s\-]+", name) if word and word[0].isalnum()]
    if not words:
        return "?"
    capital = [word for word in words if word[0].isupper()] or words
    return (capital[0][0] + (capital[-1][0] if len(capital) > 1 else "")).upper()


@lru_cache(4096)
def avatar(name: str, pk: int | None, css: str = "") -> SafeString:
    """The round initials of a person; `css` is a size (`av-sm`, `av-md`, `av-lg`) or `av-sq` for companies."""
    classes = f"av {css}".rstrip()
    return SafeString(f'<span class="{escape(classes)} {color_of(pk)}" aria-hidden="true">{escape(initials(name))}</span>')


@lru_cache(4096)
def person(name: str, pk: int | None) -> SafeString:
    """Small avatar and name."""
    return SafeString(f'<span class="who">{avatar(name, pk, "av-sm")}{escape(name)}</span>')


# ---- numbers ----


@lru_cache(64)
def _separators(locale: str) -> tuple[str, str, bool]:
    """Group sign, decimal sign, and whether groups have three digits."""
    parsed = Locale.parse(locale)
    symbols = parsed.number_symbols.get("latn", parsed.number_symbols)
    return symbols["group"], symbols["decimal"], parsed.decimal_formats[None].grouping == (3, 3)


def format_number(value: Decimal | int | float, locale: str, digits: int = 0) -> str:
    """`1234.5` -> `1,234.5` or `1.234,5`."""
    text = f"{value:,.{digits}f}"
    group, decimal, _three = _separators(locale)
    if (group, decimal) == (",", "."):
        return text
    return text.translate({44: group, 46: decimal})


def count_text(count: int, *, capped: bool) -> str:
    """`8,152`, or `10,000+` when there are more."""
    return f"{format_number(count, current_locale())}{'+' if capped else ''}"


@lru_cache(512)
def _money_frame(currency: str, locale: str) -> tuple[str, str, int]:
    """What stands before and after the digits, and how many decimals the currency has."""
    try:
        sample = format_currency(0, currency, locale=locale)
        precision = get_currency_precision(currency)
    except (ValueError, UnknownLocaleError):
        return "", f" {currency}", 2
    match = re.match(r"^(\D*)0(?:[^\d\s]0+)?(\D*)$", sample)
    before, after = match.groups() if match else (f"{currency} ", "")
    return before, after, precision


def format_money(amount: Decimal | int | None, currency: str, locale: str) -> str:
    """An amount in the reader's way; whole amounts without decimals: `€18,000`, `18.000 €`."""
    if amount is None:
        return ""
    before, after, precision = _money_frame(currency, locale)
    value = Decimal(amount)
    digits = 0 if value == value.to_integral_value() else precision
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if not _separators(locale)[2]:
        return format_currency(rounded, currency, locale=locale, decimal_quantization=False)
    sign = "-" if rounded < 0 else ""
    return f"{sign}{before}{format_number(abs(rounded), locale, digits)}{after}"


# ---- dates and times ----


@lru_cache(8192)
def format_short(day: date, locale: str, with_year: bool = True) -> str:
    """`19 Nov 2026` or `19 Nov`."""
    return format_skeleton("yMMMd" if with_year else "MMMd", day, locale=locale)


@lru_cache(8192)
def format_long(day: date, locale: str) -> str:
    """`Thursday, 19 November 2026`."""
    return format_date(day, "full", locale=locale)


@lru_cache(4096)
def _clock(hour: int, minute: int, locale: str) -> str:
    return format_time(datetime(2000, 1, 1, hour, minute), "short", locale=locale)


def format_clock(moment: datetime, locale: str) -> str:
    """`14:30` or `2:30 PM`; the moment must already be in the reader's zone."""
    return _clock(moment.hour, moment.minute, locale)


def day_text(day: date, ctx: CellContext) -> str:
    """A day as one would say it: Today, Yesterday, Tomorrow, 19 Nov, 19 Nov 2025."""
    return _day_text(day, ctx.today, ctx.locale)


@lru_cache(8192)
def _day_text(day: date, today: date, locale: str) -> str:
    distance = (day - today).days
    if distance == 0:
        return gettext("Today")
    if distance == -1:
        return gettext("Yesterday")
    if distance == 1:
        return gettext("Tomorrow")
    return format_short(day, locale, day.year != today.year)


def iso_utc(moment: datetime) -> str:
    """`2026-11-19T10:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc_attribute(moment: datetime) -> str:
    if moment.tzinfo is UTC:  # what the database driver gives; three times faster than strftime
        return f"{moment.isoformat(timespec='seconds')[:19]}Z"
    return iso_utc(moment)


def time_html(moment: datetime, ctx: CellContext, *, style: str = "relative") -> SafeString:
    """`<time>` in UTC with the full local time on hover. Styles: `relative` (Today 14:30, 19 Nov), `datetime`, `date`, `clock`."""
    local = moment.astimezone(ctx.zone)
    day, clock = local.date(), format_clock(local, ctx.locale)
    if style == "relative":
        near = -2 < (day - ctx.today).days < 2
        text = f"{day_text(day, ctx)} {clock}" if near else day_text(day, ctx)
    elif style == "date":
        text = format_short(day, ctx.locale)
    elif style == "clock":
        text = clock
    else:
        text = f"{format_short(day, ctx.locale)} {clock}"
    full = f"{format_long(day, ctx.locale)} {clock}"
    return SafeString(f'<time datetime="{_utc_attribute(moment)}" title="{escape(full)}">{escape(text)}</time>')


def date_html(day: date, ctx: CellContext, *, relative: bool = True) -> SafeString:
    """`<time>` of a day without a clock time."""
    text = day_text(day, ctx) if relative else format_short(day, ctx.locale)
    return SafeString(f'<time datetime="{day.isoformat()}" title="{escape(format_long(day, ctx.locale))}">{escape(text)}</time>')


# ---- parts ----


@lru_cache(4096)
def badge(label: str, color: str = "grey", icon_name: str = "") -> SafeString:
    """A state (dot) or, with an icon, a fact. `color`: one of red, amber, green, blue, violet, teal, pink, grey."""
    color = color if color.startswith("k-") else f"k-{color}"
    mark, dot = (icon(icon_name), "") if icon_name else ("", " dot")
    return SafeString(f'<span class="bdg{dot} {escape(color)}">{mark}{escape(label)}</span>')


@lru_cache(256)
def score_meter(score: int) -> SafeString:
    """The number and a bar of 0 to 100."""
    width = round(max(0, min(100, score)) * 0.4, 1)
    return SafeString(
        f'<span class="meter"><span class="num">{score}</span><svg viewBox="0 0 40 4" aria-hidden="true">'
        f'<rect class="m-bg" width="40" height="4" rx="2"/><rect class="m-fg" width="{width}" height="4" rx="2"/></svg></span>'
    )


def _step(css: str, icon_name: str, text: str, title: str = "", due_at: datetime | None = None) -> SafeString:
    hint = f' title="{escape(title)}"' if title and title != text else ""
    if due_at is None:
        return SafeString(f'<span class="act act-{css}"{hint}>{icon(icon_name, "i-sm")}{escape(text)}</span>')
    return SafeString(f'<span class="act act-{css}">{icon(icon_name, "i-sm")}<time datetime="{_utc_attribute(due_at)}"{hint}>{escape(text)}</time></span>')


# The words for the stored kinds of tasks and meetings; the same ones as in activities.models, which the kernel may not import.
_STEP_WORDS = {
    "todo": gettext_noop("To do"),
    "call": gettext_noop("Call"),
    "email": gettext_noop("E-mail"),
    "visit": gettext_noop("Visit"),
    "follow_up": gettext_noop("Follow-up"),
    "meeting": gettext_noop("Meeting"),
}


@lru_cache(256)
def _step_word(kind: str, locale: str) -> str:
    return step_word(kind)


@lru_cache(4096)
def _late(word: str, days: int, hours: int, locale: str) -> str:
    if days:
        return gettext("%(step)s, %(days)s d late") % {"step": word, "days": days}
    return gettext("%(step)s, %(hours)s h late") % {"step": word, "hours": hours}


@lru_cache(256)
def _step_today(word: str, locale: str) -> str:
    return gettext("%(step)s today") % {"step": word}


def step_word(kind: str | None) -> str:
    """`follow_up` -> Follow-up; a word that is not a stored kind stays as it is."""
    word = str(kind or "")
    return gettext(_STEP_WORDS[word]) if word in _STEP_WORDS else word


@lru_cache(16)
def _no_step(locale: str) -> SafeString:
    return _step("none", "circle-dashed", gettext("No next step"))


def next_step(kind: str | None, subject: str | None, due_at: datetime | None, ctx: CellContext, *, all_day: bool = False) -> SafeString:
    """What is to be done next and when, as icon and words: late, today, planned or none.

    `kind` is a stored kind (`call`) or the word to show (`Call`), `subject` what it is about. `all_day` steps are late only when their day is over."""
    word = _step_word(str(kind or ""), ctx.locale) or str(subject or "")
    if not word:
        return _no_step(ctx.locale)
    if due_at is None:
        return _step("plan", "calendar-event", word, str(subject or ""))
    local = due_at.astimezone(ctx.zone)
    day, distance = local.date(), (local.date() - ctx.today).days
    when = format_long(day, ctx.locale) if all_day else f"{format_long(day, ctx.locale)} {format_clock(local, ctx.locale)}"
    title = f"{subject}, {when}" if subject else when
    if distance < 0:
        return _step("late", "alert-triangle", _late(word, -distance, 0, ctx.locale), title, due_at)
    if distance == 0 and due_at < ctx.now and not all_day:
        hours = max(1, int((ctx.now - due_at).total_seconds() // 3600))
        return _step("late", "alert-triangle", _late(word, 0, hours, ctx.locale), title, due_at)
    if distance == 0:
        return _step("today", "clock", _step_today(word, ctx.locale), title, due_at)
    return _step("plan", "calendar-event", f"{word} {_near_day(day, ctx.today, ctx.locale)}", title, due_at)


@lru_cache(4096)
def _near_day(day: date, today: date, locale: str) -> str:
    if day - today < timedelta(days=7):
        return format_date(day, "EEE", locale=locale).rstrip(".")
    return format_short(day, locale, day.year != today.year)


# ---- cells ----


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


def datetime_cell(moment: datetime | None, ctx: CellContext, css: str = "", *, style: str = "relative", empty: Any = "") -> SafeString:
    """A moment in the reader's zone; `empty` is what to say when there is none (Never)."""
    css = f"num {css}".rstrip()
    if moment is None:
        return td(f'<span class="t3">{escape(str(empty))}</span>' if empty else DASH, css)
    return td(time_html(moment, ctx, style=style), css)


def money_cell(amount: Decimal | None, currency: str, ctx: CellContext, css: str = "") -> SafeString:
    """An amount, right-aligned."""
    css = f"r strong {css}".rstrip()
    return td(DASH if amount is None else escape(format_money(amount, currency, ctx.locale)), css)


def number_cell(value: Decimal | int | None, ctx: CellContext, css: str = "", *, digits: int = 0, suffix: str = "") -> SafeString:
    """A number, right-aligned; `suffix` such as ` %`."""
    css = f"r {css}".rstrip()
    return td(DASH if value is None else f"{format_number(value, ctx.locale, digits)}{escape(suffix)}", css)


@lru_cache(16384)
def format_phone(number: str) -> str:
    """`+4366212345` -> `+43 662 12345`."""
    try:
        parsed = _of_e164(number) or phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _of_e164(number: str) -> phonenumbers.PhoneNumber | None:
    """What `phonenumbers.parse` makes of a number as it is stored, without looking for all the ways in which people write one: a list has
    fifty. None for any other text."""
    if not _E164(number):
        return None
    for length in (1, 2, 3):  # no code begins with another one
        code, rest = int(number[1 : length + 1]), number[length + 1 :]
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            found = phonenumbers.PhoneNumber(country_code=code, national_number=int(rest))
            if rest.startswith("0"):
                zeros = len(rest) - len(rest.lstrip("0"))
                found.italian_leading_zero, found.number_of_leading_zeros = True, zeros if zeros > 1 else None
            return found
    return None


@lru_cache(16384)
def phone_link(number: str) -> SafeString:
    """A `tel:` link."""
    return SafeString(f'<a href="tel:{escape(re.sub(r"[^+0-9]", "", number))}">{escape(format_phone(number))}</a>')


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


def tags_cell(tags: Iterable[Any], css: str = "", *, most: int = 3) -> SafeString:
    """Tags: names, or objects with `name` and `color`; the rest as "+2"."""
    pairs = [(item, "") if isinstance(item, str) else (item.name, getattr(item, "color", "")) for item in tags]
    html = "".join(tag(name, color) for name, color in pairs[:most])
    if len(pairs) > most:
        rest = ", ".join(name for name, _color in pairs[most:])
        words = ngettext("%(count)s more tag: %(names)s", "%(count)s more tags: %(names)s", len(pairs) - most) % {"count": len(pairs) - most, "names": rest}
        html += f'<span class="tag" title="{escape(words)}">+{len(pairs) - most}</span>'
    return td(f'<span class="tags">{html}</span>' if html else DASH, css)


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
