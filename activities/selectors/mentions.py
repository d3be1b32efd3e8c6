"""Who is meant by "@name" in a text, and who waits for an answer of the reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from activities.models import SUBJECTS, Activity, Mentioned
from crm.core.access import viewers_of
from crm.core.compiled import maker
from users.models import User

MOST, OFFERED = 20, 500
MOST_OPEN = 200  # that are looked through: those on records that the reader sees no longer must not hide the others
LINE = ("id", "at", "subject_type", *(f"{name}_id" for name in SUBJECTS))
AT = re.compile(r"(?<![\w@.+-])@(?=\w)")  # not the one of an address
WORD = re.compile(r"[\w'’.@+-]*[\w'’]")


class Mention(NamedTuple):
    """A colleague, and where in the text they are called: the place of the @ and the characters from there on."""

    start: int
    length: int
    user: User


def may_be_mentioned(record: Any) -> list[str]:
    """Names of the colleagues who see a record, for who writes "@"; of a very large house the first OFFERED."""
    return list(viewers_of(record).order_by("name", "pk").values_list("name", flat=True)[:OFFERED])


def mentions_in(text: str, record: Any) -> list[Mention]:
    """Who is called in a text on a record: "@" and the whole name, the e-mail address, or the first word of the name where that is one colleague's alone.

    ValidationError at `body` for a name that nobody or that several have, and for who may not see the record. At most two queries.
    """
    places = [found.start() for found in AT.finditer(text)]
    if not places:
        return []
    if len(places) > MOST:
        raise ValidationError({"body": [_("Mention at most 20 colleagues at once.")]})
    words = [WORD.match(text, at + 1) for at in places]
    wanted = reduce(or_, (Q(name__istartswith=_first(word[0])) | Q(email__iexact=word[0]) for word in words if word))
    people = list(User.objects.filter(wanted, is_active=True).order_by("pk"))
    seeing = set(viewers_of(record).filter(pk__in=[user.pk for user in people]).values_list("pk", flat=True)) if people else set()
    return [_mention(text, at, word[0] if word else "", people, seeing) for at, word in zip(places, words, strict=True)]


def _first(word: str) -> str:
    """The first word of a name; of an address, what stands before its @."""
    return word.partition("@")[0]


def _mention(text: str, at: int, word: str, people: Sequence[User], seeing: set[int]) -> Mention:
    fits = _called(text[at + 1 :], word, people)
    chosen = fits if len(fits) == 1 else [each for each in fits if each[0].pk in seeing]
    if not fits:
        raise ValidationError(
            {"body": [_("Nobody here is called “%(name)s”. Write the name as it stands in Rapport, or leave out the @.") % {"name": word[:80]}]}
        )
    if len(chosen) > 1:
        raise ValidationError(
            {"body": [_("Several colleagues are called “%(name)s”. Write the whole name, or @ and the e-mail address.") % {"name": word[:80]}]}
        )
    user, length = chosen[0] if chosen else fits[0]
    if user.pk not in seeing:
        raise ValidationError({"body": [_("%(name)s can't see this record and can't be mentioned here.") % {"name": user}]})
    return Mention(at, length + 1, user)


def _called(rest: str, word: str, people: Sequence[User]) -> list[tuple[User, int]]:
    """Who fits best what follows an @, with its length: an address before the longest whole name before the first word of a name."""
    by_address = [(user, len(word)) for user in people if user.email.lower() == word.lower()]
    names = [(user, len(user.name)) for user in people if user.name and _begins(rest, user.name)]
    longest = max((length for _user, length in names), default=0)
    by_name = [each for each in names if each[1] == longest]
    return by_address or by_name or [(user, len(word)) for user in people if user.name.lower().split()[:1] == [word.lower()]]


def _begins(text: str, name: str) -> bool:
    """The text begins with the name, which ends there."""
    return text[: len(name)].lower() == name.lower() and not text[len(name) : len(name) + 1].isalnum()


class OpenMention(NamedTuple):
    """A comment that mentions the reader and waits: its line (with the columns LINE), who wrote what and when. `pk` is the id of the `Mentioned`."""

    pk: int
    line: Activity
    author: str
    body: str
    at: datetime


def open_mentions(user: User) -> list[OpenMention]:
    """What mentions the user and is neither answered nor done, the oldest first; whether they still see the records is for the caller to ask."""
    rows = Mentioned.objects.visible_to(user).filter(done_at__isnull=True, comment__deleted_at__isnull=True, comment__line__deleted_at__isnull=True)
    columns = ("pk", "comment__author__name", "comment__body", "comment__at", *(f"comment__line__{name}" for name in LINE))
    make = maker(Activity, LINE)
    return [OpenMention(pk, make(line), name or "", body, at) for pk, name, body, at, *line in rows.order_by("pk").values_list(*columns)[:MOST_OPEN]]
