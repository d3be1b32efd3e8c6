"""What cells are made of: icons, avatars, badges, times, next steps; escaped html."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from crm.core.cells.context import CellContext
from crm.core.cells.formats import _near_day, _utc_attribute, day_text, escape, format_clock, format_long, format_short

COLORS = ("k-violet", "k-teal", "k-blue", "k-amber", "k-pink", "k-green", "k-grey")


@lru_cache(1)
def _sprite_url() -> str:
    return staticfiles_storage.url("vendor/tabler-icons/icons.svg")


@lru_cache(1024)
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite (`frontend/icons.txt`), hidden from assistive technology: put the word beside it."""
    css = f"i {css}".rstrip()
    return SafeString(f'<svg class="{escape(css)}" aria-hidden="true" focusable="false"><use href="{escape(_sprite_url())}#{escape(name)}"/></svg>')


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


def time_html(moment: datetime, ctx: CellContext, *, style: str = "relative") -> SafeString:
    """`<time>` in UTC, the full local time on hover. Styles: `relative` (Today 14:30, 19 Nov), `datetime`, `date`, `clock`, `age` (2 h), `ago` (2 h ago)."""
    local = moment.astimezone(ctx.zone)
    day, clock = local.date(), format_clock(local, ctx.locale)
    if style == "relative":
        near = -2 < (day - ctx.today).days < 2
        text = f"{day_text(day, ctx)} {clock}" if near else day_text(day, ctx)
    elif style == "age":
        text = _age(int((ctx.now - moment).total_seconds()) // 60)
    elif style == "ago":
        minutes = int((ctx.now - moment).total_seconds()) // 60
        text = gettext("%(age)s ago") % {"age": _age(minutes)} if minutes < 14 * 24 * 60 else day_text(day, ctx)
    elif style == "date":
        text = format_short(day, ctx.locale)
    elif style == "clock":
        text = clock
    else:
        text = f"{format_short(day, ctx.locale)} {clock}"
    full = f"{format_long(day, ctx.locale)} {clock}"
    return SafeString(f'<time datetime="{_utc_attribute(moment)}" title="{escape(full)}">{escape(text)}</time>')


def _age(minutes: int) -> str:
    if minutes < 60:
        return gettext("%(n)s min") % {"n": max(1, minutes)}
    return gettext("%(n)s h") % {"n": minutes // 60} if minutes < 48 * 60 else gettext("%(n)s d") % {"n": minutes // (24 * 60)}


def date_html(day: date, ctx: CellContext, *, relative: bool = True, text: str = "") -> SafeString:
    """`<time>` of a day without a clock time; `text` for other words."""
    text = text or (day_text(day, ctx) if relative else format_short(day, ctx.locale))
    return SafeString(f'<time datetime="{day.isoformat()}" title="{escape(format_long(day, ctx.locale))}">{escape(text)}</time>')


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


# What is to be done, by the stored kinds of tasks and meetings (activities.models, which the kernel may not import).
_STEP_WORDS = {
    "todo": gettext_noop("To do"),
    "call": gettext_noop("Call"),
    "email": gettext_noop("E-mail"),
    "visit": gettext_noop("Visit"),
    "follow_up": gettext_noop("Follow up"),
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
