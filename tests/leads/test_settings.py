"""Settings of leads: statuses, web forms, assignment rules, the spam queue; and the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from leads import services
from leads.models import AssignmentRule, FormField, Lead, LeadStatus, Submission, WebForm
from tests.factories import make_team, make_user, signed_in
from tests.leads.factories import enter, make_form, make_lead, make_rule, status, store

pytestmark = pytest.mark.django_db


SETTINGS = [
    "/settings/lead-statuses/",
    "/settings/lead-statuses/new/",
    "/settings/forms/",
    "/settings/forms/new/",
    "/settings/assignment/",
    "/settings/assignment/new/",
    "/settings/submissions/",
    "/settings/forms/{form}/edit/",
    "/settings/forms/{form}/fields/",
    "/settings/forms/{form}/embed/",
    "/settings/submissions/{entry}/",
]


@pytest.mark.parametrize("path", SETTINGS)
def test_settings_are_for_admins(people, path):
    form = make_form()
    path = path.format(form=form.pk, entry=store(form).pk)
    assert signed_in(people.admin).get(path).status_code == 200
    for name in ("owner", "manager", "viewer", "agent"):
        assert signed_in(getattr(people, name)).get(path).status_code == 403
        assert signed_in(getattr(people, name)).post(path, {"name": "x"}).status_code in (403, 405)


def test_statuses_are_set_up(people):
    client = signed_in(people.admin)
    assert client.post("/settings/lead-statuses/new/", {"name": "Waiting", "kind": "working", "color": "pink"}).status_code == 302
    order = list(LeadStatus.objects.values_list("name", flat=True))
    assert order.index("Waiting") < order.index("Converted")
    new = status("New")
    assert client.post(f"/settings/lead-statuses/{new.pk}/edit/", {"name": "Fresh", "kind": "working", "color": "blue"}).status_code == 422
    assert client.post(f"/settings/lead-statuses/{new.pk}/edit/", {"name": "Fresh", "kind": "new", "color": "blue"}).status_code == 302
    assert client.post("/settings/lead-statuses/new/", {"name": "Second", "kind": "converted", "color": "blue"}).status_code == 422
    assert client.post(f"/settings/lead-statuses/{new.pk}/delete/").status_code == 403
    waiting = status("Waiting")
    make_lead(people.owner, status="Waiting")
    assert client.post(f"/settings/lead-statuses/{waiting.pk}/delete/").status_code == 422
    assert client.post("/settings/lead-statuses/new/", {"name": "FRESH", "kind": "working", "color": "blue"}).status_code == 422


def test_a_web_form_is_made_with_fields_and_can_be_changed(people):
    client = signed_in(people.admin)
    data = {
        "name": "Quote",
        "slug": "quote",
        "active": "on",
        "language": "de",
        "follow_up_hours": 4,
        "per_address_per_hour": 20,
        "per_form_per_minute": 120,
        "allowed_origins": "https://www.example.com/\nhttps://shop.example.com",
    }
    assert client.post("/settings/forms/new/", data).status_code == 302
    form = WebForm.objects.get(slug="quote")
    assert form.allowed_origins == ["https://www.example.com", "https://shop.example.com"]
    assert list(form.fields.values_list("key", flat=True)) == ["name", "email", "company", "phone", "message"]
    for wrong in (
        {"slug": "quote"},
        {"slug": "a b"},
        {"allowed_origins": "javascript:x"},
        {"redirect_url": "nope"},
        {"follow_up_hours": 9999},
        {"language": "xx"},
    ):
        assert client.post("/settings/forms/new/", {**data, "slug": "other", **wrong}).status_code == 422, wrong
    assert Client().get("/f/quote/").status_code == 200


def fields_data(*rows, extra=0):
    data = {"f-TOTAL_FORMS": len(rows) + extra, "f-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        data |= {f"f-{number}-{name}": value for name, value in {"kind": "text", "target": "", **row}.items()}
    return data


def test_the_fields_of_a_form_are_set(people):
    form, client = make_form(), signed_in(people.admin)
    path = f"/settings/forms/{form.pk}/fields/"
    rows = (
        {"key": "plan", "label": "Plan", "kind": "choice", "choices": "Small\nLarge"},
        {"key": "email", "label": "Mail", "kind": "email", "target": "email", "required": "on"},
        {"key": "gone", "label": "Gone", "remove": "on"},
        {},
    )
    assert client.post(path, fields_data(*rows)).status_code == 302
    assert list(form.fields.values_list("key", "label", "required")) == [("plan", "Plan", False), ("email", "Mail", True)]
    assert FormField.objects.get(key="plan").choices == ["Small", "Large"]
    for wrong in (
        [{"key": "plan", "label": "P", "kind": "choice"}, rows[1]],
        [rows[1], rows[1]],
        [{"key": "utm_source", "label": "U"}, rows[1]],
        [{"key": "_x", "label": "U"}, rows[1]],
        [{"key": "only", "label": ""}, rows[1]],
        [{"key": "note", "label": "Note"}],
        [{"key": "a b", "label": "Note"}, rows[1]],
        [{}],
    ):
        response = client.post(path, fields_data(*wrong))
        assert response.status_code == 422, wrong
    assert form.fields.count() == 2
    assert client.post(path, {"f-TOTAL_FORMS": "x"}).status_code == 422


def test_embed_codes_name_all_fields(people):
    form = make_form()
    html = signed_in(people.admin).get(f"/settings/forms/{form.pk}/embed/").content.decode()
    assert "http://testserver/f/contact/" in html
    assert "&lt;iframe" in html
    assert "&lt;form method=&quot;post&quot;" in html
    assert "curl -X POST" in html


def test_rules_are_made_from_plain_rows(people):
    client = signed_in(people.admin)
    data = {
        "name": "Austria",
        "active": "on",
        "mode": "round_robin",
        "team": people.team.pk,
        "condition_0_field": "country",
        "condition_0_op": "in",
        "condition_0_value": "AT, DE",
        "condition_2_field": "message",
        "condition_2_op": "contains",
        "condition_2_value": "price",
    }
    assert client.post("/settings/assignment/new/", data).status_code == 302
    rule = AssignmentRule.objects.get()
    assert rule.conditions == [{"field": "country", "op": "in", "value": "AT, DE"}, {"field": "message", "op": "contains", "value": "price"}]
    assert "AT, DE" in client.get(f"/settings/assignment/{rule.pk}/edit/").content.decode()
    for wrong in (
        {"team": ""},
        {"mode": "user"},
        {"condition_0_value": ""},
        {"condition_1_value": "x"},
        {"condition_0_field": "password"},
        {"condition_0_op": "like"},
    ):
        assert client.post("/settings/assignment/new/", {**data, **wrong}).status_code == 422, wrong
    assert (
        client.post("/settings/assignment/new/", {"name": "Rest", "mode": "user", "user": people.owner.pk, "active": "on", "is_fallback": "on"}).status_code
        == 302
    )
    assert (
        client.post("/settings/assignment/new/", {"name": "Rest 2", "mode": "user", "user": people.owner.pk, "active": "on", "is_fallback": "on"}).status_code
        == 422
    )
    second = make_rule(team=people.team, name="Second")
    assert client.post(f"/settings/assignment/{second.pk}/move/", {"direction": "up"}).status_code == 302
    assert list(AssignmentRule.objects.values_list("name", flat=True)) == ["Second", "Austria", "Rest"]


def test_the_spam_queue_and_failures(people, monkeypatch):
    client, form = signed_in(people.admin), make_form()
    spam = services.receive_submission(form, data={"name": "<script>x</script>", "email": "ada@engine.example"}, spam_reason="honeypot")
    html = client.get("/settings/submissions/?state=spam").content.decode()
    assert "&lt;script&gt;" in html
    assert client.get(f"/settings/submissions/?form={form.pk}&state=done&page=7").status_code == 200
    for query in ("state=nope", "form=999", "form=x"):
        assert client.get(f"/settings/submissions/?{query}").status_code == 400
    assert client.post(f"/settings/submissions/{spam.pk}/not-spam/").status_code == 302
    spam.refresh_from_db()
    assert (spam.state, Lead.objects.count()) == ("done", 1)
    failed = store(form)
    Submission.objects.filter(pk=failed.pk).update(state="failed", error="Boom", attempts=5)
    assert "Boom" in client.get(f"/settings/submissions/{failed.pk}/").content.decode()
    assert client.post(f"/settings/submissions/{failed.pk}/retry/").status_code == 302
    assert Lead.objects.count() == 2
    client.post(f"/settings/submissions/{failed.pk}/delete/")
    assert Submission.objects.count() == 2, "only spam can be deleted"
    other = services.receive_submission(form, data={"name": "x"}, spam_reason="honeypot")
    for action in ("not-spam", "retry", "delete"):
        assert signed_in(people.manager).post(f"/settings/submissions/{other.pk}/{action}/").status_code == 403
        assert client.get(f"/settings/submissions/{other.pk}/{action}/").status_code == 405
    client.post(f"/settings/submissions/{other.pk}/delete/")
    assert Submission.objects.count() == 2


def test_a_used_form_is_switched_off_not_deleted(people):
    form, unused, client = make_form(), make_form("unused"), signed_in(people.admin)
    store(form)
    assert client.post(f"/settings/forms/{form.pk}/delete/").status_code == 422
    assert client.post(f"/settings/forms/{unused.pk}/delete/").status_code == 302
    assert list(WebForm.objects.values_list("slug", flat=True)) == ["contact"]


def test_owner_from_another_team_is_refused(people):
    make_user(team=make_team())
    lead = make_lead(people.owner)
    data = {"last_name": lead.last_name, "status": lead.status_id, "owner": people.stranger.pk, "version": lead.version}
    assert signed_in(people.owner).post(f"/leads/{lead.pk}/edit/", data).status_code == 422


@pytest.mark.parametrize("model", ["lead", "leadstatus", "webform", "submission", "assignmentrule"])
def test_the_admin_shows_and_changes_nothing(people, model):
    make_rule(team=people.team)
    submission = enter(make_form())
    client = signed_in(people.admin)
    assert client.get(f"/admin/leads/{model}/").status_code == 200
    rows = {"lead": submission.lead_id, "submission": submission.pk, "webform": submission.form_id}
    if model in rows:
        assert client.get(f"/admin/leads/{model}/{rows[model]}/change/").status_code == 200
        assert client.post(f"/admin/leads/{model}/{rows[model]}/change/", {"name": "x"}).status_code == 403
    assert signed_in(people.manager).get(f"/admin/leads/{model}/").status_code in (302, 403)


def test_the_admin_retries_entries(people):
    failed = store(make_form())
    Submission.objects.filter(pk=failed.pk).update(state="failed", attempts=5)
    signed_in(people.admin).post("/admin/leads/submission/", {"action": "retry", "_selected_action": [failed.pk]})
    failed.refresh_from_db()
    assert failed.state == "done"
