"""Admins see whether worker, scheduler and queues keep up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activities import services
from activities.models import Reminder
from crm.core import health, outbox
from crm.core.heartbeat import beat
from crm.core.models import Heartbeat
from mail.models import OutgoingMail
from tests.factories import Cast, signed_in

pytestmark = pytest.mark.django_db
PAGE = "/settings/background/"


@pytest.fixture(autouse=True)
def redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_redis_answers", lambda: True)


def lines(people: Cast) -> dict[str, tuple[bool, str]]:
    page: Any = signed_in(people.admin).get(PAGE)
    assert page.status_code == 200
    return {line.name: (line.ok, line.text) for line in page.context["lines"]}


def test_all_is_well(people: Cast) -> None:
    beat("worker")
    beat("beat")
    found = lines(people)
    assert list(found) == ["Database", "Redis", "Worker", "Scheduler", "Reminders", "Mails", "Events"]
    assert all(ok for ok, _text in found.values()), found
    assert found["Reminders"][1] == found["Mails"][1] == "nothing waits"


def test_what_is_late_says_since_when(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_redis_answers", lambda: False)
    beat("worker")
    Heartbeat.objects.filter(name="worker").update(at=timezone.now() - timedelta(seconds=90))
    services.create_task({"title": "x", "due_on": timezone.localdate() + timedelta(days=1), "reminder": 15}, actor=people.owner)
    Reminder.objects.update(remind_at=timezone.now() - timedelta(seconds=200))
    OutgoingMail.objects.create(key="a", message_id="a", to_address="a@example.com", subject="x", next_attempt_at=timezone.now() - timedelta(seconds=30))
    OutgoingMail.objects.create(key="b", message_id="b", to_address="a@example.com", subject="x", state="failed")
    monkeypatch.setattr(outbox, "oldest_waiting_seconds", lambda: 61.4)
    found = lines(people)
    assert {name: ok for name, (ok, _text) in found.items()} == {
        "Database": True, "Redis": False, "Worker": False, "Scheduler": False, "Reminders": False, "Mails": True, "Events": False,
    }  # fmt: skip
    assert found["Worker"][1] == "last heard of 90 s ago" and found["Scheduler"][1] == "never heard of"
    assert found["Events"][1] == "the oldest waits for 61 s"
    assert found["Reminders"][1] == "1 due, the oldest for 200 s" and found["Mails"][1] == "1 due, the oldest for 30 s"
    page = signed_in(people.admin).get(PAGE).content.decode()
    assert "1 mail of the last week could not be sent." in page and "Start it again" in page
    assert f'href="{PAGE}"' in signed_in(people.admin).get("/contacts/").content.decode(), "the banner leads here"
    assert PAGE in signed_in(people.admin).get("/settings/").content.decode()
