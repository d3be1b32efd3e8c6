"""Lines of the timeline that a search finds by their text."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from activities.models import Activity
from activities.selectors.timeline import SUBJECTS, address_of_line
from crm.core.compiled import maker
from crm.core.finding import newest
from crm.core.related import visible_names
from crm.core.search import Group, Hit, excerpt
from crm.core.text import Question

LINE = ("id", *(f"{name}_id" for name in SUBJECTS), "subject_type", "kind", "body", "at")


def found_lines(user: Any, question: Question, limit: int) -> Group | None:
    """The newest visible notes, calls and mails with all words in their text; None when there are none. (Hook "search".)"""
    make = maker(Activity, LINE)
    lines = [make(row) for row in newest(Activity, user, question, [name.removesuffix("_id") for name in LINE], limit)]
    wanted = {name: (Activity._meta.get_field(name).related_model, [_subject_id(line) for line in lines if line.subject_type == name]) for name in SUBJECTS}
    subjects = visible_names(user, wanted)
    hits = [_hit(line, subject, question) for line in lines if (subject := subjects[line.subject_type].get(_subject_id(line)))]
    return Group("notes", _("Note"), _("Notes and calls"), "note", hits) if hits else None


def _subject_id(line: Activity) -> int:
    return getattr(line, f"{line.subject_type}_id")


def _hit(line: Activity, subject: Any, question: Question) -> Hit:
    url = address_of_line(line, subject)
    sub = ", ".join([str(Activity.Kind(line.kind).label), str(subject), f"{line.at:%Y-%m-%d}"])
    return Hit(line.pk, url, excerpt(line.body, question.texts), line.body[:80], sub)
