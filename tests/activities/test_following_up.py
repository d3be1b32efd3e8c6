"""Several reminders, answers from the mail, delegated tasks, how people hear of what, the mail of the morning."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import date, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from activities import services
from activities.models import Activity, Notification, NotificationSettings, Reminder, Task
from activities.selectors import late_banners
from activities.services.reminders import link_url
from crm.core.bin import restore_group
from mail.models import OutgoingMail
from tests.activities.conftest import Business, make_cast
from tests.activities.test_reminders import utc
from tests.factories import Cast, make_user, signed_in
from users.models import User
from users.services import deactivate_user


@pytest.fixture
def client(people: Cast) -> Client:
    return signed_in(people.owner)


# ---- several reminders ----


def test_a_task_reminds_several_times_and_shows_the_proof(people: Cast) -> None:
    with time_machine.travel(utc("2027-03-01T08:00"), tick=False):
        client = signed_in(people.owner)
        data = {"title": "Call", "due_on": "2027-03-02", "due_time": "10:00", "reminder": ["", "15", "1440", "1440"]}
        assert client.post("/tasks/new/", data).status_code == 302
    task = Task.objects.get()
    assert [row.remind_at for row in task.reminders.all()] == [utc("2027-03-01T10:00"), utc("2027-03-02T09:45")]
    with time_machine.travel(utc("2027-03-01T10:00"), tick=False):
        assert services.fire_due_reminders() == 1
        page = client.get(task.get_absolute_url()).content.decode()
        assert all(text in page for text in ("1 day before", "Sent", "15 minutes before", "Planned"))
        services.mark_all_read(user=people.owner)
        assert "Seen" in client.get(task.get_absolute_url()).content.decode()
        form = client.get(f"/tasks/{task.pk}/edit/").content.decode()
        assert len(re.findall(r'name="reminder"[^>]* checked', form)) == 2
        # The form as it is changes nothing; without a tick there are no reminders; one that is left out stays.
        services.update_task(task, {"reminder": []}, actor=people.owner)
        assert not Reminder.objects.filter(sent_at=None, cancelled_at=None).exists()
        services.update_task(task, {"reminder": (0, 60)}, actor=people.owner)
        services.update_task(task, {"due_on": date(2027, 3, 3)}, actor=people.owner)
    planned = Reminder.objects.filter(sent_at=None, cancelled_at=None).values_list("remind_at", flat=True)
    assert list(planned) == [utc("2027-03-03T09:00"), utc("2027-03-03T10:00")]


def test_a_moved_task_keeps_all_its_reminders(people: Cast) -> None:
    """A day later "1 day before" is the moment at which the task was due."""
    with time_machine.travel(utc("2027-03-01T08:00"), tick=False):
        task = services.create_task({"title": "Call", "due_at": utc("2027-03-03T10:00"), "reminder": [0, 1440]}, actor=people.owner)
        for day in (4, 5, 4, 3):
            task = services.update_task(task, {"due_on": date(2027, 3, day)}, actor=people.owner)
            planned = Reminder.objects.filter(cancelled_at=None).values_list("remind_at", "minutes_before")
            assert list(planned) == [(utc(f"2027-03-0{day - 1}T10:00"), 1440), (utc(f"2027-03-0{day}T10:00"), 0)]


def test_what_was_taken_away_does_not_come_back(people: Cast) -> None:
    with time_machine.travel(utc("2027-03-01T08:00"), tick=False):
        task = services.create_task({"title": "Call", "due_at": utc("2027-03-03T10:00"), "reminder": [30, 60]}, actor=people.owner)
        services.update_task(task, {"reminder": 15}, actor=people.owner)
        services.complete_task(task, actor=people.owner)
        services.reopen_task(task, actor=people.owner)
        group = services.delete_tasks([task.pk], actor=people.owner)
        restore_group(group, actor=people.owner, models_with_bin=[Task])
    assert list(Reminder.objects.filter(cancelled_at=None).values_list("minutes_before", flat=True)) == [15]


def test_a_meeting_reminds_several_times(client: Client, people: Cast) -> None:
    start = timezone.now() + timedelta(days=3)
    meeting = services.create_meeting({"title": "Visit", "starts_at": start, "ends_at": start + timedelta(hours=1), "reminder": [15, 60]}, actor=people.owner)
    assert meeting.reminders.count() == 2
    assert "1 hour before" in client.get(meeting.get_absolute_url()).content.decode()


@pytest.mark.parametrize("wrong", ["7", "-1", "x", "9" * 30])
def test_unknown_lead_times_are_refused(client: Client, wrong: str) -> None:
    response = client.post("/tasks/new/", {"title": "Call", "due_on": "2027-03-02", "reminder": ["15", wrong]})
    assert response.status_code == 422 and "Choose from the list." in response.content.decode()
    assert not Task.objects.exists()


# ---- answers from the mail ----


@pytest.fixture
def mailed(people: Cast, business: Business) -> tuple[Task, Any]:
    """A task whose reminder has been sent, and the links of its mail."""
    task = services.create_task({"title": "Call Ann <b>", "due_at": timezone.now(), "lead": business.lead}, actor=people.owner)
    assert services.fire_due_reminders() == 1
    mail = OutgoingMail.objects.get(purpose="reminder")
    found = {do: path for path, do in re.findall(r"http://testserver(/reminders/[^/\s]+/)\?do=(\w+)", mail.text)}
    assert set(found) == {"hour", "tomorrow", "monday", "done"}
    assert all(f"{path}?do={do}" in mail.html for do, path in found.items())
    return task, found


def test_a_link_shows_first_and_acts_on_the_button(mailed: Any, people: Cast) -> None:
    task, links = mailed
    stranger = Client(enforce_csrf_checks=True)
    before = Task.objects.values().get(pk=task.pk)
    page = stranger.get(links["tomorrow"] + "?do=tomorrow")
    text = page.content.decode()
    assert page.status_code == 200 and "Call Ann &lt;b&gt;" in text and "no-store" in page["Cache-Control"]
    assert re.search(r'btn-primary[^>]*value="tomorrow"', text)
    assert stranger.head(links["done"]).status_code == 200
    assert Task.objects.values().get(pk=task.pk) == before and Reminder.objects.get(task=task).seen_at is None
    assert stranger.post(links["tomorrow"], {"do": "tomorrow"}).status_code == 403  # without the form's token
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', text)
    assert token is not None
    answered = stranger.post(links["tomorrow"], {"do": "tomorrow", "csrfmiddlewaretoken": token[1]}, follow=True)
    assert answered.status_code == 200 and "Put off until" in answered.content.decode()
    task.refresh_from_db()
    tomorrow = timezone.now().date() + timedelta(days=1)
    assert (task.due_on, task.due_time) == (tomorrow, time(9))
    assert Reminder.objects.get(task=task, sent_at__isnull=False).seen_at and not Notification.objects.filter(read_at=None).exists()
    event = task.events.select_related("pgh_context").order_by("-pgh_id")[0]
    assert event.pgh_context.metadata["user"] == people.owner.pk


def test_done_by_the_link(mailed: Any, people: Cast) -> None:
    task, links = mailed
    for _click in range(2):
        assert "This task is done." in Client().post(links["done"], {"do": "done"}, follow=True).content.decode()
    task.refresh_from_db()
    assert task.done_by == people.owner and Activity.objects.filter(verb="done").count() == 1
    late = Client().post(links["hour"], {"do": "hour"})
    assert late.status_code == 422 and "This task is done" in late.content.decode()


@pytest.mark.parametrize("wrong", ["", "custom", "x", "hour\x00", "reopen"])
def test_other_answers_are_refused(mailed: Any, wrong: str) -> None:
    task, links = mailed
    assert Client().post(links["hour"], {"do": wrong}).status_code == 422
    assert Task.objects.get(pk=task.pk).version == 1


def gone(path: str) -> bool:
    return Client().get(path).status_code == 410 and Client().post(path, {"do": "done"}).status_code == 410


def test_a_link_dies(mailed: Any, people: Cast) -> None:
    task, links = mailed
    path = links["hour"]
    token = path.split("/")[2]
    assert all(gone(f"/reminders/{wrong}/") for wrong in ("x", token[:-1] + ("A" if token[-1] != "A" else "B"), token[1:], "a:b:c", "é" * 50))
    with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1)):
        assert gone(path)
    group = services.delete_tasks([task.pk], actor=people.owner)
    assert gone(path)
    restore_group(group, actor=people.owner, models_with_bin=[Task])
    assert Client().get(path).status_code == 200
    services.assign_tasks([task.pk], actor=people.manager, data={"owners": [people.teammate]})
    assert gone(path)
    services.assign_tasks([task.pk], actor=people.manager, data={"owners": [people.owner]})
    assert Client().get(path).status_code == 200
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    assert gone(path)
    User.objects.filter(pk=people.owner.pk).update(is_active=True)
    deactivate_user(people.owner, successor=people.teammate, actor=people.admin)
    assert gone(path)


def test_a_link_is_good_for_its_own_reminder_only(mailed: Any, people: Cast) -> None:
    task, links = mailed
    other = services.create_task({"title": "Other", "due_at": timezone.now(), "owner": people.teammate}, actor=None)
    reminder = other.reminders.get()
    reminder.user = people.owner  # a token that names another user than the row
    assert gone(link_url(reminder).removeprefix("http://testserver"))
    Client().post(links["done"], {"do": "done"})
    assert Task.objects.get(pk=other.pk).done_at is None


def test_a_viewer_of_the_task_cannot_change_it_by_an_old_link(mailed: Any, people: Cast) -> None:
    _task, links = mailed
    people.owner.role.grants["activities_task"]["change"] = "none"
    people.owner.role.save()
    assert gone(links["hour"])


def test_a_meetings_mail_has_no_links(people: Cast) -> None:
    start = timezone.now() + timedelta(minutes=1)
    services.create_meeting({"title": "Visit", "starts_at": start, "ends_at": start + timedelta(hours=1), "reminder": 0}, actor=people.owner)
    with time_machine.travel(start, tick=False):
        services.fire_due_reminders()
    assert "/reminders/" not in OutgoingMail.objects.get().text


# ---- after the tick ----


def test_after_the_tick_the_next_step_is_offered(client: Client, people: Cast, business: Business) -> None:
    task = services.create_task({"title": "Call", "due_on": timezone.localdate(), "deal": business.deal}, actor=people.owner)
    page = client.post(f"/tasks/{task.pk}/complete/", {"next": "/"}, follow=True).content.decode()
    assert f'href="/tasks/{task.pk}/complete/"' in page and "Plan the next step" in page
    assert "Done: Call" in client.get(f"/tasks/{task.pk}/complete/").content.decode()
    data = {"outcome": "Wants an offer", "next_title": "Send the offer", "next_due_on": "2031-02-03", "idempotency_key": str(uuid.uuid4())}
    for _click in range(2):
        assert client.post(f"/tasks/{task.pk}/complete/", data).status_code == 302
    task.refresh_from_db()
    assert task.outcome == "Wants an offer"
    assert [line.data["outcome"] for line in Activity.objects.filter(task=task, verb="done")] == ["Wants an offer"]
    assert Task.objects.get(done_at=None).deal == business.deal
    client.post(f"/tasks/{task.pk}/complete/", {"outcome": "Something else"})
    assert Task.objects.get(pk=task.pk).outcome == "Wants an offer"


# ---- delegated ----


def test_who_gave_a_task_hears_when_it_is_done(client: Client, people: Cast) -> None:
    one, two, three = services.create_tasks([{"title": f"T{number}", "owner": people.teammate} for number in (1, 2, 3)], actor=people.owner)
    assert "T1" in client.get("/tasks/?view=delegated").content.decode()
    services.complete_task(one, actor=people.teammate)
    services.complete_tasks([two.pk, three.pk], actor=people.teammate)
    told = list(Notification.objects.filter(user=people.owner, kind="done").order_by("pk").values_list("text", "url"))
    assert told == [
        ("Tom Teammate has done your task: T1", one.get_absolute_url()),
        ("Tom Teammate has done 2 of your tasks", "/tasks/?delegated=me&state=done"),
    ]
    assert client.get(told[1][1]).status_code == 200
    own = services.create_task({"title": "Own"}, actor=people.owner)
    services.complete_task(own, actor=people.owner)
    assert Notification.objects.filter(user=people.owner).count() == 2


# ---- how people hear of what ----


@pytest.mark.parametrize(("channel", "bell", "mails"), [("app", 1, 0), ("mail", 0, 1), ("both", 1, 1), ("none", 0, 0)])
def test_channels(client: Client, people: Cast, channel: str, bell: int, mails: int) -> None:
    page = client.get("/notifications/settings/").content.decode()
    assert re.search(r'name="reminder".*?value="both" selected', page, re.S)
    kinds = dict.fromkeys(Notification.Kind.values, channel)
    assert client.post("/notifications/settings/", kinds).status_code == 302
    services.notify(people.owner, "system", "News", "/tasks/")
    assert (Notification.objects.count(), OutgoingMail.objects.count()) == (bell, mails)
    services.create_task({"title": "Call", "due_at": timezone.now()}, actor=people.owner)
    assert services.fire_due_reminders() == 1
    assert (Notification.objects.count(), OutgoingMail.objects.count()) == (2 * bell, 2 * mails)
    assert Reminder.objects.get().sent_at is not None


def test_bad_choices_and_other_peoples(client: Client, people: Cast) -> None:
    kinds = dict.fromkeys(Notification.Kind.values, "app")
    assert client.post("/notifications/settings/", {**kinds, "reminder": "pigeon"}).status_code == 422
    assert client.post("/notifications/settings/", {}).status_code == 422
    with pytest.raises(ValidationError):
        services.set_channels(people.owner, {}, digest=True, actor=people.admin)
    with pytest.raises(ValidationError):
        services.set_channels(people.owner, {"pigeon": "app"}, digest=True, actor=people.owner)
    assert not NotificationSettings.objects.exists()


def test_one_is_read_without_opening_it(client: Client, people: Cast) -> None:
    row, other = (services.notify(people.owner, "system", text) for text in ("One", "Two"))
    assert row is not None and other is not None
    assert client.post(f"/notifications/{row.pk}/read/")["Location"] == "/notifications/"
    assert signed_in(people.teammate).post(f"/notifications/{other.pk}/read/").status_code == 404
    assert list(Notification.objects.filter(read_at=None)) == [other]


# ---- the mail of the morning ----


def digest_for(user: User) -> None:
    services.set_channels(user, {}, digest=True, actor=user)


def digests() -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(key__startswith="digest:").order_by("pk"))


def test_the_digest_comes_at_eight_on_the_users_clock(people: Cast) -> None:
    berlin = make_user(language="de", time_zone="Europe/Berlin")
    with time_machine.travel(utc("2027-03-26T12:00"), tick=False):
        digest_for(berlin)
        services.create_task({"title": "Angebot", "owner": berlin, "due_on": date(2027, 3, 27)}, actor=None)
        services.create_task({"title": "Anruf", "owner": berlin, "due_on": date(2027, 3, 28), "due_time": time(9)}, actor=None)
        services.create_task({"title": "Später", "owner": berlin, "due_on": date(2027, 3, 29)}, actor=None)
        services.notify(berlin, "system", "Neues")
    counts = {}
    for text in ("2027-03-26T22:59", "2027-03-27T06:59", "2027-03-27T07:00", "2027-03-27T15:00", "2027-03-28T05:59", "2027-03-28T06:00", "2027-03-28T06:01"):
        with time_machine.travel(utc(text), tick=False):
            services.send_digests()
            counts[text[8:]] = len(digests())
    assert list(counts.values()) == [0, 0, 1, 1, 1, 2, 2]  # the clocks moved in between
    text = digests()[1].text
    assert "Angebot" in text and "09:00 Anruf" in text and "Später" not in text and "Neues" in text and "/notifications/settings/" in text
    assert digests()[1].subject.startswith("Ihr Tag")


def test_no_digest_for_nothing_nor_for_those_who_left(people: Cast) -> None:
    with time_machine.travel(utc("2027-03-26T12:00"), tick=False):
        digest_for(people.owner)  # it is after eight: from tomorrow on
        digest_for(people.teammate)
        services.notify(people.teammate, "system", "News")
        services.send_digests()
    User.objects.filter(pk=people.teammate.pk).update(is_active=False)
    with time_machine.travel(utc("2027-03-27T12:00"), tick=False):
        assert services.send_digests() == 0
    assert not digests()
    assert NotificationSettings.objects.get(user=people.owner).digest_on == date(2027, 3, 27)


@pytest.mark.django_db(transaction=True)
def test_two_beats_send_one_digest() -> None:
    people = make_cast()
    NotificationSettings.objects.bulk_create([NotificationSettings(user=user, digest=True) for user in people[:7]])
    for user in people[:7]:
        services.notify(user, "system", "News")
    sent: list[int] = []
    errors: list[BaseException] = []

    def beat() -> None:
        try:
            sent.append(services.send_digests(utc("2027-03-27T12:00")))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=beat) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sum(sent) == len(digests()) == 7


# ---- late reminders ----


def test_admins_see_that_reminders_are_late(people: Cast) -> None:
    services.create_task({"title": "Call", "due_at": timezone.now()}, actor=people.owner)
    caches["fragments"].clear()
    assert not late_banners(people.admin)
    Reminder.objects.update(remind_at=timezone.now() - timedelta(minutes=2))
    caches["fragments"].clear()
    assert "Reminders are late: 1 has" in signed_in(people.admin).get("/").content.decode()
    assert "Reminders are late" not in signed_in(people.owner).get("/").content.decode()
    services.fire_due_reminders()
    caches["fragments"].clear()
    assert not late_banners(people.admin)
