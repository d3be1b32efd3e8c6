"""Pages of leads: list, detail, status, convert, settings; who may, and what bad input gets."""

from __future__ import annotations

import pytest
from django.test import Client

from contacts.models import Company, Contact
from contacts.services import create_company
from crm.core.models import OutboxEvent, Source
from crm.core.writes import change_records
from deals.models import Deal, Stage
from leads import services
from leads.models import Lead
from mail.models import OutgoingMail
from tests.factories import signed_in
from tests.leads.factories import enter, make_form, make_lead, status

pytestmark = pytest.mark.django_db


# ---- list and page ----


def test_the_list_shows_what_the_picture_shows(people):
    source = Source.objects.create(name="Trade fair", key="trade fair")
    make_lead(people.owner, first_name="Ingrid", last_name="Solberg", company_name="Fjordline", email="i@fjordline.example", source=source, value=32000)
    make_lead(people.stranger, last_name="Hidden")
    html = signed_in(people.owner).get("/leads/").content.decode()
    for text in ("Ingrid Solberg", "Fjordline", "Trade fair", "Olivia Owner", "32,000", "New", "No next step"):
        assert text in html
    assert "Hidden" not in html


@pytest.mark.parametrize(
    "query",
    [
        "view=open",
        "view=mine",
        "view=unassigned",
        "view=new",
        "view=idle",
        "view=converted",
        "sort=-score",
        "sort=company",
        "sort=next",
        "sort=-value",
        "score_min=10&score_max=90",
        "has_email=true&has_phone=false",
        "created=7d&active=never",
        "tag=hot",
        "q=solberg",
        "state=open&owner=me",
    ],
)
def test_views_sorts_and_filters_answer(people, query):
    make_lead(people.owner, first_name="Ingrid", last_name="Solberg")
    assert signed_in(people.owner).get(f"/leads/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["view=nope", "sort=owner__password", "status=99999", "state=nope", "score_min=x", "nonsense=1", "source=%00"])
def test_nonsense_in_the_address_is_400(people, query):
    assert signed_in(people.owner).get(f"/leads/?{query}").status_code == 400


def test_views_show_the_right_leads(people):
    client = signed_in(people.owner)
    make_lead(people.owner, last_name="Mineopen")
    make_lead(people.teammate, last_name="Theirs")
    make_lead(people.owner, last_name="Gone", status="Disqualified", disqualified_reason="x")
    services.create_lead({"last_name": "Nobodys", "owner": None, "team": people.team}, actor=None)
    found = {view: client.get(f"/leads/?view={view}").content.decode() for view in ("open", "mine", "unassigned")}
    names = {view: {name for name in ("Mineopen", "Theirs", "Gone", "Nobodys") if name in html} for view, html in found.items()}
    assert names == {"open": {"Mineopen", "Theirs", "Nobodys"}, "mine": {"Mineopen"}, "unassigned": {"Nobodys"}}


def test_list_queries_do_not_grow_with_rows(people, django_assert_max_num_queries):
    client = signed_in(people.owner)
    for _ in range(30):
        make_lead(people.owner)
    with django_assert_max_num_queries(15):  # somebody's first page: what is remembered of views, statuses and people is asked too
        client.get("/leads/")


def test_the_page_of_a_lead(people, django_assert_max_num_queries):
    submission = enter(make_form(), name="<b>Ada</b> Lovelace", email="ada@engine.example", message="<script>alert(1)</script>")
    lead = services.assign_lead(submission.lead, people.owner, actor=None)
    make_lead(people.owner, last_name="Twin", email="ADA@engine.example")
    client = signed_in(people.owner)
    with django_assert_max_num_queries(20):
        html = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "<b>Ada" not in html
    assert "<script>alert" not in html
    for text in ("Convert", "Disqualify", "Twin", "business e-mail address", "ada@engine.example", "Form entry"):
        assert text in html
    assert f'formaction="/leads/{lead.pk}/status/"' in html


def test_create_warns_of_look_alikes_and_edit_keeps_the_rules(people):
    client = signed_in(people.owner)
    make_lead(people.owner, last_name="Twin", email="ada@engine.example")
    data = {"first_name": "Ada", "email": "Ada@engine.example", "status": status("New").pk, "owner": people.owner.pk, "value": "1,234.50", "tags": "Hot, VIP"}
    warned = client.post("/leads/new/", data)
    assert warned.status_code == 422
    assert "Twin" in warned.content.decode()
    assert client.post("/leads/new/", {**data, "save_anyway": "1"}).status_code == 302
    lead = Lead.objects.latest("pk")
    assert (lead.value, lead.tags.count(), lead.owner) == (1234.5, 2, people.owner)
    edit = client.post(f"/leads/{lead.pk}/edit/", {**data, "version": lead.version, "status": status("Converted").pk})
    assert edit.status_code == 422
    assert client.post(f"/leads/{lead.pk}/edit/", {**data, "version": lead.version, "company_name": "Engine"}).status_code == 302
    lead.refresh_from_db()
    assert lead.company_name == "Engine"
    assert client.post(f"/leads/{lead.pk}/edit/", {**data, "version": 1, "company_name": "Late"}).status_code == 409


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "nonsense"),
        ("phone", "abc"),
        ("first_name", "x" * 10_000),
        ("country", "XX"),
        ("status", "999"),
        ("owner", "999999"),
        ("value", "-5"),
        ("value", "abc"),
        ("source", "x"),
    ],
)
def test_bad_fields_are_422_and_kept(people, name, value):
    client = signed_in(people.owner)
    response = client.post("/leads/new/", {"last_name": "Typed", "status": status("New").pk, name: value})
    assert response.status_code == 422
    assert "Typed" in response.content.decode()
    assert not Lead.objects.exists()


def test_bulk_actions(people):
    client = signed_in(people.manager)
    ids = [make_lead(people.owner).pk for _ in range(2)]
    for action, data in {
        "assign": {"owner": people.teammate.pk},
        "status": {"status": status("Contacted").pk},
        "tag": {"tags": "Hot"},
        "delete": {},
    }.items():
        asked = client.post(f"/leads/bulk/{action}/", {"ids": ids})
        assert (action, asked.status_code) == (action, 200)
        assert client.post(f"/leads/bulk/{action}/", {"ids": ids, "confirmed": "1", **data}).status_code == 302
    assert not Lead.objects.alive().exists()
    assert set(Lead.objects.values_list("owner", "status__name")) == {(people.teammate.pk, "Contacted")}
    assert client.post("/leads/bulk/status/", {"ids": ids, "confirmed": "1", "status": status("Disqualified").pk}).status_code == 422


# ---- status ----


def test_the_path_moves_a_lead(people):
    lead = make_lead(people.owner)
    client = signed_in(people.owner)
    response = client.post(f"/leads/{lead.pk}/status/", {"stage": status("Contacted").pk, "version": lead.version, "next": f"/leads/{lead.pk}/"})
    assert (response.status_code, response["Location"]) == (302, f"/leads/{lead.pk}/")
    lead.refresh_from_db()
    assert lead.status.name == "Contacted"
    assert client.post(f"/leads/{lead.pk}/status/", {"stage": status("New").pk, "version": 1}).status_code == 409
    assert client.post(f"/leads/{lead.pk}/status/", {"stage": "nope"}).status_code == 422
    assert client.post(f"/leads/{lead.pk}/status/", {}).status_code == 422


def test_disqualifying_asks_the_reason_and_converting_leads_to_its_page(people):
    lead = make_lead(people.owner)
    client, gone = signed_in(people.owner), status("Disqualified")
    asked = client.post(f"/leads/{lead.pk}/status/", {"stage": gone.pk})
    assert asked["Location"] == f"/leads/{lead.pk}/status/?status={gone.pk}"
    assert client.get(asked["Location"]).status_code == 200
    assert f'<option value="{gone.pk}" selected>' in client.get(f"/leads/{lead.pk}/status/?kind=disqualified").content.decode()
    assert client.post(f"/leads/{lead.pk}/status/", {"status": gone.pk, "reason": " "}).status_code == 422
    assert client.post(f"/leads/{lead.pk}/status/", {"status": gone.pk, "reason": "x" * 201}).status_code == 422
    assert client.post(f"/leads/{lead.pk}/status/", {"status": gone.pk, "reason": "No budget"}).status_code == 302
    assert "No budget" in client.get(f"/leads/{lead.pk}/").content.decode()
    assert client.post(f"/leads/{lead.pk}/status/", {"stage": status("Converted").pk})["Location"] == f"/leads/{lead.pk}/convert/"


@pytest.mark.parametrize("page", ["status", "convert"])
def test_who_may_change_and_convert(people, page):
    lead = make_lead(people.owner)
    expected = {"owner": 200, "manager": 200, "admin": 200, "teammate": 403, "viewer": 403, "stranger": 404, "agent": 404}
    for name, code in expected.items():
        client = signed_in(getattr(people, name))
        assert (name, client.get(f"/leads/{lead.pk}/{page}/").status_code) == (name, code)
        if code != 200:
            assert client.post(f"/leads/{lead.pk}/{page}/", {"stage": status("Contacted").pk, "company": "none", "contact": "new"}).status_code == code
    assert Client().get(f"/leads/{lead.pk}/{page}/").status_code == 302
    lead.refresh_from_db()
    assert (lead.status.kind, Contact.objects.count()) == ("new", 0)


# ---- convert ----


def test_convert_without_javascript(people):
    existing = create_company({"name": "Engine Ltd", "domain": "engine.example"}, actor=people.owner)
    lead = make_lead(people.owner, first_name="Ada", last_name="Lovelace", company_name="Engine", email="ada@engine.example", value=500)
    client = signed_in(people.owner)
    html = client.get(f"/leads/{lead.pk}/convert/").content.decode()
    assert "Use Engine Ltd" in html
    stage = Stage.objects.filter(kind="open").first()
    data = {
        "company": existing.pk,
        "contact": "new",
        "first_name": "Ada",
        "last_name": "King",
        "make_deal": "on",
        "deal_name": "Engines",
        "deal_amount": "750",
        "deal_stage": stage.pk,
    }
    data["company_compared"] = existing.pk
    response = client.post(f"/leads/{lead.pk}/convert/", data)
    deal, contact = Deal.objects.get(), Contact.objects.get()
    assert (response.status_code, response["Location"]) == (302, deal.get_absolute_url())
    assert (deal.amount, deal.stage, deal.company, deal.contact, contact.last_name, contact.company) == (750, stage, existing, contact, "King", existing)
    again = client.post(f"/leads/{lead.pk}/convert/", data)
    assert (again.status_code, again["Location"]) == (302, deal.get_absolute_url())
    assert client.get(f"/leads/{lead.pk}/convert/")["Location"] == deal.get_absolute_url()
    assert (Deal.objects.count(), Contact.objects.count(), Company.objects.count()) == (1, 1, 1)
    assert deal.get_absolute_url() in client.get(f"/leads/{lead.pk}/").content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"company": "none", "contact": "none"},
        {"company": "999", "contact": "new"},
        {"company": "new", "company_name": "", "contact": "new"},
        {"company": "other", "contact": "new"},
        {"company": "none", "contact": "new", "make_deal": "on", "deal_name": ""},
        {"company": "none", "contact": "new", "make_deal": "on", "deal_name": "D", "deal_stage": "999"},
        {"company": "none", "contact": "new", "make_deal": "on", "deal_name": "D", "deal_amount": "-1"},
        {"company": "none", "contact": "new", "first_name": "x" * 101},
        {"company": "new", "company_name": "a\x00b", "contact": "new"},
    ],
)
def test_bad_choices_are_422_and_change_nothing(people, data):
    lead = make_lead(people.owner, email="ada@engine.example")
    assert signed_in(people.owner).post(f"/leads/{lead.pk}/convert/", data).status_code == 422
    lead.refresh_from_db()
    assert (lead.converted_at, Contact.objects.count(), Company.objects.count()) == (None, 0, 0)


def test_convert_takes_no_company_of_another_team(people):
    hidden = create_company({"name": "Secret Ltd", "domain": "engine.example"}, actor=people.stranger)
    lead = make_lead(people.owner, email="ada@engine.example")
    client = signed_in(people.owner)
    assert "Secret" not in client.get(f"/leads/{lead.pk}/convert/").content.decode()
    for data in ({"company": hidden.pk}, {"company": "other", "company_other": hidden.pk}):
        assert client.post(f"/leads/{lead.pk}/convert/", {"contact": "new", **data}).status_code == 422


# ---- assignment told to the new owner ----


def test_a_new_owner_hears_of_it_once_and_not_of_what_they_did_themselves(people):
    from leads.handlers import tell_new_owners

    lead, other = make_lead(people.owner), make_lead(people.manager)
    services.assign_lead(lead, people.teammate, actor=people.manager)
    services.assign_lead(other, people.manager, actor=people.manager)
    services.update_lead(other, {"owner": people.admin}, actor=people.admin)
    for event in OutboxEvent.objects.filter(name="leads.lead.assigned"):
        tell_new_owners(event)
        tell_new_owners(event)
    (mail,) = OutgoingMail.objects.filter(key__startswith="assigned:")
    assert (mail.to_address, mail.purpose) == (people.teammate.email, "notice")
    assert "Mona Manager" in mail.text


def test_many_leads_are_one_mail(people):
    from leads.handlers import tell_new_owners

    ids = [make_lead(people.owner).pk for _ in range(25)]
    change_records(Lead, ids, {"owner": people.teammate}, actor=people.manager)
    tell_new_owners(OutboxEvent.objects.get(name="leads.lead.assigned"))
    mail = OutgoingMail.objects.get(key__startswith="assigned:")
    assert mail.subject == "25 leads assigned to you"
    assert "and 5 more" in mail.text
