"""The demo business: complete, in the past where it should be, with nothing left to send, once."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Q
from django.test import Client
from django.utils import timezone

from activities.models import Activity, Meeting, Reminder, Task
from contacts.models import Company, Consent, Contact
from crm.core.models import Delivery, OutboxEvent
from deals.models import Deal, StageChange
from leads.models import AssignmentRule, Lead, Submission, WebForm
from mail.models import OutgoingMail
from reports.demo.clock import STAMPS, audit_models
from tests.factories import make_user
from users.models import User

pytestmark = pytest.mark.django_db


def test_the_demo(client: Client) -> None:
    call_command("demo", stdout=StringIO())
    now = timezone.now()
    assert {model.__name__: model.objects.count() for model in (Company, Contact, Lead, Deal)} == {"Company": 60, "Contact": 200, "Lead": 80, "Deal": 60}
    assert set(User.objects.values_list("email", "role__slug")) >= {
        ("admin@demo.example", "admin"),
        ("manager@demo.example", "manager"),
        ("rep@demo.example", "rep"),
        ("rep2@demo.example", "rep"),
        ("other@demo.example", "rep"),
        ("agent@demo.example", "agent"),
    }
    manager, rep, rep2, other = (User.objects.get(email=f"{name}@demo.example") for name in ("manager", "rep", "rep2", "other"))
    assert rep.team_id == rep2.team_id != other.team_id
    assert rep.team_id in manager.team_scope
    assert other.team_id not in manager.team_scope
    assert list(WebForm.objects.get(slug="contact").fields.values_list("key", flat=True)) == ["name", "email", "company", "phone", "message"]
    assert AssignmentRule.objects.filter(is_fallback=True).count() == 1
    _times_make_sense(now)
    _nothing_waits(now)
    _work_is_there(now, rep)
    _pages_open(client)
    again = StringIO()
    call_command("demo", stdout=again)
    assert "already" in again.getvalue()
    assert Company.objects.count() == 60


def _times_make_sense(now) -> None:
    for model, columns in STAMPS:
        for column in columns:
            assert not model._base_manager.filter(**{f"{column}__gt": now}).exists(), (model, column)
    assert Lead.objects.filter(created_at__lt=now - timezone.timedelta(days=180)).count() > 5
    assert not Deal.objects.filter(Q(closed_at__lt=F("created_at")) | Q(stage_since__lt=F("created_at"))).exists()
    assert not StageChange.objects.filter(at__lt=F("deal__created_at")).exists()
    assert not Lead.objects.filter(converted_at__lt=F("created_at")).exists()
    assert Deal.objects.filter(status="won").dates("closed_at", "month").count() >= 8
    old = [model for model in audit_models() if model.pgh_tracked_model in (Company, Contact, Lead, Deal)]
    assert all(model.objects.filter(pgh_created_at__lt=now - timezone.timedelta(days=60)).exists() for model in old)


def _nothing_waits(now) -> None:
    assert not Delivery.objects.exists()
    assert not OutboxEvent.objects.exists()
    assert not OutgoingMail.objects.exclude(state="sent").exists()
    assert not Submission.objects.exclude(state="done").exists()
    assert not Reminder.objects.filter(sent_at=None, cancelled_at=None, remind_at__lte=now).exists()


def _work_is_there(now, rep: User) -> None:
    assert Task.objects.filter(owner=rep, done_at=None, due_at__lt=now).exists()
    assert Task.objects.filter(owner=rep, done_at=None, due_on=timezone.localdate(timezone=rep.zone), due_time__isnull=False).exists()
    assert Meeting.objects.filter(held_at=None, starts_at__gt=now).count() > 5
    assert Deal.objects.filter(status="open", next_step_at=None).exists()
    assert Deal.objects.filter(status="lost", lost_reason__isnull=False).count() >= 8
    assert Lead.objects.filter(owner=None).exists()
    assert Lead.objects.exclude(utm_campaign="").exists()
    assert Consent.objects.filter(given=False).exists()
    assert {"note", "call", "meeting", "task", "submission", "change"} <= set(Activity.objects.values_list("kind", flat=True))


def _pages_open(client: Client) -> None:
    for email in ("rep@demo.example", "agent@demo.example"):
        assert client.login(email=email, password="rapport-demo")
        assert client.get("/reports/").status_code == 200
    client.force_login(User.objects.get(email="manager@demo.example"))
    for slug in ("pipeline", "leads-by-source", "won-by-month", "activity-by-rep"):
        page = client.get(f"/reports/{slug}/")
        assert page.status_code == 200
        assert b'<svg role="img"' in page.content


def test_not_into_a_database_in_use() -> None:
    make_user()
    with pytest.raises(CommandError):
        call_command("demo")
