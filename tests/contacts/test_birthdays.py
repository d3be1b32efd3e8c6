"""Birthdays of people at every door: form, cell, list, filter, import, export, timeline."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError

from contacts.models import Contact
from contacts.services import create_contact, update_contact
from tests.factories import Cast, cast, signed_in


@pytest.fixture
def people(db: Any) -> Cast:
    return cast()


def person(owner: Any, birthday: str = "1986-05-03") -> Contact:
    return create_contact({"first_name": "Ann", "last_name": "Lee", "birthday": birthday}, actor=owner)


def test_in_form_page_and_timeline(people: Cast) -> None:
    client = signed_in(people.owner)
    form = {"first_name": "Ann", "last_name": "Lee", "lifecycle": "prospect"}
    assert client.post("/contacts/new/", form | {"birthday": "3. Mai 1986"}).status_code == 302
    contact = Contact.objects.get()
    assert contact.birthday == "1986-05-03"
    with time_machine.travel("2027-05-02T12:00Z", tick=False):
        page = signed_in(people.owner).get(contact.get_absolute_url()).content.decode()
        assert "3 May 1986" in page
        assert "40 years old" in page
    edit = client.get(f"{contact.get_absolute_url()}edit/").content.decode()
    assert 'value="3 May 1986"' in edit
    assert client.post(f"{contact.get_absolute_url()}edit/", form | {"birthday": "3 May", "version": "1"}).status_code == 302
    page = client.get(contact.get_absolute_url()).content.decode()
    assert "3 May 1986 → 3 May" in page
    assert "years old" not in page
    wrong = client.post(f"{contact.get_absolute_url()}edit/", form | {"birthday": "31 April", "version": "2"})
    assert wrong.status_code == 422
    assert "is no day" in wrong.content.decode()


def test_the_service_refuses_what_is_no_day(people: Cast) -> None:
    contact = person(people.owner)
    for wrong in ("31.4.1986", "3000-01-01", "x"):
        with pytest.raises(ValidationError) as refused:
            update_contact(contact, {"birthday": wrong}, actor=people.owner)
        assert "birthday" in refused.value.message_dict
    assert update_contact(contact, {"birthday": ""}, actor=people.owner).birthday == ""


def test_in_list_cell_filter_and_export(people: Cast) -> None:
    client, contact = signed_in(people.owner), person(people.owner, "--05-03")
    assert "3 May" in client.get("/contacts/?cols=name,birthday").content.decode()
    with time_machine.travel("2027-04-28T12:00Z", tick=False):
        later = signed_in(people.owner)
        assert "Ann Lee" in later.get("/contacts/?birthday=next7d").content.decode()
        assert "Ann Lee" not in later.get("/contacts/?birthday=today").content.decode()
    assert client.get("/contacts/?birthday=evil").status_code == 400
    sent = client.post(f"/contacts/{contact.pk}/cell/birthday/", {"birthday": "4.5.1990", "version": contact.version})
    assert sent.status_code in (200, 302)
    contact.refresh_from_db()
    assert contact.birthday == "1990-05-04"
    people.owner.role.grants["contacts_contact"]["export"] = "team"
    people.owner.role.save()
    answer = client.get("/contacts/export/?format=csv")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert b"1990-05-04" in body
