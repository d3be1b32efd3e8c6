"""Whom a captured text may be about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model

from activities.models import Task
from crm.core.access import may_add
from crm.core.finding import ANYWHERE_BEGINNINGS, WORD_BEGINNINGS, find
from crm.core.records import record_for
from crm.core.text import ask, fold, sort_key, unaccent

SLUGS = ("contacts", "leads", "companies", "deals")  # of equals, the first counts
PAGE = re.compile(r"^/(?P<slug>contacts|leads|companies|deals)/(?P<pk>\d{1,18})/")
EACH, NAMES = 4, 6


def may_capture(user: Any) -> bool:
    """Whoever may make entries at all."""
    return may_add(user, Task)


def reference(obj: Any) -> str:
    """ "contacts-12": a record as a form names it."""
    record = record_for(type(obj))
    return f"{record.slug}-{obj.pk}" if record else ""


def referenced(user: Any, text: str) -> Any:
    """The visible record of a reference; None when there is none."""
    slug, _dash, pk = text.partition("-")
    record = record_for(slug) if slug in SLUGS else None
    if record is None or not pk.isdecimal() or len(pk) > 18:
        return None
    return record.visible(user).filter(pk=int(pk)).first()


def page_record(user: Any, path: str) -> Any:
    """The record whose page has this address, if it is visible."""
    match = PAGE.match(path)
    return referenced(user, f"{match['slug']}-{match['pk']}") if match else None


@dataclass
class People:
    """What the names in a text may mean: {name: records, the likeliest first}."""

    found: dict[str, list[Any]] = field(default_factory=dict)

    def best(self, names: Iterable[str]) -> Any:
        """The likeliest record of the first name that has one."""
        return next((self.found[name][0] for name in names if self.found.get(name)), None)

    def only(self, names: Iterable[str]) -> Any:
        """The record of the first name that has exactly one: what nobody looks at before it is saved is not guessed."""
        return next((rows[0] for name in names if len(rows := self.found.get(name, [])) == 1), None)

    def all(self) -> list[Any]:
        return list({(type(obj), obj.pk): obj for rows in self.found.values() for obj in rows}.values())


def people_called(user: Any, names: Iterable[str]) -> People:
    """Visible contacts, leads, companies and deals that are called so: whose names have words that begin as these do, or that have this address."""
    records = [record for slug in SLUGS if (record := record_for(slug)) is not None]
    people = People()
    for name in list(dict.fromkeys(names))[:NAMES]:
        question = ask(name)
        if question is None:
            continue
        worst = ANYWHERE_BEGINNINGS if "@" in name else WORD_BEGINNINGS
        found = find(records, user, question, EACH)
        ranked = [(row.rank, SLUGS.index(slug), -row.obj.pk, row.obj) for slug, rows in found.items() for row in rows if row.rank <= worst]
        people.found[name] = [obj for *_order, obj in sorted(ranked, key=lambda row: row[:3])][:EACH]
    return people


def colleague_called(user: Any, name: str) -> Any:
    """The active colleague that "@name" means: by the beginning of a word of the name or of the address; None when several or none fit."""
    wanted = unaccent(name)
    colleagues = get_user_model().objects.visible_to(user).filter(is_active=True).order_by("pk")
    fits = [each for each in colleagues if f" {wanted}" in f"{fold(each.name)} {each.email.lower()}"] if wanted else []
    exact = [each for each in fits if wanted in (sort_key(each.name), each.email.partition("@")[0].lower())]
    chosen = exact or fits
    return chosen[0] if len(chosen) == 1 else None
