"""Many at the same moment, on real connections: entries, turns, limits, conversions."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from activities.models import Activity, Notification, Reminder, Task
from contacts.models import Company, Contact
from crm.core.models import OutboxEvent
from deals.models import Deal
from deals.services import ensure_defaults as ensure_pipeline
from leads import services
from leads.models import Lead, Submission
from leads.services import Choices
from mail.models import OutgoingMail
from tests.factories import make_team, make_user
from tests.leads.factories import make_form, make_lead, make_rule, make_team_of, status, store

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS = 8


def at_once(calls: Iterable[Callable[[], object]]) -> list[object]:
    """Run the calls in threads that start together; what they return, or re-raise what one of them raised."""
    calls = list(calls)
    barrier, results, errors = threading.Barrier(len(calls)), [None] * len(calls), []

    def run(index: int, call: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            results[index] = call()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    if errors:
        raise errors[0]
    return results


def post(address: str, slug: str = "contact", **data: str) -> int:
    body = json.dumps({"name": "Ada Lovelace", "email": address, **data})
    return Client().post(f"/f/{slug}/", body, content_type="application/json").status_code


@pytest.mark.parametrize("addresses", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_each_address_becomes_exactly_one_lead_with_one_task_and_one_mail(addresses):
    team, people = make_team_of(4)
    make_rule(team=team)
    make_form()
    mine = [[f"person{number}@engine.example" for number in range(client, addresses, CLIENTS)] for client in range(CLIENTS)]
    codes = at_once([lambda part=part: [post(address) for address in part] for part in mine])
    assert Counter(code for part in codes for code in part) == {201: addresses}
    assert Submission.objects.filter(state="done").count() == Submission.objects.count() == addresses
    leads = Lead.objects.all()
    assert len({lead.email for lead in leads}) == len(leads) == addresses
    assert Counter(lead.owner_id for lead in leads) == {person.pk: addresses // 4 for person in people}, "turns are even"
    assert Counter(Task.objects.values_list("lead", flat=True)) == {lead.pk: 1 for lead in leads}
    assert Reminder.objects.count() == addresses
    assert Activity.objects.filter(kind="submission").count() == addresses
    assert OutgoingMail.objects.filter(purpose="notice").count() == addresses
    assert OutboxEvent.objects.filter(name="leads.submission_processed").count() == addresses


def test_one_address_from_eight_clients_is_one_lead():
    team, _people = make_team_of(2)
    make_rule(team=team)
    make_form()
    assert set(at_once([lambda: post("ada@engine.example")] * CLIENTS)) == {201}
    lead = Lead.objects.get()
    assert lead.submissions.filter(state="done").count() == CLIENTS
    assert Task.objects.filter(lead=lead).count() == CLIENTS
    assert OutgoingMail.objects.filter(purpose="notice").count() == CLIENTS


def test_one_entry_worked_in_by_eight_workers_is_done_once():
    team, _people = make_team_of(1)
    make_rule(team=team)
    submissions = [store(make_form(f"form{number}")) for number in range(5)]
    for submission in submissions:
        assert sorted(at_once([lambda pk=submission.pk: services.process_submission(pk)] * CLIENTS)).count(True) == 1
    assert Lead.objects.count() == Task.objects.count() == OutgoingMail.objects.count() == 5


def test_sweeps_beside_each_other_do_each_entry_once():
    form = make_form()
    for number in range(30):
        store(form, email=f"p{number}@engine.example")
    Submission.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    assert sum(at_once([services.sweep] * 4)) == 30
    assert Lead.objects.count() == 30


def test_a_double_click_is_one_entry():
    form, token = make_form(), uuid.uuid4()
    found = at_once([lambda: services.receive_submission(form, data={"name": "Ada"}, token=token).pk] * CLIENTS)
    assert len(set(found)) == Submission.objects.count() == 1


def test_limits_hold_over_parallel_clients():
    make_user()
    make_form(per_address_per_hour=10)
    codes = at_once([lambda number=number: [post(f"a{number}-{turn}@engine.example") for turn in range(4)] for number in range(CLIENTS)])
    assert Counter(code for part in codes for code in part) == {201: 10, 429: 22}
    assert Submission.objects.count() == 10


def test_least_busy_stays_even_under_parallel_entries():
    team, people = make_team_of(4)
    make_rule(team=team, mode="least_busy")
    make_form()
    at_once([lambda number=number: [post(f"a{number}-{turn}@engine.example") for turn in range(5)] for number in range(CLIENTS)])
    assert Counter(Lead.objects.values_list("owner", flat=True)) == {person.pk: 10 for person in people}


def test_a_lead_converted_by_eight_tabs_is_converted_once():
    ensure_pipeline()
    rep = make_user(team=make_team())
    for turn in range(3):
        lead = make_lead(rep, first_name="Ada", company_name=f"Engine {turn}", email=f"ada{turn}@engine.example")
        found = at_once([lambda lead=lead: services.convert_lead(lead, actor=rep, choices=Choices(deal_name="D"))] * CLIENTS)
        assert sum(each.now for each in found) == 1
        assert len({each.deal.pk for each in found}) == 1
    assert (Contact.objects.count(), Company.objects.count(), Deal.objects.count()) == (3, 3, 3)
    assert OutboxEvent.objects.filter(name="leads.converted").count() == 3


def test_a_lead_comes_back_once_however_many_beats_there_are():
    rep, day = make_user(time_zone="UTC"), date(2031, 3, 14)
    for _lead in range(5):
        services.set_status(make_lead(rep), status("Disqualified"), actor=rep, reason="Not now", recycle_on=day)
    later = datetime(2031, 3, 14, 12, tzinfo=UTC)
    assert sum(at_once([lambda: services.recycle_due_leads(later)] * 4)) == 5
    assert (Lead.objects.filter(status__kind="new").count(), Task.objects.count(), Notification.objects.count()) == (5, 5, 5)


def test_a_conversion_is_taken_back_once():
    ensure_pipeline()
    rep = make_user(team=make_team())
    lead = services.convert_lead(make_lead(rep, last_name="Ada", company_name="Engine"), actor=rep, choices=Choices(deal_name="D")).lead

    def undo() -> bool:
        try:
            services.undo_conversion(lead, actor=rep)
        except ValidationError:
            return False
        return True

    assert sum(at_once([undo] * CLIENTS)) == 1
    assert OutboxEvent.objects.filter(name="leads.conversion_undone").count() == Activity.objects.filter(verb="unconverted").count() == 1


def test_two_workers_score_everything_once():
    for _lead in range(20):
        make_lead(city="Wien", last_name="X")
    services.create_score_rule({"field": "city", "op": "filled", "points": 7, "active": True}, actor=None)
    assert sum(at_once([services.score_on] * 3)) == 20
    assert set(Lead.objects.values_list("score", flat=True)) == {7}
