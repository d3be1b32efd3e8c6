"""Meetings that repeat: what a change of one, of the following and of all does."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from activities import services
from activities.models import Meeting, MeetingSeries, Reminder
from activities.selectors import rule_text
from crm.core.writes import StaleRecord
from tests.activities.conftest import Business
from tests.activities.series import WEEKLY, berlin, clocks, later, make, rows
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("clock")


# ---- this one ----


def test_this_one_alone(people: Cast) -> None:
    make(people)
    third = rows()[2]
    services.change_meeting(third, {"title": "Elsewhere", "starts_at": berlin(17), "ends_at": berlin(17, hour=12)}, actor=people.owner)
    assert clocks(rows())[2] == "03-17 10:00"
    assert [each.title for each in rows()].count("Jour fixe") == 5
    assert rows()[2].recurrence_at == berlin(16), "it still stands for its day"
    assert MeetingSeries.objects.count() == 1
    with pytest.raises(ValidationError) as caught:
        services.change_meeting(third, {"repeat": {"frequency": "daily"}}, actor=people.owner)
    assert "scope" in caught.value.message_dict


# ---- this and the following ----


def test_the_following_become_a_series_of_their_own(people: Cast) -> None:
    meeting = make(people)
    third = rows()[2]
    changed = services.change_meeting(
        third, {"title": "Later", "starts_at": berlin(16, hour=14), "ends_at": berlin(16, hour=15), "scope": "following"}, actor=people.owner
    )
    old, new = MeetingSeries.objects.order_by("pk")
    assert changed.series == new and new.uuid != old.uuid and meeting.series == old
    assert clocks(rows(meeting)) == WEEKLY[:2]
    assert clocks(rows(changed)) == [day.replace("10:00", "14:00") for day in WEEKLY[2:]], "also after summer time has begun"
    assert {each.title for each in rows(changed)} == {"Later"}
    assert (old.until, old.times, new.times, new.starts_on) == (date(2027, 3, 15), None, 4, date(2027, 3, 16))
    assert services.carry_on_meetings() == 0
    assert len(rows()) == 6


def test_the_following_of_the_first_are_all(people: Cast) -> None:
    meeting = make(people)
    services.change_meeting(meeting, {"title": "New", "scope": "following"}, actor=people.owner)
    assert MeetingSeries.objects.count() == 1
    assert {each.title for each in rows()} == {"New"}


def test_another_day_moves_the_rule(people: Cast) -> None:
    make(people)
    third = rows()[2]
    services.delete_meeting(rows()[3], "one", actor=people.owner)
    changed = services.change_meeting(third, {"starts_at": berlin(17), "ends_at": berlin(17, hour=11), "scope": "following"}, actor=people.owner)
    assert clocks(rows(changed)) == ["03-17 10:00", "03-31 10:00", "04-07 10:00"], "what was left out stays left out"
    assert rule_text(changed.series).startswith("Every Wednesday")


def test_a_change_by_hand_stays_where_the_series_does_not_touch_it(people: Cast) -> None:
    make(people)
    fifth = rows()[4]
    services.change_meeting(fifth, {"title": "With the board", "location": "Hall 9"}, actor=people.owner)
    services.change_meeting(rows()[1], {"location": "Hall 2", "scope": "all"}, actor=people.owner)
    fifth.refresh_from_db()
    assert (fifth.title, fifth.location) == ("With the board", "Hall 2")
    services.change_meeting(fifth, {"starts_at": berlin(31, hour=8), "ends_at": berlin(31, hour=9)}, actor=people.owner)
    services.change_meeting(rows()[0], {"title": "Round", "scope": "all"}, actor=people.owner)
    assert clocks(rows())[4] == "03-31 08:00", "the time stays"
    services.change_meeting(rows()[0], {"starts_at": berlin(2, hour=9), "ends_at": berlin(2, hour=10), "scope": "all"}, actor=people.owner)
    assert clocks(rows())[4] == "03-30 09:00", "a new time is for all"


# ---- all to come ----


def test_what_is_over_never_changes(people: Cast) -> None:
    make(people)
    with later(timedelta(days=14)):
        services.close_past_meetings()
        services.change_meeting(
            rows()[3], {"title": "New", "starts_at": berlin(23, hour=14), "ends_at": berlin(23, hour=16), "scope": "all"}, actor=people.owner
        )
        assert [each.title for each in rows()] == ["Jour fixe"] * 2 + ["New"] * 4
        assert clocks(rows()) == WEEKLY[:2] + [day.replace("10:00", "14:00") for day in WEEKLY[2:]]
        assert MeetingSeries.objects.get().starts_on == date(2027, 3, 16)
        with pytest.raises(ValidationError) as caught:
            services.change_meeting(rows()[0], {"title": "Past", "scope": "all"}, actor=people.owner)
        assert "scope" in caught.value.message_dict


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"frequency": "weekly", "times": 8}, [*WEEKLY, "04-13 10:00", "04-20 10:00"]),
        ({"frequency": "weekly", "times": 3}, WEEKLY[:3]),
        ({"frequency": "weekly", "until": date(2027, 3, 16)}, WEEKLY[:3]),
        ({"frequency": "daily", "times": 4}, ["03-02 10:00", "03-03 10:00", "03-04 10:00", "03-05 10:00"]),
        ({"frequency": "weekly", "interval": 2, "times": 6}, ["03-02 10:00", "03-16 10:00", "03-30 10:00", "04-13 10:00", "04-27 10:00", "05-11 10:00"]),
    ],
)
def test_another_rule(people: Cast, rule: dict[str, Any], expected: list[str]) -> None:
    meeting = make(people)
    services.change_meeting(meeting, {"repeat": {"weekdays": [1], **rule} if rule["frequency"] == "weekly" else rule, "scope": "all"}, actor=people.owner)
    assert clocks(rows(meeting)) == expected
    assert len(rows()) == len(expected), "the rest is in the bin"


@pytest.mark.parametrize(
    ("start", "end", "field"), [(berlin(2, 1), berlin(2, 1), "starts_at"), (berlin(2), berlin(1), "ends_at"), (berlin(2), berlin(9, 5), "ends_at")]
)
def test_no_series_is_moved_where_none_may_begin(people: Cast, start: datetime, end: datetime, field: str) -> None:
    make(people)
    with pytest.raises(ValidationError) as caught:
        services.change_meeting(rows()[1], {"starts_at": start, "ends_at": end, "scope": "all"}, actor=people.owner)
    assert field in caught.value.message_dict
    assert clocks(rows()) == WEEKLY


def test_a_number_counts_the_whole_series(people: Cast) -> None:
    make(people)
    third = rows()[2]
    with pytest.raises(ValidationError) as caught:
        services.change_meeting(third, {"repeat": {"frequency": "weekly", "weekdays": [1], "times": 2}, "scope": "following"}, actor=people.owner)
    assert "times" in caught.value.message_dict
    services.change_meeting(third, {"repeat": {"frequency": "weekly", "weekdays": [1], "times": 4}, "scope": "following"}, actor=people.owner)
    assert clocks(rows()) == WEEKLY[:4]


def test_a_single_meeting_begins_to_repeat(people: Cast) -> None:
    single = services.create_meeting({"title": "Once", "starts_at": berlin(2), "ends_at": berlin(2, hour=11), "zone": "Europe/Berlin"}, actor=people.owner)
    services.change_meeting(single, {"repeat": {"frequency": "weekly", "times": 3}}, actor=people.owner)
    single.refresh_from_db()
    assert clocks(rows(single)) == WEEKLY[:3]


def test_links_owner_and_reminders_for_all(people: Cast, business: Business) -> None:
    make(people, deal=business.deal)
    services.change_meeting(rows()[1], {"deal": None, "lead": business.lead, "reminder": [5], "owner": people.teammate, "scope": "all"}, actor=people.manager)
    assert {(each.deal, each.lead, each.subject_type, each.owner) for each in rows()} == {(None, business.lead, "lead", people.teammate)}
    planned = Reminder.objects.filter(cancelled_at=None).values_list("user", "minutes_before")
    assert set(planned) == {(people.teammate.pk, 5)} and len(planned) == 6
    business.deal.refresh_from_db()
    business.lead.refresh_from_db()
    assert (business.deal.next_step, business.lead.next_step) == ("", "Jour fixe")


def test_others_of_the_series_that_one_may_not_change_stay(people: Cast) -> None:
    make(people)
    services.change_meeting(rows()[4], {"owner": people.teammate}, actor=people.manager)
    services.change_meeting(rows()[0], {"title": "Mine", "scope": "all"}, actor=people.owner)
    assert [each.title for each in rows()] == ["Mine"] * 4 + ["Jour fixe", "Mine"]


@pytest.mark.parametrize("scope", ["following", "all"])
@pytest.mark.parametrize("number", [2, 5])
def test_who_was_given_one_of_them_changes_that_one_alone(people: Cast, number: int, scope: str) -> None:
    series = make(people).series
    services.change_meeting(rows()[number], {"owner": people.teammate}, actor=people.manager)
    given = rows()[number]
    for wrong in (
        lambda: services.change_meeting(given, {"title": "Mine", "scope": scope}, actor=people.teammate),
        lambda: services.delete_meeting(given, scope, actor=people.teammate),
    ):
        with pytest.raises(ValidationError) as error:
            wrong()
        assert "scope" in error.value.message_dict
    fresh = MeetingSeries.objects.get()
    assert (fresh, fresh.title, fresh.ended_on, len(rows())) == (series, "Jour fixe", None, 6)
    services.change_meeting(given, {"title": "Mine"}, actor=people.teammate)
    assert [each.title for each in rows()].count("Mine") == 1


def test_two_who_make_one_meeting_repeat_make_one_series(people: Cast) -> None:
    first = services.create_meeting({"title": "Once", "starts_at": berlin(2), "ends_at": berlin(2, hour=11)}, actor=people.owner)
    again = Meeting.objects.get()
    services.change_meeting(first, {"repeat": {"frequency": "weekly", "times": 3}}, actor=people.owner)
    with pytest.raises(StaleRecord):
        services.change_meeting(again, {"repeat": {"frequency": "daily", "times": 9}}, actor=people.owner)
    assert (MeetingSeries.objects.count(), len(rows())) == (1, 3)


@pytest.mark.parametrize("scope", ["one", "following", "all"])
def test_an_old_version_is_told(people: Cast, scope: str) -> None:
    meeting = make(people)
    services.update_meeting(meeting, {"title": "Newer"}, actor=people.owner)
    with pytest.raises(StaleRecord):
        services.change_meeting(meeting, {"title": "Older", "scope": scope}, actor=people.owner, version=1)
    with pytest.raises(StaleRecord):
        services.delete_meeting(meeting, scope, actor=people.owner, version=1)
    assert len(rows()) == 6
