"""Mails that leave Rapport: the ledger that makes each of them leave once."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet


class MailTemplate(models.Model):
    """A mail that people write again and again. Subject and text have gaps that the record fills (crm.core.merge)."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    subject = models.CharField(_("subject"), max_length=250)
    text = models.TextField(_("text"), max_length=20_000)
    marketing = models.BooleanField(  # then never without a way to unsubscribe, and only to people who can (docs/decisions/mail.md)
        _("marketing"), default=False, help_text=_("Adds a link to unsubscribe. Who withdrew the consent to mails gets none.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings", public=True)

    class Meta:
        ordering = ["name"]
        verbose_name, verbose_name_plural = _("mail template"), _("mail templates")

    def __str__(self) -> str:
        return self.name


class OutgoingMail(models.Model):
    """One mail to one address. `message_id` is made once and sent unchanged on every try."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNCERTAIN = "uncertain", _("Uncertain: check before sending again")
        HELD = "held", pgettext_lazy("mail", "Held")
        CANCELLED = "cancelled", _("Taken back")

    class Purpose(models.TextChoices):
        NOTICE = "notice", _("Notice")
        REMINDER = "reminder", _("Reminder")
        CONFIRMATION = "confirmation", _("Confirmation")
        ACCOUNT = "account", _("Account")
        PERSONAL = "personal", _("Personal mail")
        BULK = "bulk", _("Bulk mail")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message_id = models.CharField(max_length=255, unique=True)
    purpose = models.CharField(max_length=12, choices=Purpose)
    key = models.CharField(max_length=120, null=True, blank=True, unique=True)  # what the mail is for: queued once per key
    to_address = models.EmailField(pgettext_lazy("mail", "to"))
    to_name = models.CharField(max_length=120, blank=True)
    from_address = models.EmailField(blank=True)  # empty: the organisation's sender at the time of sending
    from_name = models.CharField(max_length=120, blank=True)
    reply_to = models.EmailField(blank=True)
    subject = models.CharField(_("subject"), max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    calendar = models.TextField(blank=True, default="", db_default="")  # an iCalendar object with its METHOD: a part of the mail, and a file with it
    headers = models.JSONField(default=dict)
    unsubscribe = models.CharField(max_length=600, blank=True, default="", db_default="")  # of marketing: the token of the recipient's link
    weight = models.PositiveIntegerField(default=0, db_default=0)  # bytes of its files, which upper apps keep (hook "enclosures")
    is_private = models.BooleanField(default=False, db_default=False)  # of the sender and the receiver alone: who sees the ledger does not read it
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")  # on whose behalf
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    resends = models.PositiveSmallIntegerField(default=0)  # tries after an uncertain one, marked in the mail's header
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("mail", public=False)

    class Meta:
        ordering = ["-id"]
        verbose_name, verbose_name_plural = _("outgoing mail"), _("outgoing mails")
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], name="outgoing_due", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="outgoing_lease", condition=Q(state="sending")),
            models.Index(fields=["state", "-id"], name="outgoing_state"),
        ]
        constraints = [models.CheckConstraint(name="outgoing_sent_at", condition=~Q(state="sent") | Q(sent_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.to_address}: {self.shown_subject}"

    @property
    def shown_subject(self) -> str:
        """The subject as the ledger shows it."""
        return gettext("Private") if self.is_private else self.subject
