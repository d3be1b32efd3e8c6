"""Checklists of tasks."""

from __future__ import annotations

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from activities import services
from activities.models import ChecklistItem, Task
from tests.factories import Cast, signed_in


@pytest.fixture
def client(people: Cast) -> Client:
    return signed_in(people.owner)


# ---- checklists ----


def texts(task: Task) -> list[str]:
    return [item.text for item in ChecklistItem.objects.filter(task=task)]


def test_a_checklist_without_javascript(client: Client, people: Cast) -> None:
    task = services.create_task({"title": "Fair", "due_on": timezone.localdate()}, actor=people.owner)
    url, key = f"/tasks/{task.pk}/items/", str(uuid.uuid4())
    for text in ("Stand", "Stand"):
        assert client.post(url, {"text": text, "idempotency_key": key}).status_code == 302
    for text in ("Flyers", " Hotel \n rooms "):
        client.post(url, {"text": text})
    stand, flyers, hotel = ChecklistItem.objects.all()
    assert texts(task) == ["Stand", "Flyers", "Hotel rooms"]
    for _click in range(2):
        client.post(f"{url}{flyers.pk}/", {"do": "tick"})
    client.post(f"{url}{hotel.pk}/", {"do": "up"})
    client.post(f"{url}{stand.pk}/", {"do": "up"})
    client.post(f"{url}{stand.pk}/", {"do": "rename", "text": "Book the stand"})
    assert texts(task) == ["Book the stand", "Hotel rooms", "Flyers"]
    for address in (task.get_absolute_url(), "/tasks/?view=mine", "/"):
        assert "1 of 3" in client.get(address).content.decode(), address
    assert client.get(f"{url}{stand.pk}/").status_code == 200
    client.post(f"{url}{flyers.pk}/", {"do": "untick"})
    client.post(f"{url}{stand.pk}/", {"do": "remove"})
    task.refresh_from_db()
    assert (task.items_done, task.items_total, task.version) == (0, 2, 1)


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "\x00"])
def test_bad_steps_keep_what_was_typed(client: Client, people: Cast, text: str) -> None:
    task = services.create_task({"title": "Fair"}, actor=people.owner)
    item = services.add_item(task, text="Stand", actor=people.owner)
    assert client.post(f"/tasks/{task.pk}/items/", {"text": text}).status_code == 422
    assert client.post(f"/tasks/{task.pk}/items/{item.pk}/", {"text": text}).status_code == 422
    assert client.post(f"/tasks/{task.pk}/items/{item.pk}/", {"do": "fly", "text": "x"}).status_code == 422
    assert texts(task) == ["Stand"]


def test_steps_are_their_tasks_own(client: Client, people: Cast) -> None:
    task, other = services.create_tasks([{"title": "Fair"}, {"title": "Other"}], actor=people.owner)
    item = services.add_item(task, text="Stand", actor=people.owner)
    assert client.post(f"/tasks/{other.pk}/items/{item.pk}/", {"do": "remove"}).status_code == 404
    assert client.post(f"/tasks/{task.pk}/items/{10**30}/", {"do": "remove"}).status_code == 404
    assert signed_in(people.teammate).post(f"/tasks/{task.pk}/items/{item.pk}/", {"do": "remove"}).status_code == 403
    assert signed_in(people.stranger).post(f"/tasks/{task.pk}/items/{item.pk}/", {"do": "remove"}).status_code == 404
    assert texts(task) == ["Stand"]


def test_a_checklist_has_an_end(people: Cast) -> None:
    task = services.create_task({"title": "Fair"}, actor=people.owner)
    ChecklistItem.objects.bulk_create([ChecklistItem(task=task, text="x", position=number) for number in range(100)])
    with pytest.raises(ValidationError):
        services.add_item(task, text="y", actor=people.owner)
