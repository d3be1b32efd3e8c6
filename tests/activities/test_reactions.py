"""What other apps' events leave on timelines, in bells and in the outbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities import selectors, services
from activities.handlers import mail_sent
from activities.models import Activity, Notification, Reminder, Task
from crm.core import outbox
from crm.core.models import Delivery
from leads.models import Lead
from leads.services import process_submission
from mail import services as mail
from mail.models import OutgoingMail
from mail.services.transport import FileTransport
from tests.activities.conftest import Business
from tests.factories import Cast, make_user
from tests.leads.factories import make_form, make_rule, store


def test_a_form_entry_becomes_lead_line_task_reminder_mail_and_bell(db: Any, tmp_path: Any) -> None:
    owner = make_user(time_zone="Europe/Berlin")
    make_rule(mode="user", user=owner, conditions=[])
    form = make_form(confirm_sender=True)
    entry = store(form, message="Please call me <b>back</b>")
    assert process_submission(entry.pk)
    lead = Lead.objects.get()
    lines = selectors.timeline(owner, lead).lines
    assert {(line.kind, line.verb) for line in lines} == {("submission", "received"), ("change", "created")}
    line = Activity.objects.get(kind="submission")
    assert ["Message", "Please call me <b>back</b>"] in line.data["answers"]
    task = Task.objects.get()
    assert (task.owner, task.lead, task.kind, task.zone) == (owner, lead, "follow_up", "Europe/Berlin")
    assert Reminder.objects.get(task=task).remind_at == task.due_at
    assert Notification.objects.filter(user=owner).count() == 1
    lead.refresh_from_db()
    assert (lead.next_step_at, lead.next_step_kind) == (task.due_at, "follow_up")
    assert mail.send_due(transport=FileTransport(tmp_path / "mail")) == 2
    outbox.drain(2)
    confirmed = Activity.objects.get(kind="email")
    assert (confirmed.verb, confirmed.lead, confirmed.mail.purpose) == ("confirmed", lead, "confirmation")  # type: ignore[union-attr]
    assert not Delivery.objects.filter(status="dead").exists()


def test_a_second_entry_of_the_same_address_is_a_line_and_a_task(db: Any) -> None:
    owner = make_user()
    make_rule(mode="user", user=owner, conditions=[])
    form = make_form()
    for _twice in range(2):
        process_submission(store(form, email="ada@engine.example").pk)
    lead = Lead.objects.get()
    assert [line.verb for line in selectors.timeline(owner, lead, wanted=selectors.Wanted("email")).lines] == ["again", "received"]
    assert Task.objects.filter(lead=lead).count() == 2


@pytest.mark.parametrize("key", ["", "submission:", "submission:x:sender", "reminder:5", "submission:3f2504e0-4f89-11d3-9a0c-0305e82c3301:sender"])
def test_mails_that_confirm_nothing_leave_no_line(db: Any, key: str) -> None:
    with transaction.atomic():
        row = mail.queue_mail(purpose="confirmation", to_address="a@example.com", subject="Hi", text="x", key=key or None)

    class Event:
        subject_ids = (row.pk, row.pk + 1) if row else ()
        payload = {"key": key}

    mail_sent(Event)  # type: ignore[arg-type]
    assert not Activity.objects.exists()


def test_reminders_of_a_batch_ask_for_the_organisation_once(people: Cast) -> None:
    services.create_tasks([{"title": f"T{number}", "due_at": timezone.now()} for number in range(30)], actor=people.owner)
    with CaptureQueriesContext(connection) as queries:
        assert services.fire_due_reminders() == 30
    assert len(queries) < 15


def test_writing_many_lines_takes_few_statements(people: Cast, business: Business) -> None:
    rows = [{"kind": "note", "verb": "added", "deal": business.deal, "actor": people.owner} for _number in range(500)]
    with CaptureQueriesContext(connection) as queries:
        services.write_lines(rows)
    assert len(queries) <= 9


def test_making_a_task_stays_within_the_budget_of_a_post(people: Cast, business: Business) -> None:
    with CaptureQueriesContext(connection) as queries:
        services.create_task({"title": "Call", "deal": business.deal, "due_on": timezone.localdate() + timedelta(days=1)}, actor=people.owner)
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 16, "\n".join(text[:190] for text in statements)


def test_the_ledger_knows_every_mail(people: Cast) -> None:
    services.create_task({"title": "Call", "due_at": timezone.now()}, actor=people.owner)
    services.fire_due_reminders()
    row = OutgoingMail.objects.get()
    assert (row.purpose, row.user, row.to_address) == ("reminder", people.owner, people.owner.email)
