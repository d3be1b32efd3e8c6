"""The first response: when it is due, what counts, how long it took in working time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from activities.services import add_note, close_past_meetings, create_meeting, delete_line, log_call, restore_line, send_mail
from activities.services.reactions import mails_left
from leads import services
from leads.imports import LEAD
from leads.models import Lead
from mail.models import OutgoingMail
from tests.factories import make_user, signed_in
from tests.leads.factories import enter, make_form, make_lead
from users.models import Organisation
from users.working_time import working_minutes

pytestmark = pytest.mark.django_db
NAMES = ("Latecomer", "Waiterly", "Calledback", "Overdone")
BERLIN = ZoneInfo("Europe/Berlin")
HOUSE = SimpleNamespace(
    work_days=[0, 1, 2, 3, 4], work_start=datetime(2027, 1, 1, 9).time(), work_end=datetime(2027, 1, 1, 17).time(), holiday_dates=frozenset()
)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2027-03-05T10:00", "2027-03-05T10:45", 45),
        ("2027-03-05T16:30", "2027-03-08T09:15", 45),  # over a weekend
        ("2027-03-05T07:00", "2027-03-05T08:59", 0),
        ("2027-03-05T18:00", "2027-03-06T18:00", 0),
        ("2027-03-26T16:00", "2027-03-29T10:00", 120),  # the clock is moved on the Sunday
        ("2027-03-05T12:00", "2027-03-05T11:00", 0),
        ("2027-03-01T00:00", "2027-03-08T00:00", 5 * 8 * 60),
    ],
)
def test_working_minutes(start, end, minutes):
    moments = [datetime.fromisoformat(text).replace(tzinfo=BERLIN) for text in (start, end)]
    assert working_minutes(*moments, zone=BERLIN, organisation=HOUSE) == minutes


def test_holidays_do_not_count():
    free = SimpleNamespace(**{**vars(HOUSE), "holiday_dates": frozenset({datetime(2027, 3, 8).date()})})
    start, end = datetime(2027, 3, 5, 16, tzinfo=BERLIN), datetime(2027, 3, 9, 10, tzinfo=BERLIN)
    assert working_minutes(start, end, zone=BERLIN, organisation=free) == 120


def arrived(owner, at=datetime(2027, 3, 5, 15, tzinfo=UTC)):
    return make_lead(owner, created_at=at)


def test_it_is_due_after_the_organisations_hours_or_those_of_the_form():
    owner = make_user(time_zone="Europe/Berlin")
    assert arrived(owner).respond_by == datetime(2027, 3, 8, 11, tzinfo=UTC)  # an hour on Friday, three on Monday
    Organisation.objects.update(response_hours=1)
    assert arrived(owner).respond_by == datetime(2027, 3, 5, 16, tzinfo=UTC)
    entry = enter(make_form(follow_up_hours=8))
    assert entry.lead.respond_by > timezone.now() + timedelta(hours=7)


def test_nobody_waits_for_an_answer_to_an_import_or_a_worked_lead():
    services.ensure_defaults()
    (imported,) = LEAD.create([{"last_name": "X"}], actor=None)
    assert (imported.respond_by, make_lead(status="Contacted").respond_by) == (None, None)


def test_the_first_call_counts_until_it_is_taken_back():
    owner = make_user(time_zone="Europe/Berlin")
    lead = arrived(owner)
    add_note(lead, body="Looks good", actor=owner)
    lead.refresh_from_db()
    assert lead.first_response_at is None
    later = log_call(lead, actor=owner, at=datetime(2027, 3, 8, 9, tzinfo=UTC))
    first = log_call(lead, actor=owner, at=datetime(2027, 3, 8, 8, 30, tzinfo=UTC))
    lead.refresh_from_db()
    assert (lead.first_response_at, lead.response_minutes) == (first.at, 60 + 30)
    delete_line(first, actor=owner)
    lead.refresh_from_db()
    assert (lead.first_response_at, lead.response_minutes) == (later.at, 60 + 60)
    assert restore_line(first.pk, actor=owner)
    delete_line(later, actor=owner)
    lead.refresh_from_db()
    assert lead.first_response_at == first.at
    assert lead.version == 1


def test_a_mail_counts_when_it_has_left():
    owner = make_user()
    lead = make_lead(owner, last_name="X", email="x@firm.example")
    line = send_mail(lead, to="x@firm.example", subject="Hello", text="Text", actor=owner)
    lead.refresh_from_db()
    assert lead.first_response_at is None
    left = timezone.now() + timedelta(seconds=10)
    OutgoingMail.objects.filter(pk=line.mail_id).update(sent_at=left, state="sent")
    mails_left([line.mail_id])
    lead.refresh_from_db()
    assert lead.first_response_at == left


def test_a_meeting_that_was_held():
    owner = make_user()
    lead = make_lead(owner)
    start = timezone.now() - timedelta(hours=2)
    create_meeting({"title": "Visit", "lead": lead, "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=owner)
    close_past_meetings()
    lead.refresh_from_db()
    assert lead.first_response_at == start


def test_the_confirmation_of_a_form_is_no_response():
    entry = enter(make_form(confirm_sender=True, confirm_subject="Thanks", confirm_text="Thanks"))
    assert entry.lead.first_response_at is None


def test_list_and_page(people):
    late, waiting, answered, closed = (make_lead(people.owner, last_name=name) for name in NAMES)
    Lead.objects.filter(pk=late.pk).update(respond_by=timezone.now() - timedelta(hours=1))
    log_call(answered, actor=people.owner)
    services.set_status(closed, services.setup.LeadStatus.objects.get(kind="disqualified"), actor=people.owner, reason="x")
    client = signed_in(people.owner)

    def shown(query):
        html = client.get(f"/leads/?{query}").content.decode()
        return {name for name in NAMES if name in html}

    assert shown("response=waiting") == shown("view=unanswered") == {"Latecomer", "Waiterly"}
    assert shown("response=late") == {"Latecomer"}
    assert shown("response=answered") == {"Calledback"}
    assert "No reply yet" in client.get(f"/leads/{late.pk}/").content.decode()
    assert "0 minutes" in client.get(f"/leads/{answered.pk}/").content.decode()
    assert client.get("/leads/?response=nonsense").status_code == 400
    assert waiting.respond_by is not None
