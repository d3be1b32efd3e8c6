"""Working hours: nights, weekends, holidays, and the days on which the clock is moved."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from users.working_time import add_working_hours, is_working_day, next_working_moment

BERLIN, KIRITIMATI, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/New_York")


def office(days=(0, 1, 2, 3, 4), start=time(9), end=time(17), holidays=()) -> SimpleNamespace:
    return SimpleNamespace(work_days=list(days), work_start=start, work_end=end, holiday_dates=frozenset(holidays))


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def after(text: str, hours: float, zone: ZoneInfo = BERLIN, organisation=None) -> str:
    found = add_working_hours(local(text, zone), hours, zone=zone, organisation=organisation or office())
    assert found.tzinfo is UTC
    return found.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-02T10:00", 4, "2026-03-02T14:00"),  # Monday
        ("2026-03-02T15:00", 4, "2026-03-03T11:00"),  # over the night
        ("2026-03-02T09:00", 8, "2026-03-02T17:00"),  # exactly the day
        ("2026-03-02T09:00", 8.5, "2026-03-03T09:30"),
        ("2026-03-02T03:00", 1, "2026-03-02T10:00"),  # before work
        ("2026-03-02T23:30", 1, "2026-03-03T10:00"),  # after work
        ("2026-03-06T16:00", 4, "2026-03-09T12:00"),  # over the weekend
        ("2026-03-07T12:00", 4, "2026-03-09T13:00"),  # on Saturday
        ("2026-03-02T09:00", 80, "2026-03-13T17:00"),  # two weeks
        ("2026-03-07T12:00", 0, "2026-03-09T09:00"),  # the next moment of work
        ("2026-03-02T12:00", 0, "2026-03-02T12:00"),
        ("2026-03-02T17:00", 0, "2026-03-03T09:00"),
    ],
)
def test_nights_and_weekends(start: str, hours: float, due: str) -> None:
    assert after(start, hours) == due


def test_holidays_count_as_free() -> None:
    easter = office(holidays=[date(2026, 4, 3), date(2026, 4, 6)])
    assert after("2026-04-02T16:00", 4, organisation=easter) == "2026-04-07T12:00"
    assert not is_working_day(date(2026, 4, 3), easter) and is_working_day(date(2026, 4, 2), easter)


def test_working_clock_does_not_shift_with_daylight_saving() -> None:
    assert after("2026-03-27T16:00", 2) == "2026-03-30T10:00"  # summer time begins on Sunday
    assert after("2026-10-23T16:00", 2) == "2026-10-26T10:00"  # and ends
    assert after("2026-03-06T16:00", 2, zone=NEW_YORK) == "2026-03-09T10:00"


def test_a_night_shift_on_the_moving_days_counts_real_hours() -> None:
    all_night = office(days=range(7), start=time(0), end=time(6))
    assert after("2026-03-29T00:00", 5, organisation=all_night) == "2026-03-29T06:00"  # 02:00 to 03:00 does not exist
    assert after("2026-10-25T00:00", 7, organisation=all_night) == "2026-10-25T06:00"  # 02:00 to 03:00 happens twice
    assert after("2026-10-25T00:00", 6.5, organisation=all_night) == "2026-10-25T05:30"


def test_work_that_starts_in_the_gap_starts_after_it() -> None:
    early = office(days=range(7), start=time(2, 30), end=time(10))
    assert after("2026-03-29T00:00", 0, organisation=early) == "2026-03-29T03:30"


def test_far_zones_use_their_own_day() -> None:
    at = datetime(2026, 3, 6, 20, 0, tzinfo=UTC)  # Friday in Europe, Saturday 10:00 on Kiritimati
    assert next_working_moment(at, zone=KIRITIMATI, organisation=office()).astimezone(KIRITIMATI) == local("2026-03-09T09:00", KIRITIMATI)


def test_nonsense_settings_do_not_hang() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    never = office(holidays=[date(2026, 3, 2) + timedelta(days=number) for number in range(4000)])
    assert add_working_hours(start, 3, zone=BERLIN, organisation=never) == start + timedelta(hours=3)
    assert add_working_hours(start, 3, zone=BERLIN, organisation=office(start=time(9), end=time(9))) == start + timedelta(hours=3)
    assert after("2026-03-02T10:00", 1, organisation=office(days=())) == "2026-03-02T11:00"
    assert after("2026-03-02T10:00", -5) == "2026-03-02T10:00"


@pytest.mark.parametrize("seed", range(30))
def test_against_counting_minutes(seed: int) -> None:
    chance = random.Random(seed)
    zone = chance.choice([BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
    holidays = [date(2026, 3, 20) + timedelta(days=chance.randint(0, 40)) for _n in range(4)]
    organisation = office(days=chance.sample(range(7), 4), start=time(chance.randint(0, 10), 30), end=time(chance.randint(11, 23)), holidays=holidays)
    start = datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=chance.randint(0, 20_000))
    minutes = chance.randint(1, 900)
    due = add_working_hours(start, minutes / 60, zone=zone, organisation=organisation)
    at, left = start, minutes
    while left:
        clock = at.astimezone(zone)
        if clock.weekday() in organisation.work_days and clock.date() not in holidays and organisation.work_start <= clock.time() < organisation.work_end:
            left -= 1
        at += timedelta(minutes=1)
    assert abs(due - at) < timedelta(seconds=1)
