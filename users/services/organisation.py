"""The organisation: first set-up, its settings, holidays, logo and mail sender."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from crm.core import dialing
from crm.core.settings_services import require_admin
from crm.core.writes import StaleRecord
from users import images, selectors
from users.grants import ADMIN
from users.models import Holiday, Organisation, User
from users.services.defaults import ensure_defaults
from users.services.people import create_user

FIELDS = (
    *("name", "currency", "time_zone", "language", "first_weekday", "fiscal_year_start"),
    *("work_days", "work_start", "work_end", "response_hours", "dial_with", "dial_target"),
)
SENDER = ("mail_from", "mail_from_name", "mail_reply_to")


class AlreadySetUp(Exception):
    """The door to the first admin is shut."""


@transaction.atomic
def set_up(*, organisation_name: str, name: str, email: str, password: str, time_zone: str, language: str) -> User:
    """Make the organisation and its first admin, once. Of two people who come at the same time one gets AlreadySetUp."""
    ensure_defaults()
    row = Organisation.objects.select_for_update().get(pk=1)
    if row.set_up_at is not None or User.objects.exists():
        raise AlreadySetUp
    row.name, row.time_zone, row.language, row.set_up_at = " ".join(organisation_name.split()), time_zone, language, timezone.now()
    row.full_clean()
    row.save()
    _forget()
    return create_user(email=email, name=name, role=ADMIN, password=password, time_zone=time_zone, language=language)


def _locked(version: int | None) -> Organisation:
    row = Organisation.objects.select_for_update().get(pk=1)
    if version is not None and version != row.version:
        raise StaleRecord(row)
    return row


def _forget() -> None:
    """Now for this transaction's own eyes, and again once others can see it."""
    selectors.forget_organisation()
    transaction.on_commit(selectors.forget_organisation)


def _save(row: Organisation) -> Organisation:
    row.full_clean()
    row.version += 1
    row.save()
    _forget()
    return row


@transaction.atomic
def update_organisation(values: Mapping[str, Any], *, actor: Any, version: int | None = None) -> Organisation:
    """Set any of FIELDS; StaleRecord when somebody else saved since `version`."""
    require_admin(actor)
    row = _locked(version)
    for name in FIELDS:
        if name in values:
            setattr(row, name, values[name])
    if row.work_start >= row.work_end:
        raise ValidationError({"work_end": _("Work must end after it starts.")}, code="order")
    row.dial_target = dialing.checked(row.dial_with, row.dial_target)
    if not row.work_days:
        raise ValidationError({"work_days": _("Choose at least one working day.")}, code="days")
    return _save(row)


@transaction.atomic
def update_mail_sender(values: Mapping[str, Any], *, actor: Any, version: int | None = None) -> Organisation:
    """Sender address, sender name and Reply-To of the mails that Rapport writes."""
    require_admin(actor)
    row = _locked(version)
    for name in SENDER:
        if name in values:
            setattr(row, name, values[name])
    if any(char in row.mail_from_name for char in "\r\n"):
        raise ValidationError({"mail_from_name": _("Write the name in one line.")}, code="line")
    return _save(row)


def set_logo(upload: Any, *, actor: Any) -> Organisation:
    """Replace the logo by an uploaded picture (None takes it away). The file is written before the row that names it."""
    require_admin(actor)
    stored = ""
    if upload is not None:
        stored = default_storage.save(f"organisation/{get_random_string(16).lower()}.webp", ContentFile(images.fitted(upload, 480, 120)))
    with transaction.atomic():
        row = _locked(None)
        old, row.logo = row.logo.name, stored
        _save(row)
        if old:
            transaction.on_commit(lambda: default_storage.delete(old), robust=True)
    return row


@transaction.atomic
def add_holiday(day: date, name: str, *, actor: Any) -> Holiday:
    """A day on which nobody works: reminders and follow-ups skip it."""
    require_admin(actor)
    _locked(None)
    if Holiday.objects.filter(day=day).exists():
        raise ValidationError({"day": _("This day is a holiday already.")}, code="taken")
    holiday = Holiday(day=day, name=" ".join(name.split()))
    holiday.full_clean()
    holiday.save()
    _forget()
    return holiday


@transaction.atomic
def remove_holiday(holiday: Holiday, *, actor: Any) -> None:
    require_admin(actor)
    Holiday.objects.filter(pk=holiday.pk).delete()
    _forget()
