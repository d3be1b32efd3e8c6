"""Writes to leads."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.services import email_key, phone_key, rules
from contacts.services.rows import each_row, tidy
from crm.core.access import any_of, arms_for
from crm.core.bin import delete_records
from crm.core.copying import update_rows
from crm.core.events import emit
from crm.core.writes import change_record, change_records, create_records, lock, user_or_none
from leads.events import LeadStatusChanged
from leads.models import Lead, LeadStatus
from leads.services.responses import respond_by
from leads.services.scoring import RuleSet, score_of, score_rules
from users.selectors import organisation

Values = dict[str, Any]
Kind = LeadStatus.Kind
_COLUMNS = {name for field in Lead._meta.concrete_fields for name in (field.name, field.attname)}
NAMES = ("first_name", "last_name", "company_name", "email", "phone")


@transaction.atomic
def create_leads(rows: Sequence[Values], *, actor: Any, timed: bool = True) -> list[Lead]:
    """Make leads, all or none. Status defaults to the new one, currency to the organisation's. `timed`: somebody waits for an answer from now on.

    ValidationError by field for one row, RowErrors for many.
    """
    status, house, rules = new_status(), organisation(), score_rules()
    prepared = each_row(rows, lambda row: _new_row(row, status, house.currency, rules))
    for row in prepared if timed else ():
        if row["status"].kind == Kind.NEW:
            row["respond_by"] = respond_by(row, actor, house)
    return create_records(Lead, prepared, actor=actor, check=check_lead)


def create_lead(values: Values, *, actor: Any) -> Lead:
    return create_leads([values], actor=actor)[0]


def _new_row(row: Values, status: LeadStatus, currency: str, rules: RuleSet) -> Values:
    values = {"currency": currency, **_checked(row)}
    if not values.get("status"):
        values["status"] = status
    draft = Lead(**{name: value for name, value in values.items() if name in _COLUMNS})
    return values | {"email_key": email_key(draft.email), "phone_key": phone_key(draft.phone), "score": score_of(draft, rules)}


def _checked(values: Values, country: str = "") -> Values:
    """Tidy values: e-mail, phone in E.164, country, tag names as tags; all errors together, by field."""
    country = str(values.get("country", country) or "").strip().upper()
    return tidy(
        values,
        {
            "email": rules.normal_email,
            "phone": lambda number: rules.normal_phone(number, country if len(country) == 2 else ""),
            "country": rules.check_country,
        },
    )


def check_lead(lead: Lead) -> None:
    """Rules across fields, for every way in."""
    if not any(getattr(lead, name) for name in NAMES):
        raise ValidationError({"last_name": [_("Enter a name, a company, an e-mail address or a phone number.")]})
    kind = lead.status.kind
    if kind == Kind.CONVERTED and lead.converted_at is None:
        raise ValidationError({"status": [_("Convert the lead instead: that makes the contact and the deal.")]}, code="convert")
    if kind == Kind.DISQUALIFIED and not lead.disqualified_reason:
        raise ValidationError({"disqualified_reason": [_("Say why this lead is disqualified.")]}, code="reason")
    if lead.recycle_on is not None and kind != Kind.DISQUALIFIED:
        raise ValidationError({"recycle_on": [_("Only a disqualified lead comes back.")]}, code="recycle")


def check_recycle(day: date | None) -> None:
    """A day to come back lies ahead, on the user's calendar."""
    if day is not None and day <= timezone.localdate():
        raise ValidationError({"recycle_on": [_("Choose a day after today.")]}, code="past")


def new_status() -> LeadStatus:
    return LeadStatus.objects.get(kind=Kind.NEW)


@transaction.atomic
def update_lead(lead: Lead, changes: Values, *, actor: Any, version: int | None = None) -> Lead:
    """Change some fields. A change of status follows the rules of `set_status`. StaleRecord when `version` is old."""
    changes = _checked(changes, lead.country)
    before = lock(lead)
    status = changes.get("status")
    if status is not None and status.pk != before.status_id:
        _check_move(before, status)
        if status.kind != Kind.DISQUALIFIED:
            changes |= {"disqualified_reason": "", "recycle_on": None}
    if changes.get("recycle_on") != before.recycle_on:
        check_recycle(changes.get("recycle_on"))
    after = change_record(lead, changes, actor=actor, version=version, check=check_lead)
    _keep_derived(after)
    if after.status_id != before.status_id:
        _tell_status({after.pk: before.status_id}, after.status, after.disqualified_reason, actor)
    return after


def _check_move(lead: Lead, status: LeadStatus) -> None:
    if lead.converted_at is not None:
        raise ValidationError({"status": [_("This lead is converted: its status stays.")]}, code="converted")
    if status.kind == Kind.CONVERTED:
        raise ValidationError({"status": [_("Convert the lead instead: that makes the contact and the deal.")]}, code="convert")


def _keep_derived(lead: Lead) -> None:
    """Keys and score follow the fields; they are no change that anybody made."""
    derived = {"email_key": email_key(lead.email), "phone_key": phone_key(lead.phone), "score": score_of(lead)}
    if any(getattr(lead, name) != value for name, value in derived.items()):
        Lead.objects.filter(pk=lead.pk).update(**derived)
        for name, value in derived.items():
            setattr(lead, name, value)


def _tell_status(old: dict[int, int], status: LeadStatus, reason: str, actor: Any) -> None:
    emit(
        LeadStatusChanged(
            subject_ids=tuple(old),
            actor_id=getattr(actor, "pk", None),
            status_id=status.pk,
            status=status.name,
            kind=status.kind,
            reason=reason,
            old_status_ids={str(pk): status_id for pk, status_id in old.items()},
        )
    )


def set_status(lead: Lead, status: LeadStatus, *, actor: Any, version: int | None = None, reason: str = "", recycle_on: date | None = None) -> Lead:
    """Move a lead to a status; `disqualified` needs a reason and may name the day on which the lead comes back (None: never), `converted` is reached by
    converting only, any other one reopens."""
    changes: Values = {"status": status}
    if status.kind == Kind.DISQUALIFIED:
        changes |= {"disqualified_reason": reason, "recycle_on": recycle_on}
    return update_lead(lead, changes, actor=actor, version=version)


def assign_lead(lead: Lead, owner: Any, *, actor: Any, version: int | None = None) -> Lead:
    """Give the lead to a colleague, or to nobody (None). The new owner is told by mail and in the bell."""
    return update_lead(lead, {"owner": owner}, actor=actor, version=version)


# ---- many at once ----


@transaction.atomic
def change_leads(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Set `data["changes"]` (fields without rules across fields) on leads; returns how many differ. The score follows."""
    ids = list(ids)
    changed = change_records(Lead, ids, _checked(data["changes"]), actor=actor)
    rescore(ids)
    return changed


def rescore(ids: Iterable[int]) -> None:
    """The score follows the fields; it is no change that anybody made."""
    rescore_rows(list(Lead.objects.filter(pk__in=list(ids)).order_by("pk")))


def rescore_rows(rows: Sequence[Lead]) -> int:
    """Store the score of these leads where it differs; how many did."""
    rules = score_rules()
    scores = {lead.pk: score_of(lead, rules) for lead in rows}
    differing = [lead for lead in rows if lead.score != scores[lead.pk]]
    for lead in differing:
        lead.score = scores[lead.pk]
    if differing:
        update_rows(differing, ["score"])
    return len(differing)


@transaction.atomic
def statuses_reverted(changes: dict[str, dict[str, Any]], actor_id: int | None) -> None:
    """A bulk change was undone ({lead id: {field: {"old", "new"}}}): tell the statuses that are back, and score anew."""
    moved: dict[int, dict[int, int]] = {}
    for pk, change in changes.items():
        if "status" in change:
            moved.setdefault(change["status"]["new"], {})[int(pk)] = change["status"]["old"]
    statuses, actor = LeadStatus.objects.in_bulk(moved), user_or_none(actor_id)
    for status_id, old in moved.items():
        reasons = dict(Lead.objects.filter(pk__in=old).values_list("pk", "disqualified_reason"))
        for reason in set(reasons.values()):
            _tell_status({pk: was for pk, was in old.items() if reasons.get(pk) == reason}, statuses[status_id], reason, actor)
    rescore(map(int, changes))


@transaction.atomic
def set_status_many(ids: Iterable[int], *, actor: Any, data: Values) -> int:
    """Move leads to `data["status"]` (with `data["reason"]` when they are disqualified); converted ones stay."""
    status, reason = data["status"], (data.get("reason") or "").strip()
    if status.kind == Kind.CONVERTED:
        raise ValidationError({"status": [_("Convert leads one by one: that makes the contact and the deal.")]}, code="convert")
    if status.kind == Kind.DISQUALIFIED and not reason:
        raise ValidationError({"reason": [_("Say why these leads are disqualified.")]}, code="reason")
    recycle_on = data.get("recycle_on") if status.kind == Kind.DISQUALIFIED else None
    check_recycle(recycle_on)
    rows = Lead.objects.alive().filter(pk__in=list(ids), converted_at=None).exclude(status=status)
    if actor is not None:
        rows = rows.filter(any_of(arms_for(actor, "change", Lead)))
    old = dict(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", "status_id"))
    if not old:
        return 0
    changes: Values = {"status": status, "disqualified_reason": reason if status.kind == Kind.DISQUALIFIED else "", "recycle_on": recycle_on}
    changed = change_records(Lead, old, changes, actor=actor)
    _tell_status(old, status, changes["disqualified_reason"], actor)
    return changed


def delete_leads(ids: Iterable[int], *, actor: Any, group: uuid.UUID | None = None) -> uuid.UUID:
    """Into the bin; form entries keep their link and come back with the lead."""
    return delete_records(Lead, ids, actor=actor, group=group)
