"""How a line of the timeline reads, in the reader's language. Pure: a line and its context to escaped html."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel.dates import format_skeleton
from django.db import models
from django.urls import reverse
from django.utils.html import format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from activities.models import SUBJECTS, Activity, MeetingGuest, Task
from contacts.models import Consent
from crm.core import cells
from crm.core.cells import CellContext
from crm.core.custom.definitions import field_named
from crm.core.custom.models import PREFIX
from crm.core.custom.showing import history_text
from crm.core.records import record_for
from crm.core.templatetags.ui import render_markdown
from crm.core.yearly import YearlyDayColumn
from crm.core.yearly import text_of as yearly_text
from mail.models import OutgoingMail

MOST_OF_A_MAIL = 400  # characters that the timeline shows

# Outcomes of a call: key -> (label, colour).
CALL_OUTCOMES: dict[str, tuple[Any, str]] = {
    "connected": (gettext_lazy("Connected"), "green"),
    "voicemail": (gettext_lazy("Left a message"), "blue"),
    "no_answer": (gettext_lazy("No answer"), "amber"),
    "busy": (gettext_lazy("Busy"), "amber"),
    "wrong_number": (gettext_lazy("Wrong number"), "red"),
}
LOOKS: dict[str, tuple[str, str]] = {
    Activity.Kind.NOTE: ("note", "k-violet"),
    Activity.Kind.CALL: ("phone", "k-green"),
    Activity.Kind.EMAIL: ("mail", "k-blue"),
    Activity.Kind.MEETING: ("calendar-event", "k-teal"),
    Activity.Kind.TASK: ("checkbox", "k-amber"),
    Activity.Kind.SUBMISSION: ("forms", "k-pink"),
    Activity.Kind.CHANGE: ("pencil", "k-grey"),
}
VERB_LOOKS: dict[str, tuple[str, str]] = {
    "created": ("plus", "k-grey"),
    "assigned": ("user-share", "k-grey"),
    "stage": ("layout-kanban", "k-blue"),
    "won": ("trophy", "k-green"),
    "lost": ("circle-x", "k-red"),
    "converted": ("user-check", "k-green"),
    "unconverted": ("restore", "k-grey"),
    "status": ("route", "k-blue"),
    "filed": ("paperclip", "k-teal"),
    "unfiled": ("paperclip", "k-grey"),
    "consent": ("shield-check", "k-teal"),
    "deleted": ("trash", "k-grey"),
    "restored": ("restore", "k-grey"),
}
THINGS = {
    ("company", "created"): gettext_lazy("created the company"),
    ("contact", "created"): gettext_lazy("created the contact"),
    ("lead", "created"): gettext_lazy("created the lead"),
    ("deal", "created"): gettext_lazy("created the deal"),
    ("company", "changed"): gettext_lazy("changed the company"),
    ("contact", "changed"): gettext_lazy("changed the contact"),
    ("lead", "changed"): gettext_lazy("changed the lead"),
    ("deal", "changed"): gettext_lazy("changed the deal"),
    ("company", "deleted"): gettext_lazy("deleted the company"),
    ("contact", "deleted"): gettext_lazy("deleted the contact"),
    ("lead", "deleted"): gettext_lazy("deleted the lead"),
    ("deal", "deleted"): gettext_lazy("deleted the deal"),
    ("company", "restored"): gettext_lazy("restored the company"),
    ("contact", "restored"): gettext_lazy("restored the contact"),
    ("lead", "restored"): gettext_lazy("restored the lead"),
    ("deal", "restored"): gettext_lazy("restored the deal"),
}
MOST_CHANGES = 12


@dataclass(frozen=True)
class Worded:
    """One line as the template shows it."""

    pk: int
    icon: str
    color: str
    who: str
    what: Any  # html
    badge: Any  # html or ""
    about: Any  # html: the record it came from, "" for the page's own
    time: Any  # html
    body: Any  # html or ""
    edited: bool
    mine: bool
    pinned: bool


def word(line: Activity, ctx: CellContext, subject: Any = None, *, mine: bool = False) -> Worded:
    """`subject`: the visible record of another type that the line hangs on; None when it is the page's own."""
    icon, color = LOOKS.get(line.kind, LOOKS[Activity.Kind.CHANGE])
    if line.kind == Activity.Kind.CHANGE:
        icon, color = VERB_LOOKS.get(line.verb, (icon, color))
    what, badge, body = WORDINGS.get((line.kind, line.verb), _plain)(line, ctx)
    about = format_html('<a class="text-decoration-underline" href="{}">{}</a>', ctx.url_of(subject), str(subject)) if subject is not None else ""
    return Worded(
        line.pk, icon, color, _who(line), what, badge, about, time_of(line.at, ctx), body, line.edited_at is not None, mine, line.pinned_at is not None
    )


def _who(line: Activity) -> str:
    if line.kind == Activity.Kind.SUBMISSION:
        return str(line.data.get("form") or _("Form"))
    if line.actor is not None:
        return line.actor.name or line.actor.email
    return str(line.data.get("by") or "Rapport")


def time_of(moment: datetime, ctx: CellContext) -> SafeString:
    """The clock for today and yesterday, else the day."""
    near = (ctx.today - moment.astimezone(ctx.zone).date()).days in (0, 1)
    return cells.time_html(moment, ctx, style="clock" if near else "relative")


def group_of(moment: datetime, ctx: CellContext) -> str:
    """The heading over a line: Today, Yesterday or its month."""
    day = moment.astimezone(ctx.zone).date()
    if (ctx.today - day).days in (0, 1):
        return cells.day_text(day, ctx)
    return month_text(day, ctx)


def month_text(day: date, ctx: CellContext) -> str:
    """`November 2026`."""
    return _month_text(day.replace(day=1), ctx.locale)


@lru_cache(1024)
def _month_text(first: date, locale: str) -> str:
    return format_skeleton("yMMMM", first, locale=locale)


def weekday_text(day: date, ctx: CellContext) -> str:
    """`Mon`."""
    return format_skeleton("EEE", day, locale=ctx.locale).rstrip(".")


# ---- one function per kind of line: (what, badge, body) ----

Parts = tuple[Any, Any, Any]


def _plain(line: Activity, ctx: CellContext) -> Parts:
    return _("changed something"), "", _text(line.body)


def _text(text: str) -> Any:
    return format_html('<div class="prose">{}</div>', render_markdown(text)) if text else ""


def _note(line: Activity, ctx: CellContext) -> Parts:
    return _("added a note"), "", _text(line.body)


def _call(line: Activity, ctx: CellContext) -> Parts:
    minutes = line.data.get("minutes")
    what = ngettext("called, %(n)s min", "called, %(n)s min", minutes) % {"n": minutes} if isinstance(minutes, int) else _("called")
    outcome = str(line.data.get("outcome") or "")
    label, color = CALL_OUTCOMES.get(outcome, (outcome, "grey"))
    return what, cells.badge(str(label), color) if outcome else "", _text(line.body)


def _task(line: Activity, ctx: CellContext) -> Parts:
    kind = dict(Task.Kind.choices).get(line.data.get("kind", ""), "")
    what = format_html('{} <span class="sj">{}</span>', _("completed the task"), line.data.get("title", ""))
    return what, cells.badge(str(kind)) if kind and line.data.get("kind") != Task.Kind.TODO else "", _text(str(line.data.get("outcome") or ""))


def _meeting(line: Activity, ctx: CellContext) -> Parts:
    what = format_html('{} <span class="sj">{}</span>', _("met:"), line.data.get("title", ""))
    minutes = line.data.get("minutes")
    length = ngettext("%(n)s min", "%(n)s min", minutes) % {"n": minutes} if isinstance(minutes, int) and minutes else ""
    return what, cells.badge(length, "grey", "clock") if length else "", ""


def _answer(line: Activity, ctx: CellContext) -> Parts:
    """A guest of a meeting said whether they come."""
    state = str(line.data.get("answer") or "")
    label = dict(MeetingGuest.State.choices).get(state, state)
    what = format_html('{} <span class="sj">{}</span>', _("answered the invitation:"), line.data.get("title", ""))
    return what, cells.badge(str(label), ANSWER_COLORS.get(state, "grey")), ""


ANSWER_COLORS = {"accepted": "green", "tentative": "amber", "declined": "red"}


def _mail(line: Activity, ctx: CellContext) -> Parts:
    subject = str(line.data.get("subject") or "")
    if line.verb == "confirmed":
        return _("sent a confirmation"), "", format_html('<p class="sj">{}</p>', subject) if subject else ""
    head = format_html('<a href="{}">{}</a>', reverse("activities:mail", args=[line.pk]), subject) if line.mail_id else subject
    text = SafeString(linebreaks(Truncator(line.body).chars(MOST_OF_A_MAIL), autoescape=True)) if line.body else ""
    what = _("wrote to %(address)s") % {"address": line.data["to"]} if line.data.get("to") else _("sent an e-mail")
    body = format_html('<div class="prose">{}</div>', text) if text else ""
    return what, _mail_badge(line, ctx), format_html('<p class="sj">{}</p>{}{}', head, body, _files_of_mail(line))


def _files_of_mail(line: Activity) -> Any:
    """Their names; the page of the mail has the links, as far as the reader may open them."""
    names = ", ".join(str(name) for name in line.data.get("files", []))
    if not names or not line.mail_id:
        return ""
    return format_html(
        '<p class="sm text-break mb-0">{} <a href="{}">{}</a></p>', cells.icon("paperclip", "i-sm"), reverse("activities:mail", args=[line.pk]), names
    )


def _mail_badge(line: Activity, ctx: CellContext) -> Any:
    """What became of the mail; nothing once it has left."""
    state, at = getattr(line, "mail_state", None) or ("", None)
    if state in ("", OutgoingMail.State.SENT):
        return ""
    going = state in (OutgoingMail.State.QUEUED, OutgoingMail.State.SENDING)
    badge = cells.badge(str(OutgoingMail.State(state).label), "blue" if going else "red", "clock" if going else "alert-triangle")
    later = state == OutgoingMail.State.QUEUED and at is not None and at - ctx.now > timedelta(minutes=1)
    return format_html("{} {}", badge, cells.time_html(at, ctx, style="datetime")) if later else badge


def _submission(line: Activity, ctx: CellContext) -> Parts:
    answers = [(str(label), str(text)[:2000]) for label, text in line.data.get("answers", [])][:30]
    rows = format_html_join("", "<dt>{}</dt><dd>{}</dd>", answers)
    what = _("was filled in again") if line.verb == "again" else _("was filled in")
    return what, "", format_html('<dl class="facts m-0">{}</dl>', rows) if answers else ""


def _created(line: Activity, ctx: CellContext) -> Parts:
    return THINGS[line.subject_type, "created"], "", ""


def _deleted(line: Activity, ctx: CellContext) -> Parts:
    return THINGS[line.subject_type, "deleted"], "", ""


def _restored(line: Activity, ctx: CellContext) -> Parts:
    return THINGS[line.subject_type, "restored"], "", ""


def _stage(line: Activity, ctx: CellContext) -> Parts:
    what = _("moved the deal from %(old)s to %(new)s") % {"old": line.data.get("old", ""), "new": line.data.get("new", "")}
    return what, "", ""


def _won(line: Activity, ctx: CellContext) -> Parts:
    return _("won the deal"), cells.badge(_("Won"), "green"), ""


def _lost(line: Activity, ctx: CellContext) -> Parts:
    reason = str(line.data.get("reason") or "")
    return _("lost the deal"), cells.badge(reason or _("Lost"), "red"), _text(str(line.data.get("note") or ""))


def _status(line: Activity, ctx: CellContext) -> Parts:
    what = _("set the status to %(new)s") % {"new": line.data.get("new", "")}
    return what, "", _text(str(line.data.get("reason") or ""))


def _converted(line: Activity, ctx: CellContext) -> Parts:
    return _("converted the lead"), "", ""


def _unconverted(line: Activity, ctx: CellContext) -> Parts:
    return _("took the conversion of the lead back"), "", ""


def _files(line: Activity, ctx: CellContext) -> Parts:
    names = [str(name) for name in line.data.get("files", [])]
    told = {"unfiled": _("deleted the file"), "filed": _("added the file") if len(names) == 1 else _("added files:")}
    return format_html('{} <span class="sj">{}</span>', told[line.verb], ", ".join(names)), "", ""


def _consent(line: Activity, ctx: CellContext) -> Parts:
    channel = str(dict(Consent.Channel.choices).get(line.data.get("channel", ""), ""))
    what = _("noted the consent:") if line.data.get("given") else _("noted that the consent was withdrawn:")
    return format_html('{} <span class="sj">{}</span>', what, channel), "", format_html("<p>{}</p>", source) if (source := line.data.get("source")) else ""


def _changed(line: Activity, ctx: CellContext) -> Parts:
    changes = list(line.data.get("changes", {}).items())[:MOST_CHANGES]
    rows = [told_change(line.subject_type, name, values, ctx) for name, values in changes]
    rows = [(label, text) for label, text in rows if label]
    if len(rows) == 1 and rows[0][1]:
        return format_html('{} <span class="sj">{}</span>: {}', pgettext("what somebody did", "changed"), *rows[0]), "", ""
    if rows:
        listed = format_html_join("", "<dt>{}</dt><dd>{}</dd>", [(label, text or _("changed")) for label, text in rows])
        return THINGS[line.subject_type, "changed"], "", format_html('<dl class="facts m-0">{}</dl>', listed)
    return THINGS[line.subject_type, "changed"], "", ""


WORDINGS = {
    (Activity.Kind.NOTE, "added"): _note,
    (Activity.Kind.CALL, "called"): _call,
    (Activity.Kind.TASK, "done"): _task,
    (Activity.Kind.MEETING, "held"): _meeting,
    (Activity.Kind.MEETING, "answered"): _answer,
    (Activity.Kind.EMAIL, "sent"): _mail,
    (Activity.Kind.EMAIL, "confirmed"): _mail,
    (Activity.Kind.SUBMISSION, "received"): _submission,
    (Activity.Kind.SUBMISSION, "again"): _submission,
    (Activity.Kind.CHANGE, "created"): _created,
    (Activity.Kind.CHANGE, "changed"): _changed,
    (Activity.Kind.CHANGE, "stage"): _stage,
    (Activity.Kind.CHANGE, "won"): _won,
    (Activity.Kind.CHANGE, "lost"): _lost,
    (Activity.Kind.CHANGE, "status"): _status,
    (Activity.Kind.CHANGE, "converted"): _converted,
    (Activity.Kind.CHANGE, "unconverted"): _unconverted,
    (Activity.Kind.CHANGE, "filed"): _files,
    (Activity.Kind.CHANGE, "unfiled"): _files,
    (Activity.Kind.CHANGE, "consent"): _consent,
    (Activity.Kind.CHANGE, "deleted"): _deleted,
    (Activity.Kind.CHANGE, "restored"): _restored,
}


# ---- values of changed fields ----


def _field(subject_type: str, name: str) -> Any:
    if subject_type not in SUBJECTS:
        return None
    model: Any = Activity._meta.get_field(subject_type).related_model
    return next((field for field in [*model._meta.concrete_fields, *model._meta.many_to_many] if field.name == name), None)


def told_change(subject_type: str, name: str, values: dict[str, Any], ctx: CellContext) -> tuple[str, str]:
    """Label and change of one field; no label where the reader may not see the field, or it is gone."""
    if not name.startswith(PREFIX):
        return field_label(subject_type, name), change_text(subject_type, name, values, ctx)
    custom = field_named(name)
    if custom is None or not custom.seen_by(ctx.user):
        return "", ""
    return custom.label, history_text(custom, values, ctx) if "new" in values else ""


def field_label(subject_type: str, name: str) -> str:
    field = _field(subject_type, name)
    return capfirst(str(field.verbose_name)) if field is not None else ""


def change_text(subject_type: str, name: str, values: dict[str, Any], ctx: CellContext) -> str:
    """`old → new` as the reader would write them; "" when it can't or must not be told."""
    field = _field(subject_type, name)
    if field is None or "new" not in values:
        return ""
    if field.remote_field and record_for(field.related_model) is not None:
        return ""  # the name of a record that the reader may not see
    old, new = (value_text(field, values.get(key), values.get(f"{key}_text", ""), ctx) for key in ("old", "new"))
    return f"{old or '–'} → {new or '–'}"


def value_text(field: Any, value: Any, text: str, ctx: CellContext) -> str:
    """One stored value in the reader's language; `text` is how its writer read it."""
    if value in (None, ""):
        return ""
    if getattr(field, "choices", None):
        return str(dict(field.flatchoices).get(value, text or value))
    if isinstance(field, YearlyDayColumn):
        return yearly_text(value, ctx.locale)
    try:
        if isinstance(field, models.DateTimeField):
            return cells.format_short(datetime.fromisoformat(value).astimezone(ctx.zone).date(), ctx.locale)
        if isinstance(field, models.DateField):
            return cells.format_short(date.fromisoformat(value), ctx.locale)
        if isinstance(field, models.DecimalField):
            number = Decimal(value)
            return cells.format_number(number, ctx.locale, 0 if number == number.to_integral_value() else 2)
    except (ValueError, TypeError, InvalidOperation):
        return text
    if isinstance(field, models.BooleanField):
        return _("Yes") if value else _("No")
    return str(text or value)[:200]
