"""Tasks that repeat: the days of a rule, the next task once, this one or all that follow."""

from __future__ import annotations

import threading
from datetime import date, time, timedelta
from itertools import islice
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from activities import selectors, services
from activities.models import Notification, Task, TaskSeries
from activities.selectors import rule_text
from activities.services.reminders import planned_minutes
from activities.services.series import days_after, preset
from crm.core.bin import restore_group
from crm.core.bulk.models import BulkJob
from crm.core.writes import StaleRecord
from tests.activities.conftest import Business, make_cast
from tests.activities.test_reminders import utc
from tests.factories import Cast, signed_in

NOW = utc("2027-01-04T08:00")  # a Monday


@pytest.fixture
def now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield NOW


def series(start: date, **rule: Any) -> TaskSeries:
    return TaskSeries(starts_on=start, **rule)


RULES = [
    ({"frequency": "daily"}, date(2027, 1, 4), ["2027-01-05", "2027-01-06", "2027-01-07"]),
    ({"frequency": "daily", "interval": 3}, date(2027, 1, 4), ["2027-01-07", "2027-01-10", "2027-01-13"]),
    (preset("weekdays", date(2027, 1, 7)), date(2027, 1, 7), ["2027-01-08", "2027-01-11", "2027-01-12"]),
    (preset("weekly", date(2027, 1, 7)), date(2027, 1, 7), ["2027-01-14", "2027-01-21", "2027-01-28"]),
    ({"frequency": "weekly", "interval": 2, "weekdays": [0, 2]}, date(2027, 1, 4), ["2027-01-06", "2027-01-18", "2027-01-20"]),
    ({"frequency": "monthly", "month_day": 31}, date(2027, 1, 31), ["2027-02-28", "2027-03-31", "2027-04-30"]),
    ({"frequency": "monthly", "month_day": 30}, date(2027, 12, 30), ["2028-01-30", "2028-02-29", "2028-03-30"]),
    ({"frequency": "monthly", "month_day": 29}, date(2027, 1, 29), ["2027-02-28", "2027-03-29", "2027-04-29"]),
    ({"frequency": "monthly", "interval": 2, "month_day": 15}, date(2027, 1, 15), ["2027-03-15", "2027-05-15", "2027-07-15"]),
    ({"frequency": "monthly", "nth": 1, "weekdays": [0]}, date(2027, 1, 4), ["2027-02-01", "2027-03-01", "2027-04-05"]),
    ({"frequency": "monthly", "nth": -1, "weekdays": [4]}, date(2027, 1, 29), ["2027-02-26", "2027-03-26", "2027-04-30"]),
    ({"frequency": "yearly"}, date(2028, 2, 29), ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
    ({"frequency": "yearly"}, date(2027, 2, 28), ["2028-02-28", "2029-02-28"]),
    ({"frequency": "yearly", "interval": 2}, date(2027, 12, 31), ["2029-12-31", "2031-12-31"]),
]


@pytest.mark.parametrize(("rule", "start", "expected"), RULES)
def test_the_days_of_a_rule(rule: dict[str, Any], start: date, expected: list[str]) -> None:
    assert [day.isoformat() for day in islice(days_after(series(start, **rule), start), len(expected))] == expected


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"frequency": "daily"}, "Every day"),
        ({"frequency": "weekly", "weekdays": [0, 1, 2, 3, 4]}, "Every weekday"),
        ({"frequency": "weekly", "weekdays": [1]}, "Every Tuesday"),
        ({"frequency": "weekly", "interval": 2, "weekdays": [2, 0]}, "Every 2 weeks on Mon, Wed"),
        ({"frequency": "monthly", "month_day": 31, "times": 3}, "Every month on day 31, 3 times"),
        ({"frequency": "monthly", "nth": -1, "weekdays": [4], "until": date(2027, 5, 3)}, "Every month on the last Friday, until 3 May 2027"),
        ({"frequency": "yearly"}, "Every year on 4 Jan"),
    ],
)
def test_how_a_rule_reads(rule: dict[str, Any], text: str) -> None:
    assert rule_text(series(date(2027, 1, 4), **rule)) == text


def make(people: Cast, repeat: Any = "weekly", **values: Any) -> Task:
    return services.create_task({"title": "Report", "due_on": date(2027, 1, 4), "repeat": repeat, **values}, actor=people.owner)


def open_tasks() -> list[Task]:
    return list(Task.objects.alive().filter(done_at=None).order_by("due_on", "pk"))


def days() -> list[str]:
    return [task.due_on.isoformat() for task in open_tasks() if task.due_on]


def test_when_one_is_done_the_next_is_there(people: Cast, business: Business, now: Any) -> None:
    task = make(people, due_time=time(10), deal=business.deal, description="Numbers", priority=3, kind="call", reminder=[15, 1440])
    services.add_item(task, text="Ask sales", actor=people.owner)
    services.change_item(task.items.get(), done=True, actor=people.owner)
    services.complete_task(task, actor=people.owner)
    services.complete_task(task, actor=people.owner)
    [following] = open_tasks()
    assert (following.title, following.description, following.priority, following.kind) == ("Report", "Numbers", 3, "call")
    assert (following.due_on, following.due_time, following.deal, following.company) == (date(2027, 1, 11), time(10), business.deal, business.company)
    assert (following.owner, following.created_by, following.items_total, following.items_done) == (people.owner, people.owner, 1, 0)
    assert planned_minutes([following]) == {following.pk: {15, 1440}}
    assert not Notification.objects.exists()
    business.deal.refresh_from_db()
    assert business.deal.next_step_at == following.due_at


def test_the_next_one_is_not_over_and_keeps_to_the_rule(people: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        late, moved, early = (make(people, "daily", title=title, due_time=time(9)) for title in ("late", "moved", "early"))
    with time_machine.travel(utc("2027-01-09T10:00"), tick=False):  # nine o'clock is over
        services.complete_task(late, actor=people.owner)
        assert days()[-1] == "2027-01-10"
    weekly = make(people, "weekly", title="weekly", due_on=date(2027, 1, 4))
    with time_machine.travel(NOW, tick=False):
        services.update_task(weekly, {"due_on": date(2027, 1, 6)}, actor=people.owner)  # put off: the rule stays on Mondays
        services.complete_task(weekly, actor=people.owner)
        assert Task.objects.get(title="weekly", done_at=None).due_on == date(2027, 1, 11)
        services.update_task(moved, {"due_on": date(2027, 1, 20)}, actor=people.owner)
        services.complete_task(early, actor=people.owner)
        assert Task.objects.get(title="early", done_at=None).due_on == date(2027, 1, 5)


@pytest.mark.parametrize("rule", [{"frequency": "weekly", "times": 3}, {"frequency": "weekly", "until": date(2027, 1, 18)}])
def test_a_series_ends(people: Cast, now: Any, rule: dict[str, Any]) -> None:
    make(people, rule)
    seen = []
    while (waiting := open_tasks()) and len(seen) < 9:
        seen += days()
        services.complete_task(waiting[0], actor=people.owner)
    assert seen == ["2027-01-04", "2027-01-11", "2027-01-18"]


def test_undo_takes_the_next_one_back(people: Cast, now: Any) -> None:
    task = make(people, {"frequency": "weekly", "times": 2})
    for _round in range(3):
        services.complete_task(task, actor=people.owner)
        assert days() == ["2027-01-11"]
        services.reopen_task(task, actor=people.owner)
        assert days() == ["2027-01-04"]
    services.complete_tasks([task.pk], actor=people.owner)
    [following] = open_tasks()
    services.update_task(following, {"title": "Touched"}, actor=people.owner)
    services.reopen_task(task, actor=people.owner)
    assert days() == ["2027-01-04", "2027-01-11"]
    services.complete_task(task, actor=people.owner)
    assert days() == ["2027-01-11"]


def test_this_one_or_all_that_follow(people: Cast, now: Any) -> None:
    task = make(people)
    services.update_task(task, {"title": "Only now"}, actor=people.owner)
    services.complete_task(task, actor=people.owner)
    [second] = open_tasks()
    assert second.title == "Report"
    changes = {"title": "Longer report", "due_on": date(2027, 1, 13), "due_time": time(11), "reminder": [60], "owner": people.teammate, "following": True}
    services.update_task(second, changes, actor=people.owner)
    services.complete_task(second, actor=people.teammate)
    [third] = open_tasks()
    assert (third.title, third.due_on, third.due_time, third.owner) == ("Longer report", date(2027, 1, 20), time(11), people.teammate)
    assert planned_minutes([third]) == {third.pk: {60}}


def test_skipped_and_deleted(people: Cast, now: Any) -> None:
    task = make(people)
    group, following = services.skip_task(task, actor=people.owner)
    assert days() == ["2027-01-11"] and following is not None
    restore_group(group, actor=people.owner, models_with_bin=[Task])
    services.complete_task(task, actor=people.owner)
    assert days() == ["2027-01-11"]  # which was there already
    gone = services.delete_tasks([following.pk], actor=people.owner)
    assert days() == []  # nothing follows
    restore_group(gone, actor=people.owner, models_with_bin=[Task])
    services.complete_task(following, actor=people.owner)
    assert days() == ["2027-01-18"]
    with pytest.raises(ValidationError):
        services.skip_task(services.create_task({"title": "Once"}, actor=people.owner), actor=people.owner)


def test_the_rule_changes_and_stops(people: Cast, now: Any) -> None:
    task = services.create_task({"title": "Report", "due_on": date(2027, 1, 4), "reminder": 30}, actor=people.owner)
    with pytest.raises(StaleRecord):
        services.set_repeat(task, "daily", actor=people.owner, version=7)
    task = services.set_repeat(task, {"frequency": "daily", "interval": 2}, actor=people.owner, version=1)
    services.complete_task(task, actor=people.owner)
    [second] = open_tasks()
    assert (second.due_on, planned_minutes([second])) == (date(2027, 1, 6), {second.pk: {30}})
    services.set_repeat(second, "weekly", actor=people.owner)
    services.complete_task(second, actor=people.owner)
    [third] = open_tasks()
    assert third.due_on == date(2027, 1, 13)
    services.set_repeat(third, None, actor=people.owner)
    services.complete_task(third, actor=people.owner)
    assert not open_tasks()
    Task._base_manager.all().delete()
    assert services.drop_ended_series() == 2


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"frequency": "hourly"}, "frequency"),
        ({"frequency": "daily", "interval": 0}, "interval"),
        ({"frequency": "daily", "interval": 366}, "interval"),
        ({"frequency": "weekly", "weekdays": [7]}, "weekdays"),
        ({"frequency": "monthly", "month_day": 32}, "month_day"),
        ({"frequency": "monthly", "nth": 6}, "nth"),
        ({"frequency": "daily", "until": date(2027, 1, 3)}, "until"),
        ({"frequency": "daily", "times": 1001}, "times"),
    ],
)
def test_bad_rules_change_nothing(people: Cast, rule: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        make(people, rule)
    assert field in error.value.message_dict
    assert not Task.objects.exists() and not TaskSeries.objects.exists()


def test_a_series_needs_a_day(people: Cast) -> None:
    with pytest.raises(ValidationError) as error:
        services.create_task({"title": "Some day", "repeat": "daily"}, actor=people.owner)
    assert "due_on" in error.value.message_dict


def test_who_takes_over_gets_those_that_follow(people: Cast, now: Any) -> None:
    task = make(people)
    services.assign_tasks([task.pk], actor=people.manager, data={"owners": [people.teammate]})
    services.complete_task(task, actor=people.teammate)
    assert [row.owner for row in open_tasks()] == [people.teammate]


@pytest.mark.django_db(transaction=True)
def test_two_who_finish_it_at_once_make_one() -> None:
    people = make_cast()
    task = make(people, due_on=timezone.localdate())
    errors: list[BaseException] = []

    def finish(many: bool) -> None:
        try:
            services.complete_tasks([task.pk], actor=people.owner) if many else services.complete_task(task, actor=people.owner)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert Task.objects.count() == 2


# ---- the pages ----


@pytest.fixture
def client(people: Cast) -> Client:
    return signed_in(people.owner)


def test_a_repetition_from_the_forms(client: Client, people: Cast) -> None:
    today = timezone.localdate()
    assert client.post("/tasks/new/", {"title": "Report", "repeat": "daily"}).status_code == 422
    assert client.post("/tasks/new/", {"title": "Report", "repeat": "hourly", "due_on": today.isoformat()}).status_code == 422
    data = {"title": "Report", "repeat": "weekly", "due_on": today.isoformat(), "reminder": ["", "0", "1440"]}
    assert client.post("/tasks/new/", data).status_code == 302
    task = Task.objects.get()
    assert task.series is not None
    page = client.get(task.get_absolute_url()).content.decode()
    assert selectors.rule_text(task.series) in page and "Skip this one" in page
    for address in ("/tasks/?view=mine", "/"):
        assert "Repeats" in client.get(address).content.decode()
    assert "Change the tasks that follow as well" in client.get(f"/tasks/{task.pk}/edit/").content.decode()
    url = f"/tasks/{task.pk}/repeat/"
    assert client.get(url).status_code == 200
    rule = {"interval": "2", "unit": "weekly", "weekdays": ["0", "4"], "times": "5", "version": str(task.version)}
    for wrong in ({"interval": "0"}, {"unit": "x"}, {"weekdays": ["9"]}, {"until": "2001-01-01"}, {"times": "x"}, {"until": "2199-01-01"}):
        assert client.post(url, {**rule, **wrong}).status_code == 422, wrong
    assert client.post(url, {**rule, "version": "99"}).status_code == 409
    assert client.post(url, rule).status_code == 302
    task.refresh_from_db()
    assert (task.series.interval, task.series.weekdays, task.series.times) == (2, [0, 4], 5)
    assert client.post(url, {"do": "stop"}).status_code == 302
    task.refresh_from_db()
    assert task.series is None


def test_the_form_changes_those_that_follow(client: Client, people: Cast) -> None:
    task = make(people, due_on=timezone.localdate())
    data = {"title": "Changed", "due_on": task.due_on.isoformat(), "version": str(task.version), "owner": str(people.owner.pk), "following": "on"}
    assert client.post(f"/tasks/{task.pk}/edit/", data).status_code == 302
    client.post(f"/tasks/{task.pk}/complete/")
    assert Task.objects.get(done_at=None).title == "Changed"


def test_skip_from_the_page(client: Client, people: Cast) -> None:
    task = make(people, due_on=timezone.localdate())
    assert signed_in(people.teammate).post(f"/tasks/{task.pk}/skip/").status_code == 403
    response = client.post(f"/tasks/{task.pk}/skip/")
    following = Task.objects.alive().get()
    assert response["Location"] == following.get_absolute_url() and following.due_on == task.due_on + timedelta(days=7)
    assert client.post(f"/tasks/{task.pk}/skip/").status_code == 404  # in the bin
    assert "no more tasks will follow" in client.get(f"/tasks/{following.pk}/delete/").content.decode()


def test_a_bulk_change_and_its_undo(client: Client, people: Cast) -> None:
    task = make(people, due_on=timezone.localdate())
    for _round in range(2):
        assert client.post("/tasks/bulk/complete/", {"ids": [str(task.pk)], "confirmed": "1"}).status_code == 302
        assert [row.due_on for row in open_tasks()] == [task.due_on + timedelta(days=7)]
        job = BulkJob.objects.latest("pk")
        client.post(f"/bulk/{job.pk}/undo/")
        job.refresh_from_db()
        assert (job.state, job.kept, [row.pk for row in open_tasks()]) == ("undone", 0, [task.pk])
    assert Task._base_manager.count() == 1
