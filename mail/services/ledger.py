"""The ledger of outgoing mail: queued in the caller's transaction, sent outside of any, each once (docs/decisions/mail.md).

A mail goes queued -> sending (claimed, with a lease) -> sent. A lease that ran out means that a process died: a transport with an accept
log is asked; a bare SMTP server can't be, so a one-to-one mail goes out once more with the same Message-ID and a mark, bulk mail waits for a person.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import takewhile
from operator import or_
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.context import hooks
from crm.core.events import emit
from mail.events import MailFailed, MailSent
from mail.models import OutgoingMail
from mail.services import transport as transports
from mail.services.letters import build, sender_of
from mail.services.transport import Later, Letter, Refused, SendingError, Transport, Uncertain, Unreachable
from users.selectors import organisation

log = logging.getLogger(__name__)

State, Purpose = OutgoingMail.State, OutgoingMail.Purpose
LEASE = timedelta(seconds=45)
ROUND_SECONDS = 12.0
BREAKER = 3  # connections that fail in a row before a round gives up
MINUTE, HOUR = 60, 3600
# Waits after the first, second, ... try that the server put off; three days in all.
WAITS = (30, 2 * MINUTE, 8 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, *[12 * HOUR] * 5)
TOLD = (Purpose.CONFIRMATION, Purpose.PERSONAL)


# ---- queueing ----


def queue_mail(
    *,
    purpose: str,
    to_address: str,
    subject: str,
    text: str,
    html: str = "",
    to_name: str = "",
    user: Any = None,
    key: str | None = None,
    reply_to: str = "",
    headers: dict[str, str] | None = None,
    from_name: str = "",
    at: datetime | None = None,
    calendar: str = "",
    unsubscribe: str = "",
    weight: int = 0,
    is_private: bool = False,
) -> OutgoingMail | None:
    """Queue one mail with the caller's transaction, to leave now or `at` a later moment. None when `key` was queued before. ValidationError for a
    bad address. `calendar`: an iCalendar object that says its METHOD. `unsubscribe`: the token of the recipient's link, which makes it marketing.
    `weight`: bytes of the files that the hook "enclosures" will give. `is_private`: who looks through the ledger does not read it."""
    row = {"purpose": purpose, "to_address": to_address, "subject": subject, "text": text, "html": html, "to_name": to_name, "calendar": calendar}
    row |= {"user": user, "key": key, "reply_to": reply_to, "headers": headers or {}, "from_name": from_name, "at": at}
    queued = queue_mails([{**row, "unsubscribe": unsubscribe, "weight": weight, "is_private": is_private}])
    return queued[0] if queued else None


def queue_mails(rows: Sequence[dict[str, Any]]) -> list[OutgoingMail]:
    """Queue many mails (keyword arguments of queue_mail as dicts); those whose key was queued before are missing from the answer."""
    if not connection.in_atomic_block:
        raise RuntimeError("mail queued outside a transaction could leave without the change it tells of")
    mails = [_new_mail(row) for row in rows]
    if not any(mail.key for mail in mails):
        OutgoingMail.objects.bulk_create(mails, batch_size=1000)
    else:
        OutgoingMail.objects.bulk_create(mails, batch_size=1000, ignore_conflicts=True)
        mails = list(OutgoingMail.objects.filter(uuid__in=[mail.uuid for mail in mails]).order_by("pk"))
    if mails:
        ring()
    return mails


def _new_mail(row: dict[str, Any]) -> OutgoingMail:
    address = row["to_address"].strip()
    if len(address) > 254:
        raise ValidationError(_("This e-mail address is too long."), code="address")
    validate_email(address)
    number = uuid.uuid4()
    return OutgoingMail(
        uuid=number,
        message_id=f"<{number}@{urlsplit(settings.BASE_URL).hostname or 'localhost'}>",
        purpose=row["purpose"],
        key=row.get("key"),
        to_address=address,
        to_name=_one_line(row.get("to_name") or "")[:120],
        reply_to=row.get("reply_to") or "",
        subject=_one_line(row["subject"])[:250],
        text=row["text"].replace("\x00", ""),
        html=(row.get("html") or "").replace("\x00", ""),
        calendar=(row.get("calendar") or "").replace("\x00", ""),
        headers={name: _one_line(value) for name, value in (row.get("headers") or {}).items()},
        user=row.get("user"),
        from_name=_one_line(row.get("from_name") or "")[:120],
        next_attempt_at=row.get("at") or timezone.now(),
        unsubscribe=row.get("unsubscribe") or "",
        weight=row.get("weight") or 0,
        is_private=bool(row.get("is_private")),
    )


def conceal_mails(prefixes: Sequence[str], *, keys: Sequence[str] = ()) -> None:
    """Mails whose keys begin so, or are these, have become private."""
    named = reduce(or_, (Q(key__startswith=prefix) for prefix in prefixes), Q(key__in=list(keys)))
    OutgoingMail.objects.filter(named, is_private=False).update(is_private=True)


def _one_line(value: str) -> str:
    """Header values without line breaks: nobody adds a recipient through a name or a subject."""
    return " ".join(str(value).replace("\x00", " ").split())


def render_mail(template: str, context: dict[str, Any], *, language: str) -> dict[str, str]:
    """Subject, text and html of `templates/emails/<template>.{subject.txt,txt,html}` in a language."""
    with translation.override(language):
        values = {"organisation_name": organisation().name, "base_url": settings.BASE_URL, "language": language, **context}
        parts = {"subject": "subject.txt", "text": "txt", "html": "html"}
        found = {part: render_to_string(f"emails/{template}.{ending}", values).strip() for part, ending in parts.items()}
    return {**found, "subject": _one_line(found["subject"])}


def queue_template(template: str, context: dict[str, Any], *, language: str, **options: Any) -> OutgoingMail | None:
    """Render a mail and queue it; `options` are those of queue_mail."""
    return queue_mail(**render_mail(template, context, language=language), **options)


def ring() -> None:
    """Wake a worker after the commit, once per transaction. Latency only: the sweep sends it anyway."""
    callbacks = transaction.get_connection().run_on_commit
    if not any(callback is _ring_now for _sids, callback, _robust in callbacks):
        transaction.on_commit(_ring_now, robust=True)


def _ring_now() -> None:
    try:
        current_app.send_task("mail.tasks.send_due", queue="mail", expires=60, ignore_result=True)
    except Exception as error:  # no broker, or one that is silent: the sweep comes by
        log.warning("the mail worker was not rung", extra={"reason": repr(error)[:200]})


# ---- sending ----


def send_due(seconds: float = ROUND_SECONDS, *, transport: Transport | None = None) -> int:
    """Send what is due until nothing is left, the time is up or the server is away; how many left."""
    transport = transport or transports.configured()
    end, failures, sent = timezone.now() + timedelta(seconds=seconds), 0, 0
    try:
        reconcile(transport)
        while failures < BREAKER and timezone.now() < end:
            unreachable = _open(transport)
            mails = claim(1 if unreachable else transport.batch)
            if not mails:
                break
            if unreachable is not None:
                _put_off(mails[0], unreachable)
                failures += 1
                continue
            left, reached = _send(mails, transport)
            failures, sent = (0 if reached else failures + 1), sent + left
    finally:
        transport.close()
    return sent


def _open(transport: Transport) -> Unreachable | None:
    """Connect before a mail is claimed, so that the lease pays for the mail alone."""
    try:
        transport.open()
    except Unreachable as error:
        return error
    return None


def claim(limit: int) -> list[OutgoingMail]:
    """Take up to `limit` due mails: counted, leased and committed before anything leaves."""
    at = timezone.now()
    with transaction.atomic():
        due = OutgoingMail.objects.filter(state=State.QUEUED, next_attempt_at__lte=at).order_by("next_attempt_at", "pk")
        mails = _load(list(due.select_for_update(skip_locked=True)[:limit]))
        OutgoingMail.objects.filter(pk__in=[mail.pk for mail in mails]).update(state=State.SENDING, attempts=F("attempts") + 1, lease_until=at + LEASE)
    for mail in mails:
        mail.state, mail.attempts, mail.lease_until = State.SENDING, mail.attempts + 1, at + LEASE
    return sorted(mails, key=lambda mail: mail.pk)


def _load(mails: list[OutgoingMail]) -> list[OutgoingMail]:
    """What is sent together: a mail with files goes alone, because it is held in memory."""
    return list(takewhile(lambda mail: not mail.weight, mails)) or mails[:1]


def _send(mails: list[OutgoingMail], transport: Transport) -> tuple[int, bool]:
    """Hand over freshly claimed mails: (how many left, whether the server answered)."""
    mails = _still_wanted(mails)
    letters = {mail.pk: letter for mail in mails if (letter := _letter(mail)) is not None}
    going = [mail for mail in mails if mail.pk in letters]
    try:
        answers = transport.deliver([letters[mail.pk] for mail in going])
    except Exception as error:  # such as the worker's time limit in the middle of a send
        for mail in going:
            _doubt(mail, transport, repr(error))
        raise
    _record_sent([mail for mail, answer in zip(going, answers, strict=True) if answer is None])
    for mail, answer in zip(going, answers, strict=True):
        if answer is not None:
            _record_error(mail, transport, answer)
    return answers.count(None), not any(isinstance(answer, Unreachable) for answer in answers)


def _still_wanted(mails: list[OutgoingMail]) -> list[OutgoingMail]:
    """Without marketing to people who have opted out since it was queued: that fails."""
    marketing = [mail for mail in mails if mail.unsubscribe]
    unwanted = {pk for unsubscribed in hooks("unsubscribed") for pk in unsubscribed(marketing)} if marketing else set()
    with translation.override(organisation().language):
        for mail in marketing:
            if mail.pk in unwanted:
                _fail(mail, _("Does not want mails: the consent was withdrawn."))
    return [mail for mail in mails if mail.pk not in unwanted]


def _letter(mail: OutgoingMail) -> Letter | None:
    """The mail ready to go; one that can't be written fails and does not stop the others."""
    try:
        content = build(mail).as_bytes()
        sender, recipient = (transports.envelope_address(address) for address in (sender_of(mail)[0], mail.to_address))
    except Later as error:
        _put_off(mail, error)
        return None
    except Refused as error:
        _fail(mail, str(error))
        return None
    except Exception as error:
        log.exception("mail can not be written", extra={"mail": mail.pk})
        _fail(mail, repr(error))
        return None
    return Letter(mail.message_id, sender, recipient, content)


def _mark(mail: OutgoingMail, **changes: Any) -> bool:
    """Write the outcome if the claim is still ours."""
    changes.setdefault("lease_until", None)
    ours = OutgoingMail.objects.filter(pk=mail.pk, state=State.SENDING, lease_until=mail.lease_until).update(**changes)
    for name, value in changes.items():
        setattr(mail, name, value)
    return bool(ours)


def _fail(mail: OutgoingMail, reason: str) -> None:
    """It will not leave by itself; a person who wrote it hears of it."""
    with transaction.atomic():
        if _mark(mail, state=State.FAILED, error=reason) and mail.purpose == Purpose.PERSONAL:
            emit(MailFailed(subject_ids=(mail.pk,), actor_id=mail.user_id))


def _record_sent(mails: list[OutgoingMail]) -> None:
    """Mark what left, at once: one statement for the mails of one claim."""
    if not mails:
        return
    at = timezone.now()
    with transaction.atomic():
        ours = OutgoingMail.objects.filter(pk__in=[mail.pk for mail in mails], state=State.SENDING, lease_until=mails[0].lease_until)
        ours.update(state=State.SENT, sent_at=at, error="", lease_until=None)
        for mail in mails:
            if mail.purpose in TOLD:
                emit(MailSent(subject_ids=(mail.pk,), actor_id=mail.user_id, key=mail.key or ""))


def _record_error(mail: OutgoingMail, transport: Transport, error: SendingError) -> None:
    match error:
        case Uncertain():
            _doubt(mail, transport, str(error))
        case Refused():
            _fail(mail, str(error))
        case Later() | Unreachable():
            _put_off(mail, error)


def _put_off(mail: OutgoingMail, error: SendingError) -> None:
    """Try again later, for three days."""
    if mail.attempts > len(WAITS):
        _fail(mail, str(error))
        return
    wait = timedelta(seconds=WAITS[mail.attempts - 1])
    _mark(mail, state=State.QUEUED, next_attempt_at=timezone.now() + wait, error=str(error))


def _doubt(mail: OutgoingMail, transport: Transport, reason: str) -> bool:
    """Nobody knows whether the server has it: ask the log, else send once more with a mark, else ask a person."""
    if transport.has_log:
        if transport.accepted(mail.message_id):
            _record_sent([mail])
            return True
        return _mark(mail, state=State.QUEUED, next_attempt_at=timezone.now(), error=reason)
    if mail.purpose == Purpose.BULK or mail.resends >= 1:
        log.error("mail is uncertain", extra={"mail": mail.pk})
        return _mark(mail, state=State.UNCERTAIN, error=reason)
    return _mark(mail, state=State.QUEUED, resends=mail.resends + 1, next_attempt_at=timezone.now(), error=reason)


def reconcile(transport: Transport | None = None) -> int:
    """Settle claims whose process died (the lease ran out); how many."""
    transport = transport or transports.configured()
    at, settled = timezone.now(), 0
    lost = OutgoingMail.objects.filter(state=State.SENDING, lease_until__lte=at).order_by("pk")
    for mail in lost[:1000]:
        settled += _doubt(mail, transport, "The process ended while this mail was being sent.")
    return settled


# ---- care ----


@transaction.atomic
def retry(ids: Iterable[int]) -> int:
    """A person sends again what failed, is uncertain or was held. What may have left before goes out marked as a resend."""
    rows = OutgoingMail.objects.filter(pk__in=list(ids))
    fresh = {"state": State.QUEUED, "attempts": 0, "next_attempt_at": timezone.now(), "lease_until": None}
    doubtful = rows.filter(state__in=[State.UNCERTAIN, State.HELD]).update(**fresh, resends=F("resends") + 1)
    failed = rows.filter(state=State.FAILED).update(**fresh)
    if doubtful or failed:
        ring()
    return doubtful + failed


@transaction.atomic
def take_back(mail: OutgoingMail, *, actor: Any) -> bool:
    """Whoever wrote a mail takes it back while it still waits. False: it has left, or is just leaving."""
    waiting = OutgoingMail.objects.filter(pk=mail.pk, user=actor, state=State.QUEUED, attempts=0)
    return bool(waiting.update(state=State.CANCELLED))


@transaction.atomic
def hold_unsent() -> int:
    """After a restore: what the backup held as unsent may have left since. A person decides (retry)."""
    return OutgoingMail.objects.filter(state__in=[State.QUEUED, State.SENDING]).update(state=State.HELD, lease_until=None)


def waiting() -> bool:
    """Is there a mail that is due now?"""
    return OutgoingMail.objects.filter(state=State.QUEUED, next_attempt_at__lte=timezone.now()).exists()
