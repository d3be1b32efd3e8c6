"""Birthdays and other dates: each owner hears of each once, in their own morning, and only of what still stands."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from activities import services
from activities.models import DateRule, Notification, Reminder
from activities.selectors import date_fields
from activities.services.dates import days_due
from contacts.models import Contact
from contacts.services import create_company, create_contact, delete_contacts, update_contact
from crm.core.custom.services import archive_field
from deals.models import Deal
from deals.services import create_deal, update_deal
from mail.models import OutgoingMail
from tests.activities.conftest import Business, make_cast
from tests.core.custom.fields import make_field
from tests.factories import Cast, make_user, signed_in

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rule(date_key: str = "contacts.contact:birthday", repeats: str = "yearly", days: int = 0, since: str = "2027-01-01T00:00") -> DateRule:
    with time_machine.travel(utc(since), tick=False):
        return services.create_date_rule({"date": date_key, "repeats": repeats, "days_before": days}, actor=None)


def person(owner: Any, birthday: str, name: str = "Lee") -> Any:
    return create_contact({"first_name": "Ann", "last_name": name, "birthday": birthday, "owner": owner}, actor=None)


def told(at: str | datetime) -> list[str]:
    """What is told at a moment, and only then."""
    seen = set(Notification.objects.values_list("pk", flat=True))
    with time_machine.travel(utc(at) if isinstance(at, str) else at, tick=False):
        services.plan_date_reminders()
        services.fire_due_reminders()
    return sorted(Notification.objects.filter(kind="date").exclude(pk__in=seen).values_list("text", flat=True))


# ---- when ----


@pytest.mark.parametrize(
    ("zone", "birthday", "at"),
    [
        ("Europe/Berlin", "1987-01-10", "2027-01-10T07:00"),
        ("Europe/Berlin", "--03-28", "2027-03-28T06:00"),  # the day on which summer time begins
        ("Europe/Berlin", "1987-10-31", "2027-10-31T07:00"),  # and ends
        ("America/New_York", "1987-11-07", "2027-11-07T13:00"),
        ("Pacific/Kiritimati", "1987-01-10", "2027-01-09T18:00"),
        ("Pacific/Pago_Pago", "1987-01-10", "2027-01-10T19:00"),
        ("Asia/Kathmandu", "1987-01-10", "2027-01-10T02:15"),
        ("UTC", "1988-02-29", "2027-02-28T08:00"),  # no leap year
        ("UTC", "1988-02-29", "2028-02-29T08:00"),
    ],
)
def test_at_eight_in_the_owners_morning(people: Cast, zone: str, birthday: str, at: str) -> None:
    rule(since=f"{at[:4]}-01-01T00:00")
    owner = make_user(time_zone=zone)
    person(owner, birthday)
    due = utc(at)
    assert told(due - timedelta(minutes=1)) == []
    assert len(told(due)) == 1
    assert told(due + timedelta(minutes=5)) == []
    reminder = Reminder.objects.get()
    assert (reminder.remind_at, reminder.user, reminder.cancelled_at) == (due, owner, None)
    assert reminder.sent_at == due


def test_a_leap_day_is_told_once_a_year(people: Cast) -> None:
    rule(since="2028-01-01T00:00")
    person(people.owner, "1988-02-29")
    assert told("2028-02-28T12:00") == []
    assert told("2028-02-29T12:00") == ["Ann Lee: birthday today (turns 40)"]
    assert told("2028-03-01T12:00") == []


def test_how_it_is_said(people: Cast) -> None:
    rule(days=3)
    rule(days=0)
    german = make_user(language="de", time_zone="Europe/Berlin")
    person(people.owner, "1987-01-12")
    person(people.owner, "--01-12", "Unknown")
    person(german, "1987-01-12", "Meyer")
    assert told("2027-01-09T12:00") == [
        "Ann Lee: birthday on Tuesday (turns 40)",
        "Ann Meyer: Geburtstag am Dienstag (wird 40)",
        "Ann Unknown: birthday on Tuesday",
    ]
    assert told("2027-01-12T12:00") == ["Ann Lee: birthday today (turns 40)", "Ann Meyer: Geburtstag heute (wird 40)", "Ann Unknown: birthday today"]
    notice = Notification.objects.get(text="Ann Unknown: birthday today")
    assert notice.url.startswith("/contacts/")
    assert not OutgoingMail.objects.exists(), "by default in the bell alone"


@pytest.mark.parametrize(("channel", "lines", "mails"), [("app", 1, 0), ("mail", 0, 1), ("both", 1, 1), ("none", 0, 0)])
def test_each_hears_of_it_as_they_chose(people: Cast, channel: str, lines: int, mails: int) -> None:
    services.set_channels(people.owner, {"date": channel}, digest=False, actor=people.owner)
    rule()
    contact = person(people.owner, "1987-01-12")
    assert len(told("2027-01-12T12:00")) == lines
    assert OutgoingMail.objects.count() == mails
    assert Reminder.objects.get().sent_at is not None
    for mail in OutgoingMail.objects.all():
        assert (mail.subject, mail.purpose) == ("Ann Lee: birthday today (turns 40)", "reminder")
        assert f"http://testserver{contact.get_absolute_url()}" in mail.text


def test_reading_it_is_seen(people: Cast) -> None:
    rule()
    person(people.owner, "1987-01-12")
    told("2027-01-12T12:00")
    services.mark_read([Notification.objects.get().pk], user=people.owner)
    assert Reminder.objects.get().seen_at is not None
    page = signed_in(people.admin).get("/settings/dates/").content.decode()
    assert "1 due, 1 sent, 1 seen" in page


# ---- once ----


@pytest.mark.django_db(transaction=True)
def test_two_beats_tell_once() -> None:
    people = make_cast()
    rule(since="2027-01-12T00:00")
    rule(days=2, since="2027-01-12T00:00")
    for number in range(40):
        person(people.owner, f"19{60 + number}-01-{12 + number % 3:02}", f"N{number}")
    errors: list[BaseException] = []

    def beat() -> None:
        try:
            for _round in range(3):
                services.plan_date_reminders()
                services.fire_due_reminders(limit=7)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    with time_machine.travel(utc("2027-01-12T09:00"), tick=False):
        threads = [threading.Thread(target=beat) for _number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors
    texts = list(Notification.objects.values_list("text", flat=True))
    assert len(texts) == len(set(texts)) == Reminder.objects.filter(sent_at__isnull=False).count() == 14 + 13


def test_what_the_system_slept_through_still_comes_and_says_that_it_is_late(people: Cast) -> None:
    rule()
    for day in (1, 8, 11, 12):
        person(people.owner, f"1987-01-{day:02}", f"N{day}")
    assert told("2027-01-07T12:00") == ["Late reminder: Ann N1: birthday on 1 Jan (turns 40)"]
    assert told("2027-01-12T12:00") == [
        "Ann N12: birthday today (turns 40)",
        "Late reminder: Ann N11: birthday on 11 Jan (turns 40)",
        "Late reminder: Ann N8: birthday on 8 Jan (turns 40)",
    ]


def test_after_months_of_sleep_a_week_is_made_up_for(people: Cast) -> None:
    rule()
    person(people.owner, "1987-05-01", "Old")
    person(people.owner, "1987-05-28", "New")
    assert told("2027-06-01T12:00") == ["Late reminder: Ann New: birthday on 28 May (turns 40)"]


def test_after_a_restore_nobody_hears_twice(people: Cast) -> None:
    rule()
    person(people.owner, "1987-01-12")
    person(people.owner, "1987-01-14", "Later")
    with time_machine.travel(utc("2027-01-12T12:00"), tick=False):
        services.drop_missed_reminders()
    assert told("2027-01-12T12:05") == []
    assert told("2027-01-14T12:05") == ["Ann Later: birthday today (turns 40)"]


@pytest.mark.parametrize(
    ("planned", "now", "days"),
    [
        ("2027-01-10T12:00", "2027-01-10T12:05", [10]),  # again, for what is new
        ("2027-01-10T12:00", "2027-01-11T05:59", []),
        ("2027-01-10T12:00", "2027-01-11T06:00", [11]),  # an hour ahead of eight in Berlin
        ("2027-01-10T05:59", "2027-01-12T12:00", [10, 11, 12]),
        ("2027-01-11T12:00", "2027-01-10T12:00", []),
    ],
)
def test_days_due(planned: str, now: str, days: list[int]) -> None:
    assert [day.day for day in days_due(utc(planned), utc(now), BERLIN)] == days


# ---- what changes in between ----


def planned_at(at: str) -> None:
    with time_machine.travel(utc(at), tick=False):
        assert services.plan_date_reminders() == 1


def test_deleted_or_changed_in_between(people: Cast) -> None:
    rule()
    contact = person(people.owner, "1987-01-12")
    planned_at("2027-01-12T07:10")
    delete_contacts([contact.pk], actor=people.owner)
    assert told("2027-01-12T08:00") == []
    assert Reminder.objects.get().cancelled_at is not None
    other = person(people.owner, "1987-01-12", "Other")
    planned_at("2027-01-12T08:05")
    update_contact(other, {"birthday": "1987-01-13"}, actor=people.owner)
    assert told("2027-01-12T08:10") == []
    other.refresh_from_db()
    update_contact(other, {"birthday": "1987-01-12"}, actor=people.owner)
    assert told("2027-01-12T08:20") == ["Ann Other: birthday today (turns 40)"], "changed back"
    assert told("2027-01-13T08:20") == []


def test_the_owner_of_the_moment_is_told(people: Cast) -> None:
    rule()
    contact = person(people.owner, "1987-01-12")
    planned_at("2027-01-12T07:10")
    update_contact(contact, {"owner": people.teammate}, actor=people.owner)
    assert len(told("2027-01-12T08:00")) == 1
    assert Notification.objects.get().user == people.teammate
    assert told("2027-01-12T09:00") == []


def test_who_has_left_or_may_not_see_it_is_not_told(people: Cast) -> None:
    rule()
    person(people.owner, "1987-01-12")
    person(people.teammate, "1987-01-12", "Second")
    person(None, "1987-01-12", "Nobody")
    type(people.owner).objects.filter(pk=people.owner.pk).update(is_active=False)
    role = people.teammate.role
    role.grants = {**role.grants, "contacts_contact": {"view": "none"}}
    role.save()
    assert told("2027-01-12T12:00") == []
    assert not Reminder.objects.exists()


def test_entered_on_the_day_it_is_told_that_day(people: Cast) -> None:
    rule()
    assert told("2027-01-12T12:00") == []
    person(people.owner, "1987-01-12")
    assert len(told("2027-01-12T15:00")) == 1


# ---- other dates ----


def test_a_custom_date_every_year_and_once(people: Cast) -> None:
    field = make_field("date", "companies", "Customer since")
    with time_machine.travel(utc("2027-01-01T00:00"), tick=False):
        company = create_company({"name": "Alpenwerk", field.name: date(2020, 1, 12), "owner": people.owner}, actor=None)
        create_company({"name": "Leap", field.name: date(2024, 2, 29), "owner": people.owner}, actor=None)
        create_company({"name": "Next year", field.name: date(2028, 1, 12), "owner": people.owner}, actor=None)
        create_company({"name": "None", "owner": people.owner}, actor=None)
    rule(f"contacts.company:{field.name}")
    assert told("2027-01-12T12:00") == ["Alpenwerk: Customer since today (7 years)"]
    assert told("2027-02-28T12:00") == ["Leap: Customer since today (3 years)"]
    DateRule.objects.all().delete()
    rule(f"contacts.company:{field.name}", "once", since="2028-01-02T00:00")
    assert told("2028-01-12T12:00") == ["Next year: Customer since today"]
    company.refresh_from_db()
    archive_field(field, actor=None)
    assert told("2028-01-13T12:00") == []


def test_who_does_not_see_a_field_hears_nothing_of_it(people: Cast) -> None:
    field = make_field("date", "companies", "Secret", roles=[people.manager.role_id])
    create_company({"name": "Alpenwerk", field.name: date(2020, 1, 12), "owner": people.owner}, actor=None)
    create_company({"name": "Managed", field.name: date(2020, 1, 12), "owner": people.manager}, actor=None)
    rule(f"contacts.company:{field.name}")
    assert told("2027-01-12T12:00") == ["Managed: Secret today (7 years)"]


def test_a_deal_is_to_be_closed(people: Cast, business: Business) -> None:
    rule("deals.deal:close_date", "once", days=2)
    with time_machine.travel(utc("2027-01-02T00:00"), tick=False):
        for name in ("Open", "Moved", "Lost"):
            create_deal({"name": name, "close_date": date(2027, 1, 12), "owner": people.owner}, actor=people.owner)
    update_deal(Deal.objects.get(name="Moved"), {"close_date": date(2027, 2, 12)}, actor=people.owner)
    lost = Deal.objects.get(name="Lost")
    Deal.objects.filter(pk=lost.pk).update(status="lost", closed_at=utc("2027-01-05T00:00"))
    assert told("2027-01-10T12:00") == ["Open: expected close date on Tuesday"]


# ---- settings ----


def test_an_admin_sets_it_up(people: Cast) -> None:
    field = make_field("date", "leads", "Trial ends")
    client = signed_in(people.admin)
    form = client.get("/settings/dates/new/").content.decode()
    assert "Trial ends" in form and "Birthday" in form and "Expected close date" in form
    answer = client.post("/settings/dates/new/", {"date": f"leads.lead:{field.name}", "repeats": "once", "days_before": "3"})
    assert (answer.status_code, answer.url) == (302, "/settings/dates/")
    row = DateRule.objects.get()
    assert str(row) == "Lead: Trial ends"
    page = client.get("/settings/dates/").content.decode()
    assert "3 days before" in page and "0 due, 0 sent, 0 seen" in page
    again = client.post("/settings/dates/new/", {"date": f"leads.lead:{field.name}", "repeats": "once", "days_before": "3"})
    assert again.status_code == 422
    assert client.post(f"/settings/dates/{row.pk}/edit/", {"date": row.key, "repeats": "yearly", "days_before": "0"}).status_code == 302
    assert client.post(f"/settings/dates/{row.pk}/delete/").status_code == 302
    assert not DateRule.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"date": "contacts.contact:birthday", "repeats": "once", "days_before": 0},
        {"date": "deals.deal:close_date", "repeats": "yearly", "days_before": 0},
        {"date": "contacts.contact:email", "repeats": "yearly", "days_before": 0},
        {"date": "users.user:date_joined", "repeats": "yearly", "days_before": 0},
        {"date": "contacts.contact:birthday", "repeats": "yearly", "days_before": 61},
        {"date": "contacts.contact:birthday", "repeats": "daily", "days_before": 0},
    ],
)
def test_what_makes_no_sense_is_refused(people: Cast, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        services.create_date_rule(values, actor=people.admin)
    assert signed_in(people.admin).post("/settings/dates/new/", values).status_code == 422


def test_only_admins_set_it_up(people: Cast) -> None:
    with pytest.raises(PermissionDenied):
        services.create_date_rule({"date": "contacts.contact:birthday", "repeats": "yearly", "days_before": 0}, actor=people.manager)
    row = rule()
    for do in (
        lambda: services.update_date_rule(row, {"date": row.key, "repeats": "yearly", "days_before": 1}, actor=people.owner),
        lambda: services.delete_date_rule(row, actor=people.owner),
    ):
        with pytest.raises(PermissionDenied):
            do()


def test_what_was_sent_outlives_its_rule(people: Cast) -> None:
    row = rule()
    person(people.owner, "1987-01-12")
    told("2027-01-12T12:00")
    person(people.owner, "1987-01-13", "Waiting")
    planned_at("2027-01-13T07:10")
    services.delete_date_rule(row, actor=None)
    assert Reminder.objects.get().sent_at is not None
    assert Notification.objects.count() == 1
    assert told("2027-01-13T12:00") == []


def test_a_rule_that_gets_another_date_starts_anew(people: Cast, business: Business) -> None:
    row = rule()
    person(people.owner, "1987-01-12")
    assert len(told("2027-01-12T12:00")) == 1
    with time_machine.travel(utc("2027-01-12T12:10"), tick=False):
        deal = create_deal({"name": "Roof", "close_date": date(2027, 1, 12), "owner": people.owner}, actor=None)
        services.update_date_rule(row, {"date": "deals.deal:close_date", "repeats": "once", "days_before": 0}, actor=None)
    Reminder.objects.update(record_id=deal.pk)  # ids of contacts and deals may be the same
    assert told("2027-01-12T12:15") == ["Roof: expected close date today"]
    assert set(Reminder.objects.values_list("rule", flat=True)) == {None, row.pk}


def test_what_lies_ahead_does_not_come_back_yet(people: Cast) -> None:
    field = make_field("date", "companies", "Renewed on")
    create_company({"name": "Alpenwerk", field.name: date(2029, 1, 12), "owner": people.owner}, actor=None)
    rule(f"contacts.company:{field.name}")
    assert told("2027-01-12T12:00") == []


def test_birthdays_are_found_by_their_index(people: Cast) -> None:
    days = [date(1980, 1, 1) + timedelta(days=number) for number in range(366)] * 3
    Contact._base_manager.bulk_create([Contact(first_name="Ann", birthday=day.isoformat(), owner=people.owner) for day in days])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
        cursor.execute("SET LOCAL enable_seqscan = off")
    field = date_fields()["contacts.contact:birthday"]
    assert "contact_birthday" in field.rows_on("yearly", [date(2027, 2, 28)]).values_list("pk").explain()
