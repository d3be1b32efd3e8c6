"""The settings of custom fields: what admins set up, refused to everybody else, and what follows from a change."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from contacts.models import Contact
from contacts.services import create_contact, update_contact
from crm.core.custom import services
from crm.core.custom.models import CustomField
from crm.core.custom.values import clean_value
from crm.core.records import record_for
from crm.core.writes import StaleRecord
from deals.models import Deal, Stage
from deals.services import create_deal, move_deal, update_deal
from tests.core.custom.fields import make_field
from tests.core.test_bad_input import form_data

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", CustomField.Kind.values)
@pytest.mark.parametrize("slug", ["deals", "tasks"])
def test_a_field_of_each_kind_is_added_by_its_form(admin, kind, slug):
    start = admin.get(f"/settings/fields/{slug}/new/")
    assert f"?kind={kind}" in start.content.decode()
    url = f"/settings/fields/{slug}/new/?kind={kind}"
    data = {"label": "Motto", "group": "Extras", "help_text": "Words", "in_list": "on", "required": "on"}
    data |= {"choice": {"more": "One\nTwo"}, "choices": {"more": "One\nTwo"}, "link": {"link_to": "companies"}}.get(kind, {})
    response = admin.post(url, data)
    assert response.status_code == 302, response.context["form"].errors
    field = CustomField.objects.get()
    assert (field.record, field.kind, field.label, field.required) == (record_for(slug).model_label, kind, "Motto", True)
    assert "Motto" in admin.get(response["Location"]).content.decode()
    assert "Motto" in admin.get(f"/{slug}/new/").content.decode()
    edit = f"/settings/fields/{slug}/{field.pk}/edit/"
    same = admin.post(edit, form_data(admin, edit))
    assert same.status_code == 302, same.context["form"].errors
    old = CustomField.objects.get()
    assert (old.label, old.choices, old.default) == (field.label, field.choices, field.default)


@pytest.mark.parametrize("data", [{}, {"label": " "}, {"label": "a\x00b"}, {"label": "x" * 81}, {"label": "Taken"}, {"label": "New", "roles": "999999"}, {"label": "New", "default": "x" * 300},
    {"label": "New", "roles": "abc"}, {"label": "New", "group": "x" * 81}])  # fmt: skip
def test_wrong_definitions_are_told_and_nothing_is_made(admin, data):
    make_field("text", label="taken")
    response = admin.post("/settings/fields/contacts/new/?kind=text", data)
    assert response.status_code == 422
    assert response.context["form"].errors
    assert CustomField.objects.count() == 1


def test_addresses_that_are_not_there(admin):
    field = make_field("text")
    for url in (
        "/settings/fields/nothing/",
        "/settings/fields/contacts/new/?kind=nothing",
        f"/settings/fields/companies/{field.pk}/edit/",
        f"/settings/fields/contacts/{2**63}/edit/",
    ):
        assert admin.get(url).status_code == 404, url


def test_only_admins_set_up_fields(people):
    field = make_field("text")
    client = Client()
    client.force_login(people.manager)
    for name in ("", "contacts/", "contacts/new/", f"contacts/{field.pk}/edit/", f"contacts/{field.pk}/delete/"):
        assert client.get(f"/settings/fields/{name}").status_code == 403
    for name in ("move", "archive", "delete", "index"):
        assert client.post(f"/settings/fields/contacts/{field.pk}/{name}/").status_code == 403
    for call in (services.archive_field, services.delete_field, services.retry_index):
        with pytest.raises(PermissionDenied):
            call(field, actor=people.manager)
    with pytest.raises(PermissionDenied):
        services.create_field(record_for("contacts"), "text", {"label": "Mine"}, actor=people.manager)
    assert CustomField.objects.get().archived_at is None


def test_order_and_groups_decide_where_fields_stand(admin):
    first, second, third = (make_field("text", label=label, group=group) for label, group in (("Alpha", "One"), ("Beta", "Two"), ("Gamma", "One")))
    page = admin.get("/contacts/new/").content.decode()
    places = [page.index(text) for text in (">One<", "Alpha", "Gamma", ">Two<", "Beta")]
    assert places == sorted(places)
    assert admin.post(f"/settings/fields/contacts/{second.pk}/move/", {"direction": "up"}).status_code == 302
    page = admin.get("/contacts/new/").content.decode()
    assert page.index("Beta") < page.index("Alpha")
    assert admin.post(f"/settings/fields/contacts/{second.pk}/move/", {"direction": "sideways"}).status_code == 400
    assert [each.label for each in CustomField.objects.order_by("position")] == ["Beta", "Alpha", "Gamma"]
    assert first.position == 0 and third.position == 2


def test_choices_are_renamed_and_retired_without_touching_records(people, admin):
    field = make_field("choice", in_list=True)
    contact = create_contact({"last_name": "Ada", field.name: "001"}, actor=people.admin)
    services.update_field(field, {"choices": {"001": "Platinum", "002": "", "003": "Bronze"}, "more_choices": ["Tin"]}, actor=None)
    field.refresh_from_db()
    assert field.offered() == [("001", "Platinum"), ("003", "Bronze"), ("004", "Tin")]
    assert "Platinum" in admin.get("/contacts/").content.decode()
    services.update_field(field, {"choices": {"001": ""}}, actor=None)
    field.refresh_from_db()
    assert "Platinum" in admin.get(contact.get_absolute_url()).content.decode(), "the record keeps it"
    url = f"/contacts/{contact.pk}/edit/"
    assert admin.post(url, form_data(admin, url) | {"last_name": "Eve"}).status_code == 302
    with pytest.raises(ValidationError):
        create_contact({"last_name": "New", field.name: "001"}, actor=people.admin)
    with pytest.raises(ValidationError):
        services.update_field(field, {"choices": dict.fromkeys(("001", "002", "003", "004"), "")}, actor=None)


def test_two_admins_do_not_overwrite_each_other(admin):
    field = make_field("text", label="Motto")
    services.update_field(field, {"label": "Theirs"}, actor=None, version=1)
    with pytest.raises(StaleRecord):
        services.update_field(field, {"label": "Mine"}, actor=None, version=1)
    url = f"/settings/fields/contacts/{field.pk}/edit/"
    assert admin.post(url, {"label": "Mine", "version": "1"}).status_code == 409
    assert CustomField.objects.get().label == "Theirs"


def test_required_at_a_stage_is_asked_by_every_door(people):
    proposal, won = Stage.objects.get(name="Proposal"), Stage.objects.get(name="Won")
    field = make_field("text", "deals", label="Decider", stages=[proposal.pk])
    deal = create_deal({"name": "Zebrafinch"}, actor=people.owner)
    for attempt in (lambda: move_deal(deal, proposal, actor=people.owner), lambda: update_deal(deal, {"stage": proposal}, actor=people.owner)):
        with pytest.raises(ValidationError) as told:
            attempt()
        assert field.name in told.value.message_dict and "Decider" in str(told.value)
    client = Client()
    client.force_login(people.owner)
    answer = client.post(f"/deals/{deal.pk}/move/", {"stage": proposal.pk}, headers={"Accept": "application/json"})
    assert answer.status_code == 422 and "Decider" in answer.json()["message"]
    bulk = client.post("/deals/bulk/move/", {"ids": [deal.pk], "confirmed": "1", "stage": proposal.pk})
    assert bulk.status_code == 422
    deal.refresh_from_db()
    assert deal.stage.name == "Qualified"
    move_deal(deal, won, actor=people.owner)
    url = f"/deals/{deal.pk}/edit/"
    response = client.post(url, form_data(client, url) | {"stage": str(proposal.pk), field.name: "Eve"})
    assert response.status_code == 302, response.context["form"].errors
    deal.refresh_from_db()
    assert deal.stage == proposal and deal.custom[field.key] == "Eve"
    assert client.post(url, form_data(client, url) | {field.name: ""}).status_code == 422
    new = form_data(client, "/deals/new/") | {"name": "Second", "stage": str(proposal.pk)}
    assert client.post("/deals/new/", new).status_code == 422
    assert Deal.objects.count() == 1


def test_restricting_a_field_takes_it_out_of_search_at_the_next_run(people):
    field = make_field("text")
    contact = create_contact({"last_name": "Ada", field.name: "Xylophone"}, actor=people.owner)
    services.update_field(field, {"roles": [people.manager.role_id]}, actor=None)
    field.refresh_from_db()
    assert field.job == "fold"
    contact.refresh_from_db()
    assert "xylophone" in contact.search_text
    from crm.core.custom.work import _work_on

    _work_on(field, float("inf"))
    contact.refresh_from_db()
    assert "xylophone" not in contact.search_text and "ada" in contact.search_text
    assert CustomField.objects.get().job == ""


def test_deleting_a_field_takes_its_values_out_of_all_records(people, admin):
    field, kept = make_field("text", label="Motto"), make_field("number")
    contact = create_contact({"last_name": "Ada", field.name: "Xylophone", kept.name: "5"}, actor=people.owner)
    binned = create_contact({"last_name": "Binned", field.name: "Xylophone"}, actor=people.owner)
    Contact.objects.filter(pk=binned.pk).update(deleted_at="2026-01-01T00:00:00Z")
    assert admin.get(f"/settings/fields/contacts/{field.pk}/delete/").status_code == 200
    assert CustomField.objects.count() == 2
    assert admin.post(f"/settings/fields/contacts/{field.pk}/delete/").status_code == 302
    assert "is deleted" in admin.get("/settings/fields/").content.decode()
    assert "Motto" not in admin.get("/contacts/new/").content.decode()
    assert admin.get(f"/settings/fields/contacts/{field.pk}/edit/").status_code == 404
    update_contact(contact, {field.name: "late"}, actor=people.owner)
    from crm.core.custom.work import _chunk

    _chunk(CustomField.objects.get(pk=field.pk), Contact)
    contact.refresh_from_db()
    binned.refresh_from_db()
    assert (contact.custom, binned.custom) == ({kept.key: "5"}, {})
    assert "xylophone" not in contact.search_text and " 5" in contact.search_text


@pytest.mark.parametrize(("kind", "raw", "stored"), [("number", "-0", "0"), ("number", "1e3", "1000"), ("number", "0.10", "0.1"), ("money", "1.005", "1.01"), ("text", "  a  b ", "a b"),
    ("text", "\u200b", ValidationError), ("text", "a\ud800b", "ab"), ("text", 5, ValidationError), ("number", True, ValidationError), ("number", "NaN", ValidationError), ("number", [1], ValidationError),
    ("date", "2026-02-30", ValidationError), ("date", 20260101, ValidationError), ("choices", [], None), ("choices", ["003", "001", "001"], ["001", "003"]), ("choices", [["001"]], ValidationError),
    ("choice", "gold", "001"), ("choice", {"a": 1}, ValidationError), ("yes_no", 0, False), ("yes_no", {}, ValidationError), ("user", -1, ValidationError), ("user", "12", 12), ("link", 2**63, ValidationError),
    ("url", "ftp://x.example", ValidationError), ("url", "x.example", "https://x.example"), ("time", "14:30:59", "14:30"), ("text", "", None), ("number", None, None)])  # fmt: skip
def test_values_are_cleaned_by_one_pure_function(kind, raw, stored):
    field = CustomField(kind=kind, choices=[{"key": f"{n:03}", "label": label, "offered": True} for n, label in enumerate(("Gold", "Silver", "Bronze"), 1)])
    if stored is ValidationError:
        with pytest.raises(ValidationError):
            clean_value(field, raw)
    else:
        found = clean_value(field, raw)
        assert found == stored and type(found) is type(stored)
