"""Marketing mails: who must not get them, and the link by which people unsubscribe (docs/decisions/mail.md).

A link names a person and has no end: it is signed, not stored. It holds the address only masked, because addresses of pages end up in logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from contacts.models import Consent, Contact, ContactEmail
from contacts.services import email_key, record_consent
from leads.models import Lead
from leads.services import record_lead_consent
from mail.models import OutgoingMail
from users.selectors import organisation

SALT = "activities.unsubscribe"
PEOPLE: dict[str, Any] = {"contact": Contact, "lead": Lead}  # who can withdraw a consent
Channel = Consent.Channel
ONE_TO_EACH = (Channel.EMAIL,)
MARKETING = (Channel.EMAIL, Channel.NEWSLETTER)


@dataclass(frozen=True)
class Recipient:
    """Where a mail goes: `kind` is the record's model name, `pk` its id."""

    kind: str
    pk: int
    address: str


def unsubscribe_token(to: Recipient) -> str:
    """The same each time."""
    return signing.Signer(salt=SALT).sign_object([to.kind, to.pk, masked(to.address)])


def masked(address: str) -> str:
    """`a***@example.com`: enough for its owner to know it by."""
    name, _at, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"


def recipient_behind(token: str) -> Recipient | None:
    """Whose link it is (the address masked); None when it is forged or cut, or the person was erased. A converted lead is its contact."""
    try:
        kind, pk, address = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    person = PEOPLE[kind]._base_manager.filter(pk=pk).first()
    if kind == "lead" and person is not None and person.converted_contact_id:
        return Recipient("contact", person.converted_contact_id, address)
    return Recipient(kind, pk, address) if person is not None else None


def withdraw(person: Recipient) -> None:
    """The person wants no mails any more. Said twice it changes nothing."""
    with translation.override(organisation().language):
        source = _("Link in a mail")
    row = PEOPLE[person.kind]._base_manager.get(pk=person.pk)
    if person.kind == "lead":
        record_lead_consent(row, Channel.EMAIL, False, source, actor=None)
    else:
        record_consent(row, Channel.EMAIL, False, source, actor=None)


def unwilling(recipients: Iterable[Recipient], channels: Sequence[str]) -> set[Recipient]:
    """Who of them wants no mails on one of these channels: the person said so, or somebody with the same address did. Three statements for any number.

    For sending only, never to be shown: it looks at people whom the sender may not see.
    """
    asked = list(recipients)
    keys = {email_key(each.address) for each in asked} - {""}
    leads = _leads(asked, keys, channels)
    emails = list(ContactEmail.objects.filter(key__in=keys).values_list("contact_id", "key"))
    people = {each.pk for each in asked if each.kind == "contact"} | {pk for pk, _key in emails} | {heir for _key, _no, heir in leads.values() if heir}
    said_no = withdrawn(people, channels)
    not_asked = {pk for pk, (_key, no, heir) in leads.items() if (heir in said_no if heir else no)}
    bad_keys = {key for pk, key in emails if pk in said_no} | {leads[pk][0] for pk in not_asked}
    refusing = {"contact": said_no, "lead": not_asked}
    return {each for each in asked if each.pk in refusing.get(each.kind, ()) or email_key(each.address) in bad_keys - {""}}


def _leads(asked: Sequence[Recipient], keys: set[str], channels: Sequence[str]) -> dict[int, tuple[str, bool, int | None]]:
    """{id: (address key, said no, contact that it became)} of the leads asked for and those with the same addresses."""
    rows = Lead._base_manager.filter(Q(pk__in={each.pk for each in asked if each.kind == "lead"}) | Q(email_key__in=keys))
    found = rows.only("pk", "email_key", "consents", "converted_contact_id")
    return {lead.pk: (lead.email_key, not lead.refused.isdisjoint(channels), lead.converted_contact_id) for lead in found}


def withdrawn(contact_ids: Iterable[int], channels: Sequence[str]) -> set[int]:
    """Contacts that said no, on one of these channels, last time the question was asked."""
    rows = Consent.objects.filter(contact__in=set(contact_ids), channel__in=channels)
    latest = rows.order_by("contact_id", "channel", "-at", "-pk").distinct("contact_id", "channel")
    return {each.contact_id for each in latest if not each.given}


def unsubscribed(mails: Sequence[OutgoingMail]) -> set[int]:
    """Which of these marketing mails must not leave, by id: asked at the moment of sending. (Hook "unsubscribed".)"""
    found = {mail.pk: recipient_behind(mail.unsubscribe) for mail in mails}
    known = {mail.pk: Recipient(to.kind, to.pk, mail.to_address) for mail in mails if (to := found[mail.pk]) is not None}
    no = unwilling(known.values(), MARKETING)
    return {mail.pk for mail in mails if mail.pk not in known or known[mail.pk] in no}  # who is erased gets nothing either


def is_unwilling(obj: Any, address: str = "", channels: Sequence[str] = ONE_TO_EACH) -> bool:
    """The same of one record."""
    return bool(unwilling([Recipient(obj._meta.model_name, obj.pk, address)], channels))
