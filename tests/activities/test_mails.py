"""Mails that people write from a record: templates, gaps, who may, once, taken back in time, and one to each of many."""

from __future__ import annotations

import email
import email.policy
import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from activities import services
from activities.models import Activity, Notification
from activities.selectors import timeline
from contacts.services import create_companies, create_contact, record_consent
from crm.core import merge, outbox
from crm.core.bulk.models import BulkJob, BulkProblem
from crm.core.records import record_for
from deals.services import create_deal
from leads.services import create_lead
from mail.models import MailTemplate, OutgoingMail
from mail.services import send_due
from mail.services.templates import create_template, update_template
from mail.services.transport import FileTransport, Refused
from tests.core.custom.fields import make_field
from tests.factories import cast, make_role, make_user

pytestmark = pytest.mark.django_db
State = OutgoingMail.State


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def ann(people):
    values = {"first_name": "Ann", "last_name": "Lee", "job_title": "Smith", "email": "ann@lee.example"}
    return create_contact(values, actor=people.owner)


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def template(**values):
    return create_template(
        {"name": "Offer", "subject": "For {{first_name|you}}", "text": "Dear {{first_name|friend}},\nyours {{my_name}}", **values}, actor=None
    )


def post(client, obj, follow=False, **values):
    url = f"/activities/{record_for(type(obj)).slug}/{obj.pk}/mail/"
    return client.post(
        url, {"to": obj.email if hasattr(obj, "email") else "", "subject": "Hello", "text": "A text", "idempotency_key": uuid.uuid4(), **values}, follow=follow
    )


def test_from_the_page_of_a_record(people, ann):
    people.owner.signature = "Olivia\nNorth"
    people.owner.save()
    chosen = template()
    client = client_of(people.owner)
    page = client.get(ann.get_absolute_url()).content.decode()
    url = f"/activities/contacts/{ann.pk}/mail/"
    assert url in page
    assert "Olivia\nNorth</textarea>" in client.get(url).content.decode()
    page = client.get(f"{url}?template={chosen.pk}").content.decode()
    assert 'value="For Ann"' in page and "Dear Ann,\nyours Olivia Owner\n\nOlivia\nNorth</textarea>" in page
    response = post(client, ann, subject="For Ann", text="Dear Ann,\n<b>this</b> & that, see https://example.com/a")
    assert response.status_code == 302
    mail = OutgoingMail.objects.get()
    assert (mail.to_address, mail.to_name, mail.from_name, mail.reply_to, mail.purpose, mail.user) == (
        "ann@lee.example", "Ann Lee", "Olivia Owner", people.owner.email, "personal", people.owner
    )  # fmt: skip
    assert "&lt;b&gt;this&lt;/b&gt; &amp; that" in mail.html and '<a href="https://example.com/a"' in mail.html
    assert timedelta(seconds=5) < mail.next_attempt_at - timezone.now() <= timedelta(seconds=10)
    line = Activity.objects.get(kind="email")
    assert (line.mail, line.actor, line.contact_id, line.data) == (mail, people.owner, ann.pk, {"subject": "For Ann", "to": "ann@lee.example"})
    page = client.get(ann.get_absolute_url()).content.decode()
    assert "wrote to ann@lee.example" in page and "Waiting" in page and "<b>this</b>" not in page
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    send_due()
    assert OutgoingMail.objects.get().state == State.SENT
    assert "Waiting" not in client.get(ann.get_absolute_url()).content.decode()
    assert "https://example.com/a" in client.get(f"/activities/mails/{line.pk}/").content.decode()


def test_a_double_click_sends_one(people, ann):
    client, key = client_of(people.owner), uuid.uuid4()
    for _time in range(2):
        assert post(client, ann, idempotency_key=key).status_code == 302
    assert OutgoingMail.objects.count() == Activity.objects.filter(kind="email").count() == 1


def test_taken_back_in_time(people, ann):
    client = client_of(people.owner)
    page = post(client, ann, follow=True).content.decode()
    line = Activity.objects.get(kind="email")
    assert f"/activities/mails/{line.pk}/take-back/" in page
    response = client.post(f"/activities/mails/{line.pk}/take-back/", follow=True)
    assert 'value="Hello"' in response.content.decode() and "A text</textarea>" in response.content.decode()
    assert OutgoingMail.objects.get().state == State.CANCELLED
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    assert send_due() == 0
    assert "wrote to" not in client.get(ann.get_absolute_url()).content.decode()
    assert client.post(f"/activities/mails/{line.pk}/take-back/").status_code == 404


def test_too_late_to_take_back(people, ann):
    client = client_of(people.owner)
    post(client, ann)
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    send_due()
    line = Activity.objects.get(kind="email")
    page = client.post(f"/activities/mails/{line.pk}/take-back/", follow=True).content.decode()
    assert "This mail has left already." in page and "wrote to" in page
    OutgoingMail.objects.update(state=State.QUEUED, attempts=1)  # put off by the server: it may be there
    with pytest.raises(ValidationError):
        services.unsend(line, actor=people.owner)


def test_only_the_writer_takes_back(people, ann):
    post(client_of(people.owner), ann)
    line = Activity.objects.get(kind="email")
    assert client_of(people.manager).get(f"/activities/mails/{line.pk}/").status_code == 200
    assert client_of(people.manager).post(f"/activities/mails/{line.pk}/take-back/").status_code == 403
    assert client_of(people.stranger).get(f"/activities/mails/{line.pk}/").status_code == 404
    assert client_of(people.stranger).post(f"/activities/mails/{line.pk}/take-back/").status_code == 404
    mail = OutgoingMail.objects.get()
    services.unsend(line, actor=people.owner)
    assert "A text" not in client_of(people.manager).get(f"/activities/contacts/{ann.pk}/mail/?draft={mail.pk}").content.decode()


def test_later(people, ann):
    client, at = client_of(people.owner), timezone.localtime(timezone.now() + timedelta(days=2), people.owner.zone).replace(second=0, microsecond=0)
    assert post(client, ann, at=at.strftime("%Y-%m-%dT%H:%M")).status_code == 302
    assert OutgoingMail.objects.get().next_attempt_at == at
    assert send_due() == 0
    for wrong in ("2019-01-01T10:00", "2099-01-01T10:00", "tomorrow", "2026-13-01T00:00"):
        assert post(client, ann, at=wrong).status_code == 422


@pytest.mark.parametrize("values", [{"to": "x@else.example"}, {"to": ""}, {"subject": ""}, {"text": " "}, {"subject": "x" * 251}, {"text": "x" * 20_001}, {"text": "{{nothing}}"}, {"text": "{{first_name"},
    {"subject": "}}"}, {"text": "a\x00b"}, {"idempotency_key": "x"}])  # fmt: skip
def test_nonsense_is_told_and_nothing_leaves(people, ann, values):
    response = post(client_of(people.owner), ann, **values)
    assert response.status_code == 422
    assert not OutgoingMail.objects.exists() and not Activity.objects.filter(kind="email").exists()


def test_nobody_adds_a_header(people, ann):
    post(client_of(people.owner), ann, subject="Hello\r\nBcc: everybody@example.com")
    assert OutgoingMail.objects.get().subject == "Hello Bcc: everybody@example.com"


def test_who_may(people, ann):
    url = f"/activities/contacts/{ann.pk}/mail/"
    assert client_of(people.stranger).get(url).status_code == client_of(people.stranger).post(url, {}).status_code == 404
    reader = make_user("reader@example.com", role=make_role("Reader", {"contacts_contact": {"view": "all"}}))
    assert client_of(reader).get(url).status_code == 403
    assert url not in client_of(reader).get(ann.get_absolute_url()).content.decode()
    assert Client().get(url).status_code == 302
    with pytest.raises(ValidationError):
        services.send_mail(ann, to=ann.email, subject="x", text="y", actor=reader)


def test_deals_leads_and_companies(people, ann):
    client = client_of(people.owner)
    deal = create_deal({"name": "Lathe", "contact": ann, "amount": "1200.5"}, actor=people.owner)
    assert post(client, deal, to="ann@lee.example", text="{{name}} for {{amount}}, {{my_email}}, {{organisation}}").status_code == 302
    assert OutgoingMail.objects.get().text.startswith("Lathe for 1,200.50, ")
    lead = create_lead({"last_name": "Kern", "email": "k@kern.example"}, actor=people.owner)
    assert post(client, lead).status_code == 302
    company = create_companies([{"name": "Kern"}], actor=people.owner)[0]
    page = client.get(f"/activities/companies/{company.pk}/mail/").content.decode()
    assert "There is no e-mail address that you may see" in page
    assert post(client, company, to="k@kern.example").status_code == 422
    task = f"/activities/tasks/{ann.pk}/mail/"
    assert client.get(task).status_code == 404
    hidden = create_contact({"last_name": "Hidden", "email": "h@hidden.example"}, actor=people.stranger)
    type(deal).objects.filter(pk=deal.pk).update(contact=hidden)
    assert "h@hidden.example" not in client.get(f"/activities/deals/{deal.pk}/mail/").content.decode()


def test_custom_fields_fill_gaps_as_far_as_the_sender_sees_them(people, ann):
    tier, secret = make_field("choice", label="Tier"), make_field("text", label="Secret", roles=[people.viewer.role_id])
    contact = create_contact({"last_name": "Fox", "email": "f@fox.example", tier.name: "001", secret.name: "hush"}, actor=people.admin)
    record = record_for("contacts")
    assert merge.values_of(record, [contact], people.admin, [tier.name, secret.name]) == [{tier.name: "Gold", secret.name: "hush"}]
    assert secret.name not in merge.fields_of(record, people.manager)
    chosen = template(text=f"Your tier: {{{{{tier.name}|none}}}}")
    page = client_of(people.manager).get(f"/activities/contacts/{contact.pk}/mail/?template={chosen.pk}").content.decode()
    assert "Your tier: Gold" in page
    hidden = template(name="Hidden", text=f"{{{{{secret.name}}}}}")
    page = client_of(people.manager).get(f"/activities/contacts/{contact.pk}/mail/?template={hidden.pk}").content.decode()
    assert "This template does not fit" in page and "hush" not in page


def test_templates_are_set_up_by_admins(people):
    client, values = client_of(people.admin), {"name": "Thanks", "subject": "Thanks, {{first_name}}", "text": "Dear {{first_name|you}}"}
    page = client.get("/settings/mail-templates/new/").content.decode()
    assert "{{job_title}}" in unescape(page)
    assert client.post("/settings/mail-templates/new/", values).status_code == 302
    row = MailTemplate.objects.get()
    for wrong in ({"text": "{{no_such}}"}, {"subject": "{{first_name"}, {"name": ""}, {"text": "x" * 20_001}):
        assert client.post("/settings/mail-templates/new/", values | {"name": "Other"} | wrong).status_code == 422
    assert client.post(f"/settings/mail-templates/{row.pk}/edit/", values | {"text": "{{email}}"}).status_code == 302
    assert client.post(f"/settings/mail-templates/{row.pk}/delete/").status_code == 302
    assert not MailTemplate.objects.exists()
    assert client_of(people.manager).get("/settings/mail-templates/").status_code == 403
    with pytest.raises(ValidationError):
        update_template(template(), {"name": "Offer", "subject": "x", "text": "{{x"}, actor=people.admin)


def test_a_template_that_is_not_there(people, ann):
    client = client_of(people.owner)
    assert client.get(f"/activities/contacts/{ann.pk}/mail/?template=999").status_code == 404
    for text in ("x", "9" * 400, "-1", ""):
        assert client.get(f"/activities/contacts/{ann.pk}/mail/?template={text}&draft={text}").status_code == 200


def test_one_to_each(people, ann):
    chosen = template()
    others = [
        create_contact({"first_name": name, "last_name": "X", "email": mail}, actor=people.owner)
        for name, mail in (("Bob", "b@b.example"), ("Cy", ""), ("Di", "d@d.example"))
    ]
    record_consent(others[2], "email", False, "asked", actor=people.owner)
    foreign = create_contact({"last_name": "Foreign", "email": "f@f.example"}, actor=people.stranger)
    ids = [ann.pk, *(each.pk for each in others), foreign.pk]
    client, asked = client_of(people.owner), {"ids": ids, "confirmed": "1", "template": chosen.pk}
    page = client.post("/contacts/bulk/mail/", asked)
    assert page.status_code == 200 and "Send to 2 recipients" in page.content.decode()
    assert not OutgoingMail.objects.exists() and not BulkJob.objects.exists()
    response = client.post("/contacts/bulk/mail/", {**asked, "seen": f"{chosen.pk}.1"})
    assert response.status_code == 302
    mails = {mail.to_address: mail for mail in OutgoingMail.objects.all()}
    assert set(mails) == {"ann@lee.example", "b@b.example"}
    assert {mail.purpose for mail in mails.values()} == {"bulk"} and mails["b@b.example"].subject == "For Bob"
    assert Activity.objects.filter(kind="email", contact__in=[ann.pk, others[0].pk]).count() == 2
    job = BulkJob.objects.get()
    assert (job.changed, job.bad, job.said) == (2, 2, "Mail template: Offer")
    assert {row.subject_id for row in BulkProblem.objects.all()} == {others[1].pk, others[2].pk}


def test_what_goes_to_many_is_signed_too(people, ann):
    people.owner.signature = "Olga <Sales> {{first_name}}"
    people.owner.save()
    chosen = template(text="Dear {{first_name}}")
    client, asked = client_of(people.owner), {"ids": [ann.pk], "confirmed": "1", "template": chosen.pk}
    assert "Dear Ann\n\nOlga &lt;Sales&gt; {{first_name}}" in client.post("/contacts/bulk/mail/", asked).content.decode()
    client.post("/contacts/bulk/mail/", {**asked, "seen": f"{chosen.pk}.1"})
    mail = OutgoingMail.objects.get()
    assert mail.text == "Dear Ann\n\nOlga <Sales> {{first_name}}" and "<Sales>" not in mail.html


def figures(page):
    return [int(number) for number in re.findall(r"<dd>(\d+)</dd>", page[page.index('id="preview"') :])][:4]


def test_the_preview_goes_from_one_recipient_to_the_next(people, ann):
    chosen = template(subject="For {{first_name|you}}, {{job_title}}", text="Dear {{first_name|friend}} <b>&,\n{{job_title}} of {{company|somewhere}}")
    bob = create_contact({"first_name": "Bob", "last_name": "Ray", "email": "b@b.example"}, actor=people.owner)
    create_contact({"first_name": "Nil", "last_name": "X"}, actor=people.owner)
    no = create_contact({"first_name": "No", "last_name": "X", "email": "n@n.example"}, actor=people.owner)
    record_consent(no, "email", False, "asked", actor=people.owner)
    client, asked = client_of(people.owner), {"all": "1", "query": "", "confirmed": "1", "template": chosen.pk}
    page = client.post("/contacts/bulk/mail/", asked).content.decode()
    assert figures(page) == [2, 1, 1, 1]
    assert "For Ann, Smith" in page and "Dear Ann &lt;b&gt;&amp;,\nSmith of somewhere" in page and "1 of 2" in page
    assert 'aria-label="Next recipient"' in page and 'aria-label="Previous recipient"' not in page
    page = client.post("/contacts/bulk/mail/", {**asked, "place": "1"}).content.decode()
    assert "For Bob, <mark>{{job_title}}</mark>" in page and "b@b.example" in page and "2 of 2" in page
    assert 'aria-label="Next recipient"' not in page and 'aria-label="Previous recipient"' in page
    for place in ("99", "-1", "x", "9" * 30, ""):
        assert client.post("/contacts/bulk/mail/", {**asked, "place": place}).status_code == 200
    assert not OutgoingMail.objects.exists()
    update_template(chosen, {"name": "Offer", "subject": "Another", "text": "Text"}, actor=people.admin)
    page = client.post("/contacts/bulk/mail/", {**asked, "seen": f"{chosen.pk}.1"})
    assert page.status_code == 422 and "has been changed meanwhile" in page.content.decode()
    assert client.post("/contacts/bulk/mail/", {**asked, "seen": f"{template(name='Other').pk}.1"}).status_code == 200  # a preview of another one
    assert not OutgoingMail.objects.exists()
    assert client.post("/contacts/bulk/mail/", {**asked, "seen": f"{chosen.pk}.2"}).status_code == 302
    assert {mail.to_address for mail in OutgoingMail.objects.all()} == {"ann@lee.example", bob.email}
    chosen.delete()
    assert client.post("/contacts/bulk/mail/", {**asked, "seen": "1.2"}).status_code == 422


def test_a_preview_of_nobody_and_of_a_template_that_does_not_fit(people, ann):
    nobody = create_contact({"last_name": "Nobody"}, actor=people.owner)
    client, asked = client_of(people.owner), {"ids": [nobody.pk], "confirmed": "1", "template": template().pk}
    page = client.post("/contacts/bulk/mail/", asked).content.decode()
    assert "None of them would get it." in page and 'name="seen"' not in page
    odd = template(name="Odd", text="{{amount}}")  # deals have one
    page = client.post("/contacts/bulk/mail/", {"ids": [ann.pk], "confirmed": "1", "template": odd.pk})
    assert page.status_code == 422 and "There is no field" in page.content.decode()


def test_a_large_round_is_previewed_by_its_first_rows(people, monkeypatch):
    monkeypatch.setattr("crm.core.bulk.views.SMALL", 2)
    for number in range(3):
        create_contact({"first_name": f"P{number}", "last_name": "X", "email": f"p{number}@x.example"}, actor=people.owner)
    page = client_of(people.owner).post("/contacts/bulk/mail/", {"all": "1", "query": "", "confirmed": "1", "template": template().pk}).content.decode()
    assert "Counted in the first 2 records." in page and figures(page) == [2, 0, 0, 0]


def test_gaps_that_nothing_fills_are_told_while_writing(people, ann):
    chosen = template(text="{{city}} {{phone|none}} {{first_name}}")
    page = client_of(people.owner).get(f"/activities/contacts/{ann.pk}/mail/?template={chosen.pk}").content.decode()
    assert "they are left empty: {{city}}" in page and "{{phone" not in page


def test_a_template_that_is_deleted_while_writing_keeps_nobody_from_sending(people, ann):
    chosen = template()
    page = client_of(people.owner).get(f"/activities/contacts/{ann.pk}/mail/?template={chosen.pk}").content.decode()
    assert f'name="template" value="{chosen.pk}"' in page
    MailTemplate.objects.all().delete()
    assert post(client_of(people.owner), ann, template=chosen.pk, marketing="False").status_code == 302
    assert OutgoingMail.objects.get().unsubscribe == ""


@pytest.mark.parametrize("text", ["x" * 10_000, "שלום עולם\n\u202eabc", "😀" * 3000, "a\u2028b\r\nc"])
def test_texts_of_all_kinds_arrive(people, ann, text, settings, tmp_path):
    assert post(client_of(people.owner), ann, subject=f"{text[:100]}", text=text).status_code == 302
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    assert send_due(transport=FileTransport(tmp_path)) == 1
    (path,) = tmp_path.glob("*.eml")
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert message.get_body(("plain",)).get_content().split() == text.split()
    assert max(map(len, path.read_bytes().splitlines())) <= 998


def test_the_writer_hears_when_a_mail_fails(people, ann):
    post(client_of(people.owner), ann)
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    send_due(transport=Refusing())
    assert OutgoingMail.objects.get().state == State.FAILED
    outbox.drain()
    told = Notification.objects.get(user=people.owner)
    line = Activity.objects.get(kind="email")
    assert "ann@lee.example" in told.text and told.url == f"/activities/mails/{line.pk}/"
    assert "no such mailbox" in client_of(people.owner).get(told.url).content.decode()


class Refusing(FileTransport):
    def __init__(self):
        super().__init__("/nowhere")

    def open(self):
        pass

    def deliver(self, letters):
        return [Refused("550 no such mailbox") for _each in letters]


def test_the_form_warns_of_withdrawn_consent(people, ann):
    client = client_of(people.owner)
    assert "withdrew the consent" not in client.get(f"/activities/contacts/{ann.pk}/mail/").content.decode()
    record_consent(ann, "email", False, "asked", actor=people.owner)
    assert "withdrew the consent" in client.get(f"/activities/contacts/{ann.pk}/mail/").content.decode()


def test_states_on_the_timeline_cost_no_statement_of_their_own(people, ann, django_assert_num_queries):
    for _time in range(3):
        services.send_mail(ann, to=ann.email, subject="x", text="y", actor=people.owner)
    OutgoingMail.objects.update(state=State.FAILED)
    timeline(people.owner, ann)
    with django_assert_num_queries(1):
        page = timeline(people.owner, ann)
    assert {line.mail_state[0] for line in page.lines if line.kind == "email"} == {"failed"}
    assert "Failed" in client_of(people.owner).get(ann.get_absolute_url()).content.decode()


@given(st.text(alphabet="{}|ab_ \n", max_size=60))
def test_any_text_is_filled_or_refused(text):
    try:
        names = merge.names_in(text)
    except ValidationError:
        return
    filled = merge.filled(text, dict.fromkeys(names, "X"))
    assert "{{" not in re.sub(r"\{(?!\{)|(?<!\})\}", "", filled)
    assert merge.filled(text, {}).count("X") == text.count("X")
