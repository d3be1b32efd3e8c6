"""Finding records by what people remember of them: one folded column, trigram index, words in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, Q, Value
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from crm.core.records import RecordType, record_for, record_types
from crm.core.text import search_terms, unaccent

MAX_QUERY = 200
PER_TYPE = 6
LINKED = 200  # linked records by whose name a list row is found; beyond it the term is too common to help


def text_q(query: str, field: str = "search_text") -> Q | None:
    """The condition for all words of `query`; words of one or two letters match beginnings of words. None: nothing to ask for."""
    q = None
    for term in search_terms(query[:MAX_QUERY]):
        part = Q(**{f"{field}__contains": f" {term}" if len(term) < 3 else term})
        q = part if q is None else q & part
    return q


def list_q(record: RecordType, user: Any, query: str) -> Q | None:
    """As `text_q`, and rows whose linked records (as far as visible) are called so."""
    q = text_q(query)
    if q is None:
        return None
    for name, ids in _linked(record, user, q).items():
        q |= Q(**{f"{name}__in": ids})
    return q


def _linked(record: RecordType, user: Any, q: Q) -> dict[str, list[int]]:
    """Ids of the visible linked records that fit, by foreign key, in one query."""
    parts = []
    for name in record.search_links:
        related: Any = record.model._meta.get_field(name).related_model
        parts.append(related.objects.visible_to(user).filter(q).order_by().values_list(Value(name, output_field=CharField()), "pk")[:LINKED])
    found: dict[str, list[int]] = {}
    if parts:
        for name, pk in parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]:
            found.setdefault(name, []).append(pk)
    return found


def pick(slug: str, user: Any, query: str, limit: int = 10) -> list[Any]:
    """What a picker offers for the typed text: visible records (or active colleagues), names that begin so first."""
    if slug == "users":
        return _pick_users(user, query, limit)
    record = record_for(slug)
    q = text_q(query)
    if record is None:
        return []
    rows = record.visible(user).defer("search_text")
    if q is None:
        return list(rows.order_by("-created_at", "-pk")[:limit])
    return ranked(rows.filter(q)[: limit * 8], query)[:limit]


def _pick_users(user: Any, query: str, limit: int) -> list[Any]:
    colleagues = get_user_model().objects.visible_to(user).filter(is_active=True).order_by("name", "pk")
    terms = search_terms(query[:MAX_QUERY])
    fits = [each for each in colleagues if all(term in unaccent(f"{each.name} {each.email}") for term in terms)]
    return fits[:limit]


def subline(slug: str, obj: Any) -> str:
    """The second line of a suggestion."""
    if slug == "users":
        return obj.email
    record = record_for(slug)
    return record.hit(obj) if record else ""


def ranked(rows: Any, query: str) -> list[Any]:
    """Names that begin with the typed text first, then names with all words, then the rest; shorter first."""
    terms, whole = search_terms(query[:MAX_QUERY]), unaccent(query.strip())

    def rank(obj: Any) -> tuple[int, int, str]:
        name = obj.sort_name
        if name.startswith(whole):
            return (0, len(name), name)
        return (1 if all(f" {term}" in f" {name}" for term in terms) else 2, len(name), name)

    return sorted(rows, key=rank)


@dataclass(frozen=True)
class Hit:
    """One result: where it is, its name with the found parts marked, and a second line."""

    pk: int
    url: str
    title: SafeString
    label: str
    sub: str


@dataclass(frozen=True)
class Group:
    """The results of one record type; `more` is the list filtered by the same query, "" when all are shown."""

    record: RecordType
    hits: list[Hit]
    more: str


def search_all(user: Any, query: str) -> list[Group]:
    """Results by record type, at most PER_TYPE each; types without a result are left out."""
    q, terms = text_q(query), search_terms(query[:MAX_QUERY])
    if q is None:
        return []
    groups = []
    for record in record_types():
        if not record.searchable:
            continue
        rows = ranked(record.visible(user).filter(q).defer("search_text")[: PER_TYPE * 8], query)
        if rows:
            more = f"{record.url('list')}?q=" if len(rows) > PER_TYPE else ""
            groups.append(Group(record, [_hit(record, obj, terms) for obj in rows[:PER_TYPE]], more))
    return groups


def _hit(record: RecordType, obj: Any, terms: list[str]) -> Hit:
    return Hit(obj.pk, obj.get_absolute_url(), highlight(str(obj), terms), str(obj), record.hit(obj))


def highlight(text: str, terms: list[str]) -> SafeString:
    """Escaped text with <mark> around the first place where each term fits, accents or not."""
    folded = [unaccent(char) for char in text]
    flat = "".join(folded)
    owner = [index for index, part in enumerate(folded) for _char in part]  # position in `flat` -> character of `text`
    marked: set[int] = set()
    for term in terms:
        at = flat.find(term)
        if at >= 0:
            marked.update(owner[at : at + len(term)])
    html, inside = [], False
    for index, char in enumerate(text):
        if (index in marked) != inside:
            html.append("</mark>" if inside else "<mark>")
            inside = not inside
        html.append(escape(char))
    return mark_safe("".join(html) + ("</mark>" if inside else ""))
