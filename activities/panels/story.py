"""The timeline of a record's page. Its lines are built as strings, like the cells of a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activities import selectors
from activities.models import Meeting, Task
from activities.panels.composer import slug_of
from activities.panels.work import due_html, kind_icon, kind_text, may_change
from activities.selectors.timeline import TABS, place
from activities.selectors.wording import Worded, group_of, word
from activities.services import may_correct
from crm.core import cells
from crm.core.cells import escape
from crm.core.lists import row_context

RECENT = 4  # lines in the look at a row
TAB_LABELS = {
    "": gettext_lazy("All"),
    "note": gettext_lazy("Notes"),
    "call": gettext_lazy("Calls"),
    "email": gettext_lazy("E-mail and forms"),
    "task": gettext_lazy("Tasks and meetings"),
    "change": gettext_lazy("Changes"),
}


@dataclass(frozen=True)
class Group:
    title: str
    lines: list[Worded]
    html: SafeString


def timeline(request: Any, obj: Any) -> Any:
    """The timeline of a record's page, at the place and with the filter of the address (`?before=&kind=`)."""
    return render_to_string("activities/timeline.html", timeline_context(request, obj), request=request)


def recent(request: Any, obj: Any) -> SafeString | str:
    """The last lines of a record, to read: without buttons, tabs and what is planned. "" when there are none."""
    ctx = row_context(request.user)
    page = selectors.timeline(request.user, obj, size=RECENT)
    maker = LineMaker(request, ctx)
    lines = "".join(maker.line(word(line, ctx, page.subject_of(line), mine=False)) for line in page.lines)
    return SafeString(f'<ol class="tl">{lines}</ol>') if lines else ""


def timeline_context(request: Any, obj: Any, *, fragment: bool = False) -> dict[str, Any]:
    user, ctx = request.user, row_context(request.user)
    kind = request.GET.get("kind", "")
    kind = kind if kind in TABS else ""
    before = request.GET.get("before", "")
    at = place(before)
    page = selectors.timeline(user, obj, before if at else "", kind)
    lines = [(group_of(line.at, ctx), word(line, ctx, page.subject_of(line), mine=may_correct(line, user))) for line in page.lines]
    maker = LineMaker(request, ctx)
    groups = [_group(title, [line for _title, line in entries], maker) for title, entries in groupby(lines, key=lambda entry: entry[0])]
    if fragment and at and groups and groups[0].title == group_of(at[0], ctx):
        groups[0] = Group("", groups[0].lines, groups[0].html)  # goes on under the heading that is there
    return {
        "groups": groups,
        "upcoming": maker.upcoming(_upcoming(user, obj), obj) if not at and kind in ("", "task") else "",
        "tabs": [(label, _address(obj, kind=name), _fragment(obj, kind=name), name == kind) for name, label in TAB_LABELS.items()],
        "older_url": _address(obj, kind=kind, before=page.older) if page.older else "",
        "older_fragment": _fragment(obj, kind=kind, before=page.older) if page.older else "",
        "newest_url": _address(obj, kind=kind) if at and not fragment else "",
        "fragment": fragment,
        "kind": kind,
    }


def _group(title: str, lines: list[Worded], maker: LineMaker) -> Group:
    return Group(title, lines, SafeString("".join(maker.line(line) for line in lines)))


def _upcoming(user: Any, obj: Any) -> list[Task | Meeting]:
    tasks, meetings = selectors.upcoming(user, obj)
    dated = sorted([*meetings, *(task for task in tasks if task.due_at)], key=lambda row: row.starts_at if isinstance(row, Meeting) else row.due_at)
    return [*dated, *(task for task in tasks if not task.due_at)]


def _query(params: dict[str, str]) -> str:
    filled = {name: value for name, value in params.items() if value}
    return f"?{urlencode(filled)}" if filled else ""


def _address(obj: Any, **params: str) -> str:
    return f"{cells.address_of(obj)}{_query(params)}#timeline"


def _fragment(obj: Any, **params: str) -> str:
    return f"{reverse('activities:timeline', args=[slug_of(obj), obj.pk])}{_query(params)}"


def _html(value: Any) -> str:
    """Safe html as it is, anything else escaped."""
    return value if isinstance(value, SafeString) else escape(str(value))


class LineMaker:
    """Makes the `<li>`s of one page's timeline."""

    def __init__(self, request: Any, ctx: Any) -> None:
        self.user, self.ctx = request.user, ctx
        self.token = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'

    def line(self, line: Worded) -> str:
        """What happened."""
        about = f' <span class="t3">·</span> {line.about}' if line.about else ""
        badge = f" {line.badge}" if line.badge else ""
        body = f'<div class="bub">{_html(line.body)}</div>' if line.body else ""
        return (
            f'<li><span class="ic {line.color}">{cells.icon(line.icon)}</span><div class="hd"><span><b>{escape(line.who)}</b> '
            f'<span class="t2">{_html(line.what)}</span>{about}{badge}</span>{line.time}</div>{body}{self._buttons(line) if line.mine else ""}</li>'
        )

    def _buttons(self, line: Worded) -> str:
        """One's own note or call can be corrected."""
        what = f'<span class="visually-hidden"> ({_html(line.what)})</span>'
        edited = f'<span class="t3 xs align-self-center">{escape(_("edited"))}</span>' if line.edited else ""
        return (
            f'<div class="acts"><a class="btn btn-ghost btn-sm" href="{reverse("activities:edit", args=[line.pk])}">'
            f"{cells.icon('pencil', 'i-sm')}{escape(_('Edit'))}{what}</a>"
            f'<form method="post" action="{reverse("activities:delete", args=[line.pk])}">{self.token}'
            f'<button class="btn btn-ghost btn-sm" type="submit">{cells.icon("trash", "i-sm")}{escape(_("Delete"))}{what}</button></form>{edited}</div>'
        )

    def upcoming(self, rows: Iterable[Task | Meeting], obj: Any) -> SafeString:
        """What is planned. Ticking off leads back to the record's own address: the request's is a fragment's when htmx asks."""
        here = escape(self.ctx.url_of(obj))
        return SafeString("".join(self._planned(row, here) for row in rows))

    def _planned(self, row: Any, here: str) -> str:
        title, url = escape(row.title), self.ctx.url_of(row)
        tick = ""
        if isinstance(row, Task) and row.done_at is None and may_change(self.user, row):
            tick = (
                f'<form class="acts" method="post" action="{url}complete/">{self.token}<input type="hidden" name="next" value="{here}">'
                f'<button class="btn btn-ghost btn-sm" type="submit">{cells.icon("check", "i-sm")}{escape(_("Done"))}'
                f'<span class="visually-hidden">: {title}</span></button></form>'
            )
        color, owner = "k-teal" if isinstance(row, Meeting) else "k-amber", cells.badge(row.owner.name, "grey", "user")
        return (
            f'<li><span class="ic {color}">{kind_icon(row)}</span><div class="hd"><span><b>{escape(kind_text(row))}</b> '
            f'<a href="{url}">{title}</a> {owner}</span><span class="ms-auto xs">{due_html(row, self.ctx)}</span></div>{tick}</li>'
        )
