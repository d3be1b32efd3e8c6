"""Disqualified leads: reasons, coming back on a day, on their owner's calendar, once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from activities.models import Activity, Notification, Task
from leads import services
from leads.models import DisqualifyReason
from tests.factories import make_user, signed_in
from tests.leads.factories import make_lead, status

pytestmark = pytest.mark.django_db
FAR = date(2031, 3, 14)


def gone_until(day: date | None, actor=None, **values):
    lead = make_lead(actor, **values)
    return services.set_status(lead, status("Disqualified"), actor=actor, reason="Not now", recycle_on=day)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)


def test_it_comes_back_on_its_day_once_with_a_task_and_a_notice():
    owner = make_user(time_zone="UTC")
    lead = gone_until(FAR, owner, last_name="Later")
    assert services.recycle_due_leads(at(FAR - timedelta(days=1), 22)) == 0
    assert [services.recycle_due_leads(at(FAR, 0)) for _beat in range(2)] == [1, 0]
    lead.refresh_from_db()
    assert (lead.status.kind, lead.disqualified_reason, lead.recycle_on, lead.owner) == ("new", "", None, owner)
    task = Task.objects.get(lead=lead)
    assert (task.owner, task.title, task.due_at) == (owner, "Try again: Later", datetime(2031, 3, 14, 9, tzinfo=UTC))
    (notice,) = Notification.objects.filter(user=owner, url=lead.get_absolute_url())
    assert "Not now" in notice.text
    assert Activity.objects.filter(lead=lead, verb="status").count() == 2


@pytest.mark.parametrize(("zone", "begun"), [("Pacific/Auckland", True), ("Europe/Berlin", False), ("America/New_York", False)])
def test_the_day_is_the_owners(zone, begun):
    gone_until(FAR, make_user(time_zone=zone))
    assert services.recycle_due_leads(at(FAR - timedelta(days=1), 20)) == begun


def test_it_can_be_changed_and_taken_back():
    owner = make_user()
    lead = gone_until(FAR, owner)
    lead = services.set_status(lead, lead.status, actor=owner, reason="No need", recycle_on=FAR + timedelta(days=7))
    assert (lead.disqualified_reason, lead.recycle_on) == ("No need", FAR + timedelta(days=7))
    assert services.set_status(lead, lead.status, actor=owner, reason="No need").recycle_on is None
    assert services.recycle_due_leads(at(FAR + timedelta(days=30), 12)) == 0
    again = gone_until(FAR, owner)
    assert services.set_status(again, status("New"), actor=owner).recycle_on is None


def test_unowned_and_deleted_ones():
    services.delete_leads([gone_until(FAR).pk], actor=None)
    unowned = gone_until(FAR)
    assert services.recycle_due_leads(at(FAR, 12)) == 1
    unowned.refresh_from_db()
    assert (unowned.status.kind, Task.objects.count()) == ("new", 0)


def test_only_a_coming_day_of_a_disqualified_lead():
    owner = make_user()
    for day in (timezone.localdate(), date(1, 1, 1)):
        with pytest.raises(ValidationError, match="after today"):
            gone_until(day, owner)
    with pytest.raises(ValidationError, match="Only a disqualified"):
        services.update_lead(make_lead(owner), {"recycle_on": FAR}, actor=owner)
    lead = make_lead(owner)
    services.set_status_many([lead.pk], actor=owner, data={"status": status("Disqualified"), "reason": "x", "recycle_on": FAR})
    lead.refresh_from_db()
    assert lead.recycle_on == FAR


def test_pages(people):
    client, lead, gone = signed_in(people.owner), make_lead(people.owner, last_name="Later"), status("Disqualified")
    known = DisqualifyReason.objects.get(name="No budget")
    DisqualifyReason.objects.filter(name="No need").update(active=False)
    url = f"/leads/{lead.pk}/status/"
    html = client.get(f"{url}?kind=disqualified").content.decode()
    assert "No budget" in html and "No need" not in html
    data = {"status": gone.pk, "known_reason": known.name, "version": lead.version}
    for wrong in ({"known_reason": ""}, {"known_reason": "No need"}, {"recycle_on": "2020-01-01"}, {"recycle_on": "soon"}):
        assert client.post(url, {**data, **wrong}).status_code == 422, wrong
    assert client.post(url, {**data, "recycle_on": "2031-03-14"}).status_code == 302
    lead.refresh_from_db()
    assert (lead.disqualified_reason, lead.recycle_on) == ("No budget", FAR)
    page = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "Back on" in page and f"?status={gone.pk}" in page
    form = client.get(f"{url}?status={gone.pk}").content.decode()
    assert 'value="2031-03-14"' in form and '<option value="No budget" selected>' in form
    assert client.post(url, {**data, "version": lead.version, "reason": "Moved away"}).status_code == 302
    lead.refresh_from_db()
    assert (lead.disqualified_reason, lead.recycle_on) == ("Moved away", None)


def test_reasons_in_the_settings(people):
    client = signed_in(people.admin)
    assert client.post("/settings/disqualify-reasons/new/", {"name": "Too small", "active": "on"}).status_code == 302
    assert client.post("/settings/disqualify-reasons/new/", {"name": "too small", "active": "on"}).status_code == 422
    assert signed_in(people.owner).get("/settings/disqualify-reasons/").status_code == 403
