"""The timeline of a record's page. Its lines are built as strings, like the cells of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from activities import selectors
from activities.forms import TAB_LABELS, TimelineForm
from activities.models import Activity, Comment, Meeting, Task
from activities.panels.composer import slug_of
from activities.panels.work import due_html, kind_icon, kind_text, may_change
from activities.selectors import EVERYTHING, Comments, Wanted
from activities.selectors.timeline import place
from activities.selectors.wording import Worded, group_of, time_of, word
from activities.services import may_correct
from crm.core import cells
from crm.core.access import may_add
from crm.core.cells import escape
from crm.core.lists import row_context

RECENT = 4  # lines in the look at a row
FILTERS = ("q", "person", "team", "since", "until")  # besides the tab


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
    obj.newest_line = _newest(page)
    maker = LineMaker(request, ctx)
    lines = "".join(maker.line(word(line, ctx, page.subject_of(line)), acts=False) for line in page.lines)
    return SafeString(f'<ol class="tl">{lines}</ol>') if lines else ""


def _newest(page: selectors.TimelinePage) -> Activity | None:
    """The newest of these lines that says more than that fields were changed."""
    return next((line for line in page.lines if line.kind != Activity.Kind.CHANGE), None)


def last_contact(obj: Any, ctx: Any) -> SafeString:
    """How, with whom of us and how long ago: "Call, Ann Lee, 3 h ago". From the timeline of this page, where it shows that line to this reader;
    otherwise the time alone."""
    if obj.last_activity_at is None:
        return SafeString(f'<span class="t3">{escape(_("Never"))}</span>')
    line, time = getattr(obj, "newest_line", None), cells.time_html(obj.last_activity_at, ctx, style="ago")
    if line is None or line.at != obj.last_activity_at:
        return time
    words = (cells.choice_label(line, "kind"), line.actor.name if line.actor_id else "")
    return SafeString(f"{', '.join(escape(word) for word in words if word)}, {time}")


@dataclass(frozen=True)
class Asked:
    """What the address asks of a timeline: the filter, the place, and the list that the record's page belongs to (`from`)."""

    form: TimelineForm | None
    wanted: Wanted
    params: dict[str, str]
    before: str
    origin: str

    def query(self, **changes: str) -> str:
        """The query string with some of it changed; a new filter starts with the newest line."""
        filled = {name: value for name, value in {**self.params, "before": "", "from": self.origin, **changes}.items() if value}
        return f"?{urlencode(filled)}" if filled else ""


def asked_of(request: Any) -> Asked:
    """What is wrong in the address is left out; the form says what it is."""
    params, before = request.GET, request.GET.get("before", "")
    form = TimelineForm(params, user=request.user) if any(params.get(name) or params.get(f"{name}_text") for name in ("kind", *FILTERS)) else None
    valid = form is None or form.is_valid()
    wanted, kept = (form.wanted(), form.params()) if form is not None else (EVERYTHING, {})
    return Asked(None if valid and not kept else form, wanted, kept, before if place(before) else "", params.get("from", ""))


def timeline_url(obj: Any, asked: Asked, **changes: str) -> str:
    """The record's page with this filter."""
    return f"{cells.address_of(obj)}{asked.query(**changes)}#timeline"


def timeline_context(request: Any, obj: Any, *, fragment: bool = False) -> dict[str, Any]:
    user, ctx, asked = request.user, row_context(request.user), asked_of(request)
    at, kind = place(asked.before), asked.wanted.kind
    page = selectors.timeline(user, obj, asked.before, asked.wanted)
    obj.newest_line = _newest(page)
    maker = LineMaker(request, ctx, selectors.comments_of(page.lines))
    lines = [(group_of(line.at, ctx), word(line, ctx, page.subject_of(line), mine=may_correct(line, user))) for line in page.lines]
    groups = [_group(title, [line for _title, line in entries], maker) for title, entries in groupby(lines, key=lambda entry: entry[0])]
    if fragment and at and groups and groups[0].title == group_of(at[0], ctx):
        groups[0] = Group("", groups[0].lines, groups[0].html)  # goes on under the heading that is there
    fragment_url, chips = reverse("activities:timeline", args=[slug_of(obj), obj.pk]), _chips(obj, asked)
    return {
        "groups": groups,
        "pinned": SafeString("".join(maker.pinned(word(line, ctx)) for line in page.pinned)),
        "upcoming": maker.upcoming(_upcoming(user, obj, kind), obj) if not at and not chips and kind in ("", "task", "meeting") else "",
        "tabs": [(name, label, timeline_url(obj, asked, kind=name), fragment_url + asked.query(kind=name), name == kind) for name, label in TAB_LABELS.items()],
        "chips": chips,
        "clear_url": timeline_url(obj, asked, **dict.fromkeys(FILTERS, "")),
        "filter_url": f"{fragment_url}filter/{asked.query()}",
        "older_url": timeline_url(obj, asked, before=page.older) if page.older else "",
        "older_fragment": fragment_url + asked.query(before=page.older) if page.older else "",
        "newest_url": timeline_url(obj, asked) if at and not fragment else "",
        "fragment": fragment,
        "filtered": bool(asked.wanted),
        "filtering": getattr(request, "htmx", None) and request.htmx.trigger == "timeline-filter",
    }


class Chip(NamedTuple):
    """One filter that is on, and the address without it."""

    label: Any
    value: str
    remove_url: str


def _chips(obj: Any, asked: Asked) -> list[Chip]:
    form = asked.form
    if form is None:
        return []
    values = {name: form.cleaned_data[name] for name in FILTERS if name in asked.params}
    shown = {name: cells.format_short(value, cells.current_locale()) if isinstance(value, date) else str(value) for name, value in values.items()}
    return [Chip(form.fields[name].label, text, timeline_url(obj, asked, **{name: ""})) for name, text in shown.items()]


def _group(title: str, lines: list[Worded], maker: LineMaker) -> Group:
    return Group(title, lines, SafeString("".join(maker.line(line) for line in lines)))


def _upcoming(user: Any, obj: Any, kind: str) -> list[Task | Meeting]:
    tasks, meetings = selectors.upcoming(user, obj)
    tasks, meetings = [] if kind == "meeting" else tasks, [] if kind == "task" else meetings
    dated = sorted([*meetings, *(task for task in tasks if task.due_at)], key=lambda row: row.starts_at if isinstance(row, Meeting) else row.due_at)
    return [*dated, *(task for task in tasks if not task.due_at)]


def _html(value: Any) -> str:
    """Safe html as it is, anything else escaped."""
    return value if isinstance(value, SafeString) else escape(str(value))


MOST_ROWS, ROW = 14, 90  # of a note: rows that are shown, signs in a row


def _bubble(html: str) -> str:
    """What was written. A long one shows its beginning, and the rest for whoever ticks the box."""
    if len(html) < MOST_ROWS * ROW and html.count("<") < MOST_ROWS:
        return f'<div class="bub">{html}</div>'
    rows = len(html) // ROW + sum(html.count(end) for end in ("<br", "</p>", "</li>", "</h", "</tr>"))
    if rows < MOST_ROWS:
        return f'<div class="bub">{html}</div>'
    return f'<div class="bub bub-long"><div>{html}</div><label><input class="form-check-input m-0" type="checkbox">{escape(_("Show all of it"))}</label></div>'


def comment_html(comment: Comment) -> SafeString:
    """Plain text with the mentioned marked; places that the text does not have are left out."""
    html, at = "", 0
    for start, length, _user in comment.mentions:
        if at <= start < start + length <= len(comment.body):
            html += f"{escape(comment.body[at:start])}<strong>{escape(comment.body[start : start + length])}</strong>"
            at = start + length
    return SafeString((html + escape(comment.body[at:])).replace("\n", "<br>"))


class LineMaker:
    """Makes the `<li>`s of one page's timeline."""

    def __init__(self, request: Any, ctx: Any, comments: Mapping[int, Comments] | None = None) -> None:
        self.user, self.ctx, self.comments = request.user, ctx, comments or {}
        self.token = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'
        self.may_write = may_add(request.user, Task)

    def line(self, line: Worded, *, acts: bool = True) -> str:
        """What happened, what was said to it, and what can be done about it."""
        talk = f'<div id="talk-{line.pk}">{self.talk(line.pk)}</div>' if acts or line.pk in self.comments else ""
        return f"<li>{self.told(line)}{talk}{self._buttons(line) if acts else ''}</li>"

    def pinned(self, line: Worded) -> str:
        """A line on top; what was said to it stands at its place, or on a page of its own."""
        what = f'<span class="visually-hidden"> ({_html(line.what)})</span>'
        link = self._link("activities:comments", line.pk, "message", _("Comments"), what)
        return f'<li>{self.told(line)}<div class="acts">{link}{self._pin(line, what)}</div></li>'

    def told(self, line: Worded) -> SafeString:
        about = f' <span class="t3">·</span> {line.about}' if line.about else ""
        badge = f" {line.badge}" if line.badge else ""
        body = _bubble(_html(line.body)) if line.body else ""
        return SafeString(
            f'<span class="ic {line.color}">{cells.icon(line.icon)}</span><div class="hd"><span><b>{escape(line.who)}</b> '
            f'<span class="t2">{_html(line.what)}</span>{about}{badge}</span>{line.time}</div>{body}'
        )

    def _buttons(self, line: Worded) -> str:
        """Whoever writes here comments and pins; one's own note or call can be corrected."""
        what = f'<span class="visually-hidden"> ({_html(line.what)})</span>'
        parts = []
        if self.may_write:
            talk = f' hx-get="{reverse("activities:comments", args=[line.pk])}" hx-target="#talk-{line.pk}" hx-swap="innerHTML"'
            parts.append(self._link("activities:comments", line.pk, "message", _("Comment"), what, talk))
            parts.append("" if line.about else self._pin(line, what))
        if line.mine:
            parts.append(self._link("activities:edit", line.pk, "pencil", _("Edit"), what))
            parts.append(self._post("activities:delete", line.pk, "trash", _("Delete"), what))
        parts.append(f'<span class="t3 xs align-self-center">{escape(_("edited"))}</span>' if line.mine and line.edited else "")
        return f'<div class="acts">{"".join(parts)}</div>' if parts[:-1] else ""

    def _pin(self, line: Worded, what: str) -> str:
        """The record that a line is about has it on top, nobody else's."""
        if not self.may_write:
            return ""
        field = f'<input type="hidden" name="pinned" value="{int(not line.pinned)}">'
        return self._post("activities:pin", line.pk, "pin", _("Unpin") if line.pinned else _("Pin"), what, field)

    def _link(self, name: str, pk: int, icon: str, label: str, what: str, attributes: str = "") -> str:
        inside = f"{cells.icon(icon, 'i-sm')}<span>{escape(label)}{what}</span>"
        return f'<a class="btn btn-ghost btn-sm" href="{reverse(name, args=[pk])}" title="{escape(label)}"{attributes}>{inside}</a>'

    def _post(self, name: str, pk: int, icon: str, label: str, what: str, field: str = "") -> str:
        inside = f"{cells.icon(icon, 'i-sm')}<span>{escape(label)}{what}</span>"
        button = f'<button class="btn btn-ghost btn-sm" type="submit" title="{escape(label)}">{inside}</button>'
        return f'<form method="post" action="{reverse(name, args=[pk])}">{self.token}{field}{button}</form>'

    def talk(self, pk: int) -> SafeString:
        """The comments on a line."""
        found = self.comments.get(pk)
        if found is None:
            return SafeString("")
        more = ""
        if found.total > len(found.rows):
            text = _("All %(n)s comments") % {"n": found.total}
            more = f'<a class="xs" href="{reverse("activities:comments", args=[pk])}">{escape(text)}</a>'
        return SafeString(f'{more}<ul class="talk">{"".join(map(self._comment, found.rows))}</ul>')

    def _comment(self, comment: Comment) -> str:
        author = comment.author
        name = escape(str(author or _("Somebody")))
        what = f'<span class="visually-hidden"> ({escape(comment.body[:40])})</span>'
        delete = self._post("activities:comment_delete", comment.pk, "trash", _("Delete"), what) if comment.author_id == self.user.pk else ""
        acts = f'<div class="acts">{delete}</div>' if delete else ""
        return f'<li><div class="hd"><span><b>{name}</b></span>{time_of(comment.at, self.ctx)}</div><p>{comment_html(comment)}</p>{acts}</li>'

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
