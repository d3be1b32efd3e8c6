"""Form entries: stored raw before anything else can fail, then worked in exactly once (docs/decisions/public-form.md).

An entry is `stored` by its own commit. Working it in happens in one transaction together with its change to `done`, under a lock on the
e-mail address, so that a killed process leaves either nothing or all of it; the sweep takes up what is left.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pghistory
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from contacts.models import Contact
from contacts.services import email_key
from crm.core.events import emit
from crm.core.settings_services import require_admin
from leads.events import SubmissionProcessed
from leads.models import FormField, Lead, LeadStatus, Submission, WebForm
from leads.services import assignment, entries, notices
from leads.services.hooks import run_hooks
from leads.services.leads import create_lead
from leads.services.limits import count_entry, forget_old_counts
from users.models import User
from users.selectors import organisation, request_box
from users.working_time import add_working_hours

log = logging.getLogger(__name__)

State = Submission.State
MAX_ATTEMPTS = 5
FIRST_RETRY = timedelta(seconds=5)
BATCH = 50
LOCK_SPACE = 7201  # first half of the advisory locks on e-mail addresses


# ---- storing ----


def receive_submission(
    form: WebForm,
    *,
    data: dict[str, Any],
    utm: dict[str, str] | None = None,
    consents: list[dict[str, Any]] | None = None,
    address: str | None = None,
    user_agent: str = "",
    referrer: str = "",
    spam_reason: str = "",
    token: uuid.UUID | None = None,
) -> Submission:
    """Store one entry and commit. TooMany when a limit is reached: then nothing is stored.

    The same `token` (from our own page) with the same data is the same entry sent twice, and stored once.
    """
    if token is not None:
        twin = Submission.objects.filter(uuid=token).first()
        if twin is not None and twin.form_id == form.pk and twin.data == data:
            return twin
        token = None if twin is not None else token
    submission = Submission(
        uuid=token or uuid.uuid4(),
        form=form,
        data=data,
        utm=utm or {},
        consents=consents or [],
        address=address,
        user_agent=user_agent[:300],
        referrer=referrer[:300],
        state=State.SPAM if spam_reason else State.STORED,
        spam_reason=spam_reason[:60],
        attempts=0 if spam_reason else 1,  # the try that follows in the same request
        next_attempt_at=timezone.now() + FIRST_RETRY,
    )
    try:
        with transaction.atomic():
            count_entry(form, address)
            submission.save(force_insert=True)
    except IntegrityError:  # the second half of a double click
        twin = Submission.objects.filter(uuid=submission.uuid).first()
        if twin is None:
            raise
        return twin
    return submission


# ---- working in ----


def process_submission(submission_id: int) -> bool:
    """Work one stored entry in. False when it failed, was done already, or another process has it. Never raises."""
    box = request_box.set({})  # the organisation is read once, also where no request is around it
    try:
        with transaction.atomic(), pghistory.context(user=None, submission=submission_id):
            rows = Submission.objects.select_for_update(skip_locked=True, of=("self",)).select_related("form__source", "form__team")
            submission = rows.filter(pk=submission_id, state=State.STORED).first()
            if submission is None:
                return False
            _work_in(submission)
    except Exception as error:
        log.exception("form entry failed", extra={"submission": submission_id})
        _record_failure(submission_id, error)
        return False
    finally:
        request_box.reset(box)
    return True


def _record_failure(submission_id: int, error: Exception) -> None:
    try:
        submission = Submission.objects.get(pk=submission_id)
        submission.error = repr(error).replace("\x00", "")[:2000]
        if submission.attempts >= MAX_ATTEMPTS:
            submission.state = State.FAILED
        submission.save(update_fields=["error", "state"])
    except Exception:  # no database: the lease runs out and the sweep comes back to it
        log.exception("failure of a form entry could not be noted", extra={"submission": submission_id})


def sweep(limit: int = BATCH) -> int:
    """Take up stored entries that are due, count the try first (a try that kills its process counts as well); how many were worked in."""
    forget_old_counts()
    now = timezone.now()
    with transaction.atomic():
        due = Submission.objects.filter(state=State.STORED, next_attempt_at__lte=now).select_for_update(skip_locked=True)
        found = dict(due.order_by("next_attempt_at", "pk").values_list("pk", "attempts")[:limit])
        dead = [pk for pk, attempts in found.items() if attempts >= MAX_ATTEMPTS]
        Submission.objects.filter(pk__in=dead, error="").update(error="The process died while it worked on this entry.")
        Submission.objects.filter(pk__in=dead).update(state=State.FAILED)
        for pk, attempts in found.items():
            if pk not in dead:
                wait = timedelta(seconds=min(900, 4 ** (attempts + 1)))
                Submission.objects.filter(pk=pk).update(attempts=F("attempts") + 1, next_attempt_at=now + wait)
    return sum(process_submission(pk) for pk in found if pk not in dead)


@dataclass
class Intake:
    """One entry while it is worked in."""

    submission: Submission
    entry: entries.Entry
    lead: Lead | None = None
    contact: Contact | None = None
    owner: User | None = None
    known: bool = False

    @property
    def record(self) -> Lead | Contact | None:
        return self.lead or self.contact


def _work_in(submission: Submission) -> None:
    form = submission.form
    fields = list(FormField.objects.filter(form=form))
    intake = Intake(submission, entries.read_entry(fields, submission.data))
    key = email_key(intake.entry.values.get("email", ""))
    if key:
        # Two entries with one new address, at the same moment, must not become two leads.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, key])
        _find_known(intake, key)
    if intake.record is None:
        _make_lead(intake)
    submission.lead, submission.contact = intake.lead, intake.contact
    submission.state, submission.error = State.DONE, ""
    submission.save(update_fields=["lead", "contact", "state", "error"])
    emit(
        SubmissionProcessed(
            subject_ids=(intake.lead.pk,) if intake.lead else (),
            actor_id=None,
            submission_id=submission.pk,
            lead_id=intake.lead.pk if intake.lead else None,
            contact_id=intake.contact.pk if intake.contact else None,
            owner_id=intake.owner.pk if intake.owner else None,
            known=intake.known,
        )
    )
    if intake.owner is not None:
        _follow_up(intake)
        notices.tell_owner(submission, intake.record, intake.owner, intake.entry, known=intake.known)
    notices.confirm(submission, intake.entry)


def _find_known(intake: Intake, key: str) -> None:
    """The open lead with this address, else the person: the entry is attached to it and changes none of its fields."""
    closed = (LeadStatus.Kind.CONVERTED, LeadStatus.Kind.DISQUALIFIED)
    leads = Lead.objects.alive().filter(email_key=key, converted_at=None).exclude(status__kind__in=closed)
    intake.lead = leads.select_related("owner__role", "owner__team").order_by("-created_at", "-pk").first()
    if intake.lead is None:
        people = Contact.objects.alive().filter(emails__key=key).select_related("owner__role", "owner__team")
        intake.contact = people.order_by(F("last_activity_at").desc(nulls_last=True), "pk").first()
    if intake.record is None:
        return
    intake.known = True
    owner = intake.record.owner
    if owner is None or not owner.is_active:  # somebody has to answer: the rules say who, the record stays as it is
        owner = assignment.choose_owner(_facts(intake.record, intake))
    intake.owner = owner


def _facts(lead: Any, intake: Intake) -> dict[str, str]:
    form = intake.submission.form
    return assignment.facts_of(lead, source=form.source.name if form.source else "", form=form.name)


def _make_lead(intake: Intake) -> None:
    submission, form = intake.submission, intake.submission.form
    values = {
        **entries.lead_values(intake.entry),
        **{name: submission.utm.get(name, "")[:120] for name in entries.LEAD_UTM},
        "source": form.source,
        "form": form,
    }
    intake.owner = assignment.choose_owner(_facts(values, intake))
    values["owner"] = intake.owner
    if intake.owner is None or intake.owner.team_id is None:
        values["team"] = form.team
    intake.lead = create_lead(values, actor=None)


def _follow_up(intake: Intake) -> None:
    """A task for the owner, due in so many of their working hours, with a reminder: the activities app makes it."""
    owner, submission = intake.owner, intake.submission
    assert owner is not None
    due_at = add_working_hours(submission.received_at, submission.form.follow_up_hours, zone=owner.zone, organisation=organisation())
    with translation.override(owner.language):
        title = _("Follow up: %(name)s") % {"name": intake.record}
    run_hooks(
        "follow_up",
        lead=intake.lead,
        contact=intake.contact,
        owner=owner,
        title=title[:200],
        due_at=due_at,
        zone=owner.time_zone,
        actor=None,
        submission=submission,
    )


# ---- what admins do with entries ----


@transaction.atomic
def _back_to_work(submission: Submission, actor: Any, *states: str) -> bool:
    require_admin(actor)
    changed = Submission.objects.filter(pk=submission.pk, state__in=states).update(
        state=State.STORED, spam_reason="", attempts=1, error="", next_attempt_at=timezone.now() + FIRST_RETRY
    )
    return bool(changed)


def not_spam(submission: Submission, *, actor: Any) -> bool:
    """Work an entry from the spam queue in as any other; False when it is none any more or failed."""
    return _back_to_work(submission, actor, State.SPAM) and process_submission(submission.pk)


def retry_submission(submission: Submission, *, actor: Any) -> bool:
    """Try a failed (or still waiting) entry again, now; False when it failed again."""
    return _back_to_work(submission, actor, State.FAILED, State.STORED) and process_submission(submission.pk)


@transaction.atomic
def delete_submission(submission: Submission, *, actor: Any) -> bool:
    """Delete an entry from the spam queue for good; others are part of a record's history and stay."""
    require_admin(actor)
    return bool(Submission.objects.filter(pk=submission.pk, state=State.SPAM).delete()[0])
