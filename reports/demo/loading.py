"""Loads the demo in one transaction: through the services, then put at its time, with nothing left to be sent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone, translation

from activities.models import Activity, Notification, Reminder
from activities.services.reactions import tell_mail
from activities.services.subjects import refresh_last_activity
from contacts.models import Company, Contact
from crm.core.models import Delivery, OutboxEvent
from deals.models import Deal
from leads.models import Lead
from mail.models import OutgoingMail
from reports.demo.cast import Cast
from reports.demo.clock import Story, audit_models
from reports.demo.customers import make_companies, make_people, record_consents
from reports.demo.deals import Deals
from reports.demo.house import ZONE, furnish
from reports.demo.leads import Leads
from reports.demo.work import Work
from users.models import User
from users.selectors import request_box

RECORDS = (Company, Contact, Lead, Deal)


class DataExists(Exception):
    """The database is in use: the demo is for an empty one."""


def is_loaded() -> bool:
    """Is the demo there already?"""
    return User.objects.filter(email="admin@demo.example").exists()


@transaction.atomic
def load() -> dict[str, int]:
    """Load everything; how many rows there are of each kind."""
    if User.objects.exists() or any(model._base_manager.exists() for model in RECORDS):
        raise DataExists
    zone = ZoneInfo(ZONE)
    box = request_box.set({})  # the organisation is read once and not a thousand times
    try:
        with translation.override("en"), timezone.override(zone):
            return _tell(zone)
    finally:
        request_box.reset(box)


def _tell(zone: ZoneInfo) -> dict[str, int]:
    cast = Cast(timezone.now(), zone)
    house = furnish()
    story = Story()
    companies = make_companies(cast, house)
    people = make_people(cast, house, companies)
    story.skip()
    record_consents(cast, story, people)
    leads = Leads(cast, house, story)
    leads.run()
    deals = Deals(cast, house, story)
    deals.run(people, leads.deals)
    Work(cast, house, story).run(people, deals.alive)
    story.settle()
    _settle_rest()
    return {model._meta.label_lower: model._base_manager.count() for model in RECORDS}


def _settle_rest() -> None:
    """What follows from the times of others, and what the worker must not find."""
    now = timezone.now()
    OutgoingMail.objects.update(state=OutgoingMail.State.SENT, sent_at=F("created_at"), attempts=1)
    for mail in OutgoingMail.objects.exclude(key=None).order_by("pk"):
        tell_mail(mail.pk, mail.key)
    for model in RECORDS:
        name = model._meta.model_name
        row = model._base_manager.filter(pk=OuterRef(f"{name}_id"))
        lines = Activity.objects.filter(verb="created", kind=Activity.Kind.CHANGE, subject_type=name)
        lines.update(at=Subquery(row.values("created_at")[:1]), actor=Subquery(row.values("created_by")[:1]))
        refresh_last_activity({name: set(model._base_manager.values_list("pk", flat=True))})
        model._base_manager.update(updated_at=Coalesce("last_activity_at", "created_at"))
    for event in audit_models():
        tracked = event.pgh_tracked_model
        if tracked in RECORDS:
            created = Subquery(tracked._base_manager.filter(pk=OuterRef("pgh_obj_id")).values("created_at")[:1])
            event.objects.filter(pgh_label="insert").update(pgh_created_at=Coalesce(created, F("pgh_created_at")))
    Reminder.objects.filter(remind_at__lte=now, sent_at__isnull=True, cancelled_at__isnull=True).update(sent_at=F("remind_at"), seen_at=F("remind_at"))
    Notification.objects.filter(created_at__lt=now - timezone.timedelta(days=2)).update(read_at=F("created_at"))
    Delivery.objects.all().delete()  # the database was empty before: all of them are the story's
    OutboxEvent.objects.all().delete()
