"""Mails about leads: to owners and, where a form says so, to the person who wrote. Queued with the change that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.access import viewers_of
from leads.models import Lead, Submission
from leads.services.entries import Entry
from leads.services.hooks import run_hooks
from leads.services.limits import may_confirm
from mail.models import OutgoingMail
from mail.services import queue_mail, queue_template
from users.models import User
from users.selectors import organisation

Purpose = OutgoingMail.Purpose
SHOWN = 20  # leads named in one mail
MINE = "/leads/?owner=me&sort=-created"


def tell_owner(submission: Submission, record: Any, owner: User, entry: Entry, *, known: bool) -> None:
    """The entry by mail and a line in the bell. Someone who may not see the record is told that there is one, not what it says."""
    visible = viewers_of(record).filter(pk=owner.pk).exists()
    url = record.get_absolute_url() if visible else "/tasks/"
    context = {
        "form": submission.form.name,
        "name": str(record) if visible else "",
        "known": known,
        "answers": entry.answers if visible else [],
        "utm": [(name, value) for name, value in submission.utm.items() if value] if visible else [],
        "url": f"{settings.BASE_URL}{url}",
        "owner": owner,
    }
    queue_template(
        "form_entry",
        context,
        language=owner.language,
        purpose=Purpose.NOTICE,
        to_address=owner.email,
        to_name=owner.name,
        user=owner,
        key=f"submission:{submission.uuid}:owner",
        reply_to=_reply_to(entry) if visible else "",
    )
    with translation.override(owner.language):
        text = _("New form entry: %(name)s") % {"name": record} if visible else _("New form entry")
    run_hooks("notify", user=owner, kind="assigned", text=text[:300], url=url)


def _reply_to(entry: Entry) -> str:
    return entry.values.get("email", "")


def confirm(submission: Submission, entry: Entry) -> None:
    """The form's confirmation, for known and unknown senders alike: the form's words only, so that nobody writes to strangers through it."""
    form, address = submission.form, entry.values.get("email", "")
    if not form.confirm_sender or not address or _is_ours(address) or not may_confirm(address):
        return
    with translation.override(form.language):
        subject = form.confirm_subject or _("We have received your message")
        text = form.confirm_text or _("Thank you for your message. We will get back to you soon.")
    try:
        queue_mail(
            purpose=Purpose.CONFIRMATION,
            to_address=address,
            subject=subject,
            text=f"{text}\n\n{organisation().name}",
            key=f"submission:{submission.uuid}:sender",
            headers={"Auto-Submitted": "auto-replied"},
        )
    except ValidationError:  # an address that the form took and mail does not: the entry itself is fine
        return


def _is_ours(address: str) -> bool:
    """Our own sender address would answer itself."""
    house = organisation()
    return address.lower() in {house.mail_from.lower(), house.mail_reply_to.lower(), settings.DEFAULT_FROM_EMAIL.lower()}


@transaction.atomic
def tell_new_owners(event_key: str, owners: dict[int, int], actor_id: int | None) -> None:
    """Leads changed hands: one mail and one line in the bell per new owner. `owners` maps lead id to the new owner's id.

    Nobody is told what they did themselves, nor about leads that have moved on since.
    """
    leads = Lead.objects.alive().filter(pk__in=owners).select_related("owner__role").order_by("pk")
    by_owner: dict[int, list[Lead]] = {}
    for lead in leads:
        if lead.owner_id is not None and lead.owner_id == owners[lead.pk] and lead.owner_id != actor_id and lead.owner.is_active:
            by_owner.setdefault(lead.owner_id, []).append(lead)
    actor = User.objects.filter(pk=actor_id).first() if actor_id else None
    for theirs in by_owner.values():
        _tell_new_owner(event_key, theirs, actor)


@transaction.atomic
def tell_assigned(event_key: str, given: dict[int, int], actor_id: int | None) -> None:
    """A large bulk change gave these users so many leads: one mail each, without names. Nobody is told what they did themselves."""
    actor = User.objects.filter(pk=actor_id).first() if actor_id else None
    for owner in User.objects.filter(pk__in=given, is_active=True).exclude(pk=actor_id).select_related("role"):
        with translation.override(owner.language):
            text = ngettext("%(count)s lead assigned to you", "%(count)s leads assigned to you", given[owner.pk]) % {"count": given[owner.pk]}
        _mail_new_owner(event_key, owner, text, [], given[owner.pk], MINE, actor)


def _tell_new_owner(event_key: str, leads: Sequence[Lead], actor: User | None) -> None:
    owner: Any = leads[0].owner
    url = leads[0].get_absolute_url() if len(leads) == 1 else MINE
    with translation.override(owner.language):
        if len(leads) == 1:
            text = _("Lead assigned to you: %(name)s") % {"name": leads[0]}
        else:
            text = ngettext("%(count)s lead assigned to you", "%(count)s leads assigned to you", len(leads)) % {"count": len(leads)}
    _mail_new_owner(event_key, owner, text, leads[:SHOWN], len(leads), url, actor)
    run_hooks("notify", user=owner, kind="assigned", text=text[:300], url=url)


def _mail_new_owner(event_key: str, owner: Any, text: str, named: Sequence[Lead], count: int, url: str, actor: User | None) -> None:
    context = {
        "heading": text,
        "leads": [(str(lead), lead.company_name, f"{settings.BASE_URL}{lead.get_absolute_url()}") for lead in named],
        "count": count,
        "more": count - len(named),
        "actor": actor,
        "url": f"{settings.BASE_URL}{url}",
        "owner": owner,
    }
    queue_template(
        "lead_assigned",
        context,
        language=owner.language,
        purpose=Purpose.NOTICE,
        to_address=owner.email,
        to_name=owner.name,
        user=owner,
        key=f"assigned:{event_key}:{owner.pk}",
    )
