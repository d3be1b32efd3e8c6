"""A series of private meetings: each of them its organiser's alone, and what was told of it before hidden."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from icalendar import Calendar

from activities import services
from activities.models import Meeting
from activities.services.guests import token_of
from activities.services.meeting_series import plan_meeting
from activities.services.series_changes import change_meeting
from mail.models import OutgoingMail
from tests.activities.conftest import Business
from tests.factories import Cast, signed_in

pytestmark = pytest.mark.django_db


def series(people: Cast, **more: Any) -> Meeting:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    values = {"title": "Zebratalk", "video_url": "https://zebra.example/call", "starts_at": start, "ends_at": start + timedelta(hours=1)}
    rule = {"frequency": "weekly", "weekdays": [start.weekday()], "times": 5}
    return plan_meeting({**values, "repeat": rule, **more}, actor=people.owner)


def test_all_of_it_is_private(people: Cast) -> None:
    first = series(people, is_private=True, guests=[{"email": "guest@example.com", "name": "Guest"}], tell=True)
    rows = Meeting.objects.filter(series=first.series)
    assert rows.count() == 5 and all(row.is_private and row.video_url == "https://zebra.example/call" for row in rows)
    (mail,) = OutgoingMail.objects.filter(to_address="guest@example.com")
    event = Calendar.from_ical(mail.calendar).events[0]
    assert mail.is_private and event["class"] == "PRIVATE" and str(event["conference"]) == "https://zebra.example/call"
    for reader in (people.admin, people.manager, people.teammate):
        assert not Meeting.objects.visible_to(reader).exists()
        for page in ("/meetings/", f"/calendar/?show=month&who=team&day={first.starts_at.date()}", "/settings/mail/"):
            assert "Zebratalk" not in signed_in(reader).get(page).content.decode()


def test_what_is_to_come_becomes_private_at_once(people: Cast, business: Business) -> None:
    first = series(people, deal=business.deal, guests=[{"email": "guest@example.com", "name": "Guest"}], tell=True)
    with pytest.raises(ValidationError) as wrong:
        change_meeting(first, {"is_private": True, "scope": "all"}, actor=people.owner)
    assert "is_private" in wrong.value.message_dict, "it still belongs to a record"
    off = dict.fromkeys(("deal", "contact", "company", "lead"))
    with pytest.raises(ValidationError) as wrong:
        change_meeting(first, {"is_private": True, "scope": "all", **off}, actor=people.manager)
    assert "is_private" in wrong.value.message_dict, "it is not the manager's"
    given = Meeting.objects.filter(series=first.series).last()
    change_meeting(given, {"owner": people.manager, **off}, actor=people.manager)
    with pytest.raises(ValidationError) as wrong:
        change_meeting(given, {"is_private": True, "scope": "all", **off}, actor=people.manager)
    assert "is_private" in wrong.value.message_dict, "one of them is, the others are not"
    change_meeting(given, {"owner": people.owner}, actor=people.manager)
    change_meeting(first, {"is_private": True, "scope": "all", **off}, actor=people.owner)
    assert not Meeting.objects.visible_to(people.manager).exists() and Meeting.objects.visible_to(people.owner).count() == 5
    assert all(OutgoingMail.objects.filter(to_address="guest@example.com").values_list("is_private", flat=True))
    assert "Zebratalk" not in signed_in(people.manager).get(business.deal.get_absolute_url()).content.decode()


def test_another_link_for_all_is_told_and_asks_nobody_anew(people: Cast) -> None:
    first = series(people, guests=[{"email": "guest@example.com", "name": "Guest"}], tell=True)
    services.answer(token_of(first.series.guests.get()), "accepted")
    change_meeting(first, {"video_url": "https://zebra.example/other", "scope": "all", "tell": True}, actor=people.owner)
    assert set(Meeting.objects.values_list("video_url", flat=True)) == {"https://zebra.example/other"}
    assert OutgoingMail.objects.filter(to_address="guest@example.com").count() == 2
    assert first.series.guests.get().state == "accepted"
