"""What is measured: each page as a function that gives the next request, with another page, term and owner every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.utils import timezone

from bench import names
from bench.client import Browser, filled
from bench.people import address
from crm.core.cursors import Cursor
from crm.core.fields import PickerField
from crm.core.records import RecordType, record_types
from crm.core.text import fold
from deals.models import Deal, Stage
from users.models import User

LISTS = ("contacts", "companies", "leads", "deals", "tasks")
NAMES = {
    "contacts": {"first_name": "Bench", "last_name": "{}"},
    "companies": {"name": "Bench {}"},
    "leads": {"last_name": "Bench {}"},
    "deals": {"name": "Bench {}"},
    "tasks": {"title": "Bench {}"},
}
EDITED = {"contacts": "job_title", "companies": "industry", "leads": "job_title", "deals": "description", "tasks": "description"}


@dataclass(frozen=True)
class Step:
    """One request: a path, or a form posted to it."""

    path: str
    fields: list[tuple[str, str]] | None = None
    accept: str = "text/html"


@dataclass(frozen=True)
class Page:
    """A kind of page and the budget that it falls under (bench.verdict.BUDGETS)."""

    name: str
    budget: str
    steps: Callable[[Browser, User, int], Iterator[Step]]


turn = [""]  # what is measured again asks for other values


def dice_for(*parts: Any) -> random.Random:
    return random.Random("/".join(map(str, [*parts, *turn])))


def pages() -> list[Page]:
    """All of them, in the order in which they are measured."""
    found: list[Page] = []
    for record in record_types():
        if record.slug in LISTS:
            found += _list_pages(record)
    found += [page(record) for record in record_types() if record.slug in LISTS for page in (_detail_page, _beside_page, _rows_page)]
    found += [Page("board", "board", _board), Page("today", "today", _fixed("/"))]
    found += [Page(f"report {slug}", "report", _report(slug)) for slug in ("pipeline", "leads-by-source", "won-by-month", "activity-by-rep")]
    found += [Page("global search", "search", _search), Page("picker", "search", _picker)]
    found += [Page(f"create {record.slug}", "post", _create(record)) for record in record_types() if record.slug in LISTS]
    found += [Page(f"edit {record.slug}", "post", _edit(record)) for record in record_types() if record.slug in LISTS]
    return [*found, Page("move deal", "post", _move)]


def _fixed(path: str) -> Callable[[Browser, User, int], Iterator[Step]]:
    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        for _ in range(count):
            yield Step(path)

    return steps


# ---- lists ----


def _list_pages(record: RecordType) -> list[Page]:
    base = f"/{record.slug}/"

    def first(browser: Browser, user: User, count: int) -> Iterator[Step]:
        for number in range(count):
            yield Step(f"{base}?size=25" if number % 5 == 4 else base)

    def long(browser: Browser, user: User, count: int) -> Iterator[Step]:
        sorts = [column.name for column in record.columns if column.sort]
        for number in range(count):
            yield Step(f"{base}?{urlencode({'size': 100, 'sort': sorts[number % len(sorts)]})}")

    def deep(browser: Browser, user: User, count: int) -> Iterator[Step]:
        sort = record.default_sort
        column = record.column(sort.removeprefix("-")).sort  # type: ignore[union-attr]
        for key, pk in _samples(record, user, count, column):
            yield Step(f"{base}?{urlencode({'cursor': Cursor(key.isoformat() if hasattr(key, 'isoformat') else key, pk, 5000).encode()})}")

    def sort(browser: Browser, user: User, count: int) -> Iterator[Step]:
        sorts = [f"{sign}{column.name}" for column in record.columns if column.sort for sign in ("", "-")]
        for number in range(count):
            yield Step(f"{base}?{urlencode({'sort': sorts[number % len(sorts)]})}")

    def view(browser: Browser, user: User, count: int) -> Iterator[Step]:
        for number in range(count):
            yield Step(f"{base}?{urlencode({'view': record.views[number % len(record.views)].name})}" if record.views else base)

    def one_filter(browser: Browser, user: User, count: int) -> Iterator[Step]:
        dice = dice_for("filter", record.slug, user.email)
        filters = filter_values(record, user, dice)
        sorts = [f"{sign}{column.name}" for column in record.columns if column.sort for sign in ("", "-")]
        keys = sorted(filters)
        for number in range(count):
            name = keys[number % len(keys)]
            yield Step(f"{base}?{urlencode({**dice.choice(filters[name]), 'sort': dice.choice(sorts)})}")

    def counted(browser: Browser, user: User, count: int) -> Iterator[Step]:
        """What a list asks for once it is there, when it was not counted to the end: here with the whole page around the number."""
        for step in one_filter(browser, user, count):
            yield Step(f"{step.path}&count=all")

    def filters(browser: Browser, user: User, count: int) -> Iterator[Step]:
        dice = dice_for("filters", record.slug, user.email)
        values = filter_values(record, user, dice)
        for _ in range(count):
            query: dict[str, str] = {}
            for name in dice.sample(sorted(values), min(3, len(values))):
                query |= dice.choice(values[name])
            yield Step(f"{base}?{urlencode(query)}")

    def alternatives(browser: Browser, user: User, count: int) -> Iterator[Step]:
        dice = dice_for("alternatives", record.slug, user.email)
        values = filter_values(record, user, dice)
        for _ in range(count):
            query = {}
            for number, name in enumerate(dice.sample(sorted(values), min(3, len(values))), 1):
                query |= {f"or{number}-{key}": value for key, value in dice.choice(values[name]).items()}
            yield Step(f"{base}?{urlencode(query)}")

    def grouped(browser: Browser, user: User, count: int) -> Iterator[Step]:
        dice = dice_for("grouped", record.slug, user.email)
        values = filter_values(record, user, dice)
        ways: list[str] = record.filterset.groupable(record.filters)  # type: ignore[attr-defined]
        for number in range(count):
            query = dice.choice(values[dice.choice(sorted(values))]) if number % 2 else {}
            yield Step(f"{base}?{urlencode({**query, 'group': ways[number % len(ways)]})}")

    def search(browser: Browser, user: User, count: int) -> Iterator[Step]:
        terms = search_terms(dice_for("search", record.slug, user.email))
        for number in range(count):
            yield Step(f"{base}?{urlencode({'q': terms[number % len(terms)]})}")

    made = [("first page", "list", first), ("deep page", "list", deep), ("sorted", "list", sort), ("view", "list", view), ("one filter", "list", one_filter)]
    made += [
        ("one filter, all counted", "filters", counted),
        ("several filters", "filters", filters),
        ("either or", "filters", alternatives),
        ("grouped", "filters", grouped),
        ("search", "search", search),
        ("100 rows", "long list", long),
    ]
    return [Page(f"{record.slug}: {name}", budget, steps) for name, budget, steps in made]


def _samples(record: RecordType, user: User, count: int, column: str) -> list[tuple[Any, int]]:
    """(key, id) of visible rows from anywhere in the list."""
    dice = dice_for("deep", record.slug, user.email)
    rows = record.visible(user).filter(**{f"{column}__isnull": False})
    most = record.model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 1
    found: list[tuple[Any, int]] = []
    for _ in range(count):
        row = (
            rows.filter(pk__gte=dice.randint(1, most)).order_by("pk").values_list(column, "pk").first() or rows.order_by("pk").values_list(column, "pk").first()
        )
        if row:
            found.append(row)
    return found


def visible_ids(record: RecordType, user: User, count: int, action: str = "view") -> list[int]:
    dice = dice_for("ids", record.slug, user.email, action)
    rows = record.visible(user, action)
    most = record.model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 1
    found = []
    for number in range(count):
        at = number + 1 if number % 4 == 3 else dice.randint(1, most)  # every fourth one is busy: a long timeline
        pk = rows.filter(pk__gte=at).order_by("pk").values_list("pk", flat=True).first() or rows.order_by("pk").values_list("pk", flat=True).first()
        if pk:
            found.append(pk)
    return found


def filter_values(record: RecordType, user: User, dice: random.Random) -> dict[str, list[dict[str, str]]]:
    """Sensible values for each filter of a list, common and rare ones."""
    days = [timezone.localdate() - timedelta(days=number) for number in (1, 7, 30, 200)]
    colleagues = list(User.objects.filter(is_active=True).values_list("pk", flat=True))
    fixed = {
        "owner": ["me", "none", *map(str, dice.sample(colleagues, 3))],
        "tag": ["Tag 0", "Tag 7", "Tag 19"],
        "city": [names.CITIES[0][0], names.CITIES[12][0], names.CITIES[39][0]],
        "industry": ["Machinery", "Wood"],
        "country": ["AT", "DE", "NO"],
        "amount_min": ["10", "50000"],
        "amount_max": ["20000", "99000"],
    }
    fields = record.filterset({}, queryset=record.model._base_manager.none(), request=Asker(user)).form.fields
    found: dict[str, list[dict[str, str]]] = {}
    for name, field in fields.items():
        if name in fixed:
            values = fixed[name]
        elif isinstance(field, forms.DateField):
            values = [day.isoformat() for day in days]
        elif isinstance(field, django_filters.fields.RangeField):
            found[name] = [{f"{name}_min": "10"}, {f"{name}_max": "70"}, {f"{name}_min": "50", f"{name}_max": "60"}]
            continue
        elif isinstance(field, PickerField):
            values = [str(pk) for pk in field_rows(field, user)]
        elif isinstance(field, forms.NullBooleanField):
            values = ["true", "false"]
        elif hasattr(field, "choices"):
            values = list(flat(field.choices))
        else:
            continue
        if values:
            found[name] = [{name: value} for value in values]
    return found


@dataclass(frozen=True)
class Asker:
    """What a filterset wants of a request."""

    user: User


def flat(choices: Any) -> Iterator[str]:
    """The values of choices, groups unfolded."""
    for key, label in choices:
        if isinstance(label, (list, tuple)):
            yield from flat(label)
        elif str(key):
            yield str(key)


def field_rows(field: PickerField, user: User) -> list[int]:
    """A few ids of what a picker offers to the user."""
    field.user = user
    return list(field.rows().order_by("pk").values_list("pk", flat=True)[:200:40])


def search_terms(dice: random.Random) -> list[str]:
    """Rare, common, short and long terms, phone numbers, two words, misses."""
    common, rare = names.LAST[:6], names.LAST[-40:]
    terms = []
    for number in range(30):
        kind = number % 7
        word = fold(dice.choice(rare if kind in (0, 3) else common)).strip()
        terms.append(
            (
                word,
                word[1:5],
                f"{fold(dice.choice(names.FIRST)).strip()} {word}",
                word[:2],
                f"{dice.randint(10**5, 10**6)}",
                f"{word}{dice.randint(1, 9)}@mail",
                f"{word[:2]}{word[3:4]}{word[2:3]}{word[4:]}",  # a typo
            )[kind]
        )
    return terms


# ---- other pages ----


def _detail_page(record: RecordType) -> Page:
    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        for pk in visible_ids(record, user, count):
            yield Step(f"/{record.slug}/{pk}/")

    return Page(f"{record.slug}: page", "detail", steps)


def _beside_page(record: RecordType) -> Page:
    """Which rows stand beside one in a list, in any order and under one filter or none."""

    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        dice = dice_for("beside", record.slug, user.email)
        filters = filter_values(record, user, dice)
        sorts, keys = [f"{sign}{column.name}" for column in record.columns if column.sort for sign in ("", "-")], sorted(filters)
        for number, pk in enumerate(visible_ids(record, user, count)):
            query = {} if number % 3 == 0 else dice.choice(filters[keys[number % len(keys)]])
            yield Step(f"/{record.slug}/{pk}/neighbours/?{urlencode({**query, 'sort': dice.choice(sorts)})}")

    return Page(f"{record.slug}: rows beside", "detail", steps)


def _rows_page(record: RecordType) -> Page:
    """What has become of fifty rows in sight, when all of them have changed."""

    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        ids = list(dict.fromkeys(visible_ids(record, user, 60)))[:50]
        for _ in range(count if ids else 0):
            yield Step(f"/{record.slug}/rows/?rows={'~'.join(f'{pk}.0000' for pk in ids)}")

    return Page(f"{record.slug}: rows in sight", "list", steps)


def _board(browser: Browser, user: User, count: int) -> Iterator[Step]:
    for number in range(count):
        yield Step("/deals/board/" + ("?owner=me" if number % 3 == 2 else ""))


def _report(slug: str) -> Callable[[Browser, User, int], Iterator[Step]]:
    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        today = timezone.localdate()
        for number in range(count):
            query = [{}, {"owner": "me"}, {"from": today.replace(month=1, day=1).isoformat(), "to": today.isoformat()}][number % 3]
            yield Step(f"/reports/{slug}/?{urlencode(query)}")

    return steps


def _search(browser: Browser, user: User, count: int) -> Iterator[Step]:
    for term in search_terms(dice_for("global", user.email))[:count]:
        yield Step(f"/search/?{urlencode({'q': term})}")


def _picker(browser: Browser, user: User, count: int) -> Iterator[Step]:
    for number, term in enumerate(search_terms(dice_for("pick", user.email))[:count]):
        yield Step(f"/pick/{('contacts', 'companies', 'users')[number % 3]}/?{urlencode({'q': term})}", accept="application/json")


def _create(record: RecordType) -> Callable[[Browser, User, int], Iterator[Step]]:
    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        dice = dice_for("create", record.slug, user.email, timezone.now().timestamp())
        for number in range(count):
            fields = browser.form(f"/{record.slug}/new/")
            unique = f"{dice.randint(10**8, 10**9)} {address(user.name)[:3]}{number}"
            values = {name: value.format(unique) for name, value in NAMES[record.slug].items()}
            yield Step(f"/{record.slug}/new/", filled(fields, save_anyway="1", **values))

    return steps


def _edit(record: RecordType) -> Callable[[Browser, User, int], Iterator[Step]]:
    def steps(browser: Browser, user: User, count: int) -> Iterator[Step]:
        for number, pk in enumerate(visible_ids(record, user, count, "change")):
            path = f"/{record.slug}/{pk}/edit/"
            yield Step(path, filled(browser.form(path), **{EDITED[record.slug]: f"Changed {number} {timezone.now():%H%M%S}"}))

    return steps


def _move(browser: Browser, user: User, count: int) -> Iterator[Step]:
    ids = list(Deal.objects.visible_to(user, "change").filter(status="open").order_by("-pk").values_list("pk", "stage_id", "pipeline_id")[:count])
    stages: dict[int, list[int]] = {}
    for stage in Stage.objects.filter(kind="open").order_by("position"):
        stages.setdefault(stage.pipeline_id, []).append(stage.pk)
    for pk, stage, pipeline in ids:
        others = [each for each in stages[pipeline] if each != stage]
        yield Step(f"/deals/{pk}/move/", [("stage", str(others[pk % len(others)]))])
