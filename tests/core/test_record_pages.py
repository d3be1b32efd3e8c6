"""What the page of a record says and offers: its head, the last contact, empty fields, a duplicate, another owner, a card for the address book."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar.parser import Contentlines

from activities.models import CallList
from activities.services import add_note, add_to_call_list, create_meeting, create_task, log_call
from contacts.models import Company, Consent, Contact
from contacts.services import create_company, create_contact, record_consent
from crm.core.custom.models import CustomField
from crm.core.custom.services import create_field
from crm.core.models import OutboxEvent
from crm.core.records import record_for
from deals.models import Stage
from deals.services import create_deal
from leads.handlers import tell_new_owners
from leads.models import Lead, LeadStatus
from leads.services import create_lead
from mail.models import OutgoingMail
from tests.contract.world import form_data
from tests.factories import cast, signed_in

pytestmark = pytest.mark.django_db
PANEL = {"HX-Request": "true", "HX-Target": "panel-body"}
NOT_WANTED = "Has asked not to be called."


@pytest.fixture
def people() -> Any:
    return cast()


@pytest.fixture
def client(people: Any) -> Client:
    return signed_in(people.owner)


@pytest.fixture
def contact(people: Any) -> Contact:
    return create_contact({"first_name": "Ada", "last_name": "Quoll", "phone": "+43662123456", "email": "ada@example.com", "tags": ["VIP"]}, actor=people.owner)


def text_of(client: Client, obj: Any) -> str:
    page = client.get(obj.get_absolute_url())
    assert page.status_code == 200
    return page.content.decode()


def head_of(client: Client, obj: Any) -> str:
    return text_of(client, obj).partition('class="rec-head"')[2].partition('<dl class="stats">')[0]


def strip_of(client: Client, obj: Any) -> dict[str, str]:
    stats = text_of(client, obj).partition('<dl class="stats">')[2].partition("</dl>")[0]
    return {label: re.sub(r"<[^>]+>", "", html) for label, html in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", stats, re.S)}


# ---- the head ----


def test_the_head_says_who_owns_a_person_and_what_they_do_not_want(client: Client, contact: Contact, people: Any) -> None:
    assert "VIP" in head_of(client, contact) and strip_of(client, contact)["Owner"].endswith(people.owner.name)
    assert NOT_WANTED not in head_of(client, contact) and "No calls" not in head_of(client, contact)
    record_consent(contact, Consent.Channel.PHONE, False, "By phone", actor=people.owner)
    record_consent(contact, Consent.Channel.NEWSLETTER, False, "By phone", actor=people.owner)
    record_consent(contact, Consent.Channel.EMAIL, False, "By phone", actor=people.owner)
    record_consent(contact, Consent.Channel.EMAIL, True, "By phone", actor=people.owner)
    head = head_of(client, contact)
    assert "No calls" in head and "No newsletter" in head and "No e-mails" not in head
    assert f'title="{NOT_WANTED}"' in head and 'href="tel:+43662123456"' in head  # a warning, not a block


def test_who_wants_no_calls_is_said_where_one_calls(client: Client, contact: Contact, people: Any) -> None:
    add_to_call_list("contact", [contact.pk], actor=people.owner, data={"name": "Spring", "script": ""})
    create_task({"title": "Ring", "contact": contact, "due_on": timezone.localdate(), "owner": people.owner}, actor=people.owner)
    calls = CallList.objects.get(owner=people.owner).get_absolute_url()
    assert NOT_WANTED not in client.get(calls).content.decode() + client.get("/focus/").content.decode()
    record_consent(contact, Consent.Channel.PHONE, False, "By phone", actor=people.owner)
    assert NOT_WANTED in client.get(calls).content.decode()
    assert NOT_WANTED in client.get("/focus/").content.decode()
    entry = re.search(r'name="entry" value="(\d+)"', client.get(calls).content.decode())
    refused = client.post(calls, {"do": "log", "entry": entry[1] if entry else "", "minutes": "a lot"})
    assert refused.status_code == 422 and NOT_WANTED in refused.content.decode()


# ---- the last contact ----


@pytest.mark.parametrize("kind", ["contact", "company", "lead"])
def test_the_strip_says_who_last_had_contact_how_and_when(client: Client, people: Any, kind: str) -> None:
    obj: Any = {
        "contact": lambda: create_contact({"last_name": "Quoll"}, actor=people.owner),
        "company": lambda: create_company({"name": "Quoll"}, actor=people.owner),
        "lead": lambda: create_lead({"last_name": "Quoll"}, actor=people.owner),
    }[kind]()
    assert strip_of(client, obj)["Last contact"] == "Never"
    log_call(obj, actor=people.teammate, outcome="reached", at=timezone.now() - timedelta(hours=3, minutes=1))
    assert strip_of(client, obj)["Last contact"] == f"Call, {people.teammate.name}, 3 h ago"
    peek = client.get(f"{obj.get_absolute_url()}peek/", headers={"HX-Request": "true"}).content.decode()
    assert f"Call, {people.teammate.name}" in peek


def test_a_hidden_line_gives_its_time_alone(people: Any) -> None:
    """A company is seen by all agents, deals are not: what was said about a deal counts, but not who said it."""
    company = create_company({"name": "Quoll"}, actor=people.owner)
    deal = create_deal({"name": "Secret", "company": company}, actor=people.owner)
    log_call(deal, actor=people.owner, at=timezone.now() - timedelta(hours=3, minutes=1))
    assert strip_of(signed_in(people.owner), company)["Last contact"] == f"Call, {people.owner.name}, 3 h ago"
    assert strip_of(signed_in(people.agent), company)["Last contact"] == "3 h ago"


# ---- its values ----


def test_empty_fields_are_named_and_lead_to_their_form(client: Client, contact: Contact, people: Any) -> None:
    text = text_of(client, contact)
    names = [re.findall(r'href="([^"]+)" data-panel>([^<]+)<', part) for part in re.findall(r'<details class="empties">.*?</details>', text, re.S)]
    found = {label: url for part in names for url, label in part}
    assert {"Birthday", "Language", "Address", "Description"} <= found.keys() and not {"E-mail", "Phone", "Owner"} & found.keys()
    assert "2 empty fields" in text
    url = found["Birthday"]
    assert client.get(url).status_code == 200
    assert client.post(url, {**form_data(client, url), "birthday": "3 May 1980"}).status_code == 302
    contact.refresh_from_db()
    assert contact.birthday and contact.email == "ada@example.com" and contact.version == 2
    assert "empties" not in text_of(signed_in(people.viewer), contact)


def test_an_address_is_changed_as_a_whole(client: Client, contact: Contact) -> None:
    url = f"/contacts/{contact.pk}/field/street/"
    assert {"street", "postal_code", "city", "region", "country"} <= set(client.get(url).context["form"].fields)
    assert client.post(url, {**form_data(client, url), "street": "Am Kai 1", "city": "Graz"}).status_code == 302
    contact.refresh_from_db()
    assert (contact.street, contact.city) == ("Am Kai 1", "Graz")


def test_a_value_is_refused_or_overtaken_where_it_is_changed(client: Client, contact: Contact, people: Any) -> None:
    url = f"/companies/{create_company({'name': 'Firm'}, actor=people.owner).pk}/field/domain/"
    data = form_data(client, url)
    refused = client.post(url, {**data, "domain": "no domain"}, headers=PANEL)
    assert refused.status_code == 422 and "no domain" in refused.content.decode()
    assert client.post(url, {**data, "domain": "x" * 10_000}).status_code == 422
    assert client.post(url, {**data, "domain": "firm.example"}, headers=PANEL)["HX-Refresh"] == "true"
    late = client.post(url, {**data, "domain": "other.example"}, headers=PANEL)
    assert late.status_code == 409 and "firm.example" in late.content.decode()
    client.post(url, {**data, "domain": "new.example", "name": "Hacked", "version": "2"})
    assert Company.objects.values_list("name", "domain").get() == ("Firm", "new.example")  # one value is changed here, no other
    assert client.get(f"/contacts/{contact.pk}/field/version/").status_code == 404


def test_the_form_of_a_section_opens_at_its_first_field(client: Client, contact: Contact) -> None:
    assert f'href="/contacts/{contact.pk}/edit/?here=1&amp;field=street" data-panel' in text_of(client, contact)
    form = client.get(f"/contacts/{contact.pk}/edit/?here=1&field=street", headers=PANEL).content.decode()
    assert form.count("autofocus") == 1 and re.search(r'name="street"[^>]*autofocus', form)
    saved = client.post(f"/contacts/{contact.pk}/edit/?here=1", {**form_data(client, f"/contacts/{contact.pk}/edit/"), "city": "Graz"}, headers=PANEL)
    assert saved["HX-Refresh"] == "true"


def test_assigning_tells_the_new_owner(client: Client, people: Any) -> None:
    lead = create_lead({"last_name": "Quoll"}, actor=people.owner)
    url = f"/leads/{lead.pk}/field/owner/"
    assert f'href="{url}" data-panel>' in head_of(client, lead)
    page = client.get(url, headers=PANEL)
    assert "Assign Quoll" in page.content.decode()
    assert client.post(url, {**form_data(client, url), "owner": people.teammate.pk, "owner_text": str(people.teammate)}).status_code == 302
    lead.refresh_from_db()
    assert lead.owner == people.teammate
    tell_new_owners(OutboxEvent.objects.get(name="leads.lead.assigned"))
    assert OutgoingMail.objects.filter(to_address=people.teammate.email).exists()


# ---- a duplicate ----


def test_a_duplicate_leaves_out_what_is_the_records_own(client: Client, contact: Contact, people: Any) -> None:
    shared = create_field(record_for("contacts"), CustomField.Kind.TEXT, {"label": "Hobby"}, actor=people.admin)
    once = create_field(record_for("contacts"), CustomField.Kind.TEXT, {"label": "Number", "unique": True}, actor=people.admin)
    Contact.objects.filter(pk=contact.pk).update(custom={shared.key: "Chess", once.key: "A-17"}, job_title="Buyer")
    assert f'href="/contacts/new/?copy={contact.pk}"' in head_of(client, contact)
    form = client.get(f"/contacts/new/?copy={contact.pk}").content.decode()
    assert 'value="Quoll"' in form and 'value="Buyer"' in form and 'value="Chess"' in form and "VIP" in form
    assert "ada@example.com" not in form and "662" not in form and "A-17" not in form
    for wrong in ("", "0", "x", "9" * 30, "²"):
        assert client.get(f"/contacts/new/?copy={wrong}").status_code == 404, wrong
    assert Contact.objects.count() == 1


def test_a_duplicate_names_no_hidden_company(people: Any) -> None:
    company = create_company({"name": "Hidden Ltd"}, actor=people.stranger)
    contact = create_contact({"last_name": "Quoll", "company": company}, actor=people.stranger)
    Contact.objects.filter(pk=contact.pk).update(owner=people.owner, team=people.team)
    form = signed_in(people.owner).get(f"/contacts/new/?copy={contact.pk}").content.decode()
    assert 'value="Quoll"' in form and "Hidden" not in form and not re.search(rf'name="company[^"]*"[^>]*value="{company.pk}"', form)


def test_a_duplicate_of_a_won_deal_is_open(client: Client, people: Any) -> None:
    won = Stage.objects.filter(kind=Stage.Kind.WON).first()
    deal = create_deal({"name": "Big", "amount": 1200, "stage": won}, actor=people.owner)
    form = client.get(f"/deals/new/?copy={deal.pk}").context["form"]
    assert form.initial["name"] == "Big" and Stage.objects.get(pk=form.initial["stage"]).kind == Stage.Kind.OPEN


# ---- a card for the address book ----


def test_a_vcard_holds_whatever_people_write(people: Any) -> None:
    company = create_company({"name": "Ünal; Söhne, \\ & Co"}, actor=people.owner)
    contact = create_contact(
        {
            "first_name": "Zoë",
            "last_name": "Ünal, geb. “Ä”; " + "ß" * 60,
            "job_title": "Head\\of",
            "company": company,
            "emails": [{"address": "z@example.com", "kind": "work", "primary": True}, {"address": "p@example.com", "kind": "private", "primary": False}],
            "phones": [{"number": "+4366212345", "kind": "mobile", "primary": True}],
            "street": "Am Kai 1",
            "country": "AT",
        },
        actor=people.owner,
    )
    answer = signed_in(people.owner).get(f"/contacts/{contact.pk}/vcard/")
    assert answer["Content-Type"] == "text/vcard; charset=utf-8"
    assert answer["Content-Disposition"].startswith(f"attachment; filename=\"contact-{contact.pk}.vcf\"; filename*=UTF-8''Zo%C3%AB")
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n")) and answer.content.endswith(b"END:VCARD\r\n")
    lines = dict(line.partition(":")[::2] for line in Contentlines.from_ical(answer.content.decode()) if line)
    assert lines["N"] == "Ünal\\, geb. “Ä”\\; " + "ß" * 60 + ";Zoë;;;"
    assert lines["ORG"] == "Ünal\\; Söhne\\, \\\\ & Co" and lines["TITLE"] == "Head\\\\of"
    assert lines["EMAIL;TYPE=INTERNET,WORK,PREF"] == "z@example.com" and lines["EMAIL;TYPE=INTERNET,HOME"] == "p@example.com"
    assert lines["TEL;TYPE=CELL,PREF"] == "+4366212345" and lines["ADR;TYPE=WORK"] == ";;Am Kai 1;;;;Austria"


def test_a_vcard_needs_the_right_to_export(contact: Contact, people: Any) -> None:
    assert signed_in(people.viewer).get(f"/contacts/{contact.pk}/vcard/").status_code == 403
    assert "vcard" not in head_of(signed_in(people.viewer), contact)
    assert "vcard" in head_of(signed_in(people.owner), contact)


# ---- leads ----


def test_stale_leads_are_open_and_long_untouched(client: Client, people: Any) -> None:
    new = [create_lead({"last_name": name}, actor=people.owner) for name in ("Never", "Long", "Fresh", "Gone")]
    Lead.objects.filter(pk=new[1].pk).update(last_activity_at=timezone.now() - timedelta(days=16))
    Lead.objects.filter(pk=new[2].pk).update(last_activity_at=timezone.now() - timedelta(days=3))
    Lead.objects.filter(pk=new[3].pk).update(status=LeadStatus.objects.filter(kind=LeadStatus.Kind.DISQUALIFIED).first())
    page = client.get("/leads/?view=stale")
    assert {row.label for row in page.context["list"].rows} == {"Never", "Long"}


def test_a_lead_says_how_old_it_is_and_who_made_it(client: Client, people: Any) -> None:
    lead = create_lead({"last_name": "Quoll"}, actor=people.teammate)
    Lead.objects.filter(pk=lead.pk).update(created_at=timezone.now() - timedelta(days=3, hours=1))
    assert strip_of(client, lead)["Age"] == "3 d"
    assert re.search(rf"3 d ago</time> by {people.teammate.name}", text_of(client, lead))
    assert re.search(r"<time[^>]*>3 d</time>", client.get("/leads/?cols=age").content.decode())


def test_what_a_lead_may_already_be_is_shown_while_it_is_open(client: Client, people: Any) -> None:
    create_company({"name": "Quoll Works", "domain": "quoll.example"}, actor=people.owner)
    create_company({"name": "Quoll Works Hidden", "domain": "quoll.example"}, actor=people.stranger)
    lead = create_lead({"last_name": "Quoll", "email": "q@quoll.example"}, actor=people.owner)
    assert f'hx-get="/leads/{lead.pk}/matches/"' in text_of(client, lead)
    found = client.get(f"/leads/{lead.pk}/matches/", headers={"HX-Request": "true"}).content.decode()
    assert "Quoll Works" in found and "Hidden" not in found
    assert client.get(f"/leads/{lead.pk}/matches/")["Location"] == f"/leads/{lead.pk}/convert/"
    Lead.objects.filter(pk=lead.pk).update(status=LeadStatus.objects.filter(kind=LeadStatus.Kind.DISQUALIFIED).first())
    assert "/matches/" not in text_of(client, lead)


def test_an_empty_list_of_leads_offers_ways_to_the_first_ones(people: Any) -> None:
    admin, rep = (signed_in(each).get("/leads/").content.decode() for each in (people.admin, people.owner))
    assert "/settings/forms/new/" in admin and "/leads/import/" in admin
    assert "/settings/forms/new/" not in rep and "/leads/import/" in rep


# ---- long notes, and refusals ----


def test_a_long_note_is_cut_and_a_short_one_is_not(client: Client, contact: Contact, people: Any) -> None:
    add_note(contact, body="Short\n\nnote", actor=people.owner)
    assert "bub-long" not in text_of(client, contact)
    add_note(contact, body="\n\n".join(f"Line {number}" for number in range(40)), actor=people.owner)
    assert text_of(client, contact).count("bub-long") == 1 and "Line 39" in text_of(client, contact)


def test_a_refusal_names_whom_to_ask(contact: Contact, people: Any) -> None:
    refused = signed_in(people.viewer).get(f"/contacts/{contact.pk}/edit/")
    assert refused.status_code == 403
    assert f"ask: {people.manager.name}." in refused.content.decode()
    assert f"ask: {people.admin.name}." in signed_in(people.manager).get("/settings/").content.decode()  # nobody is above them


@pytest.mark.parametrize("way", ["field/owner/", "edit/?here=1"])
def test_who_gives_a_private_meeting_away_goes_on_to_the_list(people: Any, way: str) -> None:
    start = timezone.now() + timedelta(days=1)
    meeting = create_meeting({"title": "Secret", "starts_at": start, "ends_at": start, "is_private": True}, actor=people.owner)
    client, headers = signed_in(people.owner), {"HX-Request": "true", "HX-Target": "panel-body"}
    form = client.get(f"/meetings/{meeting.pk}/{way}", headers=headers).context["form"]
    data = {"owner": people.teammate.pk, "owner_text": str(people.teammate), "version": meeting.version, "title": "Secret"}
    data |= {name: f"{start:%Y-%m-%dT%H:%M}" for name in ("starts_at", "ends_at") if name in form.fields} | {"is_private": "on"}
    answer = client.post(f"/meetings/{meeting.pk}/{way}", data, headers=headers)
    assert (answer.status_code, answer.get("HX-Redirect")) == (204, "/meetings/"), answer.content.decode()[:500]
