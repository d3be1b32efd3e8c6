"""Web forms, their questions, what came in through them, and how often."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet


class WebForm(models.Model):
    """A form at /f/<slug>/ for our own page, an iframe, another site or a program."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    title = models.CharField(_("heading"), max_length=120, blank=True)
    intro = models.TextField(_("introduction"), max_length=2000, blank=True)
    button = models.CharField(_("button"), max_length=40, blank=True)
    thanks = models.TextField(_("thank-you text"), max_length=2000, blank=True)
    redirect_url = models.URLField(_("thank-you page elsewhere"), blank=True)
    active = models.BooleanField(_("accepts entries"), default=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    source = models.ForeignKey("core.Source", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("source"))
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("team"))
    follow_up_hours = models.PositiveSmallIntegerField(_("follow up within working hours"), default=4)
    confirm_sender = models.BooleanField(_("send a confirmation to the sender"), default=False)
    confirm_subject = models.CharField(_("confirmation subject"), max_length=150, blank=True)
    confirm_text = models.TextField(_("confirmation text"), max_length=4000, blank=True)
    allowed_origins = ArrayField(models.CharField(max_length=200), verbose_name=_("sites that may embed it"), default=list, blank=True)
    per_address_per_hour = models.PositiveIntegerField(_("entries per sender address and hour"), default=20)
    per_form_per_minute = models.PositiveIntegerField(_("entries per form and minute"), default=120)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["name"]
        verbose_name, verbose_name_plural = _("web form"), _("web forms")

    def __str__(self) -> str:
        return self.name


class FormField(models.Model):
    """One question of a web form. `target` is the lead field that its answer fills; empty: kept in the answers only."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        LONG_TEXT = "long_text", _("Long text")
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        CHOICE = "choice", _("Choice")
        SEVERAL = "several", _("Several choices")
        CHECKBOX = "checkbox", _("Yes or no")
        CONSENT = "consent", _("Consent")
        HIDDEN = "hidden", _("Hidden")

    class Target(models.TextChoices):
        NONE = "", _("Answer only")
        NAME = "name", _("Name")
        FIRST_NAME = "first_name", _("First name")
        LAST_NAME = "last_name", _("Last name")
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        COMPANY = "company_name", _("Company")
        JOB_TITLE = "job_title", _("Job title")
        WEBSITE = "website", _("Website")
        CITY = "city", _("City")
        MESSAGE = "message", _("Message")

    form = models.ForeignKey(WebForm, on_delete=models.CASCADE, related_name="fields")
    key = models.SlugField(_("field name"), max_length=40)
    label = models.CharField(_("label"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.TEXT)
    target = models.CharField(_("fills"), max_length=12, choices=Target, blank=True, default=Target.NONE)
    required = models.BooleanField(_("required"), default=False)
    choices = ArrayField(models.CharField(max_length=120), verbose_name=_("choices"), default=list, blank=True)
    help_text = models.CharField(_("help"), max_length=200, blank=True)
    consent_text = models.TextField(_("consent text"), max_length=2000, blank=True)  # what one agrees to; the label stands above it
    consent_version = models.PositiveIntegerField(default=1, editable=False)  # one more with every change of the text
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["form", "key"], name="formfield_key_once")]

    def __str__(self) -> str:
        return self.label


class Submission(models.Model):
    """What somebody sent to a form, raw, stored before anything else can fail."""

    class State(models.TextChoices):
        STORED = "stored", _("To be worked on")
        DONE = "done", _("Done")
        SPAM = "spam", _("Spam")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    form = models.ForeignKey(WebForm, on_delete=models.PROTECT, related_name="submissions", verbose_name=_("web form"))
    data = models.JSONField(default=dict)
    utm = models.JSONField(default=dict)
    consents = models.JSONField(default=list)  # [{"key", "label", "text", "version"}]: what was agreed to, in the words that stood there
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    referrer = models.CharField(max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.STORED)
    spam_reason = models.CharField(max_length=60, blank=True)
    lead = models.ForeignKey("leads.Lead", null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions")
    contact = models.ForeignKey("contacts.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    received_at = models.DateTimeField(default=timezone.now)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings", public=False)

    class Meta:
        ordering = ["-received_at", "-id"]
        verbose_name, verbose_name_plural = _("submission"), _("submissions")
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], name="submission_due", condition=Q(state="stored")),
            models.Index(fields=["form", "-received_at"], name="submission_form"),
            models.Index(fields=["state", "-received_at"], name="submission_state"),
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.received_at:%Y-%m-%d %H:%M}"


class RateBucket(models.Model):
    """How often something happened to a form in one window of time: counted in PostgreSQL, so that all processes share it.

    Kinds: `address` (key: the client's network, window: an hour), `form` (a minute), `confirmation` (no form; key: digest of the recipient, window: when
    it was sent) and `link` (no form; key: the network that opens links that lead nowhere, an hour). Rows are swept away after a day.
    """

    form = models.ForeignKey(WebForm, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=64, blank=True)
    window = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = _("rate bucket"), _("rate buckets")
        constraints = [models.UniqueConstraint(fields=["kind", "key", "form", "window"], name="ratebucket_once", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.kind} {self.window:%Y-%m-%d %H:%M} {self.count}"
