"""Tasks and meetings: what the services promise."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities import services
from activities.models import Activity, Meeting, Notification, Reminder, Task
from activities.services.due import snooze_values
from activities.services.meetings import close_past_meetings
from contacts.models import Company, Contact
from crm.core.bin import restore_group
from crm.core.writes import StaleRecord, change_records
from deals.models import Deal
from deals.services import create_deal, delete_deals, update_deal
from leads.services import convert_lead, update_lead
from leads.services.conversion import Choices
from tests.activities.conftest import Business, make_cast
from tests.factories import Cast


def fresh(obj: Any) -> Any:
    return type(obj)._base_manager.get(pk=obj.pk)


# ---- making and changing ----


def test_a_task_on_a_deal_is_also_one_of_its_contact_and_company(people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Call", "deal": business.deal}, actor=people.owner)
    assert (task.contact, task.company, task.subject_type, task.team) == (business.contact, business.company, "deal", people.team)


def test_links_that_the_actor_does_not_see_are_refused(people: Cast, business: Business) -> None:
    with pytest.raises(ValidationError) as error:
        services.create_task({"title": "Call", "deal": business.deal}, actor=people.stranger)
    assert "deal" in error.value.message_dict
    task = services.create_task({"title": "Call"}, actor=people.stranger)
    with pytest.raises(ValidationError):
        services.update_task(task, {"lead": business.lead}, actor=people.stranger)


def test_moving_a_task_to_another_deal_brings_its_parents(people: Cast, business: Business) -> None:
    other = create_deal({"name": "Other", "contact": None, "company": None}, actor=people.owner)
    task = services.create_task({"title": "Call", "deal": business.deal}, actor=people.owner)
    moved = services.update_task(task, {"deal": other}, actor=people.owner)
    assert (moved.deal, moved.contact, moved.company) == (other, None, None)
    assert fresh(business.deal).next_step == ""
    assert fresh(other).next_step == "Call"


def test_somebody_who_is_given_a_task_hears_of_it(people: Cast) -> None:
    services.create_task({"title": "Call", "owner": people.teammate}, actor=people.owner)
    assert Notification.objects.get(user=people.teammate).text == "Olivia Owner gave you a task: Call"
    services.create_task({"title": "Own"}, actor=people.owner)
    assert not Notification.objects.filter(user=people.owner).exists()


def test_a_stale_version_changes_nothing(people: Cast) -> None:
    task = services.create_task({"title": "Call"}, actor=people.owner)
    services.update_task(task, {"title": "One"}, actor=people.owner, version=1)
    with pytest.raises(StaleRecord):
        services.update_task(task, {"title": "Two"}, actor=people.owner, version=1)
    assert fresh(task).title == "One"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "A", "due_time": time(10)}, "due_on"),
        ({"title": "A", "due_on": date(1, 1, 1)}, "due_on"),
        ({"title": "A", "kind": "sleep"}, "kind"),
        ({"title": "A", "priority": 9}, "priority"),
    ],
)
def test_wrong_values_are_named(people: Cast, values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        services.create_task(values, actor=people.owner)
    assert field in error.value.message_dict


# ---- done, reopened, put off ----


def test_done_is_done_once(people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Call", "deal": business.deal, "due_on": timezone.localdate() + timedelta(days=1)}, actor=people.owner)
    for _twice in range(2):
        services.complete_task(task, actor=people.owner, outcome="Fine")
    line = Activity.objects.get(verb="done")
    assert (line.task, line.data["outcome"], line.company) == (task, "Fine", business.company)
    assert fresh(business.deal).next_step_at is None
    assert not Reminder.objects.filter(cancelled_at=None).exists()
    services.reopen_task(task, actor=people.owner)
    assert fresh(business.deal).next_step == "Call"
    assert Reminder.objects.filter(cancelled_at=None).count() == 1
    assert fresh(task).outcome == ""
    assert not Activity.objects.alive().filter(verb="done").exists()


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_finish_a_task_once() -> None:
    people = make_cast()
    task = services.create_task({"title": "Call"}, actor=people.owner)
    services.create_task({"title": "x"}, actor=people.owner)
    errors: list[BaseException] = []
    barrier = threading.Barrier(6)

    def finish() -> None:
        try:
            barrier.wait()
            services.complete_task(task, actor=people.owner)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert fresh(task).version == 2


def test_snooze_on_the_clock_of_the_assignee() -> None:
    zone = ZoneInfo("America/New_York")
    now = datetime(2027, 3, 13, 23, 30, tzinfo=UTC)  # Saturday 18:30 there
    assert snooze_values("hour", now, zone) == {"due_at": datetime(2027, 3, 14, 0, 30, tzinfo=UTC)}
    assert snooze_values("tomorrow", now, zone) == {"due_on": date(2027, 3, 14), "due_time": time(9)}
    assert snooze_values("monday", now, zone) == {"due_on": date(2027, 3, 15), "due_time": time(9)}
    assert snooze_values("monday", datetime(2027, 3, 15, 15, tzinfo=UTC), zone)["due_on"] == date(2027, 3, 22)


def test_snooze_moves_reminder_and_next_step(people: Cast, business: Business) -> None:
    task = services.create_task(
        {"title": "Call", "lead": business.lead, "due_on": timezone.localdate() + timedelta(days=1), "due_time": time(8)}, actor=people.owner
    )
    later = services.snooze_task(task, "custom", actor=people.owner, day=date(2031, 1, 2), at=time(10))
    assert fresh(business.lead).next_step_at == later.due_at == datetime(2031, 1, 2, 10, tzinfo=UTC)
    assert Reminder.objects.get(cancelled_at=None).remind_at == later.due_at


# ---- with their records ----


def test_open_tasks_follow_the_records_owner_if_they_were_the_owners(people: Cast, business: Business) -> None:
    own = services.create_task({"title": "Own", "lead": business.lead, "due_on": timezone.localdate() + timedelta(days=2)}, actor=people.owner)
    done = services.create_task({"title": "Done", "lead": business.lead}, actor=people.owner)
    services.complete_task(done, actor=people.owner)
    others = services.create_task({"title": "Other", "lead": business.lead, "owner": people.manager}, actor=None)
    update_lead(business.lead, {"owner": people.teammate}, actor=people.owner)
    assert (fresh(own).owner, fresh(done).owner, fresh(others).owner) == (people.teammate, people.owner, people.manager)
    assert {reminder.user for reminder in Reminder.objects.filter(task=own, cancelled_at=None)} == {people.teammate}


def test_a_bulk_handover_moves_all_tasks(people: Cast) -> None:
    deals = [create_deal({"name": f"D{number}"}, actor=people.owner) for number in range(4)]
    services.create_tasks([{"title": "Call", "deal": deal} for deal in deals], actor=people.owner)
    change_records(Deal, [deal.pk for deal in deals], {"owner": people.teammate}, actor=people.manager)
    assert Task.objects.filter(owner=people.teammate).count() == 4


def test_leaving_hands_over_tasks_and_meetings(people: Cast) -> None:
    services.create_task({"title": "Call", "due_on": timezone.localdate() + timedelta(days=1)}, actor=people.owner)
    start = timezone.now() + timedelta(days=1)
    services.create_meeting({"title": "Visit", "starts_at": start, "ends_at": start}, actor=people.owner)
    assert services.user_left(people.owner, people.teammate, people.admin) == 2
    assert {reminder.user for reminder in Reminder.objects.filter(cancelled_at=None)} == {people.teammate}
    assert Meeting.objects.get().owner == people.teammate


def test_tasks_go_into_the_bin_with_their_record_and_come_back(people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Call", "deal": business.deal, "due_on": timezone.localdate() + timedelta(days=1)}, actor=people.owner)
    beside = services.create_task({"title": "Beside", "contact": business.contact}, actor=people.owner)
    group = delete_deals([business.deal.pk], actor=people.owner)
    assert (fresh(task).deletion_group, fresh(beside).deletion_group) == (group, None)
    assert fresh(business.contact).next_step == "Beside"
    assert not Reminder.objects.filter(cancelled_at=None).exists()
    restore_group(group, actor=people.owner, models_with_bin=[Deal, Task, Meeting])
    assert fresh(task).deleted_at is None
    assert Reminder.objects.filter(cancelled_at=None).count() == 1
    assert fresh(business.deal).next_step == "Call"


def test_conversion_carries_everything_over(people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Follow up", "lead": business.lead, "due_on": date(2031, 1, 2)}, actor=people.owner)
    services.add_note(business.lead, body="First talk", actor=people.owner)
    result = convert_lead(business.lead, actor=people.owner, choices=Choices(company_name="Lindner KG", deal_name="First order"))
    task = fresh(task)
    assert (task.deal, task.contact, task.company, task.lead) == (result.deal, result.contact, result.company, business.lead)
    assert fresh(result.deal).next_step == "Follow up"
    note = Activity.objects.get(body="First talk")
    assert (note.deal, note.contact, note.company) == (result.deal, result.contact, result.company)
    assert Activity.objects.filter(verb="converted", deal=result.deal, lead=business.lead).count() == 1


def test_the_follow_up_of_a_form_entry(people: Cast, business: Business) -> None:
    due = datetime(2031, 1, 2, 10, 17, 31, tzinfo=UTC)
    task = services.make_follow_up(
        owner=people.owner, title="Follow up: x", due_at=due, zone="Europe/Berlin", actor=None, submission=None, lead=business.lead, contact=None
    )
    assert task is not None
    minute = due.replace(second=0)  # tasks are due on the minute
    assert (task.kind, task.due_at, task.due_on, task.zone, task.created_by) == ("follow_up", minute, date(2031, 1, 2), "Europe/Berlin", None)
    assert Reminder.objects.get(task=task).remind_at == minute
    assert services.make_follow_up(owner=None, title="x", due_at=due, lead=business.lead) is None


def test_past_meetings_count_as_held(people: Cast, business: Business) -> None:
    start = timezone.now() - timedelta(hours=3)
    meeting = services.create_meeting(
        {"title": "Visit", "contact": business.contact, "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=people.owner
    )
    assert fresh(business.contact).next_step == "Visit"
    assert close_past_meetings() == 1
    assert close_past_meetings() == 0
    line = Activity.objects.get(verb="held")
    assert (line.meeting, line.at, line.data["minutes"], line.company) == (meeting, start, 60, business.company)
    assert fresh(business.contact).next_step_at is None
    tomorrow = timezone.now() + timedelta(days=1)
    services.update_meeting(fresh(meeting), {"starts_at": tomorrow, "ends_at": tomorrow}, actor=people.owner)
    assert fresh(meeting).held_at is None


def test_titles_of_deals_steps_are_not_told_to_those_who_see_the_company(people: Cast, business: Business) -> None:
    services.create_task({"title": "Canary", "kind": "call", "deal": business.deal, "due_on": date(2031, 1, 2)}, actor=people.owner)
    assert fresh(business.deal).next_step == "Canary"
    company = fresh(business.company)
    assert (company.next_step, company.next_step_kind, company.next_step_all_day) == ("Call", "call", True)


# ---- next steps against plain Python ----

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deal", "contact", "company"]),
        st.sampled_from(["task", "meeting"]),
        st.one_of(st.none(), st.integers(1, 9)),
        st.sampled_from(["open", "done", "deleted", "moved", "reopened"]),
    ),
    max_size=6,
)


def expected(name: str, record: Any) -> Any:
    """The earliest open task or meeting on a record; dated before undated, a task before a meeting of the same moment."""
    rows = [row for model in (Task, Meeting) for row in model._base_manager.all() if getattr(row, f"{name}_id") == record.pk and row.deleted_at is None]
    open_rows = [row for row in rows if (row.done_at if isinstance(row, Task) else row.held_at) is None]
    far = datetime(9999, 1, 1, tzinfo=UTC)

    def key(row: Any) -> Any:
        at = row.due_at if isinstance(row, Task) else row.starts_at
        return (at or far, isinstance(row, Meeting), row.pk)

    if not open_rows:
        return None
    first = min(open_rows, key=key)
    return first.due_at if isinstance(first, Task) else first.starts_at, first.kind if isinstance(first, Task) else "meeting"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_next_steps_are_the_earliest_open_ones(people: Cast, business: Business, steps: list[tuple[str, str, int | None, str]]) -> None:
    Task._base_manager.all().delete()
    Meeting._base_manager.all().delete()
    services.refresh_next_steps({"deal": {business.deal.pk}, "contact": {business.contact.pk}, "company": {business.company.pk}})
    records = {"deal": business.deal, "contact": business.contact, "company": business.company}
    for name, kind, day, fate in steps:
        if kind == "task":
            task = services.create_task({"title": "T", name: records[name], "due_on": date(2031, 1, day) if day else None}, actor=people.owner)
            if fate in ("done", "reopened"):
                services.complete_task(task, actor=people.owner)
            if fate == "reopened":
                services.reopen_task(task, actor=people.owner)
            if fate == "deleted":
                services.delete_tasks([task.pk], actor=people.owner)
            if fate == "moved":
                services.update_task(task, {"due_on": date(2031, 2, day or 1)}, actor=people.owner)
        else:
            start = datetime(2031, 1, day or 10, 10, tzinfo=UTC)
            meeting = services.create_meeting({"title": "M", name: records[name], "starts_at": start, "ends_at": start}, actor=people.owner)
            if fate == "deleted":
                services.delete_meetings([meeting.pk], actor=people.owner)
    for name, model in (("deal", Deal), ("contact", Contact), ("company", Company)):
        row = model._base_manager.get(pk=records[name].pk)
        found = (row.next_step_at, row.next_step_kind) if row.next_step else None
        assert found == expected(name, records[name])
        assert row.version == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_plan_at_once_leave_the_earlier_step() -> None:
    people = make_cast()
    deal = create_deal({"name": "Deal"}, actor=people.owner)
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def plan(day: int) -> None:
        try:
            barrier.wait()
            for number in range(3):
                services.create_task({"title": f"T{day}", "deal": deal, "due_on": date(2031, 1, day + number)}, actor=people.owner)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=plan, args=(day,)) for day in (9, 5, 2, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert fresh(deal).next_step_at == datetime(2031, 1, 2, 23, 59, 59, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_changes_of_a_deal_and_its_contact_at_once_do_not_block_each_other_for_ever() -> None:
    from contacts.services import create_company, create_contact, update_contact

    people = make_cast()
    company = create_company({"name": "Alpenwerk"}, actor=people.owner)
    contact = create_contact({"last_name": "Berger", "company": company}, actor=people.owner)
    deal = create_deal({"name": "Deal", "company": company, "contact": contact}, actor=people.owner)
    errors: list[BaseException] = []

    def work(change: Any) -> None:
        try:
            for number in range(12):
                change(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    jobs = [
        lambda number: update_deal(deal, {"name": f"Deal {number}"}, actor=people.owner),
        lambda number: update_contact(contact, {"job_title": f"Boss {number}"}, actor=people.owner),
        lambda number: services.add_note(deal, body=f"note {number}", actor=people.owner),
        lambda number: services.create_task({"title": "T", "contact": contact, "due_on": date(2031, 1, 1 + number)}, actor=people.owner),
    ]
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
