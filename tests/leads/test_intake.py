"""From a stored entry to lead, owner, task and mails: once, whatever happens in between."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import Activity, Notification, Reminder, Task
from contacts.services import create_contact
from crm.core.models import Source
from leads import services
from leads.models import Lead, Submission
from leads.services import intake
from mail.models import OutgoingMail
from tests.factories import make_team, make_user
from tests.leads.factories import enter, make_form, make_lead, make_rule, make_team_of, store

pytestmark = pytest.mark.django_db
State = Submission.State


def snapshot(obj):
    """The row as it stands, without what activities derive."""
    derived = {*obj.DERIVED}
    return {field.attname: getattr(obj, field.attname) for field in obj._meta.concrete_fields if field.name not in derived}


def mails(prefix="submission:"):
    return list(OutgoingMail.objects.filter(key__startswith=prefix).order_by("pk"))


def test_a_new_address_becomes_a_lead_with_all_that_belongs_to_it():
    team, (rep,) = make_team_of(1)
    make_rule(team=team)
    source = Source.objects.create(name="Website form", key="website form")
    form = make_form(source=source, follow_up_hours=4)
    submission = services.receive_submission(
        form,
        data={
            "name": "Ada Lovelace",
            "email": "Ada@Engine.example",
            "company": "Engine Ltd",
            "phone": "+43 662 123456",
            "message": "Hello there",
            "colour": "red",
        },
        utm={"utm_source": "news", "utm_campaign": "x" * 300, "gclid": "abc"},
        address="203.0.113.7",
        referrer="https://www.example.com/",
    )
    assert submission.state == State.STORED
    assert services.process_submission(submission.pk)
    submission.refresh_from_db()
    lead = submission.lead
    assert submission.state == State.DONE
    assert (lead.first_name, lead.last_name, lead.company_name, lead.email, lead.phone) == (
        "Ada",
        "Lovelace",
        "Engine Ltd",
        "Ada@Engine.example",
        "+43662123456",
    )
    assert (lead.source, lead.form, lead.owner, lead.team, lead.description) == (source, form, rep, team, "Hello there")
    assert (lead.utm_source, len(lead.utm_campaign), lead.status.kind) == ("news", 120, "new")
    assert lead.score > 50
    task = Task.objects.get(lead=lead)
    assert (task.owner, task.kind, task.due_at > timezone.now()) == (rep, "follow_up", True)
    assert Reminder.objects.filter(task=task, user=rep).count() == 1
    assert Activity.objects.filter(lead=lead, kind="submission", submission=submission).count() == 1
    (mail,) = mails()
    assert (mail.to_address, mail.key, mail.purpose, mail.reply_to) == (rep.email, f"submission:{submission.uuid}:owner", "notice", "Ada@Engine.example")
    assert "Hello there" in mail.text
    assert lead.get_absolute_url() in mail.text
    assert Notification.objects.filter(user=rep, kind="assigned").count() == 1
    lead.refresh_from_db()
    assert lead.next_step_at == task.due_at


def test_a_known_lead_gets_a_line_and_a_task_and_changes_in_no_field():
    rep = make_user(team=make_team())
    lead = make_lead(rep, first_name="Ada", last_name="Lovelace", email="ada@engine.example")
    before = snapshot(Lead.objects.get(pk=lead.pk))
    submission = enter(make_form(), name="Somebody Else", email="ADA@engine.example", company="Evil Ltd", phone="+43 1 5330000", message="New words")
    assert (submission.lead, submission.state) == (lead, State.DONE)
    assert snapshot(Lead.objects.get(pk=lead.pk)) == before
    assert Lead.objects.count() == 1
    assert Task.objects.get(lead=lead).owner == rep
    assert Activity.objects.filter(lead=lead, kind="submission").count() == 1
    assert [mail.to_address for mail in mails()] == [rep.email]


def test_a_known_contact_gets_a_line_and_a_task_and_changes_in_no_field():
    rep = make_user(team=make_team())
    values = {"first_name": "Ada", "last_name": "Lovelace", "emails": [{"address": "ada@engine.example"}, {"address": "old@engine.example"}]}
    contact = create_contact(values, actor=rep)
    before = snapshot(type(contact).objects.get(pk=contact.pk))
    submission = enter(make_form(), name="Other Name", email="old@engine.example", phone="+43 1 5330000")
    assert (submission.contact, submission.lead) == (contact, None)
    assert snapshot(type(contact).objects.get(pk=contact.pk)) == before
    assert contact.phones.count() == 0
    assert not Lead.objects.exists()
    assert Task.objects.get(contact=contact).owner == rep
    assert Activity.objects.filter(contact=contact, kind="submission").count() == 1


def test_a_disqualified_lead_does_not_swallow_a_new_entry():
    rep = make_user()
    old = make_lead(rep, email="ada@engine.example", status="Disqualified", disqualified_reason="No budget")
    submission = enter(make_form(), email="ada@engine.example")
    assert submission.lead != old
    assert Lead.objects.count() == 2


def test_a_converted_lead_leads_to_its_contact():
    rep = make_user(team=make_team())
    old = make_lead(rep, first_name="Ada", email="ada@engine.example")
    contact = services.convert_lead(old, actor=rep).contact
    submission = enter(make_form(), email="ada@engine.example")
    assert submission.contact == contact
    assert Lead.objects.count() == 1


def test_a_known_lead_whose_owner_has_left_goes_to_whom_the_rules_name():
    gone, (rep,) = make_user(), make_team_of(1)[1]
    make_rule(mode="user", user=rep)
    lead = make_lead(gone, email="ada@engine.example")
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    enter(make_form(), email="ada@engine.example")
    assert Task.objects.get(lead=lead).owner == rep
    lead.refresh_from_db()
    assert lead.owner == gone


def test_without_a_rule_the_lead_is_unassigned_in_the_forms_team():
    team = make_team()
    submission = enter(make_form(team=team))
    assert (submission.state, submission.lead.owner, submission.lead.team) == (State.DONE, None, team)
    assert not Task.objects.exists()
    assert not mails()


def test_a_number_of_no_country_is_kept_in_the_answers():
    submission = enter(make_form(), phone="12345")
    assert submission.state == State.DONE
    assert submission.lead.phone == "" or submission.lead.phone.startswith("+")
    assert submission.data["phone"] == "12345"


def test_confirmation_once_an_hour_with_the_forms_words_only():
    form = make_form(confirm_sender=True, confirm_subject="Thanks", confirm_text="We got it.", language="de")
    for _ in range(3):
        enter(form, name="BUY PILLS http://evil.example", email="ada@engine.example", message="http://evil.example")
    found = [mail for mail in mails() if mail.key.endswith(":sender")]
    assert [(mail.to_address, mail.subject, mail.purpose) for mail in found] == [("ada@engine.example", "Thanks", "confirmation")]
    assert "evil" not in found[0].text + found[0].html
    assert found[0].headers["Auto-Submitted"] == "auto-replied"


def test_confirmations_are_the_same_for_known_and_unknown_senders():
    rep = make_user()
    make_lead(rep, email="known@engine.example")
    form = make_form(confirm_sender=True)
    enter(form, email="known@engine.example")
    enter(form, email="unknown@engine.example")
    found = [mail for mail in mails() if mail.key.endswith(":sender")]
    assert [mail.to_address for mail in found] == ["known@engine.example", "unknown@engine.example"]
    assert found[0].text == found[1].text


def test_an_owner_who_may_not_see_the_record_learns_only_that_there_is_one():
    team, other = make_team(), make_team()
    outsider = make_user(team=other)
    make_rule(mode="user", user=outsider)
    lead = services.create_lead({"last_name": "Secret", "email": "ada@engine.example", "owner": None, "team": team}, actor=None)
    enter(make_form(), email="ada@engine.example", message="hush")
    (mail,) = mails()
    assert "hush" not in mail.text
    assert "Secret" not in mail.subject + mail.text
    assert lead.get_absolute_url() not in mail.text


def test_spam_makes_nothing_until_somebody_says_that_it_is_none():
    admin = make_user(role="admin")
    form = make_form()
    submission = services.receive_submission(form, data={"name": "Ada", "email": "ada@engine.example"}, spam_reason="honeypot")
    assert not services.process_submission(submission.pk)
    assert not Lead.objects.exists()
    assert services.not_spam(submission, actor=admin)
    submission.refresh_from_db()
    assert (submission.state, submission.lead.email) == (State.DONE, "ada@engine.example")
    assert not services.delete_submission(submission, actor=admin)
    other = services.receive_submission(form, data={"name": "Ada"}, spam_reason="honeypot")
    assert services.delete_submission(other, actor=admin)


def test_the_same_page_sent_twice_is_one_entry():
    form, token = make_form(), uuid.uuid4()
    first = services.receive_submission(form, data={"name": "Ada"}, token=token)
    assert services.receive_submission(form, data={"name": "Ada"}, token=token).pk == first.pk
    assert services.receive_submission(form, data={"name": "Ada", "message": "and more"}, token=token).pk != first.pk
    assert Submission.objects.count() == 2


def test_what_fails_leaves_nothing_and_is_swept_up(monkeypatch):
    team, _ = make_team_of(1)
    make_rule(team=team)
    submission = store(make_form())
    with monkeypatch.context() as patch:
        patch.setattr(intake.notices, "tell_owner", lambda *args, **kwargs: 1 / 0)
        assert not services.process_submission(submission.pk)
    submission.refresh_from_db()
    assert (submission.state, submission.attempts) == (State.STORED, 1)
    assert "ZeroDivisionError" in submission.error
    assert not Lead.objects.exists()
    assert not Task.objects.exists()
    assert services.sweep() == 0, "not due yet"
    Submission.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert services.sweep() == 1
    submission.refresh_from_db()
    assert (submission.state, submission.error, Lead.objects.count()) == (State.DONE, "", 1)
    assert services.sweep() == 0


def test_a_process_killed_between_storing_and_working_in_loses_nothing():
    submission = store(make_form())  # and then nobody calls process_submission
    Submission.objects.update(next_attempt_at=timezone.now())
    assert services.sweep() == 1
    submission.refresh_from_db()
    assert submission.state == State.DONE


def test_after_five_tries_it_fails_and_can_be_retried(monkeypatch):
    admin = make_user(role="admin")
    submission = store(make_form())
    with monkeypatch.context() as patch:
        patch.setattr(intake, "_work_in", lambda *args: 1 / 0)
        services.process_submission(submission.pk)
        waits = []
        for _ in range(6):
            Submission.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
            services.sweep()
            submission.refresh_from_db()
            waits.append(submission.next_attempt_at - timezone.now())
    assert (submission.state, submission.attempts) == (State.FAILED, 5)
    assert waits[2] > waits[0]
    assert services.retry_submission(submission, actor=admin)
    assert Lead.objects.count() == 1


def test_an_entry_that_kills_its_process_is_given_up_too(monkeypatch):
    submission = store(make_form())
    monkeypatch.setattr(intake, "process_submission", lambda pk: False)  # the process died: nothing was noted
    for _ in range(6):
        Submission.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
        services.sweep()
    submission.refresh_from_db()
    assert submission.state == State.FAILED
    assert "died" in submission.error


def test_due_in_working_hours_of_the_owner():
    from users.models import Organisation
    from users.selectors import organisation
    from users.working_time import add_working_hours

    team, (rep,) = make_team_of(1)
    type(rep).objects.filter(pk=rep.pk).update(time_zone="America/New_York")
    make_rule(team=team)
    Organisation.objects.update(work_days=[0, 1, 2, 3, 4])
    submission = enter(make_form(follow_up_hours=6))
    rep = type(rep).objects.get(pk=rep.pk)
    expected = add_working_hours(submission.received_at, 6, zone=rep.zone, organisation=organisation())
    assert abs(Task.objects.get().due_at - expected) < timedelta(minutes=1)


def test_answers_survive_a_change_of_the_form():
    admin = make_user(role="admin")
    form = make_form()
    submission = store(form, message="Still here")
    services.replace_fields(form, [{"key": "email", "label": "E-mail", "kind": "email", "target": "email", "required": True}], actor=admin)
    services.process_submission(submission.pk)
    submission.refresh_from_db()
    assert submission.state == State.DONE
    assert json.loads(json.dumps(submission.data))["message"] == "Still here"
