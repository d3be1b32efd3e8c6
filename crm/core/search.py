"""Finding records by what people remember of them (docs/decisions/search.md): the search page, the palette, pickers, and the condition of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import and_, or_
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, Q, Value
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from crm.core import words
from crm.core.access import NOTHING
from crm.core.context import hooks
from crm.core.finding import ALIKE, Found, Near, find
from crm.core.records import RecordType, record_for, record_types
from crm.core.text import LETTERS, MAX_QUERY, Question, Term, ask, fold, unaccent

PER_TYPE = 6
HANDFUL = 3  # with fewer hits than this, words that are spelt alike are looked for
LINKED = 200  # linked records by whose name a list row is found; beyond it the term is too common to help


# ---- the condition of lists and boards ----


def text_q(query: str) -> Q | None:
    """The condition for all words of `query`; words of one or two letters match beginnings of words. None: nothing to ask for."""
    question = ask(query)
    if question is None:
        return NOTHING if query.strip() else None  # only signs: no row is called so
    return question_q(question)


def question_q(question: Question) -> Q:
    ways = ([reduce(and_, [Q(search_text__contains=each) for each in way]) for way in term.ways] for term in question.terms)
    return reduce(and_, [reduce(or_, each) for each in ways])


def list_q(record: RecordType, user: Any, query: str) -> tuple[Q | None, Callable[[], Q | None] | None]:
    """As `text_q`, and rows whose linked records (as far as visible) are called so; and what to ask for when no row fits, if no linked record does either."""
    q, question = text_q(query), ask(query)
    if q is None or question is None:
        return q, None
    linked = _linked(record, user, q)
    for name, ids in linked.items():
        q |= Q(**{f"{name}__in": ids})
    return q, None if linked else partial(_near_q, question)


def _near_q(question: Question) -> Q | None:
    near = spelt_alike(question)
    return question_q(near.wide) if near else None


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


# ---- spelt otherwise ----


def spelt_alike(question: Question) -> Near | None:
    """The question with words that are spelt alike beside its own, and with the parts of what is joined by signs ("Anna-Maria"). None: there are none."""
    pieces = list(dict.fromkeys(piece for term in question.terms for piece in _pieces(term)))
    if not pieces:
        return None
    found = words.alike(pieces)
    numbers = [term for term in question.terms if not _pieces(term)]
    near = Near(*(Question((*numbers, *(_widened(piece, found.get(piece, {}), most) for piece in pieces)), question.name) for most in (1, 2)))
    return near if set(near.wide.terms) != set(question.terms) else None


def _pieces(term: Term) -> list[str]:
    """The words of letters in a term; none in numbers and in beginnings of one or two letters."""
    runs = LETTERS.findall(term.ways[0][0]) if len(term.ways) == 1 and len(term.ways[0]) == 1 else []
    return [run for run in runs if len(run) >= 3] if runs and not any(run.isdigit() for run in runs) else []


def _widened(piece: str, others: dict[str, int], most: int) -> Term:
    return Term(((piece,), *((word if len(word) > 4 else f" {word}",) for word, count in others.items() if count <= most)))


# ---- pickers ----


def pick(slug: str, user: Any, query: str, limit: int = 10, *, near: bool = False) -> list[Any]:
    """What a picker offers for the typed text: visible records (or active colleagues), the best first; with `near` also what is spelt alike."""
    question = ask(query)
    if slug == "users":
        return _pick_users(user, question, limit)
    record = record_for(slug)
    if record is None:
        return []
    if question is None:
        return list(record.visible(user).defer("search_text").order_by("-created_at", "-pk")[:limit]) if not query.strip() else []
    found = find([record], user, question, limit)
    wider = spelt_alike(question) if near and _few(found) else None
    return [row.obj for row in (found if wider is None else _with_alike([record], user, question, limit, found, wider)).get(slug, [])]


def _few(found: dict[str, list[Found]]) -> bool:
    return sum(len(rows) for rows in found.values()) < HANDFUL


def _with_alike(records: Sequence[RecordType], user: Any, question: Question, limit: int, found: dict[str, list[Found]], near: Near) -> dict[str, list[Found]]:
    """What was found as it is spelt, and behind it what is spelt alike."""
    more = find(records, user, question, limit, near)
    known = {slug: {row.obj.pk for row in rows} for slug, rows in found.items()}
    return {
        record.slug: [*found.get(record.slug, []), *(row for row in more.get(record.slug, []) if row.obj.pk not in known.get(record.slug, ()))][:limit]
        for record in records
        if record.slug in found or record.slug in more
    }


def _pick_users(user: Any, question: Question | None, limit: int) -> list[Any]:
    colleagues = get_user_model().objects.visible_to(user).filter(is_active=True).order_by("name", "pk")
    return [each for each in colleagues if question is None or question.fits(fold(f"{each.name} {each.email}"))][:limit]


def subline(slug: str, obj: Any) -> str:
    """The second line of a suggestion."""
    if slug == "users":
        return obj.email
    record = record_for(slug)
    return record.hit(obj) if record else ""


# ---- the search page and the palette ----


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
    """The results of one type; `more` is the list filtered by the same query, "" when all are shown."""

    slug: str
    label: Any
    label_plural: Any
    icon: str
    hits: list[Hit]
    more: str = ""


@dataclass(frozen=True)
class Results:
    """Groups by type, types without a result left out. `alike`: some are only spelt alike."""

    groups: list[Group]
    alike: bool = False

    @property
    def count(self) -> int:
        return sum(len(group.hits) for group in self.groups)


def search_all(user: Any, query: str) -> Results:
    """What the user may see of all types, at most PER_TYPE each, the best first; of the timeline the newest lines."""
    question = ask(query)
    if question is None:
        return Results([])
    records = [record for record in record_types() if record.searchable]
    found, lines = find(records, user, question, PER_TYPE + 1), _lines(user, question)
    near = spelt_alike(question) if _few(found) and sum(len(group.hits) for group in lines) < HANDFUL else None
    if near:
        found, lines = _with_alike(records, user, question, PER_TYPE + 1, found, near), _lines(user, near.wide)
    texts = (near.wide if near else question).texts
    groups = [_group(record, [row.obj for row in found[record.slug]], query, texts) for record in records if record.slug in found]
    return Results([*groups, *lines], any(row.rank >= ALIKE for rows in found.values() for row in rows))


def _lines(user: Any, question: Question) -> list[Group]:
    """Of upper apps: what is found and is no record."""
    return [group for hook in hooks("search") if (group := hook(user, question, PER_TYPE))]


def _group(record: RecordType, rows: Sequence[Any], query: str, texts: list[str]) -> Group:
    more = f"{record.url('list')}?{urlencode({'q': query[:MAX_QUERY]})}" if len(rows) > PER_TYPE else ""
    hits = [Hit(obj.pk, obj.get_absolute_url(), highlight(str(obj), texts), str(obj), record.hit(obj)) for obj in rows[:PER_TYPE]]
    return Group(record.slug, record.label, record.label_plural, record.icon, hits, more)


def highlight(text: str, terms: Sequence[str]) -> SafeString:
    """Escaped text with <mark> around the best place where each term fits, accents or not: the beginning of a word, else the first."""
    flat, owner = _flat(text)
    marked: set[int] = set()
    for term in terms:
        at = _place(flat, term)
        if at >= 0:
            marked.update(owner[at : at + len(term)])
    html, inside = [], False
    for index, char in enumerate(text):
        if (index in marked) != inside:
            html.append("</mark>" if inside else "<mark>")
            inside = not inside
        html.append(escape(char))
    return mark_safe("".join(html) + ("</mark>" if inside else ""))


def excerpt(text: str, terms: Sequence[str], width: int = 120) -> SafeString:
    """One line around the first place in a longer text where a term fits, highlighted."""
    line = " ".join(text.split())
    flat, owner = _flat(line)
    at = min((owner[place] for term in terms if (place := _place(flat, term)) >= 0), default=0)
    start = 0 if at < width // 3 else line.rfind(" ", 0, at - width // 4) + 1
    end = start + width
    return mark_safe(f"{'… ' if start else ''}{highlight(line[start:end], terms)}{' …' if end < len(line) else ''}")


def _flat(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its characters that of `text` it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    folded = [unaccent(char) for char in text]
    return "".join(folded), [index for index, part in enumerate(folded) for _char in part]


def _place(flat: str, term: str) -> int:
    if flat.startswith(term):
        return 0
    at = flat.find(f" {term}")
    return at + 1 if at >= 0 else flat.find(term)
