"""Who follows a record hears in the bell of what colleagues do with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities import services
from activities.models import Activity, Follow, Notification
from activities.services import follows
from leads.models import LeadStatus
from leads.services import convert_lead, create_lead, set_status
from tests.activities.conftest import Business
from tests.factories import Cast, signed_in

pytestmark = pytest.mark.django_db


def news(user: Any) -> list[str]:
    return list(Notification.objects.filter(user=user, kind="followed").order_by("pk").values_list("text", flat=True))


def test_what_colleagues_do_is_told_once_until_it_is_read(people: Cast, business: Business) -> None:
    services.follow(business.lead, user=people.manager)
    services.follow(business.lead, user=people.manager)
    assert Follow.objects.count() == 1
    services.add_note(business.lead, body="First", actor=people.owner)
    services.add_note(business.lead, body="Second", actor=people.owner)
    assert news(people.manager) == ["Lindner: Note, Olivia Owner"]
    (row,) = Notification.objects.filter(user=people.manager)
    assert row.url == f"{business.lead.get_absolute_url()}#timeline"
    services.mark_read([row.pk], user=people.manager)
    working = LeadStatus.objects.filter(kind="working").first()
    assert working is not None
    set_status(business.lead, working, actor=people.owner)
    assert news(people.manager) == ["Lindner: Note, Olivia Owner", "Lindner: Change, Olivia Owner"]
    services.unfollow(business.lead, user=people.manager)
    Notification.objects.all().delete()
    services.add_note(business.lead, body="Third", actor=people.owner)
    assert news(people.manager) == []


def test_nobody_hears_of_their_own_doing_of_others_records_or_of_what_they_no_longer_see(people: Cast, business: Business) -> None:
    services.follow(business.deal, user=people.teammate)
    services.add_note(business.deal, body="Mine", actor=people.teammate)
    services.add_note(business.lead, body="Another record", actor=people.owner)
    assert news(people.teammate) == []
    with pytest.raises(ValidationError):
        services.follow(business.deal, user=people.stranger)
    Follow.objects.create(user=people.stranger, deal=business.deal, subject_type="deal")  # from before it was given away
    services.add_note(business.deal, body="Secret", actor=people.owner)
    assert news(people.stranger) == [] and news(people.teammate) == ["Spindle retrofit: Note, Olivia Owner"]


def test_of_very_many_at_once_it_is_one_line(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follows, "MOST", 2)
    leads = [create_lead({"last_name": f"Lead {number}"}, actor=people.owner) for number in range(3)]
    for lead in leads:
        services.follow(lead, user=people.manager)
    services.write_lines([{"kind": Activity.Kind.NOTE, "verb": "added", "actor": people.owner, "lead": lead} for lead in leads])
    assert news(people.manager) == ["News on 3 records that you follow"]
    services.write_lines([{"kind": Activity.Kind.NOTE, "verb": "added", "actor": people.owner, "lead": lead} for lead in leads])
    assert len(news(people.manager)) == 1, "not again until it is read"
    for lead in leads:
        Follow.objects.create(user=people.stranger, lead=lead, subject_type="lead")
    services.write_lines([{"kind": Activity.Kind.NOTE, "verb": "added", "actor": people.owner, "lead": lead} for lead in leads])
    assert news(people.stranger) == [], "not of what they do not see"


def test_followers_go_along_with_what_a_lead_becomes(people: Cast, business: Business) -> None:
    services.follow(business.lead, user=people.manager)
    conversion = convert_lead(business.lead, actor=people.owner)
    Notification.objects.all().delete()
    services.add_note(conversion.contact, body="News", actor=people.owner)
    assert news(people.manager) == ["Lindner: Note, Olivia Owner"]


def test_what_nobody_follows_costs_one_look(people: Cast, business: Business) -> None:
    line = {"kind": Activity.Kind.NOTE, "verb": "added", "actor": people.owner, "lead": business.lead}
    with CaptureQueriesContext(connection) as queries:
        services.write_lines([line] * 20)
    assert len([each for each in queries if "activities_follow" in each["sql"]]) == 1


def test_the_page(people: Cast, business: Business) -> None:
    client, url = signed_in(people.viewer), f"/activities/leads/{business.lead.pk}/follow/"
    assert f'href="{url}"' in client.get(business.lead.get_absolute_url()).content.decode()
    assert 'name="follow" value="1"' in client.get(url).content.decode()
    assert client.post(url, {"follow": "1"}).status_code == client.post(url, {"follow": "1"}).status_code == 302
    assert 'name="follow" value="0"' in client.get(url).content.decode() and Follow.objects.get().user == people.viewer
    assert client.post(url, {"follow": "x"}).status_code == 422 and client.post(url).status_code == 422
    assert client.post(url, {"follow": "0"}).status_code == 302 and not Follow.objects.exists()
    assert signed_in(people.stranger).post(url, {"follow": "1"}).status_code == 404 and not Follow.objects.exists()
    assert client.get("/activities/tasks/1/follow/").status_code == 404
