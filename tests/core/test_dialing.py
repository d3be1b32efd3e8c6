"""What a click on a phone number does: the device, a SIP telephone, a softphone's page."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from contacts.services import create_contact
from crm.core import cells, dialing
from leads.services import create_lead
from tests.factories import cast, signed_in
from users.models import Organisation, User

NUMBER = "+4366212345"
PAGE = "https://phone.example.com/call?to={number}&from=crm"


@pytest.mark.parametrize(
    ("kind", "target", "stored", "link"),
    [
        ("tel", "", "", "tel:+4366212345"),
        ("tel", "pbx.example.com", "", "tel:+4366212345"),
        ("", "pbx.example.com", "", "tel:+4366212345"),
        ("sip", " PBX.example.com ", "pbx.example.com", "sip:+4366212345@pbx.example.com"),
        ("sip", "pbx:5061", "pbx:5061", "sip:+4366212345@pbx:5061"),
        ("url", PAGE, PAGE, "https://phone.example.com/call?to=%2B4366212345&from=crm"),
        ("url", "HTTPS://phone.example.com:8443/{number}#x", "https://phone.example.com:8443/{number}#x", "https://phone.example.com:8443/%2B4366212345#x"),
    ],
)
def test_ways(kind: str, target: str, stored: str, link: str) -> None:
    assert dialing.checked(kind, target) == stored
    assert dialing.address(NUMBER, dialing.way_of(kind, stored)) == link


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("sip", ""),
        ("sip", "pbx.example.com/x"),
        ("sip", "a@b.example"),
        ("sip", "pbx.example.com;transport=udp"),
        ("sip", "pbx example"),
        ("sip", "pbx.example.com:0"),
        ("sip", "pbx.example.com:99999"),
        ("sip", "pbx.example.com:"),
        ("sip", "-x.example.com"),
        ("sip", "x" * 254),
        ("url", ""),
        ("url", "https://phone.example.com/"),
        ("url", "http://phone.example.com/{number}"),
        ("url", "javascript:alert({number})"),
        ("url", "javascript://phone.example.com/%0aalert({number})"),
        ("url", "data:text/html,{number}"),
        ("url", "//phone.example.com/{number}"),
        ("url", "/call/{number}"),
        ("url", "https://{number}.example.com/"),
        ("url", "https://phone.example.com:{number}/"),
        ("url", "https://{number}@phone.example.com/"),
        ("url", "https://me:secret@phone.example.com/{number}"),
        ("url", "https://phone.example.com/{number}/{number}"),
        ("url", "https://phone.example.com/{number}{x}"),
        ("url", 'https://phone.example.com/{number}"><script>'),
        ("url", "https://phone.example.com/{number}' onclick='x"),
        ("url", "https://phone.example.com/{number}\n.evil"),
        ("url", "https://phone.example.com\\@evil.example/{number}"),
        ("url", "https:///{number}"),
        ("url", "https://phone.example.com:99999/{number}"),
        ("url", "https://phönë.example/{number}"),
        ("url", "https://phone.example.com/{number}" + "x" * 300),
    ],
)
def test_what_is_no_way(kind: str, target: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        dialing.checked(kind, target)
    assert list(wrong.value.message_dict) == ["dial_target"]


@pytest.mark.parametrize("number", ["+43 662 123-45", "+4366212345;ext=77", '+43662"><b>12345'])
def test_the_number_is_exact_and_harmless(number: str) -> None:
    for way in ("tel:{number}", "sip:{number}@pbx", "https://p.example/{number}"):
        html = cells.phone_link(number) if way.startswith("tel") else _within(way, number)
        assert "4366212345" in html and "77" not in html.split(">")[0] and "<b>" not in html


def _within(way: str, number: str) -> str:
    with dialing.override(lambda: way):
        return cells.phone_link(number)


@pytest.fixture
def people(db: Any) -> Any:
    return cast()


def organisation(kind: str, target: str) -> None:
    Organisation.objects.filter(pk=1).update(dial_with=kind, dial_target=target)


def test_everybody_dials_as_the_organisation_unless_they_wish_otherwise(people: Any) -> None:
    contact = create_contact({"last_name": "Berger", "phone": NUMBER}, actor=people.owner)
    lead = create_lead({"last_name": "Lindner", "phone": NUMBER}, actor=people.owner)
    organisation("sip", "pbx.example.com")
    User.objects.filter(pk=people.teammate.pk).update(dial_with="url", dial_target=PAGE)
    User.objects.filter(pk=people.manager.pk).update(dial_with="tel")
    page = 'href="https://phone.example.com/call?to=%2B4366212345&amp;from=crm" target="_blank" rel="noopener noreferrer"'
    for user, link in ((people.owner, 'href="sip:+4366212345@pbx.example.com"'), (people.teammate, page), (people.manager, 'href="tel:+4366212345"')):
        client = signed_in(user)
        for address in ("/contacts/?cols=phone", contact.get_absolute_url(), f"/contacts/{contact.pk}/peek/", lead.get_absolute_url()):
            headers = {"HX-Request": "true", "HX-Target": "panel-body"} if address.endswith("peek/") else {}
            html = client.get(address, headers=headers).content.decode()
            assert link in html, (user, address)
            assert [scheme for scheme in ("tel:", "sip:", "https://phone") if f'href="{scheme}' in html] == [
                scheme for scheme in ("tel:", "sip:", "https://phone") if f'"{scheme}' in link
            ]


def test_the_profile_takes_a_way_and_says_what_is_wrong(people: Any) -> None:
    client = signed_in(people.owner)
    form = {"name": "Olivia Owner", "time_zone": "Europe/Vienna", "language": "en", "theme": "auto"}
    wrong = client.post("/profile/", {**form, "dial_with": "url", "dial_target": "javascript:alert({number})"})
    assert wrong.status_code == 422 and "https://" in str(wrong.context["form"].errors["dial_target"])
    assert client.post("/profile/", {**form, "dial_with": "fax", "dial_target": ""}).status_code == 422
    assert client.post("/profile/", {**form, "dial_with": "sip", "dial_target": "pbx.example.com"}).status_code == 302
    people.owner.refresh_from_db()
    assert (people.owner.dial_with, people.owner.dial_target) == ("sip", "pbx.example.com")
    assert client.post("/profile/", {**form, "dial_with": "", "dial_target": "pbx.example.com"}).status_code == 302
    people.owner.refresh_from_db()
    assert (people.owner.dial_with, people.owner.dial_target) == ("", "")


def test_only_admins_change_it_for_all(people: Any) -> None:
    form = {
        "name": "Firm", "currency": "EUR", "time_zone": "UTC", "language": "en", "first_weekday": "0", "fiscal_year_start": "1", "work_days": ["0"],
        "work_start": "08:00", "work_end": "16:30", "response_hours": "2", "dial_with": "url", "dial_target": PAGE,
    }  # fmt: skip
    assert signed_in(people.manager).post("/settings/organisation/", form).status_code == 403
    assert signed_in(people.admin).post("/settings/organisation/", {**form, "dial_target": "https://x.example/"}).status_code == 422
    assert Organisation.objects.get().dial_with == "tel"
    assert signed_in(people.admin).post("/settings/organisation/", form).status_code == 302
    assert (Organisation.objects.get().dial_with, Organisation.objects.get().dial_target) == ("url", PAGE)


def test_visitors_have_no_way(people: Any) -> None:
    organisation("sip", "pbx.example.com")
    assert Client().get("/accounts/login/").status_code == 200
    assert dialing.current() == dialing.DEVICE
