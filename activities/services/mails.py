"""Mails that people write to the people they work with: queued in the ledger, told on the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.html import conditional_escape, linebreaks, urlize
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from activities.models import Activity
from activities.services.enclosures import chosen_files, enclose, forget_added
from activities.services.files import gone_if_it_fails, keep_files
from activities.services.lines import MAX_BODY, check_may_write, write_line, write_lines
from activities.services.marketing import MARKETING, ONE_TO_EACH, PEOPLE, Recipient, is_unwilling, unsubscribe_token, unwilling
from activities.services.subjects import refresh_last_activity, subject_model, subject_name, touched
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
def send_mail(
    obj: Any,
    *,
    to: str,
    subject: str,
    text: str,
    actor: Any,
    at: datetime | None = None,
    files: Iterable[int] = (),
    uploads: Sequence[Any] = (),
    marketing: bool = False,
) -> Activity:
    """A mail to one of the record's addresses, in ten seconds or `at` a later moment; its line on the timeline. Gaps that are left are filled.

    `files`: ids of files on the record that go along; `uploads` too, and are kept on the record. `marketing`: with a way to unsubscribe.
    ValidationError by field name.
    """
    check_may_write(obj, actor)
    names = dict(addresses_of(obj, actor))
    if to not in names:
        raise ValidationError({"to": [_("Choose an address from the list.")]})
    subject, text = _merged(obj, subject, text, actor)
    if at is not None and not timezone.now() - timedelta(minutes=1) <= at <= timezone.now() + FURTHEST:
        raise ValidationError({"at": [_("Choose a moment within the next year.")]})
    unsubscribe = _way_out(obj, to) if marketing else ""
    chosen = chosen_files(obj, files, uploads, actor)
    added = keep_files(obj, uploads, actor=actor) if uploads else []
    with gone_if_it_fails(added):
        mail = queue_mail(
            purpose=Purpose.PERSONAL,
            to_address=to,
            to_name=names[to],
            at=max(at or timezone.now(), timezone.now() + THINK),
            unsubscribe=unsubscribe,
            weight=sum(file.size for file in (*chosen, *added)),
            **_letter(subject, text, actor),
        )
        assert mail is not None
        line = write_line(**_line(mail, actor, [file.name for file in (*chosen, *added)]), **{subject_name(obj): obj})
        assert line is not None
        enclose(line, chosen, added)
    return line


def _way_out(obj: Any, to: str) -> str:
    """The token with which this recipient of marketing unsubscribes. ValidationError on `to` where nobody could, or has."""
    if obj._meta.model_name not in PEOPLE:
        raise ValidationError({"to": [_("Marketing goes to contacts and leads: they can unsubscribe.")]})
    if is_unwilling(obj, to, MARKETING):
        raise ValidationError({"to": [_("Does not want mails: the consent was withdrawn.")]})
    return unsubscribe_token(Recipient(obj._meta.model_name, obj.pk, to))


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


def signed(text: str, signature: str) -> str:
    """The text with what stands under the mails of a person."""
    return f"{text}\n\n{signature}" if signature else text


def _letter(subject: str, text: str, actor: Any) -> dict[str, Any]:
    """What all mails of a person have in common: their name, answers to them, and the text as html as well."""
    html = linebreaks(urlize(text, nofollow=True, autoescape=True), autoescape=False)
    return {"subject": subject, "text": text, "html": html, "user": actor, "reply_to": actor.email, "from_name": actor.name}


def _line(mail: OutgoingMail, actor: Any, files: Sequence[str] = ()) -> dict[str, Any]:
    data = {"subject": mail.subject, "to": mail.to_address, **({"files": list(files)} if files else {})}
    return {"kind": Kind.EMAIL, "verb": "sent", "actor": actor, "body": mail.text, "data": data, "mail": mail}


@transaction.atomic
def unsend(line: Activity, *, actor: Any) -> OutgoingMail:
    """Whoever wrote a mail takes it back while it waits; its line and the files that came with it go. ValidationError when it has left."""
    mail = line.mail
    if mail is None or line.actor_id != actor.pk or not take_back(mail, actor=actor):
        raise ValidationError(_("This mail has left already."), code="left")
    Activity.objects.filter(pk=line.pk).update(deleted_at=timezone.now())
    forget_added(line)
    refresh_last_activity(touched([line]))
    return mail


# ---- one to each of many ----


@transaction.atomic
def mail_each(name: str, ids: Iterable[int], *, actor: Any, data: Mapping[str, Any]) -> int:
    """A mail from `data["template"]` to each of these records (`name`: their link, such as "lead"); how many were queued. Records without an address and
    people who withdrew their consent are refused by name."""
    template = data["template"]
    round_ = _round(name, ids, template, actor)
    for row, reason in round_.refused:
        ledger.refuse(row.pk, reason)
    letters = []
    for row, values in zip(round_.going, round_.values, strict=True):
        subject, text = merge.filled(template.subject, values), signed(merge.filled(template.text, values), actor.signature)
        unsubscribe = unsubscribe_token(Recipient(name, row.pk, row.email)) if template.marketing else ""
        letter = {"purpose": Purpose.BULK, "to_address": row.email, "to_name": str(row), "unsubscribe": unsubscribe, **_letter(subject, text, actor)}
        letters.append(letter)
    mails = queue_mails(letters)
    write_lines([{**_line(mail, actor), name: row} for mail, row in zip(mails, round_.going, strict=True)])
    return len(mails)


@dataclass(frozen=True)
class Round:
    """Who of some records gets a mail, with what fills its gaps, and who does not: [(record, why)]."""

    going: list[Any]
    values: list[dict[str, str]]
    refused: list[tuple[Any, str]]


def _round(name: str, ids: Iterable[int], template: Any, actor: Any) -> Round:
    record: Any = record_for(subject_model(name))
    if template.marketing and name not in PEOPLE:
        raise ValidationError(_("Marketing goes to contacts and leads: they can unsubscribe."))
    names = merge.check([template.subject, template.text], merge.fields_of(record, actor))
    rows = list(record.model.objects.visible_to(actor).filter(pk__in=list(ids)).order_by("pk"))
    people = {row.pk: Recipient(name, row.pk, row.email) for row in rows}
    no = unwilling(people.values(), MARKETING if template.marketing else ONE_TO_EACH)
    refused = [(row, _("There is no e-mail address.")) for row in rows if not row.email]
    refused += [(row, _("Does not want mails: the consent was withdrawn.")) for row in rows if row.email and people[row.pk] in no]
    left_out = {row.pk for row, _why in refused}
    going = [row for row in rows if row.pk not in left_out]
    return Round(going, merge.values_of(record, going, actor, names), refused)


@dataclass(frozen=True)
class Previewed:
    """A mail as one of many will get it; gaps that nothing fills stand in it, marked."""

    to: Any
    address: str
    subject: SafeString
    text: SafeString


@dataclass(frozen=True)
class Preview:
    """What `mail_each` would do: `recipients` in order, `shown` the mail of one of them (None: nobody gets any), and how many are left out or have gaps."""

    recipients: list[Any]
    place: int
    shown: Previewed | None
    no_address: int
    opted_out: int
    with_gaps: int


def preview_each(name: str, ids: Iterable[int], place: int, *, actor: Any, template: Any) -> Preview:
    """The same mails without sending them, that of the recipient at `place` in full. ValidationError when the template does not fit these records."""
    round_ = _round(name, ids, template, actor)
    place = max(0, min(place, len(round_.going) - 1))
    gaps = sum(bool(merge.unfilled([template.subject, template.text], values)) for values in round_.values)
    shown = None
    if round_.going:
        row, values = round_.going[place], round_.values[place]
        text = SafeString(signed(merge.marked(template.text, values), conditional_escape(actor.signature)))
        shown = Previewed(row, row.email, merge.marked(template.subject, values), text)
    no_address = sum(not row.email for row, _why in round_.refused)
    return Preview(round_.going, place, shown, no_address, len(round_.refused) - no_address, gaps)
