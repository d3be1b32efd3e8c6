"""Converting: what is made, what is carried over, what is refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from activities.models import Activity, Task
from activities.services import add_note, create_task
from contacts.models import Company, Contact
from contacts.services import create_company, create_contact
from crm.core.models import OutboxEvent
from crm.core.tagging import tags_named
from deals.models import Deal
from leads import selectors, services
from leads.services import Choices
from tests.factories import make_team, make_user
from tests.leads.factories import make_lead, status

pytestmark = pytest.mark.django_db
FULL = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company_name": "Engine Ltd",
    "email": "ada@engine.example",
    "phone": "+43662123456",
    "job_title": "Countess",
    "city": "Salzburg",
    "country": "AT",
    "description": "Wants engines",
    "website": "https://www.engine.example/about",
    "value": 5000,
}


@pytest.fixture
def rep():
    return make_user(team=make_team())


def test_everything_is_carried_over(rep):
    lead = make_lead(rep, **FULL, tags=tags_named(["Hot"]))
    note = add_note(lead, body="Called twice", actor=rep)
    task = create_task({"title": "Send offer", "lead": lead}, actor=rep)
    conversion = services.convert_lead(lead, actor=rep, choices=Choices(deal_name="Engines"))
    company, contact, deal = conversion.company, conversion.contact, conversion.deal
    assert (company.name, company.domain, company.city, company.owner, company.team) == ("Engine Ltd", "engine.example", "Salzburg", rep, rep.team)
    assert (contact.first_name, contact.email, contact.phone, contact.job_title, contact.company) == (
        "Ada",
        "ada@engine.example",
        "+43662123456",
        "Countess",
        company,
    )
    assert contact.description == "Wants engines"
    assert (deal.name, deal.amount, deal.company, deal.contact, deal.status) == ("Engines", 5000, company, contact, "open")
    assert [tag.name for tag in (*company.tags.all(), *contact.tags.all(), *deal.tags.all())] == ["Hot"] * 3
    lead.refresh_from_db()
    assert (lead.status.kind, lead.converted_contact, lead.converted_company, lead.converted_deal) == ("converted", contact, company, deal)
    note.refresh_from_db()
    task = Task.objects.get(pk=task.pk)
    assert (note.contact, note.deal, task.deal) == (contact, deal, deal)
    assert Activity.objects.filter(contact=contact, verb="converted").count() == 1
    event = OutboxEvent.objects.get(name="leads.converted")
    assert (event.subject_ids, event.payload["deal_id"]) == ([lead.pk], deal.pk)


def test_a_second_conversion_finds_the_first(rep):
    lead = make_lead(rep, **FULL)
    first = services.convert_lead(lead, actor=rep)
    second = services.convert_lead(lead, actor=rep, choices=Choices(deal_name="Another"))
    assert (first.now, second.now, second.contact) == (True, False, first.contact)
    assert (Contact.objects.count(), Company.objects.count(), Deal.objects.count()) == (1, 1, 0)


def test_an_existing_contact_gets_only_what_it_lacks(rep):
    contact = create_contact({"first_name": "Augusta", "last_name": "King", "email": "king@other.example"}, actor=rep)
    lead = make_lead(rep, **FULL, tags=tags_named(["Hot"]))
    services.convert_lead(lead, actor=rep, choices=Choices(contact=contact, company="none"))
    contact.refresh_from_db()
    assert (contact.first_name, contact.email, contact.phone, contact.city) == ("Augusta", "king@other.example", "+43662123456", "Salzburg")
    assert [tag.name for tag in contact.tags.all()] == ["Hot"]


def test_what_the_user_may_not_see_is_neither_offered_nor_taken(rep):
    stranger = make_user(team=make_team())
    hidden = create_company({"name": "Engine Ltd", "domain": "engine.example"}, actor=stranger)
    person = create_contact({"first_name": "Ada", "last_name": "Lovelace", "email": "ada@engine.example"}, actor=stranger)
    lead = make_lead(rep, **FULL)
    matches = selectors.convert_matches(rep, lead)
    assert (matches.companies, matches.contacts) == ([], [])
    for choices in (Choices(company=hidden), Choices(contact=person)):
        with pytest.raises(ValidationError):
            services.convert_lead(lead, actor=rep, choices=choices)
    lead.refresh_from_db()
    assert lead.converted_at is None


def test_matches_by_domain_name_address_and_phone(rep):
    by_domain = create_company({"name": "Engines", "domain": "engine.example"}, actor=rep)
    by_name = create_company({"name": "ENGINE LTD"}, actor=rep)
    create_company({"name": "Else", "domain": "else.example"}, actor=rep)
    by_mail = create_contact({"last_name": "A", "emails": [{"address": "x@x.example"}, {"address": "ADA@engine.example"}]}, actor=rep)
    by_phone = create_contact({"last_name": "B", "phone": "+43662123456"}, actor=rep)
    by_full_name = create_contact({"first_name": "ada", "last_name": "LOVELACE"}, actor=rep)
    matches = selectors.convert_matches(rep, make_lead(rep, **FULL))
    assert set(matches.companies) == {by_domain, by_name}
    assert matches.contacts == [by_mail, by_phone, by_full_name]


def test_free_mail_domains_match_no_company(rep):
    create_company({"name": "Google", "domain": "gmail.com"}, actor=rep)
    lead = make_lead(rep, last_name="X", email="x@gmail.com")
    assert selectors.convert_matches(rep, lead).companies == []
    assert services.convert_lead(lead, actor=rep, choices=Choices(company_name="X Ltd")).company.domain == ""


def test_what_is_refused(rep):
    lead = make_lead(rep, **FULL)
    teammate = make_user(team=rep.team)
    with pytest.raises(ValidationError, match="may not convert"):
        services.convert_lead(lead, actor=teammate)
    with pytest.raises(ValidationError, match="Choose or make"):
        services.convert_lead(lead, actor=rep, choices=Choices(company="none", contact="none"))
    services.set_status(lead, status("Disqualified"), actor=rep, reason="x")
    with pytest.raises(ValidationError, match="disqualified"):
        services.convert_lead(lead, actor=rep)
    services.delete_leads([lead.pk], actor=rep)
    with pytest.raises(ValidationError, match="bin"):
        services.convert_lead(lead, actor=rep)
    assert not Contact.objects.exists()


def test_all_or_nothing(rep, monkeypatch):
    lead = make_lead(rep, **FULL)
    monkeypatch.setattr("leads.services.conversion.run_hooks", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.convert_lead(lead, actor=rep, choices=Choices(deal_name="D"))
    lead.refresh_from_db()
    assert (lead.converted_at, Contact.objects.count(), Company.objects.count(), Deal.objects.count()) == (None, 0, 0, 0)


def test_only_a_company(rep):
    lead = make_lead(rep, company_name="Engine Ltd", phone="+43662123456", description="Text")
    conversion = services.convert_lead(lead, actor=rep, choices=Choices(contact="none", deal_name="D"))
    assert (conversion.contact, conversion.company.phone, conversion.company.description, conversion.deal.company) == (
        None,
        "+43662123456",
        "Text",
        conversion.company,
    )
