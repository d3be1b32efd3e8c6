"""Guests of a meeting: invited, told of changes, answering."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from activities import services
from activities.models import Activity, Meeting, MeetingGuest, Notification
from activities.services.guests import token_of
from contacts.services import update_contact
from crm.core.bin import restore_rows
from mail.models import OutgoingMail
from mail.services.ledger import build
from tests.activities.conftest import Business
from tests.factories import Cast, signed_in
from users.services import deactivate_user

ANN, BEN = {"email": "ann@guest.example", "name": "Ann Lee"}, {"email": "Ben@guest.example", "name": ""}


def make(people: Cast, *guests: dict[str, str], **more: Any) -> Meeting:
    start = timezone.now().replace(microsecond=0) + timedelta(days=3)
    values = {"title": "Kick-off", "starts_at": start, "ends_at": start + timedelta(hours=1), "guests": guests, "tell": True, **more}
    return services.create_meeting(values, actor=people.owner)


def told() -> list[tuple[str, str, int]]:
    """(address, method, sequence) of the mails since the last call."""
    found = []
    for mail in OutgoingMail.objects.exclude(calendar="").order_by("pk"):
        calendar = Calendar.from_ical(mail.calendar)
        (event,) = calendar.walk("VEVENT")
        found.append((mail.to_address, str(calendar["METHOD"]), int(event["SEQUENCE"])))
    OutgoingMail.objects.all().delete()
    return sorted(found)


def test_an_invitation_as_it_leaves(people: Cast) -> None:
    meeting = make(people, ANN, BEN, title='Say "hi"; now, \\ or\nlater', location="Hall 3")
    mail = OutgoingMail.objects.get(to_address=ANN["email"])
    message = email.message_from_bytes(build(mail).as_bytes(), policy=email.policy.default)
    parts = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    assert set(parts) == {"text/plain", "text/html", "text/calendar", "application/ics"}
    assert dict(parts["text/calendar"]["Content-Type"].params) == {"method": "REQUEST", "charset": "utf-8"}
    for kind in ("text/calendar", "application/ics"):
        content = parts[kind].get_content()
        (event,) = Calendar.from_ical(content).walk("VEVENT")
        assert (event["UID"], event.decoded("DTSTART"), event.decoded("DTEND")) == (str(meeting.uuid), meeting.starts_at, meeting.ends_at)
        assert str(event["SUMMARY"]).startswith('Say "hi"; now, \\ or')
        assert str(event["ORGANIZER"]) == f"mailto:{people.owner.email}"
        assert [str(each) for each in event["ATTENDEE"]] == ["mailto:ann@guest.example", "mailto:Ben@guest.example"]
    assert (mail.reply_to, mail.from_name, mail.user) == (people.owner.email, people.owner.name, people.owner)
    link = f"/invited/{token_of(meeting.guests.get(email=ANN['email']))}/"
    assert link in mail.text
    assert link in mail.html


def test_who_is_told_of_what(people: Cast) -> None:
    meeting = make(people, ANN)
    assert told() == [("ann@guest.example", "REQUEST", 0)]
    meeting = services.update_meeting(meeting, {"description": "More words"}, actor=people.owner)
    assert told() == [], "nobody asked"
    meeting = services.update_meeting(meeting, {"guests": [ANN, BEN], "tell": True}, actor=people.owner)
    assert told() == [("Ben@guest.example", "REQUEST", 0)], "only who is new"
    later = {"starts_at": meeting.starts_at + timedelta(hours=2), "ends_at": meeting.ends_at + timedelta(hours=2)}
    meeting = services.update_meeting(meeting, {**later, "tell": True}, actor=people.owner)
    assert told() == [("Ben@guest.example", "REQUEST", 1), ("ann@guest.example", "REQUEST", 1)]
    meeting = services.update_meeting(meeting, {"location": "Hall 4"}, actor=people.owner)
    assert told() == []
    meeting = services.update_meeting(meeting, {"guests": [BEN], "tell": True}, actor=people.owner)
    assert told() == [("ann@guest.example", "CANCEL", 3)]
    group = services.delete_meetings([meeting.pk], actor=people.owner)
    assert told() == [("Ben@guest.example", "CANCEL", 4)]
    restore_rows(Meeting, group, actor=people.owner)
    assert told() == [("Ben@guest.example", "REQUEST", 5)]


def test_nobody_is_told_of_what_is_over(people: Cast) -> None:
    past = timezone.now() - timedelta(days=3)
    meeting = make(people, ANN, starts_at=past, ends_at=past + timedelta(hours=1))
    services.delete_meetings([meeting.pk], actor=people.owner)
    assert told() == []


def test_a_new_time_asks_anew(people: Cast) -> None:
    meeting = make(people, ANN)
    guest = meeting.guests.get()
    services.answer(token_of(guest), "accepted")
    meeting = services.update_meeting(meeting, {"title": "New name"}, actor=people.owner)
    assert meeting.guests.get().state == "accepted"
    services.update_meeting(meeting, {"ends_at": meeting.ends_at + timedelta(hours=1)}, actor=people.owner)
    assert (meeting.guests.get().state, meeting.guests.get().answered_at) == ("invited", None)


def test_an_address_finds_its_contact_as_far_as_the_organiser_sees_it(people: Cast, business: Business) -> None:
    update_contact(business.contact, {"email": "ann@guest.example"}, actor=people.owner)
    assert make(people, ANN).guests.get().contact == business.contact
    start = timezone.now() + timedelta(days=1)
    foreign = services.create_meeting({"title": "X", "starts_at": start, "ends_at": start, "guests": [ANN]}, actor=people.stranger)
    assert foreign.guests.get().contact is None


@pytest.mark.parametrize("guests", [[{"email": "nobody"}], [{"email": f"g{n}@guest.example"} for n in range(51)]])
def test_wrong_guests_change_nothing(people: Cast, guests: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        make(people, *guests)
    assert set(caught.value.message_dict) == {"guests"}
    assert not Meeting.objects.exists()
    assert not OutgoingMail.objects.exists()


# ---- the form ----


def posted(**more: str) -> dict[str, str]:
    return {"title": "Visit", "starts_at": "2027-05-04T10:00", "ends_at": "2027-05-04T11:00", **more}


def test_the_form_names_guests(people: Cast, business: Business) -> None:
    client = signed_in(people.owner)
    update_contact(business.contact, {"email": "berger@guest.example"}, actor=people.owner)
    lines = "Ann Lee <ann@guest.example>\r\n\r\nben@guest.example; Johanna Berger\nANN@guest.example"
    assert client.post("/meetings/new/", posted(guests=lines, tell="on")).status_code == 302
    meeting = Meeting.objects.get()
    assert [(guest.email, guest.name) for guest in meeting.guests.all()] == [
        ("ANN@guest.example", ""),
        ("ben@guest.example", ""),
        ("berger@guest.example", "Johanna Berger"),
    ]
    assert len(told()) == 3
    page = client.get(f"/meetings/{meeting.pk}/edit/").content.decode()
    assert "Johanna Berger &lt;berger@guest.example&gt;" in page
    # A form of somebody who does not know of guests leaves them as they are.
    assert client.post(f"/meetings/{meeting.pk}/edit/", posted(version=str(meeting.version), title="Other")).status_code == 302
    assert meeting.guests.count() == 3
    assert told() == []
    meeting.refresh_from_db()
    assert client.post(f"/meetings/{meeting.pk}/edit/", posted(version=str(meeting.version), title="Other", guests="", tell="on")).status_code == 302
    assert {method for _to, method, _sequence in told()} == {"CANCEL"}
    assert "Not told" not in client.get(f"/meetings/{meeting.pk}/").content.decode()


@pytest.mark.parametrize("guests", ["Nobody Known", "a@b", "x <y>", "\x00@a.example", "Ann <>"])
def test_a_wrong_guest_is_told_at_the_field(people: Cast, guests: str) -> None:
    response = signed_in(people.owner).post("/meetings/new/", posted(guests=guests))
    assert response.status_code == 422
    assert 'id="error_1_id_guests"' in response.content.decode() or "invalid-feedback" in response.content.decode()
    assert not Meeting.objects.exists()


def test_a_drop_asks_whether_guests_are_told(people: Cast) -> None:
    meeting = make(people, ANN)
    told()
    client, url = signed_in(people.owner), f"/calendar/move/meeting/{meeting.pk}/"
    response = client.post(url, {"day": "2027-03-12", "version": meeting.version}, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()) == (409, {"form_url": f"{url}?day=2027-03-12"})
    assert 'name="tell"' in client.get(response.json()["form_url"]).content.decode()
    assert Meeting.objects.get().version == meeting.version
    client.post(url, {"day": "2027-03-12", "time": "10:00", "version": meeting.version, "tell": "on"})
    assert told() == [("ann@guest.example", "REQUEST", 1)]


def test_the_delete_page_says_that_guests_are_told(people: Cast) -> None:
    meeting = make(people, ANN)
    assert "cancellation by e-mail" in signed_in(people.owner).get(f"/meetings/{meeting.pk}/delete/").content.decode()


# ---- the guest's page ----


@pytest.fixture
def guest(people: Cast, business: Business) -> MeetingGuest:
    return make(people, ANN, contact=business.contact).guests.get()


def url_of(guest: MeetingGuest) -> str:
    return f"/invited/{token_of(guest)}/"


def test_a_guest_answers(people: Cast, business: Business, guest: MeetingGuest) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(url_of(guest))
    assert page.status_code == 200
    assert "Kick-off" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    guest.refresh_from_db()
    assert guest.state == "invited", "looking is no answer"
    for state in ("accepted", "accepted", "declined"):
        assert client.post(url_of(guest), {"answer": state}).status_code == 302
    guest.refresh_from_db()
    assert guest.state == "declined"
    lines = Activity.objects.filter(verb="answered", contact=business.contact).order_by("pk")
    assert [line.data["answer"] for line in lines] == ["accepted", "declined"], "the same answer twice is one"
    assert Notification.objects.filter(user=people.owner, text__contains="Ann Lee").count() == 2
    assert "Declined" in signed_in(people.owner).get(guest.meeting.get_absolute_url()).content.decode()
    assert "answered the invitation" in signed_in(people.owner).get(business.contact.get_absolute_url()).content.decode()


@pytest.mark.parametrize("answer", ["", "invited", "x", "accepted\x00"])
def test_no_answer_is_refused(guest: MeetingGuest, answer: str) -> None:
    assert Client().post(url_of(guest), {"answer": answer}).status_code == 422
    assert MeetingGuest.objects.get(pk=guest.pk).state == "invited"


@pytest.mark.parametrize("death", ["deleted", "left", "over", "removed", "forged"])
def test_a_dead_link_answers_nothing(people: Cast, guest: MeetingGuest, death: str) -> None:
    url, meeting = url_of(guest), guest.meeting
    match death:
        case "deleted":
            services.delete_meetings([meeting.pk], actor=people.owner)
        case "left":
            deactivate_user(people.owner, None, actor=people.admin)
        case "over":
            past = timezone.now() - timedelta(days=2)
            Meeting.objects.filter(pk=meeting.pk).update(starts_at=past, ends_at=past)
        case "removed":
            services.update_meeting(meeting, {"guests": []}, actor=people.owner)
        case "forged":
            url = url.replace(f"/invited/{guest.pk}-", f"/invited/{guest.pk + 1}-")
    for method in ("get", "post"):
        response = getattr(Client(), method)(url, {"answer": "accepted"})
        assert response.status_code == 410
        assert "Kick-off" not in response.content.decode()
    assert not Activity.objects.filter(verb="answered").exists()


def test_a_link_outlives_a_change_of_the_organiser(people: Cast, guest: MeetingGuest) -> None:
    deactivate_user(people.owner, people.teammate, actor=people.admin)
    assert Client().get(url_of(guest)).status_code == 200
