"""Following a record: to hear in the bell of what colleagues do with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from activities.models import Activity, Follow, Notification
from activities.services.notifications import notify
from activities.services.subjects import most_specific, subject_name
from crm.core.access import can

BELL = "/notifications/"
MOST = 20  # records of which somebody hears one by one when many change at once


@transaction.atomic
def follow(record: Any, *, user: Any) -> None:
    """From now on; said twice it changes nothing. ValidationError for who does not see the record."""
    if not can(user, "view", record):
        raise ValidationError(_("You can't see this record."), code="forbidden")
    name = subject_name(record)
    Follow.objects.bulk_create([Follow(user=user, subject_type=name, **{name: record})], ignore_conflicts=True)


@transaction.atomic
def unfollow(record: Any, *, user: Any) -> None:
    Follow.objects.filter(user=user, **{subject_name(record): record}).delete()


def tell_followers(lines: Iterable[Activity]) -> int:
    """Followers hear of new lines on their records, but for their own: in the bell once per record until they have read it, and only as long as they see
    it. Who wants mails alone, and so has nothing to read, gets one for each. How many were told. One query where nobody follows."""
    by_record: dict[tuple[str, int], list[Activity]] = defaultdict(list)
    for line in lines:
        by_record[line.subject_type, getattr(line, f"{line.subject_type}_id")].append(line)
    ids: dict[str, list[int]] = defaultdict(list)
    for name, pk in by_record:
        ids[name].append(pk)
    if not ids:
        return 0
    wanted: dict[Any, list[tuple[Any, Activity]]] = defaultdict(list)
    rows = Follow.objects.filter(reduce(or_, (Q(**{f"{name}__in": pks}) for name, pks in ids.items())), user__is_active=True)
    for row in rows.select_related("user", *ids).order_by("pk"):
        of_others = [line for line in by_record[row.subject_type, row.subject.pk] if line.actor_id != row.user_id]
        if of_others:
            wanted[row.user].append((row.subject, of_others[-1]))
    return sum(_tell(user, news) for user, news in wanted.items())


def _tell(user: Any, news: list[tuple[Any, Activity]]) -> int:
    unread = set(Notification.objects.filter(user=user, kind=Notification.Kind.FOLLOWED, read_at__isnull=True).values_list("url", flat=True))
    fresh = [(record, line) for record, line in news if _url(record) not in unread]
    models: dict[Any, list[int]] = defaultdict(list)
    for record, _line in fresh:
        models[type(record)].append(record.pk)
    seen = {(model, pk) for model, pks in models.items() for pk in model.objects.visible_to(user).filter(pk__in=pks).values_list("pk", flat=True)}
    fresh = [(record, line) for record, line in fresh if (type(record), record.pk) in seen]
    if len(fresh) > MOST:
        if BELL not in unread:
            notify(user, Notification.Kind.FOLLOWED, _Many(len(fresh)), BELL)
        return int(BELL not in unread)
    for record, line in fresh:
        words = {"record": str(record)[:120], "name": line.actor or _("Rapport"), "kind": line.get_kind_display()}
        notify(user, Notification.Kind.FOLLOWED, _News(words), _url(record))
    return len(fresh)


def _url(record: Any) -> str:
    return f"{record.get_absolute_url()}#timeline"


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def carry_followers(lead: Any, links: dict[str, Any]) -> None:
    """Who follows a lead follows what it became as well: its deal, else the person, else the company."""
    given = {name: obj for name, obj in links.items() if obj is not None}
    name = most_specific({name: obj.pk for name, obj in given.items()})
    if name:
        users = Follow.objects.filter(lead=lead).values_list("user_id", flat=True)
        Follow.objects.bulk_create([Follow(user_id=pk, subject_type=name, **{name: given[name]}) for pk in users], ignore_conflicts=True)


class _News:
    """A text that is put together in the language of who reads it."""

    def __init__(self, words: dict[str, Any]) -> None:
        self.words = words

    def __str__(self) -> str:
        return str(_("%(record)s: %(kind)s, %(name)s")) % self.words


class _Many:
    def __init__(self, number: int) -> None:
        self.number = number

    def __str__(self) -> str:
        return str(_("News on %(n)s records that you follow")) % {"n": self.number}
