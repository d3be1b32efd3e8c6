"""Custom fields through imports, web forms, bulk changes and conversions: the same rules at every door."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client

from contacts.models import Contact
from contacts.services import create_company, create_contact
from crm.core.custom.models import CustomField
from crm.core.imports.targets import missing, targets_of
from crm.core.records import record_for
from crm.core.writes import change_records
from leads.models import Lead, Submission
from leads.services import create_lead
from leads.services.conversion import convert_lead
from leads.services.intake import process_submission
from leads.services.setup import replace_fields
from tests.core.custom.fields import make_field
from tests.factories import cast
from tests.imports.files import bring_in, check, reasons, upload
from tests.leads.factories import make_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast()


# ---- imports ----

CELLS = {
    "text": ("Étude", "Étude"),
    "long_text": ("One", "One"),
    "number": ("1.234,5", "1234.5"),
    "money": ("€ 1,234.50", "1234.50"),
    "date": ("31.05.2026", "2026-05-31"),
    "time": ("2:30 pm", "14:30"),
    "choice": ("silver", "002"),
    "choices": ("Bronze; gold", ["001", "003"]),
    "yes_no": ("ja", True),
    "url": ("example.com", "https://example.com"),
}


@pytest.mark.django_db(transaction=True)  # rows are written by threads of their own
def test_files_fill_custom_fields_by_their_headings(people):
    fields = {kind: make_field(kind) for kind in CELLS}
    link, person = make_field("link", link_to="companies"), make_field("user")
    company = create_company({"name": "Zebrafinch Ltd"}, actor=people.owner)
    head = ["Last name", *(field.label for field in fields.values()), "My link", "My user"]
    row = ["Ada", *(cell for cell, _stored in CELLS.values()), "Zebrafinch Ltd", people.teammate.email]
    job = bring_in("contacts", [head, row], people.owner)
    assert (job.state, job.good) == ("done", 1), (job.error, reasons(job))
    wanted = {fields[kind].key: stored for kind, (_cell, stored) in CELLS.items()} | {link.key: company.pk, person.key: people.teammate.pk}
    stored = Contact.objects.get().custom
    assert {key: value for key, value in stored.items() if not key.endswith("~")} == wanted


def test_wrong_cells_are_told_before_anything_is_written(people):
    number, text = make_field("number", label="Size"), make_field("text", label="Code", unique=True, required=True)
    create_contact({"last_name": "Eve", text.name: "taken"}, actor=people.stranger)
    rows = [["Last name", "Size", "Code"], ["A", "many", "a"], ["B", "1", ""], ["C", "1", "Taken"], ["D", "2", "d"], ["E", "3", "D"]]
    job = check(upload("contacts", rows, people.owner), people.owner)
    assert [(line, column) for line, column, _reason in reasons(job)] == [(2, "Size"), (3, "Code"), (4, "Code"), (6, "Code")]
    assert Contact.objects.count() == 1
    targets = targets_of(record_for("contacts"), people.owner)
    assert number.name in targets
    assert "Code" in missing(targets, {"0": "last_name"}) and "Code" not in missing(targets, {"0": "last_name", "1": text.name})


def test_a_hidden_field_is_no_target(people):
    field = make_field("text", roles=[people.manager.role_id])
    assert field.name not in targets_of(record_for("contacts"), people.owner)
    assert field.name in targets_of(record_for("contacts"), people.manager)


# ---- web forms ----

BASE = [{"key": "name", "label": "Name", "kind": "text", "target": "name", "required": True}]


def question(field, **more):
    return {"key": "extra", "label": "Extra", "kind": "text", "target": field.name, **more}


@pytest.mark.parametrize(("kind", "answer", "stored"), [("text", "Étude", "Étude"), ("number", "1,5", "1.5"), ("money", "1.234,50", "1234.50"), ("date", "2026-05-31", "2026-05-31"),
    ("time", "14:30", "14:30"), ("choice", "Silver", "002"), ("yes_no", "yes", True), ("url", "example.com", "https://example.com"), ("long_text", "a\nb", "a\nb")])  # fmt: skip
def test_a_web_form_fills_a_custom_field_of_the_lead(people, kind, answer, stored):
    field = make_field(kind, "leads")
    make_form(fields=[*BASE, question(field, required=True)])
    page = Client().get("/f/contact/").content.decode()
    assert 'name="extra"' in page
    if kind == "choice":
        assert "<option>Silver</option>" in page
    assert Client().post("/f/contact/", {"name": "Ada"}).status_code == 422
    response = Client().post("/f/contact/", json.dumps({"name": "Ada", "extra": answer}), content_type="application/json")
    assert response.status_code == 201, response.content
    process_submission(Submission.objects.latest("pk").pk)
    assert Lead.objects.get().custom[field.key] == stored


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("number", "many"), ("date", "soon"), ("choice", "Tin"), ("url", "javascript:alert(1)"), ("text", "x" * 300), ("time", "25:00"), ("number", ["1"])],
)
def test_a_wrong_answer_is_told_at_its_question(people, kind, answer):
    field = make_field(kind, "leads")
    make_form(fields=[*BASE, question(field)])
    response = Client().post("/f/contact/", json.dumps({"name": "Ada", "extra": answer}), content_type="application/json")
    assert response.status_code == 422 and "extra" in response.json()["errors"]
    assert not Submission.objects.exists()


def test_an_answer_that_no_longer_fits_does_not_lose_the_entry(people):
    field = make_field("choice", "leads")
    form = make_form(fields=[*BASE, question(field)])
    entry = Submission.objects.create(form=form, data={"name": "Ada", "extra": "Tin"})
    assert process_submission(entry.pk)
    assert Lead.objects.get().custom == {}


def test_only_fields_that_the_public_may_fill_are_offered(people):
    form = make_form(fields=BASE)
    for field in (make_field("text", "leads", label="a", roles=[people.manager.role_id]), make_field("text", "leads", label="b", unique=True), make_field("user", "leads", label="c"),
        make_field("text", "contacts", label="d")):  # fmt: skip
        with pytest.raises(ValidationError):
            replace_fields(form, [*BASE, question(field)], actor=None)
    required = make_field("text", "leads", label="e", required=True)
    replace_fields(form, [*BASE, question(required)], actor=None)
    client = Client()
    client.force_login(people.admin)
    page = client.get(f"/settings/forms/{form.pk}/fields/").content.decode()
    assert f'value="{required.name}"' in page
    assert client.post("/f/contact/", {"name": "Ada"}).status_code == 303, "required is for people at their desks"


# ---- others ----


def test_many_rows_get_a_value_at_once_and_unique_ones_do_not(people):
    field, unique = make_field("number", label="a"), make_field("text", label="b", unique=True)
    mine = [create_contact({"last_name": str(number)}, actor=people.owner).pk for number in range(3)]
    theirs = create_contact({"last_name": "x"}, actor=people.stranger).pk
    assert change_records(Contact, [*mine, theirs], {field.name: "5"}, actor=people.owner) == 3
    assert change_records(Contact, mine, {field.name: "5"}, actor=people.owner) == 0
    assert set(Contact.objects.filter(custom={field.key: "5"}).values_list("pk", flat=True)) == set(mine)
    assert set(Contact.objects.filter(pk__in=mine).values_list("version", flat=True)) == {2}
    for wrong in ({unique.name: "same"}, {field.name: "many"}):
        with pytest.raises(ValidationError), transaction.atomic():
            change_records(Contact, mine, wrong, actor=people.owner)


def test_required_fields_do_not_stop_a_conversion(people):
    for slug in ("contacts", "companies", "deals", "leads"):
        make_field("text", slug, required=True)
    lead = create_lead({"last_name": "Ada", "company_name": "Firm"}, actor=people.owner)
    convert_lead(lead, actor=people.owner)
    assert Contact.objects.count() == 1 and CustomField.objects.count() == 4
