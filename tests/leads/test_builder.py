"""The form builder: kinds of questions, consents with their version, order and preview without a script."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from activities.models import Activity
from leads import services
from leads.models import FormField, Submission
from tests.factories import signed_in
from tests.leads.factories import FIELDS, enter, make_form

pytestmark = pytest.mark.django_db
MORE = (
    {"key": "seats", "label": "Seats", "kind": "number"},
    {"key": "start", "label": "Start", "kind": "date"},
    {"key": "topics", "label": "Topics", "kind": "several", "choices": ["Sales", "Help, fast", "Other"]},
    {"key": "terms", "label": "Terms", "kind": "consent", "required": True, "consent_text": "You may write to me."},
)
GOOD = {"name": "Ada", "email": "ada@engine.example", "terms": "on"}


def rows_of(form, **changes):
    """What the builder's page posts."""
    fields, data = list(form.fields.all()), {}
    for number, each in enumerate(fields):
        row = {name: getattr(each, name) for name in ("key", "label", "kind", "target", "help_text", "consent_text")}
        data |= {f"f-{number}-{name}": value for name, value in {**row, "choices": "\n".join(each.choices)}.items()}
        data |= {f"f-{number}-required": "on"} if each.required else {}
    return {"f-TOTAL_FORMS": len(fields), "f-INITIAL_FORMS": 0, "version": form.version, **data, **changes}


@pytest.fixture
def form(people):
    return make_form(fields=[*FIELDS, *MORE])


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, None),
        ({"seats": "12"}, None),
        ({"seats": "1.234,5"}, None),
        ({"seats": "a dozen"}, "seats"),
        ({"seats": "9" * 19}, "seats"),
        ({"seats": "1e9"}, "seats"),
        ({"start": "2027-03-31"}, None),
        ({"start": "2027-02-30"}, "start"),
        ({"start": "31.3.2027"}, "start"),
        ({"topics": ["Other", "Sales"]}, None),
        ({"topics": ["Nonsense"]}, "topics"),
        ({"topics": [{"a": 1}]}, "topics"),
        ({"topics": {"a": 1}}, "topics"),
        ({"terms": ""}, "terms"),
        ({"terms": ["on"]}, "terms"),
    ],
)
def test_answers(form, client, answers, wrong):
    response = client.post(f"/f/{form.slug}/", {**GOOD, **answers}, content_type="application/json")
    assert response.status_code == (422 if wrong else 201)
    assert not wrong or list(response.json()["errors"]) == [wrong]


def test_several_choices_and_the_consent_are_kept_as_they_were(form, client):
    assert client.post(f"/f/{form.slug}/", {**GOOD, "topics": ["Other", "Help, fast"], "_shown_terms": "1"}).status_code == 303
    entry = Submission.objects.get()
    assert (entry.data["topics"], entry.consents) == (
        ["Other", "Help, fast"],
        [{"key": "terms", "label": "Terms", "text": "You may write to me.", "version": 1}],
    )
    answers = dict(Activity.objects.get(kind="submission").data["answers"])
    assert (answers["Topics"], answers["Terms"]) == ("Help, fast, Other", "Yes")
    assert client.post(f"/f/{form.slug}/", {**GOOD, "email": "b@engine.example", "topics": "Sales"}).status_code == 303


def test_nobody_agrees_to_words_they_have_not_seen(form, client):
    rows = [{**each, "consent_text": "You may sell my data."} if each["key"] == "terms" else each for each in (*FIELDS, *MORE)]
    services.replace_fields(form, [dict(each) for each in rows], actor=None)
    assert FormField.objects.get(key="terms").consent_version == 2
    services.replace_fields(form, [dict(each) for each in rows], actor=None)
    assert FormField.objects.get(key="terms").consent_version == 2
    page = client.post(f"/f/{form.slug}/", {**GOOD, "_shown_terms": "1"})
    assert (page.status_code, Submission.objects.count()) == (422, 0)
    assert "changed meanwhile" in page.content.decode() and 'name="_shown_terms" value="2"' in page.content.decode()
    assert client.post(f"/f/{form.slug}/", {**GOOD, "_shown_terms": "2"}).status_code == 303
    assert Submission.objects.get().consents[0]["text"] == "You may sell my data."


def test_without_the_tick_there_is_no_consent(people, client):
    form = make_form(fields=[*FIELDS, {**MORE[3], "required": False}])
    assert client.post(f"/f/{form.slug}/", {**GOOD, "terms": ""}).status_code == 303
    assert Submission.objects.get().consents == []


@pytest.mark.parametrize(("kind", "field"), [("consent", "consent_text"), ("several", "choices"), ("choice", "choices")])
def test_what_a_kind_needs(kind, field):
    with pytest.raises(ValidationError) as caught:
        make_form(fields=[*FIELDS, {"key": "x", "label": "X", "kind": kind}])
    assert list(caught.value.message_dict) == [f"5-{field}"]


def test_the_buttons_rearrange_and_save_nothing(people, form):
    client, url = signed_in(people.admin), f"/settings/forms/{form.pk}/fields/"
    before = list(form.fields.values_list("key", flat=True))

    def order(do):
        page = client.post(url, {**rows_of(form), "f-1-label": "Mail <now>", "do": do})
        assert page.status_code == 200
        rows = page.context["rows"].forms
        return [row["key"].value() for row in rows if row["key"].value()], page.content.decode()

    keys, html = order("down-1")
    assert keys == [before[0], before[2], before[1], *before[3:]]
    assert "Mail &lt;now&gt;" in html and "Mail <now>" not in html
    assert order("up-1")[0] == [before[1], before[0], *before[2:]]
    for harmless in ("up-0", f"down-{len(before) - 1}", "add", "preview", "down-x", "down-999999999", "nonsense"):
        assert order(harmless)[0] == before
    assert list(form.fields.values_list("key", flat=True)) == before
    assert form.fields.get(key="email").label == "E-mail"


def test_the_order_of_the_rows_is_saved_and_an_old_page_is_refused(people, form):
    client, url = signed_in(people.admin), f"/settings/forms/{form.pk}/fields/"
    moved = client.post(url, {**rows_of(form), "do": "up-1"}).context["rows"].forms
    data = {f"f-{number}-{name}": row[name].value() or "" for number, row in enumerate(moved) for name in row.fields}
    data = {name: value for name, value in data.items() if value is not False} | {"f-TOTAL_FORMS": len(moved), "f-INITIAL_FORMS": 0}
    assert client.post(url, {**data, "version": form.version}).status_code == 302
    assert form.fields.first().key == "email"
    stale = client.post(url, {**data, "version": form.version})
    assert stale.status_code == 409 and "Somebody changed this form" in stale.content.decode()
    for broken in ({}, {"f-TOTAL_FORMS": "x"}, {"f-TOTAL_FORMS": "1", "f-INITIAL_FORMS": "0", "f-0-key": "a b", "f-0-label": "X"}):
        assert client.post(url, broken).status_code == 422


def test_the_preview_follows_what_is_typed(people, form):
    client, url = signed_in(people.admin), f"/settings/forms/{form.pk}/preview/"
    html = client.post(url, {**rows_of(form), "f-0-label": "Your <name>", "f-1-remove": "on"}).content.decode()
    assert "Your &lt;name&gt;" in html and 'id="f-email"' not in html and "You may write to me." in html and "Help, fast" in html
    assert client.get(url).status_code == 405
    assert client.post(url, {}).status_code == 200
    assert signed_in(people.owner).post(url, rows_of(form)).status_code == 403


def test_pages_with_all_kinds(people, form):
    entry = enter(form, topics=["Sales", "Other"], terms="on")
    Submission.objects.filter(pk=entry.pk).update(consents=[{"key": "terms", "label": "Terms", "text": "x", "version": 3}])
    client = signed_in(people.admin)
    assert "Sales, Other" in client.get(f"/settings/submissions/{entry.pk}/").content.decode()
    page = client.get(f"/leads/{entry.lead_id}/").content.decode()
    assert "Sales, Other" in page and "version 3" in page
    embed = client.get(f"/settings/forms/{form.pk}/embed/").content.decode()
    assert "You may write to me." in embed and "Help, fast" in embed
