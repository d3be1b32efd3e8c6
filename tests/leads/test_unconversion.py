"""Converting by choice of fields, and taking a conversion back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from activities.models import Activity, Task
from activities.services import add_note, create_task
from contacts.models import Company, Contact
from contacts.services import create_company, create_contact, update_contact
from crm.core.models import OutboxEvent
from crm.core.tagging import tags_named
from deals.models import Deal, Stage
from deals.services import create_deal, move_deal
from leads import selectors, services
from leads.models import LeadConversion
from leads.services import Choices
from tests.factories import make_team, make_user, signed_in
from tests.leads.factories import make_lead

pytestmark = pytest.mark.django_db
LEAD = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company_name": "Engine Ltd",
    "email": "ada@engine.example",
    "phone": "+43662123456",
    "city": "Salzburg",
    "description": "Wants engines",
}
EVERYTHING = Choices(deal_name="Engines")


@pytest.fixture
def rep():
    return make_user(team=make_team())


def converted(rep, choices=EVERYTHING, **values):
    lead = make_lead(rep, **{**LEAD, **values})
    return services.convert_lead(lead, actor=rep, choices=choices)


def undone(conversion, actor):
    lead = services.undo_conversion(conversion.lead, actor=actor)
    lead.refresh_from_db()
    return lead


def refused(conversion, actor, words):
    before = Activity.objects.count(), OutboxEvent.objects.count()
    with pytest.raises(ValidationError, match=words):
        services.undo_conversion(conversion.lead, actor=actor)
    conversion.lead.refresh_from_db()
    assert conversion.lead.converted_at is not None
    assert before == (Activity.objects.count(), OutboxEvent.objects.count())


# ---- matches and choices ----


def test_matches_by_number_and_similar_name(rep):
    by_phone = create_company({"name": "Somebody", "phone": "+43662123456"}, actor=rep)
    by_mail = create_company({"name": "Else", "email": "ada@engine.example"}, actor=rep)
    similar = create_company({"name": "Engines Ltd"}, actor=rep)
    person = create_contact({"first_name": "Ada", "last_name": "Lovelaces"}, actor=rep)
    create_contact({"first_name": "Bob", "last_name": "Builder"}, actor=rep)
    matches = selectors.convert_matches(rep, make_lead(rep, **LEAD))
    assert (set(matches.companies), matches.contacts) == ({by_phone, by_mail, similar}, [person])
    assert (matches.sure_company, matches.sure_contact) == (False, False)  # offered, not chosen beforehand
    create_contact({"last_name": "L", "email": "ada@engine.example"}, actor=rep)
    assert selectors.convert_matches(rep, make_lead(rep, **LEAD)).sure_contact


def test_what_differs_and_what_does_not(rep):
    addresses = [{"address": "king@other.example"}, {"address": "ADA@engine.example"}]
    contact = create_contact({"first_name": "ada", "last_name": "King", "emails": addresses, "city": "Wien", "description": "Else"}, actor=rep)
    lead = make_lead(rep, **LEAD)
    assert services.differences(lead, contact) == {"last_name": ("King", "Lovelace"), "city": ("Wien", "Salzburg")}
    company = create_company({"name": "ENGINE LTD", "domain": "other.example"}, actor=rep)
    assert services.differences(lead, company) == {"domain": ("other.example", "engine.example")}


def test_the_chosen_fields_are_taken_and_an_old_address_stays_beside(rep):
    contact = create_contact({"first_name": "Ada", "last_name": "King", "email": "king@other.example", "city": "Wien"}, actor=rep)
    company = create_company({"name": "Engine", "city": "Wien"}, actor=rep)
    take = frozenset({"contact.last_name", "contact.email", "company.city"})
    converted(rep, Choices(contact=contact, company=company, take=take))
    contact.refresh_from_db()
    company.refresh_from_db()
    assert (contact.last_name, contact.email, contact.city, contact.phone, contact.company) == (
        "Lovelace",
        "ada@engine.example",
        "Wien",
        "+43662123456",
        company,
    )
    assert set(contact.emails.values_list("address", flat=True)) == {"ada@engine.example", "king@other.example"}
    assert (company.name, company.city, company.domain) == ("Engine", "Salzburg", "engine.example")


def test_nothing_is_taken_by_who_may_not_change_the_record(rep):
    contact = create_contact({"first_name": "Ada", "last_name": "King"}, actor=make_user(team=rep.team))
    converted(rep, Choices(contact=contact, company="none", take=frozenset({"contact.last_name"})))
    contact.refresh_from_db()
    assert (contact.last_name, contact.phone) == ("King", "")


# ---- undo ----


def test_all_that_it_made_is_taken_back_and_what_hangs_on_it_comes_home(rep):
    lead = make_lead(rep, **LEAD, status="Qualified")
    note = add_note(lead, body="Before", actor=rep)
    task = create_task({"title": "Offer", "lead": lead}, actor=rep)
    conversion = services.convert_lead(lead, actor=rep, choices=EVERYTHING)
    after = [add_note(each, body="After", actor=rep) for each in (conversion.deal, conversion.contact, conversion.company)]
    later = create_task({"title": "Later", "deal": conversion.deal}, actor=rep)
    lead = undone(conversion, rep)
    assert (lead.status.name, lead.converted_at, lead.converted_company, lead.converted_contact, lead.converted_deal) == ("Qualified", None, None, None, None)
    alive = [model.objects.alive().count() for model in (Company, Contact, Deal)]
    assert (alive, len({each.deletion_group for model in (Company, Contact, Deal) for each in model._base_manager.all()})) == ([0, 0, 0], 1)
    for line in (note, *after):
        line.refresh_from_db()
        assert (line.lead, line.contact, line.company, line.deal, line.subject_type) == (lead, None, None, None, "lead")
    for each in Task._base_manager.filter(pk__in=[task.pk, later.pk]):
        assert (each.lead, each.deal, each.contact, each.deleted_at, each.subject_type) == (lead, None, None, None, "lead")
    assert lead.next_step == "Offer"
    assert Activity.objects.filter(lead=lead, verb="unconverted").count() == 1
    assert OutboxEvent.objects.filter(name="leads.conversion_undone", subject_ids=[lead.pk]).count() == 1
    refused_twice = LeadConversion.objects.get()
    assert (refused_twice.undone_by, services.open_conversion(lead)) == (rep, None)
    with pytest.raises(ValidationError, match="not converted"):
        services.undo_conversion(lead, actor=rep)


def test_it_can_be_converted_and_undone_again(rep):
    lead = undone(converted(rep), rep)
    second = services.convert_lead(lead, actor=rep, choices=Choices(company="none"))
    assert second.now
    assert undone(second, rep).converted_at is None
    assert LeadConversion.objects.count() == 2


def test_what_it_changed_is_as_before_but_for_what_somebody_changed_since(rep):
    contact = create_contact({"first_name": "Ada", "last_name": "King", "email": "king@other.example", "city": "Wien", "tags": tags_named(["Old"])}, actor=rep)
    take = frozenset({"contact.last_name", "contact.email", "contact.city"})
    conversion = converted(rep, Choices(contact=contact, take=take), tags=tags_named(["Hot"]))
    update_contact(contact, {"city": "Linz", "job_title": "CEO"}, actor=rep)
    undone(conversion, rep)
    contact.refresh_from_db()
    assert (contact.last_name, contact.email, contact.phone, contact.description) == ("King", "king@other.example", "", "")
    assert (contact.city, contact.job_title, contact.company, contact.deleted_at) == ("Linz", "CEO", None, None)
    assert list(contact.emails.values_list("address", flat=True)) == ["king@other.example"]
    assert [tag.name for tag in contact.tags.all()] == ["Old"]


def test_lines_of_others_stay_with_them(rep):
    contact = create_contact({"first_name": "Ada", "last_name": "Lovelace"}, actor=rep)
    conversion = converted(rep, Choices(contact=contact))
    note = add_note(contact, body="About the person", actor=rep)
    assert note.company == conversion.company
    undone(conversion, rep)
    note.refresh_from_db()
    assert (note.contact, note.company, note.lead, note.subject_type) == (contact, None, None, "contact")


def test_a_line_that_had_another_contact_keeps_it(rep):
    contact = create_contact({"first_name": "Bob", "last_name": "Builder"}, actor=rep)
    lead = make_lead(rep, **LEAD)
    note = add_note(lead, body="With Bob", actor=rep)
    Activity.objects.filter(pk=note.pk).update(contact=contact)
    undone(services.convert_lead(lead, actor=rep, choices=EVERYTHING), rep)
    note.refresh_from_db()
    assert (note.lead, note.contact, note.deal) == (lead, contact, None)


def test_what_others_built_on_stays(rep):
    conversion = converted(rep)
    deal = create_deal({"name": "Second", "contact": conversion.contact}, actor=rep)
    refused(conversion, rep, "Ada Lovelace.*used by others")
    deal.deleted_at = conversion.lead.created_at
    deal.save(update_fields=["deleted_at"])
    colleague = create_contact({"last_name": "B", "company": conversion.company}, actor=rep)
    refused(conversion, rep, "Engine Ltd.*used by others")
    Contact.objects.filter(pk=colleague.pk).update(company=None)
    move_deal(conversion.deal, Stage.objects.filter(pipeline=conversion.deal.pipeline, kind="won").get(), actor=rep)
    refused(conversion, rep, "Engines.*closed")


def test_after_a_day_and_for_others_it_is_refused(rep):
    conversion = converted(rep)
    refused(conversion, make_user(team=rep.team), "may not")
    LeadConversion.objects.update(at=LeadConversion.objects.get().at - timedelta(hours=24, seconds=1))
    refused(conversion, rep, "24 hours")
    assert services.open_conversion(conversion.lead) is None


def test_who_lost_the_right_to_change_the_contact_is_told(rep):
    contact = create_contact({"first_name": "Ada", "last_name": "King"}, actor=rep)
    conversion = converted(rep, Choices(contact=contact, company="none"))
    Contact.objects.filter(pk=contact.pk).update(owner=make_user(team=rep.team))
    refused(conversion, rep, "may not change Ada King")


# ---- pages ----


def test_the_form_asks_where_they_differ(people):
    contact = create_contact({"first_name": "Ada", "last_name": "King", "email": "ada@engine.example", "city": "<b>Wien</b>"}, actor=people.owner)
    other = create_contact({"first_name": "Ada", "last_name": "Lovelace", "city": "Graz"}, actor=people.owner)
    lead = make_lead(people.owner, **LEAD)
    client, url = signed_in(people.owner), f"/leads/{lead.pk}/convert/"
    html = client.get(url).content.decode()
    assert "Keep: King" in html and "Take: Lovelace" in html and "Keep: &lt;b&gt;Wien" in html and "<b>Wien" not in html
    data = {"company": "none", "contact": other.pk, "contact_compared": contact.pk, "contact_take_last_name": "take"}
    page = client.post(url, data)
    assert (page.status_code, Deal.objects.count()) == (200, 0)
    assert "Keep: Graz" in page.content.decode() and "Choose below what is right" in page.content.decode()
    for wrong in ({"contact_take_city": "both"}, {"contact": "9" * 30}):
        assert client.post(url, {**data, "contact_compared": other.pk, **wrong}).status_code == 422
    answer = client.post(url, {**data, "contact_compared": other.pk, "contact_take_city": "take"})
    other.refresh_from_db()
    assert (answer.status_code, other.city) == (302, "Salzburg")


def test_undo_from_the_page(people):
    lead = make_lead(people.owner, **LEAD)
    client = signed_in(people.owner)
    toast = client.post(f"/leads/{lead.pk}/convert/", {"company": "none", "contact": "new", "first_name": "Ada"}, follow=True).content.decode()
    url = f"/leads/{lead.pk}/convert/undo/"
    assert url in toast and url in client.get(f"/leads/{lead.pk}/").content.decode()
    assert (client.get(url).status_code, signed_in(people.teammate).post(url).status_code, signed_in(people.stranger).post(url).status_code) == (405, 403, 404)
    assert "the lead is open again" in client.post(url, follow=True).content.decode()
    assert "not converted" in client.post(url, follow=True).content.decode()
    lead.refresh_from_db()
    assert (lead.converted_at, Contact.objects.alive().count()) == (None, 0)
