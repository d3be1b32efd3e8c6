"""Mails that people write to the people they work with: queued in the ledger, told on the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.html import linebreaks, urlize
from django.utils.translation import gettext as _

from activities.models import Activity
from activities.services.lines import MAX_BODY, check_may_write, write_line, write_lines
from activities.services.subjects import refresh_last_activity, subject_model, subject_name, touched
from contacts.models import Consent
from crm.core import ledger, merge
from crm.core.records import record_for
from mail.models import OutgoingMail
from mail.services import queue_mail, queue_mails, take_back

THINK = timedelta(seconds=10)  # in which a mail can still be taken back
FURTHEST = timedelta(days=366)
Purpose, Kind = OutgoingMail.Purpose, Activity.Kind


def addresses_of(obj: Any, user: Any) -> list[tuple[str, str]]:
    """(address, name) to which one can write about a record; the best first."""
    record = record_for(type(obj))
    assert record is not None
    return record.mail_to(user, obj) if record.mail_to else []


@transaction.atomic
def send_mail(obj: Any, *, to: str, subject: str, text: str, actor: Any, at: datetime | None = None) -> Activity:
    """A mail to one of the record's addresses, in ten seconds or `at` a later moment; its line on the timeline. Gaps that are left are filled.
    ValidationError by field name."""
    check_may_write(obj, actor)
    names = dict(addresses_of(obj, actor))
    if to not in names:
        raise ValidationError({"to": [_("Choose an address from the list.")]})
    subject, text = _merged(obj, subject, text, actor)
    if at is not None and not timezone.now() - timedelta(minutes=1) <= at <= timezone.now() + FURTHEST:
        raise ValidationError({"at": [_("Choose a moment within the next year.")]})
    mail = queue_mail(
        purpose=Purpose.PERSONAL, to_address=to, to_name=names[to], at=max(at or timezone.now(), timezone.now() + THINK), **_letter(subject, text, actor)
    )
    assert mail is not None
    line = write_line(**_line(mail, actor), **{subject_name(obj): obj})
    assert line is not None
    return line


def _merged(obj: Any, subject: str, text: str, actor: Any) -> tuple[str, str]:
    record: Any = record_for(type(obj))
    known, parts = merge.fields_of(record, actor), {"subject": subject.strip(), "text": text.strip()}
    for name, part in parts.items():
        if not part:
            raise ValidationError({name: [_("Write something first.")]})
        try:
            merge.check([part], known)
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from None
    (values,) = merge.values_of(record, [obj], actor, merge.names_in(*parts.values()))
    subject, text = (merge.filled(part, values) for part in parts.values())
    if len(text) > MAX_BODY:
        raise ValidationError({"text": [_("This is too long: at most 20,000 characters.")]})
    return subject, text


def _letter(subject: str, text: str, actor: Any) -> dict[str, Any]:
    """What all mails of a person have in common: their name, answers to them, and the text as html as well."""
    html = linebreaks(urlize(text, nofollow=True, autoescape=True), autoescape=False)
    return {"subject": subject, "text": text, "html": html, "user": actor, "reply_to": actor.email, "from_name": actor.name}


def _line(mail: OutgoingMail, actor: Any) -> dict[str, Any]:
    return {"kind": Kind.EMAIL, "verb": "sent", "actor": actor, "body": mail.text, "data": {"subject": mail.subject, "to": mail.to_address}, "mail": mail}


@transaction.atomic
def unsend(line: Activity, *, actor: Any) -> OutgoingMail:
    """Whoever wrote a mail takes it back while it waits; its line goes. ValidationError when it has left."""
    mail = line.mail
    if mail is None or line.actor_id != actor.pk or not take_back(mail, actor=actor):
        raise ValidationError(_("This mail has left already."), code="left")
    Activity.objects.filter(pk=line.pk).update(deleted_at=timezone.now())
    refresh_last_activity(touched([line]))
    return mail


@transaction.atomic
def mail_each(name: str, ids: Iterable[int], *, actor: Any, data: Mapping[str, Any]) -> int:
    """A mail from `data["template"]` to each of these records (`name`: their link, such as "lead"); how many were queued. Records without an address and
    people who withdrew their consent are refused by name."""
    template = data["template"]
    record: Any = record_for(subject_model(name))
    names = merge.check([template.subject, template.text], merge.fields_of(record, actor))
    rows = list(record.model.objects.visible_to(actor).filter(pk__in=list(ids)).order_by("pk"))
    gone = _opted_out(rows) if name == "contact" else set()
    going = []
    for row in rows:
        if not row.email:
            ledger.refuse(row.pk, _("There is no e-mail address."))
        elif row.pk in gone:
            ledger.refuse(row.pk, _("Does not want mails: the consent was withdrawn."))
        else:
            going.append(row)
    letters = []
    for row, values in zip(going, merge.values_of(record, going, actor, names), strict=True):
        subject, text = merge.filled(template.subject, values), merge.filled(template.text, values)
        letters.append({"purpose": Purpose.BULK, "to_address": row.email, "to_name": str(row), **_letter(subject, text, actor)})
    mails = queue_mails(letters)
    write_lines([{**_line(mail, actor), name: row} for mail, row in zip(mails, going, strict=True)])
    return len(mails)


def _opted_out(contacts: list[Any]) -> set[int]:
    """Who said no last time the question was asked. By the ids of rows that the sender sees."""
    latest = Consent.objects.filter(contact__in=contacts, channel=Consent.Channel.EMAIL).order_by("contact_id", "-at", "-pk").distinct("contact_id")
    return {each.contact_id for each in latest if not each.given}


def opted_out(obj: Any) -> bool:
    """Did this person withdraw the consent to e-mails?"""
    return obj._meta.model_name == "contact" and bool(_opted_out([obj]))
