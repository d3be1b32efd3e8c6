"""Leads, the web forms that bring them, and the rules that assign them."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.access import GrantPolicy, RecordQuerySet
from crm.core.audit import audited
from crm.core.models import COLORS, Record, record_indexes
from crm.core.text import digits


class LeadStatus(models.Model):
    """A step of working a lead. Exactly one status has kind `new`, one `converted`, at least one `disqualified`."""

    class Kind(models.TextChoices):
        NEW = "new", _("New")
        WORKING = "working", _("Being worked on")
        CONVERTED = "converted", _("Converted")
        DISQUALIFIED = "disqualified", _("Disqualified")

    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.WORKING)
    color = models.CharField(_("colour"), max_length=8, choices=COLORS, default="blue")
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["position", "pk"]
        verbose_name, verbose_name_plural = _("lead status"), _("lead statuses")
        constraints = [
            models.UniqueConstraint(Lower("name"), name="leadstatus_name_unique"),
            models.UniqueConstraint(fields=["kind"], name="leadstatus_one_new", condition=Q(kind="new")),
            models.UniqueConstraint(fields=["kind"], name="leadstatus_one_converted", condition=Q(kind="converted")),
        ]

    def __str__(self) -> str:
        return self.name


@audited("score", "email_key", "phone_key")
class Lead(Record):
    """Somebody who may become a customer, before we know."""

    brief_fields = ("first_name", "last_name", "company_name", "email", "phone")

    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    company_name = models.CharField(_("company"), max_length=200, blank=True)
    job_title = models.CharField(_("job title"), max_length=120, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    email_key = models.CharField(max_length=254, blank=True, editable=False)  # lower case
    phone = models.CharField(_("phone"), max_length=32, blank=True)  # E.164
    phone_key = models.CharField(max_length=32, blank=True, editable=False)  # digits
    website = models.CharField(_("website"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    status = models.ForeignKey(LeadStatus, on_delete=models.PROTECT, related_name="leads", verbose_name=_("status"))
    source = models.ForeignKey("core.Source", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("source"))
    score = models.SmallIntegerField(_("score"), default=0, editable=False)
    value = models.DecimalField(_("estimated value"), max_digits=18, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(0))])
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    utm_source = models.CharField(max_length=120, blank=True)
    utm_medium = models.CharField(max_length=120, blank=True)
    utm_campaign = models.CharField(max_length=120, blank=True)
    utm_term = models.CharField(max_length=120, blank=True)
    utm_content = models.CharField(max_length=120, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    disqualified_reason = models.CharField(_("reason"), max_length=200, blank=True)
    converted_at = models.DateTimeField(null=True, blank=True, editable=False)
    converted_company = models.ForeignKey("contacts.Company", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    converted_contact = models.ForeignKey("contacts.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    converted_deal = models.ForeignKey("deals.Deal", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    form = models.ForeignKey("leads.WebForm", null=True, blank=True, on_delete=models.SET_NULL, related_name="leads", editable=False)

    class Meta:
        verbose_name, verbose_name_plural = _("lead"), _("leads")
        indexes = [
            *record_indexes("lead", "score", "company_name", "value", facts=("status", "source", "score", "email", "phone")),
            # "Has no e-mail address": hardly any, and nothing else leads to them.
            models.Index(fields=["id"], name="lead_no_email", condition=Q(deleted_at__isnull=True, email="")),
            models.Index(fields=["id"], name="lead_no_phone", condition=Q(deleted_at__isnull=True, phone="")),
            models.Index(fields=["id"], name="lead_a_phone", condition=Q(deleted_at__isnull=True) & ~Q(phone="")),
            models.Index(fields=["email_key"], name="lead_email_key", condition=~Q(email_key="")),
            models.Index(fields=["phone_key"], name="lead_phone_key", condition=~Q(phone_key="")),
            models.Index(fields=["status", "created_at"], name="lead_status_created", condition=Q(deleted_at__isnull=True)),
            models.Index(  # with what the report by source counts
                fields=["source", "created_at"], include=["status", "owner", "team"], name="lead_source_created", condition=Q(deleted_at__isnull=True)
            ),
            models.Index(
                fields=["converted_deal", "id"],
                include=["created_at", "source", "owner", "team"],
                name="lead_converted",
                condition=Q(deleted_at__isnull=True, converted_deal__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="lead_has_a_name", condition=~Q(first_name="", last_name="", company_name="", email="", phone="")),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.company_name or self.email or self.phone

    def get_absolute_url(self) -> str:
        return reverse("leads:detail", args=[self.pk])

    def search_parts(self) -> list[str]:
        return [self.first_name, self.last_name, self.company_name, self.email, digits(self.phone), self.city]


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
        CHOICE = "choice", _("Choice")
        CHECKBOX = "checkbox", _("Yes or no")
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

    Kinds: `address` (key: the client's network, window: an hour), `form` (a minute) and `confirmation` (no form; key: digest of the
    recipient, window: when it was sent). Rows are swept away after a day.
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


class AssignmentRule(models.Model):
    """Who gets a new lead. Rules are tried in order; the first whose conditions all hold and that finds a present user decides."""

    class Mode(models.TextChoices):
        USER = "user", _("One user")
        ROUND_ROBIN = "round_robin", _("In turn in a team")
        LEAST_BUSY = "least_busy", _("Least busy in a team")

    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True)
    conditions = models.JSONField(default=list, blank=True)  # [{"field": "country", "op": "is", "value": "DE"}]
    mode = models.CharField(_("how"), max_length=12, choices=Mode, default=Mode.ROUND_ROBIN)
    user = models.ForeignKey("users.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("user"))
    team = models.ForeignKey("users.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("team"))
    is_fallback = models.BooleanField(default=False, editable=False)  # tried last, without conditions, may choose someone away
    last_user_id = models.BigIntegerField(null=True, editable=False)  # where the turn stands

    objects = RecordQuerySet.as_manager()
    access_policy = GrantPolicy("settings")

    class Meta:
        ordering = ["is_fallback", "position", "pk"]
        verbose_name, verbose_name_plural = _("assignment rule"), _("assignment rules")
        constraints = [
            models.CheckConstraint(
                name="assignmentrule_has_target",
                condition=Q(mode="user", user__isnull=False) | (~Q(mode="user") & Q(team__isnull=False)),
            ),
            models.UniqueConstraint(fields=["is_fallback"], name="assignmentrule_one_fallback", condition=Q(is_fallback=True)),
        ]

    def __str__(self) -> str:
        return self.name
