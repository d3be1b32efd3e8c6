"""What follows from events of other apps (handlers.py names which)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activities.events import TaskReopened
from activities.models import Activity, Meeting, Notification, Task
from activities.services import series_guests
from activities.services.lines import write_line, write_lines
from activities.services.next_steps import refresh_next_steps
from activities.services.notifications import notify
from activities.services.reminders import planned_minutes, set_reminders
from activities.services.repeating import make_next, withdraw_next
from activities.services.responses import refresh_responses
from activities.services.subjects import locked, touched
from crm.core.custom.definitions import field_named
from crm.core.custom.models import CustomField
from crm.core.events import RecordEvent, emit
from crm.core.ledger import remember_gone
from crm.core.records import record_for
from crm.core.writes import user_or_none
from leads.models import Submission
from leads.services.entries import read_entry
from mail.models import OutgoingMail

# Told by events of their own, or of no interest to readers of a timeline.
DEAL_MOVES = {"team", "stage", "pipeline", "status", "stage_since", "closed_at", "lost_reason", "lost_note", "probability"}
LEAD_MOVES = {"team", "status", "disqualified_reason", "converted_at", "converted_company", "converted_contact", "converted_deal"}
UNTOLD = {
    "deal": DEAL_MOVES | {"amount_home", "rate_on", "close_date_pushes"},
    "lead": LEAD_MOVES | {"score", "email_key", "phone_key"},
    "contact": {"team"},
    "company": {"team"},
}
LONG = ("description",)  # told without its text
STEP_FIELDS = {"title", "kind", "due_at", "done_at"}  # what a record's next step says of a task
TOLD_MODELS: dict[str, Any] = {"task": Task, "meeting": Meeting}


@transaction.atomic
def tell(name: str, verb: str, ids: Sequence[int], data: dict[str, Any], actor_id: int | None, at: datetime) -> None:
    """The same line on many records."""
    write_lines([{"kind": Activity.Kind.CHANGE, "verb": verb, f"{name}_id": pk, "actor_id": actor_id, "at": at, "data": data} for pk in ids])


@transaction.atomic
def tell_records(name: str, verb: str, ids: Sequence[int], changes: dict[str, Any], actor_id: int | None, at: datetime) -> None:
    """Created, changed, deleted, restored; a change without anything worth telling is left out."""
    rows = []
    for pk in ids:
        data: dict[str, Any] = {}
        if verb == "changed":
            told = {field: ({} if _is_long(field) else values) for field, values in changes.get(str(pk), {}).items() if field not in UNTOLD[name]}
            if not told:
                continue
            data = {"changes": told}
        rows.append({"kind": Activity.Kind.CHANGE, "verb": verb, f"{name}_id": pk, "actor_id": actor_id, "at": at, "data": data})
    write_lines(rows)


def _is_long(name: str) -> bool:
    custom = field_named(name)
    return name in LONG or (custom is not None and custom.kind == CustomField.Kind.LONG_TEXT)


@transaction.atomic
def tell_submission(submission_id: int, lead_id: int | None, contact_id: int | None, *, known: bool) -> None:
    """The answers of a form entry, with the labels they had."""
    submission = Submission.objects.select_related("form").filter(pk=submission_id).first()
    if submission is None:
        return
    entry = read_entry(submission.form.fields.all(), submission.data)
    write_line(
        kind=Activity.Kind.SUBMISSION,
        verb="again" if known else "received",
        at=submission.received_at,
        data={"form": submission.form.name, "answers": [[label, text[:2000]] for label, text in entry.answers]},
        submission=submission,
        **({"lead_id": lead_id} if lead_id else {"contact_id": contact_id}),
    )


@transaction.atomic
def tell_mail(mail_id: int, key: str) -> None:
    """A confirmation that went out, beside the entry that it confirms. Its key names the entry (leads.services.notices)."""
    kind, _colon, rest = key.partition(":")
    number, _colon, _receiver = rest.partition(":")
    mail = OutgoingMail.objects.filter(pk=mail_id).first()
    if kind != "submission" or mail is None or not _is_uuid(number):
        return
    submission = Submission.objects.filter(uuid=number).first()
    if submission is None or not (submission.lead_id or submission.contact_id):
        return
    subject = {"lead_id": submission.lead_id} if submission.lead_id else {"contact_id": submission.contact_id}
    write_line(kind=Activity.Kind.EMAIL, verb="confirmed", at=mail.sent_at, data={"subject": mail.subject, "to": mail.to_address}, mail=mail, **subject)


@transaction.atomic
def mails_left(mail_ids: Sequence[int]) -> None:
    """Mails have gone out: those to leads may be their first response."""
    lines = Activity.objects.filter(mail_id__in=mail_ids, verb="sent", lead__isnull=False, deleted_at__isnull=True)
    leads = list(locked("lead", lines.values_list("lead_id", flat=True)).values_list("pk", flat=True))
    refresh_responses(leads)


@transaction.atomic
def tell_failed(mail_ids: Sequence[int]) -> None:
    """Mails of people will not leave: the bell of who wrote them leads to why."""
    lines = Activity.objects.filter(mail_id__in=mail_ids, verb="sent", deleted_at__isnull=True, actor__is_active=True).select_related("actor", "mail")
    for line in lines:
        with translation.override(line.actor.language):
            text = _("Your mail to %(address)s did not leave. See why.") % {"address": line.mail.to_address}
        notify(line.actor, Notification.Kind.SYSTEM, text, reverse("activities:mail", args=[line.pk]))


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


@transaction.atomic
def bin_with(name: str, ids: Sequence[int], group: str, actor_id: int | None) -> None:
    """Tasks and meetings of deleted records go along in the same deletion group, so that they come back together."""
    at = timezone.now()
    for label, model in TOLD_MODELS.items():
        rows = model._base_manager.filter(subject_type=name, deleted_at__isnull=True, **{f"{name}_id__in": list(ids)})
        found = list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
        if found:
            model._base_manager.filter(pk__in=found).update(deleted_at=at, deleted_by_id=actor_id, deletion_group=group)
            remember_gone(f"activities.{label}", found)
            emit(RecordEvent(label=f"activities.{label}", verb="deleted", subject_ids=tuple(found), actor_id=actor_id, changes={"group": {"id": group}}))


@transaction.atomic
def after_revert(changes: dict[int, dict[str, Any]], actor_id: int | None) -> None:
    """Tasks are as they were before a bulk change: what is open again has its line taken back and its reminders planned; next steps follow."""
    rows = list(Task._base_manager.filter(pk__in=changes).select_related("owner").order_by("pk"))
    reopened = [row for row in rows if "done_at" in changes[row.pk] and row.done_at is None]
    moved = [row for row in rows if row.done_at is None and row not in reopened and {"owner", "due_at"} & changes[row.pk].keys()]
    if reopened:
        Activity.objects.filter(task__in=reopened, verb="done", deleted_at__isnull=True).update(deleted_at=timezone.now())
        emit(TaskReopened(subject_ids=tuple(row.pk for row in reopened), actor_id=actor_id))
    set_reminders(moved, planned_minutes(moved))
    set_reminders(reopened, planned_minutes(reopened, cancelled=True))
    refresh_next_steps(touched(row for row in rows if STEP_FIELDS & changes[row.pk].keys()))


@transaction.atomic
def after_completion(ids: Sequence[int], actor_id: int | None, *, told_at_end: bool) -> None:
    """Tasks are done: what repeats goes on, and who gave one to a colleague hears of it (of a large bulk change nobody does)."""
    rows = list(Task._base_manager.filter(pk__in=list(ids)).select_related("created_by", "done_by"))
    make_next(rows)
    if not told_at_end:
        _tell_creators([row for row in rows if row.created_by_id not in (None, row.owner_id, actor_id)])


def _tell_creators(rows: list[Task]) -> None:
    given: dict[Any, list[Task]] = {}
    for row in rows:
        given.setdefault(row.created_by, []).append(row)
    for creator, done in given.items():
        seen = set(Task.objects.visible_to(creator).filter(pk__in=[row.pk for row in done]).values_list("pk", flat=True))
        done = [row for row in done if row.pk in seen]
        if not done:
            continue
        with translation.override(creator.language):
            text = _("%(name)s has done your task: %(title)s") if len(done) == 1 else _("%(name)s has done %(count)s of your tasks")
            text = text % {"name": done[0].done_by or _("Somebody"), "title": done[0].title, "count": len(done)}
        notify(creator, Notification.Kind.DONE, text, done[0].get_absolute_url() if len(done) == 1 else "/tasks/?delegated=me&state=done")


@transaction.atomic
def after_reopening(ids: Sequence[int]) -> None:
    """Tasks are open again: what followed them in their series waits for them."""
    withdraw_next(Task._base_manager.filter(pk__in=list(ids)))


@transaction.atomic
def tell_given(given: dict[str, dict[str, int]], actor_id: int | None) -> None:
    """A line in the bell for who got records ({label: {user id as text: how many}}) by somebody else's bulk change."""
    actor = user_or_none(actor_id)
    for label, owners in given.items():
        record = record_for(label)
        users = get_user_model().objects.filter(pk__in=map(int, owners), is_active=True).exclude(pk=actor_id)
        for user in users if record is not None else ():
            with translation.override(user.language):
                about = {"name": actor or _("Somebody"), "count": owners[str(user.pk)], "what": record.label_plural}
                text = _("%(name)s gave you %(count)s records: %(what)s") % about
            notify(user, Notification.Kind.ASSIGNED, text, f"{record.list_url}?owner=me")


@transaction.atomic
def after_bin(name: str, ids: Sequence[int]) -> None:
    """Rows went into the bin or came out: their reminders are cancelled or planned again, their records' next steps follow."""
    model = TOLD_MODELS[name]
    done = "done_at" if model is Task else "held_at"
    rows = list(model._base_manager.filter(pk__in=list(ids)).select_related("owner"))
    gone = [row for row in rows if row.deleted_at is not None]
    back = [row for row in rows if row.deleted_at is None and getattr(row, done) is None]
    set_reminders(gone, {})
    set_reminders(back, planned_minutes(back, cancelled=True))
    refresh_next_steps(touched(rows))
    if model is Meeting:
        series_guests.after_bin([*gone, *back])
