"""What the activities app does when something has happened: write the timeline, keep tasks with their records. All run in the emitting transaction."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from activities import services
from activities.services import reactions
from crm.core.models import OutboxEvent


def record_changed(event: OutboxEvent) -> None:
    """`<record>.created|changed|deleted|restored`: a line each."""
    verb = event.name.rpartition(".")[2]
    reactions.tell_records(_name(event), verb, event.subject_ids, event.payload["changes"], event.actor_id, event.occurred_at)


def record_assigned(event: OutboxEvent) -> None:
    """`<record>.assigned`: open tasks follow the owner."""
    changes = event.payload["changes"]
    moves = {pk: (changes[str(pk)]["owner"]["old"], changes[str(pk)]["owner"]["new"]) for pk in event.subject_ids}
    services.follow_owner(_name(event), moves)


def record_deleted(event: OutboxEvent) -> None:
    """`<record>.deleted`: its tasks and meetings go into the bin with it, in the same group, and come back with it."""
    reactions.bin_with(_name(event), event.subject_ids, event.payload["changes"]["group"]["id"], event.actor_id)


def tasks_reverted(event: OutboxEvent) -> None:
    """`activities.task.reverted`: a bulk change was undone; lines, reminders and next steps follow."""
    reactions.after_revert({int(pk): change for pk, change in event.payload["changes"].items()}, event.actor_id)


def tasks_completed(event: OutboxEvent) -> None:
    """`tasks.completed`: the next ones of their series, a word to who gave them."""
    reactions.after_completion(event.subject_ids, event.actor_id, told_at_end=bool(event.payload.get("bulk")))


def tasks_reopened(event: OutboxEvent) -> None:
    """`tasks.reopened`: the next ones of their series wait."""
    reactions.after_reopening(event.subject_ids)


def bin_changed(event: OutboxEvent) -> None:
    """`activities.task|meeting.deleted|restored`: reminders and next steps follow."""
    reactions.after_bin(_name(event), event.subject_ids)


def deal_moved(event: OutboxEvent) -> None:
    """`deals.stage_changed`."""
    if event.payload["new_kind"] == "open":
        data = {"old": event.payload["old_stage"], "new": event.payload["new_stage"]}
        reactions.tell("deal", "stage", event.subject_ids, data, event.actor_id, event.occurred_at)


def deal_won(event: OutboxEvent) -> None:
    """`deals.won`."""
    reactions.tell("deal", "won", event.subject_ids, {}, event.actor_id, event.occurred_at)


def deal_lost(event: OutboxEvent) -> None:
    """`deals.lost`."""
    data = {"reason": event.payload["reason"], "note": event.payload["note"]}
    reactions.tell("deal", "lost", event.subject_ids, data, event.actor_id, event.occurred_at)


def lead_status_changed(event: OutboxEvent) -> None:
    """`leads.status_changed`."""
    data = {"new": event.payload["status"], "reason": event.payload["reason"]}
    reactions.tell("lead", "status", event.subject_ids, data, event.actor_id, event.occurred_at)


def submission_processed(event: OutboxEvent) -> None:
    """`leads.submission_processed`: what was sent stands on the timeline of the lead or contact."""
    payload: Any = event.payload
    reactions.tell_submission(payload["submission_id"], payload["lead_id"], payload["contact_id"], known=payload["known"])


def mail_sent(event: OutboxEvent) -> None:
    """`mail.sent`: the confirmation to a sender stands beside their entry; what a colleague wrote may be the first response to a lead."""
    for mail_id in event.subject_ids:
        reactions.tell_mail(mail_id, event.payload["key"])
    reactions.mails_left(event.subject_ids)


def mail_failed(event: OutboxEvent) -> None:
    """`mail.failed` (later): whoever wrote it hears of it."""
    reactions.tell_failed(event.subject_ids)


def consent_recorded(event: OutboxEvent) -> None:
    """`contacts.consent_recorded`, `leads.consent_recorded`."""
    data = {name: event.payload[name] for name in ("channel", "given", "source")}
    reactions.tell(event.subject_type.partition(".")[2], "consent", event.subject_ids, data, event.actor_id, event.occurred_at)


def export_finished(event: OutboxEvent) -> None:
    """`core.export_finished` (later): who asked for the file hears of it in the bell."""
    for user in get_user_model().objects.filter(pk__in=event.subject_ids, is_active=True):
        services.notify(user, "export", _("Your export is ready, or says why not. Open your exports."), "/exports/")


def import_finished(event: OutboxEvent) -> None:
    """`core.import_finished` (later): checked, imported, undone or failed; the page says which."""
    for user in get_user_model().objects.filter(pk__in=event.subject_ids, is_active=True):
        services.notify(user, "system", _("Your import has news. Open it."), f"/imports/{event.payload['job_id']}/")


def bulk_finished(event: OutboxEvent) -> None:
    """`core.bulk_finished` (later): done, undone, cancelled or failed; the page says which."""
    for user in get_user_model().objects.filter(pk__in=event.subject_ids, is_active=True):
        services.notify(user, "system", _("Your bulk change has news. Open it."), f"/bulk/{event.payload['job_id']}/")


def bulk_assigned(event: OutboxEvent) -> None:
    """`core.bulk_assigned` (later): one line per colleague and kind of record, however many they were given."""
    reactions.tell_given(event.payload["given"], event.actor_id)


def _name(event: OutboxEvent) -> str:
    return event.subject_type.rpartition(".")[2]
