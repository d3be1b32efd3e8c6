"""Changing a row in its list, and taking up what others changed."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from activities.models import Task
from activities.services import create_task
from contacts.models import Contact
from contacts.services import create_contact
from crm.core.custom.models import CustomField
from crm.core.custom.services import create_field
from crm.core.models import OutboxEvent
from crm.core.records import record_for
from deals.models import LostReason, Stage
from deals.services import create_deal
from leads.models import Lead, LeadStatus
from leads.services import create_lead, update_lead
from tests.contract.world import form_data
from tests.factories import cast

pytestmark = pytest.mark.django_db
CELL = {"HX-Request": "true"}


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def client(people):
    client = Client()
    client.force_login(people.owner)
    return client


@pytest.fixture
def lead(people):
    return create_lead({"first_name": "Ada", "last_name": "Quoll", "company_name": "Firma", "city": "Graz"}, actor=people.owner)


def save(client, url, **values):
    return client.post(url, {**form_data(client, url), **values}, headers=CELL)


def mark_of(client, slug, pk):
    return re.search(rf'data-pk="{pk}" data-v="([\w-]+)"', client.get(f"/{slug}/").content.decode())[1]


# ---- a cell ----


def test_a_form_of_one_field(client, lead):
    text = client.get(f"/leads/{lead.pk}/cell/company/", headers=CELL).content.decode()
    assert text.lstrip().startswith('<form class="recform')
    assert set(re.findall(r'name="(\w+)"', text)) == {"csrfmiddlewaretoken", "version", "company_name"}
    assert 'aria-label="Edit Company of Ada Quoll"' in text
    assert 'hx-target="closest .cellbox"' in text


def test_the_answer_is_the_row_as_it_stands_in_this_list(client, lead):
    url = f"/leads/{lead.pk}/cell/company/?sort=-created&q=Firma"
    answer = save(client, url, company_name="Neue 🦘 & Söhne")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["HX-Retarget"] == f'#rows tr[data-pk="{lead.pk}"]'
    assert json.loads(answer["HX-Trigger-After-Swap"])["rowSaved"] == {"pk": lead.pk, "column": "company", "message": "Saved."}
    assert text.startswith(f'<tr data-pk="{lead.pk}" data-v="')
    assert "Neue 🦘 &amp; Söhne" in text
    assert text.count("<td") == client.get("/leads/?sort=-created").content.decode().split("<tbody")[1].split("</tr>")[0].count("<td")
    lead.refresh_from_db()
    assert (lead.company_name, lead.city, lead.first_name, lead.version) == ("Neue 🦘 & Söhne", "Graz", "Ada", 2)


def test_it_is_the_service_that_writes(client, lead, people):
    """History, search text, score and the new owner's mail follow as after the form."""
    save(client, f"/leads/{lead.pk}/cell/name/", last_name="Wombat")
    lead.refresh_from_db()
    assert "wombat" in lead.search_text
    answer = save(client, f"/leads/{lead.pk}/cell/owner/", owner=str(people.teammate.pk), owner_text=str(people.teammate))
    assert answer.status_code == 200
    assert "Tom Teammate" in answer.content.decode()
    assert f'data-pk="{lead.pk}" data-v="' in answer.content.decode()
    assert "data-fixed" in answer.content.decode()  # given away
    assert OutboxEvent.objects.filter(name="leads.lead.assigned", subject_ids=[lead.pk]).exists()


def test_nothing_changed_is_no_new_version(client, lead):
    assert save(client, f"/leads/{lead.pk}/cell/company/").status_code == 200
    lead.refresh_from_db()
    assert lead.version == 1


def test_wrong_values_come_back_with_what_is_wrong(client, lead, people):
    url = f"/leads/{lead.pk}/cell/name/"
    long = save(client, url, last_name="x" * 10_000)
    assert long.status_code == 422
    assert "is-invalid" in long.content.decode()
    assert save(client, url, last_name="a\x00b").status_code == 422
    assert save(client, f"/leads/{lead.pk}/cell/status/", status="999999").status_code == 422
    assert save(client, f"/leads/{lead.pk}/cell/status/", status="nonsense").status_code == 422
    assert save(client, f"/leads/{lead.pk}/cell/value/", value="-5").status_code == 422
    assert save(client, f"/leads/{lead.pk}/cell/owner/", owner="", owner_text="Nobody of that name").status_code == 422
    away = save(client, f"/leads/{lead.pk}/cell/owner/", owner=str(people.stranger.pk), owner_text=str(people.stranger))
    assert away.status_code == 422
    assert "You would no longer see this record." in away.content.decode()
    lead.refresh_from_db()
    assert lead.version == 1


def test_rules_across_fields_know_the_rest_of_the_record(client, people):
    known = create_contact({"first_name": "Ada", "last_name": "Quoll", "emails": [{"address": "ada@example.com"}]}, actor=people.owner)
    assert save(client, f"/contacts/{known.pk}/cell/name/", first_name="", last_name="").status_code == 200  # the address is a name, too
    unknown = create_contact({"last_name": "Quoll"}, actor=people.owner)
    answer = save(client, f"/contacts/{unknown.pk}/cell/name/", first_name="", last_name="")
    assert answer.status_code == 422
    assert "Enter a name or an e-mail address." in answer.content.decode()
    Contact.objects.filter(pk=known.pk).update(email="nothing")
    known.emails.update(address="nothing")
    assert save(client, f"/contacts/{known.pk}/cell/company/").status_code == 200  # no fault of who changes the company


def test_only_the_fields_of_the_cell_are_taken(client, lead):
    answer = save(client, f"/leads/{lead.pk}/cell/company/", company_name="Neu", city="Wien", last_name="Hacked")
    assert answer.status_code == 200
    lead.refresh_from_db()
    assert (lead.company_name, lead.city, lead.last_name) == ("Neu", "Graz", "Quoll")
    assert save(client, f"/leads/{lead.pk}/cell/company/", deleted_at="x").status_code == 422


def test_a_rule_of_the_service_is_told_in_the_cell(client, lead):
    converted = LeadStatus.objects.get(kind=LeadStatus.Kind.CONVERTED)
    assert save(client, f"/leads/{lead.pk}/cell/status/", status=str(converted.pk)).status_code == 422
    bare = create_lead({"last_name": "Only"}, actor=lead.owner)
    answer = save(client, f"/leads/{bare.pk}/cell/name/", last_name="")
    assert answer.status_code == 422
    assert "Enter a name, a company" in answer.content.decode()


def test_overtaken_shows_who_and_what_and_overwrites_nothing(client, lead, people):
    url = f"/leads/{lead.pk}/cell/company/"
    data = form_data(client, url)
    update_lead(lead, {"company_name": "Theirs"}, actor=people.teammate)
    stale = client.post(url, {**data, "company_name": "Mine"}, headers=CELL)
    text = stale.content.decode()
    assert stale.status_code == 409
    assert "changed this while you were editing" in text
    assert "Theirs" in text
    assert 'value="Mine"' in text
    lead.refresh_from_db()
    assert lead.company_name == "Theirs"
    again = re.search(r'name="version" value="(\d+)"', text)[1]
    assert client.post(url, {**data, "company_name": "Mine", "version": again}, headers=CELL).status_code == 200
    assert client.post(url, {"company_name": "No version"}, headers=CELL).status_code == 422


def test_no_such_cell(client, lead):
    for column in ("nonsense", "score", "active", "next", "custom_1"):
        assert client.get(f"/leads/{lead.pk}/cell/{column}/", headers=CELL).status_code == 404, column
        assert client.post(f"/leads/{lead.pk}/cell/{column}/", {"version": "1"}, headers=CELL).status_code == 404, column
    assert client.get(f"/leads/{2**70}/cell/name/", headers=CELL).status_code == 404
    assert client.get(f"/leads/{lead.pk}/cell/name/?sort=nonsense", headers=CELL).status_code == 400
    assert client.post(f"/leads/{lead.pk}/cell/name/?view=nonsense", {"version": "1", "last_name": "X"}, headers=CELL).status_code == 400
    lead.refresh_from_db()
    assert lead.last_name == "Quoll"


def test_as_a_page_it_leads_back_to_the_list(client, lead):
    url = f"/leads/{lead.pk}/cell/company/?view=mine"
    page = client.get(url)
    assert "<html" in page.content.decode()
    answer = client.post(url, {**form_data(client, url), "company_name": "Neu"}, follow=True)
    assert answer.redirect_chain == [("/leads/?view=mine", 302)]
    assert "Saved." in answer.content.decode()


def test_a_deal_is_lost_in_its_cell_only_with_a_reason(client, people):
    deal = create_deal({"name": "Deal"}, actor=people.owner)
    lost = Stage.objects.get(pipeline=deal.pipeline_id, kind=Stage.Kind.LOST)
    url = f"/deals/{deal.pk}/cell/stage/"
    asked = save(client, url, stage=str(lost.pk))
    assert asked.status_code == 422
    assert 'name="lost_reason"' in asked.content.decode()
    assert save(client, url, stage=str(lost.pk), lost_reason=str(LostReason.objects.first().pk), lost_note="").status_code == 200
    deal.refresh_from_db()
    assert deal.status == "lost"
    assert deal.closed_at is not None


def test_custom_fields_are_changed_in_their_cells(client, people):
    admin = people.admin
    field = create_field(record_for("contacts"), CustomField.Kind.TEXT, {"label": "Kind of tea", "in_list": True}, actor=admin)
    contact = create_contact({"last_name": "Quoll"}, actor=people.owner)
    url = f"/contacts/{contact.pk}/cell/{field.name}/"
    answer = save(client, url, **{field.name: "Darjeeling 🍵"})
    assert answer.status_code == 200
    assert "Darjeeling 🍵" in answer.content.decode()
    contact.refresh_from_db()
    assert contact.custom[field.key] == "Darjeeling 🍵"


def test_a_task_is_put_off_in_its_cell(client, people):
    task = create_task({"title": "Call", "due_on": date(2027, 1, 11)}, actor=people.owner)
    assert save(client, f"/tasks/{task.pk}/cell/due/", due_on="2027-02-01").status_code == 200
    assert str(Task.objects.get(pk=task.pk).due_on) == "2027-02-01"


def test_the_list_says_what_can_be_changed_and_where(client, people, lead):
    mate = create_lead({"last_name": "Mate"}, actor=people.teammate)
    text = client.get("/leads/").content.decode()
    assert re.findall(r'data-edit="(\w+)"', text) == ["name", "company", "status", "owner", "source", "value"]
    assert 'data-opens="/tasks/new/?lead={pk}&amp;stay=1"' in text
    assert re.search(rf'data-pk="{lead.pk}" data-v="[\w-]+">', text)
    assert re.search(rf'data-pk="{mate.pk}" data-v="[\w-]+" data-fixed>', text)
    viewer = Client()
    viewer.force_login(people.viewer)
    head = re.search("<thead>.*</thead>", viewer.get("/leads/").content.decode())[0]
    assert "data-edit" not in head
    assert "data-opens" not in head


# ---- what others changed ----


def test_nothing_new_is_204_in_one_statement(client, lead):
    mark = mark_of(client, "leads", lead.pk)
    url = f"/leads/rows/?view=mine&rows={lead.pk}.{mark}"
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 204
    assert sum("leads_lead" in query["sql"] for query in queries) == 1
    assert len(queries) <= 3


def test_changed_rows_and_rows_that_are_gone(client, lead, people):
    other, third = (create_lead({"last_name": name}, actor=people.owner) for name in ("Other", "Third"))
    asked = "~".join(f"{each.pk}.{mark_of(client, 'leads', each.pk)}" for each in (lead, other, third))
    update_lead(lead, {"company_name": "Changed by a mate"}, actor=people.teammate)
    Lead.objects.filter(pk=other.pk).update(deleted_at="2026-01-01T00:00Z")
    text = client.get(f"/leads/rows/?rows={asked}").content.decode()
    assert "Changed by a mate" in text
    assert f'<tr data-pk="{other.pk}" data-gone></tr>' in text
    assert f'data-pk="{third.pk}"' not in text
    Lead.objects.filter(pk=third.pk).update(owner=people.stranger, team=people.other_team)
    assert f'<tr data-pk="{third.pk}" data-gone></tr>' in client.get(f"/leads/rows/?rows={asked}").content.decode()


def test_a_new_next_step_is_news_though_it_is_no_new_version(client, lead, people):
    mark, version = mark_of(client, "leads", lead.pk), lead.version
    create_task({"title": "Send offer", "lead": lead, "due_on": date(2027, 1, 11)}, actor=people.owner)
    lead.refresh_from_db()
    assert lead.version == version
    assert "<time" in client.get(f"/leads/rows/?rows={lead.pk}.{mark}").content.decode()


def test_a_row_stays_though_the_filter_has_lost_it(client, lead, people):
    mark = mark_of(client, "leads", lead.pk)
    update_lead(lead, {"company_name": "Elsewhere"}, actor=people.owner)
    assert "Elsewhere" in client.get(f"/leads/rows/?q=Firma&rows={lead.pk}.{mark}").content.decode()


@pytest.mark.parametrize(
    "rows", ["", "x", "1", "1.", "1.abcde", "1.ab~", "-1.abcd", "9" * 30 + ".abcd", "1.ab<d", "~".join(f"{n}.abcd" for n in range(101)), "1.\x00", "💥"]
)
def test_nonsense_is_no_row(client, lead, rows):
    assert client.get("/leads/rows/", {"rows": rows}).status_code == (200 if rows == "1." else 400)
    assert client.get("/leads/rows/", {"rows": "1.abcd", "sort": "nonsense"}).status_code == 400


# ---- forms in the panel that stay ----


def test_a_form_in_the_panel_stays_on_the_list(client, lead):
    panel = {"HX-Request": "true", "HX-Target": "panel-body"}
    url = f"/leads/{lead.pk}/edit/?stay=1"
    assert f'hx-post="{url}"' in client.get(url, headers=panel).content.decode()
    saved = client.post(url, {**form_data(client, url), "city": "Wien"}, headers=panel)
    assert saved.status_code == 204
    assert json.loads(saved["HX-Trigger"]) == {"saved": {"message": "Saved."}}
    assert "Saved." not in client.get("/leads/").content.decode()  # it has been said
    url = f"/tasks/new/?lead={lead.pk}&stay=1"
    data = form_data(client, url)
    assert data["lead"] == str(lead.pk)
    assert client.post(url, {**data, "title": "Call back", "kind": "call", "priority": "2"}, headers=panel).status_code == 204
    lead.refresh_from_db()
    assert lead.next_step_kind == "call"
    assert client.post(url, {**form_data(client, url), "title": "As a page", "kind": "call", "priority": "2"}).status_code == 302
