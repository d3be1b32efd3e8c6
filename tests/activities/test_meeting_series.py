"""Meetings that repeat: when they are, how they are carried on, and what a deletion of one, of the following and of all does."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from activities import selectors, services
from activities.models import Meeting, MeetingSeries, Reminder
from activities.selectors import rule_text
from activities.services.meeting_series import MOST
from crm.core.bin import restore_rows
from tests.activities.conftest import Business, make_cast
from tests.activities.series import WEEKLY, berlin, clocks, later, make, rows
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.parametrize(
    ("rule", "start", "expected", "text"),
    [
        ({"frequency": "weekly"}, berlin(2), WEEKLY, "Every Tuesday at 10:00 (Europe/Berlin), 6 times"),
        ({"frequency": "daily", "times": 3}, berlin(27), ["03-27 10:00", "03-28 10:00", "03-29 10:00"], "Every day at 10:00 (Europe/Berlin), 3 times"),
        # 2:30 does not exist on 28 March: that meeting is an hour later, the others are not.
        ({"frequency": "daily", "times": 3}, berlin(27, hour=2, minute=30), ["03-27 02:30", "03-28 03:30", "03-29 02:30"], None),
        # In the night of 31 October 2:30 comes twice: the first one.
        ({"frequency": "daily", "times": 3}, berlin(30, 10, 2, 30), ["10-30 02:30", "10-31 02:30", "11-01 02:30"], None),
        ({"frequency": "weekly", "weekdays": [0, 1, 2, 3, 4], "times": 4}, berlin(5), ["03-05 10:00", "03-08 10:00", "03-09 10:00", "03-10 10:00"], None),
        # A Saturday is no weekday: the first one is on Monday.
        ({"frequency": "weekly", "weekdays": [0, 1, 2, 3, 4], "times": 2}, berlin(6), ["03-08 10:00", "03-09 10:00"], None),
        ({"frequency": "monthly", "month_day": 31, "times": 3}, berlin(31), ["03-31 10:00", "04-30 10:00", "05-31 10:00"], None),
        ({"frequency": "monthly", "nth": -1, "weekdays": [1], "times": 3}, berlin(30), ["03-30 10:00", "04-27 10:00", "05-25 10:00"], None),
        ({"frequency": "weekly", "interval": 2, "times": None, "until": date(2027, 4, 1)}, berlin(2), ["03-02 10:00", "03-16 10:00", "03-30 10:00"], None),
        ({"frequency": "yearly", "times": 2}, berlin(2), ["03-02 10:00", "03-02 10:00"], None),
    ],
)
def test_the_clock_stays_over_summer_time(people: Cast, rule: dict[str, Any], start: datetime, expected: list[str], text: str | None) -> None:
    meeting = make(people, rule, start)
    assert clocks(rows(meeting)) == expected
    assert {each.ends_at - each.starts_at for each in rows()} == {timedelta(hours=1)}
    assert [each.recurrence_at for each in rows()] == [each.starts_at for each in rows()]
    assert text is None or rule_text(meeting.series) == text
    first = rows()[0]
    assert first.pk == meeting.pk, "what was made is the first one, which the form leads to"


def test_whole_days_stay_whole_days(people: Cast) -> None:
    make(people, {"frequency": "daily", "times": 3}, berlin(27, hour=0), ends_at=berlin(28, hour=0))
    assert all(each.is_whole_days for each in rows())
    assert [each.ends_at - each.starts_at for each in rows()] == [timedelta(hours=hours) for hours in (24, 23, 24)]
    assert "at" not in rule_text(MeetingSeries.objects.get()).split()


def test_all_take_the_same_along(people: Cast, business: Business) -> None:
    meeting = make(people, deal=business.deal, location="Hall 3", description="Words", reminder=[15, 60])
    for each in rows(meeting):
        assert (each.deal, each.contact, each.company, each.subject_type) == (business.deal, business.contact, business.company, "deal")
        assert (each.title, each.location, each.description, each.owner, each.team_id) == ("Jour fixe", "Hall 3", "Words", people.owner, people.owner.team_id)
        assert sorted(Reminder.objects.filter(meeting=each).values_list("minutes_before", flat=True)) == [15, 60]
    business.deal.refresh_from_db()
    assert (business.deal.next_step, business.deal.next_step_at) == ("Jour fixe", berlin(2))
    _tasks, planned = selectors.upcoming(people.owner, business.deal)
    assert [each.pk for each in planned] == [meeting.pk], "the next one stands for all"
    services.change_meeting(meeting, {"owner": people.stranger}, actor=people.admin)
    _tasks, planned = selectors.upcoming(people.owner, business.deal)
    assert [each.starts_at for each in planned] == [berlin(9)], "the next one of one's own"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"repeat": {"frequency": "weekly", "until": date(2027, 3, 1)}}, "until"),
        ({"repeat": {"frequency": "weekly", "weekdays": [4], "until": date(2027, 3, 4)}}, "until"),
        ({"repeat": {"frequency": "weekly", "interval": 0}}, "interval"),
        ({"repeat": {"frequency": "weekly", "times": 5000}}, "times"),
        ({"repeat": {"frequency": "hourly"}}, "frequency"),
        ({"starts_at": berlin(2, 1), "ends_at": berlin(2, 1)}, "starts_at"),
        ({"ends_at": berlin(1)}, "ends_at"),
    ],
)
def test_a_rule_that_is_none(people: Cast, values: dict[str, Any], field: str) -> None:
    start = values.get("starts_at", berlin(2))
    with pytest.raises(ValidationError) as caught:
        services.plan_meeting({"title": "X", "starts_at": start, "ends_at": start, "repeat": "weekly", **values}, actor=people.owner)
    assert field in caught.value.message_dict
    assert not Meeting._base_manager.exists()
    assert not MeetingSeries.objects.exists()


# ---- carried on ----


def test_one_without_end_is_carried_on(people: Cast) -> None:
    make(people, {"frequency": "weekly", "times": None})
    assert (len(rows()), clocks(rows())[-1]) == (105, "02-27 10:00"), "two years ahead"
    assert services.carry_on_meetings() == 0
    with later(timedelta(days=14)):
        services.close_past_meetings()
        assert services.carry_on_meetings() == 2
        assert services.carry_on_meetings() == 0, "another beat"
    assert len({each.recurrence_at for each in rows()}) == 107


def test_a_daily_one_is_carried_on_in_parts(people: Cast) -> None:
    make(people, {"frequency": "daily", "times": 300})
    assert len(rows()) == MOST
    with later(timedelta(days=31)):
        services.close_past_meetings()
        assert services.carry_on_meetings() == 31
    with later(timedelta(days=150)):
        services.close_past_meetings()
        assert services.carry_on_meetings() == 69
        assert services.carry_on_meetings() == 0
    assert len(rows()) == 300


def test_one_that_comes_every_third_year_is_carried_on(people: Cast) -> None:
    make(people, {"frequency": "yearly", "interval": 3, "times": None})
    assert len(rows()) == 1
    with later(timedelta(days=500)):
        assert services.carry_on_meetings() == 1
    assert [each.starts_at.year for each in rows()] == [2027, 2030]


def test_what_was_deleted_does_not_come_back(people: Cast) -> None:
    meeting = make(people, {"frequency": "daily", "times": None})
    last = rows()[-1]
    services.delete_meeting(last, "one", actor=people.owner)
    Meeting._base_manager.filter(pk=last.pk).delete()
    with later(timedelta(days=3)):
        services.close_past_meetings()
        assert services.carry_on_meetings() > 0
    assert last.recurrence_at not in {each.recurrence_at for each in rows(meeting)}
    services.delete_meeting(rows()[5], "following", actor=people.owner)
    with later(timedelta(days=3)):
        assert services.carry_on_meetings() == 0, "it was ended"


def test_a_series_of_which_nothing_is_left_goes(people: Cast) -> None:
    make(people)
    Meeting._base_manager.all().delete()
    services.carry_on_meetings()
    assert not MeetingSeries.objects.exists()


def test_somebody_leaves_and_the_successor_goes_on(people: Cast) -> None:
    from users.services import deactivate_user

    make(people, {"frequency": "weekly", "times": None})
    deactivate_user(people.owner, successor=people.teammate, actor=people.admin)
    with later(timedelta(days=7)):
        assert services.carry_on_meetings() == 1
    assert {each.owner for each in rows()} == {people.teammate}


# ---- deleted ----


@pytest.mark.parametrize(
    ("scope", "left"),
    [("one", WEEKLY[:2] + WEEKLY[3:]), ("following", WEEKLY[:2]), ("all", [])],
)
def test_deleted_and_taken_back(people: Cast, scope: str, left: list[str]) -> None:
    make(people)
    group = services.delete_meeting(rows()[2], scope, actor=people.owner)
    assert clocks(rows()) == left
    assert services.carry_on_meetings() == 0
    restore_rows(Meeting, group, actor=people.owner)
    assert clocks(rows()) == WEEKLY
    series = MeetingSeries.objects.get()
    assert (series.ended_on, {each.series for each in rows()}) == (None, {series})


def test_a_deletion_leaves_what_is_over(people: Cast) -> None:
    make(people)
    with later(timedelta(days=14)):
        services.close_past_meetings()
        services.delete_meeting(rows()[4], "all", actor=people.owner)
        assert clocks(rows()) == WEEKLY[:2]
        assert rule_text(MeetingSeries.objects.get()) == "Every Tuesday at 10:00 (Europe/Berlin), until 15 Mar 2027"
        with pytest.raises(ValidationError):
            services.delete_meeting(rows()[0], "all", actor=people.owner)


def test_what_comes_back_after_the_series_has_moved_is_a_single_meeting(people: Cast) -> None:
    make(people)
    group = services.delete_meeting(rows()[3], "one", actor=people.owner)
    services.change_meeting(rows()[2], {"starts_at": berlin(16, hour=14), "ends_at": berlin(16, hour=15), "scope": "following"}, actor=people.owner)
    restore_rows(Meeting, group, actor=people.owner)
    assert [each.series_id for each in rows()].count(None) == 1
    assert "03-23 10:00" in clocks(rows())


# ---- at once ----


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_make_each_meeting_once() -> None:
    make(make_cast(), {"frequency": "weekly", "times": None})
    made, errors = [], []

    def beat() -> None:
        try:
            made.append(services.carry_on_meetings())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    with later(timedelta(days=21)):
        threads = [threading.Thread(target=beat) for _number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (errors, sum(made), len(rows())) == ([], 3, 108)
