"""What leads allow or withdraw: noted by hand, shown, heeded, and taken along when they convert."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from activities.models import Activity, CallList
from activities.services import add_to_call_list
from activities.services.marketing import MARKETING, is_unwilling
from contacts.models import Consent
from contacts.selectors import current_consents
from contacts.services import create_contact, record_consent
from leads.models import Lead
from leads.services import convert_lead, record_lead_consent, undo_conversion
from leads.services.conversion import Choices
from tests.contract.world import form_data
from tests.factories import cast, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Any:
    return cast()


@pytest.fixture
def lead(people: Any) -> Lead:
    from leads.services import create_lead

    return create_lead({"last_name": "Kern", "email": "k@kern.example", "phone": "+43662123456"}, actor=people.owner)


def note(client: Any, lead: Lead, channel: str, given: str, **values: Any) -> Any:
    url = f"/leads/{lead.pk}/consent/"
    return client.post(url, {**form_data(client, url), "channel": channel, "given": given, "source": "By phone", "text": "", **values})


def test_it_is_noted_by_hand_and_shown(lead: Lead, people: Any) -> None:
    client = signed_in(people.owner)
    assert client.get(lead.get_absolute_url()).content.decode().count("Not asked") == 3
    assert note(client, lead, "phone", "no").status_code == 302
    assert note(client, lead, "phone", "no").status_code == 302  # the same again
    assert note(client, lead, "newsletter", "yes", text="I agree.").status_code == 302
    lead.refresh_from_db()
    assert [(said["channel"], said["given"], said["by"]) for said in lead.consents] == [("phone", False, "Olivia Owner"), ("newsletter", True, "Olivia Owner")]
    page = client.get(lead.get_absolute_url()).content.decode()
    assert "No calls" in page and 'title="Has asked not to be called."' in page and page.count("Not asked") == 1
    log = client.get(f"/leads/{lead.pk}/consent/").content.decode()
    assert log.index("I agree.") < log.index("Withdrawn</span>") and "By phone" in log
    assert Activity.objects.filter(lead=lead, verb="consent").count() == 2


def test_what_is_wrong_with_an_entry_is_said(lead: Lead, people: Any) -> None:
    client = signed_in(people.owner)
    for values in ({"channel": "fax"}, {"given": "maybe"}, {"source": ""}, {"source": "x" * 10_000}, {"text": "x" * 10_000}, {"surprise": "1"}):
        assert note(client, lead, **{"channel": "email", "given": "no", **values}).status_code == 422, values
    with pytest.raises(ValidationError):
        record_lead_consent(lead, "fax", True, "", actor=people.owner)
    with pytest.raises(ValidationError):
        record_lead_consent(lead, "email", True, "", actor=people.viewer)
    lead.refresh_from_db()
    assert lead.consents == []
    assert "<form class" not in signed_in(people.viewer).get(f"/leads/{lead.pk}/consent/").content.decode()


def test_it_is_heeded(lead: Lead, people: Any) -> None:
    add_to_call_list("lead", [lead.pk], actor=people.owner, data={"name": "Spring", "script": ""})
    calls = CallList.objects.get(owner=people.owner).get_absolute_url()
    assert "not to be called" not in signed_in(people.owner).get(calls).content.decode()
    record_lead_consent(lead, "phone", False, "", actor=people.owner)
    assert "not to be called" in signed_in(people.owner).get(calls).content.decode()
    assert not is_unwilling(lead, lead.email, MARKETING)
    record_lead_consent(lead, "newsletter", False, "", actor=people.owner)
    assert is_unwilling(lead, lead.email, MARKETING) and not is_unwilling(lead, lead.email)
    record_lead_consent(lead, "newsletter", True, "", actor=people.owner)
    assert not is_unwilling(lead, lead.email, MARKETING)


def test_the_contact_takes_it_over(lead: Lead, people: Any) -> None:
    record_lead_consent(lead, "phone", False, "Trade fair", actor=people.owner)
    record_lead_consent(lead, "newsletter", True, "Trade fair", actor=people.owner, text="I agree.")
    contact = convert_lead(lead, actor=people.owner).contact
    said = current_consents(contact)
    assert {channel: row.given for channel, row in said.items()} == {"phone": False, "newsletter": True}
    assert said["newsletter"].text == "I agree." and said["phone"].source == "As a lead: Trade fair"


def test_a_yes_does_not_overrule_a_contact_and_a_no_comes_back(lead: Lead, people: Any) -> None:
    known = create_contact({"last_name": "Kern"}, actor=people.owner)
    record_consent(known, Consent.Channel.EMAIL, False, "By letter", actor=people.owner)
    record_lead_consent(lead, "email", True, "Form", actor=people.owner)
    record_lead_consent(lead, "phone", False, "Form", actor=people.owner)
    convert_lead(lead, actor=people.owner, choices=Choices(contact=known))
    assert {channel: row.given for channel, row in current_consents(known).items()} == {"email": False, "phone": False}
    lead.refresh_from_db()
    undo_conversion(lead, actor=people.owner)
    lead.refresh_from_db()
    assert lead.refused == {"email", "phone"}


def test_once_it_is_a_contact_that_is_asked(lead: Lead, people: Any) -> None:
    convert_lead(lead, actor=people.owner, choices=Choices())
    lead.refresh_from_db()
    client = signed_in(people.owner)
    page = client.get(f"/leads/{lead.pk}/consent/").content.decode()
    assert 'name="channel"' not in page
    answer = client.post(f"/leads/{lead.pk}/consent/", {"channel": "email", "given": "no", "source": "By phone", "text": ""})
    assert answer.status_code == 422 and "Note it there." in answer.content.decode()
    lead.refresh_from_db()
    assert lead.consents == [] and "Record consent" not in client.get(lead.get_absolute_url()).content.decode()


def test_the_newest_of_each_channel_is_never_cut_off(lead: Lead, people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.services.consent.MOST", 3)
    record_lead_consent(lead, "email", False, "By mail", actor=people.owner)
    for number in range(6):
        lead = record_lead_consent(lead, "phone", bool(number % 2), "By phone", actor=people.owner)
    assert [(said["channel"], said["given"]) for said in lead.consents] == [("email", False), ("phone", True), ("phone", False), ("phone", True)]
    assert lead.refused == {"email"}
