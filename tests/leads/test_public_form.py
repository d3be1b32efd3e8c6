"""The public form over HTTP: our page, other sites, JSON; what it takes, what it refuses, and that it tells nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads import services
from leads.models import Lead, RateBucket, Submission
from leads.services.entries import STAMP, TRAP
from tests.factories import make_user
from tests.leads.factories import make_form, make_lead, make_rule, make_team_of

pytestmark = pytest.mark.django_db
State = Submission.State
ENTRY = {"name": "Ada Lovelace", "email": "ada@engine.example", "message": "Hello"}


@pytest.fixture(autouse=True)
def set_up(db):
    """Before there is a user, every page leads to the set-up."""
    make_user(role="admin")


@pytest.fixture
def form():
    return make_form()


@pytest.fixture
def anonymous():
    return Client(enforce_csrf_checks=True)


def post_json(client, data, path="/f/contact/", **headers):
    body = data if isinstance(data, (str, bytes)) else json.dumps(data)
    return client.post(path, body, content_type="application/json", headers=headers)


def page_stamp(client):
    html = client.get("/f/contact/").content.decode()
    return html.split(f'name="{STAMP}" value="')[1].split('"')[0]


# ---- what it takes ----


def test_our_page_has_labels_and_no_cookie(anonymous, form):
    response = anonymous.get("/f/contact/?utm_source=news&x=1", headers={"referer": "https://search.example/"})
    html = response.content.decode()
    assert response.status_code == 200
    assert not response.cookies
    for field in ("name", "email", "company", "phone", "message"):
        assert f'for="f-{field}"' in html
        assert f'name="{field}"' in html
    assert 'name="utm_source" value="news"' in html
    assert 'name="referrer" value="https://search.example/"' in html
    assert 'lang="en"' in html
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_a_form_post_ends_on_the_thanks_page_and_makes_a_lead(anonymous, form):
    team, (rep,) = make_team_of(1)
    make_rule(team=team)
    response = anonymous.post("/f/contact/?utm_source=news", {**ENTRY, "utm_campaign": "spring", "unknown": "kept"})
    assert (response.status_code, response["Location"]) == (303, "/f/contact/thanks/")
    submission = Submission.objects.get()
    assert (submission.state, submission.lead.owner, submission.lead.utm_source, submission.lead.utm_campaign) == (State.DONE, rep, "news", "spring")
    assert submission.data["unknown"] == "kept"
    assert anonymous.get(response["Location"]).status_code == 200


def test_multipart_and_json_are_taken_too(anonymous, form):
    assert anonymous.post("/f/contact/", ENTRY).status_code == 303  # the test client's default is multipart
    response = post_json(anonymous, {**ENTRY, "email": "b@engine.example", "utm_source": "api"})
    assert (response.status_code, response.json()) == (201, {"status": "received"})
    response = anonymous.post(
        "/f/contact/", "name=Ada&email=c%40engine.example", content_type="application/x-www-form-urlencoded", headers={"accept": "application/json"}
    )
    assert response.status_code == 201
    assert Lead.objects.count() == 3


def test_other_sites_may_post_and_read_the_answer(anonymous, form):
    response = anonymous.options("/f/contact/", headers={"origin": "https://www.example.com", "access-control-request-method": "POST"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, "*")
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert "Content-Type" in response["Access-Control-Allow-Headers"]
    for data in (ENTRY, {"name": ""}, "{"):
        assert post_json(anonymous, data, origin="https://www.example.com")["Access-Control-Allow-Origin"] == "*"
    assert post_json(anonymous, ENTRY, "/f/nothing/")["Access-Control-Allow-Origin"] == "*"


def test_frames_and_redirects_only_where_the_form_says_so(anonymous):
    make_form(allowed_origins=["https://www.example.com"], redirect_url="https://thanks.example/ok", language="de")
    response = anonymous.get("/f/contact/")
    policy = response["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://www.example.com" in policy
    assert "form-action 'self' https://thanks.example" in policy
    assert "X-Frame-Options" not in response
    assert 'lang="de"' in response.content.decode()
    assert response["Content-Language"] == "de"
    assert anonymous.post("/f/contact/", ENTRY)["Location"] == "https://thanks.example/ok"


def test_a_known_address_gets_the_very_same_answers(anonymous, form):
    make_lead(make_user(), email="known@engine.example")
    for send in (
        lambda email: post_json(anonymous, {**ENTRY, "email": email}),
        lambda email: anonymous.post("/f/contact/", {**ENTRY, "email": email}),
        lambda email: anonymous.post("/f/contact/", {"name": "", "email": email}),
    ):
        known, unknown = send("known@engine.example"), send("new@engine.example")
        assert known.status_code == unknown.status_code
        assert known.content.replace(b"known@", b"new@") == unknown.content
        assert dict(known.items()).keys() == dict(unknown.items()).keys()


# ---- spam ----


def test_honeypot_is_stored_as_spam_with_the_same_answer(anonymous, form):
    response = anonymous.post("/f/contact/", {**ENTRY, TRAP: "http://spam.example"})
    assert (response.status_code, response["Location"]) == (303, "/f/contact/thanks/")
    submission = Submission.objects.get()
    assert (submission.state, submission.spam_reason) == (State.SPAM, "honeypot")
    assert not Lead.objects.exists()


def test_the_stamp_of_our_page_must_be_ours_and_not_too_fresh(anonymous, form):
    stamp = page_stamp(anonymous)
    with time_machine.travel(timezone.now() + timedelta(seconds=20)):
        other = make_form("other")
        cases = {
            stamp[:-1] + ("a" if stamp[-1] != "a" else "b"): "stamp forged",
            "nonsense": "stamp forged",
            services.make_stamp(form): "too fast",
            services.make_stamp(other): "stamp of another form",
        }
        for value, reason in cases.items():
            assert anonymous.post("/f/contact/", {**ENTRY, STAMP: value}).status_code == 303
            assert Submission.objects.latest("pk").spam_reason == reason
        assert not Lead.objects.exists()
        assert anonymous.post("/f/contact/", {**ENTRY, STAMP: stamp}).status_code == 303
        assert Submission.objects.latest("pk").state == State.DONE
        anonymous.post("/f/contact/", {**ENTRY, STAMP: stamp})
        assert Submission.objects.filter(state=State.DONE).count() == 1, "a double click is one entry"
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        anonymous.post("/f/contact/", {**ENTRY, STAMP: stamp, "message": "late"})
        assert Submission.objects.latest("pk").spam_reason == "stamp too old"


# ---- limits ----


@time_machine.travel(datetime(2026, 11, 27, 9, 30, 5, tzinfo=UTC), tick=False)  # all of it within one minute, however slow the machine
def test_limits_per_sender_and_form(anonymous):
    form = make_form(per_address_per_hour=3, per_form_per_minute=5)
    codes = [post_json(anonymous, {**ENTRY, "email": f"a{n}@engine.example"}).status_code for n in range(5)]
    assert codes == [201, 201, 201, 429, 429]
    refused = post_json(anonymous, ENTRY)
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert Submission.objects.count() == 3
    other = Client(REMOTE_ADDR="198.51.100.9")
    codes = [post_json(other, {**ENTRY, "email": f"b{n}@engine.example"}).status_code for n in range(3)]
    assert codes == [201, 201, 429], "what the first sender was refused did not use up the form's minute"
    html = other.post("/f/contact/", ENTRY)
    assert html.status_code == 429
    assert "Ada Lovelace" in html.content.decode(), "what was typed is kept"
    assert Submission.objects.count() == 5
    with time_machine.travel(timezone.now() + timedelta(hours=1, minutes=1)):
        assert post_json(anonymous, ENTRY).status_code == 201
        services.sweep()
    assert form.submissions.count() == 6


def test_a_mistake_does_not_count_against_the_limit(anonymous):
    make_form(per_address_per_hour=1)
    for _ in range(5):
        assert post_json(anonymous, {"name": "Ada"}).status_code == 422
    assert post_json(anonymous, ENTRY).status_code == 201


def test_ipv6_senders_count_by_their_network(form):
    make_form("six", per_address_per_hour=2)
    codes = [post_json(Client(REMOTE_ADDR=f"2001:db8::{n}"), ENTRY, "/f/six/").status_code for n in range(1, 4)]
    assert codes == [201, 201, 429]
    assert RateBucket.objects.filter(kind="address", key="2001:db8::").count() == 1


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.5", "10.0.0.1"),
        (1, "6.6.6.6, 203.0.113.5", "203.0.113.5"),
        (2, "6.6.6.6, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (1, "", "10.0.0.1"),
        (1, "nonsense", None),
        (1, "::ffff:203.0.113.5", "203.0.113.5"),
    ],
)
def test_the_senders_address_is_the_one_our_own_proxy_saw(form, proxies, forwarded, expected):
    with override_settings(TRUSTED_PROXY_COUNT=proxies, SECURE_PROXY_SSL_HEADER=None):
        headers = {"x-forwarded-for": forwarded} if forwarded else {}
        assert post_json(Client(REMOTE_ADDR="10.0.0.1"), ENTRY, **headers).status_code == 201
    assert Submission.objects.get().address == expected


def test_old_counts_are_forgotten(form):
    post_json(Client(), ENTRY)
    assert RateBucket.objects.count() == 2
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        services.sweep()
    assert not RateBucket.objects.exists()


# ---- what it refuses ----


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"email": "nonsense"}, "email"),
        ({"email": "a@b@c.example"}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"name": "x" * 101}, "name"),
        ({"company": "x" * 201}, "company"),
        ({"message": "x" * 10_001}, "message"),
        ({"unknown": "x" * 10_001}, "unknown"),
        ({"name": ["a", "b"]}, "name"),
        ({"email": {"a": "b"}}, "email"),
        ({"message": True}, "message"),
    ],
)
def test_problems_are_told_at_their_field_and_nothing_is_stored(anonymous, form, change, field):
    response = post_json(anonymous, {**ENTRY, **change})
    assert response.status_code == 422
    assert list(response.json()["errors"]) == [field]
    assert response.json()["errors"][field][0]
    assert not Submission.objects.exists()
    assert not RateBucket.objects.exists()


def test_the_page_keeps_what_was_typed_and_marks_the_field(anonymous, form):
    response = anonymous.post("/f/contact/", {**ENTRY, "email": "<b>bad", "message": "Kept & safe"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "Kept &amp; safe" in html
    assert "&lt;b&gt;bad" in html
    assert 'aria-invalid="true"' in html
    assert 'id="e-email"' in html


def test_choices_ticks_and_hidden_fields(anonymous):
    fields = [
        {"key": "email", "label": "E-mail", "kind": "email", "target": "email", "required": True},
        {"key": "plan", "label": "Plan", "kind": "choice", "choices": ["Small", "Large"], "required": True},
        {"key": "terms", "label": "Terms", "kind": "checkbox", "required": True},
        {"key": "product", "label": "Product", "kind": "hidden", "choices": ["pump"]},
    ]
    make_form(fields=fields)
    html = anonymous.get("/f/contact/?product=valve").content.decode()
    assert 'name="product" value="valve"' in html
    wrong = post_json(anonymous, {"email": "a@engine.example", "plan": "Huge", "terms": False})
    assert sorted(wrong.json()["errors"]) == ["plan", "terms"]
    assert post_json(anonymous, {"email": "a@engine.example", "plan": "Large", "terms": True}).status_code == 201
    assert anonymous.post("/f/contact/", {"email": "b@engine.example", "plan": "Small", "terms": "on", "product": "pump"}).status_code == 303


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ("[1]", "application/json", 400),
        ('"text"', "application/json", 400),
        ('{"name": NaN}', "application/json", 400),
        ('{"a": ' * 50 + "1" + "}" * 50, "application/json", 400),
        ("[" * 30_000, "application/json", 400),
        (b'{"name": "\xff\xfe"}', "application/json", 400),
        ('{"name": 1' + "0" * 5000 + "}", "application/json", 400),
        ("{" + " " * 70_000 + "}", "application/json", 413),
        ("name=" + "x" * 70_000, "application/x-www-form-urlencoded", 413),
        ("<a/>", "application/xml", 415),
        ("name=Ada", "text/plain", 415),
        ("", "", 415),
        ("nonsense", "multipart/form-data; boundary=x", 422),
        ("nonsense", "multipart/form-data", 400),
        ("&".join(f"f{n}=1" for n in range(1500)), "application/x-www-form-urlencoded", 400),
    ],
)
def test_bodies_that_are_none(anonymous, form, body, kind, status):
    response = anonymous.post("/f/contact/", body, content_type=kind)
    assert response.status_code == status
    assert not Submission.objects.exists()


def test_files_are_not_accepted(anonymous, form):
    response = anonymous.post("/f/contact/", {**ENTRY, "cv": SimpleUploadedFile("cv.pdf", b"x")}, headers={"accept": "application/json"})
    assert (response.status_code, list(response.json()["errors"])) == (422, ["cv"])


def test_nul_bytes_and_broken_characters_are_taken_out(anonymous, form):
    assert post_json(anonymous, '{"name": "A\\u0000da", "email": "ada@engine.example", "x\\u0000": "\\ud800", "message": "\\udfff ok"}').status_code == 201
    submission = Submission.objects.get()
    assert (submission.state, submission.lead.first_name, submission.data["x"]) == (State.DONE, "Ada", "?")
    response = anonymous.post("/f/contact/", "name=A%00da&email=b%40engine.example", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 303


def test_other_methods_and_closed_or_missing_forms(anonymous, form):
    for method in ("put", "patch", "delete"):
        assert getattr(anonymous, method)("/f/contact/").status_code == 405
    assert anonymous.get("/f/nothing/").status_code == 404
    assert post_json(anonymous, ENTRY, "/f/nothing/").status_code == 404
    assert anonymous.post("/f/contact/thanks/").status_code == 405
    services.update_form(form, {"active": False}, actor=None)
    assert anonymous.get("/f/contact/").status_code == 410
    assert post_json(anonymous, ENTRY).status_code == 410
    assert not Submission.objects.exists()


def test_a_failure_while_working_in_is_not_shown(anonymous, form, monkeypatch):
    monkeypatch.setattr("leads.services.intake._work_in", lambda *args: 1 / 0)
    assert post_json(anonymous, ENTRY).status_code == 201
    assert Submission.objects.get().state == State.STORED


def test_few_queries_until_the_answer(anonymous, form, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr("leads.services.process_submission", lambda pk: True)
    with django_assert_max_num_queries(10):  # two of them once per process, two are the savepoint of the test
        assert post_json(anonymous, ENTRY).status_code == 201


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
names = st.sampled_from(["name", "email", "company", "phone", "message", "utm_source", "referrer", STAMP, TRAP]) | st.text(max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(names, json_values, max_size=8))
def test_any_json_gets_an_answer(anonymous, form, data):
    response = post_json(anonymous, json.dumps(data))
    assert response.status_code in (201, 400, 422)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain", "x"]),
)
def test_any_bytes_get_an_answer(anonymous, form, body, kind):
    response = anonymous.post("/f/contact/", body, content_type=kind)
    assert response.status_code in (201, 303, 400, 415, 422)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.fixed_dictionaries({name: st.text(max_size=120) for name in ("name", "company", "phone", "message", "utm_source")}), email=st.emails())
def test_whatever_is_taken_is_worked_in(anonymous, form, data, email):
    Submission.objects.all().delete()
    if post_json(anonymous, {**data, "email": email}).status_code == 201:
        submission = Submission.objects.latest("pk")
        assert submission.state == State.DONE, submission.error
