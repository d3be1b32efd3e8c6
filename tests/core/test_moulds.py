"""Html with gaps, and records made of tuples."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.core.cache import caches

from activities.models import Task
from crm.core.compiled import maker
from crm.core.moulds import filled, gap
from users.models import User


def test_a_mould_is_made_once_and_filled_each_time(settings: Any) -> None:
    settings.CACHES = {**settings.CACHES, "fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "moulds"}}
    caches["fragments"].clear()
    made = []

    def make() -> str:
        made.append(1)
        return f"<b>{gap('a')}</b>{gap('b')}{gap('a')}"

    assert filled(("once",), make, {"a": "1", "b": "2"}) == "<b>1</b>21"
    assert filled(("once",), make, {"a": "<i>", "b": '"&'}) == "<b>&lt;i&gt;</b>&quot;&amp;&lt;i&gt;"
    assert len(made) == 1
    assert filled(("other",), make, {"a": "", "b": ""}) == "<b></b>"
    assert len(made) == 2


def test_what_is_filled_in_opens_no_other_gap() -> None:
    assert filled(("texts",), lambda: f"{gap('a')}|{gap('b')}", {"a": "-b-", "b": "secret"}) == "-b-|secret"


@pytest.mark.parametrize("columns", list(itertools.permutations(("id", "name", "email"))))
def test_records_of_tuples_hold_each_value_in_its_place(columns: tuple[str, ...]) -> None:
    values = {"id": 7, "name": "Ann", "email": "ann@example.com"}
    user = maker(User, columns)([values[name] for name in columns])
    assert (user.pk, user.name, user.email) == (7, "Ann", "ann@example.com")
    assert user.get_deferred_fields() == {field.attname for field in User._meta.concrete_fields} - set(columns)


def test_links_of_records_of_tuples_are_ids() -> None:
    assert maker(Task, ("deal_id", "id", "title"))((3, 1, "Call")).deal_id == 3
