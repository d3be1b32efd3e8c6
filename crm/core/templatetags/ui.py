"""The tags and filters of every template (a builtin library: no `{% load %}` needed).

`{% icon "phone" %}` `{% icon "phone" "i-sm" %}` · `{% avatar user "av-md" %}` · `{% person user %}` · `{% timetag moment "relative" %}` ·
`{% money amount currency %}` · `{% number value 1 %}` · `{% badge label "green" %}` ·
`{% card "Title" %}...{% endcard %}` · `{% panel "Deals" count=2 new_url=url %}...{% endpanel %}` · `{{ text|markdown }}`.
For links that change one parameter of the address use Django's own `{% querystring page=2 %}`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import nh3
from django import template
from django.forms import BoundField
from django.forms.utils import flatatt
from django.forms.widgets import ChoiceWidget
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from crm.core import bars, cells
from crm.core.widgets import widget_html

register = template.Library()
for piece in (cells.body_rows, bars.head_cells, bars.sort_items, bars.view_tabs, bars.tab_items, bars.bulk_buttons, bars.page_sizes, bars.export_items):
    register.simple_tag(piece)  # of record lists


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite, hidden from assistive technology."""
    return cells.icon(str(name), css)


@register.simple_tag
def avatar(who: Any, css: str = "") -> SafeString:
    """Initials (or the photo) of a user or another named record, or of a name. Sizes: `av-sm`, none, `av-md`, `av-lg`; `av-sq` is square."""
    if isinstance(who, str):
        return cells.avatar(who, None, css)
    if photo := getattr(who, "photo_url", ""):
        return format_html('<img class="av {}" src="{}" alt="" width="32" height="32" loading="lazy">', css, photo)
    return cells.avatar(str(getattr(who, "name", None) or who), getattr(who, "pk", None), css)


@register.simple_tag
def person(user: Any) -> SafeString:
    """Small avatar and name of a user, or "Unassigned"."""
    if not user:
        return format_html('<span class="t3">{}</span>', gettext("Unassigned"))
    return cells.person(user.name, user.pk)


@register.simple_tag(takes_context=True)
def timetag(context: Context, value: datetime | date | None, style: str = "relative") -> SafeString | str:
    """`<time>` in UTC, shown in the reader's zone. Styles: `relative`, `datetime`, `date`, `clock`; a date knows `relative` and `date`."""
    if not value:
        return ""
    if isinstance(value, datetime):
        return cells.time_html(value, _cell_context(context), style=style)
    return cells.date_html(value, _cell_context(context), relative=style == "relative")


def _cell_context(context: Context) -> cells.CellContext:
    """One per rendering, so that a page of a hundred times does not look up the zone a hundred times."""
    stored = context.render_context.get("cell_context")
    if stored is None:
        stored = context.render_context["cell_context"] = cells.current_context()
    return stored


@register.simple_tag
def money(amount: Decimal | int | None, currency: str) -> str:
    """An amount in the reader's way: `€18,000`, `18.000 €`."""
    return cells.format_money(amount, currency, cells.current_locale())


@register.simple_tag
def number(value: Decimal | int | float | None, digits: int = 0) -> str:
    """A number with the reader's separators."""
    return "" if value is None else cells.format_number(value, cells.current_locale(), digits)


@register.simple_tag
def badge(label: Any, color: str = "grey", icon_name: str = "") -> SafeString:
    """A state with a dot, or with an icon a fact."""
    return cells.badge(str(label), color, icon_name)


@register.filter
def phone(value: str | None) -> SafeString | str:
    """A link that dials, in the reader's way."""
    return cells.phone_link(value) if value else ""


@register.filter
def email(value: str | None) -> SafeString | str:
    """A `mailto:` link."""
    return cells.email_link(value) if value else ""


# ---- parts with a body ----


@register.simple_block_tag
def card(content: str, title: Any = "", icon: str = "", url: str = "", css: str = "") -> SafeString:
    """A titled box on a page of its own (settings, reports). `url` makes the title a link."""
    mark = cells.icon(icon) if icon else ""
    heading = format_html('<a href="{}">{}</a>', url, title) if url else title
    head = format_html("<header>{}<h2>{}</h2></header>", mark, heading) if title else ""
    return format_html('<section class="panel {}">{}<div class="panel-body">{}</div></section>', css, head, content)


@register.simple_block_tag
def panel(content: str, title: Any, count: Any = None, icon: str = "", new_url: str = "", new_label: Any = "", id: str = "") -> SafeString:
    """A card of related records: title, number of rows, a button for a new one; the body is a list or an `.empty-line`."""
    mark = cells.icon(icon, "i-sm") if icon else ""
    number_of = format_html('<span class="count">{}</span>', count) if count is not None else ""
    plus = ""
    if new_url:
        label = new_label or gettext("Add to %(title)s") % {"title": title}
        plus = format_html('<a class="btn btn-ghost btn-sm btn-icon" href="{}" data-panel aria-label="{}">{}</a>', new_url, label, cells.icon("plus", "i-sm"))
    anchor = format_html(' id="{}"', id) if id else ""
    return format_html('<section class="panel"{}><header>{}<h2>{}</h2>{}{}</header>{}</section>', anchor, mark, title, number_of, plus, content)


# ---- text ----


def _heading_as_paragraph(tokens: list[Token]) -> None:
    """A note must not add headings to the outline of the page around it."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "p"
            if token.nesting == 1:
                token.attrSet("class", "fw-semibold")


_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable("strikethrough")
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"}


@lru_cache(512)
def render_markdown(text: str) -> SafeString:
    """Markdown to safe html: no raw html, no pictures, links to http, https and mailto only."""
    tokens = _markdown.parse(text)
    _heading_as_paragraph(tokens)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "p": {"class"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    return SafeString(clean)


@register.filter
def markdown(value: Any) -> SafeString:
    """`{{ note.text|markdown }}`; wrap it in an element with the class `prose`."""
    return render_markdown(str(value or ""))


@register.filter
def undo_url(message: Any) -> str:
    """The address in a Django message's `extra_tags="undo:/deals/3/undo/"`, or nothing."""
    return _tagged(message, "undo:")


@register.filter
def plan_url(message: Any) -> str:
    """The address in `extra_tags="plan:/tasks/3/complete/"`, or nothing."""
    return _tagged(message, "plan:")


def _tagged(message: Any, name: str) -> str:
    parts = (part.removeprefix(name) for part in (message.extra_tags or "").split() if part.startswith(name))
    return next((part for part in parts if part.startswith("/") and not part.startswith("//")), "")


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser(user_agent: str) -> str:
    """`Mozilla/5.0 (X11; Linux …` -> `Chrome, Linux`; programs by the first word of what they call themselves."""
    name = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return ", ".join(part for part in (name, system) if part) or user_agent.split("/")[0][:40] or gettext("Unknown device")


# ---- forms ----


@register.filter
def is_tick(field: BoundField) -> bool:
    """Whether a form field is a single tick box, whose label stands behind it."""
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not field.use_fieldset


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget with the theme's classes; crispy's templates would take ten times as long for the filters of a list."""
    widget = field.field.widget
    kind = getattr(widget, "input_type", "")
    if field.use_fieldset and isinstance(widget, ChoiceWidget):
        return format_html_join("", "{}", ((_box(sub.data, kind),) for sub in field.subwidgets))
    base = {"select": "form-select", "checkbox": "form-check-input"}.get(kind, "form-control")
    own = widget.attrs.get("class", "")
    css: dict[str, Any] = {"class": f"{base} {own}{' is-invalid' if field.errors else ''}".strip()}
    attrs = field.build_widget_attrs(css, widget)
    if field.auto_id:
        attrs.setdefault("id", widget.attrs.get("id") or field.auto_id)
    html = widget_html(widget, field.html_name, field.value(), attrs)
    return field.as_widget(attrs=css) if html is None else html


def _box(data: dict[str, Any], kind: str) -> SafeString:
    """One tick box or radio button of a group."""
    attrs = {**data["attrs"], "type": kind, "name": data["name"], "value": data["value"], "class": "form-check-input", "checked": bool(data["selected"])}
    return format_html('<div class="form-check"><input{}><label class="form-check-label" for="{}">{}</label></div>', flatatt(attrs), attrs["id"], data["label"])
